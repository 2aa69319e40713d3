//! OpenAI's embeddings over Titan's and Cohere's.
//!
//! Source: AWS, "Amazon Titan Embeddings Text" and "Cohere Embed", read 2026-11-23; OpenAI, API reference, "Create embeddings".

use serde_json::{Value, json};

use crate::family::Family;
use crate::fields::Fields;

/// Texts of one request that Cohere takes.
const COHERE_TEXTS_MAX: usize = 96;

/// The model's body for a request, which is to be one.
pub(crate) fn body(request: Value, family: Family) -> Result<Value, String> {
    let (mut bodies, texts) = bodies(request, family)?;
    let one = bodies.pop().filter(|_| bodies.is_empty());
    one.ok_or_else(|| {
        format!("body.input has {texts} texts; the model takes {} a request: write a line for each", texts_max(family))
    })
}

const fn texts_max(family: Family) -> usize {
    if matches!(family, Family::TitanEmbed) { 1 } else { COHERE_TEXTS_MAX }
}

/// The model's bodies for a request, each with as many texts as it takes, and the number of texts.
pub(crate) fn bodies(request: Value, family: Family) -> Result<(Vec<Value>, usize), String> {
    let mut fields = Fields::of(request, "body")?;
    fields.ignore(&["model", "user"]);
    fields.only("encoding_format", &[json!("float")])?;
    let texts: Vec<String> = match fields.needed("input")? {
        Value::String(text) => vec![text],
        list => serde_json::from_value(list).map_err(|_| "body.input is neither a string nor a list of strings")?,
    };
    let dimensions = fields.count("dimensions")?;
    fields.done()?;
    if texts.is_empty() {
        return Err("body.input has no text".to_owned());
    }
    let body = |texts: &[String]| match family {
        Family::TitanEmbed => {
            let mut body = json!({ "inputText": texts[0] });
            if let Some(dimensions) = dimensions {
                body["dimensions"] = dimensions.into();
            }
            Ok(body)
        }
        Family::CohereEmbed { sized } => {
            let mut body = json!({ "texts": texts, "input_type": "search_document" });
            match dimensions {
                Some(_) if !sized => return Err("body.dimensions is not taken by this model; leave it out".to_owned()),
                Some(dimensions) => body["output_dimension"] = dimensions.into(),
                None => {}
            }
            Ok(body)
        }
        Family::Claude | Family::Nova | Family::OpenAi | Family::Other => {
            Err("the model makes no embeddings that can be carried over; Titan Text Embeddings and Cohere Embed do".to_owned())
        }
    };
    let bodies = texts.chunks(texts_max(family)).map(body).collect::<Result<Vec<_>, _>>()?;
    Ok((bodies, texts.len()))
}

/// The embeddings in an answer; `None` when it has no shape that is known.
pub(crate) fn vectors(output: &Value) -> Option<Vec<&Value>> {
    Some(match (&output["embedding"], &output["embeddings"]) {
        (Value::Array(_), _) => vec![&output["embedding"]],
        (_, Value::Array(all)) => all.iter().collect(),
        (_, by_type) => by_type["float"].as_array()?.iter().collect(),
    })
}

/// The list of embeddings in an answer; `None` when it has no shape that is known. Cohere does not say how many tokens it read:
/// then none are told.
pub(crate) fn list(output: &Value, model: &str) -> Option<Value> {
    let vectors = vectors(output)?.into_iter().cloned().collect();
    Some(list_of(vectors, model, output["inputTextTokenCount"].as_u64().unwrap_or(0)))
}

/// A list of embeddings.
pub(crate) fn list_of(vectors: Vec<Value>, model: &str, tokens: u64) -> Value {
    let one = |(index, vector): (usize, Value)| json!({ "object": "embedding", "index": index, "embedding": vector });
    json!({
        "object": "list",
        "data": vectors.into_iter().enumerate().map(one).collect::<Vec<_>>(),
        "model": model,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    })
}

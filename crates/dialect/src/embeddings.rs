//! OpenAI's embeddings over Titan's and Cohere's.
//!
//! Source: AWS, "Amazon Titan Embeddings Text" and "Cohere Embed", read 2026-11-23; OpenAI, API reference, "Create embeddings".

use serde_json::{Value, json};

use crate::family::Family;
use crate::fields::Fields;

/// Texts of one request that Cohere takes.
const COHERE_TEXTS_MAX: usize = 96;

/// The model's body for a request.
pub(crate) fn body(request: Value, family: Family) -> Result<Value, String> {
    let mut fields = Fields::of(request, "body")?;
    fields.ignore(&["model", "user"]);
    fields.only("encoding_format", &[json!("float")])?;
    let texts: Vec<String> = match fields.needed("input")? {
        Value::String(text) => vec![text],
        list => serde_json::from_value(list).map_err(|_| "body.input is neither a string nor a list of strings")?,
    };
    let dimensions = fields.count("dimensions")?;
    fields.done()?;
    match family {
        Family::TitanEmbed => {
            let [text] = &texts[..] else {
                return Err(format!("body.input has {} texts; Titan takes one a request: write a line for each", texts.len()));
            };
            let mut body = json!({ "inputText": text });
            if let Some(dimensions) = dimensions {
                body["dimensions"] = dimensions.into();
            }
            Ok(body)
        }
        Family::CohereEmbed { sized } => {
            if texts.is_empty() || texts.len() > COHERE_TEXTS_MAX {
                return Err(format!("body.input has {} texts; Cohere takes 1 to {COHERE_TEXTS_MAX} a request", texts.len()));
            }
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
    }
}

/// The list of embeddings in an answer; `None` when it has no shape that is known. Cohere does not say how many tokens it read:
/// then none are told.
pub(crate) fn list(output: &Value, model: &str) -> Option<Value> {
    let vectors: Vec<&Value> = match (&output["embedding"], &output["embeddings"]) {
        (Value::Array(_), _) => vec![&output["embedding"]],
        (_, Value::Array(all)) => all.iter().collect(),
        (_, by_type) => by_type["float"].as_array()?.iter().collect(),
    };
    let one = |(index, vector): (usize, &&Value)| json!({ "object": "embedding", "index": index, "embedding": vector });
    let tokens = output["inputTextTokenCount"].as_u64().unwrap_or(0);
    Some(json!({
        "object": "list",
        "data": vectors.iter().enumerate().map(one).collect::<Vec<_>>(),
        "model": model,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    }))
}

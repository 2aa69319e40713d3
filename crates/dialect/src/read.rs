//! One line of input: is it a request, and in whose shape?

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::chat::Part;
use crate::family::{Family, is_bedrocks};
use crate::{Dialect, Request, Shape, anthropic, bedrock, claude, converse, embeddings, openai, output_limit};

/// The longest line: the largest body of InvokeModel, and room for an id.
pub const LINE_BYTES_MAX: usize = 25_000_000;
/// The longest id that a caller may give a record.
const ID_BYTES_MAX: usize = 512;

/// What tells the shapes apart.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "recordId", default)]
    record_id: Option<Value>,
    #[serde(rename = "modelInput", borrow)]
    model_input: Option<&'a RawValue>,
    #[serde(default)]
    custom_id: Option<Value>,
    #[serde(default)]
    method: Option<Value>,
    #[serde(default)]
    url: Option<Value>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// Reads a line. The message says what is wrong and what to do, and shows nothing of the content. `model` is for lines of every
/// shape; a line of OpenAI's or Anthropic's may name one of Bedrock's models itself.
///
/// # Errors
/// What is wrong.
pub fn read<'a>(line: &'a [u8], model: Option<&'a str>) -> Result<Request<'a>, String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("the line has {} bytes; a record has at most {LINE_BYTES_MAX}", line.len()));
    }
    let text = std::str::from_utf8(line)
        .map_err(|e| format!("no valid UTF-8 from byte {} on; save the file as UTF-8", e.valid_up_to()))?;
    let wire: Wire<'_> = serde_json::from_str(text).map_err(|e| match line.starts_with(b"\xef\xbb\xbf") {
        true => "the file begins with a byte order mark; save it without one".to_owned(),
        false if e.is_data() => format!("not a request: {}", told(&e)),
        false => format!("not a JSON object on one line (column {})", e.column()),
    })?;
    match wire {
        Wire { model_input: Some(input), record_id, .. } => bedrock::read(id_of("recordId", record_id)?, input, model),
        Wire { body: Some(body), custom_id, method, url, .. } => {
            if method.is_some_and(|method| method != "POST") {
                return Err("method is not POST".to_owned());
            }
            let embeds = match url.as_ref().and_then(Value::as_str) {
                Some("/v1/chat/completions") => false,
                Some("/v1/embeddings") => true,
                Some(_) => {
                    return Err("url is neither /v1/chat/completions nor /v1/embeddings, which are the ones that run".to_owned());
                }
                None => return Err("url is missing".to_owned()),
            };
            let id = needed_id(custom_id)?;
            let body: Value = serde_json::from_str(body.get()).map_err(|e| told(&e))?;
            let model = model_of(&body, "body", model)?;
            if embeds { from_embeddings(id, model, body) } else { from_openai(id, model, body) }
        }
        Wire { params: Some(params), custom_id, .. } => {
            let id = needed_id(custom_id)?;
            let params: Value = serde_json::from_str(params.get()).map_err(|e| told(&e))?;
            let model = model_of(&params, "params", model)?;
            from_anthropic(id, model, params)
        }
        Wire { record_id: Some(_), .. } => Err("modelInput is missing".to_owned()),
        Wire { .. } => Err("neither modelInput (Bedrock), nor body (OpenAI), nor params (Anthropic) is there".to_owned()),
    }
}

/// The parser's word without the content that it quotes.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let kept = text.starts_with("duplicate field");
    if kept {
        return text.split(" at ").next().unwrap_or("duplicate field").to_owned();
    }
    let deep = if text.starts_with("recursion limit") { ", it is nested too deeply" } else { "" };
    format!("it cannot be read from column {} on{deep}", error.column())
}

fn id_of(name: &str, id: Option<Value>) -> Result<Option<String>, String> {
    match id {
        None => Ok(None),
        Some(Value::String(id)) if id.is_empty() => Err(format!("{name} is empty")),
        Some(Value::String(id)) if id.len() <= ID_BYTES_MAX => Ok(Some(id)),
        Some(Value::String(id)) => Err(format!("{name} has {} bytes; at most {ID_BYTES_MAX} are taken", id.len())),
        Some(_) => Err(format!("{name} is not a string")),
    }
}

fn needed_id(id: Option<Value>) -> Result<String, String> {
    id_of("custom_id", id)?.ok_or_else(|| "custom_id is missing".to_owned())
}

/// The model: the given one, else the line's own if Bedrock knows such names.
fn model_of<'a>(body: &Value, place: &str, given: Option<&'a str>) -> Result<Cow<'a, str>, String> {
    match (given, body["model"].as_str()) {
        (Some(given), _) => Ok(Cow::Borrowed(given)),
        (None, Some(own)) if is_bedrocks(own) => Ok(Cow::Owned(own.to_owned())),
        (None, Some(_)) => Err(format!("{place}.model is no model of Bedrock's; name one with --model")),
        (None, None) => Err(format!("{place}.model is missing; give it, or --model for all lines")),
    }
}

fn request(dialect: Dialect, id: String, model: Cow<'_, str>, shape: Shape, input: &Value) -> Request<'static> {
    let input = input.to_string();
    let (output_max, model) = (output_limit(&input), model.into_owned());
    Request { id: Some(Cow::Owned(id)), dialect, model: Cow::Owned(model), shape, input: Cow::Owned(input), output_max }
}

fn from_openai(id: String, model: Cow<'_, str>, mut body: Value) -> Result<Request<'static>, String> {
    let family = Family::of(&model);
    if family == Family::OpenAi {
        let Value::Object(members) = &mut body else { return Err("body is not a JSON object".to_owned()) };
        members.remove("model");
        if members.remove("stream").is_some_and(|stream| stream != false) {
            return Err("body.stream is set; a batch answers at once".to_owned());
        }
        if !members.contains_key("messages") {
            return Err("body.messages is missing".to_owned());
        }
        return Ok(request(Dialect::OpenAiChat, id, model, Shape::InvokeModel, &body));
    }
    let chat = openai::chat(body)?;
    let (shape, input) = for_model(&chat, family)?;
    Ok(request(Dialect::OpenAiChat, id, model, shape, &input))
}

fn from_anthropic(id: String, model: Cow<'_, str>, params: Value) -> Result<Request<'static>, String> {
    let family = Family::of(&model);
    let (shape, input) = match family {
        Family::Claude => (Shape::InvokeModel, anthropic::claude_body(params)?),
        _ => for_model(&anthropic::chat(params)?, family)?,
    };
    Ok(request(Dialect::Anthropic, id, model, shape, &input))
}

fn from_embeddings(id: String, model: Cow<'_, str>, body: Value) -> Result<Request<'static>, String> {
    let input = embeddings::body(body, Family::of(&model))?;
    Ok(request(Dialect::OpenAiEmbeddings, id, model, Shape::InvokeModel, &input))
}

/// A conversation in the shape that a model takes.
fn for_model(chat: &crate::chat::Chat, family: Family) -> Result<(Shape, Value), String> {
    chat.check()?;
    if chat.schema.is_some() {
        return Err("body.response_format cannot be carried over in batch; leave it out".to_owned());
    }
    if chat.tools.iter().any(|tool| tool.strict) {
        return Err("a function.strict cannot be carried over in batch; leave it out".to_owned());
    }
    let mut parts = chat.turns.iter().flat_map(|turn| &turn.parts);
    let converses = matches!(family, Family::Nova | Family::Other) && chat.tools.is_empty();
    if parts.any(|part| matches!(part, Part::Document { format, .. } if !converses && *format != "pdf")) {
        return Err("a file is no PDF, and this model's own body takes no other".to_owned());
    }
    match family {
        Family::Claude => Ok((Shape::InvokeModel, claude::body(chat))),
        Family::OpenAi => Ok((Shape::InvokeModel, openai::body(chat)?)),
        Family::Nova if !chat.tools.is_empty() => Ok((Shape::InvokeModel, converse::nova_body(chat))),
        Family::Nova | Family::Other if chat.tools.is_empty() => Ok((Shape::Converse, converse::body(chat))),
        Family::Nova | Family::Other => Err("tools do not run in batch for this model".to_owned()),
        Family::TitanEmbed | Family::CohereEmbed { .. } => Err("the model makes embeddings; it does not converse".to_owned()),
    }
}

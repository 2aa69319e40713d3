//! bedrock-mantle: chat completions of the models whose own body in InvokeModel is OpenAI's, messages of Claude.
//!
//! Each is a call of InvokeModel with its model in the body, server-sent events instead of frames, and errors in the shape of its API.
//! Leaves out: invocation logs, which AWS does not write of it, and usage types of its own on the bill.

use std::convert::Infallible;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use http_body_util::StreamBody;
use hyper::body::Frame;
use laneshift_bedrock::Operation;
use laneshift_provider::models::{Family, Models};
use laneshift_provider::refusal::{Kind, Refusal};
use laneshift_provider::shapes::Params;
use laneshift_provider::world::Caller;
use serde_json::{Map, Value, json};

use super::reply;
use crate::body::Body;
use crate::call::{Call, Mantle};

/// Some models of OpenAI's API are below the first, some below the second.
const CHATS: [&str; 2] = ["/v1/chat/completions", "/openai/v1/chat/completions"];
const MESSAGES: &str = "/anthropic/v1/messages";
/// How ids of Bedrock's runtime may go on behind a model's id here, and behind its date.
const VERSIONS: [&str; 4] = ["", "-1:0", "-v1", "-v1:0"];
/// Versions of Anthropic's API, the first the one that AWS's documents name.
// AWS, Bedrock User Guide, "Inference using Anthropic Messages API", read 2026-11-30; the second is of Anthropic's Python SDK 2.14.
const API_VERSIONS: [&str; 2] = ["2023-06-01", "2026-10-21"];
/// The version in the body that InvokeModel takes for both.
const NATIVE_VERSION: &str = "bedrock-2023-05-31";

/// Whether a request is one for bedrock-mantle.
pub(super) fn is_asked_for(method: &Method, path: &str) -> bool {
    *method == Method::POST && (CHATS.contains(&path) || path == MESSAGES)
}

/// The call of InvokeModel that a request is.
pub(super) fn call(parts: &Parts, bytes: &Bytes, caller: Caller, request_id: &str) -> Result<Call, Refusal> {
    let mut body: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| Refusal::validation(error.to_string()))?;
    let name = body.get("model").and_then(Value::as_str).ok_or_else(|| Refusal::validation("model: Field required"))?;
    let is_chat = CHATS.contains(&parts.uri.path());
    let family = if is_chat { Family::OpenAiChat } else { Family::ClaudeMessages };
    let found = Models::shipped().iter().find(|model| model.family == family && is_called(&model.id, name));
    let missing = || Refusal::new(Kind::ResourceNotFound, format!("The model '{name}' does not exist"));
    let uri = vec![("modelId".to_owned(), found.ok_or_else(missing)?.id.clone())];
    let streams = body.get("stream") == Some(&Value::Bool(true));
    let operation = if streams { Operation::InvokeModelWithResponseStream } else { Operation::InvokeModel };
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let (api, bytes) = if is_chat {
        (Mantle::Chat { include_usage: body.get("stream_options").is_some_and(|o| o["include_usage"] == true) }, bytes.clone())
    } else {
        if !header("anthropic-version").is_some_and(|version| API_VERSIONS.contains(&version)) {
            return Err(Refusal::validation(format!("anthropic-version: a header such as {} is required", API_VERSIONS[0])));
        }
        let is_elsewhere =
            |name: &str, value: &Value| matches!(name, "model" | "stream") || (name == "service_tier" && value == "auto");
        body.retain(|name, value| !is_elsewhere(name, value));
        body.insert("anthropic_version".to_owned(), NATIVE_VERSION.into());
        (Mantle::Messages, Bytes::from(Value::Object(body).to_string()))
    };
    let headers = parts.headers.iter().filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())));
    let params = Params { uri, query: Vec::new(), headers: headers.collect(), body: Value::Null, body_len: bytes.len() };
    let (operation, request_id) = (operation.name().to_owned(), request_id.to_owned());
    Ok(Call { operation, params, bytes, caller, request_id, mantle: Some(api) })
}

/// Whether a model of Bedrock's runtime is called so here: without its version, and without its date.
fn is_called(id: &str, name: &str) -> bool {
    let Some(rest) = id.strip_prefix(name) else { return false };
    let dated = rest.split_at_checked(9).filter(|(date, _)| date[1..].bytes().all(|byte| byte.is_ascii_digit()));
    VERSIONS.contains(&rest) || dated.is_some_and(|(_, rest)| VERSIONS.contains(&rest))
}

/// The chunks of the native stream as server-sent events; `cut` leaves out the second half of them.
pub(super) fn events(api: Mantle, mut chunks: Vec<Value>, cut: bool) -> Response<Body> {
    if let Some(last) = chunks.last_mut().and_then(Value::as_object_mut) {
        last.remove("amazon-bedrock-invocationMetrics");
    }
    let mut events = match api {
        Mantle::Chat { include_usage } => chat_events(chunks, include_usage),
        Mantle::Messages => message_events(&chunks),
    };
    if cut {
        events.truncate(events.len().div_ceil(2));
    }
    let frames = events.into_iter().map(|event| Ok::<_, Infallible>(Frame::data(Bytes::from(event))));
    let mut response = Response::new(Body::http_body_unsync(StreamBody::new(futures::stream::iter(frames))));
    reply::set(&mut response, "content-type", "text/event-stream");
    response
}

fn chat_events(mut chunks: Vec<Value>, include_usage: bool) -> Vec<String> {
    let usage = chunks.last_mut().and_then(Value::as_object_mut).and_then(|last| last.remove("usage"));
    if let (true, Some(usage), Some(last)) = (include_usage, usage, chunks.last()) {
        let mut count = last.clone();
        (count["choices"], count["usage"]) = (json!([]), usage);
        chunks.push(count);
    }
    let done = "data: [DONE]\n\n".to_owned();
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).chain([done]).collect()
}

fn message_events(chunks: &[Value]) -> Vec<String> {
    let event = |chunk: &Value| format!("event: {}\ndata: {chunk}\n\n", chunk["type"].as_str().unwrap_or_default());
    let mut events: Vec<String> = chunks.iter().map(event).collect();
    // Anthropic's own streams hold one behind their start.
    events.insert(1.min(events.len()), event(&json!({ "type": "ping" })));
    events
}

/// An error in the shape of the API that a path is of.
pub(super) fn refusal(path: &str, refusal: &Refusal) -> Response<Body> {
    let (name, status) = (refusal.kind.name(), refusal.kind.status());
    if path != MESSAGES {
        return reply::json(status, &json!({ "error": { "message": refusal.message, "type": name, "code": name } }));
    }
    // Anthropic, API reference, "Errors", read 2026-11-30.
    let kind = match status {
        400 => "invalid_request_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        _ => "api_error",
    };
    reply::json(status, &json!({ "type": "error", "error": { "type": kind, "message": refusal.message } }))
}

#[cfg(test)]
mod tests {
    use super::is_called;

    #[test]
    fn a_model_is_called_without_its_date_and_version() {
        let (haiku, opus) = ("anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-opus-4-6-v1");
        for (id, name) in [(haiku, "anthropic.claude-haiku-4-5"), (haiku, haiku), (opus, "anthropic.claude-opus-4-6")] {
            assert!(is_called(id, name), "{name}");
        }
        for (id, name) in [(haiku, "anthropic.claude-haiku-4"), (opus, "anthropic.claude-opus-4"), (opus, ""), (haiku, "us.x")] {
            assert!(!is_called(id, name), "{name}");
        }
    }
}

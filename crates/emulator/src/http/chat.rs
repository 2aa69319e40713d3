//! bedrock-mantle's chat completions: of the models whose own body in InvokeModel is OpenAI's.
//!
//! A chat is a call of InvokeModel with its model in the body, server-sent events instead of frames, and errors in OpenAI's shape.
//! Leaves out: invocation logs, which AWS does not write of it, and usage types of its own on the bill.

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
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply;
use crate::body::Body;
use crate::call::{Call, Chat};

/// Some models of bedrock-mantle are below the first, some below the second.
const PATHS: [&str; 2] = ["/v1/chat/completions", "/openai/v1/chat/completions"];
/// How ids of Bedrock's runtime may go on behind a model's id here.
const VERSIONS: [&str; 3] = ["", "-1:0", "-v1:0"];

#[derive(Deserialize)]
struct Wire {
    model: String,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    stream_options: StreamOptions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOptions {
    include_usage: bool,
}

/// Whether a request is one for a chat completion.
pub(super) fn is_asked_for(method: &Method, path: &str) -> bool {
    *method == Method::POST && PATHS.contains(&path)
}

/// The call of InvokeModel that a chat is.
pub(super) fn call(parts: &Parts, bytes: Bytes, caller: Caller, request_id: &str) -> Result<Call, Refusal> {
    let wire: Wire = serde_json::from_slice(&bytes).map_err(|error| Refusal::validation(error.to_string()))?;
    let is_it = |id: &str| id.strip_prefix(&*wire.model).is_some_and(|rest| VERSIONS.contains(&rest));
    let found = Models::shipped().iter().find(|model| model.family == Family::OpenAiChat && is_it(&model.id));
    let missing = || Refusal::new(Kind::ResourceNotFound, format!("The model '{}' does not exist", wire.model));
    let uri = vec![("modelId".to_owned(), found.ok_or_else(missing)?.id.clone())];
    let operation = if wire.stream { Operation::InvokeModelWithResponseStream } else { Operation::InvokeModel };
    let headers = parts.headers.iter().filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())));
    let params = Params { uri, query: Vec::new(), headers: headers.collect(), body: Value::Null, body_len: bytes.len() };
    let chat = Some(Chat { include_usage: wire.stream_options.include_usage });
    Ok(Call { operation: operation.name().to_owned(), params, bytes, caller, request_id: request_id.to_owned(), chat })
}

/// The chunks of the native stream as server-sent events; `cut` leaves out the second half of them.
pub(super) fn events(chat: Chat, mut chunks: Vec<Value>, cut: bool) -> Response<Body> {
    let last = chunks.last_mut().and_then(Value::as_object_mut);
    let usage = last.and_then(|last| {
        last.remove("amazon-bedrock-invocationMetrics");
        last.remove("usage")
    });
    if let (true, Some(usage), Some(last)) = (chat.include_usage, usage, chunks.last()) {
        let mut count = last.clone();
        (count["choices"], count["usage"]) = (json!([]), usage);
        chunks.push(count);
    }
    let mut events: Vec<String> = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    events.push("data: [DONE]\n\n".to_owned());
    if cut {
        events.truncate(events.len().div_ceil(2));
    }
    let frames = events.into_iter().map(|event| Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(event))));
    let mut response = Response::new(Body::http_body_unsync(StreamBody::new(futures::stream::iter(frames))));
    reply::set(&mut response, "content-type", "text/event-stream");
    response
}

/// An error in OpenAI's shape.
pub(super) fn refusal(refusal: &Refusal) -> Response<Body> {
    let name = refusal.kind.name();
    reply::json(refusal.kind.status(), &json!({ "error": { "message": refusal.message, "type": name, "code": name } }))
}

//! OpenAI's API over the same lanes, keys and books: chat completions, embeddings, models, files, batches.
//!
//! Promises: what Bedrock cannot do is refused by name; errors have OpenAI's shape. Source: OpenAI, API reference, read 2026-11-30.

mod batches;
mod chat;
mod embeddings;
mod files;
mod models;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use laneshift_bedrock::Operation;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::{Body, Coming};
use crate::gateway::{Caller, Gateway, to_the_end};
use crate::later;
use crate::market::Spot;
use crate::refusal::Refusal;

/// How its paths begin.
pub(crate) const PATH: &str = "/v1/";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Chat,
    Embeddings,
    Models,
    Model(&'a str),
    TakeFile,
    Files,
    File(&'a str),
    FileContent(&'a str),
    DeleteFile(&'a str),
    CreateBatch,
    Batches,
    Batch(&'a str),
    CancelBatch(&'a str),
}

impl<'a> Route<'a> {
    pub(crate) fn of(method: &Method, path: &'a str) -> Option<Self> {
        let mut segments = path.strip_prefix(PATH)?.splitn(3, '/');
        let (first, second, third) = (segments.next()?, segments.next(), segments.next());
        if second == Some("") {
            return None;
        }
        Some(match (method.as_str(), first, second, third) {
            ("POST", "chat", Some("completions"), None) => Self::Chat,
            ("POST", "embeddings", None, None) => Self::Embeddings,
            ("GET", "models", None, None) => Self::Models,
            ("GET", "models", Some(id), None) => Self::Model(id),
            ("POST", "files", None, None) => Self::TakeFile,
            ("GET", "files", None, None) => Self::Files,
            ("GET", "files", Some(id), None) => Self::File(id),
            ("GET", "files", Some(id), Some("content")) => Self::FileContent(id),
            ("DELETE", "files", Some(id), None) => Self::DeleteFile(id),
            ("POST", "batches", None, None) => Self::CreateBatch,
            ("GET", "batches", None, None) => Self::Batches,
            ("GET", "batches", Some(id), None) => Self::Batch(id),
            ("POST", "batches", Some(id), Some("cancel")) => Self::CancelBatch(id),
            _ => return None,
        })
    }
}

/// What AWS says of an error.
#[derive(Deserialize)]
struct Said {
    #[serde(alias = "Message")]
    message: String,
}

impl Gateway {
    /// Answers a call of OpenAI's API.
    pub(crate) async fn openai(
        &self,
        route: Route<'_>,
        caller: &Caller<'_>,
        parts: &Parts,
        body: Bytes,
    ) -> Result<Response<Body>, Refusal> {
        match route {
            Route::Chat => self.chat(caller, parts, &body).await,
            Route::Embeddings => self.embeddings(caller, parts, &body).await,
            Route::Models => Ok(self.models(&caller.key)),
            Route::Model(id) => self.model(id, &caller.key),
            Route::TakeFile => Err(Refusal::unknown_operation()),
            Route::Files => Ok(self.list_files(&caller.key)),
            Route::File(id) => self.tell_file(id, &caller.key),
            Route::FileContent(id) => self.file_content(id, &caller.key).await,
            Route::DeleteFile(id) => self.delete_file(id, &caller.key),
            Route::CreateBatch => {
                let (gateway, key, region) = (self.clone(), caller.key.clone(), caller.region.map(str::to_owned));
                let token = later::idempotency_key(&parts.headers).map(str::to_owned);
                let create = async move {
                    let caller = Caller { key, region: region.as_deref() };
                    gateway.create_batch(&caller, token.as_deref(), &body).await
                };
                to_the_end(create).await
            }
            Route::Batches => self.list_batches(parts.uri.query().unwrap_or_default(), &caller.key).await,
            Route::Batch(id) => self.tell_batch(id, &caller.key).await,
            Route::CancelBatch(id) => self.cancel_batch(id, &caller.key).await,
        }
    }

    /// Takes a file: larger than other bodies, so its key is looked at first, and it goes to the disk as it comes.
    pub(crate) async fn openai_file(&self, parts: &Parts, body: Coming) -> Result<Response<Body>, Refusal> {
        let key = self.bearer(parts)?;
        self.take_file(&key, parts, body).await
    }

    /// The model of Bedrock that a client means: by a name of the configuration, or by Bedrock's own.
    pub(crate) fn model_named(&self, name: &str) -> Result<String, Refusal> {
        self.live().bedrock_named(name).map(str::to_owned).ok_or_else(|| match self.live().served(name).first() {
            Some(Spot { served: Some(served), .. }) => {
                Refusal::validation(format!("{name} is served by {}, on demand only.", served.on))
            }
            _ => unknown_model(),
        })
    }
}

fn unknown_model() -> Refusal {
    Refusal::not_found("The model is none of Bedrock's, and [models] in this gateway's configuration does not name it.")
}

/// The head of the same call as Bedrock has it.
pub(crate) fn as_bedrock(parts: &Parts, model: &str, operation: Operation) -> Result<Parts, Refusal> {
    let made = Request::post(operation.path(model)).body(());
    let (mut made, ()) = made.map_err(|e| Refusal::validation(format!("body.model: {e}")))?.into_parts();
    made.headers = parts.headers.clone();
    made.headers.insert("content-type", HeaderValue::from_static("application/json"));
    made.headers.remove("accept");
    // Only a chat can be answered later, and it was asked before.
    made.headers.remove("prefer");
    Ok(made)
}

/// Bedrock's refusal in OpenAI's shape.
pub(crate) fn as_refused(response: &Response<Body>, whole: &[u8]) -> Response<Body> {
    let name = response.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok()).unwrap_or("UnknownError");
    let message =
        serde_json::from_slice::<Said>(whole).map_or_else(|_| "Bedrock refused the call.".to_owned(), |said| said.message);
    error(response.status(), name.split(':').next().unwrap_or(name), &message)
}

/// What a client reads of a stream that is none to its end.
pub(crate) fn broken_off(message: &str) -> Vec<u8> {
    let error = json!({ "error": { "message": message, "type": "server_error", "param": null, "code": "ModelErrorException" } });
    format!("data: {error}\n\n").into_bytes()
}

/// An error as OpenAI's clients read it: they decide by the status whether to try again, and show the message.
pub(crate) fn error(status: StatusCode, name: &str, message: &str) -> Response<Body> {
    // A key that is none is 401 there, and 403 at AWS.
    let status = match name {
        "ServiceQuotaExceededException" => StatusCode::TOO_MANY_REQUESTS,
        "UnrecognizedClientException" | "MissingAuthenticationTokenException" => StatusCode::UNAUTHORIZED,
        _ => status,
    };
    let (kind, code) = match status.as_u16() {
        401 => ("invalid_request_error", "invalid_api_key"),
        403 => ("invalid_request_error", "permission_denied"),
        404 => ("invalid_request_error", "model_not_found"),
        429 if name == "ServiceQuotaExceededException" => ("insufficient_quota", "insufficient_quota"),
        429 => ("requests", "rate_limit_exceeded"),
        400..=499 => ("invalid_request_error", name),
        _ => ("server_error", name),
    };
    let body: Value = json!({ "error": { "message": message, "type": kind, "param": null, "code": code } });
    let mut response = Response::new(Body::Whole(Some(Bytes::from(body.to_string()))));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    if let Ok(name) = HeaderValue::from_str(name) {
        response.headers_mut().insert("x-amzn-errortype", name);
    }
    response
}

//! OpenAI's API over the same lanes, keys and books: chat completions, embeddings, models.
//!
//! Promises: what Bedrock cannot do is refused by name; errors have OpenAI's shape. Source: OpenAI, API reference, read 2026-11-30.

mod chat;
mod embeddings;
mod models;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use laneshift_bedrock::Operation;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::Body;
use crate::gateway::{Caller, Gateway};
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
}

impl<'a> Route<'a> {
    pub(crate) fn of(method: &Method, path: &'a str) -> Option<Self> {
        let path = path.strip_prefix(PATH)?;
        let posts = *method == Method::POST;
        match path {
            "chat/completions" if posts => Some(Self::Chat),
            "embeddings" if posts => Some(Self::Embeddings),
            "models" if *method == Method::GET => Some(Self::Models),
            _ => path.strip_prefix("models/").filter(|id| *method == Method::GET && !id.is_empty()).map(Self::Model),
        }
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
        }
    }

    /// The model of Bedrock that a client means: by a name of the configuration, or by Bedrock's own.
    fn model_named(&self, name: &str) -> Result<String, Refusal> {
        match self.config().models.get(name) {
            Some(model) => Ok(model.clone()),
            None if laneshift_dialect::is_bedrocks(name) => Ok(name.to_owned()),
            None => Err(unknown_model()),
        }
    }
}

fn unknown_model() -> Refusal {
    Refusal::not_found("The model is none of Bedrock's, and [models] in this gateway's configuration does not name it.")
}

/// The head of the same call as Bedrock has it.
fn as_bedrock(parts: &Parts, model: &str, operation: Operation) -> Result<Parts, Refusal> {
    let made = Request::post(operation.path(model)).body(());
    let (mut made, ()) = made.map_err(|e| Refusal::validation(format!("body.model: {e}")))?.into_parts();
    made.headers = parts.headers.clone();
    made.headers.insert("content-type", HeaderValue::from_static("application/json"));
    made.headers.remove("accept");
    Ok(made)
}

/// Bedrock's refusal in OpenAI's shape.
fn as_refused(response: &Response<Body>, whole: &[u8]) -> Response<Body> {
    let name = response.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok()).unwrap_or("UnknownError");
    let message =
        serde_json::from_slice::<Said>(whole).map_or_else(|_| "Bedrock refused the call.".to_owned(), |said| said.message);
    error(response.status(), name.split(':').next().unwrap_or(name), &message)
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

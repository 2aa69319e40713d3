//! Errors as AWS frames them: SDKs decide by the name whether to try again.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use laneshift_aws::sigv4;
use serde_json::json;

use crate::body::Body;
use crate::books::Held;
use crate::openai;
use crate::server::Api;

/// AWS's name of an error, its status, and a text of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub(crate) struct Refusal {
    name: &'static str,
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(name: &'static str, status: StatusCode, message: impl Into<String>) -> Self {
        Self { name, status, message: message.into() }
    }

    pub(crate) fn unknown_operation() -> Self {
        Self::new("UnknownOperationException", StatusCode::NOT_FOUND, "This gateway has no such operation.")
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn no_key() -> Self {
        let message = "Sign the request, or bring an API key, with keys of this gateway.";
        Self::new("MissingAuthenticationTokenException", StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn unknown_key() -> Self {
        Self::new("UnrecognizedClientException", StatusCode::FORBIDDEN, "The key is not one of this gateway, or is revoked.")
    }

    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new("AccessDeniedException", StatusCode::FORBIDDEN, message)
    }

    /// A model that is not for the key.
    pub(crate) fn may_not_call(name: &str) -> Self {
        Self::denied(format!("This key may not call {name}."))
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new("ConflictException", StatusCode::CONFLICT, message)
    }

    pub(crate) fn throttled(message: impl Into<String>) -> Self {
        Self::new("ThrottlingException", StatusCode::TOO_MANY_REQUESTS, message)
    }

    /// By a limit of the key.
    pub(crate) fn held(held: Held) -> Self {
        match held {
            Held::Rate => Self::throttled("This key has made its calls, or used its tokens, of this minute."),
            Held::Budget => Self::new(
                "ServiceQuotaExceededException",
                StatusCode::BAD_REQUEST,
                "What this call can cost at most is more than the budget of this key has left; a limit on its output makes that less.",
            ),
            Held::Unpriced => Self::denied("No price is known for this model here, and this key has a budget."),
        }
    }

    pub(crate) fn too_slow() -> Self {
        Self::new("RequestTimeoutException", StatusCode::REQUEST_TIMEOUT, "The request did not come in time.")
    }

    /// Nothing was sent: the call cost nothing and can be made again.
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new("ServiceUnavailableException", StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// Something was sent, and no answer came. No name that makes a client try again: the call may be paid for.
    pub(crate) fn lost(message: impl Into<String>) -> Self {
        Self::new("ModelErrorException", StatusCode::FAILED_DEPENDENCY, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new("InternalServerException", StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// What a server says by a status, under AWS's name.
    pub(crate) fn of_status(status: StatusCode, message: impl Into<String>) -> Self {
        match status.as_u16() {
            401 | 403 => Self::denied(message),
            404 => Self::not_found(message),
            408 | 504 => Self::new("ModelTimeoutException", StatusCode::REQUEST_TIMEOUT, message),
            429 => Self::throttled(message),
            503 | 529 => Self::unreachable(message),
            500.. => Self::internal(message),
            _ => Self::validation(message),
        }
    }

    /// Something failed that no client has caused.
    pub(crate) fn failed(error: impl std::fmt::Display) -> Self {
        Self::internal(error.to_string())
    }

    /// AWS's name of it.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// The answer of OpenAI's API.
    pub(crate) fn openai(&self) -> Response<Body> {
        openai::error(self.status, self.name, &self.message)
    }

    /// The answer of a call that went to a server by an API: one of OpenAI's, or Bedrock's own.
    pub(crate) fn of_api(&self, api: Api) -> Response<Body> {
        match api {
            Api::OpenAi => self.openai(),
            Api::Anthropic => self.response(),
        }
    }

    /// The answer.
    pub(crate) fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::Whole(Some(Bytes::from(json!({ "message": self.message }).to_string()))));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("x-amzn-errortype", HeaderValue::from_static(self.name));
        response
    }
}

impl From<sigv4::Refused> for Refusal {
    fn from(refused: sigv4::Refused) -> Self {
        let name = match refused {
            sigv4::Refused::Incomplete(_) => "IncompleteSignatureException",
            _ => "InvalidSignatureException",
        };
        Self::new(name, StatusCode::FORBIDDEN, refused.to_string())
    }
}

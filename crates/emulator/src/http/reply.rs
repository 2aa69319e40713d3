//! Answers as AWS frames them.

use http::{HeaderValue, Response, StatusCode};
use laneshift_provider::refusal::Refusal;
use serde_json::{Value, json};

use crate::body::Body;

/// AWS appends the namespace of its internal services to the error's name.
const NAMESPACE: &str = ":http://internal.amazon.com/coral/com.amazon.bedrock/";

/// A JSON answer.
pub(super) fn json(status: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

/// An error.
pub(super) fn refusal(refusal: &Refusal) -> Response<Body> {
    let mut response = json(refusal.kind.status(), &json!({ "message": refusal.message }));
    let kind = format!("{}{NAMESPACE}", refusal.kind.name());
    if let Ok(value) = HeaderValue::from_str(&kind) {
        response.headers_mut().insert("x-amzn-errortype", value);
    }
    response
}

/// Adds the id that AWS gives every answer.
pub(super) fn with_request_id(mut response: Response<Body>, id: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-amzn-requestid", value);
    }
    response
}

/// Sets a header whose value is made here.
pub(super) fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

//! One line of a result file, in the shape that the request came in.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::reply::Reply;
use crate::{Dialect, anthropic, embeddings, openai};

/// What a line says beside its outcome.
pub struct Line<'a> {
    /// The caller's id.
    pub id: String,
    /// How its request was written.
    pub dialect: Dialect,
    /// Our id of it.
    pub record: String,
    /// The model that ran it.
    pub model: &'a str,
    /// `modelInput`.
    pub input: &'a str,
    /// When it was accepted, in seconds since 1970.
    pub created_s: i64,
}

/// How a request ended.
pub enum Outcome<'a> {
    /// `modelOutput`.
    Answered(&'a str),
    /// `error`, as AWS writes it.
    Failed(&'a str),
    /// Its deadline passed.
    Expired,
    /// It was taken back.
    Cancelled,
}

/// Writes a line.
///
/// # Errors
/// The writer's.
pub fn write_line(to: &mut dyn Write, line: &Line<'_>, outcome: &Outcome<'_>) -> io::Result<()> {
    match line.dialect {
        Dialect::Bedrock => bedrock(to, line, outcome),
        Dialect::OpenAiChat | Dialect::OpenAiEmbeddings => writeln!(to, "{}", openai_line(line, outcome)),
        Dialect::Anthropic => writeln!(to, "{}", anthropic_line(line, outcome)),
    }
}

const EXPIRED: &str = "the deadline has passed";
const CANCELLED: &str = "the request was cancelled";
const UNREADABLE: &str = "the model answered in a shape that cannot be carried over; model_output holds it";

fn bedrock(to: &mut dyn Write, line: &Line<'_>, outcome: &Outcome<'_>) -> io::Result<()> {
    let (id, input) = (Value::from(&*line.id), line.input);
    match outcome {
        Outcome::Answered(output) => {
            writeln!(to, "{{\"recordId\":{id},\"modelInput\":{input},\"modelOutput\":{}}}", one_line(output))
        }
        Outcome::Failed(error) => writeln!(to, "{{\"recordId\":{id},\"modelInput\":{input},\"error\":{}}}", one_line(error)),
        Outcome::Expired | Outcome::Cancelled => {
            let text = if matches!(outcome, Outcome::Expired) { EXPIRED } else { CANCELLED };
            let error = json!({ "errorCode": 499, "errorMessage": text });
            writeln!(to, "{{\"recordId\":{id},\"modelInput\":{input},\"error\":{error}}}")
        }
    }
}

/// JSON without line ends: they can only stand between its tokens.
fn one_line(json: &str) -> std::borrow::Cow<'_, str> {
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ").into() } else { json.into() }
}

/// AWS's code and message.
fn failure(error: &str) -> (u64, String) {
    let error: Value = serde_json::from_str(error).unwrap_or_default();
    let code = error["errorCode"].as_u64().filter(|code| (400..600).contains(code)).unwrap_or(500);
    (code, error["errorMessage"].as_str().unwrap_or("the request failed").to_owned())
}

fn openai_line(line: &Line<'_>, outcome: &Outcome<'_>) -> Value {
    let answer = |status: u64, body: Value| {
        let response = json!({ "status_code": status, "request_id": line.record, "body": body });
        (response, Value::Null)
    };
    let refused = |status: u64, message: &str| {
        let kind = if status < 500 { "invalid_request_error" } else { "server_error" };
        json!({ "error": { "message": message, "type": kind, "param": null, "code": null } })
    };
    let (response, error) = match outcome {
        Outcome::Answered(output) => {
            let output: Value = serde_json::from_str(output).unwrap_or_default();
            let body = match line.dialect {
                Dialect::OpenAiEmbeddings => embeddings::list(&output, line.model),
                Dialect::OpenAiChat | Dialect::Bedrock | Dialect::Anthropic => {
                    Reply::read(&output).map(|reply| openai::completion(&reply, &line.record, line.model, line.created_s))
                }
            };
            match body {
                Some(body) => answer(200, body),
                None => {
                    let mut body = refused(502, UNREADABLE);
                    body["model_output"] = output;
                    answer(502, body)
                }
            }
        }
        Outcome::Failed(error) => {
            let (code, message) = failure(error);
            answer(code, refused(code, &message))
        }
        Outcome::Expired => (Value::Null, json!({ "code": "batch_expired", "message": EXPIRED })),
        Outcome::Cancelled => (Value::Null, json!({ "code": "batch_cancelled", "message": CANCELLED })),
    };
    json!({ "id": format!("batch_req_{}", line.record), "custom_id": line.id, "response": response, "error": error })
}

fn anthropic_line(line: &Line<'_>, outcome: &Outcome<'_>) -> Value {
    let errored = |kind: &str, message: &str| json!({ "type": "errored", "error": { "type": "error", "error": { "type": kind, "message": message } } });
    let result = match outcome {
        Outcome::Answered(output) => {
            let output: Value = serde_json::from_str(output).unwrap_or_default();
            let own = output["type"] == "message" && output["content"].is_array();
            let message = if own {
                Some(output.clone())
            } else {
                Reply::read(&output).map(|r| anthropic::message(&r, &line.record, line.model))
            };
            match message {
                Some(message) => json!({ "type": "succeeded", "message": message }),
                None => {
                    let mut result = errored("api_error", UNREADABLE);
                    result["model_output"] = output;
                    result
                }
            }
        }
        Outcome::Failed(error) => {
            let (code, message) = failure(error);
            let kind = match code {
                401 => "authentication_error",
                403 => "permission_error",
                404 => "not_found_error",
                413 => "request_too_large",
                429 => "rate_limit_error",
                529 => "overloaded_error",
                500.. => "api_error",
                _ => "invalid_request_error",
            };
            errored(kind, &message)
        }
        Outcome::Expired => json!({ "type": "expired" }),
        Outcome::Cancelled => json!({ "type": "canceled" }),
    };
    json!({ "custom_id": line.id, "result": result })
}

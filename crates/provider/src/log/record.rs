//! One record of the log.
//!
//! Promises: one line of JSON, whatever white space a body holds; counts stand where AWS writes them and are absent when
//! unknown. Writes of five minutes and of an hour are told apart, and the tier is named, only by the bodies, as at AWS.

use laneshift_bedrock::Operation;
use laneshift_units::{AccountId, Region, Timestamp, Usage};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::key::body_key;

/// The largest body that stands in the record.
// AWS, "Monitor model invocation", read 2026-11-23: bodies over 100 KB are stored as objects of their own.
const BODY_BYTES_MAX: usize = 100_000;

/// What a call is about, which decides whether its bodies are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modality {
    /// Text.
    Text,
    /// Images.
    Image,
    /// Embeddings.
    Embedding,
    /// Video.
    Video,
    /// Audio.
    Audio,
}

/// The switches of the logging configuration: whose bodies are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five independent switches of AWS's")]
pub struct Delivery {
    /// `textDataDeliveryEnabled`.
    pub text: bool,
    /// `imageDataDeliveryEnabled`.
    pub image: bool,
    /// `embeddingDataDeliveryEnabled`.
    pub embedding: bool,
    /// `videoDataDeliveryEnabled`.
    pub video: bool,
    /// `audioDataDeliveryEnabled`.
    pub audio: bool,
}

impl Delivery {
    /// All bodies.
    pub const ALL: Self = Self { text: true, image: true, embedding: true, video: true, audio: true };

    const fn of(self, modality: Modality) -> bool {
        match modality {
            Modality::Text => self.text,
            Modality::Image => self.image,
            Modality::Embedding => self.embedding,
            Modality::Video => self.video,
            Modality::Audio => self.audio,
        }
    }
}

/// Where large bodies go. CloudWatch without a bucket for them drops them.
#[derive(Clone, Copy, Debug)]
pub struct LargeBodies<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key prefix; may be empty.
    pub prefix: &'a str,
}

/// One call, as the log tells it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// When it was made.
    pub at: Timestamp,
    /// The account that called.
    pub account: &'a AccountId,
    /// The region that was called.
    pub region: &'a Region,
    /// Request id.
    pub request_id: &'a str,
    /// The operation.
    pub operation: Operation,
    /// Id or ARN, as called.
    pub model_id: &'a str,
    /// ARN of the caller.
    pub identity_arn: &'a str,
    /// Where it was computed, when that may be elsewhere.
    pub inference_region: Option<&'a Region>,
    /// `requestMetadata`.
    pub request_metadata: Option<&'a Map<String, Value>>,
    /// What the call is about.
    pub modality: Modality,
    /// The request, as it was sent.
    pub input_body: Option<&'a RawValue>,
    /// The answer, or the array of a stream's events.
    pub output_body: Option<&'a Value>,
    /// The tokens that are billed; `None` when the call failed or its model counts none.
    pub usage: Option<Usage>,
    /// The exception's name, when the call failed.
    pub error_code: Option<&'a str>,
}

/// A record, and the bodies that are too large for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The JSON, without line break.
    pub line: String,
    /// The objects to store beside it.
    pub moved: Vec<MovedBody>,
}

/// A body with an object of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedBody {
    /// The object's key, which ends in `.json.gz`.
    pub key: String,
    /// The JSON, still to be compressed.
    pub json: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    schema_type: &'static str,
    schema_version: &'static str,
    timestamp: String,
    account_id: &'a str,
    region: &'a str,
    request_id: &'a str,
    operation: &'static str,
    model_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    identity: Identity<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_metadata: Option<&'a Map<String, Value>>,
    input: Input,
    output: Output,
}

#[derive(Serialize)]
struct Identity<'a> {
    arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    input_content_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_body_json: Option<Box<RawValue>>,
    #[serde(rename = "inputBodyS3Path", skip_serializing_if = "Option::is_none")]
    input_body_s3_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read_input_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_input_token_count: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    output_content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_body_json: Option<Box<RawValue>>,
    #[serde(rename = "outputBodyS3Path", skip_serializing_if = "Option::is_none")]
    output_body_s3_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_token_count: Option<u64>,
}

const JSON: &str = "application/json";

/// Writes the record of a call.
pub fn record(call: &Call<'_>, delivery: Delivery, large: Option<LargeBodies<'_>>) -> Record {
    let mut moved = Vec::new();
    let delivered = delivery.of(call.modality);
    let mut place = |body: Option<String>, side| {
        let json = body.filter(|_| delivered)?;
        if json.len() <= BODY_BYTES_MAX {
            return Some(Placed::Inline(RawValue::from_string(json).expect("a body is JSON")));
        }
        let large = large?;
        let key = body_key(large.prefix, call.account, call.region, call.at, call.request_id, side);
        let path = format!("s3://{}/{key}", large.bucket);
        moved.push(MovedBody { key, json });
        Some(Placed::Moved(path))
    };
    let (input_body_json, input_body_s3_path) = Placed::split(place(call.input_body.map(on_one_line), "input"));
    let (output_body_json, output_body_s3_path) = Placed::split(place(call.output_body.map(Value::to_string), "output"));
    let usage = call.usage;
    let wire = Wire {
        schema_type: "ModelInvocationLog",
        schema_version: "1.0",
        timestamp: call.at.to_string(),
        account_id: call.account.as_str(),
        region: call.region.as_str(),
        request_id: call.request_id,
        operation: call.operation.name(),
        model_id: call.model_id,
        error_code: call.error_code,
        identity: Identity { arn: call.identity_arn },
        inference_region: call.inference_region.map(Region::as_str),
        request_metadata: call.request_metadata,
        input: Input {
            input_content_type: JSON,
            input_body_json,
            input_body_s3_path,
            input_token_count: usage.map(|u| u.input.0),
            cache_read_input_token_count: usage.map(|u| u.cache_read.0),
            cache_write_input_token_count: usage.map(|u| u.cache_write_5m.0 + u.cache_write_1h.0),
        },
        output: Output {
            output_content_type: call.error_code.is_none().then_some(JSON),
            output_body_json,
            output_body_s3_path,
            output_token_count: usage.map(|u| u.output.0),
        },
    };
    Record { line: serde_json::to_string(&wire).expect("a record holds only text, numbers and JSON"), moved }
}

enum Placed {
    Inline(Box<RawValue>),
    Moved(String),
}

impl Placed {
    fn split(placed: Option<Self>) -> (Option<Box<RawValue>>, Option<String>) {
        match placed {
            Some(Self::Inline(json)) => (Some(json), None),
            Some(Self::Moved(path)) => (None, Some(path)),
            None => (None, None),
        }
    }
}

/// JSON has line breaks only between its parts; inside a text they are escaped.
fn on_one_line(body: &RawValue) -> String {
    body.get().replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests;

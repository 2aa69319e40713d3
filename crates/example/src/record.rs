//! One line of an invocation log, with AWS's names.
//!
//! Source: AWS, Bedrock user guide, "Monitor model invocation using CloudWatch Logs and Amazon S3", read 2026-11-23;
//! `errorCode`, `inferenceRegion` and the cache counts as seen in public parsers.

use laneshift_units::{Profile, Timestamp};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::bodies::{self, Length, Talk};
use crate::company::{Bodies, Company};
use crate::events::{Event, Outcome};
use crate::identity;

/// Where a body is too large for a record. AWS: bodies over 100 kB move to objects of their own.
pub(crate) const BODY_BYTES_MAX: usize = 100_000;

/// A record as text, and the request body that moved out of it, if one did.
pub(crate) struct Line {
    pub(crate) json: String,
    pub(crate) moved: Option<Moved>,
}

/// A request body in an object of its own.
pub(crate) struct Moved {
    pub(crate) request_id: String,
    pub(crate) body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    schema_type: &'static str,
    schema_version: &'static str,
    timestamp: String,
    account_id: &'a str,
    region: &'a str,
    request_id: &'a str,
    operation: &'static str,
    model_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    identity: Identity,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_region: Option<&'a str>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    request_metadata: Pairs<'a>,
    input: Input,
    output: Output,
}

#[derive(Serialize)]
struct Identity {
    arn: String,
}

struct Pairs<'a>(&'a [(String, String)]);

impl Pairs<'_> {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_content_type: Option<&'static str>,
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

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    output_content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_body_json: Option<bodies::Output>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_token_count: Option<u64>,
}

const JSON: &str = "application/json";

/// Writes the record of an event. `folder` is the key prefix of its hour; `move_some` moves a few bodies for show.
pub(crate) fn line(company: &Company, event: &Event, bodies: Bodies, folder: &str, move_some: bool) -> Line {
    let (workload, part) = (event.workload_of(company), event.part_of(company));
    let length = match bodies {
        Bodies::Full => Some(Length::Metered),
        Bodies::Sampled => workload.bodies_logged.then_some(Length::Short),
        Bodies::None => None,
    };
    let talk = length.map(|length| Talk::new(company, event, length));
    let metered = event.outcome == Outcome::Answered;
    let failed = matches!(event.outcome, Outcome::Throttled | Outcome::Invalid);
    let request_id = identity::request_id(event);
    let mut moved = None;
    let mut input = Input { input_content_type: Some(JSON), ..Input::default() };
    if let Some(talk) = &talk {
        let body = serde_json::to_string(&bodies::input(company, event, talk)).expect("bodies hold only strings and numbers");
        let show = move_some && metered && part.turns.one_turn() && part.tolerant && event.payload.is_multiple_of(MOVED_ONE_IN);
        if body.len() > BODY_BYTES_MAX || show {
            input.input_body_s3_path = Some(format!("s3://{BUCKET}/{folder}/data/{request_id}_input.json.gz"));
            moved = Some(Moved { request_id: request_id.clone(), body });
        } else {
            input.input_body_json = Some(RawValue::from_string(body).expect("what serde_json wrote is JSON"));
        }
    }
    let mut output = Output::default();
    if !failed {
        output.output_content_type = Some(JSON);
        output.output_body_json = talk.as_ref().and_then(|talk| bodies::output(company, event, talk));
    }
    if metered {
        let u = &event.usage;
        let written = u.cache_write_5m.0 + u.cache_write_1h.0;
        let cached = u.cache_read.0 + written > 0;
        input.input_token_count = Some(u.input.0);
        input.cache_read_input_token_count = cached.then_some(u.cache_read.0);
        input.cache_write_input_token_count = cached.then_some(written);
        output.output_token_count = part.tokens.output.map(|_| u.output.0);
    }
    let record = Record {
        schema_type: "ModelInvocationLog",
        schema_version: "1.0",
        timestamp: Timestamp(event.at_ms).to_string(),
        account_id: workload.account.as_str(),
        region: workload.region.as_str(),
        request_id: &request_id,
        operation: part.operation.name(),
        model_id: workload.model_id(),
        error_code: match event.outcome {
            Outcome::Throttled => Some("ThrottlingException"),
            Outcome::Invalid => Some("ValidationException"),
            Outcome::Answered | Outcome::Blocked => None,
        },
        identity: Identity { arn: identity::arn(company, event) },
        inference_region: if metered { inference_region(&workload.model.profile, event) } else { None },
        request_metadata: Pairs(&workload.metadata),
        input,
        output,
    };
    Line { json: serde_json::to_string(&record).expect("records hold only strings and numbers"), moved }
}

/// The bucket that moved bodies name.
pub(crate) const BUCKET: &str = "example-bedrock-logs";
/// Of the one-turn bodies of tolerant parts, one in this many moves for show.
const MOVED_ONE_IN: u64 = 384;

fn inference_region(profile: &Profile, event: &Event) -> Option<&'static str> {
    let regions: &[&str] = match profile {
        Profile::InRegion => return None,
        Profile::Geo(_) => &["us-east-1", "us-east-2", "us-west-2"],
        Profile::Global => &["us-east-1", "us-east-2", "us-west-2", "ca-central-1", "eu-west-1"],
    };
    regions.get(event.payload as usize % regions.len()).copied()
}

//! A job as Get and List show it.

use laneshift_units::Timestamp;
use serde_json::{Map, Value, json};

use super::{Job, Status};
use crate::faults::Fault;

/// The longest message AWS gives.
const MESSAGE_CHARS_MAX: usize = 2048;

/// The ARN of a job.
pub fn arn(job: &Job) -> String {
    format!("arn:aws:bedrock:{}:{}:model-invocation-job/{}", job.region, job.account, job.id)
}

/// The id in a job identifier, which is an ARN or the id itself.
pub fn job_id(identifier: &str) -> &str {
    identifier.rsplit('/').next().unwrap_or(identifier)
}

/// `2026-11-23T05:46:44.123Z`.
pub fn timestamp(at: Timestamp) -> String {
    at.to_string().replace('Z', &format!(".{:03}Z", at.0.rem_euclid(1000)))
}

/// What GetModelInvocationJob answers; List's summaries have the same members.
pub fn to_json(job: &Job, now: Timestamp, counter_lag_ms: i64) -> Value {
    let request = serde_json::to_value(&job.request).unwrap_or_default();
    let mut out = match request {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    out.remove("tags");
    let mut set = |name: &str, value: Value| out.insert(name.to_owned(), value);
    set("jobArn", arn(job).into());
    set("status", job.status.name().into());
    if let Some(message) = &job.message {
        set("message", message.chars().take(MESSAGE_CHARS_MAX).collect::<String>().into());
    }
    set("submitTime", timestamp(job.submitted).into());
    set("lastModifiedTime", timestamp(job.since).into());
    if let Some(ended) = job.ended {
        set("endTime", timestamp(ended).into());
    }
    set("timeoutDurationInHours", json!((job.expires.0 - job.submitted.0) / 3_600_000));
    set("jobExpirationTime", timestamp(job.expires).into());
    set("modelInvocationType", job.request.model_invocation_type.name().into());
    for (name, count) in counters(job, now, counter_lag_ms) {
        set(name, count.into());
    }
    Value::Object(out)
}

/// Zero until records run; up to a minute late; complete at the end.
fn counters(job: &Job, now: Timestamp, lag_ms: i64) -> [(&'static str, u64); 4] {
    let begun = job.began.is_some() && job.fault(Fault::ZeroCounters).is_none();
    let mark = match job.status {
        _ if !begun => None,
        Status::InProgress | Status::Stopping => job.mark_at(Timestamp(now.0 - lag_ms)),
        _ => job.cut.as_ref(),
    };
    let (processed, errors) = mark.map_or((0, 0), |m| (m.records, m.errors));
    [
        ("totalRecordCount", if begun { job.records } else { 0 }),
        ("processedRecordCount", processed),
        ("successRecordCount", processed - errors),
        ("errorRecordCount", errors),
    ]
}

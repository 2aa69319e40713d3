//! `manifest.json.out`.

use serde_json::{Value, json};

use super::Job;
use crate::faults::Fault;

/// Counts and tokens of what was processed; tokens are nowhere else.
pub fn manifest(job: &Job) -> Value {
    let cut = job.cut.clone().unwrap_or_default();
    let (input, output) = cut.tokens();
    // Story F09: the manifest counts the records that are missing from the output.
    let claimed = if job.fault(Fault::MangledOutput).is_some() { job.records } else { cut.records };
    json!({
        "totalRecordCount": job.records,
        "processedRecordCount": claimed,
        "successRecordCount": claimed - cut.errors,
        "errorRecordCount": cut.errors,
        "inputTokenCount": input,
        "outputTokenCount": output,
    })
}

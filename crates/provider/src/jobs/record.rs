//! One record of a job: a line of input becomes a line of output.
//!
//! Promises: `modelInput` is echoed byte for byte; the same line gives the same output. Leaves out: order and files.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{InvocationType, Job};
use crate::ask::{self, Ask, Refused};
use crate::chance;
use crate::faults::{Fault, Strike};
use crate::models::Model;

/// The faults that change single records.
#[derive(Clone, Debug, Default)]
pub struct RecordFaults {
    fail: Option<Strike>,
    inner: Option<Strike>,
    empty: Option<Strike>,
    mangle: Option<Strike>,
}

impl RecordFaults {
    /// Those of a job.
    pub fn of(job: &Job) -> Self {
        let get = |fault| job.fault(fault).cloned();
        Self {
            fail: get(Fault::RecordsFail),
            inner: get(Fault::InnerErrors),
            empty: get(Fault::EmptyAnswers),
            mangle: get(Fault::MangledOutput),
        }
    }

    fn strikes(strike: Option<&Strike>, seed: u64, index: u64) -> bool {
        strike.is_some_and(|s| chance::share(seed ^ index, s.fault.name()) < s.share)
    }

    /// How often the line of this record is written: once, or not at all, or twice (story F09).
    pub fn copies(&self, seed: u64, index: u64) -> usize {
        let Some(strike) = &self.mangle else { return 1 };
        let at = chance::share(seed ^ index, "copies");
        if at < strike.share {
            0
        } else if at < 2.0 * strike.share {
            2
        } else {
            1
        }
    }

    /// The answer is empty and uses all of `max_tokens` (story F11).
    pub fn empties(&self, seed: u64, index: u64) -> bool {
        Self::strikes(self.empty.as_ref(), seed, index)
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "recordId", default)]
    record_id: Option<Value>,
    #[serde(rename = "modelInput", borrow)]
    model_input: Option<&'a RawValue>,
}

/// What is needed to read the records of a job.
#[derive(Debug)]
pub struct Reader<'a> {
    /// The model that runs.
    pub model: &'a Model,
    /// The shape of the bodies.
    pub shape: InvocationType,
    /// Records with tools run when their shape is InvokeModel.
    pub tools_in_invoke: bool,
    /// The job's seed, for ids that are missing and for faults.
    pub seed: u64,
    /// Faults of single records.
    pub faults: RecordFaults,
}

/// A record that was read: its id, its echo, and the request in it or why it fails.
#[derive(Debug)]
pub struct Answered<'a> {
    /// Its id, generated when it had none.
    pub record_id: String,
    /// Its input as written.
    pub input: &'a str,
    /// The request, or error code and text.
    pub ask: Result<Ask, (u16, String)>,
    /// The error goes inside `modelOutput` (story F10).
    pub inner_error: bool,
}

impl Reader<'_> {
    /// Reads a line; `index` is its place in the job.
    pub fn read<'a>(&self, line: &'a [u8], index: u64) -> Answered<'a> {
        let parsed = serde_json::from_slice::<Line<'a>>(line).ok();
        let id = parsed.as_ref().and_then(|l| l.record_id.as_ref()).and_then(Value::as_str).map(str::to_owned);
        let record_id = id.unwrap_or_else(|| chance::id12(self.seed ^ index, "record").to_ascii_uppercase()[..11].to_owned());
        let input = parsed.and_then(|l| l.model_input).map_or("null", RawValue::get);
        if RecordFaults::strikes(self.faults.fail.as_ref(), self.seed, index) {
            let ask = Err((400, "The model returned the following errors: the request could not be processed".to_owned()));
            return Answered { record_id, input, ask, inner_error: false };
        }
        if RecordFaults::strikes(self.faults.inner.as_ref(), self.seed, index) {
            let ask = Err((500, "Internal server error".to_owned()));
            return Answered { record_id, input, ask, inner_error: true };
        }
        let ask = self.ask(input).map_err(|refused| (400, refused.message));
        Answered { record_id, input, ask, inner_error: false }
    }

    fn ask(&self, input: &str) -> Result<Ask, Refused> {
        let refuse = |message: &str| Err(Refused { message: message.to_owned() });
        let ask = match self.shape {
            InvocationType::Converse => {
                let body: Value = serde_json::from_str(input).unwrap_or_default();
                // AWS, "Process multiple prompts with batch inference": records with toolConfig fail with a 400 error.
                if body.get("toolConfig").is_some() {
                    return refuse("toolConfig is not supported for batch inference with the Converse format.");
                }
                ask::read_converse(self.model, &body)?
            }
            InvocationType::InvokeModel => ask::read_invoke(self.model, input.as_bytes())?,
        };
        if !self.tools_in_invoke && !ask.tools.is_empty() {
            return refuse("Tool use is not supported for batch inference.");
        }
        Ok(ask)
    }
}

/// An output line with an answer.
pub fn ok_line(record_id: &str, input: &str, output: &Value) -> String {
    format!("{{\"modelInput\":{input},\"modelOutput\":{output},\"recordId\":{}}}\n", Value::from(record_id))
}

/// An output line with an error.
pub fn error_line(record_id: &str, input: &str, code: u16, message: &str, inner: bool) -> String {
    let error = json!({ "errorCode": code, "errorMessage": message });
    let name = if inner { "modelOutput" } else { "error" };
    format!("{{\"modelInput\":{input},\"{name}\":{error},\"recordId\":{}}}\n", Value::from(record_id))
}

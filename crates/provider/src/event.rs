//! What happened: the entries of the journal, from which the whole state is made again.
//!
//! Invariant: applying the same events in their order gives the same state. A new member gets a default, so that old
//! journals stay readable; `VERSION` grows when that is impossible, and an unknown version is refused.

use serde::{Deserialize, Serialize};

use crate::cache::Entry;
use crate::faults::{Count, Rule, Strike};
use crate::jobs::{JobRequest, Mark, Status, Tag};
use crate::settings::{ApplicationProfile, ProvisionedModel};

/// The version of the journal's format.
pub const VERSION: u32 = 1;

/// One entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variants and their members say it")]
pub enum Event {
    /// The emulator was started on this folder.
    Opened { version: u32, seed: u64, at_ms: i64 },
    /// The clock was moved; `wall_ms` is the machine's time at that moment, and `speed` how fast it goes on: 0 when it
    /// only steps.
    ClockSet {
        at_ms: i64,
        wall_ms: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speed: Option<f64>,
    },
    /// CreateModelInvocationJob was accepted.
    JobCreated(Box<JobCreated>),
    /// A job changed its state, and nothing else.
    JobMoved { id: String, status: Status, at_ms: i64 },
    /// Validation passed.
    JobValidated { id: String, at_ms: i64, records: u64, start_ms: i64, run_ms: i64 },
    /// All its records were computed.
    JobRan { id: String, marks: Vec<Mark> },
    /// A job ended; what it is billed for is in `cut`.
    JobEnded { id: String, status: Status, at_ms: i64, message: Option<String>, cut: Option<Mark>, published: bool },
    /// Late output became readable.
    JobPublished { id: String },
    /// Tags were set.
    Tagged { arn: String, tags: Vec<Tag> },
    /// Tags were removed.
    Untagged { arn: String, keys: Vec<String> },
    /// The logging configuration of an account and region was set or deleted.
    LoggingSet { account: String, region: String, config: Option<serde_json::Value> },
    /// An application inference profile was made.
    ProfileCreated(ApplicationProfile),
    /// One was deleted.
    ProfileDeleted { arn: String },
    /// These provisioned models are there from now on, and no others.
    ProvisionedSet { models: Vec<ProvisionedModel>, at_ms: i64 },
    /// An on-demand call was served.
    Called(Box<Called>),
    /// A call was refused where logging is on.
    Logged { account: String, region: String, at_ms: i64, log: Box<LogLine> },
    /// So many more of the hour's invocation logs were delivered.
    LogsDelivered { account: String, region: String, hour: i64, records: u64 },
    /// So many more of the hour's invocation logs were given up: nobody could take them.
    LogsDropped { account: String, region: String, hour: i64, records: u64 },
    /// All fault rules were replaced.
    FaultsSet { rules: Vec<Rule>, at_ms: i64 },
    /// A fault rule was asked.
    FaultCounted(Count),
}

/// See [`Event::JobCreated`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the members say it")]
pub struct JobCreated {
    pub id: String,
    pub account: String,
    pub region: String,
    pub principal: String,
    pub at_ms: i64,
    pub expires_ms: i64,
    pub seed: u64,
    pub faults: Vec<Strike>,
    /// What the request's model was resolved to: the base model, the profile's name, the ARN of the application inference
    /// profile. A journal that does not say it leaves the model empty.
    #[serde(default)]
    pub model: String,
    #[serde(default)]
    pub profile: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    pub request: JobRequest,
}

/// See [`Event::Called`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Called {
    /// When.
    pub at_ms: i64,
    /// Who pays.
    pub account: String,
    /// Where.
    pub region: String,
    /// Who called.
    pub principal: String,
    /// The base model.
    pub model: String,
    /// The profile's name.
    pub profile: String,
    /// The tier that served.
    pub tier: String,
    /// Whether the latency-optimised price holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub latency_optimized: bool,
    /// Whether the answer was streamed.
    pub streaming: bool,
    /// The application inference profile or provisioned model that was named.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// Served by a provisioned model: paid by the hour, so the tokens cost nothing more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisioned: bool,
    /// Tokens: input, output, cache read, cache write for five minutes, for an hour.
    pub tokens: [u64; 5],
    /// Cache entries that were written or refreshed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache: Vec<Entry>,
    /// The invocation log record, where logging is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Box<LogLine>>,
}

/// An invocation log record that waits for its delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogLine {
    /// The record, one JSON object without a line end.
    pub record: String,
    /// Bodies that are too large for the record: object key and text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<(String, String)>,
}

impl LogLine {
    /// Bytes of everything that it holds.
    pub fn bytes(&self) -> usize {
        self.record.len() + self.objects.iter().map(|(key, text)| key.len() + text.len()).sum::<usize>()
    }
}

//! Batch inference jobs: their states, what happens to them next and when, and how they look from outside.
//!
//! Promises: the course of a job is a function of its request, its seed and the events in the journal; a counter shows
//! only records that are really in the output. Leaves out: reading input and writing output, which the shell does.

mod list;
mod manifest;
mod record;
mod request;
mod step;
mod validate;
mod view;

pub use list::{ListQuery, list};
pub use manifest::manifest;
pub use record::{Answered, Reader, RecordFaults, error_line, ok_line};
pub use request::{InvocationType, JobRequest, S3Input, Tag, split_uri};
pub use step::{Step, end, plan};
pub use validate::{FileCheck, JobCheck, Limits};
pub use view::{arn, job_id, timestamp, to_json};

use laneshift_units::{ProfiledModel, Timestamp};
use serde::{Deserialize, Serialize};

use crate::faults::{Fault, Strike};
use crate::models::{Model, Models};

/// AWS's states of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Waits for validation.
    Submitted,
    /// Its files are checked.
    Validating,
    /// Waits for capacity.
    Scheduled,
    /// Records run.
    InProgress,
    /// All records were processed, with or without errors.
    Completed,
    /// Time ran out.
    PartiallyCompleted,
    /// See the message.
    Failed,
    /// Was asked to stop.
    Stopping,
    /// Has stopped.
    Stopped,
    /// Did not begin in time.
    Expired,
}

impl Status {
    /// AWS's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "Submitted",
            Self::Validating => "Validating",
            Self::Scheduled => "Scheduled",
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::PartiallyCompleted => "PartiallyCompleted",
            Self::Failed => "Failed",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Expired => "Expired",
        }
    }

    /// Nothing happens to the job any more.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::PartiallyCompleted | Self::Failed | Self::Stopped | Self::Expired)
    }
}

/// How far a job has come: sums over its output up to a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Records processed, failed ones included.
    pub records: u64,
    /// Records that failed.
    pub errors: u64,
    /// The output file that the last of them stands in, and its length up to there.
    pub file: usize,
    /// Bytes of that file.
    pub bytes: u64,
    /// Tokens: context tier, input, output.
    pub usage: Vec<(u64, u64, u64)>,
}

impl Mark {
    /// Input and output tokens over all context tiers.
    pub fn tokens(&self) -> (u64, u64) {
        self.usage.iter().fold((0, 0), |(i, o), (_, input, output)| (i + input, o + output))
    }
}

/// One job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Twelve lower-case letters and digits.
    pub id: String,
    /// Whose.
    pub account: String,
    /// Where.
    pub region: String,
    /// Who created it.
    pub principal: String,
    /// What was asked for.
    pub request: JobRequest,
    /// The base model and the profile that it was created with, whatever becomes of their names.
    pub model: ProfiledModel,
    /// ARN of the application inference profile; empty without one.
    pub resource: String,
    /// Begins its chance decisions.
    pub seed: u64,
    /// How many jobs were created before it, of all accounts.
    pub number: usize,
    /// What will go wrong with it.
    pub faults: Vec<Strike>,
    /// When it was created.
    pub submitted: Timestamp,
    /// When it expires.
    pub expires: Timestamp,
    /// Where it is.
    pub status: Status,
    /// Why it is there.
    pub message: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Records that validation counted.
    pub records: u64,
    /// When it leaves Scheduled.
    pub start: Timestamp,
    /// When it began.
    pub began: Option<Timestamp>,
    /// How long all records take.
    pub run_ms: i64,
    /// What its records came to; known once the run has been computed.
    pub marks: Option<Vec<Mark>>,
    /// Up to where it got.
    pub cut: Option<Mark>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Whether its whole output can be read.
    pub published: bool,
}

impl Job {
    /// The base model; `None` when it left the table of models.
    pub fn base_model(&self) -> Option<&'static Model> {
        Models::shipped().get(self.model.model.as_str())
    }

    /// The numbers of a fault that strikes this job.
    pub fn fault(&self, fault: Fault) -> Option<&Strike> {
        self.faults.iter().find(|strike| strike.fault == fault)
    }

    /// The last mark that is reached at a moment.
    pub fn mark_at(&self, at: Timestamp) -> Option<&Mark> {
        let (marks, began) = (self.marks.as_ref()?, self.began?);
        let passed = (at.0 - began.0).clamp(0, self.run_ms);
        let total = marks.last().map_or(0, |m| m.records);
        let reached = if passed >= self.run_ms {
            total
        } else {
            (i128::from(total) * i128::from(passed) / i128::from(self.run_ms.max(1))) as u64
        };
        marks.iter().rev().find(|mark| mark.records <= reached)
    }
}

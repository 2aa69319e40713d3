//! What the queue holds: submissions, chunks, jobs, results, costs.

use laneshift_units::{Money, Timestamp, Tokens, Usage};

use crate::Bitmap;

/// A set of requests that came together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSubmission {
    /// Its id.
    pub id: String,
    /// A hash of its records and its request: the same id with another one is refused.
    pub body_hash: u64,
    /// How many records.
    pub records: u64,
    /// Everything else that whoever submitted it wants back, as JSON.
    pub request: String,
    /// When it must be answered.
    pub deadline: Timestamp,
    /// When it was accepted.
    pub created: Timestamp,
}

/// Where a submission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmissionState {
    /// Records are open.
    Open,
    /// Was cancelled: no record of it is sent any more.
    Cancelled,
    /// All its records are settled and its results were delivered.
    Delivered,
}

impl SubmissionState {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Cancelled => "cancelled",
            Self::Delivered => "delivered",
        }
    }

    /// Reads [`SubmissionState::name`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Cancelled, Self::Delivered].into_iter().find(|state| state.name() == text)
    }
}

/// A submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// What was accepted.
    pub new: NewSubmission,
    /// Where it stands.
    pub state: SubmissionState,
}

/// A sealed chunk: records of one pool in one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChunk {
    /// Its id.
    pub id: u64,
    /// What its records share: model and shape.
    pub pool: String,
    /// How many records.
    pub records: u32,
    /// Bytes of the object.
    pub bytes: u64,
    /// The object's key.
    pub object: String,
}

/// Part of a submission in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The chunk.
    pub chunk: u64,
    /// The first slot.
    pub first_slot: u32,
    /// How many.
    pub records: u32,
}

/// A chunk with what became of its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What was accepted.
    pub new: NewChunk,
    /// The submission it belongs to.
    pub submission: String,
    /// Settled.
    pub done: Bitmap,
    /// Settled with an answer; part of `done`.
    pub ok: Bitmap,
    /// In an attempt that has not ended.
    pub open: Bitmap,
}

/// The members of a job in one chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// The chunk.
    pub chunk: u64,
    /// The slots.
    pub slots: Bitmap,
}

/// What is committed before a job is created at AWS. It never changes and never is forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Our id.
    pub id: u64,
    /// What its records share.
    pub pool: String,
    /// The job's name at AWS.
    pub job_name: String,
    /// `clientRequestToken`.
    pub token: String,
    /// The exact body of CreateModelInvocationJob.
    pub request: String,
    /// Where its input goes: bucket and prefix as `s3://` URI.
    pub input: String,
    /// Names, records and bytes of the input files, as JSON.
    pub manifest: String,
    /// How many records.
    pub records: u64,
    /// When it was decided.
    pub created: Timestamp,
    /// Its records.
    pub members: Vec<Members>,
}

/// Where a job stands. Two ways lead out of `Intent`: through `Created` to `Closed`, or to `Revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobState {
    /// Decided.
    Intent,
    /// Its input is complete and verified.
    Uploaded,
    /// AWS has it.
    Created,
    /// It ended at AWS; its output is not read.
    Terminal,
    /// All that it brought is settled and booked.
    Closed,
    /// It never runs.
    Revoked,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Intent, Self::Uploaded, Self::Created, Self::Terminal, Self::Closed, Self::Revoked];

    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Uploaded => "uploaded",
            Self::Created => "created",
            Self::Terminal => "terminal",
            Self::Closed => "closed",
            Self::Revoked => "revoked",
        }
    }

    /// Reads [`JobState::name`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == text)
    }

    /// Its records can be in no other attempt.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Revoked)
    }
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What was decided.
    pub intent: Intent,
    /// Where it stands.
    pub state: JobState,
    /// Its ARN, once AWS has it.
    pub arn: Option<String>,
    /// AWS's state of it, as last seen.
    pub provider_state: Option<String>,
    /// AWS's message, or why it was revoked.
    pub message: Option<String>,
}

/// What changes with a job's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobChange {
    /// Its ARN.
    pub arn: Option<String>,
    /// AWS's state.
    pub provider_state: Option<String>,
    /// AWS's message.
    pub message: Option<String>,
}

/// What one job brought for one chunk. The object is complete before this is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    /// The job.
    pub job: u64,
    /// The chunk.
    pub chunk: u64,
    /// Records with an answer.
    pub ok: Bitmap,
    /// Records that failed for good.
    pub failed: Bitmap,
    /// The object with the answers and errors.
    pub object: String,
}

/// What a settle changed: of its records, those that had no result before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The winners.
    pub winners: Bitmap,
}

/// Results of a chunk in one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultObject {
    /// The job that brought it.
    pub job: u64,
    /// The records whose result it holds.
    pub winners: Bitmap,
    /// The object's key.
    pub object: String,
}

/// Whether a cost is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Costed {
    /// By the tokens that the provider metered.
    Exact,
    /// A price is not known: tokens only.
    Unpriced,
}

/// What a job cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Tokens.
    pub usage: Usage,
    /// What is paid.
    pub paid: Money,
    /// What the same tokens cost on demand.
    pub on_demand: Money,
    /// Of what is paid, for records that another attempt had answered.
    pub waste: Money,
    /// Whether the amounts are known.
    pub costed: Costed,
}

impl Cost {
    /// Nothing was used.
    pub const NOTHING: Self = Self {
        usage: Usage {
            input: Tokens(0),
            output: Tokens(0),
            cache_read: Tokens(0),
            cache_write_5m: Tokens(0),
            cache_write_1h: Tokens(0),
        },
        paid: Money::ZERO,
        on_demand: Money::ZERO,
        waste: Money::ZERO,
        costed: Costed::Exact,
    };
}

/// How often a record of a chunk was in an attempt that was paid for or could have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The job.
    pub job: u64,
    /// Its members.
    pub slots: Bitmap,
}

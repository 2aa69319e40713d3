//! The tries at requests: batch jobs, and groups of calls on the on-demand lanes.

use laneshift_units::{Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AttemptId, Bitmap, ChunkId, PoolId, StoreError};

/// Where an attempt runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// A batch inference job.
    Batch,
    /// Calls in the flex tier.
    Flex,
    /// Calls on demand.
    OnDemand,
    /// Calls on capacity that is paid for by the hour.
    Provisioned,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 4] = [Self::Batch, Self::Flex, Self::OnDemand, Self::Provisioned];

    /// The name in the database, and for users.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::OnDemand => "on_demand",
            Self::Provisioned => "provisioned",
        }
    }

    /// Reads [`Lane::name`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.name() == text)
    }
}

/// The members of an attempt in one chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// The chunk.
    pub chunk: ChunkId,
    /// The slots.
    pub slots: Bitmap,
}

/// What a batch job is, fixed before it is created at AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchJob {
    /// The job's name at AWS, and its `clientRequestToken`.
    pub name: String,
    /// The exact body of CreateModelInvocationJob.
    pub request: String,
    /// Where its input goes: bucket and prefix as `s3://` URI.
    pub input: String,
    /// Names, records and bytes of the input files, as JSON.
    pub manifest: String,
}

/// What is committed before anything is sent. It never changes and never is forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Our id.
    pub id: AttemptId,
    /// What its records share.
    pub pool: PoolId,
    /// Where it runs.
    pub lane: Lane,
    /// For [`Lane::Batch`].
    pub job: Option<BatchJob>,
    /// How many records.
    pub records: u64,
    /// The most that it can cost, where that is known.
    pub bound: Option<Money>,
    /// Its records may be in another open attempt: they are asked for twice because the other one is late.
    pub hedge: bool,
    /// When it was decided.
    pub created: Timestamp,
    /// Its records; each chunk once.
    pub members: Vec<Members>,
}

/// Where an attempt stands. Calls go from `Intent` to `Closed`; a job through all, or to `Revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttemptState {
    /// Decided.
    Intent,
    /// A job's input is complete and verified.
    Uploaded,
    /// AWS has the job.
    Created,
    /// It ended at AWS; its output is not read.
    Terminal,
    /// All that it brought is settled and booked.
    Closed,
    /// It never runs.
    Revoked,
}

impl AttemptState {
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

    /// Reads [`AttemptState::name`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == text)
    }

    /// Its records can be in no other attempt, but for a hedge.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Revoked)
    }

    /// Refuses to move on what is over: its records may be in another attempt.
    pub(crate) fn check_move(self, to: Self) -> Result<(), StoreError> {
        match self.is_open() || self == to {
            true => Ok(()),
            false => Err(StoreError::Conflict(format!("what is {} does not become {}", self.name(), to.name()))),
        }
    }
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What was decided.
    pub intent: Intent,
    /// Where it stands.
    pub state: AttemptState,
    /// The job's ARN, once AWS has it.
    pub arn: Option<String>,
    /// AWS's state of it, as last seen.
    pub provider_state: Option<String>,
    /// AWS's message, or why it was revoked.
    pub message: Option<String>,
    /// When AWS created it.
    pub started: Option<Timestamp>,
    /// When AWS says that it ended, or when it was seen to have ended or was revoked.
    pub ended: Option<Timestamp>,
}

impl Attempt {
    /// The attempt, without the records of its intent.
    #[must_use]
    pub fn without_members(&self) -> Self {
        let Intent { id, pool, lane, ref job, records, bound, hedge, created, members: _ } = self.intent;
        let intent = Intent { id, pool, lane, job: job.clone(), records, bound, hedge, created, members: Vec::new() };
        let Self { state, ref arn, ref provider_state, ref message, started, ended, .. } = *self;
        let (arn, provider_state, message) = (arn.clone(), provider_state.clone(), message.clone());
        Self { intent, state, arn, provider_state, message, started, ended }
    }
}

/// What changes with an attempt's state; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptChange {
    /// See [`Attempt`].
    pub arn: Option<String>,
    /// See [`Attempt`].
    pub provider_state: Option<String>,
    /// See [`Attempt`].
    pub message: Option<String>,
    /// See [`Attempt`].
    pub started: Option<Timestamp>,
    /// See [`Attempt`].
    pub ended: Option<Timestamp>,
}

/// One attempt's part in a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// The attempt.
    pub attempt: AttemptId,
    /// Where it ran.
    pub lane: Lane,
    /// Where it stands.
    pub state: AttemptState,
    /// When it was decided.
    pub created: Timestamp,
    /// Its members.
    pub slots: Bitmap,
}

/// Keeps the tries.
#[async_trait::async_trait]
pub trait Attempts: Send + Sync {
    /// Decides an attempt. Refused when one of its records has a result, or is in another open attempt and this is no hedge;
    /// when a chunk is in its members twice; or when its job's name or input is another attempt's.
    async fn intend(&self, intent: &Intent) -> Result<(), StoreError>;

    /// Moves an attempt on, and takes the changes over. Moving to the state it is in already changes nothing but those. What is
    /// over stays so: a move from there is a [`StoreError::Conflict`].
    async fn move_attempt(
        &self,
        id: AttemptId,
        from: AttemptState,
        to: AttemptState,
        change: &AttemptChange,
    ) -> Result<(), StoreError>;

    /// An attempt.
    async fn attempt(&self, id: AttemptId) -> Result<Attempt, StoreError>;

    /// Attempts that are not over, oldest first.
    async fn open_attempts(&self) -> Result<Vec<Attempt>, StoreError>;

    /// All attempts at records of a submission, oldest first.
    async fn attempts(&self, submission: &str) -> Result<Vec<Attempt>, StoreError>;

    /// The latest batch jobs that are over, without their members: closed ones and revoked ones, newest first.
    async fn past_jobs(&self, most: u32) -> Result<Vec<Attempt>, StoreError>;

    /// The attempts at a chunk's records, oldest first.
    async fn tries(&self, chunk: ChunkId) -> Result<Vec<Try>, StoreError>;
}

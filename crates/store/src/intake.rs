//! What comes in: submissions, chunks, tails, keys.

use laneshift_units::{Money, Timestamp, Usage};

use crate::{ChunkId, PoolId, StoreError};

/// Whether the deadline is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Met whenever the on-demand lanes have the rate that was counted on at accept.
    Guaranteed,
    /// As well as it goes.
    BestEffort,
}

impl Promise {
    /// The name in the database, and for users.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guaranteed => "guaranteed",
            Self::BestEffort => "best_effort",
        }
    }

    /// Reads [`Promise::name`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Guaranteed, Self::BestEffort].into_iter().find(|promise| promise.name() == text)
    }
}

/// A set of requests that came together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSubmission {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// The caller's idempotency key, one owner's own.
    pub key: Option<String>,
    /// A hash of its records and its request: the same id or key with another one is refused.
    pub body_hash: u64,
    /// How many records.
    pub records: u64,
    /// Everything else that whoever submitted it wants back, as JSON.
    pub request: String,
    /// When it must be answered.
    pub deadline: Timestamp,
    /// Whether that is promised.
    pub promise: Promise,
    /// When it was accepted.
    pub created: Timestamp,
}

/// Where a submission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmissionState {
    /// Its results are not delivered.
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

/// Records of one pool that share an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChunk {
    /// Its id.
    pub id: ChunkId,
    /// What its records share.
    pub pool: PoolId,
    /// How many records.
    pub records: u32,
    /// Bytes of their lines.
    pub bytes: u64,
    /// What they are thought to use: input by bytes, output at most what they ask for.
    pub usage: Usage,
    /// The object's key; none while the records are in tails.
    pub object: Option<String>,
    /// The earliest deadline of its records.
    pub deadline: Timestamp,
    /// When its first record was accepted.
    pub created: Timestamp,
}

/// Records of one flush for one open chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The chunk.
    pub chunk: ChunkId,
    /// The slot of the first record.
    pub first_slot: u32,
    /// How many.
    pub records: u32,
    /// The earliest deadline of them.
    pub deadline: Timestamp,
    /// What they are thought to use.
    pub usage: Usage,
    /// The records.
    pub blob: Vec<u8>,
}

/// Part of a submission in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The chunk.
    pub chunk: ChunkId,
    /// The first slot.
    pub first_slot: u32,
    /// How many.
    pub records: u32,
}

/// A single request that came with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// Days since 1970: keys are forgotten by the day.
    pub day: i64,
    /// Whose key.
    pub owner: String,
    /// A hash of the key.
    pub key_hash: [u8; 16],
    /// A hash of the request.
    pub body_hash: u64,
    /// The record's id.
    pub record: String,
}

/// Who pays for the records of a chunk. A chunk has one payer, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The chunk.
    pub chunk: ChunkId,
    /// Whoever's budget it counts in.
    pub payer: String,
    /// The moment that says in which of the budget's periods.
    pub at: Timestamp,
    /// The most that its records can cost, each asked for once.
    pub most: Money,
}

/// What one commit accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// Submissions, each with its spans in the order of its records.
    pub submissions: Vec<(NewSubmission, Vec<Span>)>,
    /// Chunks that are not there yet; those that are there grow by their tails.
    pub chunks: Vec<NewChunk>,
    /// Tails.
    pub tails: Vec<Tail>,
    /// Single requests with a key.
    pub keyed: Vec<Keyed>,
    /// Who pays for chunks; for one that is there already it is what its payer pays beyond that.
    pub charges: Vec<Charge>,
    /// What the records of chunks are for, where somebody says. A chunk has one workload, or none; the first one stays.
    pub workloads: Vec<(ChunkId, String)>,
}

/// Takes requests in.
#[async_trait::async_trait]
pub trait Intake: Send + Sync {
    /// The pool with this description; made when it is missing.
    async fn pool(&self, spec: &str) -> Result<PoolId, StoreError>;

    /// All pools with their descriptions.
    async fn pools(&self) -> Result<Vec<(PoolId, String)>, StoreError>;

    /// Accepts. The commit is the promise: what was accepted gets a result. Refused as a whole with [`StoreError::Conflict`] when
    /// a submission's id or key, or a single request's key, is there already with the same content, and with
    /// [`StoreError::Other`] when it is there with another one; also with [`StoreError::Conflict`] when a tail's chunk is sealed or
    /// full or its place is taken, and with [`StoreError::Missing`] when a pool or a span's chunk is not there.
    async fn accept(&self, accept: &Accept) -> Result<(), StoreError>;

    /// The request that came with a key, if it is not forgotten.
    async fn keyed(&self, owner: &str, key_hash: &[u8; 16]) -> Result<Option<Keyed>, StoreError>;

    /// Forgets keys of days before this one; gives how many.
    async fn forget_keys(&self, before_day: i64) -> Result<u64, StoreError>;

    /// The tails of a chunk, by slot.
    async fn tails(&self, chunk: ChunkId) -> Result<Vec<Tail>, StoreError>;

    /// The chunk's records, so many, are in this object: its tails go. Refused with [`StoreError::Conflict`] when there are more
    /// by then. A second time changes nothing.
    async fn seal(&self, chunk: ChunkId, records: u32, object: &str, bytes: u64) -> Result<(), StoreError>;

    /// A submission.
    async fn submission(&self, id: &str) -> Result<Submission, StoreError>;

    /// The submission that came with a key.
    async fn submission_keyed(&self, owner: &str, key: &str) -> Result<Option<Submission>, StoreError>;

    /// All submissions, oldest first.
    async fn submissions(&self) -> Result<Vec<Submission>, StoreError>;

    /// The spans of a submission, in the order of its records.
    async fn spans(&self, submission: &str) -> Result<Vec<Span>, StoreError>;

    /// Moves a submission on.
    async fn move_submission(&self, id: &str, from: SubmissionState, to: SubmissionState) -> Result<(), StoreError>;
}

//! What can be done with the queue.

use crate::rows::{
    Attempt, Chunk, Cost, Intent, Job, JobChange, JobState, NewChunk, NewSubmission, ResultObject, Settle, Settled, Span,
    Submission, SubmissionState,
};

/// Why the queue could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The state is not the one that the verb expects: somebody else was there first.
    #[error("the queue has changed: {0}")]
    Conflict(String),
    /// The same id with another content.
    #[error("{0} was accepted before with other records")]
    Other(String),
    /// No such thing.
    #[error("the queue has no {0}")]
    Missing(String),
    /// The database refused, or holds what this program cannot read.
    #[error("the queue's database failed: {0}")]
    Database(String),
}

/// The verbs. Each is one transaction; each can run twice.
#[async_trait::async_trait]
pub trait Store: Send + Sync {
    /// Accepts a submission with its chunks. The commit is the promise: what was accepted is answered. Gives `false` when the
    /// same submission was accepted before.
    async fn accept(&self, submission: &NewSubmission, chunks: &[NewChunk], spans: &[Span]) -> Result<bool, StoreError>;

    /// A submission.
    async fn submission(&self, id: &str) -> Result<Submission, StoreError>;

    /// All submissions, oldest first.
    async fn submissions(&self) -> Result<Vec<Submission>, StoreError>;

    /// The spans of a submission, in the order of its records.
    async fn spans(&self, submission: &str) -> Result<Vec<Span>, StoreError>;

    /// The chunks of a submission, in the order of its records.
    async fn chunks(&self, submission: &str) -> Result<Vec<Chunk>, StoreError>;

    /// Moves a submission on.
    async fn move_submission(&self, id: &str, from: SubmissionState, to: SubmissionState) -> Result<(), StoreError>;

    /// Decides a job. Refused when one of its records is settled, cancelled, or in another open attempt.
    async fn intend(&self, intent: &Intent) -> Result<(), StoreError>;

    /// Moves a job on, and takes the changes over. Moving to the state it is in already changes nothing but those.
    async fn move_job(&self, id: u64, from: JobState, to: JobState, change: &JobChange) -> Result<(), StoreError>;

    /// Jobs that are not over, oldest first.
    async fn open_jobs(&self) -> Result<Vec<Job>, StoreError>;

    /// All jobs with records of a submission, oldest first.
    async fn jobs(&self, submission: &str) -> Result<Vec<Job>, StoreError>;

    /// The attempts of a chunk that were not revoked.
    async fn attempts(&self, chunk: u64) -> Result<Vec<Attempt>, StoreError>;

    /// Gives records their one result. The first one wins; what came second is not among the winners.
    async fn settle(&self, settle: &Settle) -> Result<Settled, StoreError>;

    /// The results of a chunk.
    async fn results(&self, chunk: u64) -> Result<Vec<ResultObject>, StoreError>;

    /// Books a job, once.
    async fn book(&self, job: u64, cost: &Cost) -> Result<(), StoreError>;

    /// What a job was booked with.
    async fn cost(&self, job: u64) -> Result<Option<Cost>, StoreError>;
}

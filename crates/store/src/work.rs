//! What became of the requests.

use crate::{AttemptId, Bitmap, ChunkId, NewChunk, StoreError};

/// A chunk with what became of its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What was accepted.
    pub new: NewChunk,
    /// Have their final result.
    pub done: Bitmap,
    /// Were answered; part of `done`, as are the next two.
    pub ok: Bitmap,
    /// Were cancelled.
    pub cancelled: Bitmap,
    /// Passed their deadline.
    pub expired: Bitmap,
    /// Are to be erased.
    pub redacted: Bitmap,
    /// In an attempt that has not ended.
    pub open: Bitmap,
}

impl From<NewChunk> for Chunk {
    /// As it is when it is accepted.
    fn from(new: NewChunk) -> Self {
        let none = Bitmap::default;
        Self { new, done: none(), ok: none(), cancelled: none(), expired: none(), redacted: none(), open: none() }
    }
}

impl Chunk {
    /// All its records.
    pub fn all(&self) -> Bitmap {
        Bitmap::first(self.new.records as usize)
    }

    /// Records without a result that no attempt holds.
    pub fn free(&self) -> Bitmap {
        self.all().without(&self.done.or(&self.open))
    }
}

/// How a record ends without an answer or an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its caller took it back.
    Cancelled,
    /// Its deadline passed.
    Expired,
}

/// What one attempt brought for one chunk. The object is complete before this is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    /// The attempt.
    pub attempt: AttemptId,
    /// The chunk.
    pub chunk: ChunkId,
    /// Records with an answer.
    pub ok: Bitmap,
    /// Records that failed for good.
    pub failed: Bitmap,
    /// The object with the answers and errors.
    pub object: String,
}

/// Results of a chunk in one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultObject {
    /// The attempt that brought it.
    pub attempt: AttemptId,
    /// The records whose result it holds; what it holds beyond them came late.
    pub winners: Bitmap,
    /// The object's key.
    pub object: String,
}

/// What a purge took out of the queue: objects that nothing refers to any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Objects with accepted records, and with results.
    pub objects: Vec<String>,
}

/// Keeps what became of requests.
#[async_trait::async_trait]
pub trait Work: Send + Sync {
    /// Chunks with a record that has no result, earliest deadline first.
    async fn live(&self) -> Result<Vec<Chunk>, StoreError>;

    /// A chunk.
    async fn chunk(&self, id: ChunkId) -> Result<Chunk, StoreError>;

    /// The chunks of a submission, in the order of its records.
    async fn chunks(&self, submission: &str) -> Result<Vec<Chunk>, StoreError>;

    /// Gives records their one result; gives those that had none before. The first result wins.
    async fn settle(&self, settle: &Settle) -> Result<Bitmap, StoreError>;

    /// Ends records that have no result; gives those.
    async fn end(&self, chunk: ChunkId, slots: &Bitmap, how: Ending) -> Result<Bitmap, StoreError>;

    /// Cancels a submission: those of its records that have no result end here; gives how many.
    async fn cancel(&self, submission: &str) -> Result<u64, StoreError>;

    /// The results of a chunk, by attempt.
    async fn results(&self, chunk: ChunkId) -> Result<Vec<ResultObject>, StoreError>;

    /// Marks records as to be erased, and cancels those that have no result.
    async fn redact(&self, chunk: ChunkId, slots: &Bitmap) -> Result<(), StoreError>;

    /// Chunks with records to be erased.
    async fn redacted(&self) -> Result<Vec<Chunk>, StoreError>;

    /// The records of a chunk are in another object.
    async fn replace(&self, chunk: ChunkId, object: &str) -> Result<(), StoreError>;

    /// The results that an attempt brought for a chunk are in another object.
    async fn replace_result(&self, chunk: ChunkId, attempt: AttemptId, object: &str) -> Result<(), StoreError>;

    /// Forgets a submission whose records all have a result, with the chunks that are nobody else's and that no open attempt
    /// holds. What attempts cost stays. Refused with [`StoreError::Conflict`] otherwise.
    async fn purge(&self, submission: &str) -> Result<Purged, StoreError>;
}

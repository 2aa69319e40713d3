//! The durable queue of the batch lane.
//!
//! Requests are not rows: a chunk is a row, its requests are bits in it, and their bytes are in objects. Promises: a verb is
//! one transaction guarded by the state it expects, and every verb can run twice. Leaves out: objects, AWS, decisions.
//!
//! [`Store`] has two implementations, SQLite ([`sqlite::Sqlite`]) and a model in memory ([`memory::Memory`]), and one suite
//! that both pass.

mod bitmap;
pub mod memory;
mod rows;
pub mod sqlite;
mod verbs;

pub use bitmap::{Bitmap, SLOTS};
pub use rows::{
    Attempt, Chunk, Cost, Costed, Intent, Job, JobChange, JobState, Members, NewChunk, NewSubmission, ResultObject, Settle,
    Settled, Span, Submission, SubmissionState,
};
pub use verbs::{Store, StoreError};

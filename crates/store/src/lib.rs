//! The durable queue of the batch lane.
//!
//! Requests are not rows: a chunk is a row, its requests are bits in it, and their bytes are in objects, or for a short while
//! in tails. Promises: a verb is one transaction guarded by the state it expects, and every verb can run twice. Leaves out:
//! objects, AWS, decisions, clocks.
//!
//! A [`Store`] is four narrow traits: [`Intake`] takes requests in, [`Work`] keeps what became of them, [`Attempts`] keeps the
//! tries at them, [`Books`] keeps what those cost. Two implementations, SQLite ([`sqlite::Sqlite`]) and a model in memory
//! ([`memory::Memory`]), pass one suite.

mod attempts;
mod bitmap;
mod books;
mod error;
mod ids;
mod intake;
pub mod memory;
pub mod sqlite;
mod work;

pub use attempts::{Attempt, AttemptChange, AttemptState, Attempts, BatchJob, Intent, Lane, Members, Try};
pub use bitmap::{Bitmap, SLOTS};
pub use books::{Books, Charged, Cost, Costed, Entry};
pub use error::StoreError;
pub use ids::{AttemptId, ChunkId, PoolId};
pub use intake::{Accept, Charge, Intake, Keyed, NewChunk, NewSubmission, Promise, Span, Submission, SubmissionState, Tail};
pub use work::{Chunk, Ending, Purged, ResultObject, Settle, Work};

/// The whole queue.
pub trait Store: Intake + Work + Attempts + Books {}

impl<T: Intake + Work + Attempts + Books> Store for T {}

//! The journal of a ledger: which segments count, and how far each input has been read.
//!
//! A line is one checkpoint and the only thing that makes its segment count, so a checkpoint happens wholly or not at
//! all. Promises: a torn last line is forgotten together with its segment; everything before it stays.

mod entry;
mod open;

pub use entry::Counts;
pub(crate) use entry::{Checkpoint, InputProgress, Recorded};
pub(crate) use open::{Journal, Past};

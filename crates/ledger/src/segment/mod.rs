//! The `invocations` table of the ledger: rows as Parquet segments, with a version.
//!
//! Promises: what is written reads back the same; a file of another version or schema is refused. Leaves out: which
//! segments belong to a ledger (the journal says so).

mod columns;
mod intern;
mod read;
mod schema;
mod write;

pub use read::read_segment;
pub use schema::INVOCATIONS_VERSION;
pub(crate) use write::SegmentWriter;

#[cfg(test)]
mod tests;

//! Reads evidence into the ledger and gives every row to a sink, with several threads, from where an earlier run stopped.
//!
//! Promises: every record of the evidence is one row or one reject, once, however often a run is stopped or killed and
//! in whatever order threads take the inputs. Memory is bounded by `decode`'s limits and one row group, a thread. Leaves
//! out: reading bills, which are handed back.

mod body;
mod options;
mod outcome;
mod run;
mod take;
mod worker;

pub use options::{Options, Progress, RowSink, Silent};
pub use outcome::Outcome;
pub use run::ingest;

#[cfg(test)]
mod tests;

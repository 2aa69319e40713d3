//! Evidence into rows, rows into a Parquet ledger, and rows into mergeable partials.

pub mod bill;
mod convert;
mod decode;
mod error;
pub mod ingest;
pub mod inputs;
mod journal;
mod location;
pub mod map;
pub mod partial;
mod pseudonym;
pub mod reject;
pub mod row;
mod segment;
pub mod waits;
pub mod workload;

pub use error::LedgerError;
pub use ingest::{Options, Outcome, Progress, RowSink, Silent, ingest};
pub use inputs::{Found, Input, Skipped, resolve};
pub use journal::Counts;
pub use location::{Location, Objects};
pub use pseudonym::Pseudonyms;
pub use segment::{INVOCATIONS_VERSION, read_segment};

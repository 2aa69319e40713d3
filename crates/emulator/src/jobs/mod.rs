//! The files of batch inference jobs: reading input, computing output, making it readable.
//!
//! Output is computed into `jobs/<id>/` and moved into its bucket when the job ends, cut to what was done by then. So a
//! process that dies in the middle leaves nothing half-written in a bucket, and the next one computes the same bytes.

mod input;
mod output;
mod run;
mod spool;

pub(crate) use input::validate;
pub(crate) use output::publish;
pub(crate) use run::{Unrun, run};
pub(crate) use spool::forget;

/// The part of the emulator's folder that holds output on its way.
pub(crate) const FOLDER: &str = "jobs";

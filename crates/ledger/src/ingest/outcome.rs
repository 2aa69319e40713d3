//! What an ingest brought, earlier runs on the same ledger included.

use std::collections::{BTreeMap, BTreeSet};

use crate::inputs::Input;
use crate::journal::Counts;
use crate::reject::Reject;

/// What an ingest brought, earlier runs on the same ledger included.
#[derive(Debug)]
pub struct Outcome<S> {
    /// The threads' sinks, to be merged. Together they have seen every row of the ledger once, unless interrupted.
    pub sinks: Vec<S>,
    /// Rows in the ledger.
    pub rows: u64,
    /// Of these, rows that earlier runs had read.
    pub rows_of_earlier_runs: u64,
    /// Inputs that were read to their end, rejected ones included.
    pub files: u64,
    /// Stored bytes that this run read.
    pub stored_bytes: u64,
    /// What was counted.
    pub counts: Counts,
    /// Rejects one by one, sorted.
    pub rejects: BTreeSet<Reject>,
    /// Rejects by kind of reason, those that are not kept one by one included.
    pub rejects_by_kind: BTreeMap<String, u64>,
    /// Inputs that are bills, for the caller to read.
    pub bills: Vec<Input>,
    /// The caller stopped it before its end.
    pub interrupted: bool,
}

//! The lines of the journal.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::reject::Reject;

/// The version that is written, and the only one that is read.
pub(super) const JOURNAL_VERSION: u32 = 1;

/// The first line: what rows depend on besides the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) v: u32,
    pub(super) table: String,
    pub(super) options: Recorded,
}

/// Options that must be the same in every run on a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) metadata_keys: Vec<String>,
    pub(crate) deadline_keys: Vec<String>,
    /// What tells the key of the pseudonyms from another one; none without pseudonyms.
    pub(crate) pseudonyms: Option<String>,
    /// The mapping of tables, if there is one.
    pub(crate) map: Option<String>,
}

impl Recorded {
    /// The first option that differs, in words for the user.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.metadata_keys != other.metadata_keys {
            Some("other metadata keys")
        } else if self.deadline_keys != other.deadline_keys {
            Some("other deadline keys")
        } else if self.pseudonyms != other.pseudonyms {
            Some("another pseudonymisation")
        } else if self.map != other.map {
            Some("another column mapping")
        } else {
            None
        }
    }
}

/// Every other line: one segment, and what it brought forward.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(super) v: u32,
    /// The segment's file name; none when there were no rows.
    pub(crate) segment: Option<String>,
    /// Rows in the segment.
    pub(crate) rows: u64,
    /// Inputs that were read.
    pub(crate) inputs: Vec<InputProgress>,
    /// What was left out.
    pub(crate) rejects: Vec<Reject>,
    /// Rejects beyond those that are kept one by one, by kind.
    #[serde(default)]
    pub(crate) more_rejects: BTreeMap<String, u64>,
    /// What was counted.
    pub(crate) counts: Counts,
}

impl Checkpoint {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { v: JOURNAL_VERSION, ..Self::default() }
    }
}

/// How far an input has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputProgress {
    pub(crate) uri: String,
    pub(crate) size: u64,
    pub(crate) stamp: String,
    /// The last line (of a table: record) that was taken; none before the first.
    pub(crate) upto: Option<u64>,
    /// All of it was read.
    pub(crate) done: bool,
}

/// Counters that add up over checkpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Bytes of lines, uncompressed.
    pub line_bytes: u64,
    /// Records whose request body was read beside the log.
    pub bodies_beside: u64,
    /// Records whose request body was moved away and is not beside the log.
    pub bodies_missing: u64,
    /// Records whose body, in place or beside, has an unknown shape.
    pub bodies_unreadable: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, rhs: Self) {
        self.line_bytes += rhs.line_bytes;
        self.bodies_beside += rhs.bodies_beside;
        self.bodies_missing += rhs.bodies_missing;
        self.bodies_unreadable += rhs.bodies_unreadable;
    }
}

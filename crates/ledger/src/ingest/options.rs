//! What the caller of an ingest decides and provides.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::journal::Recorded;
use crate::location::Objects;
use crate::map::Mapping;
use crate::pseudonym::Pseudonyms;
use crate::row::Row;

/// Takes rows, in no particular order. Each thread has its own.
pub trait RowSink: Send {
    /// Takes a row.
    fn add(&mut self, row: &Row<'_>);
}

impl<F: FnMut(&Row<'_>) + Send> RowSink for F {
    fn add(&mut self, row: &Row<'_>) {
        self(row);
    }
}

/// Hears how far an ingest is; called from every thread.
pub trait Progress: Sync {
    /// Stored bytes that were read.
    fn bytes(&self, n: u64);
    /// Rows that were given to a sink.
    fn rows(&self, n: u64);
    /// An input that needs no more reading.
    fn file_done(&self);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn bytes(&self, _: u64) {}
    fn rows(&self, _: u64) {}
    fn file_done(&self) {}
}

/// How to ingest.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Keys of `requestMetadata` that name a workload, best first.
    pub metadata_keys: &'a [String],
    /// Keys of `requestMetadata` that declare a deadline, best first.
    pub deadline_keys: &'a [String],
    /// Hides the names of callers.
    pub pseudonyms: Option<&'a Pseudonyms>,
    /// Explains tables that are no bills.
    pub mapping: Option<&'a Mapping>,
    /// Threads that read.
    pub threads: NonZeroUsize,
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
    /// Set by the caller to stop: each thread ends its record and makes a checkpoint.
    pub stop: &'a AtomicBool,
    /// Time since any fixed moment; never goes back.
    pub uptime: &'a (dyn Fn() -> Duration + Sync),
    /// Runs requests to object stores.
    pub objects: &'a Objects,
}

impl Options<'_> {
    pub(super) fn recorded(&self) -> Recorded {
        Recorded {
            metadata_keys: self.metadata_keys.to_vec(),
            deadline_keys: self.deadline_keys.to_vec(),
            pseudonyms: self.pseudonyms.map(Pseudonyms::key_check),
            map: self.mapping.map(ToString::to_string),
        }
    }
}

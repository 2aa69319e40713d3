//! Folders of made-up evidence, and what an ingest makes of them.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use tempfile::TempDir;

use crate::ingest::{Options, Outcome, RowSink, Silent, ingest};
use crate::inputs::{Found, resolve};
use crate::map::Mapping;
use crate::row::Row;
use crate::{LedgerError, Objects};

/// A folder of evidence and one for output.
pub(super) struct World {
    dir: TempDir,
    pub(super) objects: Objects,
    pub(super) metadata_keys: Vec<String>,
    pub(super) mapping: Option<Mapping>,
    /// Read instead of the folder, if it is some.
    pub(super) bucket: Option<Arc<InMemory>>,
}

/// Adds up what it sees; stops after some rows if told so.
#[derive(Debug)]
pub(super) struct Sums<'a> {
    pub(super) rows: u64,
    pub(super) input: u64,
    /// A sum that two rows cannot change without being seen.
    pub(super) ids: u128,
    stop_after: Option<(&'a AtomicU64, &'a AtomicBool)>,
}

impl RowSink for Sums<'_> {
    fn add(&mut self, row: &Row<'_>) {
        self.rows += 1;
        self.input += row.input.unwrap_or(0);
        self.ids = self.ids.wrapping_add(u128::from_le_bytes(row.request_id));
        if let Some((left, stop)) = self.stop_after
            && left.fetch_sub(1, Ordering::Relaxed) <= 1
        {
            stop.store(true, Ordering::Relaxed);
        }
    }
}

/// The sums over all threads.
pub(super) type Total = (u64, u64, u128);

impl World {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("in")).expect("a folder");
        let metadata_keys = vec!["team".to_owned()];
        Self { dir, objects: Objects::new(), metadata_keys, mapping: None, bucket: None }
    }

    pub(super) fn evidence(&self) -> PathBuf {
        self.dir.path().join("in")
    }

    pub(super) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.evidence().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    pub(super) fn find(&self) -> Found {
        let folder = self.evidence().display().to_string();
        let arguments = [if self.bucket.is_some() { "s3://bucket".to_owned() } else { folder }];
        let open = |_: &str| match &self.bucket {
            Some(bucket) => Ok(Arc::clone(bucket) as Arc<dyn ObjectStore>),
            None => Err("no store".into()),
        };
        resolve(&arguments, &open, &self.objects).expect("evidence")
    }

    /// Puts an object into the bucket, which is read from then on.
    pub(super) fn put(&mut self, key: &str, bytes: impl Into<Vec<u8>>) {
        let bucket = self.bucket.get_or_insert_default();
        let path = ObjectPath::from(key);
        let put = bucket.put(&path, bytes.into().into());
        self.objects.wait(put).expect("a runtime").expect("an object");
    }

    /// Ingests everything; with `stop_after`, asks to stop once so many rows were seen.
    pub(super) fn try_run(&self, threads: usize, stop_after: Option<u64>) -> Result<(Total, Outcome<()>), LedgerError> {
        let stop = AtomicBool::new(false);
        let left = AtomicU64::new(stop_after.unwrap_or(u64::MAX));
        let options = Options {
            metadata_keys: &self.metadata_keys,
            deadline_keys: &[],
            pseudonyms: None,
            mapping: self.mapping.as_ref(),
            threads: NonZeroUsize::new(threads).expect("threads"),
            progress: &Silent,
            stop: &stop,
            uptime: &|| Duration::ZERO,
            objects: &self.objects,
        };
        let stop_after = stop_after.map(|_| (&left, &stop));
        let make_sink = || Sums { rows: 0, input: 0, ids: 0, stop_after };
        let outcome = ingest(&self.find().inputs, &self.out(), &options, &make_sink)?;
        let total = outcome.sinks.iter().fold((0, 0, 0), |(rows, input, ids): Total, sums| {
            (rows + sums.rows, input + sums.input, ids.wrapping_add(sums.ids))
        });
        Ok((total, without_sinks(outcome)))
    }

    pub(super) fn run(&self) -> (Total, Outcome<()>) {
        let (total, outcome) = self.try_run(2, None).expect("an ingest");
        assert!(!outcome.interrupted);
        assert_eq!(total.0, outcome.rows);
        (total, outcome)
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.out().join("ledger/journal.ndjson")
    }
}

fn without_sinks<S>(outcome: Outcome<S>) -> Outcome<()> {
    Outcome {
        sinks: Vec::new(),
        rows: outcome.rows,
        rows_of_earlier_runs: outcome.rows_of_earlier_runs,
        files: outcome.files,
        stored_bytes: outcome.stored_bytes,
        counts: outcome.counts,
        rejects: outcome.rejects,
        rejects_by_kind: outcome.rejects_by_kind,
        bills: outcome.bills,
        interrupted: outcome.interrupted,
    }
}

/// The record number `n`, whose input tokens are `n` too.
pub(super) fn record(n: u64) -> String {
    let role = n % 3;
    format!(
        r#"{{"schemaType":"ModelInvocationLog","timestamp":"2026-10-06T00:00:00Z","accountId":"111122223333","region":"us-east-1","requestId":"request-{n}","operation":"Converse","modelId":"amazon.nova-lite-v1:0","identity":{{"arn":"arn:aws:sts::111122223333:assumed-role/role-{role}/session"}},"requestMetadata":{{"team":"a"}},"input":{{"inputTokenCount":{n}}},"output":{{"outputTokenCount":1}}}}"#
    )
}

pub(super) fn records(numbers: impl IntoIterator<Item = u64>) -> String {
    numbers.into_iter().map(|n| record(n) + "\n").collect()
}

/// The sums of the records of these numbers.
pub(super) fn expected(numbers: impl IntoIterator<Item = u64>) -> Total {
    numbers.into_iter().fold((0, 0, 0), |(rows, input, ids), n| {
        let id = crate::convert::request_id_bytes(&format!("request-{n}"));
        (rows + 1, input + n, ids.wrapping_add(u128::from_le_bytes(id)))
    })
}

pub(super) fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_ref()).expect("gzip");
    encoder.finish().expect("gzip")
}

pub(super) fn segments(out: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(out.join("ledger/invocations")).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

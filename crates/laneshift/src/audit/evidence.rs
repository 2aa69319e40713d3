//! Reads the evidence: logs into partials, bills into a table, and what stands beside them.

use std::fs::File;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use laneshift_catalog::evidence::EvidenceNote;
use laneshift_catalog::signals::Signals;
use laneshift_core::plan::{RejectedReason, Source};
use laneshift_core::verdict::PrincipalKind;
use laneshift_ledger::bill::{BillError, BillLineWriter, BillTable, read_bill};
use laneshift_ledger::map::Mapping;
use laneshift_ledger::partial::{Grain, Partials};
use laneshift_ledger::row::Row;
use laneshift_ledger::waits::Follow;
use laneshift_ledger::workload::Waits;
use laneshift_ledger::{
    Input, LedgerError, Location, Objects, Options, Outcome, Pseudonyms, RowSink, ingest, read_segment, resolve,
};

use super::confusion::Truth;
use super::progress::Bar;
use crate::cli::audit::AuditArgs;
use crate::clock::Stopwatch;
use crate::error::Error;

/// A bill in an object store is read whole up to this size.
pub(crate) const BILL_OBJECT_BYTES_MAX: u64 = 4 << 30;
/// Name of a note that describes a folder of evidence.
const NOTE: &str = EvidenceNote::FILE_NAME;
/// Name of a table of inference profiles beside the evidence.
const PROFILES: &str = "profiles.csv";
/// Name of a generator's truth beside a generated example.
const TRUTH: &str = "truth.csv";
/// Largest of these that is fetched from an object store.
const NOTE_BYTES_MAX: u64 = 64 << 20;

/// What was read.
pub(super) struct Evidence {
    pub(super) grains: Vec<Grain>,
    pub(super) waits: Waits,
    pub(super) bill: BillTable,
    pub(super) factor: u64,
    pub(super) sources: Vec<Source>,
    pub(super) records: u64,
    pub(super) rejected: Vec<RejectedReason>,
    pub(super) truth: Option<Truth>,
    /// A table of inference profiles that stands with the evidence.
    pub(super) profiles: Option<PathBuf>,
}

struct Sink<'a>(Partials<'a>);

impl RowSink for Sink<'_> {
    fn add(&mut self, row: &Row<'_>) {
        self.0.add(row);
    }
}

pub(super) fn read(
    args: &AuditArgs,
    signals: &Signals,
    classify: &(dyn Fn(&str, &str) -> PrincipalKind + Sync),
) -> Result<Evidence, Error> {
    let objects = Objects::new();
    let open = |bucket: &str| laneshift_aws::s3::open(bucket, args.s3_endpoint.as_deref());
    let found = resolve(&args.evidence, &open, &objects).map_err(refused)?;
    let named = args.evidence.join(" ");
    if found.inputs.is_empty() {
        return Err(Error::NoEvidence(named));
    }
    std::fs::create_dir_all(&args.out).map_err(|e| Error::Write { path: args.out.clone(), reason: e.to_string() })?;
    let folders = folders(args, &found.inputs, &objects)?;
    let outcome = read_logs(args, signals, classify, &found.inputs, &objects)?;
    let mut rejected: Vec<RejectedReason> =
        outcome.rejects_by_kind.iter().map(|(reason, &lines)| RejectedReason { reason: reason.clone(), lines }).collect();
    let mut sources = Vec::new();
    if outcome.rows > 0 {
        let bytes = found.inputs.iter().map(|i| i.size).sum::<u64>() - outcome.bills.iter().map(|i| i.size).sum::<u64>();
        let kind = "invocation log".to_owned();
        sources.push(Source { kind, files: outcome.files, bytes, rows: outcome.rows });
    }
    let bill = read_bills(args, &outcome.bills, &objects, &mut sources, &mut rejected)?;
    let mut partials: Option<Partials<'_>> = None;
    for Sink(one) in outcome.sinks {
        match &mut partials {
            Some(all) => all.merge(one),
            None => partials = Some(one),
        }
    }
    let (grains, throttled) = partials.map(Partials::finish).unwrap_or_default();
    if grains.is_empty() && bill.tokens.is_empty() && bill.other.is_empty() {
        return Err(Error::NoEvidence(named));
    }
    let waits = follow(args, Follow::new(throttled))?;
    Ok(Evidence {
        factor: factor(args, &folders)?,
        grains,
        waits,
        bill,
        sources,
        records: outcome.rows,
        rejected,
        truth: read_truth(&folders)?,
        profiles: beside(&folders, PROFILES).next(),
    })
}

/// What the ledger says, as a user reads it.
pub(crate) fn refused(error: LedgerError) -> Error {
    let with_source = |e: &dyn std::error::Error| e.source().map_or_else(|| e.to_string(), |s| format!("{e}: {s}"));
    match &error {
        LedgerError::Evidence { argument, reason } => Error::NotFound(format!("{argument}: {reason}")),
        LedgerError::Store { uri, source } => Error::ObjectStore { uri: uri.clone(), reason: source.to_string() },
        other => Error::Evidence(with_source(other)),
    }
}

fn read_logs<'a>(
    args: &AuditArgs,
    signals: &Signals,
    classify: &'a (dyn Fn(&str, &str) -> PrincipalKind + Sync),
    inputs: &[Input],
    objects: &Objects,
) -> Result<Outcome<Sink<'a>>, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&stop);
    // A second handler cannot be set in one process; without one, Ctrl-C ends the process and the journal still holds.
    let _ = ctrlc::set_handler(move || on_signal.store(true, Ordering::Relaxed));
    let bar = Bar::new(inputs.iter().map(|i| i.size).sum());
    let watch = Stopwatch::start();
    let uptime = || watch.elapsed();
    let key = std::env::var("LANESHIFT_PSEUDONYM_KEY").unwrap_or_default();
    let pseudonyms = args.pseudonymise.then(|| Pseudonyms::new(pseudonym_key(&key)));
    let mapping = args.map.as_deref().map(Mapping::parse).transpose();
    let mapping = mapping.map_err(|e| Error::Argument { what: "--map".to_owned(), reason: e.to_string() })?;
    let options = Options {
        metadata_keys: &signals.metadata_keys,
        deadline_keys: &signals.deadline_keys,
        pseudonyms: pseudonyms.as_ref(),
        mapping: mapping.as_ref(),
        threads: NonZeroUsize::new(args.threads).unwrap_or(NonZeroUsize::MIN),
        progress: &bar,
        stop: &stop,
        uptime: &uptime,
        objects,
    };
    let outcome = ingest(inputs, &args.out, &options, &|| Sink(Partials::new(classify))).map_err(refused)?;
    bar.finish();
    if outcome.interrupted {
        return Err(Error::Interrupted(args.out.clone()));
    }
    Ok(outcome)
}

/// Sixteen bytes from a key of any length.
fn pseudonym_key(text: &str) -> [u8; 16] {
    let mut key = [0_u8; 16];
    for (at, byte) in text.bytes().enumerate() {
        key[at % 16] = key[at % 16].rotate_left(3) ^ byte;
    }
    key
}

fn read_bills(
    args: &AuditArgs,
    bills: &[Input],
    objects: &Objects,
    sources: &mut Vec<Source>,
    rejected: &mut Vec<RejectedReason>,
) -> Result<BillTable, Error> {
    let mut table = BillTable::default();
    if bills.is_empty() {
        return Ok(table);
    }
    let folder = args.out.join("ledger").join("bill_lines");
    let path = folder.join("bill.parquet");
    let failed = |reason: String| Error::Write { path: path.clone(), reason };
    std::fs::create_dir_all(&folder).map_err(|e| failed(e.to_string()))?;
    let file = File::create(&path).map_err(|e| failed(e.to_string()))?;
    let mut writer = BillLineWriter::new(file).map_err(|e| failed(e.to_string()))?;
    let (mut rows, mut bad, mut write_error) = (0, 0_u64, None);
    for input in bills {
        let mut sink = |line| {
            table.add(&line);
            rows += 1;
            if let Err(error) = writer.push(line) {
                write_error = Some(error.to_string());
            }
        };
        let mut reject = |_| bad += 1;
        let unreadable = |reason: String| Error::Evidence(format!("{}: {reason}", input.uri));
        let result = match &input.location {
            Location::Local(path) => {
                let file = File::open(path).map_err(|e| unreadable(e.to_string()))?;
                read_bill(file, &input.uri, &mut sink, &mut reject)
            }
            Location::Object { .. } => {
                let bytes = input.location.read_up_to(BILL_OBJECT_BYTES_MAX, objects).map_err(|e| unreadable(e.to_string()))?;
                let bytes = bytes.ok_or_else(|| unreadable("larger than 4 GiB; download it and give the file".to_owned()))?;
                read_bill(bytes::Bytes::from(bytes), &input.uri, &mut sink, &mut reject)
            }
        };
        match result {
            Ok(_) => {}
            Err(BillError::Focus { name }) => return Err(Error::Focus(name)),
            Err(error) => rejected.push(RejectedReason { reason: error.to_string(), lines: 1 }),
        }
    }
    writer.finish().map_err(|e| failed(e.to_string()))?;
    if let Some(reason) = write_error {
        return Err(failed(reason));
    }
    if bad > 0 {
        rejected.push(RejectedReason { reason: "a bad row of the bill".to_owned(), lines: bad });
    }
    let (kind, files) = ("bill (CUR)".to_owned(), bills.len() as u64);
    sources.push(Source { kind, files, bytes: bills.iter().map(|i| i.size).sum(), rows });
    Ok(table)
}

/// Follows throttled payloads through the ledger, if there are any.
fn follow(args: &AuditArgs, mut follow: Follow) -> Result<Waits, Error> {
    if !follow.is_empty() {
        let folder = args.out.join("ledger").join("invocations");
        let failed = |e: std::io::Error| Error::Evidence(format!("{}: {e}", folder.display()));
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|e| e == "parquet") {
                read_segment(&path, &mut |row| follow.add(row)).map_err(refused)?;
            }
        }
    }
    Ok(follow.finish())
}

/// Files of this name in the folders that were given.
fn beside<'a>(folders: &'a [PathBuf], name: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    folders.iter().map(move |folder| folder.join(name)).filter(|path| path.is_file())
}

/// The folders that were given; what stands at the root of an `s3://` prefix is fetched into one of their kind.
fn folders(args: &AuditArgs, inputs: &[Input], objects: &Objects) -> Result<Vec<PathBuf>, Error> {
    let mut folders: Vec<PathBuf> = args.evidence.iter().map(PathBuf::from).filter(|path| path.is_dir()).collect();
    let mut seen = std::collections::BTreeSet::new();
    for input in inputs {
        let Location::Object { store, path, uri } = &*input.root else { continue };
        if !seen.insert(uri.clone()) {
            continue;
        }
        let folder = args.out.join("ledger").join("beside").join(seen.len().to_string());
        let failed = |e: std::io::Error| Error::Write { path: folder.clone(), reason: e.to_string() };
        std::fs::create_dir_all(&folder).map_err(failed)?;
        for name in [NOTE, PROFILES, TRUTH] {
            let note = Location::Object { store: Arc::clone(store), path: path.clone().join(name), uri: format!("{uri}/{name}") };
            // An object that is not there reads as an error like any other; without a note there is no sampling.
            if let Ok(Some(bytes)) = note.read_up_to(NOTE_BYTES_MAX, objects) {
                std::fs::write(folder.join(name), bytes).map_err(failed)?;
            }
        }
        folders.push(folder);
    }
    Ok(folders)
}

fn factor(args: &AuditArgs, folders: &[PathBuf]) -> Result<u64, Error> {
    let wrong = |reason: &str| Error::Argument { what: "the sampling factor".to_owned(), reason: reason.to_owned() };
    if let Some(factor) = args.sampling_factor {
        return if factor >= 1 { Ok(factor) } else { Err(wrong("it is a whole number of 1 or more")) };
    }
    let mut factors = Vec::new();
    for path in beside(folders, NOTE) {
        factors.push(EvidenceNote::open(&path).map_err(|e| Error::Data(e.to_string()))?.sampling_factor.get());
    }
    factors.dedup();
    match factors[..] {
        [] => Ok(1),
        [one] => Ok(one),
        _ => Err(wrong("the folders state different ones; audit them one by one")),
    }
}

/// The generator's truth, where an example ships it.
fn read_truth(folders: &[PathBuf]) -> Result<Option<Truth>, Error> {
    let Some(path) = beside(folders, TRUTH).next() else { return Ok(None) };
    let bad = |reason: String| Error::Data(format!("{}: {reason}", path.display()));
    let text = std::fs::read(&path).map_err(|e| bad(e.to_string()))?;
    let mut reader = csv::Reader::from_reader(Cursor::new(text));
    let header = reader.headers().map_err(|e| bad(e.to_string()))?.clone();
    let column = |name: &str| header.iter().position(|h| h == name).ok_or_else(|| bad(format!("no column {name}")));
    let (key, account, truth) = (column("key")?, column("account")?, column("truth")?);
    let mut out = Truth::new();
    for record in reader.records() {
        let record = record.map_err(|e| bad(e.to_string()))?;
        let cell = |at: usize| record.get(at).unwrap_or("").to_owned();
        out.insert((cell(key), cell(account)), cell(truth));
    }
    Ok(Some(out))
}

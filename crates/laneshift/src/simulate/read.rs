//! Traffic from a ledger: an audit's segments as they lie, or other evidence read as the audit reads it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use laneshift_bedrock::arn::{ModelRef, model_ref};
use laneshift_catalog::plan_file::PlanFile;
use laneshift_catalog::profiles::Profiles;
use laneshift_catalog::signals::Signals;
use laneshift_ledger::row::Row;
use laneshift_ledger::{LedgerError, Objects, Options, Silent, ingest, read_segment, resolve};
use laneshift_sim::Recording;
use laneshift_units::ProfiledModel;

use crate::cli::simulate::SimulateArgs;
use crate::clock::Stopwatch;
use crate::error::Error;

/// The plan of an audit, beside its ledger.
const PLAN: &str = "plan.json";
/// A table of inference profiles beside the evidence.
const PROFILES: &str = "profiles.csv";

/// Reads the calls of a ledger, or a sample of them. `scratch` is a folder for what is read on the way.
pub(super) fn read(args: &SimulateArgs, scratch: &Path) -> Result<Recording, Error> {
    let segments = segments(args, scratch)?;
    let data = |e: laneshift_catalog::DataError| Error::Data(e.to_string());
    let beside = args.ledger.join(PROFILES);
    let profiles = args.profiles.clone().or_else(|| beside.is_file().then_some(beside));
    let profiles = profiles.map_or_else(|| Ok(Profiles::default()), |path| Profiles::open(&path)).map_err(data)?;
    let mut rows = 0_u64;
    each(&segments, &mut |_| rows += 1)?;
    let one_in = rows.div_ceil(args.calls).max(1);
    let mut recording = Recording::new(&args.ledger.display().to_string(), factor(args)? * one_in);
    let mut n = 0_u64;
    each(&segments, &mut |row| {
        n += 1;
        if n.is_multiple_of(one_in) {
            recording.add(row, model_of(row.model_id, &profiles).as_ref());
        }
    })?;
    Ok(recording)
}

fn each(segments: &[PathBuf], take: &mut dyn FnMut(&Row<'_>)) -> Result<(), Error> {
    segments.iter().try_for_each(|path| read_segment(path, &mut *take).map(|_| ()).map_err(unreadable))
}

fn unreadable(error: LedgerError) -> Error {
    match &error {
        LedgerError::Evidence { argument, reason } => Error::NotFound(format!("{argument}: {reason}")),
        _ => Error::Evidence(error.to_string()),
    }
}

/// The segments that an audit has written there; where there are none, those that it would write.
fn segments(args: &SimulateArgs, scratch: &Path) -> Result<Vec<PathBuf>, Error> {
    let ledger = args.ledger.join("ledger");
    let there = parquet(&ledger.join("invocations"));
    if !there.is_empty() {
        return named(&ledger.join("journal.ndjson"), there);
    }
    let signals = Signals::shipped().map_err(|e| Error::Data(e.to_string()))?;
    let (objects, stop, watch) = (Objects::new(), AtomicBool::new(false), Stopwatch::start());
    let evidence = args.ledger.display().to_string();
    let found = resolve(std::slice::from_ref(&evidence), &|bucket| laneshift_aws::s3::open(bucket, None), &objects);
    let found = found.map_err(unreadable)?;
    let options = Options {
        metadata_keys: &signals.metadata_keys,
        deadline_keys: &signals.deadline_keys,
        pseudonyms: None,
        mapping: None,
        threads: NonZeroUsize::MIN,
        progress: &Silent,
        stop: &stop,
        uptime: &|| watch.elapsed(),
        objects: &objects,
    };
    ingest(&found.inputs, scratch, &options, &|| |_: &Row<'_>| {}).map_err(unreadable)?;
    let read = parquet(&scratch.join("ledger").join("invocations"));
    if read.is_empty() { Err(Error::NoEvidence(evidence)) } else { Ok(read) }
}

/// Segments that the audit's journal names: it deletes the others when it goes on.
fn named(journal: &Path, mut segments: Vec<PathBuf>) -> Result<Vec<PathBuf>, Error> {
    let unread = |e: std::io::Error| Error::Evidence(format!("{}: {e}", journal.display()));
    let text = std::fs::read_to_string(journal).map_err(unread)?;
    segments.retain(|path| path.file_name().is_some_and(|name| text.contains(&*name.to_string_lossy())));
    Ok(segments)
}

fn parquet(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect();
    found.sort();
    found
}

fn model_of(id: &str, profiles: &Profiles) -> Option<ProfiledModel> {
    match model_ref(id) {
        ModelRef::Id(id) => Some(ProfiledModel::parse_id(id)),
        ModelRef::ApplicationProfile(_) => profiles.get(id).map(|profile| profile.model.clone()),
        ModelRef::Provisioned(_) | ModelRef::Prompt(_) | ModelRef::Other(_) => None,
    }
}

/// How many each record stands for.
fn factor(args: &SimulateArgs) -> Result<u64, Error> {
    if let Some(factor) = args.sampling_factor {
        return Ok(factor.max(1));
    }
    let path = args.ledger.join(PLAN);
    if !path.is_file() {
        return Ok(1);
    }
    Ok(PlanFile::read(&path).map_err(|e| Error::Data(e.to_string()))?.scope.sampling_factor.max(1))
}

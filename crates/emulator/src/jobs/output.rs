//! The output of a job: cut to what was done, and moved to where the request wants it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use laneshift_provider::faults::Fault;
use laneshift_provider::jobs::{Job, Mark, error_line, manifest, split_uri};
use laneshift_provider::settings::{Settings, Unprocessed};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::input::lines;
use super::spool;
use crate::emulator::Inner;
use crate::s3;

/// Makes the output readable up to a mark. With `late` it stays away, or is there in a part only, as the job's fault says.
///
/// Every part can run twice: what was moved already is left alone.
pub(crate) fn publish(inner: &Inner, job: &Job, settings: &Settings, cut: &Mark, late: bool) -> io::Result<()> {
    if late && job.fault(Fault::TruncatedOutput).is_none() {
        return Ok(());
    }
    let place = Place::of(inner, job)?;
    let switches = &settings.switches;
    let whole = cut.records == job.records;
    for (number, input) in spool::read_names(inner, &job.id)?.iter().enumerate() {
        let from = spool::file(inner, &job.id, number);
        if !from.exists() || cut.records == 0 {
            continue;
        }
        if number > cut.file && switches.unprocessed_records == Unprocessed::Absent {
            fs::remove_file(&from)?;
            continue;
        }
        if !whole && number >= cut.file {
            let kept = if number == cut.file { cut.bytes } else { 0 };
            shorten(&from, kept, switches.unprocessed_records)?;
        }
        let name = if switches.nested_output { input } else { input.rsplit('/').next().unwrap_or(input) };
        place.put(inner, &from, &format!("{name}.out"), late)?;
    }
    let folder = spool::folder(inner, &job.id);
    if !late && folder.exists() && (whole || switches.manifest_when_cut) {
        let mut done = job.clone();
        done.cut = Some(cut.clone());
        let from = folder.join("manifest");
        fs::write(&from, manifest(&done).to_string())?;
        place.put(inner, &from, "manifest.json.out", false)?;
    }
    if late { Ok(()) } else { spool::forget(inner, &job.id) }
}

/// Where a job's output goes.
struct Place {
    bucket: String,
    folder: PathBuf,
    prefix: String,
}

impl Place {
    fn of(inner: &Inner, job: &Job) -> io::Result<Self> {
        let (bucket, key) = split_uri(&job.request.output_data_config.s3_output_data_config.s3_uri);
        let folder = s3::bucket_path(&inner.folder, bucket);
        let folder = folder.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the output bucket is gone"))?;
        let key = key.trim_end_matches('/');
        let prefix = if key.is_empty() { format!("{}/", job.id) } else { format!("{key}/{}/", job.id) };
        Ok(Self { bucket: bucket.to_owned(), folder, prefix })
    }

    /// Moves a file to its key; a part of it is copied instead, so that the whole can follow.
    fn put(&self, inner: &Inner, from: &Path, name: &str, part_only: bool) -> io::Result<()> {
        let key = format!("{}{name}", self.prefix);
        let to = s3::object_path(&self.folder, &key).ok_or_else(|| io::Error::other("the output key leaves its bucket"))?;
        fs::create_dir_all(to.parent().unwrap_or(&self.folder))?;
        s3::forget_object(&inner.folder, &self.bucket, &key);
        if part_only {
            let half = fs::metadata(from)?.len() / 2;
            io::copy(&mut File::open(from)?.take(half), &mut File::create(&to)?)?;
            return Ok(());
        }
        fs::rename(from, to)
    }
}

#[derive(Deserialize)]
struct OutputLine<'a> {
    #[serde(rename = "recordId")]
    record_id: String,
    #[serde(rename = "modelInput", borrow)]
    model_input: &'a RawValue,
}

/// Cuts a file to its first bytes; the lines behind go, or become errors.
fn shorten(path: &Path, kept: u64, unprocessed: Unprocessed) -> io::Result<()> {
    if unprocessed == Unprocessed::Absent {
        return OpenOptions::new().write(true).open(path)?.set_len(kept.min(fs::metadata(path)?.len()));
    }
    let rewritten = path.with_extension("cut");
    let mut out = io::BufWriter::new(File::create(&rewritten)?);
    let mut at = 0;
    let copied = lines(path, |line| {
        let processed = at < kept;
        at += line.len() as u64 + 1;
        let written = if processed {
            out.write_all(line).and_then(|()| out.write_all(b"\n"))
        } else {
            let read: OutputLine<'_> = serde_json::from_slice(line).map_err(|e| e.to_string())?;
            let message = "The record was not processed before the job ended.";
            out.write_all(error_line(&read.record_id, read.model_input.get(), 408, message, false).as_bytes())
        };
        written.map_err(|e| e.to_string())
    });
    copied.map_err(io::Error::other)?;
    out.flush()?;
    drop(out);
    fs::rename(rewritten, path)
}

//! The input of a job: which objects, line by line, in bounded memory.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use laneshift_provider::faults::Fault;
use laneshift_provider::jobs::{Job, JobCheck, split_uri};
use laneshift_provider::quotas;
use laneshift_provider::settings::Settings;

use crate::emulator::Inner;
use crate::s3;

/// The longest line that is read: the largest body of a call, and room for its id.
pub(crate) const LINE_BYTES_MAX: usize = 26_000_000;

/// One input file.
#[derive(Clone, Debug)]
pub(crate) struct InputFile {
    /// Its key below the job's input location.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its size.
    pub(crate) bytes: u64,
}

/// The input files of a job, by name.
///
/// # Errors
/// The message of a failed job.
pub(crate) fn files(inner: &Inner, job: &Job) -> Result<Vec<InputFile>, String> {
    let uri = &job.request.input_data_config.s3_input_data_config.s3_uri;
    let (bucket, key) = split_uri(uri);
    let missing = || format!("The S3 location {uri} could not be accessed. Check that it exists and that the role can read it.");
    let bucket = s3::bucket_path(&inner.folder, bucket).ok_or_else(missing)?;
    let key = key.trim_end_matches('/');
    let place = if key.is_empty() { bucket } else { s3::object_path(&bucket, key).ok_or_else(missing)? };
    let mut found = Vec::new();
    if place.is_file() {
        let name = place.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let bytes = fs::metadata(&place).map_err(|e| e.to_string())?.len();
        found.push(InputFile { name, path: place, bytes });
    } else {
        walk(&place, "", &mut found).map_err(|_| missing())?;
    }
    found.retain(|file| file.name.ends_with(".jsonl"));
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if found.is_empty() {
        return Err(format!("No file with the extension .jsonl was found at {uri}."));
    }
    Ok(found)
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<InputFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(|n| format!("{prefix}{n}")) else { continue };
        let about = entry.metadata()?;
        if about.is_dir() {
            walk(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.push(InputFile { name, path: entry.path(), bytes: about.len() });
        }
    }
    Ok(())
}

/// Hands over the lines of a file, without their ends, until one is an error.
pub(crate) fn lines<E: From<String>>(path: &Path, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let file = File::open(path).map_err(|e| format!("An input file could not be read: {e}"))?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = io::Read::take(&mut reader, LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line);
        match n.map_err(|e| format!("An input file could not be read: {e}"))? {
            0 => return Ok(()),
            n if n > LINE_BYTES_MAX => {
                return Err(format!("An input file has a line of more than {LINE_BYTES_MAX} bytes.").into());
            }
            _ => {}
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        take(&line)?;
    }
}

/// Validates a job's files and gives the number of its records.
///
/// # Errors
/// The message of a failed job.
pub(crate) fn validate(inner: &Inner, job: &Job, settings: &Settings) -> Result<u64, String> {
    let input = &job.request.input_data_config.s3_input_data_config.s3_uri;
    if job.fault(Fault::RoleDenied).is_some() {
        return Err(format!("The role {} has no permission to read {input}.", job.request.role_arn));
    }
    let output = &job.request.output_data_config.s3_output_data_config.s3_uri;
    let (bucket, key) = split_uri(output);
    let writable = s3::bucket_path(&inner.folder, bucket).is_some_and(|b| key.is_empty() || s3::object_path(&b, key).is_some());
    if !writable {
        return Err(format!(
            "The S3 location {output} could not be accessed. Check that it exists and that the role can write to it."
        ));
    }
    let model = job.base_model().ok_or("The model is no longer there.")?;
    let mut check = JobCheck::new(quotas::job_limits(settings, model));
    for file in files(inner, job)? {
        let mut one = check.file(&file.name, file.bytes)?;
        lines(&file.path, |line| one.line(line))?;
    }
    check.finish()
}

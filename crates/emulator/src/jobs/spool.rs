//! A job's own folder, where its output is computed: paths and the names of its input files.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::emulator::Inner;

/// The folder of a job.
pub(super) fn folder(inner: &Inner, job: &str) -> PathBuf {
    inner.folder.join(super::FOLDER).join(job)
}

/// Where the output of its n-th input file is computed.
pub(super) fn file(inner: &Inner, job: &str, number: usize) -> PathBuf {
    folder(inner, job).join(format!("{number}.out"))
}

/// Keeps the names of the input files, which may be gone when the job ends.
pub(super) fn write_names(inner: &Inner, job: &str, names: &[&str]) -> io::Result<()> {
    fs::write(names_path(inner, job), serde_json::to_vec(names)?)
}

/// The names that were kept; none when the job's output was moved already.
pub(super) fn read_names(inner: &Inner, job: &str) -> io::Result<Vec<String>> {
    match fs::read(names_path(inner, job)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

/// Removes what is left of a job's way through the folder.
pub(crate) fn forget(inner: &Inner, job: &str) -> io::Result<()> {
    match fs::remove_dir_all(folder(inner, job)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn names_path(inner: &Inner, job: &str) -> PathBuf {
    folder(inner, job).join("names.json")
}

//! Reads back what the crate writes, by means of its own.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What a tree holds besides records.
#[derive(Default)]
pub(crate) struct Dirt {
    pub(crate) malformed_lines: u64,
    pub(crate) array_lines: u64,
}

pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The log files, without moved bodies.
pub(crate) fn log_files(root: &Path) -> Vec<PathBuf> {
    files(root).into_iter().filter(|p| p.parent().is_some_and(|dir| !dir.ends_with("data"))).collect()
}

pub(crate) fn gunzip(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(File::open(path).expect("a file")).read_to_string(&mut text).expect("gzip of text");
    text
}

pub(crate) fn records(root: &Path) -> (Vec<Value>, Dirt) {
    let (mut all, mut dirt) = (Vec::new(), Dirt::default());
    for path in log_files(root) {
        for line in gunzip(&path).lines() {
            match serde_json::from_str(line) {
                Ok(Value::Array(several)) => {
                    dirt.array_lines += 1;
                    all.extend(several);
                }
                Ok(one) => all.push(one),
                Err(_) => dirt.malformed_lines += 1,
            }
        }
    }
    (all, dirt)
}

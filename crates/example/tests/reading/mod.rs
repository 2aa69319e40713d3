//! Reads back what the crate writes, by means of its own.
#![expect(dead_code, reason = "each test file reads a part of it")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What a tree holds besides records.
#[derive(Default)]
pub struct Dirt {
    pub malformed_lines: u64,
    pub array_lines: u64,
}

pub fn files(root: &Path) -> Vec<PathBuf> {
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
pub fn log_files(root: &Path) -> Vec<PathBuf> {
    files(root).into_iter().filter(|p| p.parent().is_some_and(|dir| !dir.ends_with("data"))).collect()
}

pub fn all_bytes(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| (path.strip_prefix(root).expect("below the root").to_owned(), fs::read(&path).expect("a file"));
    files(root).into_iter().map(read).collect()
}

pub fn gunzip(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(File::open(path).expect("a file")).read_to_string(&mut text).expect("gzip of text");
    text
}

pub fn records(root: &Path) -> (Vec<Value>, Dirt) {
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

pub fn bill_rows(out: &Path) -> Vec<BTreeMap<String, String>> {
    let text = gunzip(&out.join("cur2.csv.gz"));
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| row.expect("a row")).collect()
}

/// A decimal amount in units of so many tokens, as tokens.
pub fn tokens(amount: &str, unit: u64) -> u64 {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = unit.ilog10() as usize;
    let fraction = format!("{fraction:0<digits$}");
    assert_eq!(fraction.len(), digits, "{amount} has more decimals than {unit} tokens");
    whole.parse::<u64>().expect("a number") * unit + fraction.parse::<u64>().expect("a number")
}

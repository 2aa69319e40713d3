//! The ledger read back for whoever holds it against a bill: what was used of which model, and what that cost.

use std::io;
use std::path::{Path, PathBuf};

use laneshift_units::{Money, PriceMode, Timestamp, Usage};

use super::{Certainty, ledger};

/// What a call used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// When it came.
    pub at: Timestamp,
    /// The account that paid; empty where the configuration names none.
    pub account: String,
    /// The region.
    pub region: String,
    /// The model, as it was called.
    pub model: String,
    /// The column of the price list.
    pub mode: PriceMode,
    /// On capacity that is paid for by the hour or the month: its fee is in no call.
    pub is_committed: bool,
    /// The server beside Bedrock that answered it.
    pub upstream: Option<String>,
    /// Tokens. Writes to the cache are not told apart by how long they live.
    pub usage: Usage,
    /// What was paid.
    pub paid: Money,
    /// What may have been paid beyond that.
    pub bound: Money,
    /// How certain that is.
    pub certainty: Certainty,
}

/// A line of the ledger that is none.
#[derive(Debug)]
pub struct BadLine {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: serde_json::Error,
}

/// Whether a folder is a gateway's.
pub fn is_gateway(folder: &Path) -> bool {
    folder.join("journal").is_dir() || folder.join("ledger").join("AWSLogs").is_dir()
}

/// Reads the ledger of a gateway's folder; gives the lines that are none. One that a power failure has cut is among them: it ends too
/// early ([`serde_json::Error::is_eof`]).
///
/// # Errors
/// What the disk says.
pub fn used(folder: &Path, take: &mut dyn FnMut(Used)) -> io::Result<Vec<BadLine>> {
    let mut bad = Vec::new();
    ledger::each_line(folder, &mut |file, line, read| match read {
        Ok(record) => record.used().into_iter().for_each(&mut *take),
        Err(why) => bad.push(BadLine { file: file.to_owned(), line, why }),
    })?;
    Ok(bad)
}

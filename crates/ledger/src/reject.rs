//! What could not be read: where it is and why, never what it says.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::LedgerError;

/// The name of the file of rejects in an output folder.
pub const REJECTED: &str = "rejected.ndjson";

/// Rejected lines of one file that are kept one by one; further ones are only counted.
pub(crate) const KEPT_PER_FILE_MAX: u64 = 100_000;

/// A file, or a line of it, that was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reject {
    /// The file.
    pub file: String,
    /// The line, counted from one; none when it is the file as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Where the line, or its element, begins in the uncompressed text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Why.
    pub reason: String,
    /// xxh3-64 of the line without its line break, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

impl Reject {
    /// A file as a whole.
    pub(crate) fn file(file: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, offset: None, reason: reason.into(), hash: None }
    }

    /// The reason without what differs from line to line, to count by.
    pub(crate) fn kind(&self) -> &str {
        self.reason.split(" at column ").next().unwrap_or(&self.reason)
    }
}

/// Writes the rejects, sorted and each once, in place of an earlier file. Without any there is no file.
pub(crate) fn write_rejects(out: &Path, rejects: &BTreeSet<Reject>) -> Result<(), LedgerError> {
    let path = out.join(REJECTED);
    if rejects.is_empty() {
        return match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(LedgerError::io("remove", &path)(e)),
            Ok(()) | Err(_) => Ok(()),
        };
    }
    let partial = out.join(format!("{REJECTED}.partial"));
    let write = || {
        let mut file = BufWriter::new(File::create(&partial)?);
        for reject in rejects {
            serde_json::to_writer(&mut file, reject)?;
            file.write_all(b"\n")?;
        }
        file.into_inner()?.sync_all()?;
        std::fs::rename(&partial, &path)
    };
    write().map_err(LedgerError::io("write", &path))
}

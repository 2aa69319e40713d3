//! Why a data file cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

/// A data file that cannot be used. Every message names the file and ends in what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file cannot be read.
    #[error("read {}: {source}; hint: check that the file exists and may be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("write {}: {source}; hint: check that its folder exists and may be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is larger than such a file can be.
    #[error("read {}: it has more than {max_mb} MB; hint: give the file that laneshift describes, not evidence", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in units of 1,048,576 bytes.
        max_mb: u64,
    },
    /// The file has another format, or one of another version.
    #[error("read {}, {at}: {reason}; hint: {hint}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where in the file: a line or a row.
        at: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// One field cannot be used.
    #[error("read {}, {at}, field {field}: {reason}; hint: {hint}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Where in the file: a line or a row.
        at: String,
        /// The field.
        field: String,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: String,
    },
}

impl DataError {
    /// A field that cannot be used.
    pub(crate) fn field(
        path: &Path,
        at: impl Into<String>,
        field: impl Into<String>,
        reason: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Field { path: path.into(), at: at.into(), field: field.into(), reason: reason.into(), hint: hint.into() }
    }

    /// A text that is not of the file's format.
    pub(crate) fn format(path: &Path, at: impl Into<String>, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Format { path: path.into(), at: at.into(), reason: reason.into(), hint: hint.into() }
    }
}

//! Why a catalogue cannot be read or written.

use std::path::PathBuf;
use std::{fmt, io};

/// A catalogue that cannot be used. Every message names the file.
#[derive(Debug)]
pub enum CatalogError {
    /// The file cannot be read or written.
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is larger than a catalogue can be.
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is no CSV with the catalogue's header.
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// One field cannot be read.
    Field {
        /// The file.
        path: PathBuf,
        /// The line, counted from one, header included.
        line: u64,
        /// The column's name.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => write!(f, "use the price catalogue {}: {source}", path.display()),
            Self::TooLarge { path } => write!(f, "read the price catalogue {}: larger than 64 MB", path.display()),
            Self::Header { path, reason } => write!(f, "read the price catalogue {}: {reason}", path.display()),
            Self::Field { path, line, field, reason } => {
                write!(f, "read the price catalogue {}, line {line}, field {field}: {reason}", path.display())
            }
        }
    }
}

impl std::error::Error for CatalogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::TooLarge { .. } | Self::Header { .. } | Self::Field { .. } => None,
        }
    }
}

//! What stops an ingest as a whole. A file or a line that cannot be read does not: it is a reject.

use std::error::Error;
use std::io;
use std::path::Path;

/// An ingest that cannot be done, by what its caller can do about it. Messages read after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// An evidence argument names nothing, or cannot be understood.
    #[error("read the evidence {argument}: {reason}")]
    Evidence {
        /// The argument.
        argument: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An object store cannot be listed.
    #[error("list {uri}")]
    Store {
        /// The bucket and prefix.
        uri: String,
        /// What went wrong.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The ledger cannot be written or read.
    #[error("{doing} {path}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: String,
        /// What went wrong.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The ledger holds what another evidence or other options gave.
    #[error("continue the ledger in {ledger}: {reason}\nhint: give a fresh --out, or delete this folder")]
    Mismatch {
        /// The ledger's folder.
        ledger: String,
        /// What differs.
        reason: String,
    },
    /// A file of the ledger is not what was written.
    #[error("read {path}: {reason}\nhint: give a fresh --out, or delete the ledger it belongs to")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process writes to the same ledger.
    #[error("write the ledger in {ledger}: another process is writing it")]
    Busy {
        /// The ledger's folder.
        ledger: String,
    },
}

impl LedgerError {
    /// A short name that does not change, for people to look up.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Evidence { .. } => "evidence",
            Self::Store { .. } => "evidence-store",
            Self::Io { .. } => "ledger-io",
            Self::Mismatch { .. } => "ledger-mismatch",
            Self::Damaged { .. } => "ledger-damaged",
            Self::Busy { .. } => "ledger-busy",
        }
    }

    pub(crate) fn io(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { doing, path: path.clone(), source: Box::new(source) }
    }
}

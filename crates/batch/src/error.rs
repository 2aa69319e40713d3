//! Why the engine cannot go on. Nothing that was accepted is lost.

use std::path::PathBuf;

use laneshift_aws::AwsError;
use laneshift_store::StoreError;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// AWS refused, or gave no answer.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The queue.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// S3.
    #[error("S3: {0}")]
    Objects(#[from] object_store::Error),
    /// S3, while input was written.
    #[error("S3: {0}")]
    Upload(std::io::Error),
    /// A bucket cannot be opened.
    #[error("{0}")]
    Bucket(String),
    /// The folder of the queue.
    #[error("the batch folder: {0}")]
    Spool(std::io::Error),
    /// The caller's output.
    #[error("{0}: {1}")]
    Output(PathBuf, std::io::Error),
    /// What the queue holds cannot be read.
    #[error("the queue holds what this program cannot read: {0}")]
    Json(#[from] serde_json::Error),
    /// The input location holds something else than was written.
    #[error("the input at {prefix} has {found} files and not the {expected} that were written")]
    Input {
        /// The prefix.
        prefix: String,
        /// Files found.
        found: usize,
        /// Files written.
        expected: usize,
    },
    /// What is accepted now could not be answered.
    #[error("the disk of the batch folder has {free} bytes free, and results may need {needed}")]
    Full {
        /// Free.
        free: u64,
        /// Needed.
        needed: u64,
    },
    /// Somebody has to mend what AWS names before jobs can be created.
    #[error("{0}")]
    Held(String),
}

impl EngineError {
    /// Whether it may pass by itself.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Aws(error) => error.is_transient(),
            Self::Objects(error) => !denied(error),
            Self::Upload(error) => !error.get_ref().is_some_and(|inner| inner.to_string().contains("AccessDenied")),
            Self::Input { .. } => true,
            Self::Store(_)
            | Self::Bucket(_)
            | Self::Spool(_)
            | Self::Output(..)
            | Self::Json(_)
            | Self::Held(_)
            | Self::Full { .. } => false,
        }
    }
}

/// Whether S3 says that this will not work until somebody changes something.
pub(crate) fn denied(error: &object_store::Error) -> bool {
    matches!(
        error,
        object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. }
            | object_store::Error::NotSupported { .. }
            | object_store::Error::InvalidPath { .. }
    )
}

//! Why the queue could not do it.

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The state is not the one that the verb expects: somebody else was there first.
    #[error("the queue has changed: {0}")]
    Conflict(String),
    /// The same id or key with another content.
    #[error("{0} was accepted before with other records")]
    Other(String),
    /// No such thing.
    #[error("the queue has no {0}")]
    Missing(String),
    /// The database refused, or holds what this program cannot read. Whether a change was committed is not known.
    #[error("the queue's database failed: {0}")]
    Database(String),
}

//! From evidence arguments to the files to read: sorted, each once, and what was passed over with its reason.

mod local;
mod object;
mod skip;

use std::error::Error;
use std::sync::Arc;

use object_store::ObjectStore;

use crate::error::LedgerError;
use crate::location::{Location, Objects};

/// One file of evidence.
#[derive(Clone, Debug)]
pub struct Input {
    /// Where it is.
    pub location: Location,
    /// Its address, the same in every run: a path without links, or `s3://bucket/key`.
    pub uri: String,
    /// Its stored size.
    pub size: u64,
    /// What changes when its content does: nanoseconds of its last change, or an object's entity tag.
    pub stamp: String,
    /// The folder or prefix it was found under, where bodies beside the logs are looked for.
    pub root: Arc<Location>,
}

/// A file or folder that was passed over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Its address.
    pub uri: String,
    /// Why.
    pub reason: &'static str,
}

/// What the arguments name.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Files to read, sorted by address.
    pub inputs: Vec<Input>,
    /// What was passed over, sorted by address.
    pub skipped: Vec<Skipped>,
}

/// Opens the store of a bucket.
pub type OpenStore<'a> = &'a dyn Fn(&str) -> Result<Arc<dyn ObjectStore>, Box<dyn Error + Send + Sync>>;

/// Finds the files that the arguments name: files, folders, patterns (`*`, `?`, `[…]`, `{…}`, `**`), and
/// `s3://bucket/prefix`, whose store `open_store` opens.
///
/// # Errors
/// [`LedgerError::Evidence`] when an argument names nothing, [`LedgerError::Store`] when a bucket cannot be listed.
pub fn resolve(arguments: &[String], open_store: OpenStore<'_>, objects: &Objects) -> Result<Found, LedgerError> {
    let mut found = Found::default();
    for argument in arguments {
        match argument.strip_prefix("s3://") {
            Some(address) => object::find(argument, address, open_store, objects, &mut found)?,
            None => local::find(argument, &mut found)?,
        }
    }
    found.inputs.sort_by(|a, b| a.uri.cmp(&b.uri));
    found.inputs.dedup_by(|a, b| a.uri == b.uri);
    found.skipped.sort();
    found.skipped.dedup();
    Ok(found)
}

/// Whether an argument is a pattern.
fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

fn pattern(argument: &str, text: &str) -> Result<globset::GlobMatcher, LedgerError> {
    let glob = globset::GlobBuilder::new(text).literal_separator(true).build();
    let glob = glob.map_err(|e| evidence(argument, &format!("the pattern is not understood: {}", e.kind())))?;
    Ok(glob.compile_matcher())
}

fn evidence(argument: &str, reason: &str) -> LedgerError {
    LedgerError::Evidence { argument: argument.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;

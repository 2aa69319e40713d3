//! Evidence on this machine.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use walkdir::{DirEntry, WalkDir};

use super::skip::reason_to_skip;
use super::{Found, Input, Skipped, evidence, is_pattern, pattern};
use crate::error::LedgerError;
use crate::location::Location;
use crate::reject::REJECTED;

pub(super) fn find(argument: &str, found: &mut Found) -> Result<(), LedgerError> {
    let path = Path::new(argument);
    if fs::symlink_metadata(path).is_ok() {
        add_tree(path, found);
        return Ok(());
    }
    if !is_pattern(argument) {
        return Err(evidence(argument, "there is no such file or folder"));
    }
    let matcher = pattern(argument, argument.strip_prefix("./").unwrap_or(argument))?;
    let mut base: PathBuf = path.components().take_while(|c| !is_pattern(&c.as_os_str().to_string_lossy())).collect();
    if base.as_os_str().is_empty() {
        base.push(".");
    }
    let mut matched = false;
    let mut walk = WalkDir::new(&base).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let path = match &entry {
            Ok(entry) => entry.path(),
            // A link to nothing can match too; it is rejected when it is read.
            Err(e) => match e.path() {
                Some(path) => path,
                None => continue,
            },
        };
        if matcher.is_match(path.strip_prefix("./").unwrap_or(path)) {
            matched = true;
            add_tree(path, found);
            if entry.as_ref().is_ok_and(|e| e.file_type().is_dir()) {
                walk.skip_current_dir();
            }
        }
    }
    if matched { Ok(()) } else { Err(evidence(argument, "no file matches")) }
}

/// Adds a file, or all files of a folder.
fn add_tree(root: &Path, found: &mut Found) {
    let is_folder = root.is_dir();
    // The folder of a single file is where its neighbours are.
    let folder = if is_folder { root } else { root.parent().unwrap_or(root) };
    let root_location = Arc::new(Location::Local(fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())));
    let mut walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        match entry {
            Ok(entry) => {
                let file_type = entry.file_type();
                let reason = reason(&entry);
                if file_type.is_dir() {
                    if let Some(reason) = reason {
                        found.skipped.push(Skipped { uri: address(entry.path()), reason });
                        walk.skip_current_dir();
                    }
                } else if let Some(reason) = reason.or((!file_type.is_file()).then_some("not a regular file")) {
                    found.skipped.push(Skipped { uri: address(entry.path()), reason });
                } else {
                    let metadata = entry.metadata().ok();
                    found.inputs.push(input(entry.path(), metadata.as_ref(), &root_location));
                }
            }
            Err(e) if e.loop_ancestor().is_some() => {
                let uri = e.path().map(|p| p.display().to_string()).unwrap_or_default();
                found.skipped.push(Skipped { uri, reason: "a link to a folder that it is in" });
            }
            // What cannot be opened is an input all the same: reading it rejects it, with its reason.
            Err(e) => found.inputs.extend(e.path().map(|path| input(path, None, &root_location))),
        }
    }
}

fn reason(entry: &DirEntry) -> Option<&'static str> {
    let name = entry.file_name().to_string_lossy();
    let journal = "journal.ndjson";
    if entry.file_type().is_dir() {
        let is_ledger = name == "ledger" && entry.path().join(journal).is_file();
        let is_output = entry.depth() > 0 && entry.path().join("ledger").join(journal).is_file();
        return if entry.depth() > 0 && name.starts_with('.') {
            Some("a hidden folder")
        } else if is_ledger || is_output {
            Some("the output of an earlier run")
        } else {
            None
        };
    }
    let folder = entry.path().parent();
    if name == REJECTED && folder.is_some_and(|f| f.join("ledger").join(journal).is_file()) {
        return Some("the output of an earlier run");
    }
    let folder = folder.and_then(Path::file_name).map(|f| f.to_string_lossy()).unwrap_or_default();
    reason_to_skip(&folder, &name)
}

fn input(path: &Path, metadata: Option<&Metadata>, root: &Arc<Location>) -> Input {
    let modified = metadata.and_then(|m| m.modified().ok()).and_then(|m| m.duration_since(UNIX_EPOCH).ok());
    Input {
        location: Location::Local(path.to_owned()),
        uri: address(path),
        size: metadata.map_or(0, Metadata::len),
        stamp: modified.map_or_else(String::new, |m| m.as_nanos().to_string()),
        root: Arc::clone(root),
    }
}

/// The path without links; as given when it leads nowhere.
fn address(path: &Path) -> String {
    let path = fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
    // Two names that are no text must not become the same one.
    path.to_str().map_or_else(|| format!("{path:?}"), str::to_owned)
}

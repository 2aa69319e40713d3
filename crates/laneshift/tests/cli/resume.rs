//! The order of files changes nothing, and a second run reads nothing twice.

use std::fs;
use std::path::{Path, PathBuf};

use laneshift_example::{LogOptions, acme, write_logs};
use serde_json::Value;

use super::audit;

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() { files(&entry.path(), into) } else { into.push(entry.path()) }
    }
}

/// Everything but what names the evidence's files.
fn figures(mut plan: Value) -> Value {
    plan["scope"]["sources"] = Value::Null;
    plan
}

#[test]
fn permuting_and_splitting_the_evidence_changes_no_figure() {
    let dir = tempfile::tempdir().expect("a folder");
    let logs = dir.path().join("logs");
    write_logs(&acme(7).with_records(6_000), &logs, &LogOptions::example()).expect("writes");
    let whole = figures(audit(&[&logs], &dir.path().join("a"), &[]));
    let mut paths = Vec::new();
    files(&logs, &mut paths);
    paths.retain(|p| !p.to_string_lossy().contains("/data/"));
    paths.sort();
    let half = paths.len() / 2;
    paths.rotate_left(half);
    paths.reverse();
    let refs: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let permuted = figures(audit(&refs, &dir.path().join("b"), &["--threads", "1"]));
    assert_eq!(whole, permuted);
    // The first half, then everything into the same folder: the second run reads only the rest.
    let out = dir.path().join("c");
    audit(&refs[..half], &out, &[]);
    assert_eq!(whole, figures(audit(&refs, &out, &[])));
    assert_eq!(whole, figures(audit(&refs, &out, &[])), "a third run reads nothing and says the same");
}

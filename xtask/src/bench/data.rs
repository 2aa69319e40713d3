//! The seeded data sets of the ingest benchmark: made once, made again when their parameters or the generator change.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use laneshift_example as example;

use crate::cargo::Workspace;

const SEED: u64 = 20_261_123;
const MANIFEST: &str = "manifest.txt";

#[derive(Args, Clone, Debug)]
pub(crate) struct DataArgs {
    /// Size of the data with bodies before compression, in 10^9 bytes
    #[arg(long, default_value_t = 1.5)]
    pub(crate) full_gb: f64,
    /// Records of the data without bodies
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) records: u64,
}

/// A data set on disk.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub(crate) name: &'static str,
    /// The folder that holds `AWSLogs`, and nothing else.
    pub(crate) logs: PathBuf,
    pub(crate) records: u64,
    pub(crate) files: u64,
    pub(crate) raw_bytes: u64,
    pub(crate) gz_bytes: u64,
}

/// Both data sets, from disk where they are as asked for.
pub(crate) fn make(workspace: &Workspace, args: &DataArgs) -> Result<[Data; 2]> {
    let generator = fingerprint(&workspace.root().join("crates/example"))?;
    let one = |name, asked: &str, company, bodies| {
        one(
            &workspace.target("bench-data").join(name),
            name,
            &format!("generator {generator:016x}\nseed {SEED}\n{asked}\n"),
            company,
            bodies,
        )
    };
    let raw_bytes = (args.full_gb * 1e9) as u64;
    Ok([
        one(
            "full",
            &format!("raw bytes asked {raw_bytes}"),
            &|| example::with_raw_bytes(example::bench_company(SEED), raw_bytes, example::Bodies::Full),
            example::Bodies::Full,
        )?,
        one(
            "meta",
            &format!("records asked {}", args.records),
            &|| example::bench_company(SEED).with_records(args.records),
            example::Bodies::None,
        )?,
    ])
}

fn one(
    folder: &Path,
    name: &'static str,
    asked: &str,
    company: &dyn Fn() -> example::Company,
    bodies: example::Bodies,
) -> Result<Data> {
    let (logs, manifest) = (folder.join("logs"), folder.join(MANIFEST));
    if let Some(data) = fs::read_to_string(&manifest).ok().and_then(|text| read(&text, asked, name, &logs)) {
        return Ok(data);
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    eprintln!("making the data set `{name}`");
    let written = example::write_logs(&company(), &logs, &example::LogOptions::bench(bodies))
        .with_context(|| format!("failed to write {}", logs.display()))?;
    let data = Data {
        name,
        logs,
        records: written.records,
        files: written.files,
        raw_bytes: written.raw_bytes,
        gz_bytes: written.gz_bytes,
    };
    // Written last: a folder without it is not finished.
    fs::write(&manifest, show(&data, asked)).with_context(|| format!("failed to write {}", manifest.display()))?;
    eprintln!("{name}: {} records, {} files, {} bytes, {} compressed", data.records, data.files, data.raw_bytes, data.gz_bytes);
    Ok(data)
}

fn show(data: &Data, asked: &str) -> String {
    let mut text = asked.to_owned();
    for (key, value) in
        [("records", data.records), ("files", data.files), ("raw_bytes", data.raw_bytes), ("gz_bytes", data.gz_bytes)]
    {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{key} = {value}");
    }
    text
}

fn read(text: &str, asked: &str, name: &'static str, logs: &Path) -> Option<Data> {
    let counts = text.strip_prefix(asked)?;
    let value = |key: &str| counts.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = ")?.parse().ok());
    Some(Data {
        name,
        logs: logs.to_owned(),
        records: value("records")?,
        files: value("files")?,
        raw_bytes: value("raw_bytes")?,
        gz_bytes: value("gz_bytes")?,
    })
}

/// A hash of the generator's sources and data, so that a changed generator makes changed data.
fn fingerprint(crate_folder: &Path) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for folder in ["src", "data"] {
        add(&crate_folder.join(folder), &mut hasher)?;
    }
    Ok(hasher.finish())
}

fn add(folder: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add(&path, hasher)?;
        } else {
            hasher.write(&fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_holds_only_for_what_was_asked() {
        let data = Data { name: "full", logs: "logs".into(), records: 1, files: 2, raw_bytes: 3, gz_bytes: 4 };
        let text = show(&data, "seed 1\n");
        let read_back = read(&text, "seed 1\n", "full", Path::new("logs")).expect("the same question");
        assert_eq!((read_back.records, read_back.files, read_back.raw_bytes, read_back.gz_bytes), (1, 2, 3, 4));
        assert!(read(&text, "seed 2\n", "full", Path::new("logs")).is_none());
    }
}

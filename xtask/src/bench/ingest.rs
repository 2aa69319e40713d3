//! `cargo xtask bench ingest`: `laneshift audit`, DuckDB with the same grouping, and bare decompression, in turn.
//!
//! Promises: the tools read the same files, warm, with as many threads as there are processors; each round runs every tool
//! once, so that a slow minute of the machine hits all of them; DuckDB must find every record.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::data::{self, Data, DataArgs};
use super::table::{self, Row};
use super::{machine, measure};
use crate::cargo::{self, Workspace};
use crate::venv;

const DUCKDB: &str = "duckdb";

#[derive(Args)]
pub(crate) struct IngestArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Rounds; each runs every tool on every data set
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Keep what the audits wrote, under bench-out in cargo's target folder
    #[arg(long)]
    keep: bool,
}

/// What is measured.
struct Tools {
    laneshift: PathBuf,
    xtask: PathBuf,
    python: PathBuf,
    script: PathBuf,
    out: PathBuf,
    threads: String,
}

/// Builds, makes the data, measures, prints the table on standard output.
pub(crate) fn run(args: &IngestArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    let tools = Tools::prepare(&workspace)?;
    // In a child and in release: a debug generator takes minutes, and this process must stay small to measure others.
    let mut generate = Command::new(&tools.xtask);
    generate.args(["generate", "bench", "--full-gb", &args.data.full_gb.to_string()]);
    generate.args(["--records", &args.data.records.to_string()]);
    cargo::run(&mut generate)?;
    let sets = data::make(&workspace, &args.data)?;

    let machine = machine::line();
    let mut rows = Vec::new();
    for data in &sets {
        for tool in ["laneshift audit", DUCKDB, "inflate"] {
            let (raw_bytes, records) = (data.raw_bytes, data.records);
            rows.push(Row { tool: tool.to_owned(), data: data.name, raw_bytes, records, runs: Vec::new() });
        }
        // Once before the rounds, so that the first tool does not pay for the disk.
        measure::run(&mut tools.inflate(data), false)?;
    }
    let mut versions = String::new();
    for round in 1..=args.runs.max(1) {
        for (data, rows) in sets.iter().zip(rows.chunks_mut(3)) {
            eprintln!("round {round} of {}: {}", args.runs.max(1), data.name);
            let out = tools.out.join(format!("{}-{round}", data.name));
            rows[0].runs.push(measure::run(&mut tools.audit(data, &out), false)?.0);
            if !args.keep {
                remove(&out)?;
            }
            let (run, said) = measure::run(&mut tools.duckdb(data), true)?;
            rows[1].runs.push(run);
            versions = versions_of(&said, data)?;
            rows[2].runs.push(measure::run(&mut tools.inflate(data), false)?.0);
        }
    }

    println!("{machine}; {versions}; {} rounds.\n", args.runs.max(1));
    for data in &sets {
        let (raw, gz) = (data.raw_bytes as f64 / 1e9, data.gz_bytes as f64 / 1e9);
        println!("`{}`: {} records, {} files, {raw:.3} GB, {gz:.3} GB compressed.", data.name, data.records, data.files);
    }
    println!("\n{}", table::markdown(&rows, DUCKDB));
    Ok(())
}

impl Tools {
    fn prepare(workspace: &Workspace) -> Result<Self> {
        // Two builds: in one, the features of the tasks would become those of the program.
        cargo::run(&mut workspace.cargo(&["build", "--release", "--package", "laneshift"]))?;
        cargo::run(&mut workspace.cargo(&["build", "--release", "--package", "xtask"]))?;
        let out = workspace.target("bench-out");
        remove(&out)?;
        Ok(Self {
            laneshift: workspace.target("release/laneshift"),
            xtask: workspace.target("release/xtask"),
            python: venv::ensure(workspace)?,
            script: workspace.root().join("xtask/bench/duckdb_ingest.py"),
            out,
            threads: machine::processors().to_string(),
        })
    }

    fn audit(&self, data: &Data, out: &Path) -> Command {
        let mut command = Command::new(&self.laneshift);
        command.arg("audit").arg(&data.logs).arg("--out").arg(out);
        command.args(["--format", "json", "--threads", &self.threads]).stderr(std::process::Stdio::null());
        command
    }

    fn duckdb(&self, data: &Data) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).arg(&data.logs).args(["--threads", &self.threads]);
        command
    }

    fn inflate(&self, data: &Data) -> Command {
        let mut command = Command::new(&self.xtask);
        command.arg("inflate").arg(&data.logs).args(["--threads", &self.threads]);
        command
    }
}

/// The script's answer is `<version> <groups> <records>`; an answer about fewer records is no measurement.
fn versions_of(said: &str, data: &Data) -> Result<String> {
    let words: Vec<&str> = said.split_whitespace().collect();
    let [version, _groups, records, ..] = words[..] else { bail!("failed to understand DuckDB's answer: {said}") };
    if records.parse() != Ok(data.records) {
        bail!("DuckDB found {records} records in `{}`, which has {}", data.name, data.records);
    }
    Ok(format!("laneshift {}, DuckDB {version}", env!("CARGO_PKG_VERSION")))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

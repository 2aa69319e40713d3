//! `cargo xtask generate`: makes the generated parts of the tree again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use laneshift_example as example;

use crate::bench::data;
use crate::cargo::{self, Workspace};
use crate::venv;

/// The seed of the company that ships.
const ACME_SEED: u64 = 20_261_001;
/// Reads botocore's service models; its own header says what it keeps.
const SHAPES_SCRIPT: &str = "xtask/generate/shapes.py";
const SHAPES: &str = "crates/provider/data/shapes.json";

#[derive(Args)]
pub(crate) struct GenerateArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The example company in examples/acme: logs, bill, truth
    Acme {
        /// Where instead of examples/acme
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// The data of the benchmarks, under cargo's target folder
    Bench(data::DataArgs),
    /// AWS's field rules in crates/provider/data, from the newest botocore in the Python environment
    Shapes,
}

/// Makes it, and says what was made.
pub(crate) fn run(args: &GenerateArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    match &args.what {
        What::Acme { out } => acme(&out.clone().unwrap_or_else(|| workspace.root().join("examples/acme"))),
        What::Bench(args) => {
            data::make(&workspace, args)?;
            Ok(())
        }
        What::Shapes => shapes(&workspace),
    }
}

/// Logs of an earlier generation must not stay beside those of this one; files that people wrote there do.
fn acme(out: &Path) -> Result<()> {
    let logs = out.join("logs");
    if logs.exists() {
        fs::remove_dir_all(&logs).with_context(|| format!("failed to remove {}", logs.display()))?;
    }
    let written = example::write_example(&example::acme(ACME_SEED), out)
        .with_context(|| format!("failed to write the example to {}", out.display()))?;
    println!("{}: {} records in {} files, {} bytes", out.display(), written.records, written.files, written.gz_bytes);
    Ok(())
}

/// The script says what it wrote.
fn shapes(workspace: &Workspace) -> Result<()> {
    let mut script = Command::new(venv::ensure(workspace)?);
    cargo::run(script.args([SHAPES_SCRIPT, SHAPES]).current_dir(workspace.root()))
}

//! The batch lane beside a queue in PostgreSQL with a row a request; and single requests, many callers to one commit.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use super::machine;
use crate::cargo::{self, Workspace};
use crate::venv;

#[derive(Args)]
pub(crate) struct BatchArgs {
    /// Requests of a round
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// Rounds; the table has medians
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Measures and prints the tables.
pub(crate) fn run(args: &BatchArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    let python = venv::ensure(&workspace)?;
    cargo::run(&mut workspace.cargo(&["build", "--release", "--bin", "laneshift"]))?;
    println!("{}\n", machine::line());
    let mut command = Command::new(python);
    command
        .arg("tests/python/bench_batch.py")
        .args(["--requests", &args.requests.to_string(), "--rounds", &args.rounds.to_string()])
        .current_dir(workspace.root())
        .env("LANESHIFT_BIN", workspace.target("release/laneshift"))
        .env("LANESHIFT_ROOT", workspace.root())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    cargo::run(&mut command)?;
    cargo::run(&mut workspace.cargo(&["run", "--release", "-q", "-p", "laneshift-batch", "--example", "singles"]))
}

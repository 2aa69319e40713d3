//! `cargo xtask soak`: what is too long for every run. It prints what it measured and fails when a promise does.

use std::process::Command;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::cargo::{self, Workspace};
use crate::venv;

/// Inputs of each kind.
const HOSTILE_CASES: &str = "1000000";

#[derive(Args)]
pub(crate) struct SoakArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The emulator: 100,000 records, an input file of 1 GB, 200 kills at random moments
    Emulator,
    /// The batch lane: a million records, 200 kills at random moments, and in the simulation 100,000 requests due in six hours, an
    /// hour of a trickle over 200 pools, 300 random histories
    Batch,
    /// The gateway: 10,000 open streams at once, and ten minutes of anything at all into its parsers
    Gateway,
    /// Twenty generated companies: what their audits predict against what their months cost as planned; and 200 seeds of the
    /// simulation with faults and deaths
    Accuracy,
}

/// Runs a soak over the release binary.
pub(crate) fn run(args: &SoakArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    let script = match args.what {
        What::Emulator => "tests/python/soak_emulator.py",
        What::Batch => "tests/python/soak_batch.py",
        What::Gateway => "tests/python/soak_gateway.py",
        What::Accuracy => "tests/python/soak_accuracy.py",
    };
    let python = venv::ensure(&workspace)?;
    cargo::run(&mut workspace.cargo(&["build", "--release", "--bin", "laneshift"]))?;
    let mut command = Command::new(python);
    command
        .arg(script)
        .arg("-v")
        .current_dir(workspace.root())
        .env("LANESHIFT_BIN", workspace.target("release/laneshift"))
        .env("LANESHIFT_ROOT", workspace.root())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    cargo::run(&mut command)?;
    match args.what {
        What::Emulator => Ok(()),
        What::Accuracy => {
            let arguments = ["test", "--release", "-p", "laneshift-sim", "--test", "trials", "--", "--nocapture"];
            cargo::run(workspace.cargo(&arguments).env("LANESHIFT_SIM_SEEDS", "1..201"))
        }
        What::Gateway => {
            // Ten minutes on two cores.
            let mut hostile = workspace.cargo(&["test", "--release", "-p", "laneshift-gateway", "--lib", "hostile"]);
            cargo::run(hostile.env("PROPTEST_CASES", HOSTILE_CASES))
        }
        What::Batch => {
            let arguments = ["test", "--release", "-p", "laneshift-batch", "--test", "simulation", "--", "--nocapture"];
            let mut simulation = workspace.cargo(&arguments);
            simulation.env("LANESHIFT_SIM_REQUESTS", "100000").env("LANESHIFT_SIM_MINUTES", "60").env("PROPTEST_CASES", "300");
            cargo::run(&mut simulation)
        }
    }
}

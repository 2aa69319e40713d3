//! `cargo xtask bench`: measurements side by side with other tools. No tests: nothing fails when a machine is slow.

pub(crate) mod data;
mod emulator;
pub(crate) mod inflate;
mod ingest;
mod load;
mod machine;
mod measure;
mod table;

use anyhow::Result;
use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Reading invocation logs: laneshift, DuckDB, and bare decompression as the floor
    Ingest(ingest::IngestArgs),
    /// Calls of the emulator on one core, by kind of call
    Emulator(emulator::EmulatorArgs),
}

/// Measures and prints a table to paste into docs/performance.md.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    match &args.what {
        What::Ingest(args) => ingest::run(args),
        What::Emulator(args) => emulator::run(args),
    }
}

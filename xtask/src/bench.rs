//! `cargo xtask bench`: measurements side by side with other tools. No tests: nothing fails when a machine is slow.

mod batch;
pub(crate) mod data;
mod emulator;
mod gateway;
pub(crate) mod inflate;
mod ingest;
mod load;
mod machine;
mod measure;
mod mock;
mod process;
mod route;
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
    /// Calls through the gateway beside nginx, and straight to the same upstream
    Gateway(gateway::GatewayArgs),
    /// The decision which lane takes a call, by itself: cargo run --release -p xtask -- bench route
    Route(route::RouteArgs),
    /// The batch lane beside a queue in PostgreSQL with a row a request, and single requests that share commits
    Batch(batch::BatchArgs),
}

/// Measures and prints a table to paste into docs/performance.md.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    match &args.what {
        What::Ingest(args) => ingest::run(args),
        What::Emulator(args) => emulator::run(args),
        What::Gateway(args) => gateway::run(args),
        What::Route(args) => route::run(args),
        What::Batch(args) => batch::run(args),
    }
}

//! The binary: commands, wiring, exit codes.

mod audit;
mod cli;
mod clock;
mod demo;
mod error;
mod market;
mod simulate;
mod verify;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}

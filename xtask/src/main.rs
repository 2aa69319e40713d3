//! `cargo xtask`: what a person would otherwise remember. One file a command.

mod bench;
mod cargo;
mod check;
mod clock;
mod generate;
mod node;
mod soak;
mod test;
mod totals;
mod venv;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a person would otherwise remember
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Format, lints, layers, files, error codes
    Check,
    /// The check, all Rust tests, the documentation's examples, the Python suites
    Test(test::TestArgs),
    /// Measure side by side with other tools
    Bench(bench::BenchArgs),
    /// Runs that take too long for every test
    Soak(soak::SoakArgs),
    /// Make the generated parts of the tree again
    Generate(generate::GenerateArgs),
    /// Decompress all .gz files under a folder and throw the bytes away
    #[command(hide = true)]
    Inflate(bench::inflate::InflateArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Check => check::run(),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Inflate(args) => bench::inflate::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

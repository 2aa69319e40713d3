//! Commands: one file each. Standard output is data, standard error is talk.

pub(crate) mod audit;
pub(crate) mod batch;
mod completions;
mod config;
pub(crate) mod demo;
pub(crate) mod duration;
mod emulate;
mod estimate;
mod explain;
mod keys;
pub(crate) mod later;
mod log;
mod prices;
mod route;
mod savings;
mod serve;
mod signals;
pub(crate) mod simulate;
pub(crate) mod verify;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::error::Error;

/// Exit codes, as `--help` prints them.
const EXIT_CODES: &str = "Exit codes:
  0    done
  1    done, and there is something to look at: prices check --strict, requests without an answer; or you said no
  2    the command line is wrong
  3    the input cannot be used: not found, not understood, unknown model or price, a promise that cannot be given
  4    reading or writing failed: disk, network, credentials
  5    not proven: verify --cur, and the reasons are printed
  130  stopped by Ctrl-C; the same command continues

Errors carry a code such as LS0002; docs/errors.md explains each.";

/// Cuts an Amazon Bedrock bill without making anyone wait who is waiting.
#[derive(Parser)]
#[command(name = "laneshift", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a made-up company's month twice, as it is and as planned, and compare the metered bills
    Demo(demo::DemoArgs),
    /// What a split over the lanes would save, from token volumes alone
    Estimate(estimate::EstimateArgs),
    /// Read usage, judge how long each workload can wait, and write a plan
    Audit(Box<audit::AuditArgs>),
    /// Show why a workload was judged as it was, and what would change that
    Explain(explain::ExplainArgs),
    /// Run recorded traffic under a policy, and see what would be if something were otherwise
    Simulate(simulate::SimulateArgs),
    /// Show, check or update the price catalogue
    Prices(prices::PricesArgs),
    /// Run files of requests that can wait as Bedrock batch jobs
    Batch(Box<batch::BatchArgs>),
    /// Serve an emulated Amazon Bedrock with S3 and Service Quotas, and keep its bill
    Emulate(Box<emulate::EmulateArgs>),
    /// Serve Bedrock's API with keys of its own, pass calls on, and keep their books
    Serve(serve::ServeArgs),
    /// Say where the gateway would send a call, and why not elsewhere
    Route(route::RouteArgs),
    /// Check the gateway's configuration
    Config(config::ConfigArgs),
    /// Make, list, rotate and revoke the gateway's keys
    Keys(keys::KeysArgs),
    /// What the gateway's calls cost and saved
    Savings(savings::SavingsArgs),
    /// What two bills say that was saved at equal tokens, beside what the plan predicted and AWS's invoice shows
    Verify(verify::VerifyArgs),
    /// Print shell completions
    Completions(completions::CompletionsArgs),
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// Parses the command line, runs, prints errors, gives the exit code.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let mut out = std::io::stdout().lock();
    let result = match &cli.command {
        Command::Demo(args) => demo::run(args, &mut out),
        Command::Simulate(args) => simulate::run(args, &mut out),
        Command::Estimate(args) => estimate::run(args, &mut out),
        Command::Audit(args) => audit::run(args, &mut out),
        Command::Explain(args) => explain::run(args, &mut out),
        Command::Batch(args) => batch::run(args, &mut out),
        Command::Emulate(args) => emulate::run(args, &mut out),
        Command::Serve(args) => serve::run(args, &mut out),
        Command::Route(args) => route::run(args, &mut out),
        Command::Config(args) => config::run(args, &mut out),
        Command::Keys(args) => keys::run(args, &mut out),
        Command::Savings(args) => savings::run(args, &mut out),
        Command::Verify(args) => verify::run(args, &mut out),
        Command::Completions(args) => completions::run(args, &mut out),
        Command::Prices(args) => match prices::run(args, crate::clock::now(), &mut out) {
            Ok(code) => return ExitCode::from(code),
            Err(error) => Err(Error::Catalog(error.to_string())),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if wants_json() => {
            eprintln!("{}", error.value());
            ExitCode::from(error.exit_code())
        }
        Err(error) => {
            eprintln!("error[{}]: failed to {error}", error.code());
            eprintln!("hint: {}", error.hint());
            ExitCode::from(error.exit_code())
        }
    }
}

/// Whether the command line asks for JSON: then an error is JSON too.
fn wants_json() -> bool {
    let args: Vec<String> = std::env::args().collect();
    args.iter().any(|arg| arg == "--format=json") || args.windows(2).any(|pair| pair == ["--format", "json"])
}

/// Text of others, without what a terminal would act on.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The folder of a gateway that is asked about.
fn is_there(data: &Path) -> Result<(), Error> {
    if data.is_dir() { Ok(()) } else { Err(Error::NotFound(data.display().to_string())) }
}

/// Writes to standard output; a closed pipe (`| head`) is no error.
pub(crate) fn print(out: &mut dyn Write, text: &str) -> Result<(), Error> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Write { path: "standard output".into(), reason: e.to_string() })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

//! `laneshift batch`: files of requests through Bedrock batch jobs, durably.

mod ask;
mod cancel;
mod doctor;
mod explain;
mod grants;
mod list;
pub(crate) mod open;
mod output;
mod progress;
mod purge;
mod receipt;
mod reconcile;
mod redact;
mod results;
mod retry;
pub(super) mod run;
mod source;
mod status;

pub(super) use receipt::usd;
use std::io::Write;

use clap::{Args, Subcommand};

use crate::error::Error;

const EXAMPLES: &str = "Examples:
  laneshift batch doctor --model us.amazon.nova-lite-v1:0 --s3 s3://my-bucket/batch \\
      --role arn:aws:iam::111122223333:role/BatchRole
  laneshift batch run questions.jsonl --model us.amazon.nova-lite-v1:0 --deadline 18h \\
      --s3 s3://my-bucket/batch --role arn:aws:iam::111122223333:role/BatchRole --output answers.jsonl
  laneshift batch resume
  laneshift batch status
  laneshift batch retry 1f0c52e6a2b94d37 --deadline 6h
  laneshift batch explain ticket-4711

Keys and region come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION;
AWS_ENDPOINT_URL names another endpoint, such as `laneshift emulate`.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BatchArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a file, show what it costs, run it, and write the answers in its order
    Run(Box<run::RunArgs>),
    /// Continue what was accepted and is not delivered
    Resume(run::ResumeArgs),
    /// Show what was accepted
    List(list::ListArgs),
    /// Show how far a submission is
    Status(status::StatusArgs),
    /// Take a submission back: what has no answer gets none, and jobs that nobody needs are stopped
    Cancel(cancel::CancelArgs),
    /// Run what failed, expired or was cancelled once more, and deliver it with the rest
    Retry(Box<retry::RetryArgs>),
    /// Write the answers that are there once more
    Results(results::ResultsArgs),
    /// Check identity, role, bucket, model access and quotas without changing anything, and say what to grant
    Doctor(doctor::DoctorArgs),
    /// Find jobs and objects without a record here; adopt, stop or report them
    Reconcile(reconcile::ReconcileArgs),
    /// Show what happened to one record
    Explain(explain::ExplainArgs),
    /// Erase the content of single records from the queue, the results and S3
    Redact(redact::RedactArgs),
    /// Forget submissions that are over, here and in S3
    Purge(purge::PurgeArgs),
}

pub(crate) fn run(args: &BatchArgs, out: &mut dyn Write) -> Result<(), Error> {
    match &args.command {
        Command::Run(args) => run::run(args, out),
        Command::Resume(args) => run::resume(args, out),
        Command::List(args) => list::run(args, out),
        Command::Status(args) => status::run(args, out),
        Command::Cancel(args) => cancel::run(args, out),
        Command::Retry(args) => retry::run(args, out),
        Command::Results(args) => results::run(args, out),
        Command::Doctor(args) => doctor::run(args, out),
        Command::Reconcile(args) => reconcile::run(args, out),
        Command::Explain(args) => explain::run(args, out),
        Command::Redact(args) => redact::run(args, out),
        Command::Purge(args) => purge::run(args, out),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Runtime::new().map_err(|e| Error::Batch(format!("start threads: {e}")))
}

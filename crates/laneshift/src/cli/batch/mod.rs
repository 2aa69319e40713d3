//! `laneshift batch`: files of requests through Bedrock batch jobs, durably.

mod list;
mod open;
mod run;

use std::io::Write;

use clap::{Args, Subcommand};

use crate::error::Error;

const EXAMPLES: &str = "Examples:
  laneshift batch run questions.jsonl --model us.anthropic.claude-haiku-4-5-20251001-v1:0 \\
      --role arn:aws:iam::111122223333:role/BatchRole --s3 s3://my-bucket/batch --output answers.jsonl
  laneshift batch resume
  laneshift batch list

Keys and region come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION; another endpoint, such as
`laneshift emulate`, from AWS_ENDPOINT_URL.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BatchArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a file, show what it costs, run it, and write the answers in its order
    Run(run::RunArgs),
    /// Continue what was accepted and is not delivered
    Resume(run::ResumeArgs),
    /// Show what was accepted
    List(list::ListArgs),
}

pub(crate) fn run(args: &BatchArgs, out: &mut dyn Write) -> Result<(), Error> {
    match &args.command {
        Command::Run(args) => run::run(args, out),
        Command::Resume(args) => run::resume(args, out),
        Command::List(args) => list::run(args, out),
    }
}

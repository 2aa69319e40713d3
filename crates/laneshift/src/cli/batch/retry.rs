//! `laneshift batch retry`: what failed, expired or was cancelled, once more.

use std::io::Write;

use clap::Args;
use laneshift_batch::{Request, Retry};
use laneshift_store::SubmissionState;

use super::open::{AwsArgs, QueueArgs, RateArgs, TermsArgs, open, pick};
use super::run::{confirm, failed, finish};
use super::{progress, runtime};
use crate::cli::Format;
use crate::cli::duration;
use crate::clock;
use crate::error::Error;

#[derive(Args)]
pub(crate) struct RetryArgs {
    /// A submission, as `batch list` shows it; the only one that is over when left out
    id: Option<String>,
    /// Until when the answers are needed: 18h or 2d from now, or 2026-12-24T06:00:00Z
    #[arg(long, default_value = "24h")]
    deadline: String,
    /// Do not ask before spending
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    rate: RateArgs,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    aws: AwsArgs,
    /// How to print the receipt
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Its answers are delivered together with those that were there.
pub(crate) fn run(args: &RetryArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let opened = open(&args.queue, &args.aws, args.rate.rescue_tpm, progress::shown()).await?;
        let submission = pick(&opened.store, args.id.as_deref(), |s| s.state != SubmissionState::Open).await?;
        let deadline = duration::moment("--deadline", &args.deadline, clock::now())?;
        let terms = args.terms.over(Request::of(&submission).map_err(failed)?.place.terms)?;
        let id = match opened.engine.retry(&submission, deadline, &terms).await.map_err(failed)? {
            Retry::Nothing => {
                eprintln!("every record of {} was answered", submission.new.id);
                return Ok(());
            }
            Retry::Continues(id) => id,
            Retry::New(accepted) => {
                let id = accepted.submission.id.clone();
                let accepted = confirm(*accepted, &opened, &args.queue.data, args.yes, false).await?;
                opened.engine.accept(vec![accepted]).await.map_err(failed)?;
                id
            }
        };
        finish(&opened.engine, &id, args.format, out).await
    })
}

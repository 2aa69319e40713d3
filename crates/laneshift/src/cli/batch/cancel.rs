//! `laneshift batch cancel`.

use std::io::Write;

use clap::Args;
use laneshift_store::SubmissionState;

use super::open::{AwsArgs, QueueArgs, open, pick};
use super::run::{failed, finish};
use super::{progress, runtime};
use crate::cli::Format;
use crate::error::Error;

#[derive(Args)]
pub(crate) struct CancelArgs {
    /// A submission, as `batch list` shows it; the only open one when left out
    id: Option<String>,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    aws: AwsArgs,
    /// How to print the receipt
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What was answered stays and is delivered; jobs that nobody else needs are stopped, which AWS takes some time for.
pub(crate) fn run(args: &CancelArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let opened = open(&args.queue, &args.aws, None, progress::shown()).await?;
        let submission = pick(&opened.store, args.id.as_deref(), |s| s.state == SubmissionState::Open).await?;
        let id = &submission.new.id;
        if submission.state != SubmissionState::Open {
            let what = format!("{id} is {} already", submission.state.name());
            return Err(Error::Refused { what, hint: format!("`laneshift batch status {id}` shows what it came to") });
        }
        let ended = opened.engine.cancel(id).await.map_err(failed)?;
        eprintln!(
            "{ended} records of {id} are cancelled. Jobs that nobody needs any more are stopped at AWS, and what they have \
             answered by then is read, for it is paid for: that takes some minutes; Ctrl-C leaves it to `laneshift batch resume`"
        );
        match finish(&opened.engine, id, args.format, out).await {
            // That was wanted.
            Err(Error::Unanswered { .. }) => Ok(()),
            other => other,
        }
    })
}

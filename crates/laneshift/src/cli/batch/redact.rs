//! `laneshift batch redact`: the content of single records is erased everywhere.

use std::io::Write;

use clap::Args;

use super::open::{AwsArgs, QueueArgs, open, pick};
use super::run::failed;
use super::runtime;
use crate::cli::{plain, print};
use crate::error::Error;

#[derive(Args)]
pub(crate) struct RedactArgs {
    /// Records: their ids in the input, `line-N`, or laneshift's own ids
    #[arg(required = true)]
    records: Vec<String>,
    /// Their submission, as `batch list` shows it; the only one when left out
    #[arg(long)]
    submission: Option<String>,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    aws: AwsArgs,
}

/// From the queue, from results and from S3. Files that were delivered are their owner's.
pub(crate) fn run(args: &RedactArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let opened = open(&args.queue, &args.aws, None, std::sync::Arc::new(|_| {})).await?;
        let submission = pick(&opened.store, args.submission.as_deref(), |_| true).await?;
        let mut found = Vec::new();
        for record in &args.records {
            let at = opened.engine.find(&submission, record).await.map_err(failed)?;
            found.push(at.ok_or_else(|| Error::NoSuch(format!("record {} in {}", plain(record), submission.new.id)))?);
        }
        opened.engine.redact(&found).await.map_err(failed)?;
        let mut text = String::new();
        for (at, record) in found.into_iter().zip(&args.records) {
            let waits = opened.engine.is_held_by_a_job(at).await.map_err(failed)?;
            let what = if waits { "goes when the job that holds it has ended" } else { "is erased" };
            text += &format!("{} {what}\n", plain(record));
        }
        text += "files that were delivered are not changed; versions that a bucket keeps are its owner's to delete\n";
        print(out, &text)
    })
}

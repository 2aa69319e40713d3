//! `laneshift batch purge`: submissions that are over are forgotten.

use std::io::Write;

use clap::Args;
use laneshift_store::{Intake, SubmissionState};

use super::open::{AwsArgs, QueueArgs, open};
use super::run::failed;
use super::runtime;
use crate::cli::duration;
use crate::cli::print;
use crate::clock;
use crate::error::Error;

#[derive(Args)]
pub(crate) struct PurgeArgs {
    /// Submissions, as `batch list` shows them
    #[arg(required_unless_present = "older_than")]
    ids: Vec<String>,
    /// All that are over and were accepted so long ago, as 30d
    #[arg(long, value_name = "TIME", conflicts_with = "ids")]
    older_than: Option<String>,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    aws: AwsArgs,
}

/// Everything of them here and in S3. What they cost stays in the books.
pub(crate) fn run(args: &PurgeArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let before = match &args.older_than {
            Some(age) => Some(clock::now().0 - duration::parse("--older-than", age)?),
            None => None,
        };
        let opened = open(&args.queue, &args.aws, None, std::sync::Arc::new(|_| {})).await?;
        let all = opened.store.submissions().await.map_err(|e| Error::Batch(e.to_string()))?;
        let old = |s: &&laneshift_store::Submission| {
            before.is_some_and(|before| s.new.created.0 < before && s.state != SubmissionState::Open)
        };
        let ids = match before {
            Some(_) => all.iter().filter(old).map(|s| s.new.id.clone()).collect(),
            None => args.ids.clone(),
        };
        for id in &ids {
            opened.engine.purge(id).await.map_err(failed)?;
            print(out, &format!("{id} is forgotten\n"))?;
        }
        if ids.is_empty() {
            eprintln!("nothing is that old and over");
        }
        Ok(())
    })
}

//! `laneshift batch status`: how far a submission is, beside whatever works on it.

use std::io::Write;

use clap::Args;
use laneshift_batch::Receipt;
use laneshift_store::SubmissionState;
use serde_json::json;

use super::open::{QueueArgs, look, pick};
use super::run::failed;
use super::{receipt, runtime};
use crate::cli::{Format, print};
use crate::error::Error;

#[derive(Args)]
pub(crate) struct StatusArgs {
    /// A submission, as `batch list` shows it; the only open one when left out
    id: Option<String>,
    #[command(flatten)]
    queue: QueueArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &StatusArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let opened = look(&args.queue).await?;
        let submission = pick(&opened.store, args.id.as_deref(), |s| s.state == SubmissionState::Open).await?;
        let so_far = opened.engine.status(&submission).await.map_err(failed)?;
        let progress = opened.engine.progress(&submission).await.map_err(failed)?;
        let state = submission.state.name();
        print(
            out,
            &match args.format {
                Format::Json => {
                    let mut value = receipt::value(&so_far);
                    value["state"] = json!(state);
                    value["records"] = json!(submission.new.records);
                    value["settled"] = json!(progress.settled);
                    value["expected"] = json!(progress.expected.map(|at| at.to_string()));
                    format!("{value}\n")
                }
                Format::Text => text(&so_far, state, submission.new.records, progress.expected.map(|at| at.to_string())),
            },
        )
    })
}

fn text(so_far: &Receipt, state: &str, records: u64, expected: Option<String>) -> String {
    let expected = expected.map_or_else(String::new, |at| format!(", expected by {at}"));
    format!(
        "{state}; {} of {records} records are settled; {} by {}{expected}\n{}",
        so_far.delivered.settled(),
        so_far.promise.name().replace('_', " "),
        so_far.deadline,
        receipt::text(so_far)
    )
}

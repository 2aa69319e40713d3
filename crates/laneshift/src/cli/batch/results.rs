//! `laneshift batch results`: what is there, written once more.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::open::{QueueArgs, look, pick};
use super::run::failed;
use super::runtime;
use crate::cli::{Format, print};
use crate::error::Error;

#[derive(Args)]
pub(crate) struct ResultsArgs {
    /// A submission, as `batch list` shows it; the only one when left out
    id: Option<String>,
    /// Where the answers go; what has none goes beside it, to *.errors.jsonl
    #[arg(long)]
    output: PathBuf,
    /// Also answers that came after their record had failed, expired or been cancelled, and were paid for
    #[arg(long)]
    late: bool,
    #[command(flatten)]
    queue: QueueArgs,
    /// How to print the counts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &ResultsArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let opened = look(&args.queue).await?;
        let submission = pick(&opened.store, args.id.as_deref(), |_| true).await?;
        let written = opened.engine.write_results(&submission, &args.output, args.late).await.map_err(failed)?;
        let (answered, others) = (written.answered, written.settled() - written.answered);
        print(
            out,
            &match args.format {
                Format::Json => format!("{}\n", serde_json::json!({ "answered": answered, "unanswered": others })),
                Format::Text => format!("{answered} answers in {}; {others} records have none\n", args.output.display()),
            },
        )
    })
}

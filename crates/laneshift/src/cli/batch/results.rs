//! `laneshift batch results`: what is there, written once more.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use laneshift_batch::{Delivered, errors_path};

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
        let Delivered { answered, waiting, erased, .. } = written;
        let others = written.settled() - answered - erased;
        print(
            out,
            &match args.format {
                Format::Json => format!(
                    "{}\n",
                    serde_json::json!({ "answered": answered, "unanswered": others, "waiting": waiting, "erased": erased })
                ),
                Format::Text => {
                    let (path, errors) = (args.output.display(), errors_path(&args.output));
                    let mut text = format!("{answered} answers in {path}");
                    for (n, what) in [
                        (others, format!("have none, as {} says", errors.display())),
                        (waiting, "wait for theirs".to_owned()),
                        (erased, "are erased".to_owned()),
                    ] {
                        if n > 0 {
                            text += &format!("; {n} {what}");
                        }
                    }
                    text + "\n"
                }
            },
        )
    })
}

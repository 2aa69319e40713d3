//! `laneshift batch list`.

use std::io::Write;

use clap::Args;
use laneshift_batch::Request;
use laneshift_store::Intake;
use serde_json::{Value, json};

use super::open::{QueueArgs, look};
use super::run::failed;
use super::{receipt, runtime};
use crate::cli::{Format, print};
use crate::error::Error;

const COLUMNS: [&str; 8] = ["id", "state", "settled", "records", "paid", "promise", "deadline", "output"];

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    queue: QueueArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &ListArgs, out: &mut dyn Write) -> Result<(), Error> {
    let rows = runtime()?.block_on(rows(args))?;
    match args.format {
        Format::Json => print(out, &format!("{}\n", Value::Array(rows))),
        Format::Text => {
            let mut table = comfy_table::Table::new();
            table.set_header(COLUMNS);
            for row in &rows {
                let cell = |name: &str| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
                table.add_row(COLUMNS.map(cell));
            }
            print(out, &format!("{table}\n"))
        }
    }
}

async fn rows(args: &ListArgs) -> Result<Vec<Value>, Error> {
    let opened = match look(&args.queue).await {
        Err(Error::NoSuch(_)) => return Ok(Vec::new()),
        other => other?,
    };
    let mut rows = Vec::new();
    for submission in opened.store.submissions().await.map_err(|e| Error::Batch(e.to_string()))? {
        let request = Request::of(&submission).map_err(failed)?;
        let so_far = opened.engine.status(&submission).await.map_err(failed)?;
        rows.push(json!({
            "id": submission.new.id,
            "state": submission.state.name(),
            "owner": submission.new.owner,
            "records": submission.new.records,
            "settled": so_far.delivered.settled(),
            "paid": receipt::usd(so_far.cost.paid),
            "paid_usd": so_far.cost.paid.to_exact_string(),
            "model": request.model,
            "input": request.input,
            "output": request.output,
            "deadline": submission.new.deadline.to_string(),
            "promise": submission.new.promise.name(),
            "retry_of": request.retry_of,
        }));
    }
    Ok(rows)
}

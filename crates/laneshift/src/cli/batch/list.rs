//! `laneshift batch list`.

use std::io::Write;

use clap::Args;
use laneshift_batch::Request;
use laneshift_store::{Intake, StoreError, Work};
use serde_json::{Value, json};

use super::open::{QueueArgs, look};
use super::runtime;
use crate::cli::{Format, print};
use crate::error::Error;

const COLUMNS: [&str; 7] = ["id", "state", "settled", "records", "promise", "deadline", "output"];

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
    let failed = |e: StoreError| Error::Batch(e.to_string());
    let queue = look(&args.queue).await?.store;
    let mut rows = Vec::new();
    for submission in queue.submissions().await.map_err(failed)? {
        let request: Request = serde_json::from_str(&submission.new.request).map_err(|e| Error::Batch(e.to_string()))?;
        let spans = queue.spans(&submission.new.id).await.map_err(failed)?;
        let mut settled = 0;
        for span in spans {
            let chunk = queue.chunk(span.chunk).await.map_err(failed)?;
            settled += chunk.done.and(&laneshift_store::Bitmap::of(&span)).count();
        }
        rows.push(json!({
            "id": submission.new.id,
            "state": submission.state.name(),
            "owner": submission.new.owner,
            "records": submission.new.records,
            "settled": settled,
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

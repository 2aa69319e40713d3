//! `laneshift batch list`.

use std::io::Write;

use clap::Args;
use laneshift_batch::Request;
use laneshift_store::Store;
use serde_json::{Value, json};

use super::open::{QueueArgs, store};
use crate::cli::{Format, print};
use crate::error::Error;

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    queue: QueueArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &ListArgs, out: &mut dyn Write) -> Result<(), Error> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Error::Batch(format!("start threads: {e}")))?;
    let rows = runtime.block_on(rows(args))?;
    match args.format {
        Format::Json => print(out, &format!("{}\n", Value::Array(rows))),
        Format::Text => {
            let mut table = comfy_table::Table::new();
            table.set_header(["id", "state", "settled", "records", "model", "output"]);
            for row in &rows {
                let cell = |name: &str| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
                table.add_row(["id", "state", "settled", "records", "model", "output"].map(cell));
            }
            print(out, &format!("{table}\n"))
        }
    }
}

async fn rows(args: &ListArgs) -> Result<Vec<Value>, Error> {
    let failed = |e: laneshift_store::StoreError| Error::Batch(e.to_string());
    let queue = store(&args.queue.data).await?;
    let mut rows = Vec::new();
    for submission in queue.submissions().await.map_err(failed)? {
        let request: Request = serde_json::from_str(&submission.new.request).map_err(|e| Error::Batch(e.to_string()))?;
        let settled: u64 = queue.chunks(&submission.new.id).await.map_err(failed)?.iter().map(|c| c.done.count()).sum();
        rows.push(json!({
            "id": submission.new.id,
            "state": submission.state.name(),
            "records": submission.new.records,
            "settled": settled,
            "model": request.model,
            "input": request.input,
            "output": request.output,
            "deadline": submission.new.deadline.to_string(),
        }));
    }
    Ok(rows)
}

//! `laneshift batch explain`: what happened to one record.

use std::io::Write;

use clap::Args;
use laneshift_batch::Story;
use serde_json::{Value, json};

use super::open::{QueueArgs, look, pick};
use super::run::failed;
use super::runtime;
use crate::cli::{Format, plain, print};
use crate::error::Error;

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// The record: its id in the input, `line-N`, or laneshift's own id of it
    record: String,
    /// Its submission, as `batch list` shows it; the only one when left out
    #[arg(long)]
    submission: Option<String>,
    #[command(flatten)]
    queue: QueueArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &ExplainArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let opened = look(&args.queue).await?;
        let submission = pick(&opened.store, args.submission.as_deref(), |_| true).await?;
        let at = opened.engine.find(&submission, &args.record).await.map_err(failed)?;
        let at = at.ok_or_else(|| Error::NoSuch(format!("record {} in {}", plain(&args.record), submission.new.id)))?;
        let story = opened.engine.explain(at).await.map_err(failed)?;
        print(
            out,
            &match args.format {
                Format::Text => text(&story),
                Format::Json => format!("{}\n", value(&story)),
            },
        )
    })
}

fn text(story: &Story) -> String {
    let Story { name, line, record, outcome, deadline, pool, .. } = story;
    let name = plain(name);
    let mut out = format!("{name} (line {line}, {record}) for {}: {outcome}; due {deadline}\n", pool.model);
    for (at, what) in &story.events {
        out += &format!("  {at}  {}\n", plain(what));
    }
    if let Some(error) = &story.error {
        out += &format!("  {}\n", plain(error));
    }
    if story.redacted {
        out += "  its content is erased, or will be when the job that holds it has ended\n";
    }
    out
}

fn value(story: &Story) -> Value {
    let error: Option<Value> = story.error.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let events = story.events.iter().map(|(at, what)| json!({ "at": at.to_string(), "what": what }));
    json!({
        "record": story.record,
        "name": story.name,
        "line": story.line,
        "model": story.pool.model,
        "owner": story.pool.owner,
        "deadline": story.deadline.to_string(),
        "outcome": story.outcome,
        "error": error,
        "redacted": story.redacted,
        "events": events.collect::<Vec<_>>(),
    })
}

//! `laneshift batch reconcile`: what AWS, S3 and the disk have without a record here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use laneshift_batch::{Evidence, Reconciled};
use laneshift_bedrock::invocation_log;
use laneshift_store::{AttemptId, Cost};
use laneshift_units::{Tokens, Usage};
use serde_json::{Value, json};

use super::open::{AwsArgs, QueueArgs, open};
use super::receipt::usd;
use super::run::failed;
use super::runtime;
use crate::cli::{Format, plain, print};
use crate::error::Error;

#[derive(Args)]
pub(crate) struct ReconcileArgs {
    /// Invocation logs (a folder of .json or .json.gz) that cover every call whose outcome is unknown
    #[arg(long)]
    logs: Option<PathBuf>,
    /// Delete objects that nothing refers to and that are a day old
    #[arg(long)]
    delete: bool,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    aws: AwsArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &ReconcileArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let evidence = args.logs.as_deref().map(evidence).transpose()?;
        let opened = open(&args.queue, &args.aws, None, std::sync::Arc::new(|_| {})).await?;
        let found = opened.engine.reconcile(evidence.as_ref(), args.delete).await.map_err(failed)?;
        print(
            out,
            &match args.format {
                Format::Text => text(&found),
                Format::Json => format!("{}\n", value(&found)),
            },
        )
    })
}

/// Calls of laneshift in invocation logs.
fn evidence(folder: &Path) -> Result<Evidence, Error> {
    let failed = |path: &Path, e: std::io::Error| Error::Evidence(format!("{}: {e}", path.display()));
    if !folder.exists() {
        return Err(Error::NotFound(folder.display().to_string()));
    }
    let mut found = Evidence::new();
    for entry in walkdir::WalkDir::new(folder).follow_links(true) {
        let entry = entry.map_err(|e| Error::Evidence(e.to_string()))?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy();
        let file = || File::open(path).map_err(|e| failed(path, e));
        let reader: Box<dyn BufRead> = match name.rsplit('.').next() {
            Some("gz") => Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(file()?))),
            Some("json" | "jsonl") => Box::new(BufReader::new(file()?)),
            _ => continue,
        };
        for line in reader.split(b'\n') {
            let line = line.map_err(|e| failed(path, e))?;
            if let Ok(call) = invocation_log::parse(&line) {
                take(&mut found, &call);
            }
        }
    }
    Ok(found)
}

fn take(found: &mut Evidence, call: &invocation_log::Invocation<'_>) {
    let metadata: BTreeMap<&str, &str> = call.metadata.iter().map(|(name, value)| (&**name, &**value)).collect();
    let attempt = metadata.get("laneshift-attempt").and_then(|id| u64::from_str_radix(id, 16).ok());
    let (Some(attempt), Some(record)) = (attempt, metadata.get("laneshift-record")) else { return };
    if call.error_code.is_some() {
        return;
    }
    let written = call.cache_write_tokens.saturating_sub(call.cache_write_1h_tokens);
    let usage = Usage {
        input: Tokens(call.input_tokens.unwrap_or(0)),
        output: Tokens(call.output_tokens.unwrap_or(0)),
        cache_read: Tokens(call.cache_read_tokens),
        cache_write_5m: Tokens(written),
        cache_write_1h: Tokens(call.cache_write_1h_tokens),
    };
    found.entry(AttemptId(attempt)).or_default().insert((*record).to_owned(), usage);
}

fn text(found: &Reconciled) -> String {
    let mut out = String::new();
    for name in &found.adopted {
        out += &format!("adopted: {name} is at AWS, and is watched\n");
    }
    for name in &found.stopped {
        out += &format!("stopped: {name} was taken back and yet ran\n");
    }
    for (id, cost) in &found.wasted {
        out += &format!("booked as waste: {id} was taken back and yet ran, for {}\n", usd(cost.paid));
    }
    for (name, arn, state) in &found.foreign {
        out += &format!("not of this queue: {name} ({state}) {arn}\n");
    }
    for (id, cost) in &found.resolved {
        out += &format!("resolved: the calls {id} cost {}\n", usd(cost.paid));
    }
    for (id, cost) in &found.unresolved {
        out += &format!("unknown: {id} may have cost up to {} more; --logs resolves calls, and the bill jobs\n", usd(cost.bound));
    }
    for why in &found.unreachable {
        out += &format!("not looked into: {}\n", plain(why));
    }
    let done = if found.deleted { "deleted" } else { "nothing refers to (--delete removes it)" };
    for object in &found.objects {
        out += &format!("{done}: {object}\n");
    }
    if out.is_empty() { "everything has its record here\n".to_owned() } else { out }
}

fn value(found: &Reconciled) -> Value {
    let costs = |all: &[(AttemptId, Cost)]| {
        let one = |(id, cost): &(AttemptId, Cost)| json!({ "attempt": id.to_string(), "paid_usd": cost.paid.to_exact_string(), "bound_usd": cost.bound.to_exact_string() });
        all.iter().map(one).collect::<Vec<_>>()
    };
    let foreign = found.foreign.iter().map(|(name, arn, state)| json!({ "name": name, "arn": arn, "state": state }));
    json!({
        "adopted": found.adopted,
        "stopped": found.stopped,
        "wasted": costs(&found.wasted),
        "foreign": foreign.collect::<Vec<_>>(),
        "resolved": costs(&found.resolved),
        "unresolved": costs(&found.unresolved),
        "objects": found.objects,
        "unreachable": found.unreachable,
        "deleted": found.deleted,
    })
}

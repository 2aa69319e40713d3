//! `laneshift batch run` and `resume`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use laneshift_batch::{Accepted, BadLine, Engine, EngineError, Estimate, Phase, Progress, Receipt, Refused, Request, read_input};
use laneshift_catalog::prices::Catalog;
use laneshift_store::sqlite::Sqlite;
use laneshift_store::{Costed, Store, SubmissionState};
use laneshift_units::{Money, Timestamp};
use serde_json::json;

use super::open::{AwsArgs, QueueArgs, catalog, engine, store};
use crate::cli::{Format, print};
use crate::clock;
use crate::error::Error;

const HOUR_MS: i64 = 3_600_000;

#[derive(Args)]
pub(crate) struct RunArgs {
    /// Bedrock records, one JSON object a line: {"recordId": "...", "modelInput": {...}}
    input: PathBuf,
    /// Model, inference profile or ARN, as Bedrock takes it
    #[arg(long)]
    model: String,
    /// Where the answers go, in the order of the input; what fails goes beside it, to *.errors.jsonl
    #[arg(long)]
    output: PathBuf,
    /// Role that Bedrock assumes to read and write S3
    #[arg(long, env = "LANESHIFT_BATCH_ROLE")]
    role: String,
    /// Bucket and prefix for the jobs' files
    #[arg(long, env = "LANESHIFT_BATCH_S3")]
    s3: String,
    /// Until when the answers are needed, from now; AWS takes 24 to 168 hours as a job's limit
    #[arg(long, default_value = "24h")]
    deadline: String,
    /// Do not ask before spending
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    aws: AwsArgs,
    /// How to print estimate and receipt
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
pub(crate) struct ResumeArgs {
    /// A submission, as `batch list` shows it; the only open one when left out
    id: Option<String>,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    aws: AwsArgs,
    /// How to print the receipt
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &RunArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let request = request(args)?;
        let now = clock::now();
        let deadline = Timestamp(now.0 + hours(&args.deadline)? * HOUR_MS);
        let queue = Arc::new(store(&args.queue.data).await?);
        let catalog = catalog()?;
        let engine = engine(&args.queue.data, queue.clone(), catalog.clone(), &args.aws, &request.bucket, bar())?;
        let accepted = read_input(&request, &args.queue.data.join("spool"), deadline, now).map_err(|e| refused(args, e))?;
        let id = accepted.submission.id.clone();
        match queue.submission(&id).await {
            Ok(known) if known.state == SubmissionState::Delivered => {
                eprintln!("this file was run before as {id}; its answers are written again from what is kept");
            }
            Ok(_) => eprintln!("this file was accepted before as {id}; it continues"),
            Err(_) => ask(args, &accepted, &engine, &catalog).await?,
        }
        engine.accept(&accepted).await.map_err(failed)?;
        finish(&engine, &id, args.format, out).await
    })
}

pub(crate) fn resume(args: &ResumeArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let queue = Arc::new(store(&args.queue.data).await?);
        let submission = pick(&queue, args.id.as_deref()).await?;
        let request: Request = serde_json::from_str(&submission.1).map_err(|e| Error::Batch(e.to_string()))?;
        let engine = engine(&args.queue.data, queue, catalog()?, &args.aws, &request.bucket, bar())?;
        finish(&engine, &submission.0, args.format, out).await
    })
}

/// The named submission, or the only open one.
async fn pick(queue: &Sqlite, id: Option<&str>) -> Result<(String, String), Error> {
    let all = queue.submissions().await.map_err(|e| Error::Batch(e.to_string()))?;
    let found: Vec<_> = match id {
        Some(id) => all.into_iter().filter(|s| s.new.id == id).collect(),
        None => all.into_iter().filter(|s| s.state == SubmissionState::Open).collect(),
    };
    match &found[..] {
        [one] => Ok((one.new.id.clone(), one.new.request.clone())),
        [] => {
            Err(Error::Batch(format!("find {}: `laneshift batch list` shows what there is", id.unwrap_or("an open submission"))))
        }
        many => {
            let ids: Vec<&str> = many.iter().map(|s| &*s.new.id).collect();
            Err(Error::Batch(format!("choose among {} open submissions: name one of {}", many.len(), ids.join(", "))))
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Runtime::new().map_err(|e| Error::Batch(format!("start threads: {e}")))
}

fn request(args: &RunArgs) -> Result<Request, Error> {
    let argument = |what: &str, reason: &str| Error::Argument { what: what.to_owned(), reason: reason.to_owned() };
    let place = args.s3.strip_prefix("s3://").ok_or_else(|| argument("--s3", "write s3://bucket/prefix"))?;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    // The service model's pattern of an s3Uri; `=`, `+`, `@`, `%` and spaces are not in it.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-!_*'().".contains(c) || c == '/';
    if bucket.is_empty() || !prefix.chars().all(plain) {
        return Err(argument("--s3", "Bedrock takes letters, digits and -!_*'(). in a prefix; Hive-style dt=... is refused"));
    }
    let absolute = |path: &PathBuf| std::path::absolute(path).map_err(|e| argument("path", &e.to_string()));
    Ok(Request {
        input: absolute(&args.input)?,
        output: absolute(&args.output)?,
        model: args.model.clone(),
        shape: String::new(),
        role: args.role.clone(),
        bucket: bucket.to_owned(),
        prefix: prefix.trim_matches('/').to_owned(),
    })
}

/// `18h`, `2d`.
fn hours(text: &str) -> Result<i64, Error> {
    let unit = text.chars().last().unwrap_or(' ');
    let n: Option<i64> = text.get(..text.len().saturating_sub(1)).and_then(|n| n.parse().ok()).filter(|n| *n > 0);
    match (n, unit) {
        (Some(n), 'h') => Ok(n),
        (Some(n), 'd') => Ok(n * 24),
        _ => Err(Error::Argument {
            what: "--deadline".to_owned(),
            reason: "write hours or days from now, as 18h or 2d".to_owned(),
        }),
    }
}

fn refused(args: &RunArgs, error: Refused) -> Error {
    let Refused::Lines(shown, count) = error else { return Error::Batch(format!("accept {}: {error}", args.input.display())) };
    let mut text = format!("accept {}: {count} lines cannot be accepted, and nothing was", args.input.display());
    for BadLine { line, why } in &shown {
        text += &format!("\n  line {line}: {why}");
    }
    if count > shown.len() as u64 {
        text += &format!("\n  and {} more", count - shown.len() as u64);
    }
    Error::Batch(text)
}

/// Shows what it costs, and asks.
async fn ask(args: &RunArgs, accepted: &Accepted, engine: &Engine, catalog: &Catalog) -> Result<(), Error> {
    let estimate = accepted.estimate(catalog, &args.aws.region()?, &args.model);
    let model = laneshift_units::ProfiledModel::parse_id(&args.model);
    let limits = engine.limits(&model).await;
    let records = accepted.submission.records;
    if records < limits.records_min {
        let text = format!(
            "run {}: {records} records are fewer than the {} that a batch job needs",
            args.input.display(),
            limits.records_min
        );
        return Err(Error::Batch(text));
    }
    eprint!("{}", shown(&estimate, records, accepted, &args.model));
    if args.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::Batch("ask before spending: no terminal to ask on; --yes goes ahead".to_owned()));
    }
    eprint!("Run it? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    match (read, answer.trim()) {
        (Ok(_), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Error::Batch("go ahead: you said no; nothing was accepted".to_owned())),
    }
}

fn shown(estimate: &Estimate, records: u64, accepted: &Accepted, model: &str) -> String {
    let money = |m: Option<Money>| m.map_or_else(|| "no price".to_owned(), |m| m.to_string());
    format!(
        "{records} records ({}) for {model}, about {} input and {} output tokens\n\
         in batch about {}, in flex {}, on demand {}\n",
        accepted.shape.name(),
        estimate.usage.input.0,
        estimate.usage.output.0,
        money(estimate.batch),
        money(estimate.flex),
        money(estimate.on_demand)
    )
}

/// Runs to the end; Ctrl-C detaches, and AWS goes on.
async fn finish(engine: &Engine, id: &str, format: Format, out: &mut dyn Write) -> Result<(), Error> {
    let receipt = tokio::select! {
        done = engine.run(id) => done.map_err(failed)?,
        _ = tokio::signal::ctrl_c() => return Err(Error::Detached(id.to_owned())),
    };
    print(
        out,
        &match format {
            Format::Text => text(&receipt),
            Format::Json => format!("{}\n", json_of(&receipt)),
        },
    )?;
    if receipt.answered == 0 {
        Err(Error::Batch(format!("answer any record of {id}; see the errors beside the output")))
    } else {
        Ok(())
    }
}

fn failed(error: EngineError) -> Error {
    Error::Batch(error.to_string())
}

fn saved(receipt: &Receipt) -> Option<Money> {
    (receipt.cost.costed == Costed::Exact).then(|| receipt.cost.on_demand - receipt.cost.paid)
}

fn text(receipt: &Receipt) -> String {
    let Receipt { cost, .. } = receipt;
    let money = match saved(receipt) {
        Some(saved) => format!(
            "paid {} by list price, {} less than on demand ({}); {} of it wasted",
            cost.paid, saved, cost.on_demand, cost.waste
        ),
        None => "a price is not known: `laneshift prices show` lists what is".to_owned(),
    };
    let failed = if receipt.failed > 0 { format!(", {} failed (beside the output)", receipt.failed) } else { String::new() };
    format!(
        "{}: {} answered{failed}, in {} jobs\n{} input and {} output tokens; {money}\nanswers in {}\n",
        receipt.id,
        receipt.answered,
        receipt.jobs.len(),
        cost.usage.input.0,
        cost.usage.output.0,
        receipt.output.display()
    )
}

fn json_of(receipt: &Receipt) -> serde_json::Value {
    let Receipt { cost, .. } = receipt;
    let known = |m: Money| (cost.costed == Costed::Exact).then(|| m.to_exact_string());
    json!({
        "id": receipt.id,
        "answered": receipt.answered,
        "failed": receipt.failed,
        "jobs": receipt.jobs.iter().map(|(arn, status)| json!({ "arn": arn, "status": status })).collect::<Vec<_>>(),
        "input_tokens": cost.usage.input.0,
        "output_tokens": cost.usage.output.0,
        "paid_usd": known(cost.paid),
        "on_demand_usd": known(cost.on_demand),
        "saved_usd": saved(receipt).map(Money::to_exact_string),
        "wasted_usd": known(cost.waste),
        "output": receipt.output,
    })
}

/// Live progress on standard error.
fn bar() -> Arc<dyn Fn(&Progress) + Send + Sync> {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    Arc::new(move |progress| {
        let what = match progress.phase {
            Phase::Uploading => "uploading",
            Phase::WaitingForSlot => "waiting for a free job slot at AWS",
            Phase::Running => "running at AWS",
            Phase::Harvesting => "reading results",
        };
        bar.set_length(progress.records);
        bar.set_position(progress.settled + progress.processed);
        bar.set_message(format!("{what} [{}], paid {}", progress.jobs.join(", "), progress.paid));
    })
}

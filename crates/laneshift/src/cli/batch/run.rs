//! `laneshift batch run` and `resume`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use laneshift_batch::{Accepted, BadLine, Engine, EngineError, Place, Refused, Request, Terms, read_input, submission_id};
use laneshift_store::{Intake, Promise, StoreError, SubmissionState};

use super::open::{AwsArgs, Opened, QueueArgs, RateArgs, TermsArgs, open};
use super::{ask, duration, progress, receipt, runtime};
use crate::cli::{Format, print};
use crate::clock;
use crate::error::Error;

#[derive(Args)]
pub(crate) struct RunArgs {
    /// Requests, one JSON object a line
    input: PathBuf,
    /// Model, inference profile or ARN, as Bedrock takes it
    #[arg(long)]
    model: Option<String>,
    /// Where the answers go, in the order of the input; what fails goes beside it, to *.errors.jsonl
    #[arg(long)]
    output: PathBuf,
    /// Role that Bedrock assumes to read and write S3
    #[arg(long, env = "LANESHIFT_BATCH_ROLE")]
    role: String,
    /// Bucket and prefix for the jobs' files
    #[arg(long, env = "LANESHIFT_BATCH_S3")]
    s3: String,
    /// Until when the answers are needed: 18h or 2d from now, or 2026-12-24T06:00:00Z
    #[arg(long, default_value = "24h")]
    deadline: String,
    /// Accept nothing unless the deadline can be guaranteed
    #[arg(long)]
    guarantee: bool,
    /// Whose requests these are: different owners share no job and no file
    #[arg(long, default_value = "default", env = "LANESHIFT_BATCH_OWNER")]
    owner: String,
    /// Do not ask before spending
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    rate: RateArgs,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    aws: AwsArgs,
    /// How to print the receipt
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
pub(crate) struct ResumeArgs {
    /// A submission, as `batch list` shows it; all open ones when left out
    id: Option<String>,
    #[command(flatten)]
    rate: RateArgs,
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
        let opened = open(&args.queue, &args.aws, Some(&args.rate), progress::shown()).await?;
        let id = submission_id(&request, &args.owner).map_err(|e| refused(args, Refused::Io(request.input.clone(), e)))?;
        match opened.store.submission(&id).await {
            Ok(known) => match known.state {
                SubmissionState::Delivered => {
                    eprintln!("this file was run before as {id}; its answers are written again from what is kept");
                }
                SubmissionState::Cancelled => {
                    return Err(Error::Batch(format!(
                        "run {}: it was cancelled as {id}; `laneshift batch retry {id}` runs \
                         what was not answered",
                        args.input.display()
                    )));
                }
                SubmissionState::Open => eprintln!("this file was accepted before as {id}; it continues"),
            },
            Err(StoreError::Missing(_)) => accept(args, &request, &opened).await?,
            Err(error) => return Err(Error::Batch(error.to_string())),
        }
        finish(&opened.engine, &id, args.format, out).await
    })
}

pub(crate) fn resume(args: &ResumeArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let opened = open(&args.queue, &args.aws, Some(&args.rate), progress::shown()).await?;
        let ids = match &args.id {
            Some(id) => vec![id.clone()],
            None => opened.engine.undelivered().await.map_err(failed)?,
        };
        if ids.is_empty() {
            return Err(Error::Batch("find an open submission: `laneshift batch list` shows what there is".to_owned()));
        }
        for id in ids {
            finish(&opened.engine, &id, args.format, out).await?;
        }
        Ok(())
    })
}

/// Checks the file, shows what it costs, asks, and accepts it.
async fn accept(args: &RunArgs, request: &Request, opened: &Opened) -> Result<(), Error> {
    let now = clock::now();
    let deadline = duration::moment("--deadline", &args.deadline, now)?;
    let folder = &args.queue.data;
    let accepted = read_input(request, &args.owner, folder, deadline, now).map_err(|e| refused(args, e))?;
    let accepted = confirm(accepted, opened, folder, args.yes, args.guarantee).await?;
    opened.engine.accept(accepted).await.map_err(failed)?;
    Ok(())
}

/// Shows what a submission costs and when it is done, and asks; when the answer is no, nothing of it stays.
pub(super) async fn confirm(
    mut accepted: Accepted,
    opened: &Opened,
    folder: &Path,
    yes: bool,
    guarantee: bool,
) -> Result<Accepted, Error> {
    let outlook = opened.engine.outlook(&accepted).await.map_err(failed)?;
    let estimate = accepted.estimate(&opened.catalog, &opened.capabilities);
    eprint!("{}", ask::text(&accepted, &estimate, &outlook, clock::now()));
    accepted.submission.promise = outlook.promise;
    let nowhere = estimate.pools.iter().find_map(|pool| pool.no_batch.as_ref()).filter(|_| outlook.earliest.is_none());
    let allowed = match outlook.promise {
        Promise::BestEffort | Promise::Guaranteed if nowhere.is_some() => {
            let why = nowhere.map_or("", String::as_str);
            Err(Error::Batch(format!(
                "accept it: {why}, and no on-demand lane may be used: name a rate with --rescue-tpm, or another model"
            )))
        }
        Promise::BestEffort if guarantee => {
            let earliest =
                outlook.earliest.map_or_else(|| "no on-demand lane may be used".to_owned(), |at| format!("{at} could be"));
            Err(Error::Batch(format!("accept it: {} cannot be guaranteed; {earliest}", accepted.submission.deadline)))
        }
        Promise::BestEffort | Promise::Guaranteed if yes => Ok(()),
        Promise::BestEffort | Promise::Guaranteed => ask::go_ahead(),
    };
    match allowed {
        Ok(()) => Ok(accepted),
        Err(error) => {
            accepted.discard(folder);
            Err(error)
        }
    }
}

fn request(args: &RunArgs) -> Result<Request, Error> {
    let argument = |what: &str, reason: &str| Error::Argument { what: what.to_owned(), reason: reason.to_owned() };
    let (bucket, prefix) = place(&args.s3)?;
    if args.model.as_ref().is_some_and(String::is_empty) {
        return Err(argument("--model", "the name of a model is empty"));
    }
    // The service model's pattern of a roleArn.
    let role =
        args.role.strip_prefix("arn:aws").and_then(|rest| rest.split_once(":iam::")).is_some_and(|(_, of)| of.contains(":role/"));
    if !role {
        return Err(argument("--role", "write the ARN of a role: arn:aws:iam::111122223333:role/NAME"));
    }
    let terms = args.terms.over(Terms::default())?;
    let absolute = |path: &PathBuf| std::path::absolute(path).map_err(|e| argument("path", &e.to_string()));
    Ok(Request {
        input: absolute(&args.input)?,
        output: absolute(&args.output)?,
        model: args.model.clone(),
        place: Place { region: args.aws.region()?, role: args.role.clone(), bucket, prefix, terms },
        retry_of: None,
    })
}

/// Bucket and prefix of `s3://bucket/prefix`.
pub(super) fn place(s3: &str) -> Result<(String, String), Error> {
    let argument = |reason: &str| Error::Argument { what: "--s3".to_owned(), reason: reason.to_owned() };
    let place = s3.strip_prefix("s3://").ok_or_else(|| argument("write s3://bucket/prefix"))?;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    // The service model's pattern of an s3Uri; `=`, `+`, `@`, `%` and spaces are not in it.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-!_*'().".contains(c) || c == '/';
    if bucket.is_empty() || !prefix.chars().all(plain) {
        return Err(argument("Bedrock takes letters, digits and -!_*'(). in a prefix; Hive-style dt=... is refused"));
    }
    Ok((bucket.to_owned(), prefix.trim_matches('/').to_owned()))
}

fn refused(args: &RunArgs, error: Refused) -> Error {
    let path = args.input.display();
    let (shown, count) = match error {
        Refused::Lines(shown, count) => (shown, count),
        Refused::Empty => return Error::Input(format!("{path}: it has no record")),
        Refused::Io(at, e) if at == args.input || e.kind() == std::io::ErrorKind::NotFound => {
            return Error::Input(format!("{path}: {e}"));
        }
        Refused::Io(..) => return Error::Batch(format!("accept {path}: {error}")),
    };
    let mut text = format!("{path}: {count} lines cannot be accepted, and nothing was");
    for BadLine { line, why } in &shown {
        text += &format!("\n  line {line}: {why}");
    }
    if count > shown.len() as u64 {
        text += &format!("\n  and {} more", count - shown.len() as u64);
    }
    Error::Input(text)
}

/// Runs to the end; Ctrl-C detaches, and AWS goes on.
pub(super) async fn finish(engine: &Engine, id: &str, format: Format, out: &mut dyn Write) -> Result<(), Error> {
    let mut finish = std::pin::pin!(engine.finish(id));
    let receipt = tokio::select! {
        done = &mut finish => done.map_err(failed)?,
        () = signal() => {
            // Answers of calls that are under way are paid for.
            tokio::select! {
                _ = &mut finish => {}
                () = engine.detach() => {}
                () = signal() => {}
            }
            return Err(Error::Detached(id.to_owned()));
        }
    };
    print(out, &receipt::shown(&receipt, format))?;
    match receipt::unanswered(&receipt) {
        0 => Ok(()),
        n => Err(Error::Unanswered { id: id.to_owned(), records: n }),
    }
}

/// Ctrl-C, or a request to end.
async fn signal() {
    let ended = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = ended => {}
    }
}

pub(super) fn failed(error: EngineError) -> Error {
    Error::Batch(format!("do it: {error}"))
}

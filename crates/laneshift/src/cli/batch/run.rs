//! `laneshift batch run` and `resume`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use laneshift_batch::{Accepted, BadLine, Engine, EngineError, Place, Refused, Request, Terms, submission_id};
use laneshift_store::{Intake, Promise, StoreError, Submission, SubmissionState};

use super::open::{AwsArgs, Opened, QueueArgs, RateArgs, TermsArgs, open, pick};
use super::source::{Source, is_stdin};
use super::{ask, output, progress, receipt, runtime};
use crate::cli::duration;
use crate::cli::{Format, plain, print};
use crate::clock;
use crate::error::Error;

/// Bad lines that are shown to people.
const BAD_LINES_SHOWN: usize = 20;

#[derive(Args)]
pub(crate) struct RunArgs {
    /// Requests, one JSON object a line; - reads standard input
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
    /// Replace an output that is there
    #[arg(long)]
    overwrite: bool,
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
        let mut request = request(args)?;
        let opened = open(&args.queue, &args.aws, args.rate.rescue_tpm, progress::shown()).await?;
        let source = Source::of(&request.input, &args.queue.data)?;
        let id = submission_id(&request, source.path(), &args.owner);
        let (id, content) = id.map_err(|e| refused(args, Refused::Io(request.input.clone(), e)))?;
        request.content = content;
        match opened.store.submission(&id).await {
            Ok(known) => match known.state {
                SubmissionState::Delivered => {
                    eprintln!("this file was run before as {id}; its answers are written again from what is kept");
                }
                SubmissionState::Cancelled => {
                    return Err(Error::Refused {
                        what: format!("{} was cancelled as {id}", args.input.display()),
                        hint: format!("`laneshift batch retry {id}` runs what was not answered"),
                    });
                }
                SubmissionState::Open => eprintln!("this file was accepted before as {id}; it continues"),
            },
            Err(StoreError::Missing(_)) => accept(args, &request, (&id, source.path()), &opened).await?,
            Err(error) => return Err(Error::Batch(error.to_string())),
        }
        finish(&opened.engine, &id, args.format, out).await
    })
}

pub(crate) fn resume(args: &ResumeArgs, out: &mut dyn Write) -> Result<(), Error> {
    runtime()?.block_on(async {
        let opened = open(&args.queue, &args.aws, args.rate.rescue_tpm, progress::shown()).await?;
        let ids = match &args.id {
            Some(id) => vec![pick(&opened.store, Some(id), |_| true).await?.new.id],
            None => opened.engine.undelivered().await.map_err(failed)?,
        };
        if ids.is_empty() {
            return Err(Error::NoSuch("an open submission".to_owned()));
        }
        let mut first_error = Ok(());
        for id in ids {
            // What stands in the way of one is not the others'.
            match finish(&opened.engine, &id, args.format, out).await {
                Err(error @ Error::Detached(_)) => return Err(error),
                Err(error) if first_error.is_ok() => first_error = Err(error),
                Err(error) => eprintln!("{id}: failed to {error}"),
                Ok(()) => {}
            }
        }
        first_error
    })
}

/// Checks the file, shows what it costs, asks, and accepts it.
async fn accept(args: &RunArgs, request: &Request, source: (&str, &Path), opened: &Opened) -> Result<(), Error> {
    let now = clock::now();
    output::check(source.1, &request.output, args.overwrite)?;
    let before = opened.store.submissions().await.map_err(|e| Error::Batch(e.to_string()))?;
    let deadline = duration::moment("--deadline", &args.deadline, now)?;
    let folder = &args.queue.data;
    let accepted = opened.engine.read_input(request, source, &args.owner, deadline).map_err(|e| refused(args, e))?;
    if let Some(why) = opened.engine.unknown_model(accepted.models()).await {
        accepted.discard(folder);
        let hint = "`aws bedrock list-foundation-models` and `list-inference-profiles` show what there is".to_owned();
        return Err(Error::Refused { what: why, hint });
    }
    let same =
        |known: &&Submission| Request::of(known).is_ok_and(|of| of.content == request.content && of.model == request.model);
    if let Some(known) = before.iter().find(same) {
        let id = &known.new.id;
        eprintln!(
            "the same requests were accepted before as {id}: `laneshift batch results {id}` writes their answers for nothing"
        );
    }
    let accepted = confirm(accepted, opened, folder, args.yes, args.guarantee).await?;
    opened.engine.accept(vec![accepted]).await.map_err(failed)?;
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
    let nowhere = estimate.iter().find_map(|pool| pool.no_batch.as_ref()).filter(|_| outlook.earliest.is_none());
    let allowed = match (nowhere, outlook.promise) {
        (Some(why), _) => Err(Error::Refused {
            what: format!("{why}, and no on-demand lane may be used"),
            hint: "name a rate with --rescue-tpm, or another model".to_owned(),
        }),
        (None, Promise::BestEffort) if guarantee => {
            let deadline = accepted.submission.deadline;
            let (earliest, hint) = match outlook.earliest {
                Some(at) => (format!("{at} could be"), "name a later --deadline, or a higher rate with --rescue-tpm"),
                None => {
                    ("no on-demand lane may be used".to_owned(), "allow one with --rescue, and name a rate with --rescue-tpm")
                }
            };
            Err(Error::Refused { what: format!("{deadline} cannot be guaranteed; {earliest}"), hint: hint.to_owned() })
        }
        (None, Promise::BestEffort | Promise::Guaranteed) if yes => Ok(()),
        (None, Promise::BestEffort | Promise::Guaranteed) => ask::go_ahead(),
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
        input: if is_stdin(&args.input) { args.input.clone() } else { absolute(&args.input)? },
        output: absolute(&args.output)?,
        model: args.model.clone(),
        place: Place { region: args.aws.region()?, role: args.role.clone(), bucket, prefix, terms },
        content: 0,
        retry_of: None,
    })
}

/// Bucket and prefix of `s3://bucket/prefix`.
pub(crate) fn place(s3: &str) -> Result<(String, String), Error> {
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
        Refused::Empty => return Error::Input { text: format!("{path}: it has no record"), lines: Vec::new(), count: 0 },
        Refused::Io(at, e) if at.ends_with(&args.input) || e.kind() == std::io::ErrorKind::NotFound => {
            return Error::Input { text: format!("{path}: {e}"), lines: Vec::new(), count: 0 };
        }
        Refused::Io(..) => return Error::Batch(format!("accept {path}: {error}")),
    };
    let lines_are = if count == 1 { "line" } else { "lines" };
    let mut text = format!("{path}: {count} {lines_are} cannot be accepted, and nothing was");
    for BadLine { line, why } in shown.iter().take(BAD_LINES_SHOWN) {
        text += &format!("\n  line {line}: {}", plain(why));
    }
    if count > BAD_LINES_SHOWN as u64 {
        text += &format!("\n  and {} more, which --format json lists", count - BAD_LINES_SHOWN as u64);
    }
    Error::Input { text, lines: shown, count }
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

pub(crate) fn failed(error: EngineError) -> Error {
    match error {
        EngineError::Held(why) => Error::Held(why),
        EngineError::Output(path, e) => Error::Deliver { path, reason: e.to_string() },
        EngineError::Full { .. } => Error::Refused {
            what: error.to_string(),
            hint: "free some space there, or name a queue on another disk with --data".to_owned(),
        },
        error => Error::Batch(format!("go on: {error}")),
    }
}

//! Bedrock's batch control plane over the batch lane: a job of three records is as good as one of thirty thousand, and keeps its
//! deadline, which is its timeout.
//!
//! Promises: a job is accepted as a whole or not at all; its token makes two of the same one; what its records came to lies at its
//! output as Bedrock writes it. Only buckets of the configuration are read and written: the keys are the gateway's, and not the
//! client's. Source: service model of bedrock in botocore, read 2026-11-30.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use http::Response;
use http::request::Parts;
use laneshift_batch::{Accepted, Delivered, Engine, EngineError, Refused, Request, errors_path, submission_id};
use laneshift_store::{Submission, SubmissionState};
use laneshift_units::{Money, Timestamp};
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::body::Body;
use crate::gateway::{Caller, Gateway, json_response, to_the_end};
use crate::later::{Later, queue_of};
use crate::refusal::Refusal;
use crate::shelf::{Shelf, fresh};

const JOB: &str = "/model-invocation-job";
const JOBS: &str = "/model-invocation-jobs";
const HOUR_MS: i64 = 3_600_000;
/// Hours of a job that names none, and the limits of AWS.
const TIMEOUT_H: i64 = 24;
const TIMEOUTS_H: std::ops::RangeInclusive<i64> = 24..=168;
/// Bytes of one job.
// AWS, "Quotas for Amazon Bedrock", read 2026-11-23: 5 GB; here it is a whole that is checked before it is answered.
const BYTES_MAX: u64 = 1_000_000_000;
const FILES_MAX: usize = 1_000;
const NAME_MAX: usize = 63;
/// Bad lines that a message names.
const LINES_TOLD: usize = 10;
const PAGE_MAX: usize = 1_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Create,
    Get(&'a str),
    List,
    Stop(&'a str),
}

impl<'a> Route<'a> {
    pub(crate) fn of(method: &http::Method, path: &'a str) -> Option<Self> {
        if path == JOBS {
            return (*method == http::Method::GET).then_some(Self::List);
        }
        match (method.as_str(), path.strip_prefix(JOB)?) {
            ("POST", "") => Some(Self::Create),
            ("POST", rest) => rest.strip_prefix('/')?.strip_suffix("/stop").map(Self::Stop),
            ("GET", rest) => rest.strip_prefix('/').filter(|id| !id.is_empty() && !id.contains('/')).map(Self::Get),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    job_name: String,
    role_arn: String,
    client_request_token: Option<String>,
    model_id: String,
    input_data_config: Value,
    output_data_config: Value,
    timeout_duration_in_hours: Option<i64>,
    model_invocation_type: Option<String>,
}

/// A file of a job's input, and the submission that it became.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Input {
    key: String,
    submission: Option<String>,
}

/// What is known of a job beside its submissions.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    id: String,
    arn: String,
    owner: String,
    name: String,
    role: String,
    token: Option<String>,
    model: String,
    shape: String,
    input: Value,
    output: Value,
    timeout_h: i64,
    submitted_ms: i64,
    inputs: Vec<Input>,
    accepted: bool,
    message: Option<String>,
    stopped: bool,
    ended_ms: Option<i64>,
}

/// A place in S3.
struct Place {
    bucket: String,
    key: String,
}

impl Place {
    fn read(config: &Value, kind: &str) -> Result<Self, Refusal> {
        let uri = config[kind]["s3Uri"].as_str();
        let uri = uri.ok_or_else(|| Refusal::validation(format!("{kind}.s3Uri is missing")))?;
        let (bucket, key) = uri.strip_prefix("s3://").and_then(|place| place.split_once('/')).unwrap_or_default();
        let odd = bucket.is_empty() || key.split('/').any(|part| part == "." || part == "..");
        if odd {
            Err(Refusal::validation(format!("{kind}.s3Uri: write s3://bucket/prefix/")))
        } else {
            Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
        }
    }

    /// Whether the configuration lets clients use it.
    fn is_open(&self, allowed: &[String]) -> bool {
        let uri = format!("s3://{}/{}", self.bucket, self.key);
        allowed.iter().any(|prefix| {
            let prefix = prefix.trim_end_matches('/');
            uri.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

fn failed(error: impl std::fmt::Display) -> Refusal {
    Refusal::internal(error.to_string())
}

impl Gateway {
    /// Answers a call of the control plane.
    pub(crate) async fn jobs(
        &self,
        route: Route<'_>,
        caller: &Caller<'_>,
        parts: &Parts,
        body: Bytes,
    ) -> Result<Response<Body>, Refusal> {
        match route {
            Route::Create => {
                let (gateway, key, region) = (self.clone(), caller.key.clone(), caller.region.map(str::to_owned));
                let made = async move { gateway.create_job(&Caller { key, region: region.as_deref() }, &body).await };
                to_the_end(made).await
            }
            Route::Get(id) => Ok(json_response(&self.told_job(&self.job(id, caller)?).await?)),
            Route::List => self.list_jobs(parts.uri.query().unwrap_or_default(), caller).await,
            Route::Stop(id) => self.stop_job(id, caller).await,
        }
    }

    async fn create_job(&self, caller: &Caller<'_>, body: &Bytes) -> Result<Response<Body>, Refusal> {
        let asked: Create = serde_json::from_slice(body).map_err(|e| Refusal::validation(format!("The body: {e}")))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        if asked.job_name.is_empty() || asked.job_name.len() > NAME_MAX || !asked.job_name.chars().all(plain) {
            return Err(Refusal::validation("jobName has 1 to 63 letters, digits and +-."));
        }
        let timeout_h = asked.timeout_duration_in_hours.unwrap_or(TIMEOUT_H);
        if !TIMEOUTS_H.contains(&timeout_h) {
            return Err(Refusal::validation("timeoutDurationInHours is not between 24 and 168"));
        }
        let later = self.later()?.clone();
        let allowed = self.config().batch.as_ref().map(|batch| batch.client_s3.clone()).unwrap_or_default();
        let from = Place::read(&asked.input_data_config, "s3InputDataConfig")?;
        let to = Place::read(&asked.output_data_config, "s3OutputDataConfig")?;
        if !from.is_open(&allowed) || !to.is_open(&allowed) {
            let why = "This gateway reads and writes jobs of clients only where its configuration lets it: batch.client_s3.";
            return Err(Refusal::denied(why));
        }
        if !caller.key.allows(&asked.model_id) {
            return Err(Refusal::denied(format!("This key may not call {}.", asked.model_id)));
        }
        // One at a time: two with the same token at once would be two jobs.
        let _one = self.creating().lock().await;
        let shelf = self.shelf("jobs");
        let same = asked.client_request_token.as_ref().and_then(|token| {
            let mut all: Vec<Job> = shelf.all(|job: &Job| job.submitted_ms);
            all.retain(|job| job.owner == caller.key.owner && job.token.as_ref() == Some(token));
            all.pop()
        });
        let mut job = match same {
            Some(job)
                if job.model != asked.model_id
                    || job.input != asked.input_data_config
                    || job.output != asked.output_data_config =>
            {
                return Err(Refusal::conflict("The clientRequestToken was used for another job."));
            }
            Some(job) => job,
            None => {
                let id = fresh("")?[..12].to_owned();
                let target = self.target(caller.region)?;
                let account = if target.account.is_empty() { "000000000000" } else { &target.account };
                Job {
                    arn: format!("arn:aws:bedrock:{}:{account}:model-invocation-job/{id}", target.region),
                    id,
                    owner: caller.key.owner.clone(),
                    name: asked.job_name,
                    role: asked.role_arn,
                    token: asked.client_request_token,
                    model: asked.model_id,
                    shape: asked.model_invocation_type.unwrap_or_else(|| "InvokeModel".to_owned()),
                    input: asked.input_data_config,
                    output: asked.output_data_config,
                    timeout_h,
                    submitted_ms: self.now().0,
                    inputs: Vec::new(),
                    accepted: false,
                    message: None,
                    stopped: false,
                    ended_ms: None,
                }
            }
        };
        if !job.accepted && job.message.is_none() {
            shelf.note(&job.id, &job).map_err(failed)?;
            self.accept_job(&mut job, caller, &later, &from).await?;
        }
        Ok(json_response(&json!({ "jobArn": job.arn })))
    }

    /// Reads what a job's input holds, and accepts it. Done twice it changes nothing: submissions follow from what they hold.
    async fn accept_job(&self, job: &mut Job, caller: &Caller<'_>, later: &Later, from: &Place) -> Result<(), Refusal> {
        let (shelf, folder) = (self.shelf("jobs"), self.job_folder(&job.id));
        fs::create_dir_all(&folder).map_err(failed)?;
        let store = later.engine.objects(&from.bucket).map_err(failed)?;
        let files = match fetch(&*store, &from.key, &folder).await {
            Ok(files) => files,
            Err(why) => return self.fail_job(job, &why),
        };
        job.inputs = files.iter().map(|key| Input { key: key.clone(), submission: None }).collect();
        shelf.note(&job.id, &*job).map_err(failed)?;
        let due = Timestamp(job.submitted_ms + job.timeout_h * HOUR_MS);
        let mut read = Vec::new();
        for (at, name) in files.iter().enumerate() {
            let request = Request {
                input: folder.join(format!("{at}.in.jsonl")),
                output: folder.join(format!("{at}.jsonl")),
                model: Some(job.model.clone()),
                place: later.place.clone(),
                content: 0,
                retry_of: None,
            };
            let (engine, owner, name) = (later.engine.clone(), job.owner.clone(), name.clone());
            let one = tokio::task::spawn_blocking(move || read_one(&engine, request, &owner, &name, due));
            match one.await.map_err(failed)? {
                Ok(accepted) => read.push(accepted),
                Err(why) => {
                    read.into_iter().for_each(|accepted: Accepted| accepted.discard(&queue_of(&self.config().data)));
                    return self.fail_job(job, &why);
                }
            }
        }
        let most = read.iter().map(|accepted| accepted.at_most(self.catalog())).sum::<Option<Money>>();
        if let Err(held) = self.books().reserve(&caller.key, most) {
            read.into_iter().for_each(|accepted| accepted.discard(&queue_of(&self.config().data)));
            return Err(Refusal::held(held));
        }
        for (input, accepted) in job.inputs.iter_mut().zip(read) {
            input.submission = Some(accepted.submission.id.clone());
            if let Err(error) = later.engine.accept(accepted).await {
                self.books().release(&caller.key, most);
                return Err(failed(error));
            }
        }
        self.books().queue(&caller.key, most).map_err(failed)?;
        job.accepted = true;
        shelf.note(&job.id, &*job).map_err(failed)
    }

    /// A job whose input cannot run is a job that has failed, as at AWS.
    fn fail_job(&self, job: &mut Job, why: &str) -> Result<(), Refusal> {
        (job.message, job.ended_ms) = (Some(why.to_owned()), Some(self.now().0));
        let _ = fs::remove_dir_all(self.job_folder(&job.id));
        self.shelf("jobs").note(&job.id, &*job).map_err(failed)
    }

    fn job_folder(&self, id: &str) -> PathBuf {
        self.config().data.join("jobs").join(id)
    }

    /// A job of a caller's owner, by its ARN or the end of it.
    fn job(&self, id: &str, caller: &Caller<'_>) -> Result<Job, Refusal> {
        let id = percent_decode_str(id).decode_utf8_lossy();
        let job = self.shelf("jobs").read::<Job>(id.rsplit('/').next().unwrap_or_default());
        let mine = job.filter(|job| job.owner == caller.key.owner && (!id.contains('/') || job.arn == id));
        mine.ok_or_else(|| Refusal::not_found("Could not find the model invocation job."))
    }

    async fn submissions_of(&self, job: &Job) -> Result<Vec<(Submission, Delivered)>, EngineError> {
        let Some(later) = self.batch_lane() else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for id in job.inputs.iter().filter_map(|input| input.submission.as_ref()) {
            let submission = later.engine.submission(id).await?;
            let delivered = later.engine.status(&submission).await?.delivered;
            all.push((submission, delivered));
        }
        Ok(all)
    }

    /// A job as AWS tells it.
    async fn told_job(&self, job: &Job) -> Result<Value, Refusal> {
        let (mut sum, mut total) = (Delivered::default(), 0);
        for (submission, one) in self.submissions_of(job).await.map_err(failed)? {
            total += submission.new.records;
            sum.answered += one.answered;
            sum.failed += one.failed;
            sum.expired += one.expired;
            sum.cancelled += one.cancelled;
            sum.erased += one.erased;
        }
        let status = match (job.ended_ms, job.stopped) {
            (Some(_), _) if job.message.is_some() => "Failed",
            (Some(_), true) => "Stopped",
            (Some(_), false) if sum.expired > 0 && sum.expired == total => "Expired",
            (Some(_), false) if sum.expired > 0 => "PartiallyCompleted",
            (Some(_), false) => "Completed",
            (None, true) => "Stopping",
            (None, false) if job.accepted => "InProgress",
            (None, false) => "Validating",
        };
        let at = |ms: i64| Timestamp(ms).to_string();
        let mut told = json!({
            "jobArn": job.arn,
            "jobName": job.name,
            "modelId": job.model,
            "roleArn": job.role,
            "status": status,
            "submitTime": at(job.submitted_ms),
            "lastModifiedTime": at(job.ended_ms.unwrap_or(job.submitted_ms)),
            "inputDataConfig": job.input,
            "outputDataConfig": job.output,
            "timeoutDurationInHours": job.timeout_h,
            "jobExpirationTime": at(job.submitted_ms + job.timeout_h * HOUR_MS),
            "modelInvocationType": job.shape,
            "totalRecordCount": total,
            "processedRecordCount": sum.settled(),
            "successRecordCount": sum.answered,
            "errorRecordCount": sum.settled() - sum.answered,
        });
        for (name, value) in [("clientRequestToken", &job.token), ("message", &job.message)] {
            if let Some(value) = value {
                told[name] = value.as_str().into();
            }
        }
        if let Some(ended) = job.ended_ms {
            told["endTime"] = at(ended).into();
        }
        Ok(told)
    }

    async fn list_jobs(&self, query: &str, caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
        let of = |name: &str| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
            Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        let moment = |name: &str| of(name).and_then(|text| Timestamp::parse(&text).ok());
        let (after, before) = (moment("submitTimeAfter"), moment("submitTimeBefore"));
        let mut all = self.shelf("jobs").all(|job: &Job| job.submitted_ms);
        all.retain(|job: &Job| {
            job.owner == caller.key.owner
                && of("nameContains").is_none_or(|part| job.name.contains(&part))
                && after.is_none_or(|after| job.submitted_ms > after.0)
                && before.is_none_or(|before| job.submitted_ms < before.0)
        });
        if of("sortOrder").as_deref() == Some("Ascending") {
            all.reverse();
        }
        let limit = of("maxResults").and_then(|n| n.parse().ok()).unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
        let begin = match of("nextToken") {
            None => 0,
            Some(token) => {
                all.iter().position(|job| job.id == token).ok_or_else(|| Refusal::validation("nextToken is none of ours"))?
            }
        };
        let (wanted, mut page, mut next) = (of("statusEquals"), Vec::new(), None);
        for job in &all[begin..] {
            if page.len() == limit {
                next = Some(job.id.clone());
                break;
            }
            let told = self.told_job(job).await?;
            if wanted.as_deref().is_none_or(|status| told["status"] == status) {
                page.push(told);
            }
        }
        let mut answer = json!({ "invocationJobSummaries": page });
        if let Some(next) = next {
            answer["nextToken"] = next.into();
        }
        Ok(json_response(&answer))
    }

    async fn stop_job(&self, id: &str, caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
        let mut job = self.job(id, caller)?;
        if job.ended_ms.is_some() {
            return Err(Refusal::conflict("The job has ended, and cannot be stopped."));
        }
        for (submission, _) in self.submissions_of(&job).await.map_err(failed)? {
            self.later()?.engine.cancel(&submission.new.id).await.map_err(failed)?;
        }
        job.stopped = true;
        self.shelf("jobs").note(&job.id, &job).map_err(failed)?;
        Ok(json_response(&json!({})))
    }

    /// Writes what jobs came to, where they want it, when all of it is there.
    ///
    /// # Errors
    /// The first that S3 or the disk says; it is tried again the next time.
    pub async fn end_jobs(&self) -> Result<(), EngineError> {
        let Some(later) = self.batch_lane() else { return Ok(()) };
        let shelf = self.shelf("jobs");
        let mut first = Ok(());
        for mut job in shelf.all(|job: &Job| job.submitted_ms) {
            if job.ended_ms.is_none() && job.accepted {
                // One that cannot be written holds up no other.
                first = first.and(self.end_if_settled(&mut job, later, &shelf).await);
            }
        }
        first
    }

    async fn end_if_settled(&self, job: &mut Job, later: &Later, shelf: &Shelf) -> Result<(), EngineError> {
        let all = self.submissions_of(job).await?;
        let open =
            |(submission, so_far): &(Submission, Delivered)| so_far.waiting > 0 || submission.state == SubmissionState::Open;
        if all.iter().any(open) { Ok(()) } else { self.end_job(job, &all, later, shelf).await }
    }

    async fn end_job(
        &self,
        job: &mut Job,
        all: &[(Submission, Delivered)],
        later: &Later,
        shelf: &Shelf,
    ) -> Result<(), EngineError> {
        let disk = |e: std::io::Error| EngineError::Spool(e);
        let folder = self.job_folder(&job.id);
        let (bucket, prefix) = match Place::read(&job.output, "s3OutputDataConfig") {
            Ok(place) => (place.bucket, place.key),
            Err(_) => return Ok(()),
        };
        let store = later.engine.objects(&bucket)?;
        let place = format!("{}/{}", prefix.trim_end_matches('/'), job.id);
        let (mut total, mut answered, mut tokens) = (0, 0, (0, 0));
        for (at, (input, (submission, so_far))) in job.inputs.iter().zip(all).enumerate() {
            let output = folder.join(format!("{at}.jsonl"));
            later.engine.write_results(submission, &output, false).await?;
            let name = input.key.rsplit('/').next().unwrap_or("input.jsonl");
            let mut to = BufWriter::new(store.clone(), Key::from(format!("{place}/{name}.out")));
            for path in [&output, &errors_path(&output)] {
                copy(path, &mut to).await.map_err(disk)?;
            }
            to.shutdown().await.map_err(disk)?;
            let cost = later.engine.status(submission).await?.cost;
            tokens = (tokens.0 + cost.usage.total_input().0, tokens.1 + cost.usage.output.0);
            (total, answered) = (total + submission.new.records, answered + so_far.answered);
        }
        let manifest = json!({
            "totalRecordCount": total, "processedRecordCount": total, "successRecordCount": answered, "errorRecordCount": total - answered,
            "inputTokenCount": tokens.0, "outputTokenCount": tokens.1,
        });
        let payload = PutPayload::from(manifest.to_string().into_bytes());
        store.put(&Key::from(format!("{place}/manifest.json.out")), payload).await?;
        job.ended_ms = Some(self.now().0);
        shelf.note(&job.id, &*job).map_err(disk)?;
        let _ = fs::remove_dir_all(folder);
        Ok(())
    }
}

/// A file that is not there has nothing: no record failed, or none was answered.
async fn copy(path: &Path, to: &mut BufWriter) -> std::io::Result<()> {
    let mut from = match tokio::fs::File::open(path).await {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..n]).await?;
    }
}

/// Brings a job's input to the disk: one file, or all `.jsonl` below a prefix; gives their keys, or what a client can mend.
async fn fetch(store: &dyn ObjectStore, key: &str, folder: &Path) -> Result<Vec<String>, String> {
    let told = |e: object_store::Error| format!("The input cannot be read: {e}");
    let files = if key.ends_with(".jsonl") {
        vec![key.to_owned()]
    } else {
        let prefix = Key::from(key.trim_end_matches('/'));
        let listed: Vec<object_store::ObjectMeta> = store.list(Some(&prefix)).try_collect().await.map_err(told)?;
        let mut keys: Vec<String> = listed.into_iter().map(|object| object.location.to_string()).collect();
        keys.retain(|key| key.ends_with(".jsonl"));
        keys.sort();
        keys
    };
    if files.is_empty() || files.len() > FILES_MAX {
        return Err(format!("The input has {} files that end in .jsonl; a job has 1 to {FILES_MAX}.", files.len()));
    }
    let mut bytes = 0;
    for (at, key) in files.iter().enumerate() {
        let failed = |e: std::io::Error| format!("The input cannot be kept: {e}");
        let mut to = tokio::fs::File::create(folder.join(format!("{at}.in.jsonl"))).await.map_err(failed)?;
        let mut stream = store.get(&Key::from(key.as_str())).await.map_err(told)?.into_stream();
        while let Some(part) = stream.try_next().await.map_err(told)? {
            bytes += part.len() as u64;
            if bytes > BYTES_MAX {
                return Err(format!("The input has more than {BYTES_MAX} bytes."));
            }
            to.write_all(&part).await.map_err(failed)?;
        }
        to.flush().await.map_err(failed)?;
    }
    Ok(files)
}

/// Reads one file of a job.
fn read_one(engine: &Arc<Engine>, mut request: Request, owner: &str, name: &str, due: Timestamp) -> Result<Accepted, String> {
    let source = request.input.clone();
    let (id, content) = submission_id(&request, &source, owner).map_err(|e| e.to_string())?;
    request.content = content;
    engine.read_input(&request, (&id, &source), owner, due).map_err(|refused| match refused {
        Refused::Lines(lines, n) => {
            let told = lines.iter().take(LINES_TOLD).map(|bad| format!("line {}: {}", bad.line, bad.why));
            format!("{name}: {n} lines cannot run. {}", told.collect::<Vec<_>>().join("; "))
        }
        other => format!("{name}: {other}"),
    })
}

//! A job is made: its input is read from S3 and checked as a whole, then accepted.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use http::Response;
use laneshift_batch::{Accepted, Engine, EngineError, Refused, Request, submission_id};
use laneshift_units::Timestamp;
use object_store::path::Path as ObjectKey;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{HOUR_MS, Input, Job, Place};
use crate::body::Body;
use crate::gateway::{Caller, Gateway, json_response};
use crate::keys::Key;
use crate::later::Later;
use crate::refusal::Refusal;
use crate::roles::account_of;
use crate::shelf::fresh;

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

impl Gateway {
    pub(super) async fn create_job(&self, caller: &Caller<'_>, body: &Bytes) -> Result<Response<Body>, Refusal> {
        let asked: Create = serde_json::from_slice(body).map_err(|e| Refusal::validation(format!("The body: {e}")))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        if asked.job_name.is_empty() || asked.job_name.len() > NAME_MAX || !asked.job_name.chars().all(plain) {
            return Err(Refusal::validation("jobName has 1 to 63 letters, digits and +-."));
        }
        let timeout_h = asked.timeout_duration_in_hours.unwrap_or(TIMEOUT_H);
        if !TIMEOUTS_H.contains(&timeout_h) {
            return Err(Refusal::validation("timeoutDurationInHours is not between 24 and 168"));
        }
        let later = self.later_in(caller.region)?.clone();
        let region = later.region();
        let places = || self.config().batch_in(region).into_iter().flat_map(|batch| batch.places_of(&caller.key.owner));
        let from = Place::read(&asked.input_data_config, "s3InputDataConfig")?;
        let to = Place::read(&asked.output_data_config, "s3OutputDataConfig")?;
        if !from.is_open(places()) || !to.is_open(places()) {
            let why =
                "This gateway reads and writes jobs of this key's owner only where its configuration lets it: batch.client_s3.";
            return Err(Refusal::denied(why));
        }
        self.may_call(&caller.key, &asked.model_id)?;
        let creating = self.creating(&caller.key.owner);
        let _one = creating.lock().await;
        let shelf = self.shelf("jobs");
        let same = asked.client_request_token.as_ref().and_then(|token| {
            let mut all: Vec<Job> = shelf.all(|job: &Job| job.submitted_ms);
            all.retain(|job| {
                self.is_of(job.region.as_deref(), &later) && job.owner == caller.key.owner && job.token.as_ref() == Some(token)
            });
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
            Some(mut job) => {
                self.finish_job(&mut job).await.map_err(Refusal::failed)?;
                return Ok(json_response(&json!({ "jobArn": job.arn })));
            }
            None => {
                if let Some(why) = later.engine.unknown_model([&*asked.model_id]).await {
                    return Err(Refusal::validation(why));
                }
                let id = fresh("")?[..12].to_owned();
                // A role passes in its own account only.
                let account = Some(account_of(&later.place.role)).filter(|account| !account.is_empty()).unwrap_or("000000000000");
                Job {
                    arn: format!("arn:aws:bedrock:{region}:{account}:model-invocation-job/{id}"),
                    region: Some(region.to_owned()),
                    id,
                    owner: caller.key.owner.clone(),
                    name: asked.job_name,
                    role: asked.role_arn,
                    token: asked.client_request_token,
                    model: asked.model_id,
                    shape: asked.model_invocation_type.unwrap_or_else(|| "InvokeModel".to_owned()),
                    workload: caller.key.workload.clone(),
                    payer: caller.key.budget.as_ref().map(|_| caller.key.spends_as().to_owned()),
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
        let made = self.accept_job(&mut job, &caller.key, &later, &from).await;
        if made.is_err() && job.inputs.iter().all(|input| input.submission.is_none()) {
            let _ = fs::remove_dir_all(self.job_folder(&job.id));
        }
        made?;
        Ok(json_response(&json!({ "jobArn": job.arn })))
    }

    /// Reads what a job's input holds, and accepts it. Nobody knows the job before everything is checked; then it is noted, and
    /// from its note on it will be made, whatever becomes of this process.
    async fn accept_job(&self, job: &mut Job, key: &Key, later: &Later, from: &Place) -> Result<(), Refusal> {
        let (shelf, folder) = (self.shelf("jobs"), self.job_folder(&job.id));
        fs::create_dir_all(&folder).map_err(Refusal::failed)?;
        let store = later.engine.objects(&from.bucket).map_err(Refusal::failed)?;
        let files = match fetch(&*store, &from.key, &folder).await {
            Ok(files) => files,
            Err(why) => return self.fail_job(job, &why).map_err(Refusal::failed),
        };
        job.inputs = files.iter().map(|key| Input { key: key.clone(), submission: None }).collect();
        let mut read = match self.read_job(job, later).await {
            Ok(read) => read,
            Err(why) => return self.fail_job(job, &why).map_err(Refusal::failed),
        };
        let most = self.paid_by(job.payer.as_deref(), &mut read);
        if let Err(held) = self.books().reserve(key, most) {
            later.discard(read);
            return Err(Refusal::held(held));
        }
        for (input, accepted) in job.inputs.iter_mut().zip(&read) {
            input.submission = Some(accepted.submission.id.clone());
        }
        let taken = match shelf.note(&job.id, &*job) {
            Ok(()) => later.engine.accept(read).await.map_err(Refusal::failed),
            Err(error) => Err(Refusal::failed(error)),
        };
        self.books().accepted(key, most, matches!(taken, Ok(true)));
        taken?;
        job.accepted = true;
        shelf.note(&job.id, &*job).map_err(Refusal::failed)
    }

    /// Carries out what was noted. Done twice it changes nothing: submissions follow from what they hold.
    async fn finish_job(&self, job: &mut Job) -> Result<(), EngineError> {
        let later = self.lane_noted(job.region.as_deref()).filter(|_| !job.accepted && job.message.is_none());
        let Some(later) = later else { return Ok(()) };
        let noted: Vec<String> = job.inputs.iter().filter_map(|input| input.submission.clone()).collect();
        if !later.is_accepted(noted.first().map_or("", |id| id)).await? {
            let mut read = match self.read_job(job, later).await {
                Ok(read) => read,
                Err(why) => return self.fail_job(job, &why).map_err(EngineError::Spool),
            };
            if !read.iter().map(|accepted| &accepted.submission.id).eq(&noted) {
                later.discard(read);
                let why = "What was read of the input was lost before it was accepted.";
                return self.fail_job(job, why).map_err(EngineError::Spool);
            }
            // Its bound was reserved before it was noted.
            self.paid_by(job.payer.as_deref(), &mut read);
            later.engine.accept(read).await?;
        }
        job.accepted = true;
        self.shelf("jobs").note(&job.id, &*job).map_err(EngineError::Spool)
    }

    /// Carries out every job of a lane that was noted and not accepted.
    pub(crate) async fn finish_jobs(&self, later: &Later) -> Result<(), EngineError> {
        let (shelf, mut first) = (self.shelf("jobs"), Ok(()));
        let begun = |job: &Job| !job.accepted && job.message.is_none() && self.is_of(job.region.as_deref(), later);
        for job in shelf.all(|job: &Job| job.submitted_ms).into_iter().filter(begun) {
            let creating = self.creating(&job.owner);
            let _one = creating.lock().await;
            // Whoever held the lock may have done it.
            if let Some(mut job) = shelf.read::<Job>(&job.id) {
                first = first.and(self.finish_job(&mut job).await);
            }
        }
        first
    }

    /// Reads the files of a job that were fetched, or says what is wrong with them.
    async fn read_job(&self, job: &Job, later: &Later) -> Result<Vec<Accepted>, String> {
        let (folder, mut read) = (self.job_folder(&job.id), Vec::new());
        let due = Timestamp(job.submitted_ms + job.timeout_h * HOUR_MS);
        for (at, Input { key: name, .. }) in job.inputs.iter().enumerate() {
            let request = Request {
                input: folder.join(format!("{at}.in.jsonl")),
                output: folder.join(format!("{at}.jsonl")),
                model: Some(job.model.clone()),
                place: later.place.clone(),
                content: 0,
                retry_of: None,
            };
            let (gateway, engine, owner, name) = (self.clone(), later.engine.clone(), job.owner.clone(), name.clone());
            let one = tokio::task::spawn_blocking(move || {
                gateway.may_be_read(&request.input, &owner, &name)?;
                read_one(&engine, request, &owner, &name, due)
            });
            match one.await.map_err(|e| e.to_string()).flatten() {
                Ok(accepted) => read.push(accepted.of_workload(job.workload.clone())),
                Err(why) => {
                    later.discard(read);
                    return Err(why);
                }
            }
        }
        Ok(read)
    }

    /// Whether the records of a file name nothing in S3 that is not for their owner.
    fn may_be_read(&self, path: &Path, owner: &str, name: &str) -> Result<(), String> {
        let file = fs::File::open(path).map_err(|e| format!("{name}: {e}"))?;
        for (line, number) in BufReader::new(file).split(b'\n').zip(1..) {
            let line = line.map_err(|e| format!("{name}: {e}"))?;
            self.record_may_read(owner, &line).map_err(|refusal| format!("{name}: line {number}: {refusal}"))?;
        }
        Ok(())
    }

    /// A job whose input cannot run is a job that has failed, as at AWS.
    fn fail_job(&self, job: &mut Job, why: &str) -> std::io::Result<()> {
        (job.message, job.ended_ms) = (Some(why.to_owned()), Some(self.now().0));
        let _ = fs::remove_dir_all(self.job_folder(&job.id));
        self.shelf("jobs").note(&job.id, &*job)
    }
}

/// Brings a job's input to the disk: one file, or all `.jsonl` below a prefix; gives their keys, or what a client can mend.
async fn fetch(store: &dyn ObjectStore, key: &str, folder: &Path) -> Result<Vec<String>, String> {
    let told = |e: object_store::Error| format!("The input cannot be read: {e}");
    let files = if key.ends_with(".jsonl") {
        vec![key.to_owned()]
    } else {
        let prefix = ObjectKey::from(key.trim_end_matches('/'));
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
        let mut stream = store.get(&ObjectKey::from(key.as_str())).await.map_err(told)?.into_stream();
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

//! Bedrock's batch control plane over the batch lane: a job of three records is as good as one of thirty thousand, and keeps its
//! deadline, which is its timeout.
//!
//! Promises: a job is accepted as a whole or not at all; its token makes two of the same one; what its records came to lies at its
//! output as Bedrock writes it. Only buckets of the configuration are read and written: the keys are the gateway's, and not the
//! client's. Source: service model of bedrock in botocore, read 2026-11-30.

mod create;
mod end;
mod tell;

use std::path::{Path, PathBuf};
use std::{fs, io};

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use laneshift_batch::{Delivered, EngineError};
use laneshift_store::Submission;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::body::Body;
use crate::gateway::{Caller, Gateway, json_response, to_the_end};
use crate::refusal::Refusal;
use crate::roles::region_of;

const JOB: &str = "/model-invocation-job";
const JOBS: &str = "/model-invocation-jobs";
const HOUR_MS: i64 = 3_600_000;

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
    /// The region of its batch lane; without one its work is in the first queue.
    region: Option<String>,
    owner: String,
    name: String,
    role: String,
    token: Option<String>,
    model: String,
    shape: String,
    /// Whose budget it counts in, where the key has one.
    payer: Option<String>,
    /// What its key is for.
    workload: Option<String>,
    input: Value,
    output: Value,
    timeout_h: i64,
    submitted_ms: i64,
    inputs: Vec<Input>,
    /// The queue has it. Until then its note is an intent, which a later process carries out.
    accepted: bool,
    message: Option<String>,
    stopped: bool,
    ended_ms: Option<i64>,
}

/// A place in S3.
pub(crate) struct Place {
    bucket: String,
    key: String,
}

impl Place {
    fn read(config: &Value, kind: &str) -> Result<Self, Refusal> {
        let uri = config[kind]["s3Uri"].as_str();
        let uri = uri.ok_or_else(|| Refusal::validation(format!("{kind}.s3Uri is missing")))?;
        Self::of(uri).ok_or_else(|| Refusal::validation(format!("{kind}.s3Uri: write s3://bucket/prefix/")))
    }

    pub(crate) fn of(uri: &str) -> Option<Self> {
        let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
        let odd = bucket.is_empty() || key.split('/').any(|part| part == "." || part == "..");
        (!odd).then(|| Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// Whether the configuration lets clients use it.
    pub(crate) fn is_open<'a>(&self, mut allowed: impl Iterator<Item = &'a String>) -> bool {
        let uri = format!("s3://{}/{}", self.bucket, self.key);
        allowed.any(|prefix| {
            let prefix = prefix.trim_end_matches('/');
            uri.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

/// Takes away what was fetched for jobs that were never noted: nobody knows them.
pub(crate) fn sweep(data: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(data.join("jobs")) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.with_extension("json").exists() {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
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

    fn job_folder(&self, id: &str) -> PathBuf {
        self.config().data.join("jobs").join(id)
    }

    /// Whether a caller sees a job: its owner does in the region that it was made in, and in all regions where a call is bound to none.
    fn shows(&self, job: &Job, caller: &Caller<'_>) -> bool {
        let here = self.live().stays_in(caller.region).is_none_or(|region| region == region_of(&job.arn));
        here && job.owner == caller.key.owner
    }

    /// A job of a caller's owner, by its ARN or the end of it.
    fn job(&self, id: &str, caller: &Caller<'_>) -> Result<Job, Refusal> {
        let id = percent_decode_str(id).decode_utf8_lossy();
        let job = self.shelf("jobs").read::<Job>(id.rsplit('/').next().unwrap_or_default());
        let mine = job.filter(|job| self.shows(job, caller) && (!id.contains('/') || job.arn == id));
        mine.ok_or_else(|| Refusal::not_found("Could not find the model invocation job."))
    }

    async fn submissions_of(&self, job: &Job) -> Result<Vec<(Submission, Delivered)>, EngineError> {
        let Some(later) = self.lane_noted(job.region.as_deref()).filter(|_| job.accepted) else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for id in job.inputs.iter().filter_map(|input| input.submission.as_ref()) {
            let submission = later.engine.submission(id).await?;
            let delivered = later.engine.status(&submission).await?.delivered;
            all.push((submission, delivered));
        }
        Ok(all)
    }
}

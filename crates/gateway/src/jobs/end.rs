//! A job ends: what its records came to is written where it wants it.

use std::fs;
use std::path::Path;

use http::Response;
use laneshift_batch::{Delivered, EngineError, errors_path};
use laneshift_store::{Submission, SubmissionState};
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Job, Place};
use crate::body::Body;
use crate::gateway::{Caller, Gateway, json_response};
use crate::later::Later;
use crate::refusal::Refusal;
use crate::shelf::Shelf;

impl Gateway {
    pub(super) async fn stop_job(&self, id: &str, caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
        let mut job = self.job(id, caller)?;
        if job.ended_ms.is_some() {
            return Err(Refusal::conflict("The job has ended, and cannot be stopped."));
        }
        if !job.accepted {
            return Err(Refusal::conflict("The job is being accepted; stop it in a moment."));
        }
        let later = self.lane_noted(job.region.as_deref());
        let later =
            later.ok_or_else(|| Refusal::conflict("The job's batch lane is not in this gateway's configuration any more."))?;
        for submission in job.inputs.iter().filter_map(|input| input.submission.as_ref()) {
            later.engine.cancel(submission).await.map_err(Refusal::failed)?;
        }
        job.stopped = true;
        self.shelf("jobs").note(&job.id, &job).map_err(Refusal::failed)?;
        Ok(json_response(&json!({})))
    }

    /// Writes what jobs of a lane came to, where they want it, when all of it is there.
    ///
    /// # Errors
    /// The first that S3 or the disk says; it is tried again the next time.
    pub async fn end_jobs(&self, later: &Later) -> Result<(), EngineError> {
        let shelf = self.shelf("jobs");
        let mut first = Ok(());
        for mut job in shelf.all(|job: &Job| job.submitted_ms) {
            if job.ended_ms.is_none() && job.accepted && self.is_of(job.region.as_deref(), later) {
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
        let from = Place::read(&job.input, "s3InputDataConfig").map(|place| place.key).unwrap_or_default();
        let store = later.engine.objects(&bucket)?;
        let place = format!("{}/{}", prefix.trim_end_matches('/'), job.id);
        let (mut total, mut answered, mut tokens) = (0, 0, (0, 0));
        for (at, (input, (submission, so_far))) in job.inputs.iter().zip(all).enumerate() {
            let output = folder.join(format!("{at}.jsonl"));
            later.engine.write_results(submission, &output, false).await?;
            let name = name_of(&input.key, &from);
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

/// What an input file is called below the prefix that its job names: files of one name in two folders have two results.
fn name_of<'a>(key: &'a str, from: &str) -> &'a str {
    let below = key.strip_prefix(from.trim_end_matches('/')).map(|rest| rest.trim_start_matches('/'));
    below.filter(|rest| !rest.is_empty()).unwrap_or_else(|| key.rsplit('/').next().unwrap_or(key))
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

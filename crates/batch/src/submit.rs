//! From a decision to a job at AWS: splice the input, upload it, verify it, create the job.

use futures::TryStreamExt;
use laneshift_aws::AwsError;
use laneshift_store::{Intent, Job, JobChange, JobState, Members, Submission};
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use xxhash_rust::xxh3::xxh3_64;

use crate::accept::Request;
use crate::chunk::Reader;
use crate::engine::{Engine, EngineError};
use crate::limits::Limits;

/// Hours that `timeoutDurationInHours` can be.
// Service model of bedrock, read 2026-11-23.
const TIMEOUT_H: (i64, i64) = (24, 168);
const HOUR_MS: i64 = 3_600_000;

/// One input file of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    file: String,
    records: u64,
    bytes: u64,
}

/// What creating a job came to.
pub(crate) enum Created {
    /// AWS has it.
    Yes,
    /// AWS has no slot for it now.
    Later,
    /// AWS will never take it; the text says why.
    Never(String),
}

impl Engine {
    /// Decides a job over these members: everything that will be sent is fixed here. Its id follows from the members and from
    /// how many jobs went before, so that a job that AWS refused is no obstacle to the next.
    pub(crate) async fn intend(
        &self,
        submission: &Submission,
        request: &Request,
        limits: &Limits,
        members: Vec<Members>,
    ) -> Result<(), EngineError> {
        let now = (self.tools.wall)();
        let records = members.iter().map(|m| m.slots.count()).sum();
        let before = self.store.jobs(&submission.new.id).await?.len();
        let mut seed = format!("{} {before}", submission.new.id).into_bytes();
        for m in &members {
            seed.extend_from_slice(&m.chunk.to_le_bytes());
            seed.extend_from_slice(&m.slots.to_bytes());
        }
        // Below 2^63, so that a database's signed integer holds it.
        let id = xxh3_64(&seed) >> 1;
        let prefix = format!("{}/jobs/{id:016x}", request.prefix).trim_start_matches('/').to_owned();
        let input = format!("s3://{}/{prefix}/in/", request.bucket);
        let parts = self.parts(&members, limits)?;
        let hours = ((submission.new.deadline.0 - now.0 + HOUR_MS - 1) / HOUR_MS).clamp(TIMEOUT_H.0, TIMEOUT_H.1);
        let job_name = format!("laneshift-{id:016x}");
        let body = json!({
            "jobName": job_name,
            "roleArn": request.role,
            "clientRequestToken": format!("laneshift-{id:016x}"),
            "modelId": request.model,
            "modelInvocationType": request.shape,
            "inputDataConfig": { "s3InputDataConfig": { "s3Uri": input, "s3InputFormat": "JSONL" } },
            "outputDataConfig": { "s3OutputDataConfig": { "s3Uri": format!("s3://{}/{prefix}/out/", request.bucket) } },
            "timeoutDurationInHours": hours,
            "tags": [{ "key": "laneshift", "value": "batch" }],
        });
        let intent = Intent {
            id,
            pool: format!("{}|{}", request.shape, request.model),
            token: job_name.clone(),
            job_name,
            request: body.to_string(),
            input,
            manifest: serde_json::to_string(&parts)?,
            records,
            created: now,
            members,
        };
        self.store.intend(&intent).await?;
        self.step("intended");
        Ok(())
    }

    /// How the lines of a job fall into files. A pure function of members and limits, so that an upload can be repeated.
    fn parts(&self, members: &[Members], limits: &Limits) -> Result<Vec<Part>, EngineError> {
        let mut parts: Vec<Part> = Vec::new();
        for m in members {
            let chunk = self.chunk(m.chunk)?;
            for slot in m.slots.iter() {
                let len = chunk.line(slot).len() as u64;
                let fits =
                    parts.last().is_some_and(|p| p.records < limits.file_records_max && p.bytes + len <= limits.file_bytes_max);
                if !fits {
                    parts.push(Part { file: format!("part-{:05}.jsonl", parts.len()), records: 0, bytes: 0 });
                }
                if let Some(part) = parts.last_mut() {
                    part.records += 1;
                    part.bytes += len;
                }
            }
        }
        Ok(parts)
    }

    /// A chunk of the spool.
    pub(crate) fn chunk(&self, id: u64) -> Result<Reader, EngineError> {
        Reader::open(&self.spool().join(format!("{id:013x}.lsc"))).map_err(EngineError::Spool)
    }

    /// Uploads the input of a job and sees that exactly that is there.
    pub(crate) async fn upload(&self, job: &Job) -> Result<(), EngineError> {
        let prefix = key_of(&job.intent.input);
        let parts: Vec<Part> = serde_json::from_str(&job.intent.manifest)?;
        let mut slots = Vec::new();
        for m in &job.intent.members {
            slots.extend(m.slots.iter().map(|slot| (m.chunk, slot)));
        }
        let mut slots = slots.into_iter();
        let mut open: Option<(u64, Reader)> = None;
        for part in &parts {
            let key = Key::from(format!("{prefix}{}", part.file));
            let mut writer = BufWriter::new(self.objects.clone(), key);
            for (chunk, slot) in slots.by_ref().take(part.records as usize) {
                if open.as_ref().is_none_or(|(id, _)| *id != chunk) {
                    open = Some((chunk, self.chunk(chunk)?));
                }
                let line = open.as_ref().map(|(_, reader)| reader.line(slot)).unwrap_or_default();
                writer.write_all(line).await.map_err(EngineError::Upload)?;
            }
            writer.shutdown().await.map_err(EngineError::Upload)?;
            self.step("part uploaded");
        }
        // Bedrock runs everything that lies there: one file more would be paid for.
        let listed: Vec<object_store::ObjectMeta> = self.objects.list(Some(&Key::from(prefix.as_str()))).try_collect().await?;
        let mut there: Vec<(String, u64)> =
            listed.into_iter().map(|o| (o.location.filename().unwrap_or_default().to_owned(), o.size)).collect();
        there.sort();
        let expected: Vec<(String, u64)> = parts.iter().map(|p| (p.file.clone(), p.bytes)).collect();
        if there != expected {
            return Err(EngineError::Input { prefix, found: there.len(), expected: expected.len() });
        }
        self.store.move_job(job.intent.id, JobState::Intent, JobState::Uploaded, &JobChange::default()).await?;
        self.step("uploaded");
        Ok(())
    }

    /// Creates a job whose input is complete. A job that an earlier try has created, and whose answer was lost, is found by its
    /// name, or by its token.
    pub(crate) async fn create(&self, job: &Job) -> Result<Created, EngineError> {
        let change = |arn: String| JobChange { arn: Some(arn), ..JobChange::default() };
        let known = self.client.jobs_named(&job.intent.job_name).await?;
        let arn = match known.into_iter().find(|view| view.name == job.intent.job_name) {
            Some(view) => view.arn,
            None => match self.client.create_job(&job.intent.request).await {
                Ok(arn) => arn,
                Err(error) if error.is("ServiceQuotaExceededException") || error.is_transient() => return Ok(Created::Later),
                Err(error @ AwsError::Service { .. }) => {
                    let message = error.to_string();
                    let why = JobChange { message: Some(message.clone()), ..JobChange::default() };
                    self.store.move_job(job.intent.id, JobState::Uploaded, JobState::Revoked, &why).await?;
                    return Ok(Created::Never(message));
                }
                Err(error) => return Err(error.into()),
            },
        };
        self.step("created");
        self.store.move_job(job.intent.id, JobState::Uploaded, JobState::Created, &change(arn)).await?;
        self.step("created and noted");
        Ok(Created::Yes)
    }
}

/// The key in `s3://bucket/key`.
pub(crate) fn key_of(uri: &str) -> String {
    uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).map(|(_, key)| key.to_owned()).unwrap_or_default()
}

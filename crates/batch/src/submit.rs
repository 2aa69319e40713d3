//! From a decision to a job at AWS: splice the input, upload it, verify it, create the job; or take it back.

use futures::TryStreamExt;
use laneshift_aws::AwsError;
use laneshift_store::{Attempt, AttemptChange, AttemptId, AttemptState, BatchJob, ChunkId, Intent, Lane, Members, PoolId};
use laneshift_units::Timestamp;
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use xxhash_rust::xxh3::xxh3_64;

use crate::chunk::Chunk;
use crate::decide::Limits;
use crate::engine::{Engine, Phase};
use crate::error::{EngineError, denied};
use crate::hold::Failure;
use crate::pad;
use crate::pool::PoolSpec;

/// Hours that `timeoutDurationInHours` can be.
// Service model of bedrock, read 2026-11-23.
const TIMEOUT_H: (i64, i64) = (24, 168);
const HOUR_MS: i64 = 3_600_000;
/// The first file is written in one request, so that S3 can refuse to write over what is there.
const FIRST_BYTES_MAX: u64 = 1_000_000;
/// What a revoked job finds as its input: no JSON, so that AWS refuses it before it costs anything.
const TOMBSTONE: &str = "revoked: this input must not run\n";
/// How the names of jobs begin; the attempt's id follows.
pub(crate) const NAME_PREFIX: &str = "laneshift-";
/// How the queue marks a job that failed because of one of its records.
pub(crate) const BLAMES_A_RECORD: &str = "a record: ";
/// AWS may show a job that was created a while after it was.
const CLOCK_SLACK_MS: i64 = HOUR_MS;

/// The input of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    parts: Vec<Part>,
    /// Records of the last file that fill the job up.
    filler: u64,
}

/// One input file of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    file: String,
    records: u64,
    bytes: u64,
    crc: u32,
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
    /// Decides a job over these members: everything that will be sent is fixed here.
    pub(crate) async fn intend(
        &self,
        spec: &PoolSpec,
        pool: PoolId,
        limits: &Limits,
        members: Vec<Members>,
        filler: u64,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let id = self.attempt_id(&members).await?;
        let mut deadline = Timestamp(i64::MAX);
        for m in &members {
            self.seal_if_open(m.chunk).await?;
            deadline = deadline.min(self.store.chunk(m.chunk).await?.new.deadline);
        }
        let filler = if pad::input(spec).is_some() { filler } else { 0 };
        let manifest = self.manifest(spec, &members, limits, filler).await?;
        let hours = ((deadline.0 - now.0 + HOUR_MS - 1) / HOUR_MS).clamp(TIMEOUT_H.0, TIMEOUT_H.1);
        let name = format!("{NAME_PREFIX}{id}");
        let input = spec.uri(&format!("jobs/{id}/in/"));
        let body = json!({
            "jobName": name,
            "roleArn": spec.role,
            "clientRequestToken": name,
            "modelId": spec.model,
            "modelInvocationType": spec.shape,
            "inputDataConfig": { "s3InputDataConfig": { "s3Uri": input, "s3InputFormat": "JSONL" } },
            "outputDataConfig": { "s3OutputDataConfig": { "s3Uri": spec.uri(&format!("jobs/{id}/out/")) } },
            "timeoutDurationInHours": hours,
            "tags": [{ "key": "laneshift", "value": "batch" }, { "key": "laneshift-owner", "value": tag(&spec.owner) }],
        });
        let manifest = serde_json::to_string(&manifest)?;
        let intent = Intent {
            id,
            pool,
            lane: Lane::Batch,
            job: Some(BatchJob { name, request: body.to_string(), input, manifest }),
            records: members.iter().map(|m| m.slots.count()).sum(),
            bound: None,
            hedge: false,
            created: now,
            members,
        };
        self.store.intend(&intent).await?;
        self.step("intended");
        Ok(())
    }

    /// An id that follows from the members and the tries before, so that a decision that was not committed is made again alike,
    /// and a try after one that was revoked is another.
    pub(crate) async fn attempt_id(&self, members: &[Members]) -> Result<AttemptId, EngineError> {
        let mut seed = Vec::new();
        for m in members {
            seed.extend_from_slice(&m.chunk.0.to_le_bytes());
            seed.extend_from_slice(&m.slots.to_bytes());
            for one in self.store.tries(m.chunk).await? {
                seed.extend_from_slice(&one.attempt.0.to_le_bytes());
            }
        }
        Ok(AttemptId(xxh3_64(&seed) >> 1))
    }

    /// How the lines of a job fall into files. A pure function of members and limits, so that an upload can be repeated.
    async fn manifest(
        &self,
        spec: &PoolSpec,
        members: &[Members],
        limits: &Limits,
        filler: u64,
    ) -> Result<Manifest, EngineError> {
        let mut parts: Vec<(Part, crc32fast::Hasher)> = Vec::new();
        let mut add = |line: &[u8]| {
            let len = line.len() as u64;
            let bytes_max = if parts.len() == 1 { FIRST_BYTES_MAX } else { limits.file_bytes_max };
            let fits = parts.last().is_some_and(|(p, _)| p.records < limits.file_records_max && p.bytes + len <= bytes_max);
            if !fits {
                let file = format!("part-{:05}.jsonl", parts.len());
                parts.push((Part { file, records: 0, bytes: 0, crc: 0 }, crc32fast::Hasher::new()));
            }
            if let Some((part, crc)) = parts.last_mut() {
                part.records += 1;
                part.bytes += len;
                crc.update(line);
            }
        };
        for m in members {
            let chunk = self.chunk_object(m.chunk).await?;
            m.slots.iter().for_each(|slot| add(chunk.line(slot)));
        }
        for n in 0..filler {
            add(&filler_line(spec, n));
        }
        let parts = parts.into_iter().map(|(part, crc)| Part { crc: crc.finalize(), ..part }).collect();
        Ok(Manifest { parts, filler })
    }

    /// A sealed chunk's object.
    pub(crate) async fn chunk_object(&self, id: ChunkId) -> Result<Chunk, EngineError> {
        let object = self.store.chunk(id).await?.new.object.unwrap_or_default();
        Chunk::open(&self.folder.join(object)).map_err(EngineError::Spool)
    }

    /// Uploads the input of a job and sees that exactly that is there. The first file goes first, and over nothing: when a
    /// tombstone lies there, the job was taken back meanwhile.
    pub(crate) async fn upload(&self, attempt: &Attempt) -> Result<(), EngineError> {
        let Some(job) = &attempt.intent.job else { return Ok(()) };
        let spec = self.spec(attempt.intent.pool).await?;
        let store = self.objects(&spec.bucket)?;
        let prefix = key_of(&job.input);
        let manifest: Manifest = serde_json::from_str(&job.manifest)?;
        let mut lines = Lines::new(self, &spec, &attempt.intent.members, manifest.filler);
        for (at, part) in manifest.parts.iter().enumerate() {
            let key = Key::from(format!("{prefix}{}", part.file));
            if at == 0 {
                let mut bytes = Vec::with_capacity(part.bytes as usize);
                for _ in 0..part.records {
                    bytes.extend_from_slice(lines.next().await?);
                }
                put_once(&*store, &key, bytes).await.map_err(|e| no_bucket(&spec, e))?;
            } else {
                let mut writer = BufWriter::new(store.clone(), key);
                for _ in 0..part.records {
                    writer.write_all(lines.next().await?).await.map_err(EngineError::Upload)?;
                }
                writer.shutdown().await.map_err(EngineError::Upload)?;
            }
            self.step("part uploaded");
        }
        // Bedrock runs everything that lies there: one file more would be paid for.
        let listed: Vec<object_store::ObjectMeta> = store.list(Some(&Key::from(prefix.as_str()))).try_collect().await?;
        let mut there: Vec<(String, u64)> =
            listed.into_iter().map(|o| (o.location.filename().unwrap_or_default().to_owned(), o.size)).collect();
        there.sort();
        let expected: Vec<(String, u64)> = manifest.parts.iter().map(|p| (p.file.clone(), p.bytes)).collect();
        if there != expected {
            return Err(EngineError::Input { prefix, found: there.len(), expected: expected.len() });
        }
        self.store
            .move_attempt(attempt.intent.id, AttemptState::Intent, AttemptState::Uploaded, &AttemptChange::default())
            .await?;
        self.step("uploaded");
        Ok(())
    }

    /// Creates a job whose input is complete. A job that an earlier try has created, and whose answer was lost, is found by its
    /// name, or by its token.
    pub(crate) async fn create(&self, attempt: &Attempt) -> Result<Created, EngineError> {
        let Some(job) = &attempt.intent.job else { return Ok(Created::Later) };
        let known = self.client.jobs_named(&job.name).await?;
        let arn = match known.into_iter().find(|view| view.name == job.name) {
            Some(view) => view.arn,
            None => match self.client.create_job(&job.request).await {
                Ok(arn) => arn,
                Err(error) if error.is("ServiceQuotaExceededException") || error.is_transient() => return Ok(Created::Later),
                Err(error @ AwsError::Service { .. }) => return Ok(Created::Never(error.to_string())),
                Err(error) => return Err(error.into()),
            },
        };
        self.step("created");
        let change = AttemptChange { arn: Some(arn), started: Some(self.now()), ..AttemptChange::default() };
        self.store.move_attempt(attempt.intent.id, AttemptState::Uploaded, AttemptState::Created, &change).await?;
        self.step("created and noted");
        Ok(Created::Yes)
    }

    /// Takes a job back that AWS does not have, as far as is known. What lies at its input is made unusable first: a create that
    /// is still on its way fails there, before it costs anything.
    pub(crate) async fn revoke(&self, attempt: &Attempt, why: &str) -> Result<(), EngineError> {
        let spec = self.spec(attempt.intent.pool).await?;
        if let Some(job) = &attempt.intent.job {
            let key = Key::from(format!("{}part-00000.jsonl", key_of(&job.input)));
            let store = self.objects(&spec.bucket)?;
            match store.put(&key, PutPayload::from_static(TOMBSTONE.as_bytes())).await {
                Ok(_) => {}
                // Where nothing can be written, no input was.
                Err(error) if denied(&error) => {}
                Err(error) => return Err(error.into()),
            }
            self.step("poisoned");
        }
        let change = AttemptChange { message: Some(why.to_owned()), ended: Some(self.now()), ..AttemptChange::default() };
        self.store.move_attempt(attempt.intent.id, attempt.state, AttemptState::Revoked, &change).await?;
        self.step("revoked");
        Ok(())
    }

    /// Looks at a job at AWS. A job that is not found just after its creation is looked for again.
    pub(crate) async fn watch(&self, attempt: &Attempt) -> Result<Phase, EngineError> {
        let id = attempt.intent.id;
        let view = match self.client.get_job(attempt.arn.as_deref().unwrap_or_default()).await {
            Ok(view) => view,
            Err(error) if error.is("ResourceNotFoundException") || error.is_transient() => return Ok(Phase::Running),
            Err(error) => return Err(error.into()),
        };
        let mut seen = AttemptChange {
            provider_state: Some(view.status.clone()),
            message: view.message.clone(),
            ..AttemptChange::default()
        };
        if !view.is_terminal() {
            self.memo().processed.insert(id, view.counts[1]);
            if attempt.provider_state.as_ref() != Some(&view.status) {
                self.store.move_attempt(id, AttemptState::Created, AttemptState::Created, &seen).await?;
            }
            return Ok(Phase::Running);
        }
        self.memo().processed.remove(&id);
        seen.ended = Some(self.now());
        if view.status == "Failed" && view.counts[1] == 0 {
            // Nothing ran and nothing is billed: its records are free, and none of them has had an attempt.
            let message = view.message.unwrap_or_else(|| "AWS gave no reason".to_owned());
            match Failure::of(&message) {
                Failure::Around => self.hold(attempt.intent.pool, &format!("the job {} failed: {message}", view.arn)),
                Failure::Record => seen.message = Some(format!("{BLAMES_A_RECORD}{message}")),
            }
            self.store.move_attempt(id, AttemptState::Created, AttemptState::Revoked, &seen).await?;
            self.step("failed");
            return Ok(Phase::Waiting);
        }
        self.store.move_attempt(id, AttemptState::Created, AttemptState::Terminal, &seen).await?;
        self.step("ended");
        Ok(Phase::Harvesting)
    }

    /// Jobs that were revoked within a day and yet turn up at AWS are stopped; gives their names.
    pub(crate) async fn stop_revoked(&self, now: Timestamp) -> Result<Vec<String>, EngineError> {
        let mut stopped = Vec::new();
        for attempt in self.store.past_jobs(200).await? {
            let recent = attempt.ended.is_some_and(|at| now.0 - at.0 < 24 * HOUR_MS + CLOCK_SLACK_MS);
            let Some(job) = attempt.intent.job.filter(|_| recent && attempt.arn.is_none()) else { continue };
            for view in self.client.jobs_named(&job.name).await? {
                if view.name == job.name && !view.is_terminal() {
                    self.client.stop_job(&view.arn).await?;
                    stopped.push(view.name);
                }
            }
        }
        Ok(stopped)
    }
}

/// The lines of a job, in the order of its files.
struct Lines<'a> {
    engine: &'a Engine,
    spec: &'a PoolSpec,
    slots: std::vec::IntoIter<(ChunkId, usize)>,
    open: Option<(ChunkId, Chunk)>,
    filler: u64,
    line: Vec<u8>,
    filled: u64,
}

impl<'a> Lines<'a> {
    fn new(engine: &'a Engine, spec: &'a PoolSpec, members: &[Members], filler: u64) -> Self {
        let slots: Vec<_> = members.iter().flat_map(|m| m.slots.iter().map(move |slot| (m.chunk, slot))).collect();
        Self { engine, spec, slots: slots.into_iter(), open: None, filler, line: Vec::new(), filled: 0 }
    }

    async fn next(&mut self) -> Result<&[u8], EngineError> {
        let Some((chunk, slot)) = self.slots.next() else {
            self.line = if self.filled < self.filler { filler_line(self.spec, self.filled) } else { Vec::new() };
            self.filled += 1;
            return Ok(&self.line);
        };
        if self.open.as_ref().is_none_or(|(id, _)| *id != chunk) {
            self.open = Some((chunk, self.engine.chunk_object(chunk).await?));
        }
        Ok(self.open.as_ref().map(|(_, reader)| reader.line(slot)).unwrap_or_default())
    }
}

fn filler_line(spec: &PoolSpec, n: u64) -> Vec<u8> {
    format!("{{\"recordId\":\"{}\",\"modelInput\":{}}}\n", pad::id(n), pad::input(spec).unwrap_or("{}")).into_bytes()
}

/// Writes an object where none is. One that is there already is ours when it has our bytes: an earlier try wrote it.
async fn put_once(store: &dyn ObjectStore, key: &Key, bytes: Vec<u8>) -> Result<(), EngineError> {
    let size = bytes.len();
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match store.put_opts(key, PutPayload::from(bytes.clone()), options).await {
        Ok(_) => Ok(()),
        // S3 also answers this way when two writers meet and nothing was written: look.
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
            let there = store.get(key).await?.bytes().await?;
            if there == bytes {
                return Ok(());
            }
            Err(EngineError::Input { prefix: key.to_string(), found: there.len(), expected: size })
        }
        Err(error) => Err(error.into()),
    }
}

/// A write is never refused because the object is not there: it is the bucket.
fn no_bucket(spec: &PoolSpec, error: EngineError) -> EngineError {
    match error {
        EngineError::Objects(object_store::Error::NotFound { .. }) => {
            EngineError::Bucket(format!("s3://{}: there is no such bucket", spec.bucket))
        }
        other => other,
    }
}

/// A tag's value: what AWS does not take becomes a dash.
fn tag(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || " _.:/=+-@".contains(c) { c } else { '-' };
    text.chars().take(256).map(plain).collect()
}

/// The key in `s3://bucket/key`.
pub(crate) fn key_of(uri: &str) -> String {
    uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).map(|(_, key)| key.to_owned()).unwrap_or_default()
}

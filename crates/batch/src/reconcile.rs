//! What AWS, S3 and the disk have without a record here, and what the books do not know for certain.
//!
//! A job that carries an intent's name is that intent's, so it is adopted, or stopped when the intent was revoked. An object
//! without a row was never accepted: it is garbage, and never work.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use futures::TryStreamExt;
use laneshift_store::{Attempt, AttemptId, AttemptState, ChunkId, Cost, Entry, Lane, StoreError};
use laneshift_units::{Money, Timestamp, Usage};
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::submit::NAME_PREFIX;

/// Younger objects may belong to what is being accepted.
const AGE_MS: i64 = 24 * 3_600_000;

/// Calls that were carried out, by attempt and record, as invocation logs show them.
pub type Evidence = BTreeMap<AttemptId, BTreeMap<String, Usage>>;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Names of jobs that AWS has and the queue did not know it had.
    pub adopted: Vec<String>,
    /// Names of jobs that were revoked here and yet ran: they are stopped.
    pub stopped: Vec<String>,
    /// Revoked jobs that had run, with what they cost.
    pub wasted: Vec<(AttemptId, Cost)>,
    /// Names, ARNs and states of laneshift's jobs that no intent here stands for.
    pub foreign: Vec<(String, String, String)>,
    /// Objects that nothing refers to: paths in the folder, and `s3://` URIs.
    pub objects: Vec<String>,
    /// Buckets that could not be looked into, and why.
    pub unreachable: Vec<String>,
    /// Whether those were deleted.
    pub deleted: bool,
    /// Calls whose outcome was unknown and is known through evidence.
    pub resolved: Vec<(AttemptId, Cost)>,
    /// Jobs and calls of which not everything is known, with what they may have cost beyond that.
    pub unresolved: Vec<(AttemptId, Cost)>,
}

impl Engine {
    /// Compares the queue with AWS, S3 and the disk, and mends what can be mended. `delete` removes objects that nothing refers
    /// to and that are a day old.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn reconcile(&self, evidence: Option<&Evidence>, delete: bool) -> Result<Reconciled, EngineError> {
        let mut found = Reconciled { deleted: delete, ..Reconciled::default() };
        for job in self.client.jobs_named(NAME_PREFIX).await? {
            let Some(attempt) = self.intent_of(&job.name).await? else {
                found.foreign.push((job.name, job.arn, job.status));
                continue;
            };
            match attempt.state {
                AttemptState::Uploaded => {
                    self.note_created(&attempt, job.arn).await?;
                    self.step("adopted");
                    found.adopted.push(job.name);
                }
                AttemptState::Revoked if attempt.arn.is_none() => {
                    if !job.is_terminal() {
                        self.client.stop_job(&job.arn).await?;
                        found.stopped.push(job.name);
                    } else if self.store.entries(attempt.intent.id).await?.is_empty() {
                        let cost = self.book_waste(&attempt).await?;
                        found.wasted.extend((cost != Cost::NOTHING).then_some((attempt.intent.id, cost)));
                    }
                }
                AttemptState::Intent
                | AttemptState::Created
                | AttemptState::Terminal
                | AttemptState::Closed
                | AttemptState::Revoked => {}
            }
        }
        self.reconcile_calls(evidence, &mut found).await?;
        let mut garbage = self.garbage_here().await?;
        garbage.extend(self.garbage_in_s3(delete, &mut found.unreachable).await?);
        if delete {
            for object in garbage.iter().filter(|object| !object.starts_with("s3://")) {
                self.remove(object)?;
            }
        }
        found.objects = garbage;
        Ok(found)
    }

    /// The intent that a job's name stands for.
    async fn intent_of(&self, name: &str) -> Result<Option<Attempt>, EngineError> {
        let id = name.strip_prefix(NAME_PREFIX).and_then(|id| u64::from_str_radix(id, 16).ok());
        let Some(id) = id else { return Ok(None) };
        match self.store.attempt(AttemptId(id)).await {
            Ok(attempt) => Ok(attempt.intent.job.as_ref().is_some_and(|job| job.name == name).then_some(attempt)),
            Err(StoreError::Missing(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Books a job that ran though it was revoked: all that it brought comes second.
    async fn book_waste(&self, attempt: &Attempt) -> Result<Cost, EngineError> {
        let spec = self.spec(attempt.intent.pool).await?;
        let prices = self.prices(&spec);
        let listed = self.output_of(attempt, &spec).await?;
        let harvest = self.read_output(attempt, &spec, &prices, &BTreeMap::new(), &listed).await?;
        let cost = harvest.of_nobody(&prices);
        self.store.book(attempt.intent.id, &[Entry { chunk: None, cost }]).await?;
        Ok(cost)
    }

    async fn reconcile_calls(&self, evidence: Option<&Evidence>, found: &mut Reconciled) -> Result<(), EngineError> {
        for (id, cost) in self.store.costs().await?.into_iter().filter(|(_, cost)| cost.bound > Money::ZERO) {
            // Invocation logs do not hold what jobs did.
            let lane = self.store.attempt(id).await?.intent.lane;
            let Some(evidence) = evidence.filter(|_| lane != Lane::Batch) else {
                found.unresolved.push((id, cost));
                continue;
            };
            let none = BTreeMap::new();
            let paid = evidence.get(&id).unwrap_or(&none);
            found.resolved.extend(self.amend_calls(id, paid).await?.map(|cost| (id, cost)));
        }
        Ok(())
    }

    /// Files of the folder that no row refers to.
    pub(crate) async fn garbage_here(&self) -> Result<Vec<String>, EngineError> {
        let mut garbage = Vec::new();
        for object in files(&self.folder, &["spool", "results", "calls"], self.now()).map_err(EngineError::Spool)? {
            let used = match object.split('/').collect::<Vec<_>>()[..] {
                ["spool", name] => {
                    let row = self.chunk_named(name.split('.').next().unwrap_or_default()).await?;
                    row.is_some_and(|row| row.new.object.as_deref() == Some(&*object))
                }
                ["results", chunk, _] => match self.chunk_named(chunk).await? {
                    Some(row) => self.store.results(row.new.id).await?.iter().any(|result| result.object == object),
                    None => false,
                },
                ["calls", name] => {
                    let id = u64::from_str_radix(name.trim_end_matches(".jsonl"), 16).unwrap_or_default();
                    !matches!(self.store.attempt(AttemptId(id)).await, Err(StoreError::Missing(_)))
                }
                _ => false,
            };
            if !used {
                garbage.push(object);
            }
        }
        Ok(garbage)
    }

    async fn chunk_named(&self, hex: &str) -> Result<Option<laneshift_store::Chunk>, EngineError> {
        let Ok(id) = u64::from_str_radix(hex, 16) else { return Ok(None) };
        match self.store.chunk(ChunkId(id)).await {
            Ok(row) => Ok(Some(row)),
            Err(StoreError::Missing(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Objects of jobs that no intent here stands for.
    async fn garbage_in_s3(&self, delete: bool, unreachable: &mut Vec<String>) -> Result<Vec<String>, EngineError> {
        let mut places: Vec<(String, String)> = Vec::new();
        for (_, spec) in self.store.pools().await? {
            let spec: crate::PoolSpec = serde_json::from_str(&spec)?;
            places.push((spec.bucket.clone(), spec.key("jobs/")));
        }
        places.sort();
        places.dedup();
        let now = self.now();
        let mut garbage = Vec::new();
        for (bucket, prefix) in places {
            let store = self.objects(&bucket)?;
            let listed: Vec<object_store::ObjectMeta> = match store.list(Some(&Key::from(&*prefix))).try_collect().await {
                Ok(listed) => listed,
                Err(error) => {
                    unreachable.push(format!("s3://{bucket}/{prefix}: {error}"));
                    continue;
                }
            };
            for object in listed {
                let key = object.location.as_ref();
                let id = key.strip_prefix(&prefix).and_then(|rest| rest.split('/').next()).unwrap_or_default();
                let old = now.0 - object.last_modified.timestamp_millis() >= AGE_MS;
                if old && self.intent_of(&format!("{NAME_PREFIX}{id}")).await?.is_none() {
                    if delete {
                        store.delete(&object.location).await?;
                    }
                    garbage.push(format!("s3://{bucket}/{key}"));
                }
            }
        }
        Ok(garbage)
    }
}

/// Files below some folders that are a day old, as paths from `root`.
fn files(root: &Path, below: &[&str], now: Timestamp) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open: Vec<String> = below.iter().map(|&name| name.to_owned()).collect();
    while let Some(folder) = open.pop() {
        let entries = match std::fs::read_dir(root.join(&folder)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            let about = entry.metadata()?;
            if about.is_dir() {
                open.push(path);
                continue;
            }
            let since = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            if i128::from(now.0) - since.as_millis().cast_signed() >= i128::from(AGE_MS) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

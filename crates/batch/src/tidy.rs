//! What nobody needs any more goes: inputs of jobs that ended, AWS's copies of outputs, keys of old days, what was erased.

use futures::TryStreamExt;
use laneshift_store::{Attempt, AttemptId, AttemptState, Bitmap, Chunk as Row, ChunkId, Members, Settle};
use laneshift_units::Timestamp;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::chunk::{Builder, Chunk, NewSlot, input_of};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::outcome::{Collected, Kept, Results, error_text};
use crate::upload::key_of;

/// How often the queue is tidied.
const EVERY_MS: i64 = 600_000;
/// Jobs that are looked at for what is left of them in S3.
const JOBS_MAX: u32 = 10_000;
const DAY_MS: i64 = 86_400_000;

impl Engine {
    /// Tidies, now and then.
    pub(crate) async fn tidy(&self, now: Timestamp) -> Result<(), EngineError> {
        if self.memo().tidied.is_some_and(|at| now.0 - at.0 < EVERY_MS) {
            return Ok(());
        }
        // Whatever fails here is tried again the next time, and not before.
        self.memo().tidied = Some(now);
        self.store.forget_keys(now.0 / DAY_MS - 1).await?;
        self.erase().await?;
        if self.memo().collected.is_none_or(|at| now.0 - at.0 >= DAY_MS) {
            // Written and never accepted, or left by a purge that was cut off.
            for object in self.garbage_here().await? {
                self.remove(&object)?;
            }
            self.memo().collected = Some(now);
        }
        for job in self.store.past_jobs(JOBS_MAX).await? {
            let id = job.intent.id;
            let old = job.ended.is_some_and(|at| now.0 - at.0 >= self.settings.keep_outputs_ms);
            if old && job.state == AttemptState::Closed && !self.memo().emptied.contains(&id) {
                self.delete_at_aws(&job).await?;
                self.memo().emptied.insert(id);
            }
        }
        self.stop_revoked(now).await?;
        Ok(())
    }

    /// Deletes what lies in S3 for a job.
    async fn delete_at_aws(&self, attempt: &Attempt) -> Result<(), EngineError> {
        let Some(job) = &attempt.intent.job else { return Ok(()) };
        let spec = self.spec(attempt.intent.pool).await?;
        let store = self.objects(&spec.bucket)?;
        let prefix = Key::from(key_of(&job.input).trim_end_matches("in/"));
        let found: Vec<object_store::ObjectMeta> = store.list(Some(&prefix)).try_collect().await?;
        for object in found {
            store.delete(&object.location).await?;
        }
        Ok(())
    }

    /// Erases what was marked, once no job holds it: from the chunk, from results, and from what AWS has of the jobs it was in.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn erase(&self) -> Result<(), EngineError> {
        for row in self.store.redacted().await? {
            if row.new.object.is_none() {
                self.seal_if_open(row.new.id).await?;
            }
            if row.redacted.and(&row.open).is_empty() {
                self.erase_chunk(&row).await?;
            }
        }
        Ok(())
    }

    async fn erase_chunk(&self, row: &Row) -> Result<(), EngineError> {
        let id = row.new.id;
        let chunk = self.chunk_object(id).await?;
        let gone = |slot: usize| row.redacted.has(slot);
        let present = (0..chunk.entries.len()).any(|slot| gone(slot) && input_of(chunk.line(slot)) != "{}");
        if present {
            self.rewrite_chunk(row, &chunk).await?;
        }
        for result in self.store.results(id).await? {
            let read = Results::open(&self.folder.join(&result.object)).map_err(EngineError::Spool)?;
            if !read.entries.iter().any(|place| gone(place.slot)) {
                continue;
            }
            let object = format!("{}.{}.lsr", result.object.trim_end_matches(".lsr"), row.redacted.count());
            let mut kept = Collected::at(&self.folder, object.clone()).map_err(EngineError::Spool)?;
            for (at, place) in read.entries.iter().enumerate().filter(|(_, place)| !gone(place.slot)) {
                let line: Kept<'_> = serde_json::from_slice(read.line(at))?;
                let written = match (line.output, line.error) {
                    (Some(output), _) => kept.answer(place.slot, output.get()),
                    (None, error) => kept.error(place.slot, error.map_or("{}", |e| e.get())),
                };
                written.map_err(EngineError::Spool)?;
            }
            kept.finish().map_err(EngineError::Spool)?;
            self.store.replace_result(id, result.attempt, &object).await?;
        }
        self.sweep(id).await?;
        for one in self.store.tries(id).await? {
            if !one.slots.and(&row.redacted).is_empty() && !one.state.is_open() {
                self.delete_at_aws(&self.store.attempt(one.attempt).await?).await?;
                self.remove(&format!("calls/{}.jsonl", one.attempt))?;
            }
        }
        Ok(())
    }

    async fn rewrite_chunk(&self, row: &Row, chunk: &Chunk) -> Result<(), EngineError> {
        let id = row.new.id;
        let object = format!("spool/{id}.{}.lsc", row.redacted.count());
        let mut builder = Builder::new(id, &self.folder.join(&object)).map_err(EngineError::Spool)?;
        for (slot, entry) in chunk.entries.iter().enumerate() {
            let gone = row.redacted.has(slot);
            let (name, input) = if gone { (None, "{}") } else { (entry.id.clone(), input_of(chunk.line(slot))) };
            let new = NewSlot { id: name, line: entry.line, dialect: entry.dialect, input };
            builder.push(new).map_err(EngineError::Spool)?;
        }
        builder.seal().map_err(EngineError::Spool)?;
        self.step("chunk rewritten");
        self.store.replace(id, &object).await?;
        Ok(())
    }

    /// Removes the objects of a chunk that no row refers to: what was there before it was rewritten, whichever life of the process
    /// rewrote it.
    async fn sweep(&self, id: ChunkId) -> Result<(), EngineError> {
        let mut used: Vec<String> = self.store.results(id).await?.into_iter().map(|result| result.object).collect();
        used.extend(self.store.chunk(id).await?.new.object);
        let folder = format!("results/{id}");
        for (folder, begin) in [("spool", format!("{id}.")), (&folder, String::new())] {
            let entries = match std::fs::read_dir(self.folder.join(folder)) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                other => other.map_err(EngineError::Spool)?,
            };
            for entry in entries {
                let name = entry.map_err(EngineError::Spool)?.file_name().to_string_lossy().into_owned();
                let object = format!("{folder}/{name}");
                if name.starts_with(&begin) && !used.contains(&object) {
                    self.remove(&object)?;
                }
            }
        }
        self.step("swept");
        Ok(())
    }

    /// Removes an object of the folder; one that is not there is gone.
    pub(crate) fn remove(&self, object: &str) -> Result<(), EngineError> {
        match std::fs::remove_file(self.folder.join(object)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(EngineError::Spool(e)),
            _ => Ok(()),
        }
    }

    /// Forgets a submission, with everything of it here and in S3.
    ///
    /// # Errors
    /// [`EngineError`]: when records of it have no result, or a job with them has not ended.
    pub async fn purge(&self, submission: &str) -> Result<(), EngineError> {
        let attempts = self.store.attempts(submission).await?;
        let settled = self.is_settled(&self.store.submission(submission).await?).await?;
        // What the queue would refuse to forget keeps its files. S3 goes first: what fails there is tried again by the same command.
        if settled && attempts.iter().all(|attempt| !attempt.state.is_open()) {
            for attempt in &attempts {
                self.delete_at_aws(attempt).await?;
            }
        }
        let purged = self.store.purge(submission).await?;
        self.step("purged");
        for object in &purged.objects {
            self.remove(object)?;
        }
        for attempt in attempts {
            self.remove(&format!("calls/{}.jsonl", attempt.intent.id))?;
        }
        Ok(())
    }

    /// Settles the one bad record of a job that failed as a whole.
    pub(crate) async fn quarantine(&self, members: &Members, message: &str, past: &[Attempt]) -> Result<(), EngineError> {
        let tries = self.store.tries(members.chunk).await?;
        let held = |id| tries.iter().any(|t| t.attempt == id && !t.slots.and(&members.slots).is_empty());
        let Some(job) = past.iter().map(|a| a.intent.id).find(|id| held(*id)) else { return Ok(()) };
        let text = message.strip_prefix(crate::submit::BLAMES_A_RECORD).unwrap_or(message);
        self.refuse(members, job, &format!("a job with this record alone failed: {text}")).await
    }

    /// Settles records of a job as refused by AWS for good.
    pub(crate) async fn refuse(&self, members: &Members, job: AttemptId, message: &str) -> Result<(), EngineError> {
        let mut collected = Collected::create(&self.folder, members.chunk, job).map_err(EngineError::Spool)?;
        let error = error_text(400, message);
        for slot in members.slots.iter() {
            collected.error(slot, &error).map_err(EngineError::Spool)?;
        }
        let (_, failed, object) = collected.finish().map_err(EngineError::Spool)?;
        let settle = Settle { attempt: job, chunk: members.chunk, ok: Bitmap::default(), failed, object };
        self.store.settle(&settle).await?;
        self.changed();
        self.step("quarantined");
        Ok(())
    }
}

//! From a job's output to results: every line joined to its record by id, whatever order, repetition or gap there is.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use futures::{StreamExt, TryStreamExt};
use laneshift_store::{Bitmap, Job, JobChange, JobState, Settle};
use laneshift_units::ProfiledModel;
use memchr::memchr;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::compose::ATTEMPTS_MAX;
use crate::cost::{Prices, Tally, usage_of};
use crate::engine::{Engine, EngineError};
use crate::id::address;
use crate::submit::key_of;

/// How often output that is not complete is read again before what is there is taken.
const READS_MAX: u32 = 120;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "recordId")]
    record_id: String,
    #[serde(rename = "modelOutput", borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// What is collected for one chunk.
struct Collected {
    ok: Bitmap,
    failed: Bitmap,
    path: PathBuf,
    file: BufWriter<File>,
}

/// What reading the output of a job came to.
struct Harvest {
    chunks: BTreeMap<u64, Collected>,
    tally: Tally,
    /// A line could not be read: the output is cut.
    torn: bool,
    lines: u64,
    /// The attempts that the records of each chunk were in, this one included.
    tries: BTreeMap<u64, Vec<Bitmap>>,
}

impl Harvest {
    /// Whether this was the last attempt for a record.
    fn was_last_try(&self, chunk: u64, slot: usize) -> bool {
        let maps = self.tries.get(&chunk).map_or(&[][..], Vec::as_slice);
        maps.iter().filter(|map| map.has(slot)).count() as u64 >= ATTEMPTS_MAX
    }
}

/// Why a record has no answer.
struct Failure {
    /// Worth another try.
    transient: bool,
}

impl Engine {
    /// Reads the output of a job that has ended, settles and books what it brought, and closes it. `Ok(false)` when the
    /// output is not complete yet.
    pub(crate) async fn harvest(&self, job: &Job, model: &ProfiledModel, reads: u32) -> Result<bool, EngineError> {
        let status = job.provider_state.as_deref().unwrap_or_default();
        let prefix = key_of(&job.intent.input).trim_end_matches("in/").to_owned() + "out/";
        let listed: Vec<object_store::ObjectMeta> = self.objects.list(Some(&Key::from(prefix.as_str()))).try_collect().await?;
        let (manifests, outputs): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|o| o.location.filename().is_some_and(|name| name == "manifest.json.out"));
        let prices = Prices::new(&self.tools.catalog, model, self.client.region());
        let tries = self.tries(job).await?;
        let mut harvest = Harvest { chunks: BTreeMap::new(), tally: Tally::default(), torn: false, lines: 0, tries };
        for object in &outputs {
            self.read_output(job, &object.location, &prices, &mut harvest).await?;
        }
        let complete = match status {
            "Completed" => harvest.lines >= job.intent.records && !manifests.is_empty(),
            "PartiallyCompleted" | "Stopped" => !manifests.is_empty() || harvest.lines > 0,
            _ => true,
        };
        if (harvest.torn || !complete) && reads < READS_MAX {
            return Ok(false);
        }
        self.step("harvested");
        self.give_up(job, &mut harvest).await?;
        for (chunk, mut collected) in harvest.chunks {
            collected.file.flush().map_err(EngineError::Spool)?;
            collected.file.get_ref().sync_all().map_err(EngineError::Spool)?;
            let object = collected.path.strip_prefix(&self.folder).unwrap_or(&collected.path).display().to_string();
            self.step("result written");
            let settle = Settle { job: job.intent.id, chunk, ok: collected.ok, failed: collected.failed, object };
            self.store.settle(&settle).await?;
            self.step("settled");
        }
        self.store.book(job.intent.id, &prices.book(&harvest.tally)).await?;
        self.step("booked");
        self.store.move_job(job.intent.id, JobState::Terminal, JobState::Closed, &JobChange::default()).await?;
        self.step("closed");
        Ok(true)
    }

    async fn read_output(&self, job: &Job, key: &Key, prices: &Prices<'_>, harvest: &mut Harvest) -> Result<(), EngineError> {
        let mut stream = self.objects.get(key).await?.into_stream();
        let mut rest: Vec<u8> = Vec::new();
        while let Some(bytes) = stream.next().await {
            rest.extend_from_slice(&bytes?);
            let mut begin = 0;
            while let Some(end) = memchr(b'\n', &rest[begin..]) {
                self.take(job, &rest[begin..begin + end], prices, harvest)?;
                begin += end + 1;
            }
            rest.drain(..begin);
        }
        if !rest.is_empty() {
            self.take(job, &rest, prices, harvest)?;
        }
        Ok(())
    }

    /// Takes one line. A record that is not the job's is nobody's; a second line of a record is paid and wasted.
    fn take(&self, job: &Job, line: &[u8], prices: &Prices<'_>, harvest: &mut Harvest) -> Result<(), EngineError> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let Ok(read) = serde_json::from_slice::<Line<'_>>(line) else {
            harvest.torn = true;
            return Ok(());
        };
        let mine = address(&read.record_id)
            .filter(|(chunk, slot)| job.intent.members.iter().any(|m| m.chunk == *chunk && m.slots.has(*slot)));
        let Some((chunk, slot)) = mine else { return Ok(()) };
        let last_try = harvest.was_last_try(chunk, slot);
        let collected = self.collected(&mut harvest.chunks, job.intent.id, chunk)?;
        let output: Option<Value> = read.output.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let failure = failure(output.as_ref(), read.error);
        let twice = collected.ok.has(slot) || collected.failed.has(slot);
        if let (None, Some(usage)) = (&failure, output.as_ref().and_then(usage_of)) {
            prices.add(&mut harvest.tally, &usage, !twice);
        }
        if twice {
            return Ok(());
        }
        harvest.lines += 1;
        match &failure {
            None => collected.ok.set(slot),
            Some(failure) if failure.transient && !last_try => return Ok(()),
            Some(_) => collected.failed.set(slot),
        }
        let (name, body) = match (failure, read.output, read.error) {
            (None, Some(output), _) => ("modelOutput", output.get()),
            (Some(_), Some(output), None) => ("error", output.get()),
            (_, _, Some(error)) => ("error", error.get()),
            (_, None, None) => ("error", "{\"errorCode\":500,\"errorMessage\":\"the line has neither an answer nor an error\"}"),
        };
        writeln!(collected.file, "{{\"slot\":{slot},\"{name}\":{body}}}").map_err(EngineError::Spool)
    }

    /// What is collected for a chunk; its file is made when the first line comes.
    fn collected<'a>(
        &self,
        chunks: &'a mut BTreeMap<u64, Collected>,
        job: u64,
        chunk: u64,
    ) -> Result<&'a mut Collected, EngineError> {
        Ok(match chunks.entry(chunk) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let path = self.folder.join("results").join(format!("{chunk:013x}")).join(format!("{job:016x}.jsonl"));
                fs::create_dir_all(path.parent().unwrap_or(&self.folder)).map_err(EngineError::Spool)?;
                let file = BufWriter::new(File::create(&path).map_err(EngineError::Spool)?);
                entry.insert(Collected { ok: Bitmap::default(), failed: Bitmap::default(), path, file })
            }
        })
    }

    /// Records that the job should have answered and did not, for the last time: they fail with a reason.
    async fn give_up(&self, job: &Job, harvest: &mut Harvest) -> Result<(), EngineError> {
        for m in &job.intent.members {
            let seen = harvest.chunks.get(&m.chunk).map(|c| c.ok.or(&c.failed)).unwrap_or_default();
            for slot in m.slots.without(&seen).iter() {
                if !harvest.was_last_try(m.chunk, slot) {
                    continue;
                }
                let collected = self.collected(&mut harvest.chunks, job.intent.id, m.chunk)?;
                collected.failed.set(slot);
                let text = format!(
                    "no answer in {ATTEMPTS_MAX} jobs; the last ended as {}",
                    job.provider_state.as_deref().unwrap_or("unknown")
                );
                let error = serde_json::json!({ "errorCode": 504, "errorMessage": text });
                writeln!(collected.file, "{{\"slot\":{slot},\"error\":{error}}}").map_err(EngineError::Spool)?;
            }
        }
        Ok(())
    }

    /// Which attempts the records of a job were in.
    async fn tries(&self, job: &Job) -> Result<BTreeMap<u64, Vec<Bitmap>>, EngineError> {
        let mut tries = BTreeMap::new();
        for m in &job.intent.members {
            tries.insert(m.chunk, self.store.attempts(m.chunk).await?.into_iter().map(|a| a.slots).collect());
        }
        Ok(tries)
    }
}

/// Whether a line is a failure: an `error`, or one inside `modelOutput`.
fn failure(output: Option<&Value>, error: Option<&RawValue>) -> Option<Failure> {
    let error: Option<Value> = error.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let inner = output.filter(|o| o.get("errorCode").is_some() || o.get("errorMessage").is_some());
    let error = error.as_ref().or(inner);
    let Some(error) = error else {
        return if output.is_some() { None } else { Some(Failure { transient: true }) };
    };
    let code = error["errorCode"].as_u64().unwrap_or(500);
    Some(Failure { transient: code >= 500 || code == 408 || code == 429 })
}

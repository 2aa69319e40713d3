//! From a job's output to results: every line joined to its record by id, whatever order, repetition or gap there is.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures::{StreamExt, TryStreamExt};
use laneshift_store::{Attempt, AttemptChange, AttemptId, AttemptState, Bitmap, ChunkId, Cost, Costed, Lane, Settle, Try};
use laneshift_units::{Money, PriceMode};
use memchr::memchr;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use crate::calls::most;
use crate::chunk::input_of;
use crate::cost::{Prices, Tally, usage_of};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::id::address;
use crate::outcome::{Collected, error_text};
use crate::pool::PoolSpec;
use crate::upload::key_of;

/// How often a record is tried in a job before it is reported as failed.
pub(crate) const ATTEMPTS_MAX: u64 = 3;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "recordId")]
    record_id: String,
    #[serde(rename = "modelOutput", borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// AWS's own account of a job; of it is read how many records it says it has run.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    #[serde(rename = "processedRecordCount")]
    processed: u64,
}

/// What is known of one chunk's records before the output is read.
pub(crate) struct Before {
    members: Bitmap,
    /// Have a result from elsewhere: what comes for them is paid and wasted.
    done: Bitmap,
    /// Are in another attempt that is open, so that an error can wait for what that brings.
    elsewhere: Bitmap,
    /// This is their last try.
    last: Bitmap,
    /// This attempt's results are settled already; they never change.
    settled: bool,
}

/// What reading the output of a job came to.
#[derive(Default)]
pub(crate) struct Harvest {
    chunks: BTreeMap<ChunkId, Collected>,
    seen: BTreeMap<ChunkId, Bitmap>,
    pub(crate) tally: Tally,
    /// Of lines that are there a second time.
    repeats: Tally,
    /// Answers that do not say what they used.
    unmetered: BTreeMap<ChunkId, Bitmap>,
    /// AWS has written its own account of the job.
    manifest: Option<Manifest>,
    /// A line could not be read: the output is cut.
    torn: bool,
    lines: u64,
}

impl Engine {
    /// Reads the output of a job that has ended, settles and books what it brought, and closes it. Output that is not complete is
    /// left for the next turn, unless it is the last time.
    pub(crate) async fn harvest(&self, job: &Attempt, last_time: bool) -> Result<(), EngineError> {
        let spec = self.spec(job.intent.pool).await?;
        let model = spec.profiled();
        let prices = Prices::new(&self.tools.catalog, &model, &spec.region);
        let listed = self.output_of(job, &spec).await?;
        let mark = mark_of(&listed);
        if self.memo().output_marks.get(&job.intent.id) == Some(&mark) && !last_time {
            // It is as it was when it was not complete.
            return Ok(());
        }
        let before = self.before(job).await?;
        let mut harvest = self.read_output(job, &spec, &prices, &before, &listed).await?;
        let complete = match job.provider_state.as_deref().unwrap_or_default() {
            "Completed" => harvest.lines >= job.intent.records && harvest.manifest.is_some(),
            "PartiallyCompleted" | "Stopped" => harvest.manifest.is_some() || harvest.lines > 0,
            _ => true,
        };
        if (harvest.torn || !complete) && !last_time {
            self.memo().output_marks.insert(job.intent.id, mark);
            return Ok(());
        }
        self.step("harvested");
        self.give_up(job, &before, &mut harvest)?;
        let cost = self.cost_of(job, &prices, &harvest).await?;
        for (chunk, collected) in harvest.chunks {
            let (ok, failed, object) = collected.finish().map_err(EngineError::Spool)?;
            self.step("result written");
            self.store.settle(&Settle { attempt: job.intent.id, chunk, ok, failed, object }).await?;
            self.changed();
            self.step("settled");
        }
        self.store.book(job.intent.id, &cost).await?;
        self.step("booked");
        self.store.move_attempt(job.intent.id, AttemptState::Terminal, AttemptState::Closed, &AttemptChange::default()).await?;
        {
            let mut memo = self.memo();
            memo.reads.remove(&job.intent.id);
            memo.output_marks.remove(&job.intent.id);
        }
        self.step("closed");
        Ok(())
    }

    /// What a job cost by its lines. Lines that are there twice, records of a completed job without a line, and answers that do not
    /// say what they used may have been paid for too: that is its bound, until a bill says.
    async fn cost_of(&self, job: &Attempt, prices: &Prices<'_>, harvest: &Harvest) -> Result<Cost, EngineError> {
        let mut cost = prices.book(PriceMode::Batch, &harvest.tally);
        let mut bound = Some(prices.book(PriceMode::Batch, &harvest.repeats).paid);
        // Of a job that was cut short, as many records without a line as it says it has run beyond those with one.
        let all_ran = job.provider_state.as_deref() == Some("Completed");
        let processed = harvest.manifest.map_or(0, |manifest| manifest.processed);
        let ran = if all_ran { u64::MAX } else { processed.saturating_sub(harvest.lines) };
        let (mut missing, mut unmetered) = (Vec::new(), Vec::new());
        for m in &job.intent.members {
            let of = |map: &BTreeMap<ChunkId, Bitmap>| map.get(&m.chunk).cloned().unwrap_or_default();
            let without_line = if ran > 0 { m.slots.without(&of(&harvest.seen)) } else { Bitmap::default() };
            let without_usage = of(&harvest.unmetered);
            if without_line.or(&without_usage).is_empty() {
                continue;
            }
            let chunk = self.chunk_object(m.chunk).await?;
            let most = |slot| prices.estimate(PriceMode::Batch, &most(input_of(chunk.line(slot))), 1);
            missing.extend(without_line.iter().map(most));
            unmetered.extend(without_usage.iter().map(most));
        }
        // Which of them ran is not known: the dearest. An unknown price comes first, and makes the sum unknown.
        missing.sort_unstable_by_key(|cost| std::cmp::Reverse(cost.unwrap_or(Money::from_pico(i128::MAX))));
        missing.truncate(usize::try_from(ran).unwrap_or(usize::MAX));
        for one in missing.into_iter().chain(unmetered) {
            bound = bound.and_then(|sum| Some(sum + one?));
        }
        match bound {
            Some(bound) => cost.bound = bound,
            None => cost.costed = Costed::Unpriced,
        }
        Ok(cost)
    }

    /// What lies at a job's output.
    pub(crate) async fn output_of(&self, job: &Attempt, spec: &PoolSpec) -> Result<Vec<ObjectMeta>, EngineError> {
        let input = job.intent.job.as_ref().map(|j| key_of(&j.input)).unwrap_or_default();
        let prefix = Key::from(input.trim_end_matches("in/").to_owned() + "out/");
        Ok(self.objects(&spec.bucket)?.list(Some(&prefix)).try_collect().await?)
    }

    /// Reads all that lies at a job's output.
    pub(crate) async fn read_output(
        &self,
        job: &Attempt,
        spec: &PoolSpec,
        prices: &Prices<'_>,
        before: &BTreeMap<ChunkId, Before>,
        listed: &[ObjectMeta],
    ) -> Result<Harvest, EngineError> {
        let store = self.objects(&spec.bucket)?;
        let mut harvest = Harvest::default();
        for object in listed {
            if object.location.filename() == Some("manifest.json.out") {
                let bytes = store.get(&object.location).await?.bytes().await?;
                harvest.manifest = Some(serde_json::from_slice(&bytes).unwrap_or_default());
                continue;
            }
            let mut stream = store.get(&object.location).await?.into_stream();
            let mut rest: Vec<u8> = Vec::new();
            while let Some(bytes) = stream.next().await {
                rest.extend_from_slice(&bytes?);
                let mut begin = 0;
                while let Some(end) = memchr(b'\n', &rest[begin..]) {
                    self.take(job.intent.id, &rest[begin..begin + end], prices, before, &mut harvest)?;
                    begin += end + 1;
                }
                rest.drain(..begin);
            }
            self.take(job.intent.id, &rest, prices, before, &mut harvest)?;
        }
        Ok(harvest)
    }

    async fn before(&self, job: &Attempt) -> Result<BTreeMap<ChunkId, Before>, EngineError> {
        let mut all = BTreeMap::new();
        for m in &job.intent.members {
            let own = self.store.results(m.chunk).await?.into_iter().find(|r| r.attempt == job.intent.id);
            let done = self.store.chunk(m.chunk).await?.done;
            let settled = own.is_some();
            let done = own.map_or(done.clone(), |own| done.without(&own.winners));
            let tries = self.store.tries(m.chunk).await?;
            let (elsewhere, last) = (open_elsewhere(&tries, job.intent.id), last_tries(&tries, &m.slots));
            all.insert(m.chunk, Before { members: m.slots.clone(), done, elsewhere, last, settled });
        }
        Ok(all)
    }

    /// Takes one line. What is no record of the job's, and what comes second, is paid and wasted.
    fn take(
        &self,
        attempt: AttemptId,
        line: &[u8],
        prices: &Prices<'_>,
        before: &BTreeMap<ChunkId, Before>,
        harvest: &mut Harvest,
    ) -> Result<(), EngineError> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let Ok(read) = serde_json::from_slice::<Line<'_>>(line) else {
            harvest.torn = true;
            return Ok(());
        };
        let output: Option<Value> = read.output.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let failure = failure(output.as_ref(), read.error);
        let mine = address(&read.record_id).and_then(|(chunk, slot)| Some((chunk, slot, before.get(&chunk)?)));
        let mine = mine.filter(|(_, slot, before)| before.members.has(*slot));
        let mut counts = false;
        if let Some((chunk, slot, _)) = mine {
            let seen = harvest.seen.entry(chunk).or_default();
            counts = !seen.has(slot);
            seen.set(slot);
        }
        let wanted = mine.filter(|(_, slot, before)| counts && !before.done.has(*slot));
        match (&failure, output.as_ref().and_then(usage_of), mine) {
            (None, Some(usage), _) => {
                let repeats = mine.is_some() && !counts;
                let tally = if repeats { &mut harvest.repeats } else { &mut harvest.tally };
                prices.add(tally, &usage, wanted.is_some());
            }
            (None, None, Some((chunk, slot, _))) => harvest.unmetered.entry(chunk).or_default().set(slot),
            (None, None, None) | (Some(_), ..) => {}
        }
        let Some((chunk, slot, before)) = mine.filter(|_| counts) else { return Ok(()) };
        harvest.lines += 1;
        if before.settled {
            return Ok(());
        }
        let again = failure.as_ref().is_some_and(|f| f.transient && (before.elsewhere.has(slot) || !before.last.has(slot)));
        if again {
            return Ok(());
        }
        let collected = self.collected(&mut harvest.chunks, attempt, chunk)?;
        let written = match (failure, read.output, read.error) {
            (None, Some(output), _) => collected.answer(slot, output.get()),
            (Some(_), Some(output), None) => collected.error(slot, output.get()),
            (_, _, Some(error)) => collected.error(slot, error.get()),
            (_, None, None) => collected.error(slot, &error_text(500, "the line has neither an answer nor an error")),
        };
        written.map_err(EngineError::Spool)
    }

    /// What is collected for a chunk; its object is begun when the first line comes.
    fn collected<'a>(
        &self,
        chunks: &'a mut BTreeMap<ChunkId, Collected>,
        attempt: AttemptId,
        chunk: ChunkId,
    ) -> Result<&'a mut Collected, EngineError> {
        Ok(match chunks.entry(chunk) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Collected::create(&self.folder, chunk, attempt).map_err(EngineError::Spool)?),
        })
    }

    /// Records that the job should have answered and did not, for the last time: they fail with a reason.
    fn give_up(&self, job: &Attempt, before: &BTreeMap<ChunkId, Before>, harvest: &mut Harvest) -> Result<(), EngineError> {
        let state = job.provider_state.as_deref().unwrap_or("unknown");
        let error = error_text(504, &format!("no answer in {ATTEMPTS_MAX} jobs; the last ended as {state}"));
        for (chunk, before) in before {
            if before.settled {
                continue;
            }
            let seen = harvest.chunks.get(chunk).map(|c| c.ok.or(&c.failed)).unwrap_or_default();
            let over = before.members.and(&before.last).without(&seen.or(&before.elsewhere).or(&before.done));
            for slot in over.iter() {
                self.collected(&mut harvest.chunks, job.intent.id, *chunk)?.error(slot, &error).map_err(EngineError::Spool)?;
            }
        }
        Ok(())
    }
}

/// Changes when anything that was listed does.
fn mark_of(listed: &[ObjectMeta]) -> u64 {
    let mut hash = Xxh3::new();
    for object in listed {
        hash.update(object.location.as_ref().as_bytes());
        hash.update(&object.size.to_le_bytes());
        hash.update(&object.last_modified.timestamp_millis().to_le_bytes());
    }
    hash.digest()
}

/// Records in another attempt that is open.
pub(crate) fn open_elsewhere(tries: &[Try], own: AttemptId) -> Bitmap {
    let open = tries.iter().filter(|t| t.attempt != own && t.state.is_open());
    open.fold(Bitmap::default(), |all, t| all.or(&t.slots))
}

/// Records that have been in as many jobs as they may be. Jobs that never ran do not count.
fn last_tries(tries: &[Try], members: &Bitmap) -> Bitmap {
    let jobs: Vec<&Try> = tries.iter().filter(|t| t.lane == Lane::Batch && t.state != AttemptState::Revoked).collect();
    let mut last = Bitmap::default();
    for slot in members.iter() {
        if jobs.iter().filter(|t| t.slots.has(slot)).count() as u64 >= ATTEMPTS_MAX {
            last.set(slot);
        }
    }
    last
}

/// Why a record has no answer.
struct Failure {
    /// Worth another try.
    transient: bool,
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

//! From a job's output to results: every line joined to its record by id, whatever order, repetition or gap there is.

use std::collections::btree_map;
use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};
use laneshift_store::{Attempt, AttemptChange, AttemptId, AttemptState, Bitmap, ChunkId, Cost, Costed, Entry, Lane, Settle, Try};
use laneshift_units::Money;
use memchr::memchr;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use crate::chunk::input_of;
use crate::cost::{Prices, Tally, add_bound, usage_of};
use crate::engine::{Engine, Incomplete};
use crate::error::EngineError;
use crate::id::address;
use crate::outcome::{Collected, error_text};
use crate::pad;
use crate::pool::PoolSpec;
use crate::upload::{fillers_of, key_of};

/// How often a record is tried in a job before it is reported as failed.
pub(crate) const ATTEMPTS_MAX: u64 = 3;
/// How often output that is not complete is looked at before what is there is taken.
const LOOKS_MAX: u32 = 20;

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

/// What the lines of one chunk's records used.
#[derive(Default)]
struct Used {
    tally: Tally,
    /// Of lines that are there a second time.
    repeats: Tally,
    /// Have a line.
    seen: Bitmap,
    /// Have an answer that does not say what it used.
    unmetered: Bitmap,
}

/// What reading the output of a job came to.
#[derive(Default)]
pub(crate) struct Harvest {
    chunks: BTreeMap<ChunkId, Collected>,
    /// By chunk; lines that are no record's under none.
    used: BTreeMap<Option<ChunkId>, Used>,
    /// Ids of lines that are no record's.
    nobodys: BTreeSet<String>,
    /// AWS has written its own account of the job.
    manifest: Option<Manifest>,
    /// A line could not be read: the output is cut.
    torn: bool,
    lines: u64,
}

impl Harvest {
    /// What all lines that are no record's cost.
    pub(crate) fn of_nobody(&self, prices: &Prices) -> Cost {
        self.used.get(&None).map_or(Cost::NOTHING, |used| prices.book(Lane::Batch, &used.tally))
    }
}

impl Engine {
    /// Reads the output of a job that has ended, settles and books what it brought, and closes it. Output that is not complete is
    /// left for a later turn, until it has been looked at often enough.
    pub(crate) async fn harvest(&self, job: &Attempt) -> Result<(), EngineError> {
        let before = {
            let mut memo = self.memo();
            let known = memo.incomplete.entry(job.intent.id).or_default();
            known.looks += 1;
            known.clone()
        };
        let last_time = before.looks >= LOOKS_MAX;
        let spec = self.spec(job.intent.pool).await?;
        let prices = self.prices(&spec);
        let listed = self.output_of(job, &spec).await?;
        let mark = mark_of(&listed);
        if before.mark == Some(mark) && !last_time {
            // It is as it was when it was not complete.
            return Ok(());
        }
        let state = self.before(job).await?;
        let mut harvest = self.read_output(job, &spec, &prices, &state, &listed).await?;
        let complete = match job.provider_state.as_deref().unwrap_or_default() {
            "Completed" => harvest.lines >= job.intent.records && harvest.manifest.is_some(),
            "PartiallyCompleted" | "Stopped" => harvest.manifest.is_some() || harvest.lines > 0,
            _ => true,
        };
        if (harvest.torn || !complete) && !last_time {
            let what = if harvest.torn { "a line that is no JSON, or is cut" } else { "no line for some records" };
            let (id, lines, records) = (job.intent.id, harvest.lines, job.intent.records);
            let why = format!(
                "the output of job {id} has {lines} of {records} records and {what}; what is there is taken after {LOOKS_MAX} looks"
            );
            self.memo().incomplete.insert(id, Incomplete { mark: Some(mark), why, ..before });
            return Ok(());
        }
        self.step("harvested");
        self.give_up(job, &state, &mut harvest)?;
        let entries = self.entries_of(job, &prices, &harvest).await?;
        for (chunk, collected) in harvest.chunks {
            let (ok, failed, object) = collected.finish().map_err(EngineError::Spool)?;
            self.step("result written");
            self.store.settle(&Settle { attempt: job.intent.id, chunk, ok, failed, object }).await?;
            self.changed();
            self.step("settled");
        }
        self.store.book(job.intent.id, &entries).await?;
        self.step("booked");
        self.store.move_attempt(job.intent.id, AttemptState::Terminal, AttemptState::Closed, &AttemptChange::default()).await?;
        self.memo().incomplete.remove(&job.intent.id);
        self.step("closed");
        Ok(())
    }

    /// What a job cost by its lines. Lines that are there twice, records of a completed job without a line, and answers that do not
    /// say what they used may have been paid for too, also of what filled the job up: that is its bound, until a bill says.
    async fn entries_of(&self, job: &Attempt, prices: &Prices, harvest: &Harvest) -> Result<Vec<Entry>, EngineError> {
        let mut costs: BTreeMap<Option<ChunkId>, Cost> = BTreeMap::new();
        for (chunk, used) in &harvest.used {
            let cost = costs.entry(*chunk).or_insert(prices.book(Lane::Batch, &used.tally));
            let repeats = prices.book(Lane::Batch, &used.repeats);
            add_bound(cost, (repeats.costed == Costed::Exact).then_some(repeats.paid));
        }
        // Of a job that was cut short, as many records without a line as it says it has run beyond those with one; any of them when
        // its account did not come in all the looks.
        let with_line = harvest.lines + harvest.nobodys.len() as u64;
        let ran = match (job.provider_state.as_deref().unwrap_or_default(), harvest.manifest) {
            ("Completed", _) | ("PartiallyCompleted" | "Stopped", None) => u64::MAX,
            (_, manifest) => manifest.map_or(0, |manifest| manifest.processed).saturating_sub(with_line),
        };
        let (mut missing, mut unmetered) = (Vec::new(), Vec::new());
        let nothing = Used::default();
        for m in &job.intent.members {
            let used = harvest.used.get(&Some(m.chunk)).unwrap_or(&nothing);
            let without_line = if ran > 0 { m.slots.without(&used.seen) } else { Bitmap::default() };
            if without_line.or(&used.unmetered).is_empty() {
                continue;
            }
            let chunk = self.chunk_object(m.chunk).await?;
            let most = |slot| (Some(m.chunk), prices.at_most(Lane::Batch, input_of(chunk.line(slot))));
            missing.extend(without_line.iter().map(most));
            unmetered.extend(used.unmetered.iter().map(most));
        }
        let fillers = job.intent.job.as_ref().map_or(0, fillers_of);
        let without_line = (0..fillers).filter(|n| ran > 0 && !harvest.nobodys.contains(&pad::id(*n)));
        let spec = self.spec(job.intent.pool).await?;
        let most = pad::input(&spec).and_then(|input| prices.at_most(Lane::Batch, input));
        missing.extend(without_line.map(|_| (None, most)));
        // Which of them ran is not known: the dearest. An unknown price comes first, and makes the sum unknown.
        missing.sort_unstable_by_key(|(_, cost)| std::cmp::Reverse(cost.unwrap_or(Money::from_pico(i128::MAX))));
        missing.truncate(usize::try_from(ran).unwrap_or(usize::MAX));
        for (chunk, most) in missing.into_iter().chain(unmetered) {
            add_bound(costs.entry(chunk).or_insert(Cost::NOTHING), most);
        }
        Ok(costs.into_iter().map(|(chunk, cost)| Entry { chunk, cost }).collect())
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
        prices: &Prices,
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
        prices: &Prices,
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
        let used = harvest.used.entry(mine.map(|(chunk, ..)| chunk)).or_default();
        let counts;
        match mine {
            Some((_, slot, _)) => {
                counts = !used.seen.has(slot);
                used.seen.set(slot);
            }
            None => counts = harvest.nobodys.insert(read.record_id),
        }
        let wanted = mine.filter(|(_, slot, before)| counts && !before.done.has(*slot));
        match (&failure, output.as_ref().and_then(usage_of), mine) {
            (None, Some(usage), _) => {
                let tally = if counts { &mut used.tally } else { &mut used.repeats };
                prices.add(tally, &usage, wanted.is_some());
            }
            (None, None, Some((_, slot, _))) => used.unmetered.set(slot),
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
            btree_map::Entry::Occupied(entry) => entry.into_mut(),
            btree_map::Entry::Vacant(entry) => {
                entry.insert(Collected::create(&self.folder, chunk, attempt).map_err(EngineError::Spool)?)
            }
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

//! Records asked for one by one: late and few ones on the on-demand lanes, and what idle capacity takes.
//!
//! Neither InvokeModel nor Converse has a token, so a call whose answer was lost may have been paid for. What is about to be sent
//! is therefore committed first, a group at a time, with the most that it can cost; each call is noted before it is sent and each
//! answer as it comes. After a crash the noted answers count, and calls without one are booked with their bound.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use laneshift_aws::AwsError;
use laneshift_aws::runtime::{Invocation, Invoked};
use laneshift_store::{
    Attempt, AttemptChange, AttemptId, AttemptState, Bitmap, Cost, Entry, Intent, Lane, Members, PoolId, Settle,
};
use laneshift_units::{Money, QuotaTokens, Timestamp, Tokens, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accept::usage_of_input;
use crate::chunk::{Chunk, input_of};
use crate::container::sync_folder;
use crate::cost::{Tally, add_bound, usage_of};
use crate::decide::{Hedge, Spare};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::harvest::open_elsewhere;
use crate::id::record_id;
use crate::idle::Lent;
use crate::outcome::{Collected, error_text};
use crate::pool::PoolSpec;

/// Records of one group.
const GROUP_MAX: usize = 256;
/// Full groups that are called at one time; of smaller ones as many more.
const GROUPS_AT_ONCE: usize = 4;
/// For so long records are given to idle capacity in one turn: jobs and deadlines wait for it.
const DRAIN_MS: i64 = 30_000;

/// Records to be called.
pub(crate) struct Call {
    pub(crate) members: Vec<Members>,
    pub(crate) lane: Lane,
    pub(crate) hedge: Hedge,
    /// How much they may take, where that is not for the decision alone to say.
    pub(crate) spare: Option<Spare>,
}

/// A line of a group's journal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Note {
    /// On the disk before the first call: under which start of the machine the others are written.
    Begun(String),
    /// A call is about to be sent.
    Sent(usize),
    /// It was refused, or nothing was sent: no cost, and another try is worth it.
    Free(usize),
    /// The record itself was refused.
    Refused(usize, String),
    /// An answer, and its tokens as the headers count them.
    Answer(usize, String, Option<(u64, u64)>),
}

impl Engine {
    /// Calls; gives the quota tokens that were used.
    pub(crate) async fn call(
        &self,
        spec: &PoolSpec,
        pool: PoolId,
        calls: Vec<Call>,
        burndown: u64,
    ) -> Result<QuotaTokens, EngineError> {
        let (mut used, mut under_way) = (0, 0);
        let mut running = FuturesUnordered::new();
        let at_once = (self.settings.rescue.calls_max / GROUPS_AT_ONCE).max(1);
        let enough = Timestamp(self.now().0 + DRAIN_MS);
        for Call { members, lane, hedge, mut spare } in calls {
            for m in members {
                // What is left of idle capacity's part is decided again: nothing waits for it too long.
                if lane == Lane::Provisioned && self.now() > enough {
                    break;
                }
                self.seal_if_open(m.chunk).await?;
                let chunk = Arc::new(self.chunk_object(m.chunk).await?);
                let mut slots: Vec<usize> = m.slots.iter().collect();
                if let Some(spare) = &mut spare {
                    // The decision knows averages.
                    slots.retain(|slot| spare.take(&usage_of_input(input_of(chunk.line(*slot)))));
                }
                // As the decision weighs it, so that what was allowed is what is used.
                let weight = |slot: &usize| {
                    let usage = usage_of_input(input_of(chunk.line(*slot)));
                    usage.input.0 + usage.output.0 * burndown
                };
                used += slots.iter().map(weight).sum::<u64>();
                for group in slots.chunks(GROUP_MAX) {
                    let weight = group.len().min(at_once);
                    while under_way > 0
                        && under_way + weight > self.settings.rescue.calls_max
                        && let Some(done) = running.next().await
                    {
                        under_way -= done?;
                    }
                    let mut slots = Bitmap::default();
                    group.iter().for_each(|slot| slots.set(*slot));
                    let (group, chunk) = (Members { chunk: m.chunk, slots }, chunk.clone());
                    running.push(async move {
                        self.call_group(spec, pool, (lane, hedge), group, (&chunk, at_once)).await.map(|()| weight)
                    });
                    under_way += weight;
                }
            }
        }
        while let Some(done) = running.next().await {
            done?;
        }
        Ok(QuotaTokens(used))
    }

    async fn call_group(
        &self,
        spec: &PoolSpec,
        pool: PoolId,
        (lane, hedge): (Lane, Hedge),
        members: Members,
        (chunk, at_once): (&Chunk, usize),
    ) -> Result<(), EngineError> {
        let prices = self.prices(spec);
        let bound: Option<Money> = members.slots.iter().map(|slot| prices.at_most(lane, input_of(chunk.line(slot)))).sum();
        let id = self.attempt_id(std::slice::from_ref(&members)).await?;
        let intent = Intent {
            id,
            pool,
            lane,
            job: None,
            records: members.slots.count(),
            bound,
            hedge: hedge == Hedge::Yes,
            created: self.now(),
            members: vec![members.clone()],
        };
        self.store.intend(&intent).await?;
        self.step("calls intended");
        let journal = Journal::create(self.journal_path(id), &self.tools.boot)?;
        let slots: Vec<usize> = members.slots.iter().collect();
        let calls = slots.into_iter().map(|slot| {
            let journal = &journal;
            async move {
                if self.is_detached() {
                    return Ok(());
                }
                let input = input_of(chunk.line(slot));
                let lent = if lane == Lane::Provisioned { self.lend(spec, input) } else { None };
                if lane == Lane::Provisioned && lent.is_none() {
                    return Ok(());
                }
                journal.note(&Note::Sent(slot))?;
                let record = record_id(members.chunk, slot);
                self.calling.send_modify(|calls| *calls += 1);
                let note = self.call_one(spec, (lane, lent), id, (slot, record), input).await;
                if note.is_none() && lane == Lane::Provisioned {
                    let mut memo = self.memo();
                    let [once, twice] = memo.lost.entry(members.chunk).or_default();
                    let times = if once.has(slot) { twice } else { once };
                    times.set(slot);
                }
                let noted = note.map_or(Ok(()), |note| journal.note(&note));
                self.calling.send_modify(|calls| *calls -= 1);
                noted?;
                self.step("called");
                Ok::<(), EngineError>(())
            }
        });
        let mut running = futures::stream::iter(calls).buffer_unordered(at_once);
        while let Some(done) = running.next().await {
            done?;
        }
        drop(running);
        let attempt = self.store.attempt(id).await?;
        self.settle_calls(&attempt).await
    }

    /// One call; `None` when its answer was lost after it was sent.
    async fn call_one(
        &self,
        spec: &PoolSpec,
        (lane, lent): (Lane, Option<Lent>),
        id: AttemptId,
        (slot, record): (usize, String),
        body: &str,
    ) -> Option<Note> {
        let metadata = [("laneshift-attempt", id.to_string()), ("laneshift-record", record)];
        let call = Invocation {
            model: lent.as_ref().map_or(&spec.model, |lent| &lent.arn),
            body,
            converse: spec.is_converse(),
            tier: (lane == Lane::Flex).then_some("flex"),
            metadata: &metadata,
        };
        let sent = self.client.invoke(call).await;
        match lent {
            None => note_of(slot, sent),
            Some(lent) => self.note_of_lent((spec, &id.to_string()), slot, sent, lent).await,
        }
    }

    fn journal_path(&self, id: AttemptId) -> PathBuf {
        self.folder.join("calls").join(format!("{id}.jsonl"))
    }

    /// Groups that a crash has left: what is noted counts.
    pub(crate) async fn recover_calls(&self) -> Result<(), EngineError> {
        for attempt in self.store.open_attempts().await? {
            if attempt.intent.lane != Lane::Batch {
                self.settle_calls(&attempt).await?;
            }
        }
        Ok(())
    }

    /// Settles and books a group from its journal, and closes it.
    async fn settle_calls(&self, attempt: &Attempt) -> Result<(), EngineError> {
        let id = attempt.intent.id;
        let Some(members) = attempt.intent.members.first() else { return Ok(()) };
        let spec = self.spec(attempt.intent.pool).await?;
        let prices = self.prices(&spec);
        let lane = attempt.intent.lane;
        let mut notes = read_notes(&self.journal_path(id))?;
        if notes.boot.as_ref().is_some_and(|boot| *boot != self.tools.boot) {
            // The machine went down: what was noted last may not have reached the disk.
            for slot in members.slots.iter() {
                notes.last.entry(slot).or_insert(Note::Sent(slot));
            }
        }
        let chunk = self.chunk_object(members.chunk).await?;
        let known = self.store.results(members.chunk).await?.into_iter().find(|r| r.attempt == id);
        let row = self.store.chunk(members.chunk).await?;
        let done = known.as_ref().map_or(row.done.clone(), |own| row.done.without(&own.winners));
        let elsewhere = open_elsewhere(&self.store.tries(members.chunk).await?, id);
        let mut collected: Option<Collected> = None;
        let (mut tally, mut unknown) = (Tally::default(), Bitmap::default());
        for (slot, note) in notes.last {
            let written = match note {
                Note::Begun(_) => continue,
                Note::Sent(_) => {
                    unknown.set(slot);
                    continue;
                }
                Note::Free(_) => continue,
                Note::Answer(_, body, tokens) => {
                    match metered(&body, tokens) {
                        Some(usage) => prices.add(&mut tally, &usage, !done.has(slot)),
                        None => unknown.set(slot),
                    }
                    self.begun(&mut collected, attempt)?.answer(slot, body.trim_end())
                }
                // A job that holds the record may still bring its answer.
                Note::Refused(..) if elsewhere.has(slot) => continue,
                Note::Refused(_, error) => self.begun(&mut collected, attempt)?.error(slot, &error),
            };
            written.map_err(EngineError::Spool)?;
        }
        let brought = collected.is_some();
        if let Some(collected) = collected.filter(|_| known.is_none()) {
            let (ok, failed, object) = collected.finish().map_err(EngineError::Spool)?;
            self.step("calls written");
            self.store.settle(&Settle { attempt: id, chunk: members.chunk, ok, failed, object }).await?;
            self.changed();
            self.step("calls settled");
        }
        let mut cost = prices.book(lane, &tally);
        for slot in unknown.iter() {
            add_bound(&mut cost, prices.at_most(lane, input_of(chunk.line(slot))));
        }
        self.store.book(id, &[Entry { chunk: Some(members.chunk), cost }]).await?;
        self.step("calls booked");
        let state = match (unknown.is_empty(), brought) {
            (true, true) => "answered",
            (true, false) => "not answered",
            (false, _) => "partly unknown",
        };
        let change =
            AttemptChange { provider_state: Some(state.to_owned()), ended: Some(self.now()), ..AttemptChange::default() };
        self.store.move_attempt(id, AttemptState::Intent, AttemptState::Closed, &change).await?;
        self.step("calls closed");
        // What cost nothing is not looked for in invocation logs.
        if unknown.is_empty() || lane == Lane::Provisioned {
            let _ = fs::remove_file(self.journal_path(id));
        }
        Ok(())
    }

    fn begun<'a>(&self, collected: &'a mut Option<Collected>, attempt: &Attempt) -> Result<&'a mut Collected, EngineError> {
        let members = attempt.intent.members.first().map(|m| m.chunk).unwrap_or_default();
        if collected.is_none() {
            *collected = Some(Collected::create(&self.folder, members, attempt.intent.id).map_err(EngineError::Spool)?);
        }
        Ok(collected.as_mut().expect("made above"))
    }

    /// What is not known of attempts, resolved by what evidence shows: slot and usage of calls that were paid.
    pub(crate) async fn amend_calls(&self, id: AttemptId, paid: &BTreeMap<String, Usage>) -> Result<Option<Cost>, EngineError> {
        let attempt = self.store.attempt(id).await?;
        let (Some(members), Some(mut cost)) = (attempt.intent.members.first(), Entry::sum(&self.store.entries(id).await?)) else {
            return Ok(None);
        };
        if cost.bound == Money::ZERO {
            return Ok(None);
        }
        let spec = self.spec(attempt.intent.pool).await?;
        let prices = self.prices(&spec);
        let mut tally = Tally::default();
        let notes = read_notes(&self.journal_path(id))?.last;
        for slot in members.slots.iter() {
            let answered = match notes.get(&slot) {
                Some(Note::Answer(_, body, tokens)) if metered(body, *tokens).is_some() => continue,
                Some(Note::Answer(..)) => true,
                _ => false,
            };
            if let Some(usage) = paid.get(&record_id(members.chunk, slot)) {
                // What it cost is waste when its answer was lost.
                prices.add(&mut tally, usage, answered);
            }
        }
        cost.bound = Money::ZERO;
        cost += prices.book(attempt.intent.lane, &tally);
        self.store.amend(id, &[Entry { chunk: Some(members.chunk), cost }]).await?;
        let _ = fs::remove_file(self.journal_path(id));
        Ok(Some(cost))
    }
}

/// What is noted of a call; `None` when its answer was lost after it was sent.
pub(crate) fn note_of(slot: usize, sent: Result<Invoked, AwsError>) -> Option<Note> {
    match sent {
        Ok(invoked) => Some(Note::Answer(slot, invoked.body, invoked.tokens)),
        Err(error) if error.is_transient() && !matches!(error, AwsError::Unknown(_)) => Some(Note::Free(slot)),
        Err(AwsError::Unknown(error)) if !error.sent => Some(Note::Free(slot)),
        // Whether it was paid for is not known: the missing note says so.
        Err(AwsError::Unknown(_)) => None,
        Err(AwsError::Service { status, message, .. }) => Some(Note::Refused(slot, error_text(status, &message))),
        Err(error @ AwsError::Unusable(_)) => Some(Note::Refused(slot, error_text(500, &error.to_string()))),
    }
}

/// What an answer used: by itself, or by its headers.
pub(crate) fn metered(body: &str, tokens: Option<(u64, u64)>) -> Option<Usage> {
    let output: Option<Value> = serde_json::from_str(body).ok();
    let counted = tokens.map(|(input, output)| Usage { input: Tokens(input), output: Tokens(output), ..Usage::default() });
    output.as_ref().and_then(usage_of).or(counted)
}

/// What happened to a group, as it happens.
struct Journal {
    file: Mutex<File>,
}

impl Journal {
    fn create(path: PathBuf, boot: &str) -> Result<Self, EngineError> {
        fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(EngineError::Spool)?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(EngineError::Spool)?;
        let journal = Self { file: Mutex::new(file) };
        journal.note(&Note::Begun(boot.to_owned()))?;
        journal.file.lock().unwrap_or_else(PoisonError::into_inner).sync_all().map_err(EngineError::Spool)?;
        sync_folder(&path).map_err(EngineError::Spool)?;
        Ok(journal)
    }

    /// One write, so that a killed process leaves whole lines. It need not be on the disk: after a new start of the machine,
    /// records without a note count as called.
    fn note(&self, note: &Note) -> Result<(), EngineError> {
        let mut line = serde_json::to_vec(note)?;
        line.push(b'\n');
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line).map_err(EngineError::Spool)
    }
}

/// What a group's journal says.
#[derive(Default)]
struct Notes {
    /// The last note of each slot.
    last: BTreeMap<usize, Note>,
    /// Under which start of the machine they were written.
    boot: Option<String>,
}

fn read_notes(path: &PathBuf) -> Result<Notes, EngineError> {
    let mut notes = Notes::default();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(notes),
        Err(e) => return Err(EngineError::Spool(e)),
    };
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(EngineError::Spool)?;
        // A line that was cut by a power failure is as good as none.
        let Ok(note) = serde_json::from_slice::<Note>(&line) else { continue };
        let slot = match &note {
            Note::Begun(boot) => {
                notes.boot = Some(boot.clone());
                continue;
            }
            Note::Sent(slot) | Note::Free(slot) | Note::Refused(slot, _) | Note::Answer(slot, ..) => *slot,
        };
        notes.last.insert(slot, note);
    }
    Ok(notes)
}

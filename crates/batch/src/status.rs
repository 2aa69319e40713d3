//! What can be told of a submission: how far it is, and what it came to.

use std::collections::BTreeMap;

use laneshift_store::{Attempt, AttemptId, Bitmap, Charged, Chunk, ChunkId, Cost, Lane, Promise, Submission};
use laneshift_units::{Money, Timestamp};

use crate::accept::Request;
use crate::decide::Forecast;
use crate::deliver::Delivered;
use crate::engine::{Engine, Memo, Phase, Progress};
use crate::error::EngineError;
use crate::pool::PoolSpec;

/// An attempt of a submission, as a receipt shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Our id.
    pub id: AttemptId,
    /// The lane.
    pub lane: Lane,
    /// The job's ARN, once AWS has it.
    pub arn: Option<String>,
    /// AWS's state of it.
    pub state: String,
    /// AWS's message.
    pub message: Option<String>,
    /// Records.
    pub records: u64,
    /// Records of nobody that fill the job up, and are paid for.
    pub fillers: u64,
    /// What it cost.
    pub cost: Option<Cost>,
}

/// What a submission came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its id.
    pub id: String,
    /// What became of its records.
    pub delivered: Delivered,
    /// Jobs and groups of calls.
    pub parts: Vec<Part>,
    /// What they cost together: its own records' cost, and of what is no record's, as fillers, the share of its records.
    pub cost: Cost,
    /// When it had to be answered.
    pub deadline: Timestamp,
    /// Whether that was promised.
    pub promise: Promise,
    /// The answers.
    pub output: std::path::PathBuf,
}

/// What an attempt has used and cost for one workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Whose requests they were.
    pub owner: String,
    /// What they were for, where somebody said.
    pub workload: Option<String>,
    /// The model or profile, as AWS takes it.
    pub model: String,
    /// The region.
    pub region: String,
    /// Where it ran.
    pub lane: Lane,
    /// How many records.
    pub records: u64,
    /// When it ended.
    pub at: Timestamp,
    /// What it cost.
    pub cost: Cost,
}

impl Engine {
    /// Tells how far a submission is.
    pub(crate) async fn tell(&self, submission: &Submission) -> Result<(), EngineError> {
        let progress = self.progress(submission).await?;
        (self.tools.progress)(&progress);
        Ok(())
    }

    /// How far a submission is.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn progress(&self, submission: &Submission) -> Result<Progress, EngineError> {
        let id = &submission.new.id;
        let (mut settled, mut pools) = (0, Vec::new());
        for (chunk, slots) in self.chunks_of(id).await? {
            settled += chunk.done.and(&slots).count();
            pools.push(chunk.new.pool);
        }
        let attempts = self.store.attempts(id).await?;
        let own = self.own(id).await?;
        let mut paid = Money::ZERO;
        for attempt in &attempts {
            paid += self.own_cost(attempt, &own).await?.map_or(Money::ZERO, |cost| cost.paid);
        }
        let open: Vec<&Attempt> = attempts.iter().filter(|a| a.state.is_open()).collect();
        let past = self.store.past_jobs(500).await?;
        let forecast = pools.first().map(|pool| self.forecast(Some(*pool), &past));
        let expected = expected(&open, forecast.as_ref(), self.now());
        // AWS says how many of a job are processed, and not which: those of others by their share.
        let processed = |memo: &Memo, attempt: &Attempt| {
            let of_job = memo.processed.get(&attempt.intent.id).copied().unwrap_or(0);
            of_job * own_records(attempt, &own) / attempt.intent.records.max(1)
        };
        let held = self.held_pool(submission).await?;
        let memo = self.memo();
        let phase = pools.iter().filter_map(|pool| memo.phases.get(pool)).copied().next().unwrap_or(Phase::Waiting);
        Ok(Progress {
            phase,
            records: submission.new.records,
            settled,
            processed: open.iter().map(|attempt| processed(&memo, attempt)).sum(),
            jobs: open.iter().map(|a| a.provider_state.clone().unwrap_or_else(|| a.state.name().to_owned())).collect(),
            paid,
            expected,
            trouble: (memo.trouble.as_ref().map(|(why, _)| why.clone()))
                .or(held)
                .or_else(|| open.iter().find_map(|a| memo.incomplete.get(&a.intent.id).map(|known| known.why.clone())))
                .filter(|why| !why.is_empty())
                .or_else(|| memo.untidy.clone()),
        })
    }

    /// What a submission has come to so far.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn status(&self, submission: &Submission) -> Result<Receipt, EngineError> {
        let mut so_far = Delivered::default();
        for (chunk, slots) in self.chunks_of(&submission.new.id).await? {
            let count = |map: &Bitmap| map.and(&slots).count();
            so_far.erased += count(&chunk.redacted);
            let slots = slots.without(&chunk.redacted);
            let count = |map: &Bitmap| map.and(&slots).count();
            so_far.waiting += slots.without(&chunk.done).count();
            so_far.answered += count(&chunk.ok);
            so_far.expired += count(&chunk.expired);
            so_far.cancelled += count(&chunk.cancelled);
            so_far.failed += count(&chunk.done.without(&chunk.ok.or(&chunk.expired).or(&chunk.cancelled)));
        }
        self.receipt(submission, so_far).await
    }

    /// What a submission came to.
    pub(crate) async fn receipt(&self, submission: &Submission, delivered: Delivered) -> Result<Receipt, EngineError> {
        let request = Request::of(submission)?;
        let mut cost = Cost::NOTHING;
        let mut parts = Vec::new();
        let own = self.own(&submission.new.id).await?;
        for attempt in self.store.attempts(&submission.new.id).await? {
            let records = own_records(&attempt, &own);
            let one = self.own_cost(&attempt, &own).await?;
            if let Some(one) = one {
                cost += one;
            }
            parts.push(Part {
                id: attempt.intent.id,
                lane: attempt.intent.lane,
                arn: attempt.arn,
                state: attempt.provider_state.unwrap_or_else(|| attempt.state.name().to_owned()),
                message: attempt.message,
                records,
                fillers: attempt.intent.job.as_ref().map_or(0, crate::upload::fillers_of),
                cost: one,
            });
        }
        let (deadline, promise) = (submission.new.deadline, submission.new.promise);
        let id = submission.new.id.clone();
        Ok(Receipt { id, delivered, parts, cost, deadline, promise, output: request.output })
    }

    /// What every attempt that is booked has used and cost, where, when and for which workload.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn booked(&self) -> Result<Vec<Booked>, EngineError> {
        let (mut all, workloads) = (Vec::new(), self.store.workloads().await?);
        for (id, cost) in self.store.costs().await? {
            let attempt = self.store.attempt(id).await?;
            let PoolSpec { owner, model, region, .. } = self.spec(attempt.intent.pool).await?;
            let (lane, at) = (attempt.intent.lane, attempt.ended.unwrap_or(attempt.intent.created));
            let mut add = |workload: Option<&String>, records, cost| {
                let (owner, model, region) = (owner.clone(), model.clone(), region.clone());
                all.push(Booked { owner, workload: workload.cloned(), model, region, lane, records, at, cost });
            };
            let mut records: BTreeMap<Option<&String>, u64> = BTreeMap::new();
            for m in &attempt.intent.members {
                *records.entry(workloads.get(&m.chunk)).or_default() += m.slots.count();
            }
            if records.len() <= 1 {
                add(records.into_keys().next().flatten(), attempt.intent.records, cost);
                continue;
            }
            let (entries, total, mut before) = (self.store.entries(id).await?, records.values().sum(), 0);
            for (workload, records) in records {
                let mut own = Cost::NOTHING;
                for entry in &entries {
                    match entry.chunk {
                        Some(chunk) if workloads.get(&chunk) == workload => own += entry.cost,
                        Some(_) => {}
                        // What is no record's is everybody's by their records, to the last digit.
                        None => own += entry.cost.between(before, before + records, total),
                    }
                }
                before += records;
                add(workload, records, own);
            }
        }
        Ok(all)
    }

    /// What every chunk that somebody pays for has come to.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn charged(&self) -> Result<Vec<Charged>, EngineError> {
        Ok(self.store.charged().await?)
    }

    /// The chunks of a submission with its slots, in the order of its records.
    pub(crate) async fn chunks_of(&self, submission: &str) -> Result<Vec<(Chunk, Bitmap)>, EngineError> {
        let spans = self.store.spans(submission).await?;
        Ok(self.store.chunks(submission).await?.into_iter().zip(spans.iter().map(Bitmap::of)).collect())
    }

    /// How many records of a submission have a result.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn settled(&self, submission: &str) -> Result<u64, EngineError> {
        Ok(self.chunks_of(submission).await?.iter().map(|(chunk, slots)| chunk.done.and(slots).count()).sum())
    }

    /// The slots of a submission, by chunk.
    async fn own(&self, submission: &str) -> Result<Own, EngineError> {
        let mut own = Own::new();
        for span in self.store.spans(submission).await? {
            let slots = own.entry(span.chunk).or_default();
            *slots = slots.or(&Bitmap::of(&span));
        }
        Ok(own)
    }

    /// What of an attempt's cost is a submission's; `None` while it is not booked.
    async fn own_cost(&self, attempt: &Attempt, own: &Own) -> Result<Option<Cost>, EngineError> {
        let entries = self.store.entries(attempt.intent.id).await?;
        let members = |chunk: ChunkId| attempt.intent.members.iter().find(|m| m.chunk == chunk);
        let shares = entries.iter().filter_map(|entry| match entry.chunk {
            Some(chunk) => {
                let (slots, members) = (own.get(&chunk)?, members(chunk)?);
                Some(share(&entry.cost, members.slots.and(slots).count(), members.slots.count()))
            }
            None => Some(share(&entry.cost, own_records(attempt, own), attempt.intent.records)),
        });
        let sum = shares.fold(Cost::NOTHING, |mut sum, one| {
            sum += one;
            sum
        });
        Ok((!entries.is_empty()).then_some(sum))
    }
}

/// The slots of a submission, by chunk.
type Own = BTreeMap<ChunkId, Bitmap>;

/// Records of a submission in an attempt.
fn own_records(attempt: &Attempt, own: &Own) -> u64 {
    attempt.intent.members.iter().map(|m| own.get(&m.chunk).map_or(0, |slots| slots.and(&m.slots).count())).sum()
}

/// A part of what an attempt cost: other submissions may share it.
fn share(cost: &Cost, records: u64, all: u64) -> Cost {
    if records >= all { *cost } else { cost.between(0, records, all) }
}

/// When the last of some jobs is expected to end, at half the chances: those that run by what is left to them.
fn expected(open: &[&Attempt], forecast: Option<&Forecast>, now: Timestamp) -> Option<Timestamp> {
    let forecast = forecast?;
    let ends = open.iter().filter(|a| a.intent.lane == Lane::Batch).map(|a| {
        let Some(started) = a.started else { return Timestamp(a.intent.created.0 + forecast.quantile_ms(0.5)).max(now) };
        // Given that it has not ended yet.
        let passed = forecast.within(now.0 - started.0);
        Timestamp(started.0 + forecast.quantile_ms(passed + (1.0 - passed) / 2.0)).max(now)
    });
    ends.max()
}

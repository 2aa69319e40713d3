//! What a submission can expect: when it is likely done, and whether its deadline can be promised.

use std::collections::HashMap;

use laneshift_store::{Chunk, Lane, Members, NewChunk, Promise};
use laneshift_units::{Money, QuotaTokens, Timestamp};

use crate::accept::Accepted;
use crate::decide::{Feasible, Forecast, Held, Limits, Move, Rescue, Spare, Terms, View, decide, feasible};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::pool::PoolSpec;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// What would be done with its records if everything went as it usually does, by pool.
    pub ways: Vec<Way>,
    /// When it is done at half the chances, and at 95 %, if nothing has to leave batch.
    pub expected: Option<(Timestamp, Timestamp)>,
    /// How many jobs of this deployment that rests on; 0 for published experience.
    pub own_jobs: usize,
    /// Whether its deadline can be promised.
    pub promise: Promise,
    /// The earliest deadline that could be promised; `None` where the on-demand lanes may not be used or their rate is not known.
    pub earliest: Option<Timestamp>,
}

/// What would be done with the records of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Jobs.
    pub jobs: u64,
    /// Records in them.
    pub in_jobs: u64,
    /// Records that fill them up.
    pub fillers: u64,
    /// Records that are called one by one, and in which lane.
    pub called: Option<(Lane, u64)>,
    /// Records that are too few for a job, and may neither be filled up nor called: they wait for company.
    pub waiting: u64,
    /// The least records of a job.
    pub records_min: u64,
    /// What that costs; `None` when a price is not known.
    pub cost: Option<Money>,
}

impl Engine {
    /// What would be done with some records of one pool that nothing else is in: the decision itself says, over a queue that holds
    /// only them, with nothing to wait for.
    async fn way(&self, spec: &PoolSpec, limits: &Limits, new: Vec<NewChunk>, forecast: &Forecast, now: Timestamp) -> Way {
        let chunks: Vec<Chunk> = new.into_iter().map(Chunk::from).collect();
        let records: u64 = chunks.iter().map(|chunk| u64::from(chunk.new.records)).sum();
        let rescue = self.rescue(spec, limits);
        let costs = self.costs(spec, &chunks);
        let moves = decide(&View {
            now,
            chunks: &chunks,
            suspects: &[],
            limits: *limits,
            slots: limits.open_max.max(1),
            jobs_open: false,
            batch: self.runs_in_batch(spec),
            paused: false,
            forecast,
            rescue: rescue.as_ref(),
            others: &[],
            // However long it takes.
            allowance: QuotaTokens(u64::MAX),
            // What is idle when it is accepted may not be when it is sent.
            spare: Spare::default(),
            lost: &HashMap::new(),
            burndown: self.burndown(spec),
            costs,
            terms: &Terms { linger_ms: 0, window: None, ..spec.terms.clone() },
            margin_ms: self.settings.margin_ms,
        });
        let mut way = Way { records_min: limits.records_min, ..Way::default() };
        let count = |members: &[Members]| members.iter().map(|m| m.slots.count()).sum::<u64>();
        for one in moves {
            match one {
                Move::Job(members, fillers) => {
                    way.jobs += 1;
                    way.in_jobs += count(&members);
                    way.fillers += fillers;
                }
                Move::Calls(members, lane, _) => {
                    way.called = Some((lane, way.called.map_or(0, |(_, n)| n) + count(&members)));
                }
                Move::Expire(_) | Move::Quarantine(..) => {}
            }
        }
        let called = way.called.map_or(0, |(_, n)| n);
        let others = records - called - way.in_jobs;
        if self.runs_in_batch(spec) && records >= limits.records_min {
            // More than may run at one time: the others follow.
            way.jobs += others.div_ceil(limits.records_max.max(1));
            way.in_jobs += others;
        } else {
            way.waiting = others;
        }
        let times = |each: Option<Money>, n: u64| if n == 0 { Some(Money::ZERO) } else { each.map(|each| each.times(n)) };
        let called_cost = match way.called {
            Some((Lane::Flex, n)) => times(costs.flex, n),
            Some((_, n)) => times(costs.on_demand, n),
            None => Some(Money::ZERO),
        };
        way.cost = (|| Some(times(costs.batch, way.in_jobs)? + times(costs.filler, way.fillers)? + called_cost?))();
        way
    }

    /// The same fluid test that the guard runs, with the submission added to everything that waits.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn outlook(&self, accepted: &Accepted) -> Result<Outlook, EngineError> {
        let now = self.now();
        let past = self.store.past_jobs(500).await?;
        let live = self.store.live().await?;
        let deadline = accepted.submission.deadline;
        let mut outlook =
            Outlook { ways: Vec::new(), expected: None, own_jobs: 0, promise: Promise::Guaranteed, earliest: Some(now) };
        let known = self.store.pools().await?;
        for (at, spec) in accepted.pools.iter().enumerate() {
            let chunks = || accepted.chunks.iter().filter(|chunk| chunk.pool.0 == at as u64);
            let records: u64 = chunks().map(|c| u64::from(c.records)).sum();
            let limits = self.limits(spec, now).await;
            let text = serde_json::to_string(spec)?;
            let pool = known.iter().find(|(_, known)| *known == text).map(|(id, _)| *id);
            let forecast = self.forecast(pool, &past);
            outlook.own_jobs = forecast.jobs;
            let way = self.way(spec, &limits, chunks().cloned().collect(), &forecast, now).await;
            outlook.ways.push(way);
            if way.jobs > 0 {
                let waves = i64::try_from(way.jobs.div_ceil(limits.open_max.max(1))).unwrap_or(i64::MAX);
                let at = |forecast: &Forecast, share| {
                    Timestamp(now.0.saturating_add(forecast.quantile_ms(share).saturating_mul(waves)))
                };
                let (half, most) = (at(&forecast, 0.5), at(&forecast, 0.95));
                outlook.expected = Some(outlook.expected.map_or((half, most), |(a, b)| (a.max(half), b.max(most))));
            }
            let burndown = self.burndown(spec);
            let new: u64 = chunks().map(|c| c.usage.input.0 + c.usage.output.0 * burndown).sum();
            let Some(rescue) = self.rescue(spec, &limits) else {
                (outlook.promise, outlook.earliest) = (Promise::BestEffort, None);
                continue;
            };
            let mut held = self.held_for(live.iter(), spec, &rescue, burndown).await?;
            held.push(Held { deadline, tokens: QuotaTokens(rescue.weight(new / records.max(1)) * records) });
            if let Feasible::At(when) = feasible(now, self.settings.margin_ms, &held, &rescue) {
                outlook.promise = Promise::BestEffort;
                outlook.earliest = outlook.earliest.map(|known| known.max(when));
            }
        }
        Ok(outlook)
    }

    /// What of some chunks waits for the same model's on-demand lanes.
    pub(crate) async fn held_for(
        &self,
        chunks: impl Iterator<Item = &Chunk>,
        spec: &PoolSpec,
        rescue: &Rescue,
        burndown: u64,
    ) -> Result<Vec<Held>, EngineError> {
        let mut held = Vec::new();
        for chunk in chunks {
            if self.spec(chunk.new.pool).await?.model == spec.model {
                let unsettled = chunk.all().without(&chunk.done).count();
                let usage = &chunk.new.usage;
                let each = (usage.input.0 + usage.output.0 * burndown) / u64::from(chunk.new.records.max(1));
                held.push(Held { deadline: chunk.new.deadline, tokens: QuotaTokens(rescue.weight(each) * unsettled) });
            }
        }
        Ok(held)
    }
}

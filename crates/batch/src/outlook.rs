//! What a submission can expect: when it is likely done, and whether its deadline can be promised.

use laneshift_store::{Chunk, Promise};
use laneshift_units::{QuotaTokens, Timestamp};

use crate::accept::Accepted;
use crate::decide::{Feasible, Forecast, Held, Rescue, feasible};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::pool::PoolSpec;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Jobs that its records make; 0 when they are too few for one.
    pub jobs: u64,
    /// The least records of a job.
    pub records_min: u64,
    /// When it is done at half the chances, and at 95 %, if nothing has to leave batch.
    pub expected: Option<(Timestamp, Timestamp)>,
    /// How many jobs of this deployment that rests on; 0 for published experience.
    pub own_jobs: usize,
    /// Whether its deadline can be promised.
    pub promise: Promise,
    /// The earliest deadline that could be promised; `None` where the on-demand lanes may not be used or their rate is not known.
    pub earliest: Option<Timestamp>,
}

impl Engine {
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
            Outlook { jobs: 0, records_min: 0, expected: None, own_jobs: 0, promise: Promise::Guaranteed, earliest: Some(now) };
        for (at, spec) in accepted.pools.iter().enumerate() {
            let chunks = || accepted.chunks.iter().filter(|chunk| chunk.pool.0 == at as u64);
            let records: u64 = chunks().map(|c| u64::from(c.records)).sum();
            let limits = self.limits(spec, now).await;
            outlook.records_min = outlook.records_min.max(limits.records_min);
            let jobs = if records < limits.records_min { 0 } else { records.div_ceil(limits.records_max.max(1)) };
            outlook.jobs += jobs;
            let pool = self.store.pool(&serde_json::to_string(spec)?).await?;
            let forecast = self.forecast(pool, &past);
            outlook.own_jobs = forecast.jobs;
            if self.runs_in_batch(spec) {
                let waves = i64::try_from(jobs.div_ceil(limits.open_max.max(1)).max(1)).unwrap_or(i64::MAX);
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

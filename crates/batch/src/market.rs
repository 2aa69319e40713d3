//! What is known of a pool's model: its quotas, the on-demand lanes and what is left of them, its prices, how long its jobs take.

use std::sync::Arc;

use laneshift_store::{Attempt, Chunk, Lane, PoolId};
use laneshift_units::{PriceMode, Profile, ProfiledModel, QuotaTokens, Region, Timestamp, Tokens, Usage};

use crate::decide::{Costs, Forecast, Limits, Rescue};
use crate::engine::{Engine, Told};
use crate::pad;
use crate::pool::PoolSpec;

/// How long limits are believed, and that a model is there.
const LIMITS_MS: i64 = 600_000;
/// Quota tokens a minute of what cannot wait any longer where no quota is known. AWS throttles what is too much.
const LAST_RESORT: u64 = 100_000;
/// How long a call is thought to take, for how many can be made in a minute.
const CALL_MS: u64 = 20_000;

impl Engine {
    /// The limits of a pool's jobs here and now: without Service Quotas the dated defaults hold.
    pub(crate) async fn limits(&self, spec: &PoolSpec, now: Timestamp) -> Limits {
        let (quotas, read) = self.quotas(now).await;
        if let Some((limits, by)) = self.memo().limits.get(&spec.model)
            && *by == read
        {
            return *limits;
        }
        let catalog = &self.tools.catalog;
        let model = spec.profiled();
        let key = catalog.model_key(&model.model);
        let is_it = |name: &str| key.is_some() && catalog.model_key(&laneshift_units::ModelId::new(name)) == key;
        let limits = Limits::of(&is_it, &model.profile, &quotas, &self.tools.capabilities);
        self.memo().limits.insert(spec.model.clone(), (limits, read));
        limits
    }

    /// What Service Quotas says of all models, and when it did.
    async fn quotas(&self, now: Timestamp) -> Told {
        if let Some((quotas, read)) = &self.memo().quotas
            && now.0 - read.0 < LIMITS_MS
        {
            return (quotas.clone(), *read);
        }
        let told = (Arc::new(self.client.quotas().await.unwrap_or_default()), now);
        self.memo().quotas = Some(told.clone());
        told
    }

    /// The on-demand lanes of a pool's model, as far as its terms allow and the quotas are known; flex only where it has a price.
    pub(crate) fn rescue(&self, spec: &PoolSpec, limits: &Limits) -> Option<Rescue> {
        let share = |quota: u64| (quota as f64 * self.settings.rescue.share) as u64;
        self.rescue_at(self.settings.rescue.tokens_per_minute.or(limits.tokens_per_minute.map(share))?, spec, limits)
    }

    /// The same where no quota is known, for what would pass its deadline uncalled.
    pub(crate) fn last_resort(&self, spec: &PoolSpec, limits: &Limits, chunks: &[Chunk], now: Timestamp) -> Option<Rescue> {
        let known = self.settings.rescue.tokens_per_minute.or(limits.tokens_per_minute);
        let presses = |chunk: &Chunk| chunk.new.deadline.0 <= now.0 + self.settings.margin_ms;
        (known.is_none() && chunks.iter().any(presses)).then(|| self.rescue_at(LAST_RESORT, spec, limits))?
    }

    fn rescue_at(&self, tokens: u64, spec: &PoolSpec, limits: &Limits) -> Option<Rescue> {
        let settings = &self.settings.rescue;
        let share = |quota: u64| (quota as f64 * settings.share) as u64;
        let by_calls = settings.calls_max as u64 * 60_000 / CALL_MS;
        let requests = limits.requests_per_minute.map_or(u64::MAX, share).min(by_calls).max(1);
        let mut lanes = spec.terms.lanes.clone();
        let token = Usage { input: Tokens(1), ..Usage::default() };
        lanes.retain(|lane| *lane != Lane::Flex || self.prices(spec).estimate(PriceMode::Flex, &token, 1).is_some());
        let tokens_per_minute = QuotaTokens(tokens);
        (tokens > 0 && !lanes.is_empty()).then_some(Rescue { tokens_per_minute, requests_per_minute: requests, lanes })
    }

    /// What may go to the on-demand lanes at this moment: two minutes' worth at most, so that a turn that took longer than a
    /// minute loses nothing.
    pub(crate) fn allowance(&self, spec: &PoolSpec, rescue: &Rescue, now: Timestamp) -> QuotaTokens {
        let mut memo = self.memo();
        let most = rescue.tokens_per_minute.0;
        let entry = memo.allowances.entry(spec.model.clone()).or_insert((now, most));
        let passed = u128::from((now.0 - entry.0.0).max(0).cast_unsigned());
        let grown = u64::try_from(u128::from(most) * passed / 60_000).unwrap_or(u64::MAX);
        *entry = (now, entry.1.saturating_add(grown).min(most.saturating_mul(2)));
        QuotaTokens(entry.1)
    }

    pub(crate) fn use_allowance(&self, spec: &PoolSpec, used: QuotaTokens) {
        if let Some((_, left)) = self.memo().allowances.get_mut(&spec.model) {
            *left = left.saturating_sub(used.0);
        }
    }

    /// How many times an output token of a pool's model counts on demand.
    pub(crate) fn burndown(&self, spec: &PoolSpec) -> u64 {
        let key = self.tools.catalog.model_key(&spec.profiled().model);
        key.map_or(1, |key| u64::from(self.tools.capabilities.output_burndown(key)))
    }

    /// Whether the capability table has batch for the model, or does not know it.
    pub(crate) fn runs_in_batch(&self, spec: &PoolSpec) -> bool {
        self.listed_in_batch(&spec.profiled(), &spec.region).unwrap_or(true)
    }

    /// What the capability table says of a model and batch.
    fn listed_in_batch(&self, model: &ProfiledModel, region: &str) -> Option<bool> {
        let key = self.tools.catalog.model_key(&model.model)?;
        self.tools.capabilities.batch_in(key, &model.profile, &Region::new(region))
    }

    /// Of some models, the first that AWS does not have here or does not run as it is named, and why. Where AWS does not say, none.
    pub async fn unknown_model<'a>(&self, models: impl IntoIterator<Item = &'a str, IntoIter: Send>) -> Option<String> {
        for model in models {
            let now = self.now();
            if self.memo().models.get(model).is_some_and(|asked| now.0 - asked.0 < LIMITS_MS) {
                continue;
            }
            if let Some(why) = self.why_unknown(model).await {
                return Some(why);
            }
            // Where AWS did not say, it is not waited for again at once.
            self.memo().models.insert(model.to_owned(), now);
        }
        None
    }

    async fn why_unknown(&self, model: &str) -> Option<String> {
        let (named, region) = (ProfiledModel::parse_id(model), self.client.region());
        let is_profile = named.profile != Profile::InRegion || model.contains(":application-inference-profile/");
        if !is_profile && model.starts_with("arn:") && !model.contains(":foundation-model/") {
            // What ARNs of other kinds stand for, neither call says.
            return None;
        }
        match self.client.model(model, is_profile).await {
            Err(error) if error.is("ResourceNotFoundException") || error.is("ValidationException") => {
                Some(format!("{model} is no model in {region}: {error}"))
            }
            Ok(types) => {
                let runs = types.is_empty() || types.iter().any(|name| name == "ON_DEMAND");
                let why = || format!("{model} is not run by this id in {region}: name an inference profile that contains it");
                (!runs && self.listed_in_batch(&named, region) != Some(true)).then(why)
            }
            Err(_) => None,
        }
    }

    pub(crate) fn costs(&self, spec: &PoolSpec, chunks: &[Chunk]) -> Costs {
        let prices = self.prices(spec);
        let (records, usage) =
            chunks.iter().fold((0, Usage::default()), |(n, sum), c| (n + u64::from(c.new.records), sum + c.new.usage));
        let one = |mode, usage: &Usage, records: u64| {
            let sum = prices.estimate(mode, usage, records)?;
            Some(laneshift_units::Money::from_pico(sum.pico() / i128::from(records.max(1))))
        };
        Costs {
            batch: one(PriceMode::Batch, &usage, records),
            filler: pad::input(spec).and_then(|_| one(PriceMode::Batch, &pad::USAGE, 1)),
            flex: one(PriceMode::Flex, &usage, records),
            on_demand: one(PriceMode::OnDemand, &usage, records),
        }
    }

    /// How long jobs take: by the pool's own when there are enough of them, by all of the deployment's otherwise.
    pub(crate) fn forecast(&self, pool: Option<PoolId>, past: &[Attempt]) -> Forecast {
        let sample = |of: &dyn Fn(&Attempt) -> bool| {
            let jobs = past.iter().filter(|a| of(a));
            let times = jobs.filter_map(|a| {
                let took = a.ended?.0 - a.started?.0;
                let whole = matches!(a.provider_state.as_deref(), Some("Completed"));
                Some((took.max(1), whole))
            });
            Forecast::of(&times.collect::<Vec<_>>())
        };
        let own = sample(&|a| Some(a.intent.pool) == pool);
        if own.jobs > 0 { own } else { sample(&|_| true) }
    }
}

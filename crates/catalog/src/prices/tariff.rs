//! The prices of one model at one place, looked up once: every mode, every context tier.

use laneshift_core::price::Rates;
use laneshift_units::{ModelId, Money, PriceMode, ProfiledModel, Region, Tokens, Usage};

use super::Catalog;

/// See the module. Each request is priced by the context tier that its own input reaches, as AWS prices it; an unknown price
/// stays unknown.
#[derive(Clone, Debug)]
pub struct Tariff {
    /// Where the model's context tiers begin, and what each mode costs there.
    tiers: Vec<(u64, [Rates; PriceMode::ALL.len()])>,
}

impl Tariff {
    /// Looks up what a model costs when it is called from a region.
    pub fn of(catalog: &Catalog, model: &ProfiledModel, region: &Region) -> Self {
        let ProfiledModel { model, profile } = model;
        Self::by(catalog, model, |mode, input| catalog.quote(model, profile, region, mode, input).rates)
    }

    /// Looks up what a model costs when it is called in a region on the bedrock-mantle endpoint.
    pub fn of_mantle(catalog: &Catalog, model: &ModelId, region: &Region) -> Self {
        Self::by(catalog, model, |mode, input| catalog.mantle_quote(model, region, mode, input).rates)
    }

    fn by(catalog: &Catalog, model: &ModelId, rates: impl Fn(PriceMode, Tokens) -> Rates) -> Self {
        let key = catalog.model_key(model);
        let rows = catalog.rows().iter().filter(|row| Some(&*row.model_key) == key);
        let mut begins: Vec<u64> = rows.map(|row| row.ctx_min.0).chain([0]).collect();
        begins.sort_unstable();
        begins.dedup();
        let tier = |begin| (begin, PriceMode::ALL.map(|mode| rates(mode, Tokens(begin))));
        Self { tiers: begins.into_iter().map(tier).collect() }
    }

    /// The same rates for any input, in the standard mode only. A class without a rate stays unknown.
    pub fn flat(rates: Rates) -> Self {
        let by_mode = PriceMode::ALL.map(|mode| if mode == PriceMode::OnDemand { rates } else { Rates::default() });
        Self { tiers: vec![(0, by_mode)] }
    }

    /// The context tier that an input reaches, by where it begins.
    pub fn tier(&self, input: Tokens) -> Tokens {
        Tokens(self.at(input).0)
    }

    fn at(&self, input: Tokens) -> &(u64, [Rates; PriceMode::ALL.len()]) {
        let beyond = self.tiers.partition_point(|(begin, _)| *begin <= input.0);
        &self.tiers[beyond.saturating_sub(1)]
    }

    /// The rates of a mode for a request with this much input in total.
    pub fn rates(&self, mode: PriceMode, input: Tokens) -> &Rates {
        &self.at(input).1[mode as usize]
    }

    /// The cost of tokens of one context tier in one mode; `None` when a price that is needed is not known.
    pub fn cost(&self, mode: PriceMode, tier: Tokens, usage: &Usage) -> Option<Money> {
        self.rates(mode, tier).cost(usage).ok()
    }

    /// The cost of one request in one mode.
    pub fn of_request(&self, mode: PriceMode, usage: &Usage) -> Option<Money> {
        self.cost(mode, usage.total_input(), usage)
    }

    /// The cost of `records` alike requests in one mode.
    pub fn estimate(&self, mode: PriceMode, usage: &Usage, records: u64) -> Option<Money> {
        self.cost(mode, Tokens(usage.total_input().0 / records.max(1)), usage)
    }
}

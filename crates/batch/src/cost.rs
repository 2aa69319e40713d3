//! What a job's answers cost, and what the same tokens cost on demand.
//!
//! Each record is priced by the context tier that its own input reaches, as AWS prices it. An unknown price stays unknown.

use std::collections::BTreeMap;

use laneshift_catalog::prices::{Catalog, Tariff};
use laneshift_dialect::{MOST_OUTPUT, output_limit};
use laneshift_store::{Cost, Costed, Lane};
use laneshift_units::{Money, PriceMode, ProfiledModel, Region, Tokens, Usage};
use serde_json::Value;

use crate::engine::Engine;
use crate::pool::PoolSpec;

/// Tokens by the context tier of their request, answers that count and answers that came twice apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    tiers: BTreeMap<u64, (Usage, Usage)>,
}

/// The prices of a pool's model.
pub(crate) struct Prices(Tariff);

impl Prices {
    pub(crate) fn new(catalog: &Catalog, model: &ProfiledModel, region: &str) -> Self {
        Self(Tariff::of(catalog, model, &Region::new(region)))
    }

    /// The cost of `records` alike requests in one mode.
    pub(crate) fn estimate(&self, mode: PriceMode, usage: &Usage, records: u64) -> Option<Money> {
        self.0.estimate(mode, usage, records)
    }

    /// The most that one record costs in a lane: a token is at least a byte.
    pub(crate) fn at_most(&self, lane: Lane, input: &str) -> Option<Money> {
        let Some(mode) = mode_of(lane) else { return Some(Money::ZERO) };
        self.estimate(mode, &most_of(input, output_limit(input)), 1)
    }

    /// Books a tally of answers of a lane.
    pub(crate) fn book(&self, lane: Lane, tally: &Tally) -> Cost {
        let mut cost = Cost::NOTHING;
        for (tier, (counted, wasted)) in &tally.tiers {
            let all = *counted + *wasted;
            let price = |mode: Option<PriceMode>, usage| match mode {
                Some(mode) => self.0.cost(mode, Tokens(*tier), usage),
                None => Some(Money::ZERO),
            };
            cost.usage += all;
            let mode = mode_of(lane);
            let priced = (price(mode, &all), price(Some(PriceMode::OnDemand), counted), price(mode, wasted));
            let (Some(paid), Some(on_demand), Some(waste)) = priced else {
                cost.costed = Costed::Unpriced;
                continue;
            };
            cost.paid += paid;
            cost.on_demand += on_demand;
            cost.waste += waste;
        }
        cost
    }

    /// Adds an answer's tokens.
    pub(crate) fn add(&self, tally: &mut Tally, usage: &Usage, counts: bool) {
        let entry = tally.tiers.entry(self.0.tier(usage.total_input()).0).or_default();
        if counts {
            entry.0 += *usage;
        } else {
            entry.1 += *usage;
        }
    }
}

/// The price mode of a lane; none where no answer costs anything, because the hour is paid for.
fn mode_of(lane: Lane) -> Option<PriceMode> {
    match lane {
        Lane::Batch => Some(PriceMode::Batch),
        Lane::Flex => Some(PriceMode::Flex),
        Lane::OnDemand => Some(PriceMode::OnDemand),
        Lane::Provisioned => None,
    }
}

/// The most that a record uses: a token is at least a byte.
pub(crate) fn most_of(input: &str, output_max: Option<u64>) -> Usage {
    let output = Tokens(output_max.unwrap_or(MOST_OUTPUT));
    Usage { input: Tokens(input.len() as u64), output, ..Usage::default() }
}

/// Adds what may have been paid beyond a cost; one without a price makes it unknown.
pub(crate) fn add_bound(cost: &mut Cost, amount: Option<Money>) {
    match amount {
        Some(amount) => cost.bound += amount,
        None => cost.costed = Costed::Unpriced,
    }
}

impl Engine {
    /// The prices of a pool's model.
    pub(crate) fn prices(&self, spec: &PoolSpec) -> Prices {
        Prices::new(&self.tools.catalog, &spec.profiled(), &spec.region)
    }
}

/// The metered tokens in an answer of any family; `None` when it names none.
// The bodies of Converse, Claude, Nova, OpenAI, Llama and Titan, as in AWS's "Inference request parameters and response
// fields", read 2026-11-23. Batch has no cache, so all input is uncached.
pub(crate) fn usage_of(output: &Value) -> Option<Usage> {
    let usage = output.get("usage").unwrap_or(output);
    let count = |names: &[&str]| names.iter().find_map(|name| usage.get(*name).and_then(Value::as_u64));
    let input = count(&["inputTokens", "input_tokens", "prompt_tokens", "prompt_token_count", "inputTextTokenCount"])?;
    let generated = || output["results"].as_array().map(|r| r.iter().filter_map(|r| r["tokenCount"].as_u64()).sum());
    let out = count(&["outputTokens", "output_tokens", "completion_tokens", "generation_token_count"]).or_else(generated);
    Some(Usage { input: Tokens(input), output: Tokens(out.unwrap_or(0)), ..Usage::default() })
}

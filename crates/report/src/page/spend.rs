//! Spend today: by model, token class and day, with unit costs.

use laneshift_core::plan::{ModelSpend, Plan};
use laneshift_units::{Money, TokenClass, Usage};

use crate::svg::{self, Svg};
use crate::text::{percent, ratio, times_each, unit_price};

/// A model's row.
pub(super) struct ModelRow {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) requests: u64,
    pub(super) usage: Usage,
    pub(super) today: Option<Money>,
    pub(super) share: String,
    pub(super) per_million: String,
    pub(super) per_request: String,
    pub(super) sold: &'static str,
}

/// A token class's row.
pub(super) struct ClassRow {
    pub(super) name: String,
    pub(super) tokens: laneshift_units::Tokens,
    pub(super) share: String,
}

/// What the template needs.
pub(super) struct Spend {
    pub(super) models: Vec<ModelRow>,
    pub(super) classes: Vec<ClassRow>,
    pub(super) requests: u64,
    pub(super) per_million: String,
    pub(super) per_request: String,
    pub(super) cache_read: String,
    pub(super) daily: Option<Svg>,
}

impl Spend {
    pub(super) fn new(plan: &Plan, decimals: usize) -> Self {
        // Unit costs are of what could be priced.
        let priced: Vec<&ModelSpend> = plan.models.iter().filter(|m| m.today.is_some()).collect();
        let usage: Usage = priced.iter().map(|m| m.usage).sum();
        let requests: u64 = priced.iter().map(|m| m.requests).sum();
        let spend: Money = priced.iter().filter_map(|m| m.today).sum();
        let input = usage.total_input().0;
        Self {
            models: plan.models.iter().map(|m| model_row(m, plan.today)).collect(),
            classes: classes(&plan.models.iter().map(|m| m.usage).sum()),
            requests: plan.models.iter().map(|m| m.requests).sum(),
            per_million: unit_price(spend, usage.total().0),
            per_request: times_each(spend, requests),
            cache_read: if input == 0 { "–".to_owned() } else { ratio(usage.cache_read.0 as f64 / input as f64) },
            daily: svg::daily(&plan.daily, decimals),
        }
    }
}

fn model_row(m: &ModelSpend, whole: Money) -> ModelRow {
    let none = || "–".to_owned();
    ModelRow {
        name: m.name.clone(),
        id: m.model.to_string(),
        requests: m.requests,
        usage: m.usage,
        today: m.today,
        share: m.today.map_or_else(none, |t| percent(t, whole)),
        per_million: m.today.map_or_else(none, |t| unit_price(t, m.usage.total().0)),
        per_request: m.today.map_or_else(none, |t| times_each(t, m.requests)),
        sold: match (m.batch_price, m.flex_price) {
            (true, true) => "batch, flex",
            (true, false) => "batch",
            (false, true) => "flex",
            (false, false) => "–",
        },
    }
}

fn classes(usage: &Usage) -> Vec<ClassRow> {
    let total = usage.total().0;
    TokenClass::ALL
        .into_iter()
        .map(|class| (class, usage.get(class)))
        .filter(|(_, tokens)| tokens.0 > 0)
        .map(|(class, tokens)| ClassRow {
            name: class.name().replace('_', " "),
            tokens,
            share: ratio(tokens.0 as f64 / total as f64),
        })
        .collect()
}

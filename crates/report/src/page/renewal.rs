//! What to bring to the renewal: volume by model and mode, list rates, and what the same tokens cost elsewhere.

use std::collections::BTreeMap;

use laneshift_core::plan::{Plan, RenewalLine};
use laneshift_units::{Money, Usage};

use crate::text::{lane_and_profile, percent};

/// Lines shown, the dearest.
const LINES_MAX: usize = 60;

/// A line with its mode in words.
pub(super) struct Line<'a> {
    pub(super) line: &'a RenewalLine,
    pub(super) mode: String,
    pub(super) today: Usage,
    pub(super) planned: Usage,
}

/// What a provider could take over.
pub(super) struct Provider {
    pub(super) name: String,
    pub(super) lines: usize,
    pub(super) here: Money,
    pub(super) there: Money,
    pub(super) difference: Money,
    pub(super) share: String,
}

/// What the template needs.
pub(super) struct Renewal<'a> {
    pub(super) lines: Vec<Line<'a>>,
    pub(super) more: usize,
    pub(super) providers: Vec<Provider>,
}

impl<'a> Renewal<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self {
            lines: plan.renewal.iter().take(LINES_MAX).map(line).collect(),
            more: plan.renewal.len().saturating_sub(LINES_MAX),
            providers: providers(plan),
        }
    }
}

fn line(line: &RenewalLine) -> Line<'_> {
    Line { mode: lane_and_profile(line.lane, &line.profile), today: line.usage_today, planned: line.usage_planned, line }
}

/// For each provider: the lines that it offers too, at its cheapest offer for each, against their planned list cost.
fn providers(plan: &Plan) -> Vec<Provider> {
    let mut sums: BTreeMap<&str, (usize, Money, Money)> = BTreeMap::new();
    for line in &plan.renewal {
        let mut cheapest: BTreeMap<&str, Money> = BTreeMap::new();
        for other in &line.walk_away {
            let cost = cheapest.entry(other.provider.as_str()).or_insert(other.cost);
            *cost = other.cost.min(*cost);
        }
        for (provider, there) in cheapest {
            let sum = sums.entry(provider).or_default();
            *sum = (sum.0 + 1, sum.1 + line.planned, sum.2 + there);
        }
    }
    let mut found: Vec<Provider> = sums
        .into_iter()
        .map(|(name, (lines, here, there))| Provider {
            name: name.to_owned(),
            lines,
            here,
            there,
            difference: there - here,
            share: percent(there - here, here),
        })
        .collect();
    found.sort_by(|a, b| b.here.cmp(&a.here).then(a.there.cmp(&b.there)));
    found
}

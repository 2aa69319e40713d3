//! The renewal table: volume by model, lane and profile, its list rates, and what the same tokens cost elsewhere.

use std::collections::BTreeMap;

use laneshift_catalog::prices::{Catalog, Provider};
use laneshift_core::plan::{Plan, RenewalLine, WalkAway, WorkloadInput};
use laneshift_core::route::LaneId;
use laneshift_units::{ModelId, Money, Profile, TokenClass, Usage};

use crate::market::Book;

type Line = (ModelId, LaneId, Profile);

/// Volumes and rates as they are today, kept before a plan consumes the workloads.
#[derive(Default)]
pub(super) struct Volumes {
    today: BTreeMap<Line, (Usage, Money)>,
    rates: BTreeMap<Line, (Option<String>, Option<String>)>,
}

impl Volumes {
    pub(super) fn of(workloads: &[WorkloadInput]) -> Self {
        let mut volumes = Self::default();
        for grain in workloads.iter().flat_map(|w| &w.slices).flat_map(|s| &s.grains) {
            let line = (grain.model.clone(), grain.lane, grain.profile.clone());
            let entry = volumes.today.entry(line).or_default();
            entry.0 += grain.usage;
            let committed = grain.lane == LaneId::Provisioned;
            let cost = grain.served.filter(|_| !committed).and_then(|ix| grain.market[ix].rates.cost(&grain.usage).ok());
            entry.1 += cost.unwrap_or(Money::ZERO);
            for target in &grain.market {
                let rate = |class| target.rates.get(class).map(laneshift_units::Rate::usd_per_million);
                volumes
                    .rates
                    .entry((grain.model.clone(), target.lane, target.place.profile.clone()))
                    .or_insert_with(|| (rate(TokenClass::Input), rate(TokenClass::Output)));
            }
        }
        volumes
    }

    /// The lines with their models, dearest first.
    pub(super) fn lines(self, plan: &Plan, book: &Book<'_>) -> Vec<(ModelId, RenewalLine)> {
        let mut planned = self.today.clone();
        for moved in plan.workloads.iter().flat_map(|w| &w.slices).flat_map(|s| &s.moves) {
            let from = planned.entry((moved.model.clone(), moved.from, moved.profile_from.clone())).or_default();
            from.0 = minus(from.0, moved.usage);
            from.1 -= moved.before;
            let to = planned.entry((moved.model.clone(), moved.to, moved.profile_to.clone())).or_default();
            // A batch job has no cache: its tokens are plain input.
            to.0 += if moved.to == LaneId::Batch { moved.usage.uncached() } else { moved.usage };
            to.1 += moved.after;
        }
        let mut lines: Vec<(ModelId, RenewalLine)> = planned
            .into_iter()
            .map(|(line, (usage_planned, planned))| {
                let (usage_today, today) = self.today.get(&line).copied().unwrap_or_default();
                let (list_in, list_out) = self.rates.get(&line).cloned().unwrap_or_default();
                let (model, lane, profile) = line;
                let line = RenewalLine {
                    model: book.name(&model),
                    walk_away: walk_away(book.catalog, &model, lane, &usage_planned),
                    lane,
                    profile,
                    usage_today,
                    usage_planned,
                    list_in,
                    list_out,
                    today,
                    planned,
                };
                (model, line)
            })
            .collect();
        lines.sort_by(|(a, line), (b, other)| {
            other.planned.cmp(&line.planned).then_with(|| a.cmp(b)).then(line.lane.cmp(&other.lane))
        });
        lines
    }
}

fn minus(mut a: Usage, b: Usage) -> Usage {
    for class in TokenClass::ALL {
        let left = a.get_mut(class);
        left.0 = left.0.saturating_sub(b.get(class).0);
    }
    a
}

fn walk_away(catalog: &Catalog, model: &ModelId, lane: LaneId, usage: &Usage) -> Vec<WalkAway> {
    let Some(key) = catalog.model_key(model) else { return Vec::new() };
    let mut found = Vec::new();
    for other in catalog.alternatives(key) {
        let batch = lane == LaneId::Batch || lane == LaneId::Flex;
        let (rates, mode) =
            if batch && !other.batch.is_empty() { (other.batch, "batch") } else { (other.on_demand, "on demand") };
        // Elsewhere a batch may or may not read a cache: the same tokens without one are the careful comparison.
        let billed = if mode == "batch" { usage.uncached() } else { *usage };
        if let Ok(cost) = rates.cost(&billed) {
            found.push(WalkAway {
                provider: provider_name(other.provider).to_owned(),
                model: other.model_id.to_string(),
                mode: mode.to_owned(),
                cost,
                boundary: boundary(other.provider).to_owned(),
                source: format!("{}, {}", other.source, other.as_of),
            });
        }
    }
    found.sort_by_key(|a| a.cost);
    found
}

fn provider_name(provider: Provider) -> &'static str {
    match provider {
        Provider::Anthropic => "Anthropic",
        Provider::AzureOpenai => "Azure OpenAI",
        Provider::Bedrock => "Amazon Bedrock",
        Provider::BedrockMantle => "Amazon Bedrock (mantle)",
        Provider::ClaudePlatformOnAws => "Claude Platform on AWS",
        Provider::Openai => "OpenAI",
        Provider::Vertex => "Google Vertex AI",
    }
}

fn boundary(provider: Provider) -> &'static str {
    match provider {
        Provider::Anthropic => "data leaves AWS; Anthropic is the processor",
        Provider::ClaudePlatformOnAws => "billed by AWS, run by Anthropic outside the AWS boundary",
        Provider::Openai => "data leaves AWS; OpenAI is the processor",
        Provider::AzureOpenai => "data leaves AWS for Microsoft Azure",
        Provider::Vertex => "data leaves AWS for Google Cloud",
        Provider::Bedrock | Provider::BedrockMantle => "stays in AWS",
    }
}

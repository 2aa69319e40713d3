//! The common mistakes, as far as the evidence shows them, each with its money.

use laneshift_units::{Money, TokenClass};

use super::types::{BlockerKind, Mistake, MistakeKind, Plan};
use crate::route::LaneId;
use crate::verdict::Class;

/// Share of cache writes that must be read back before they pay, as reads for each written token.
// A write costs 1.25 times input and a read saves 0.9 of it: 0.25 / 0.9 reads pay for one write (AWS price page, 2026-07-24).
const READS_PER_WRITE_MIN: f64 = 0.25 / 0.9;

/// Finds mistakes, dearest first.
pub(super) fn find(plan: &Plan) -> Vec<Mistake> {
    let mut found =
        [tolerant_on_demand, priority_for_tolerant, cache_written_not_read, unattributed, no_batch_price, one_blended_rate]
            .into_iter()
            .filter_map(|rule| rule(plan))
            .collect::<Vec<_>>();
    found.sort_by(|a, b| b.costs.cmp(&a.costs).then(a.kind.cmp(&b.kind)));
    found
}

fn tolerant_on_demand(plan: &Plan) -> Option<Mistake> {
    let (mut spend, mut saves, mut workloads) = (Money::ZERO, Money::ZERO, Vec::new());
    for w in &plan.workloads {
        let mut moved = false;
        for m in w.slices.iter().flat_map(|s| &s.moves) {
            spend += m.before;
            saves += m.before - m.after;
            moved = true;
        }
        if moved {
            workloads.push(w.key.clone());
        }
    }
    (saves > Money::ZERO).then(|| Mistake {
        kind: MistakeKind::TolerantOnDemand,
        text: format!("work that can wait is bought on demand: {spend:.0} in {} workloads", workloads.len()),
        costs: Some(saves),
        advice: "move it to the lane that the plan names".to_owned(),
        workloads,
    })
}

fn priority_for_tolerant(plan: &Plan) -> Option<Mistake> {
    let mut costs = Money::ZERO;
    let mut workloads = Vec::new();
    for w in &plan.workloads {
        let moves = w.slices.iter().flat_map(|s| &s.moves).filter(|m| m.from == LaneId::Priority);
        let saves: Money = moves.map(|m| m.before - m.after).sum();
        if saves > Money::ZERO {
            costs += saves;
            workloads.push(w.key.clone());
        }
    }
    (!workloads.is_empty()).then(|| Mistake {
        kind: MistakeKind::PriorityForTolerant,
        text: format!("the priority tier is paid for work that can wait, in {} workloads", workloads.len()),
        costs: Some(costs),
        advice: "take the standard tier, or the lane that the plan names".to_owned(),
        workloads,
    })
}

fn cache_written_not_read(plan: &Plan) -> Option<Mistake> {
    let mut workloads = Vec::new();
    for w in &plan.workloads {
        let written = w.usage.get(TokenClass::CacheWrite5m).0 + w.usage.get(TokenClass::CacheWrite1h).0;
        let read = w.usage.get(TokenClass::CacheRead).0;
        if written > 0 && (read as f64) < written as f64 * READS_PER_WRITE_MIN {
            workloads.push(w.key.clone());
        }
    }
    (!workloads.is_empty()).then(|| Mistake {
        kind: MistakeKind::CacheWrittenNotRead,
        text: format!("prompt caches are written and hardly read in {} workloads", workloads.len()),
        costs: None,
        advice: "remove the cache points, or send requests that share a prefix closer together".to_owned(),
        workloads,
    })
}

fn unattributed(plan: &Plan) -> Option<Mistake> {
    let of: Vec<_> = plan.workloads.iter().filter(|w| !w.key.starts_with("workload=") && !w.key.starts_with("aip/")).collect();
    let spend: Money = of.iter().map(|w| w.today).sum();
    (spend > Money::ZERO && !of.is_empty()).then(|| Mistake {
        kind: MistakeKind::Unattributed,
        text: format!("{spend:.0} is known only by its role: no workload in requestMetadata, no application inference profile"),
        costs: None,
        advice: "set requestMetadata {\"workload\": …} or call through an application inference profile".to_owned(),
        workloads: of.iter().map(|w| w.key.clone()).collect(),
    })
}

fn no_batch_price(plan: &Plan) -> Option<Mistake> {
    let (mut spend, mut workloads) = (Money::ZERO, Vec::new());
    for w in plan.workloads.iter().filter(|w| matches!(w.class, Class::BatchFit | Class::Hybrid)) {
        let fitting = w.slices.iter().filter(|s| s.verdict.class == Class::BatchFit);
        let held: Money = fitting.flat_map(|s| &s.blockers).filter(|b| b.kind == BlockerKind::NoPrice).map(|b| b.today).sum();
        if held > Money::ZERO {
            spend += held;
            workloads.push(w.key.clone());
        }
    }
    (!workloads.is_empty()).then(|| Mistake {
        kind: MistakeKind::NoBatchPrice,
        text: format!("{spend:.0} of work that can wait runs on models without a batch or flex price on Bedrock"),
        costs: None,
        advice: "evaluate the newest sibling that has one, or ask for it in the renewal".to_owned(),
        workloads,
    })
}

fn one_blended_rate(plan: &Plan) -> Option<Mistake> {
    let rate = |w: &&super::types::WorkloadPlan| w.today.pico() / i128::from(w.usage.total().0.max(1));
    let big: Vec<_> = plan.workloads.iter().filter(|w| w.usage.total().0 > 0 && w.today >= plan.today.per_mille(10)).collect();
    let (low, high) = (big.iter().min_by_key(|w| rate(w))?, big.iter().max_by_key(|w| rate(w))?);
    let per_million = |w: &&super::types::WorkloadPlan| Money::from_pico(rate(w) * 1_000_000);
    (rate(high) >= rate(low) * 2).then(|| Mistake {
        kind: MistakeKind::OneBlendedRate,
        text: format!(
            "one blended rate hides the mix: {} costs {} a million tokens, {} costs {}",
            low.key,
            per_million(low),
            high.key,
            per_million(high)
        ),
        costs: None,
        advice: "negotiate each model and mode as its own line".to_owned(),
        workloads: vec![low.key.clone(), high.key.clone()],
    })
}

//! Mistakes that only a price list or a bill shows; the others are found with the plan.

use laneshift_core::plan::{Mistake, MistakeKind, Plan, RenewalLine};
use laneshift_core::route::LaneId;
use laneshift_units::{ModelId, Money, Profile, Region, Tokens};

use super::resolve::Resolver;

/// Throttled calls, in thousandths of all, from which they are worth a word.
const THROTTLED_MIN: u64 = 5;

/// Adds what is found, dearest first.
pub(super) fn add(plan: &mut Plan, lines: &[(ModelId, RenewalLine)], resolver: &Resolver<'_>) {
    let found = [dearer_profile(plan, lines, resolver), extended_access(resolver), failed_calls(plan), not_logged(plan)];
    plan.mistakes.extend(found.into_iter().flatten());
    plan.mistakes.sort_by(|a, b| b.costs.cmp(&a.costs).then(a.kind.cmp(&b.kind)));
}

/// What on-demand tokens of regional and geographic calls would save through the global profile.
fn dearer_profile(plan: &Plan, lines: &[(ModelId, RenewalLine)], resolver: &Resolver<'_>) -> Option<Mistake> {
    let region = Region::new(plan.scope.regions.first()?);
    let mut costs = Money::ZERO;
    let mut models = Vec::new();
    for (model, line) in lines.iter().filter(|(_, l)| l.profile != Profile::Global && l.lane == LaneId::Standard) {
        let listed = resolver.book.listings(model, &region, &Profile::Global, Tokens(0));
        let global = listed.iter().find(|l| l.target.lane == LaneId::Standard);
        let Some(cost) = global.and_then(|g| g.target.rates.cost(&line.usage_planned).ok()) else { continue };
        if cost < line.planned {
            costs += line.planned - cost;
            models.push(line.model.clone());
        }
    }
    (costs > Money::ZERO).then(|| Mistake {
        kind: MistakeKind::DearerProfile,
        text: format!("the global profile costs less than the one that is called, for {}", models.join(", ")),
        costs: Some(costs),
        advice: "where data may be computed anywhere, write allow_global = yes into owners.csv; it is in no bound until then"
            .to_owned(),
        workloads: Vec::new(),
    })
}

fn extended_access(resolver: &Resolver<'_>) -> Option<Mistake> {
    let doubts = resolver.doubts.borrow();
    let models: Vec<String> = doubts
        .iter()
        .filter(|(_, all)| all.iter().any(|d| d.rule == "extended_access"))
        .map(|((model, _, _), _)| resolver.book.name(model))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    (!models.is_empty()).then(|| Mistake {
        kind: MistakeKind::ExtendedAccess,
        text: format!("past their end of life these cost more in some regions: {}", models.join(", ")),
        costs: None,
        advice: "evaluate the successor before the price changes".to_owned(),
        workloads: Vec::new(),
    })
}

fn failed_calls(plan: &Plan) -> Option<Mistake> {
    let scope = &plan.scope;
    (scope.throttled * 1000 >= scope.records * THROTTLED_MIN && scope.throttled > 0).then(|| Mistake {
        kind: MistakeKind::FailedCalls,
        text: format!("{} of {} logged calls were throttled", scope.throttled, scope.records),
        costs: None,
        advice: "work that moves to batch leaves the on-demand quota to those who wait".to_owned(),
        workloads: Vec::new(),
    })
}

fn not_logged(plan: &Plan) -> Option<Mistake> {
    let coverage = plan.coverage.as_ref()?;
    let unexplained = coverage.bill_money - coverage.explained_money;
    (unexplained.pico() * 20 > coverage.bill_money.pico()).then(|| Mistake {
        kind: MistakeKind::NotLogged,
        text: format!("{unexplained:.0} of the bill lies in days and models that the logs do not cover"),
        costs: None,
        advice: "turn on model invocation logging in every account and region; batch jobs and bedrock-mantle stay outside it"
            .to_owned(),
        workloads: Vec::new(),
    })
}

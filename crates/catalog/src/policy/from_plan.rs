//! From the moves of a plan to rules.

use std::collections::BTreeMap;

use laneshift_core::plan::{Move, Plan, SlicePlan, WorkloadPlan};
use laneshift_core::route::LaneId;
use laneshift_core::verdict::Class;
use laneshift_units::Money;

use super::{MatchBy, Policy, PolicyMatch, PolicyRule};

impl From<&Plan> for Policy {
    fn from(plan: &Plan) -> Self {
        let zone_h = plan.scope.zone_offset_h;
        Self {
            from: plan.scope.from,
            to: plan.scope.to,
            catalogue: plan.scope.catalogue.clone(),
            rules: plan.workloads.iter().flat_map(|workload| rules(workload, zone_h)).collect(),
        }
    }
}

fn rules(workload: &WorkloadPlan, zone_h: i8) -> Vec<PolicyRule> {
    let Some(by) = match_by(&workload.key) else { return Vec::new() };
    let fitting = workload.slices.iter().filter(|s| s.verdict.class == Class::BatchFit);
    let told = fitting.filter_map(|slice| Some((slice, told_apart(slice, &workload.slices, zone_h)?)));
    told.flat_map(|(slice, told)| {
        let mut by_lanes: BTreeMap<(LaneId, LaneId), Vec<&Move>> = BTreeMap::new();
        for one in &slice.moves {
            by_lanes.entry((one.to, one.from)).or_default().push(one);
        }
        by_lanes.into_iter().map(|(lanes, moves)| rule(workload, slice, &by, &told, lanes, &moves)).collect::<Vec<_>>()
    })
    .collect()
}

fn rule(
    workload: &WorkloadPlan,
    slice: &SlicePlan,
    by: &MatchBy,
    told: &ToldApart,
    (to, from): (LaneId, LaneId),
    moves: &[&Move],
) -> PolicyRule {
    let mut models: Vec<_> = moves.iter().map(|m| m.model.clone()).collect();
    let mut profiles: Vec<_> = moves.iter().flat_map(|m| [m.profile_from.clone(), m.profile_to.clone()]).collect();
    models.sort();
    models.dedup();
    profiles.sort();
    profiles.dedup();
    let requests: u64 = moves.iter().map(|m| m.requests).sum();
    let before: Money = moves.iter().map(|m| m.before).sum();
    let after: Money = moves.iter().map(|m| m.after).sum();
    PolicyRule {
        workload: workload.key.clone(),
        slice: slice.name.clone(),
        matches: PolicyMatch {
            by: by.clone(),
            account: Some(workload.account.clone()).filter(|a| !a.is_empty()),
            models,
            streamed: told.streamed,
            hours_utc: told.hours_utc.clone(),
        },
        // A change of profile alone stays in its lane.
        lanes: if to == from { vec![to] } else { vec![to, from] },
        deadline: slice.verdict.deadline,
        profiles,
        output_p50: workload.output_p50,
        output_p95: workload.output_p95,
        score: slice.verdict.score,
        confirmed: slice.verdict.confirmed,
        note: format!("{requests} requests cost {before} in the period, {after} as planned"),
    }
}

fn match_by(key: &str) -> Option<MatchBy> {
    let named = |prefix| key.strip_prefix(prefix).filter(|name| !name.is_empty()).map(str::to_owned);
    if key == "role/unknown" {
        return None;
    }
    named("workload=")
        .map(MatchBy::Metadata)
        .or_else(|| named("aip/").map(MatchBy::ApplicationProfile))
        .or_else(|| named("role/").map(MatchBy::Role))
        .or_else(|| named("principal/").map(MatchBy::Principal))
}

/// How a gateway tells a slice from the rest of its workload.
struct ToldApart {
    streamed: Option<bool>,
    hours_utc: Vec<u8>,
}

/// `None` where the slice's name says nothing that a gateway sees: a rule would then catch too much.
fn told_apart(slice: &SlicePlan, siblings: &[SlicePlan], zone_h: i8) -> Option<ToldApart> {
    let told = |streamed, hours_utc| Some(ToldApart { streamed, hours_utc });
    match slice.name.as_str() {
        "streamed" => told(Some(true), Vec::new()),
        "all" | "not streamed" => told(Some(false), Vec::new()),
        "streaming unknown" => told(None, Vec::new()),
        "outside the runs" | "the rest" => {
            let runs = siblings.iter().find_map(|s| run_hours(&s.name, zone_h))?;
            told(Some(false), (0..24).filter(|h| !runs.contains(h)).collect())
        }
        name => told(Some(false), run_hours(name, zone_h)?),
    }
}

/// The hours of `runs at 02:00, 03:00` in UTC; the name has them in the zone of the plan.
fn run_hours(name: &str, zone_h: i8) -> Option<Vec<u8>> {
    let mut hours = Vec::new();
    for hour in name.strip_prefix("runs at ")?.split(", ") {
        let local: i16 = hour.strip_suffix(":00")?.parse().ok().filter(|h| (0..24).contains(h))?;
        hours.push(u8::try_from((local - i16::from(zone_h)).rem_euclid(24)).ok()?);
    }
    hours.sort_unstable();
    Some(hours)
}

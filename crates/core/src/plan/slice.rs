//! One slice: its grains are priced in every lane through `route`, today's cost beside them.

use std::num::NonZeroU64;

use laneshift_units::{Bytes, Deadline, ModelId, Money, Profile, QuotaTokens, Region, Timestamp, Tokens, Usage};

use super::types::{Blocker, BlockerKind, Move};
use crate::lanes::LANES;
use crate::route::{Class, Demand, Features, LaneId, Refusal, Target, Wait, route};
use crate::verdict::SliceEvidence;

/// Requests that are alike for prices and eligibility: one row of the aggregation.
#[derive(Clone, Debug)]
pub struct Grain {
    /// The model.
    pub model: ModelId,
    /// The region called.
    pub region: Region,
    /// The profile called.
    pub profile: Profile,
    /// The lane that served it.
    pub lane: LaneId,
    /// Lower bound of the price tier by input length.
    pub context: Tokens,
    /// Features in use.
    pub needs: Features,
    /// Requests, times the sampling factor.
    pub requests: u64,
    /// Requests a day on an active day, times the factor.
    pub requests_per_day: u64,
    /// Tokens, times the factor.
    pub usage: Usage,
    /// The largest body.
    pub largest: Bytes,
    /// Targets as the market offers them; the one that served the grain today is `served`.
    pub market: Vec<Target>,
    /// Index of today's target in `market`, if it has one.
    pub served: Option<usize>,
    /// Targets that a job cannot fill, as laneshift pools records by model, region and account.
    pub pool_too_small: bool,
}

/// A slice of a workload: its grains and the evidence about it.
#[derive(Clone, Debug)]
pub struct SliceInput {
    /// What makes it a slice.
    pub name: String,
    /// Its grains.
    pub grains: Vec<Grain>,
    /// What the signals look at.
    pub evidence: SliceEvidence,
}

/// A grain priced: now, and under a deadline.
#[derive(Clone, Debug)]
pub(super) struct Priced {
    /// Now; `None` when a price is unknown.
    pub(super) today: Option<Money>,
    /// Under the deadline; equals `today` where nothing moves.
    pub(super) planned: Option<Money>,
    /// The move, if one saves money.
    pub(super) moved: Option<Move>,
    /// Why not, if not.
    pub(super) blocker: Option<(BlockerKind, String)>,
}

const DAY_MS: i64 = 86_400_000;

/// Prices a grain today and under `deadline`. `now` only anchors `finish_by`; no cost depends on it.
pub(super) fn price(grain: &Grain, deadline: Deadline) -> Priced {
    let Some(n) = NonZeroU64::new(grain.requests) else {
        return Priced { today: Some(Money::ZERO), planned: Some(Money::ZERO), moved: None, blocker: None };
    };
    let needs_now = class(grain, Deadline::Seconds);
    let demand_now = demand(grain, &needs_now, n);
    let today = grain.served.and_then(|ix| {
        // What served it could serve it: only its price is asked for.
        let served = &grain.market[ix];
        let committed = matches!(served.lane, LaneId::Provisioned | LaneId::Reserved);
        let headroom = committed.then_some(QuotaTokens(u64::MAX));
        let only = [Target { supports: grain.needs, wait: Wait { promise_ms: 0 }, headroom, ..served.clone() }];
        let decision = route(LANES, &demand_now, &only, Timestamp(0));
        (decision.unplaced == 0).then(|| decision.marginal())
    });
    let Some(before) = today else {
        let blocker = Some((BlockerKind::UnknownPrice, "its price today is unknown".to_owned()));
        return Priced { today: None, planned: None, moved: None, blocker };
    };
    let stay = |kind, text: String| Priced { today, planned: today, moved: None, blocker: Some((kind, text)) };
    if grain.needs.has(Features::AWS_SERVICE) {
        return stay(BlockerKind::AwsService, "an AWS service makes these calls; not movable without replacing it".to_owned());
    }
    if deadline < Deadline::Minutes {
        return Priced { today, planned: today, moved: None, blocker: None };
    }
    let class = class(grain, deadline);
    let demand = demand(grain, &class, n);
    let market: Vec<Target> =
        grain.market.iter().filter(|t| !(t.lane == LaneId::Batch && grain.pool_too_small)).cloned().collect();
    let decision = route(LANES, &demand, &market, Timestamp(0));
    let best = decision.parts.first().filter(|_| decision.unplaced == 0).map(|(ix, offer)| (&market[ix.0], offer.marginal));
    match best {
        Some((target, after)) if after < before => {
            let same_profile: Vec<Target> = market.iter().filter(|t| t.place.profile == grain.profile).cloned().collect();
            let lane_only = route(LANES, &demand, &same_profile, Timestamp(0));
            let by_lane = if lane_only.unplaced == 0 { before - lane_only.marginal().min(before) } else { Money::ZERO };
            let moved = Move {
                model: grain.model.clone(),
                region: grain.region.clone(),
                from: grain.lane,
                to: target.lane,
                profile_from: grain.profile.clone(),
                profile_to: target.place.profile.clone(),
                requests: grain.requests,
                usage: grain.usage,
                before,
                after,
                saves_by_lane: by_lane,
            };
            Priced { today, planned: Some(after), moved: Some(moved), blocker: None }
        }
        Some(_) | None => {
            let (kind, text) = why_not(grain, &market, &decision.refusals, before, deadline);
            stay(kind, text)
        }
    }
}

fn class(grain: &Grain, deadline: Deadline) -> Class {
    Class { model: grain.model.clone(), context: grain.context, needs: grain.needs, deadline }
}

fn demand<'a>(grain: &Grain, class: &'a Class, n: NonZeroU64) -> Demand<'a> {
    Demand { class, n, expected: grain.usage, reserve: QuotaTokens(grain.usage.total().0), largest: grain.largest }
}

/// The most telling reason why no cheaper target took the grain.
fn why_not(
    grain: &Grain,
    market: &[Target],
    refusals: &[(crate::route::TargetIx, Refusal)],
    before: Money,
    deadline: Deadline,
) -> (BlockerKind, String) {
    if matches!(grain.lane, LaneId::Batch | LaneId::Flex) {
        return (BlockerKind::AlreadyCheapest, format!("already in the {} lane", grain.lane.name()));
    }
    let cheaper = |lane| market.iter().enumerate().filter(move |(_, t)| t.lane == lane);
    if grain.pool_too_small && grain.market.iter().any(|t| t.lane == LaneId::Batch && !t.rates.is_empty()) {
        let text = format!("about {} records a day for this model and region; a job takes 100 or more", grain.requests_per_day);
        return (BlockerKind::TooFew, text);
    }
    for lane in [LaneId::Batch, LaneId::Flex] {
        for (ix, target) in cheaper(lane) {
            match refusals.iter().find(|(at, _)| at.0 == ix).map(|(_, r)| *r) {
                Some(Refusal::Unsupported(features)) => {
                    return (BlockerKind::Feature, format!("{} does not serve {}", lane.name(), features.names().join(", ")));
                }
                Some(Refusal::TooLate { .. }) => {
                    return (
                        BlockerKind::TooSlow,
                        format!(
                            "{} may take {} h, the deadline is {deadline}",
                            lane.name(),
                            target.wait.promise_ms / (DAY_MS / 24)
                        ),
                    );
                }
                Some(Refusal::TooLarge) => return (BlockerKind::Feature, format!("a body is too large for {}", lane.name())),
                Some(Refusal::NoHeadroom) => {
                    return (BlockerKind::TooSlow, format!("{} shares a quota that throttles already", lane.name()));
                }
                Some(Refusal::NoPrice(class)) => {
                    return (BlockerKind::NoPrice, format!("{} has no price for {} tokens", lane.name(), class.name()));
                }
                None if lane == LaneId::Batch => {
                    let batch = target.rates.cost(&grain.usage.uncached()).unwrap_or(before);
                    if batch >= before {
                        let text = format!("cached on-demand costs {before}, batch without a cache {batch}");
                        return (BlockerKind::CacheWins, text);
                    }
                }
                None => {}
            }
        }
    }
    (BlockerKind::NoPrice, "this model has neither a batch nor a flex price where it is called".to_owned())
}

/// Collects blockers of one kind and text, with their money.
pub(super) fn add_blocker(blockers: &mut Vec<Blocker>, kind: BlockerKind, text: String, today: Money) {
    match blockers.iter_mut().find(|b| b.kind == kind && b.text == text) {
        Some(found) => found.today += today,
        None => blockers.push(Blocker { kind, text, today }),
    }
}

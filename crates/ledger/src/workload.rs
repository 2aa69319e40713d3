//! From partials to the workloads and slices that a plan judges.
//!
//! A workload splits into what is streamed, what comes in repeated off-hours runs, and the rest; each slice is
//! judged alone. Prices and markets are handed in: the ledger knows none.

use std::collections::{BTreeMap, BTreeSet};

use laneshift_core::plan::{Grain as PlanGrain, SliceInput, WorkloadInput};
use laneshift_core::route::LaneId;
use laneshift_core::verdict::signals::best_zone_offset;
use laneshift_core::verdict::{EvidenceKind, PrincipalKind, RunPattern, Share, SliceEvidence, WaitAfterThrottle};
use laneshift_units::{Deadline, QuotaTokens, ServiceTier, Tokens, Usage};

use crate::partial::{CONTEXT_TIERS, Cell, Grain, GrainKey, Shape};
use crate::row::EMBEDS;

/// An hour counts as a run on a day when it holds this many times the day's mean hour.
const RUN_TIMES_MEAN: u64 = 2;
/// A run hour must be one on at least half of the active days.
const RUN_DAYS_SHARE: u64 = 2;
/// Days on which a run must have been seen.
const RUN_DAYS_MIN: u64 = 3;
/// A slice of runs is made when they carry between a tenth and nine tenths of the tokens, in thousandths.
const RUN_SPLIT: std::ops::Range<u64> = 100..900;
/// Share of throttled calls, in thousandths, from which the on-demand quota counts as short.
const THROTTLED_SHARE: u64 = 20;
/// The name of what is left when runs are a slice of their own.
const OUTSIDE_RUNS: &str = "outside the runs";
/// Share of tokens with a body, in thousandths, from which evidence counts as having bodies.
const BODIES_MIN: u64 = 50;

/// Waits of one workload: by streamed or not, and by the hour of the day in UTC at which it was throttled.
pub type WaitsByHour = BTreeMap<(bool, u8), WaitAfterThrottle>;
/// Waits by workload key and account.
pub type Waits = BTreeMap<(String, String), WaitsByHour>;

/// What the caller knows and the ledger does not.
pub trait Market {
    /// The grain with its model resolved and its market; `None` when its model id resolves to nothing.
    fn grain(&self, key: &GrainKey, context: Tokens) -> Option<PlanGrain>;
    /// Each observed request stands for so many.
    fn factor(&self) -> u64;
    /// The smallest number of records a job takes.
    fn batch_records_min(&self) -> u64;
}

/// Grains whose model id resolves to nothing: the id, requests and tokens.
pub type UnresolvedIds = BTreeMap<String, (u64, Usage)>;

/// The hours east of UTC that fit the people behind the streamed traffic, or all traffic where nothing is streamed.
pub fn zone_offset(grains: &[Grain]) -> i8 {
    let profile = |only_streamed: bool| {
        let mut weeks = [0_u64; 168];
        for grain in grains.iter().filter(|g| !only_streamed || g.key.streamed) {
            add_week(&mut weeks, &grain.hours, |c| c.requests);
        }
        weeks
    };
    let streamed = profile(true);
    if streamed.iter().any(|&n| n > 0) { best_zone_offset(&streamed) } else { best_zone_offset(&profile(false)) }
}

/// Builds workloads. `days` are the calendar days of the evidence.
pub fn workloads(grains: &[Grain], waits: &Waits, days: u32, market: &dyn Market) -> (Vec<WorkloadInput>, UnresolvedIds) {
    let zone = zone_offset(grains);
    let mut groups: BTreeMap<(&str, &str), Vec<&Grain>> = BTreeMap::new();
    for grain in grains {
        groups.entry((&grain.key.workload, &grain.key.account)).or_default().push(grain);
    }
    let pools = pools(grains, market.factor());
    let mut unresolved = UnresolvedIds::new();
    let context = Context { zone, days, market, pools: &pools };
    let inputs = groups
        .into_iter()
        .filter_map(|((key, account), grains)| {
            let none = WaitsByHour::new();
            let waits = waits.get(&(key.to_owned(), account.to_owned())).unwrap_or(&none);
            context.workload(key, account, &grains, waits, &mut unresolved)
        })
        .collect();
    (inputs, unresolved)
}

/// Requests a day by account, region and model id, on days with any: records of one pool share jobs.
fn pools(grains: &[Grain], factor: u64) -> BTreeMap<(&str, &str, &str), u64> {
    let mut by_day: BTreeMap<(&str, &str, &str), BTreeMap<i64, u64>> = BTreeMap::new();
    for grain in grains.iter().filter(|g| !g.key.streamed) {
        let days = by_day.entry((&grain.key.account, &grain.key.region, &grain.key.model_id)).or_default();
        for (hour, cell) in &grain.hours {
            *days.entry(hour.div_euclid(24)).or_default() += cell.requests * factor;
        }
    }
    by_day.into_iter().map(|(pool, days)| (pool, days.values().sum::<u64>() / days.len().max(1) as u64)).collect()
}

struct Context<'a> {
    zone: i8,
    days: u32,
    market: &'a dyn Market,
    pools: &'a BTreeMap<(&'a str, &'a str, &'a str), u64>,
}

/// A grain cut down to some hours of the day.
struct Part<'a> {
    grain: &'a Grain,
    hours: BTreeMap<i64, Cell>,
    shape: Shape,
}

impl<'a> Part<'a> {
    fn new(grain: &'a Grain, keep: &dyn Fn(u8) -> bool) -> Self {
        let hours = grain.hours.iter().filter(|(h, _)| keep(h.rem_euclid(24) as u8)).map(|(h, c)| (*h, *c)).collect();
        let mut shape = Shape::default();
        grain.shapes.iter().filter(|(h, _)| keep(**h)).for_each(|(_, s)| shape.merge(s));
        Self { grain, hours, shape }
    }
}

impl Context<'_> {
    fn workload(
        &self,
        key: &str,
        account: &str,
        grains: &[&Grain],
        waits: &WaitsByHour,
        unresolved: &mut UnresolvedIds,
    ) -> Option<WorkloadInput> {
        let (streamed, rest): (Vec<&Grain>, Vec<&Grain>) = grains.iter().copied().partition(|g| g.key.streamed);
        let mut slices = Vec::new();
        let all = |_| true;
        let mut add = |name: &str, grains: &[&Grain], keep: &dyn Fn(u8) -> bool, slices: &mut Vec<SliceInput>| {
            let parts: Vec<Part<'_>> = grains.iter().map(|g| Part::new(g, keep)).collect();
            let streams = grains.first().is_some_and(|g| g.key.streamed);
            let mut followed = WaitAfterThrottle::default();
            for (_, w) in waits.iter().filter(|((s, hour), _)| *s == streams && keep(*hour)) {
                followed.short += w.short;
                followed.middle += w.middle;
                followed.long += w.long;
            }
            if let Some(slice) = self.slice(name, &parts, followed, unresolved) {
                slices.push(slice);
            }
        };
        add("streamed", &streamed, &all, &mut slices);
        let volumes = hour_volumes(&rest);
        match find_runs(&volumes, self.zone) {
            Some(runs) if RUN_SPLIT.contains(&(runs.tokens.part * 1000 / runs.tokens.whole.max(1))) => {
                let names: Vec<String> = runs.hours_utc.iter().map(|&h| format!("{:02}:00", local(h, self.zone))).collect();
                let in_run = |h: u8| runs.hours_utc.contains(&h);
                let not_in_run = |h: u8| !runs.hours_utc.contains(&h);
                add(&format!("runs at {}", names.join(", ")), &rest, &in_run, &mut slices);
                add(OUTSIDE_RUNS, &rest, &not_in_run, &mut slices);
            }
            Some(_) | None => {
                let name = if streamed.is_empty() { "all" } else { "not streamed" };
                add(name, &rest, &all, &mut slices);
            }
        }
        if slices.is_empty() {
            return None;
        }
        let mut heat = Box::new([0_u64; 168]);
        let mut outputs = Shape::default();
        for grain in grains {
            add_week(&mut heat, &grain.hours, |c| c.requests);
            grain.shapes.values().for_each(|s| outputs.merge(s));
        }
        Some(WorkloadInput {
            key: key.to_owned(),
            account: account.to_owned(),
            owner: None,
            answer: None,
            models: by_tokens(grains, |k| k.model_id.clone()),
            roles: by_tokens(grains, |k| k.role.clone()),
            slices,
            heat,
            output_p50: outputs.output_quantile(500),
            output_p95: outputs.output_quantile(950),
        })
    }

    fn slice(
        &self,
        name: &str,
        parts: &[Part<'_>],
        waits: WaitAfterThrottle,
        unresolved: &mut UnresolvedIds,
    ) -> Option<SliceInput> {
        let mut plan_grains = Vec::new();
        for part in parts {
            let sum = sum(&part.hours);
            if sum.requests == 0 {
                continue;
            }
            let key = &part.grain.key;
            let factor = self.market.factor();
            let Some(mut grain) = self.market.grain(key, Tokens(CONTEXT_TIERS[usize::from(key.context)])) else {
                let entry = unresolved.entry(key.model_id.clone()).or_default();
                entry.0 += sum.requests * factor;
                entry.1 += sum.usage.times(factor);
                continue;
            };
            let per_day =
                self.pools.get(&(key.account.as_str(), key.region.as_str(), key.model_id.as_str())).copied().unwrap_or(0);
            grain.requests = sum.requests * factor;
            grain.usage = sum.usage.times(factor);
            grain.requests_per_day = per_day;
            grain.pool_too_small = per_day < self.market.batch_records_min();
            grain.largest = laneshift_units::Bytes(part.shape.largest);
            if sum.throttled * 1000 >= sum.requests * THROTTLED_SHARE {
                // Flex shares the quota that is short already.
                grain.market.iter_mut().filter(|t| t.lane == LaneId::Flex).for_each(|t| t.headroom = Some(QuotaTokens(0)));
            }
            plan_grains.push(grain);
        }
        (!plan_grains.is_empty()).then(|| SliceInput {
            name: name.to_owned(),
            evidence: self.evidence(parts, waits, name != OUTSIDE_RUNS),
            grains: plan_grains,
        })
    }

    /// `may_run`: what is left beside the runs is not searched for runs again.
    fn evidence(&self, parts: &[Part<'_>], waits: WaitAfterThrottle, may_run: bool) -> SliceEvidence {
        let mut total = Cell::default();
        let mut shape = Shape::default();
        let mut active = BTreeSet::new();
        let mut weeks = [0_u64; 168];
        let mut principals = [0_u64; PrincipalKind::ALL.len()];
        let (mut streamed, mut flex, mut priority, mut embeds) = (0, 0, 0, 0);
        let mut declared: BTreeMap<Deadline, u64> = BTreeMap::new();
        for part in parts {
            let key = &part.grain.key;
            let sum = sum(&part.hours);
            let tokens = sum.usage.total().0;
            total.merge(&sum);
            shape.merge(&part.shape);
            active.extend(part.hours.iter().filter(|(_, c)| c.requests > 0).map(|(h, _)| h.div_euclid(24)));
            add_week(&mut weeks, &part.hours, |c| c.usage.total().0);
            principals[key.principal as usize] += tokens;
            streamed += if key.streamed { tokens } else { 0 };
            flex += if key.tier == ServiceTier::Flex { tokens } else { 0 };
            priority += if key.tier == ServiceTier::Priority { tokens } else { 0 };
            embeds += if key.flags & EMBEDS != 0 || key.model_id.contains("embed") { tokens } else { 0 };
            if let Ok(deadline) = Deadline::parse(&key.declared) {
                *declared.entry(deadline).or_default() += tokens;
            }
        }
        let tokens = total.usage.total().0;
        let volumes = hour_volumes_of(parts.iter().map(|p| &p.hours));
        let (same, with_lead) = shape.same_template();
        let bodies = total.body_tokens * 1000 >= tokens * BODIES_MIN && total.body_tokens > 0;
        SliceEvidence {
            kind: if bodies { EvidenceKind::Bodies } else { EvidenceKind::Logs },
            requests: total.requests,
            days_active: active.len() as u32,
            days_span: self.days,
            tokens,
            streaming: Share { part: streamed, whole: tokens },
            // Where callers disagree, the most impatient word that covers a tenth of the tokens counts.
            declared: declared
                .iter()
                .find(|(_, t)| **t * 10 >= tokens)
                .map(|(&deadline, &part)| (deadline, Share { part, whole: tokens })),
            flex_tokens: flex,
            priority_tokens: priority,
            principals,
            body_tokens: total.body_tokens,
            one_turn_tokens: total.one_turn_tokens,
            assistant_tokens: total.assistant_tokens,
            tool_result_tokens: total.tool_result_tokens,
            same_template: Share { part: same, whole: with_lead },
            distinct_payloads: Share { part: shape.distinct_payloads().min(with_lead), whole: with_lead },
            hour_of_week: weeks,
            runs: if may_run { find_runs(&volumes, self.zone) } else { None },
            minutes: shape.minutes.map(u64::from),
            zone_offset_h: self.zone,
            waits,
            embeds: embeds * 2 > tokens,
        }
    }
}

fn sum(hours: &BTreeMap<i64, Cell>) -> Cell {
    let mut total = Cell::default();
    hours.values().for_each(|c| total.merge(c));
    total
}

fn add_week(weeks: &mut [u64; 168], hours: &BTreeMap<i64, Cell>, of: impl Fn(&Cell) -> u64) {
    // 1970-01-01 was a Thursday: hour 0 of the epoch is hour 72 of a week that starts on Monday.
    for (hour, cell) in hours {
        weeks[(hour + 72).rem_euclid(168) as usize] += of(cell);
    }
}

fn by_tokens(grains: &[&Grain], name: impl Fn(&GrainKey) -> String) -> Vec<String> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for grain in grains {
        *sums.entry(name(&grain.key)).or_default() += sum(&grain.hours).usage.total().0;
    }
    let mut names: Vec<(String, u64)> = sums.into_iter().collect();
    names.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    names.into_iter().map(|(name, _)| name).collect()
}

/// Tokens by day and hour of the day.
type Volumes = BTreeMap<i64, [u64; 24]>;

fn hour_volumes(grains: &[&Grain]) -> Volumes {
    hour_volumes_of(grains.iter().map(|g| &g.hours))
}

fn hour_volumes_of<'a>(hours: impl Iterator<Item = &'a BTreeMap<i64, Cell>>) -> Volumes {
    let mut volumes = Volumes::new();
    for (hour, cell) in hours.flatten() {
        if cell.requests > 0 {
            volumes.entry(hour.div_euclid(24)).or_default()[hour.rem_euclid(24) as usize] += cell.usage.total().0;
        }
    }
    volumes
}

fn local(hour_utc: u8, zone: i8) -> i16 {
    (i16::from(hour_utc) + i16::from(zone)).rem_euclid(24)
}

/// Hours outside 07:00 to 21:00 of the zone that are far above the day's mean on at least half of the active days.
fn find_runs(volumes: &Volumes, zone: i8) -> Option<RunPattern> {
    let mut hot_days = [0_u64; 24];
    for day in volumes.values() {
        let total: u64 = day.iter().sum();
        for (hour, &tokens) in day.iter().enumerate() {
            hot_days[hour] += u64::from(tokens > 0 && tokens * 24 >= total * RUN_TIMES_MEAN);
        }
    }
    let active = volumes.len() as u64;
    let is_run = |h: &u8| {
        let off_hours = !(7..21).contains(&local(*h, zone));
        let hot = hot_days[usize::from(*h)];
        off_hours && hot >= RUN_DAYS_MIN && hot * RUN_DAYS_SHARE >= active
    };
    let hours_utc: Vec<u8> = (0..24).filter(is_run).collect();
    let busiest = hours_utc.iter().map(|&h| hot_days[usize::from(h)]).max()?;
    let part = volumes.values().map(|day| hours_utc.iter().map(|&h| day[usize::from(h)]).sum::<u64>()).sum();
    let whole = volumes.values().flatten().sum();
    Some(RunPattern { hours_utc, tokens: Share { part, whole }, days: Share { part: busiest, whole: active }, off_hours: true })
}

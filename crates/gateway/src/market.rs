//! What can take a call at this moment: upstreams and their lanes, committed capacity and the room on it, and which of them have
//! just refused.
//!
//! Promises: a call is never sent to another region or through another profile than its client named. What AWS counts is counted
//! ahead only for committed capacity, because only there a refusal can be avoided for free: on-demand quotas tell of themselves by
//! throttling, and a lane that has throttled is left alone for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use laneshift_catalog::commitments::Commitments;
use laneshift_core::route::LaneId;
use laneshift_units::{ModelId, Profile, ProfiledModel, Timestamp, Usage};

use crate::upstream::Target;

const MINUTE_MS: i64 = 60_000;
/// How long a lane that has refused is left alone; twice as long each time it refuses again.
const SHUT_MS: i64 = 1_000;
const SHUT_MS_MAX: i64 = 60_000;
/// Strikes that make a difference.
const STRIKES_MAX: u32 = 7;
/// For so many minutes interactive calls keep the room that they used in one of them.
const PEAK_MINUTES: i64 = 10;
/// Lanes whose refusals are kept.
const DOORS_MAX: usize = 10_000;
/// Retries on another upstream: one for ten calls, and so many at once.
const RETRIES_PER_TEN: u64 = 1;
const RETRIES_AT_ONCE: u64 = 10;

/// Tokens of a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

impl Load {
    /// What a call has used of its capacity: reads from a cache use none.
    // AWS, "Service tiers", of the Reserved tier, read 2026-11-23.
    pub(crate) fn of(usage: &Usage) -> Self {
        let input = usage.input.0 + usage.cache_write_5m.0 + usage.cache_write_1h.0;
        Self { input, output: usage.output.0 }
    }

    const fn plus(self, other: Self) -> Self {
        Self { input: self.input + other.input, output: self.output + other.output }
    }

    const fn less(self, other: Self) -> Self {
        Self { input: self.input.saturating_sub(other.input), output: self.output.saturating_sub(other.output) }
    }

    fn most(self, other: Self) -> Self {
        Self { input: self.input.max(other.input), output: self.output.max(other.output) }
    }

    const fn fits(self, room: Self) -> bool {
        self.input <= room.input && self.output <= room.output
    }
}

/// Capacity that is paid for by the hour or the month.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) name: String,
    pub(crate) lane: LaneId,
    pub(crate) model: ModelId,
    /// The profile that calls name; `None` for any.
    profile: Option<Profile>,
    /// What is called instead of the model.
    pub(crate) arn: Option<String>,
    upstream: usize,
    per_minute: Load,
    used: Mutex<Used>,
}

/// What was used of it, by minute.
#[derive(Debug, Default)]
struct Used {
    minute: i64,
    /// By everybody, in the minute before and in this one.
    before: Load,
    now: Load,
    /// By interactive calls in this minute, and the most of the last ones.
    interactive: Load,
    peaks: Vec<(i64, Load)>,
}

impl Used {
    fn turn(&mut self, now: Timestamp) {
        let minute = now.0.div_euclid(MINUTE_MS);
        if minute == self.minute {
            return;
        }
        self.before = if minute == self.minute + 1 { self.now } else { Load::default() };
        self.peaks.push((self.minute, self.interactive));
        self.peaks.retain(|(at, _)| *at >= minute - PEAK_MINUTES);
        (self.minute, self.now, self.interactive) = (minute, Load::default(), Load::default());
    }

    /// Of the last sixty seconds: the part of the minute before that still counts, and all of this one.
    fn last_minute(&self, now: Timestamp) -> Load {
        let left = (MINUTE_MS - now.0.rem_euclid(MINUTE_MS)).unsigned_abs();
        let part = |n: u64| u64::try_from(u128::from(n) * u128::from(left) / u128::from(MINUTE_MS.unsigned_abs())).unwrap_or(n);
        Load { input: part(self.before.input), output: part(self.before.output) }.plus(self.now)
    }

    /// What interactive calls may still want of this minute, by what they took of earlier ones.
    fn kept_free(&self) -> Load {
        let peak = self.peaks.iter().fold(Load::default(), |most, (_, load)| most.most(*load));
        peak.less(self.interactive)
    }
}

impl Committed {
    fn used(&self) -> std::sync::MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call fits. One that can wait leaves free what interactive calls took lately.
    pub(crate) fn has_room(&self, load: Load, waits: bool, now: Timestamp) -> bool {
        let mut used = self.used();
        used.turn(now);
        let taken = used.last_minute(now).plus(if waits { used.kept_free() } else { Load::default() });
        load.fits(self.per_minute.less(taken))
    }

    /// A call goes there: until it ends it counts as what it is thought to take.
    fn take(&self, load: Load, waits: bool, now: Timestamp) {
        let mut used = self.used();
        used.turn(now);
        used.now = used.now.plus(load);
        if !waits {
            used.interactive = used.interactive.plus(load);
        }
    }

    fn settle(&self, thought: Load, took: Load) {
        let mut used = self.used();
        used.now = used.now.plus(took).less(thought);
    }
}

/// Room that a call holds on committed capacity; given back when it is dropped, but for what was used.
#[derive(Debug)]
pub(crate) struct Hold {
    committed: Arc<Committed>,
    thought: Load,
    took: Load,
}

impl Hold {
    pub(crate) fn new(committed: Arc<Committed>, thought: Load, waits: bool, now: Timestamp) -> Self {
        committed.take(thought, waits, now);
        Self { committed, thought, took: Load::default() }
    }

    pub(crate) fn used(&mut self, usage: &Usage) {
        self.took = Load::of(usage);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.committed.settle(self.thought, self.took);
    }
}

/// One lane of one upstream.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) upstream: usize,
    pub(crate) lane: LaneId,
    pub(crate) committed: Option<Arc<Committed>>,
}

/// A lane that has refused.
#[derive(Clone, Copy, Debug, Default)]
struct Door {
    strikes: u32,
    shut_until: i64,
}

/// What a refusal is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// A whole upstream cannot be reached.
    Upstream(usize),
    /// A lane of it throttles a model.
    Lane(usize, LaneId, String),
}

/// Tries on other upstreams that are left, in tenths.
#[derive(Debug)]
struct Budget(u64);

/// See the module.
pub(crate) struct Market {
    committed: Vec<Arc<Committed>>,
    doors: Mutex<HashMap<Place, Door>>,
    budget: Mutex<Budget>,
}

impl Market {
    /// The market of these upstreams; refuses a commitment that none of them can call.
    pub(crate) fn new(commitments: Commitments, targets: &[Target]) -> Result<Self, String> {
        let mut committed = Vec::new();
        let upstream = |name: &str, region: &str, account: Option<&str>| {
            let fits = |target: &Target| {
                target.region == region && account.is_none_or(|account| target.account.is_empty() || target.account == account)
            };
            let found = targets.iter().position(fits);
            found.ok_or_else(|| format!("the commitment {name:?} is in {region}, and no [[upstream]] of its account is there"))
        };
        for p in commitments.provisioned {
            let arn = p.arn.ok_or_else(|| format!("the commitment {:?} has no arn, so nothing can call it", p.name))?;
            let account = arn.split(':').nth(4).map(str::to_owned);
            let upstream = upstream(&p.name, p.region.as_str(), account.as_deref())?;
            let (input, output) = (p.units.saturating_mul(p.input_tpm_per_unit), p.units.saturating_mul(p.output_tpm_per_unit));
            committed.push(Arc::new(Committed {
                name: p.name,
                lane: LaneId::Provisioned,
                model: p.model,
                profile: None,
                arn: Some(arn),
                upstream,
                per_minute: Load { input, output },
                used: Mutex::default(),
            }));
        }
        for r in commitments.reserved {
            let upstream = upstream(&r.name, r.region.as_str(), None)?;
            committed.push(Arc::new(Committed {
                name: r.name,
                lane: LaneId::Reserved,
                model: r.model,
                profile: Some(r.profile),
                arn: None,
                upstream,
                per_minute: Load { input: r.input_tpm, output: r.output_tpm },
                used: Mutex::default(),
            }));
        }
        Ok(Self { committed, doors: Mutex::default(), budget: Mutex::new(Budget(10 * RETRIES_AT_ONCE)) })
    }

    /// The model that a client means who names provisioned capacity of this gateway: there it goes while there is room, and to
    /// the model itself when there is none.
    pub(crate) fn base_of(&self, model: &str) -> Option<&ModelId> {
        let found = self.committed.iter().find(|committed| committed.arn.as_deref() == Some(model));
        found.map(|committed| &committed.model)
    }

    /// Everything that may take a call of a model in a region, what is paid for already first.
    pub(crate) fn spots(&self, targets: &[Target], region: &str, model: &ProfiledModel) -> Vec<Spot> {
        let here = |upstream: usize| targets.get(upstream).is_some_and(|target| target.region == region);
        let fits = |committed: &&Arc<Committed>| {
            committed.model == model.model
                && committed.profile.as_ref().is_none_or(|profile| *profile == model.profile)
                && here(committed.upstream)
        };
        let paid = self.committed.iter().filter(fits);
        let paid = paid.map(|c| Spot { upstream: c.upstream, lane: c.lane, committed: Some(c.clone()) });
        let on_demand = (0..targets.len())
            .filter(|upstream| here(*upstream))
            .flat_map(|upstream| [LaneId::Standard, LaneId::Flex].map(|lane| Spot { upstream, lane, committed: None }));
        paid.chain(on_demand).collect()
    }

    fn doors(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Door>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a lane has just refused this model.
    pub(crate) fn is_shut(&self, spot: &Spot, model: &str, now: Timestamp) -> bool {
        let doors = self.doors();
        if doors.is_empty() {
            return false;
        }
        let shut = |place: &Place| doors.get(place).is_some_and(|door| door.shut_until > now.0);
        shut(&Place::Upstream(spot.upstream)) || shut(&Place::Lane(spot.upstream, spot.lane, model.to_owned()))
    }

    /// A lane has throttled a model, or, with no model, an upstream cannot be reached.
    pub(crate) fn refused(&self, spot: &Spot, model: Option<&str>, now: Timestamp) {
        let mut doors = self.doors();
        let place = match model {
            Some(model) => Place::Lane(spot.upstream, spot.lane, model.to_owned()),
            None => Place::Upstream(spot.upstream),
        };
        if doors.len() >= DOORS_MAX {
            doors.retain(|_, door| door.shut_until > now.0);
        }
        let door = doors.entry(place).or_default();
        door.strikes = (door.strikes + 1).min(STRIKES_MAX);
        door.shut_until = now.0 + (SHUT_MS << (door.strikes - 1)).min(SHUT_MS_MAX);
    }

    /// A lane has answered.
    pub(crate) fn answered(&self, spot: &Spot, model: &str) {
        let mut doors = self.doors();
        if !doors.is_empty() {
            doors.remove(&Place::Upstream(spot.upstream));
            doors.remove(&Place::Lane(spot.upstream, spot.lane, model.to_owned()));
        }
    }

    /// A call came: it earns a part of a retry.
    pub(crate) fn earn(&self) {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        budget.0 = (budget.0 + RETRIES_PER_TEN).min(10 * RETRIES_AT_ONCE);
    }

    /// Whether a retry on another upstream may be made.
    pub(crate) fn spend(&self) -> bool {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let left = budget.0.checked_sub(10);
        budget.0 = left.unwrap_or(budget.0);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(input: u64) -> Committed {
        Committed {
            name: "c".to_owned(),
            lane: LaneId::Provisioned,
            model: ModelId::new("amazon.nova-2-lite-v1:0"),
            profile: None,
            arn: None,
            upstream: 0,
            per_minute: Load { input, output: 1_000 },
            used: Mutex::default(),
        }
    }

    const fn load(input: u64) -> Load {
        Load { input, output: 0 }
    }

    #[test]
    fn room_is_of_the_last_sixty_seconds_and_comes_back() {
        let c = committed(100);
        assert!(c.has_room(load(100), false, Timestamp(0)));
        c.take(load(80), false, Timestamp(0));
        assert!(!c.has_room(load(30), false, Timestamp(59_000)));
        assert!(!c.has_room(load(30), false, Timestamp(65_000)), "most of it was less than a minute ago");
        assert!(c.has_room(load(30), false, Timestamp(110_000)));
        assert!(c.has_room(load(100), false, Timestamp(180_000)));
        c.settle(load(80), load(10));
        assert!(!c.has_room(Load { input: 0, output: 1_001 }, false, Timestamp(180_000)), "each direction has its own");
    }

    #[test]
    fn what_can_wait_leaves_free_what_interactive_calls_took_lately() {
        let c = committed(100);
        c.take(load(70), false, Timestamp(0));
        let later = Timestamp(5 * 60_000);
        assert!(c.has_room(load(100), false, later));
        assert!(!c.has_room(load(31), true, later));
        assert!(c.has_room(load(30), true, later));
        assert!(c.has_room(load(100), true, Timestamp(12 * 60_000)), "after ten quiet minutes nothing is kept");
    }

    #[test]
    fn a_lane_that_refuses_is_left_alone_for_longer_each_time_until_it_answers() {
        let market = Market::new(Commitments::default(), &[]).expect("a market");
        let spot = Spot { upstream: 0, lane: LaneId::Flex, committed: None };
        let standard = Spot { lane: LaneId::Standard, ..spot.clone() };
        market.refused(&spot, Some("m"), Timestamp(0));
        assert!(market.is_shut(&spot, "m", Timestamp(999)) && !market.is_shut(&spot, "m", Timestamp(1_000)));
        assert!(!market.is_shut(&spot, "other", Timestamp(0)) && !market.is_shut(&standard, "m", Timestamp(0)));
        market.refused(&spot, Some("m"), Timestamp(1_000));
        assert!(market.is_shut(&spot, "m", Timestamp(2_999)));
        (0..20).for_each(|_| market.refused(&spot, Some("m"), Timestamp(2_000)));
        assert!(!market.is_shut(&spot, "m", Timestamp(2_000 + SHUT_MS_MAX)));
        market.answered(&spot, "m");
        assert!(!market.is_shut(&spot, "m", Timestamp(2_001)));
        market.refused(&spot, None, Timestamp(0));
        assert!(market.is_shut(&standard, "m", Timestamp(500)), "an upstream that cannot be reached has no lane");
    }

    #[test]
    fn retries_are_a_tenth_of_the_calls() {
        let market = Market::new(Commitments::default(), &[]).expect("a market");
        assert_eq!((0..20).filter(|_| market.spend()).count(), 10);
        (0..25).for_each(|_| market.earn());
        assert_eq!((0..20).filter(|_| market.spend()).count(), 2);
    }
}

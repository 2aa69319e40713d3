//! What can take a call at this moment: upstreams and their lanes, committed capacity and the room on it, and which of them have
//! just refused.
//!
//! Promises: a call is never sent to another region or through another profile than its client named. What AWS counts is counted
//! ahead, as far as it is known (`room`, `quotas`); a lane that throttles all the same is left alone for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use laneshift_catalog::commitments::Commitments;
use laneshift_core::route::LaneId;
use laneshift_units::{ModelId, PriceMode, Profile, ProfiledModel, Timestamp, Tokens};

use crate::quotas::Quotas;
use crate::room::{Counts, Measure, Room};
use crate::server::Served;
use crate::upstream::Target;

/// How long a lane that has refused is left alone; twice as long each time it refuses again.
const SHUT_MS: i64 = 1_000;
const SHUT_MS_MAX: i64 = 60_000;
/// Strikes that make a difference.
const STRIKES_MAX: u32 = 7;
/// Lanes whose refusals are kept.
const DOORS_MAX: usize = 10_000;
/// Retries on another upstream: one for ten calls, and so many at once.
const RETRIES_PER_TEN: u64 = 1;
const RETRIES_AT_ONCE: u64 = 10;

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
    room: Arc<Room>,
}

/// One lane of one upstream.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) upstream: usize,
    pub(crate) lane: LaneId,
    pub(crate) committed: Option<Arc<Committed>>,
    /// Where what it takes is counted: of the committed capacity, or of the quota.
    pub(crate) room: Option<Arc<Room>>,
    /// The model of a server beside Bedrock.
    pub(crate) served: Option<Arc<Served>>,
}

impl Spot {
    /// On demand, on a server beside Bedrock: those are counted on after Bedrock's.
    pub(crate) const fn served(upstream: usize, lane: LaneId, served: Arc<Served>) -> Self {
        Self { upstream, lane, committed: None, room: None, served: Some(served) }
    }

    /// A server's model whose price nobody has stated.
    pub(crate) fn is_unpriced(&self) -> bool {
        self.served.as_ref().is_some_and(|served| served.tariff.rates(PriceMode::OnDemand, Tokens(0)).is_empty())
    }
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
    /// A lane of it throttles a model, or a commitment's capacity.
    Lane(usize, LaneId, String),
}

impl Place {
    fn lane(spot: &Spot, model: &str) -> Self {
        let of = spot.committed.as_ref().map_or(model, |committed| &committed.name);
        Self::Lane(spot.upstream, spot.lane, of.to_owned())
    }
}

/// Tries on other upstreams that are left, in tenths.
#[derive(Debug)]
struct Budget(u64);

fn is_in(targets: &[Target], upstream: usize, region: &str) -> bool {
    targets.get(upstream).is_some_and(|target| target.region == region)
}

/// See the module.
pub(crate) struct Market {
    committed: Vec<Arc<Committed>>,
    pub(crate) quotas: Arc<Quotas>,
    doors: Mutex<HashMap<Place, Door>>,
    budget: Mutex<Budget>,
}

impl Market {
    /// The market of these upstreams; refuses a commitment that none of them can call.
    pub(crate) fn new(commitments: Commitments, targets: &[Target], quotas: Arc<Quotas>) -> Result<Self, String> {
        let mut committed = Vec::new();
        let room = |input, output| Arc::new(Room::new(Measure::Committed, Counts([input, output]), quotas.freed()));
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
                room: room(input, output),
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
                room: room(r.input_tpm, r.output_tpm),
            }));
        }
        Ok(Self { committed, quotas, doors: Mutex::default(), budget: Mutex::new(Budget(10 * RETRIES_AT_ONCE)) })
    }

    /// The model that a client means who names provisioned capacity of this gateway: there it goes while there is room, and to
    /// the model itself when there is none.
    pub(crate) fn base_of(&self, model: &str) -> Option<&ModelId> {
        let found = self.committed.iter().find(|committed| committed.arn.as_deref() == Some(model));
        found.map(|committed| &committed.model)
    }

    /// What is paid for already and may take a call of a model in a region.
    fn paid(&self, targets: &[Target], region: &str, model: &ProfiledModel) -> impl Iterator<Item = Spot> {
        let fits = move |committed: &&Arc<Committed>| {
            committed.model == model.model
                && committed.profile.as_ref().is_none_or(|profile| *profile == model.profile)
                && is_in(targets, committed.upstream, region)
        };
        self.committed.iter().filter(fits).map(|c| {
            let (committed, room) = (Some(c.clone()), Some(c.room.clone()));
            Spot { upstream: c.upstream, lane: c.lane, committed, room, served: None }
        })
    }

    /// Of that, what is paid for by the hour.
    pub(crate) fn provisioned(&self, targets: &[Target], region: &str, model: &ProfiledModel) -> Vec<Spot> {
        self.paid(targets, region, model).filter(|spot| spot.lane == LaneId::Provisioned).collect()
    }

    /// Everything that may take a call of a model in a region, what is paid for already first.
    pub(crate) fn spots(&self, targets: &[Target], region: &str, model: &ProfiledModel) -> Vec<Spot> {
        let here = |upstream: usize| is_in(targets, upstream, region);
        let on_demand = targets.iter().enumerate().filter(|(upstream, _)| here(*upstream)).flat_map(|(upstream, target)| {
            // The tiers share one quota.
            let room = self.quotas.room(&target.pool, model);
            let spot = |lane| Spot { upstream, lane, committed: None, room: room.clone(), served: None };
            [LaneId::Standard, LaneId::Flex].map(spot)
        });
        self.paid(targets, region, model).chain(on_demand).collect()
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
        shut(&Place::Upstream(spot.upstream)) || shut(&Place::lane(spot, model))
    }

    /// Whether a lane has refused this model and not answered since.
    pub(crate) fn is_doubted(&self, spot: &Spot, model: &str) -> bool {
        let doors = self.doors();
        !doors.is_empty() && doors.contains_key(&Place::lane(spot, model))
    }

    /// A lane has throttled a model, or, with no model, an upstream cannot be reached.
    pub(crate) fn refused(&self, spot: &Spot, model: Option<&str>, now: Timestamp) {
        let mut doors = self.doors();
        let place = match model {
            Some(model) => Place::lane(spot, model),
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
            doors.remove(&Place::lane(spot, model));
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

    fn market() -> Market {
        Market::new(Commitments::default(), &[], Quotas::shipped()).expect("a market")
    }

    #[test]
    fn a_lane_that_refuses_is_left_alone_for_longer_each_time_until_it_answers() {
        let market = market();
        let spot = Spot { upstream: 0, lane: LaneId::Flex, committed: None, room: None, served: None };
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
        let market = market();
        assert_eq!((0..20).filter(|_| market.spend()).count(), 10);
        (0..25).for_each(|_| market.earn());
        assert_eq!((0..20).filter(|_| market.spend()).count(), 2);
    }
}

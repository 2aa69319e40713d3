//! Provisioned capacity that is idle takes what waits in the batch lane.
//!
//! Promises: the room is the one that live calls take too, so nothing is counted twice, and what interactive calls took lately stays
//! free for them; a lane that has just refused is left alone. Leaves out: the Reserved tier, which is asked for by its tier, and
//! capacity that other keys than the batch lane's call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use laneshift_batch::{Ended, Idle, Lent, PoolSpec, Spare};
use laneshift_units::{Timestamp, Tokens, Usage};

use crate::gateway::{Gateway, WeakGateway};
use crate::lanes::{Ask, Terms};
use crate::market::Spot;
use crate::room::{Counts, Hold, Measure};

/// While fewer answers of a model are known, so many of its records go at a time.
const FIRST_RECORDS: u64 = 16;
/// Answers from which is learned: of older ones half is forgotten.
const ANSWERS_MAX: u64 = 1_024;

/// How many times as long as thought an answer was that did not come in time.
// Judgement: a record is thought to give 300 tokens at most, and a minute of any model is a few times that.
const LOST_TIMES: u64 = 10;

/// What a batch lane sees of its gateway.
pub(crate) struct Provisioned {
    gateway: WeakGateway,
    /// Of the keys that the batch lane calls with.
    access_key: String,
    /// By model.
    learned: Arc<Mutex<HashMap<String, Learned>>>,
}

/// What records took, against what they were thought to take.
#[derive(Clone, Copy, Debug, Default)]
struct Learned {
    answers: u64,
    thought: [u64; 2],
    took: [u64; 2],
}

impl Learned {
    fn add(&mut self, thought: Counts, took: Counts) {
        if self.answers >= ANSWERS_MAX {
            let half = |n: u64| n / 2;
            *self = Self { answers: half(self.answers), thought: self.thought.map(half), took: self.took.map(half) };
        }
        self.answers += 1;
        for at in 0..2 {
            self.thought[at] += thought.0[at];
            self.took[at] += took.0[at];
        }
    }

    /// An answer that did not come in time was longer than thought; it is none from which more is dared.
    fn add_lost(&mut self, thought: Counts) {
        self.thought[1] += thought.0[1];
        self.took[1] += thought.0[1].saturating_mul(LOST_TIMES);
    }

    /// Answers that were longer than thought make the next ones count for more; shorter ones change nothing.
    fn load(&self, thought: Counts) -> Counts {
        let scaled = |at: usize| {
            let (by, of) = (u128::from(self.took[at].max(self.thought[at]).max(1)), u128::from(self.thought[at].max(1)));
            u64::try_from((u128::from(thought.0[at]) * by).div_ceil(of)).unwrap_or(u64::MAX)
        };
        Counts([scaled(0), scaled(1)])
    }

    /// As much as that, in what is thought.
    fn thought(&self, room: Counts) -> Counts {
        let scaled = |at: usize| {
            let (by, of) = (u128::from(self.took[at].max(self.thought[at]).max(1)), u128::from(self.thought[at].max(1)));
            u64::try_from(u128::from(room.0[at]) * of / by).unwrap_or(u64::MAX)
        };
        Counts([scaled(0), scaled(1)])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Provisioned {
    pub(crate) fn new(gateway: WeakGateway, access_key: String) -> Self {
        Self { gateway, access_key, learned: Arc::default() }
    }

    /// The capacity for a pool's model that has not just refused.
    fn open(&self, gateway: &Gateway, pool: &PoolSpec, now: Timestamp) -> Vec<Spot> {
        let mut spots = gateway.market().provisioned(gateway.targets(), &pool.region, &pool.profiled());
        let own = |spot: &Spot| gateway.targets()[spot.upstream].credentials.access_key == self.access_key;
        spots.retain(|spot| own(spot) && !gateway.market().is_shut(spot, &pool.model, now));
        spots
    }

    fn learned(&self, model: &str) -> Learned {
        lock(&self.learned).get(model).copied().unwrap_or_default()
    }
}

impl Gateway {
    /// An interactive call goes elsewhere: capacity that is paid for and has no room for it keeps some for the next ones.
    pub(crate) fn missed(&self, (ask, terms): (&Ask<'_>, &Terms<'_>), spots: &[Spot], now: Timestamp) {
        for spot in spots.iter().filter(|spot| spot.committed.is_some()) {
            let load = self.rules().load(ask, terms, spot);
            if let Some(room) = spot.room.as_ref().filter(|room| !room.has_room(load, false, now)) {
                room.missed(load, now);
            }
        }
    }
}

impl Idle for Provisioned {
    fn spare(&self, pool: &PoolSpec, now: Timestamp) -> Spare {
        let Some(gateway) = self.gateway.current() else { return Spare::default() };
        let learned = self.learned(&pool.model);
        let records = if learned.answers < FIRST_RECORDS { FIRST_RECORDS } else { u64::MAX };
        self.open(&gateway, pool, now).iter().fold(Spare::default(), |sum, spot| {
            let idle = spot.room.as_ref().map_or_else(Counts::default, |room| room.idle(now));
            let Counts([input, output]) = learned.thought(idle);
            // What has refused, and not answered since, is asked with one record whether it is there again.
            let records = if gateway.market().is_doubted(spot, &pool.model) { 1 } else { records };
            Spare {
                input: Tokens(sum.input.0.saturating_add(input)),
                output: Tokens(sum.output.0.saturating_add(output)),
                records: sum.records.saturating_add(records),
            }
        })
    }

    fn lend(&self, pool: &PoolSpec, load: &Usage, now: Timestamp) -> Option<Lent> {
        let gateway = self.gateway.current()?;
        let thought = Counts([load.input.0, load.output.0]);
        let load = self.learned(&pool.model).load(thought);
        let held = |spot: Spot| {
            let hold = Hold::if_room(spot.room.as_ref()?, load, now)?;
            Some((spot, hold))
        };
        let (spot, mut hold) = self.open(&gateway, pool, now).into_iter().find_map(held)?;
        let committed = spot.committed.clone()?;
        let (arn, model, learned) = (committed.arn.clone()?, pool.model.clone(), self.learned.clone());
        let back = Box::new(move |ended| {
            let (market, now) = (gateway.market(), gateway.now());
            let refused = match ended {
                Ended::Answered(Some(usage)) => {
                    hold.used(&usage);
                    lock(&learned).entry(model.clone()).or_default().add(thought, Measure::Committed.took(&usage));
                    return market.answered(&spot, &model);
                }
                Ended::Answered(None) => {
                    hold.lost();
                    return market.answered(&spot, &model);
                }
                Ended::Lost => {
                    lock(&learned).entry(model.clone()).or_default().add_lost(thought);
                    return hold.lost();
                }
                Ended::Throttled => Some(&*model),
                Ended::Gone(why) => {
                    tracing::warn!(commitment = committed.name, why, "provisioned capacity cannot be called");
                    Some(&*model)
                }
                Ended::Unreachable => None,
            };
            // Many that were under way are refused together: that is one refusal, or live calls would find it shut for long.
            if !market.is_shut(&spot, &model, now) {
                market.refused(&spot, refused, now);
            }
        });
        Some(Lent { arn, back })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_longer_than_thought_make_the_next_ones_count_for_more() {
        let mut learned = Learned::default();
        assert_eq!(learned.load(Counts([10, 300])), Counts([10, 300]));
        (0..3_000).for_each(|_| learned.add(Counts([10, 300]), Counts([5, 900])));
        assert_eq!(learned.load(Counts([10, 300])), Counts([10, 900]), "shorter ones change nothing");
        assert_eq!(learned.thought(Counts([100, 900])), Counts([100, 300]));
        assert!(learned.answers <= ANSWERS_MAX);
        (0..3_000).for_each(|_| learned.add(Counts([10, 300]), Counts([5, 600])));
        assert!(learned.load(Counts([0, 300])).0[1] < 620, "what was long ago is forgotten");
        assert_eq!(learned.load(Counts([0, 0])), Counts([0, 0]));
    }
}

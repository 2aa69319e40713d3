//! What each key has spent, what its open calls can cost at most, and whether one more fits its budget and its rates.
//!
//! Promises: a call is let through only when everything that is paid, everything that may have been paid, and everything that is
//! under way stays within the budget; a call without a known price does not pass a budget. Work for the batch lane counts from its
//! acceptance with the most that it can cost on demand, and with what was booked for it when nothing of its chunk waits any more. Both
//! are the queue's to say: here is what it said last, and what was accepted since. Leaves out: rates are of this process, and begin
//! full.

use std::collections::{BTreeMap, HashMap};

use laneshift_store::{Charged, Costed};
use laneshift_units::{Money, Timestamp};

use crate::keys::{Key, Period};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i128 = 60_000;

/// Why a call does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// The budget does not hold it.
    Budget,
    /// It has no known price, and the key has a budget.
    Unpriced,
    /// Too many calls or tokens in a minute.
    Rate,
}

/// Money by the day in which the calls came.
#[derive(Debug, Default)]
struct Days(BTreeMap<i64, Money>);

impl Days {
    fn add(&mut self, at: Timestamp, money: Money) {
        if money > Money::ZERO {
            *self.0.entry(at.0.div_euclid(DAY_MS)).or_insert(Money::ZERO) += money;
        }
    }

    fn since(&self, day: i64) -> Money {
        self.0.range(day..).map(|(_, money)| *money).sum()
    }
}

#[derive(Debug, Default)]
struct Spent {
    /// What was or may have been paid for calls.
    calls_paid: Days,
    /// Work for the batch lane, as the queue said last.
    queued: Days,
    /// What was accepted since it was asked, and what was before and is not in `queued` yet.
    accepted: Days,
    asked: Days,
    /// The most that open calls can cost.
    open: Money,
    calls: Level,
    tokens: Level,
}

/// A bucket a minute deep, in units times [`MINUTE_MS`]; `None` while it is full.
#[derive(Debug, Default)]
struct Level(Option<(i128, Timestamp)>);

impl Level {
    fn now(&mut self, per_minute: u64, now: Timestamp) -> i128 {
        let full = i128::from(per_minute) * MINUTE_MS;
        let level =
            self.0.map_or(full, |(level, at)| (level + i128::from((now.0 - at.0).max(0)) * i128::from(per_minute)).min(full));
        self.0 = Some((level, now));
        level
    }

    fn take(&mut self, n: u64) {
        if let Some((level, _)) = &mut self.0 {
            *level -= i128::from(n) * MINUTE_MS;
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Spending {
    keys: HashMap<String, Spent>,
}

impl Spending {
    /// Whether a call passes the key's rates; if so it counts.
    pub(super) fn admit(&mut self, key: &Key, now: Timestamp) -> Result<(), Held> {
        if key.requests_per_minute.is_none() && key.tokens_per_minute.is_none() {
            return Ok(());
        }
        let spent = self.keys.entry(key.spends_as().to_owned()).or_default();
        if key.requests_per_minute.is_some_and(|limit| spent.calls.now(limit, now) < MINUTE_MS)
            || key.tokens_per_minute.is_some_and(|limit| spent.tokens.now(limit, now) <= 0)
        {
            return Err(Held::Rate);
        }
        spent.calls.take(1);
        Ok(())
    }

    /// Whether the budget holds a call that can cost this; if so it is reserved.
    pub(super) fn reserve(&mut self, key: &Key, most: Option<Money>, now: Timestamp) -> Result<(), Held> {
        let Some(budget) = &key.budget else { return Ok(()) };
        let most = most.ok_or(Held::Unpriced)?;
        let limit = Money::parse_usd(&budget.usd).map_err(|_| Held::Budget)?;
        let spent = self.keys.entry(key.spends_as().to_owned()).or_default();
        let begin = budget.per.begin(now).0.div_euclid(DAY_MS);
        let days = [&spent.calls_paid, &spent.queued, &spent.asked, &spent.accepted];
        let paid: Money = days.into_iter().map(|days| days.since(begin)).sum();
        if paid + spent.open + most > limit {
            return Err(Held::Budget);
        }
        spent.open += most;
        Ok(())
    }

    /// A call has ended: what was reserved for it is free, what was or may have been paid is spent, and its tokens count.
    pub(super) fn ended(&mut self, key: &str, at: Timestamp, reserved: Option<Money>, paid: Money, tokens: u64) {
        if let Some(spent) = self.keys.get_mut(key) {
            spent.tokens.take(tokens);
            spent.free(reserved);
        }
        self.spend(key, at, paid);
    }

    /// Money that is spent.
    pub(super) fn spend(&mut self, key: &str, at: Timestamp, money: Money) {
        if money > Money::ZERO {
            self.keys.entry(key.to_owned()).or_default().calls_paid.add(at, money);
        }
    }

    /// Work is accepted for the batch lane, and can cost this: what was reserved waits for what the queue will say.
    pub(super) fn queue(&mut self, key: &Key, most: Option<Money>, now: Timestamp) {
        let (Some(most), Some(_)) = (most, &key.budget) else { return };
        let spent = self.keys.entry(key.spends_as().to_owned()).or_default();
        spent.free(Some(most));
        spent.accepted.add(now, most);
    }

    /// The queue is asked: what was accepted until here will be in its answer.
    pub(super) fn reading(&mut self) {
        for spent in self.keys.values_mut() {
            // An answer that did not come leaves what was accepted before it.
            for (day, money) in std::mem::take(&mut spent.accepted).0 {
                *spent.asked.0.entry(day).or_insert(Money::ZERO) += money;
            }
        }
    }

    /// The queue's answer.
    pub(super) fn charged(&mut self, all: &[Charged]) {
        for spent in self.keys.values_mut() {
            (spent.queued, spent.asked) = Default::default();
        }
        for charged in all {
            self.keys.entry(charged.charge.payer.clone()).or_default().queued.add(charged.charge.at, at_most(charged));
        }
    }
}

/// What was paid for a chunk, and what may have been; and while something of it waits, the most that it can still cost.
fn at_most(Charged { charge, waits, cost }: &Charged) -> Money {
    let open = *waits || cost.costed == Costed::Unpriced;
    cost.paid + cost.bound + if open { charge.most } else { Money::ZERO }
}

impl Spent {
    fn free(&mut self, reserved: Option<Money>) {
        if let Some(reserved) = reserved {
            self.open = if self.open > reserved { self.open - reserved } else { Money::ZERO };
        }
    }
}

impl Period {
    /// When the period began that a moment is in.
    fn begin(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Day => Timestamp(now.0.div_euclid(DAY_MS) * DAY_MS),
            Self::Month => {
                let first = jiff::Timestamp::from_millisecond(now.0).ok();
                let first = first.and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).first_of_month().ok()?.start_of_day().ok());
                first.map_or(Timestamp(0), |at| Timestamp(at.timestamp().as_millisecond()))
            }
            Self::Ever => Timestamp(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use laneshift_store::{Charge, ChunkId, Cost};

    use super::*;
    use crate::keys::Budget;

    fn key(usd: &str, per: Period) -> Key {
        Key { budget: Some(Budget { usd: usd.to_owned(), per }), ..Key::named("k", "o") }
    }

    fn dollars(text: &str) -> Option<Money> {
        Money::parse_usd(text).ok()
    }

    #[test]
    fn a_budget_holds_what_is_paid_what_is_open_and_what_waits_and_begins_anew() {
        let mut spending = Spending::default();
        let (key, now) = (key("1", Period::Day), Timestamp::parse("2026-11-30T12:00:00Z").expect("a time"));
        assert_eq!(spending.reserve(&key, dollars("0.6"), now), Ok(()));
        assert_eq!(spending.reserve(&key, dollars("0.6"), now), Err(Held::Budget), "the first is open");
        spending.ended("k", now, dollars("0.6"), dollars("0.1").expect("money"), 5);
        assert_eq!(spending.reserve(&key, dollars("0.6"), now), Ok(()));
        spending.queue(&key, dollars("0.6"), now);
        assert_eq!(spending.reserve(&key, dollars("0.31"), now), Err(Held::Budget));
        assert_eq!(spending.reserve(&key, None, now), Err(Held::Unpriced));
        let tomorrow = Timestamp(now.0 + DAY_MS);
        assert_eq!(spending.reserve(&key, dollars("1"), tomorrow), Ok(()));
        let month = Period::Month.begin(Timestamp::parse("2026-02-28T23:59:59Z").expect("a time"));
        assert_eq!(month.to_string(), "2026-02-01T00:00:00Z");
    }

    #[test]
    fn queued_work_counts_with_its_bound_until_the_queue_says_what_it_came_to() {
        let mut spending = Spending::default();
        let (key, now, dollar) = (key("1", Period::Ever), Timestamp(0), |text| dollars(text).expect("money"));
        let charge = Charge { chunk: ChunkId(1), payer: "k".to_owned(), at: now, most: dollar("0.6") };
        let booked = Cost { paid: dollar("0.2"), bound: dollar("0.1"), ..Cost::NOTHING };
        let fits = |spending: &mut Spending, usd: &str| {
            let fits = spending.reserve(&key, dollars(usd), now).is_ok();
            if fits {
                spending.ended("k", now, dollars(usd), Money::ZERO, 0);
            }
            fits
        };
        assert_eq!(spending.reserve(&key, dollars("0.6"), now), Ok(()));
        spending.queue(&key, dollars("0.6"), now);
        spending.reading();
        assert!(!fits(&mut spending, "0.5"), "the answer is not there yet");
        spending.charged(&[Charged { charge: charge.clone(), waits: true, cost: Cost::NOTHING }]);
        assert!(fits(&mut spending, "0.4") && !fits(&mut spending, "0.41"));
        spending.charged(&[Charged { charge: charge.clone(), waits: false, cost: booked }]);
        assert!(fits(&mut spending, "0.7") && !fits(&mut spending, "0.71"));
        spending.reading();
        spending.queue(&key, dollars("0.5"), now);
        spending.charged(&[Charged { charge: charge.clone(), waits: false, cost: booked }]);
        assert!(fits(&mut spending, "0.2") && !fits(&mut spending, "0.21"), "it was accepted while the queue was read");
        let unpriced = Cost { costed: Costed::Unpriced, ..Cost::NOTHING };
        spending.reading();
        spending.charged(&[Charged { charge, waits: false, cost: unpriced }]);
        assert!(fits(&mut spending, "0.4") && !fits(&mut spending, "0.41"), "what it cost is not known");
    }

    #[test]
    fn rates_are_of_a_minute() {
        let mut spending = Spending::default();
        let key = Key { requests_per_minute: Some(2), tokens_per_minute: Some(100), ..Key::named("k", "o") };
        assert_eq!([0, 1, 2].map(|ms| spending.admit(&key, Timestamp(ms))), [Ok(()), Ok(()), Err(Held::Rate)]);
        assert_eq!(spending.admit(&key, Timestamp(30_000)), Ok(()));
        spending.ended("k", Timestamp(30_000), None, Money::ZERO, 250);
        assert_eq!(spending.admit(&key, Timestamp(90_000)), Err(Held::Rate), "the tokens of the last call are still due");
        assert_eq!(spending.admit(&key, Timestamp(150_000)), Ok(()));
    }
}

//! What each key has spent, what its open calls can cost at most, and whether one more fits its budget and its rates.
//!
//! Promises: a call is let through only when everything that is paid, everything that may have been paid, and everything that is
//! under way stays within the budget; a call without a known price does not pass a budget. Work for the batch lane counts from its
//! acceptance with the most that it can cost on demand, kept in a file, until the period of the budget ends. Leaves out: rates are
//! of this process, and begin full.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use laneshift_units::{Money, Timestamp};
use serde::{Deserialize, Serialize};

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

#[derive(Debug, Default)]
struct Spent {
    /// By the day in which the calls came: what was or may have been paid.
    days: BTreeMap<i64, Money>,
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

/// A line of the file of accepted work.
#[derive(Serialize, Deserialize)]
struct Queued {
    at_ms: i64,
    key: String,
    usd: String,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Spending {
    keys: HashMap<String, Spent>,
    queued: Option<File>,
}

fn path(folder: &Path) -> std::path::PathBuf {
    folder.join("queued.jsonl")
}

impl Spending {
    /// With the work that was accepted before.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let mut spending = Self { keys: HashMap::new(), queued: None };
        match File::open(path(folder)) {
            Ok(file) => {
                for line in BufReader::new(file).split(b'\n') {
                    let Ok(Queued { at_ms, key, usd }) = serde_json::from_slice(&line?) else { continue };
                    spending.spend(&key, Timestamp(at_ms), Money::parse_usd(&usd).unwrap_or(Money::ZERO));
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        spending.queued = Some(OpenOptions::new().create(true).append(true).open(path(folder))?);
        Ok(spending)
    }

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
        let paid: Money = spent.days.range(begin..).map(|(_, money)| *money).sum();
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
            if let Some(reserved) = reserved {
                spent.open = if spent.open > reserved { spent.open - reserved } else { Money::ZERO };
            }
        }
        self.spend(key, at, paid);
    }

    /// Money that is spent.
    pub(super) fn spend(&mut self, key: &str, at: Timestamp, money: Money) {
        if money > Money::ZERO {
            *self.keys.entry(key.to_owned()).or_default().days.entry(at.0.div_euclid(DAY_MS)).or_insert(Money::ZERO) += money;
        }
    }

    /// Work is accepted for the batch lane, and can cost this: what was reserved becomes spent.
    pub(super) fn queue(&mut self, key: &Key, most: Option<Money>, now: Timestamp) -> io::Result<()> {
        let (Some(most), Some(_)) = (most, &key.budget) else { return Ok(()) };
        let mut line =
            serde_json::to_vec(&Queued { at_ms: now.0, key: key.spends_as().to_owned(), usd: most.to_exact_string() })?;
        line.push(b'\n');
        if let Some(file) = &mut self.queued {
            file.write_all(&line)?;
        }
        self.ended(key.spends_as(), now, Some(most), most, 0);
        Ok(())
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
        let folder = tempfile::tempdir().expect("a folder");
        let mut spending = Spending::open(folder.path()).expect("opened");
        let (key, now) = (key("1", Period::Day), Timestamp::parse("2026-11-30T12:00:00Z").expect("a time"));
        assert_eq!(spending.reserve(&key, dollars("0.6"), now), Ok(()));
        assert_eq!(spending.reserve(&key, dollars("0.6"), now), Err(Held::Budget), "the first is open");
        spending.ended("k", now, dollars("0.6"), dollars("0.1").expect("money"), 5);
        assert_eq!(spending.reserve(&key, dollars("0.6"), now), Ok(()));
        spending.queue(&key, dollars("0.6"), now).expect("written");
        assert_eq!(spending.reserve(&key, dollars("0.31"), now), Err(Held::Budget));
        let mut again = Spending::open(folder.path()).expect("opened");
        assert_eq!(again.reserve(&key, dollars("0.41"), now), Err(Held::Budget), "what waits is known to the next process");
        assert_eq!(spending.reserve(&key, None, now), Err(Held::Unpriced));
        let tomorrow = Timestamp(now.0 + DAY_MS);
        assert_eq!(spending.reserve(&key, dollars("1"), tomorrow), Ok(()));
        let month = Period::Month.begin(Timestamp::parse("2026-02-28T23:59:59Z").expect("a time"));
        assert_eq!(month.to_string(), "2026-02-01T00:00:00Z");
    }

    #[test]
    fn rates_are_of_a_minute() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spending = Spending::open(folder.path()).expect("opened");
        let key = Key { requests_per_minute: Some(2), tokens_per_minute: Some(100), ..Key::named("k", "o") };
        assert_eq!([0, 1, 2].map(|ms| spending.admit(&key, Timestamp(ms))), [Ok(()), Ok(()), Err(Held::Rate)]);
        assert_eq!(spending.admit(&key, Timestamp(30_000)), Ok(()));
        spending.ended("k", Timestamp(30_000), None, Money::ZERO, 250);
        assert_eq!(spending.admit(&key, Timestamp(90_000)), Err(Held::Rate), "the tokens of the last call are still due");
        assert_eq!(spending.admit(&key, Timestamp(150_000)), Ok(()));
    }
}

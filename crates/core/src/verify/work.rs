//! The same work in both months: the tokens of one direction of one model, in one account and region.

use std::collections::BTreeMap;

use laneshift_units::{Money, PriceMode, TokenClass};

use super::exact::share;
use super::month::{Amount, Cell, Month};
use super::steps::{Step, Steps};

/// What makes it the same work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    account: String,
    region: String,
    model: String,
    long_context: bool,
    /// Output; otherwise input, cached or not.
    output: bool,
}

/// How it was bought.
type Way = (TokenClass, PriceMode, bool);

/// A work's tokens by the way they were bought. Every way has tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Work(BTreeMap<Way, Amount>);

/// What months are told apart by: accounts where both tell them, regions where both have them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) accounts: bool,
    pub(super) regions: bool,
}

/// A month's tokens as work. What costs money and has no tokens is no work.
pub(super) fn works(month: &Month, told: Told) -> BTreeMap<Key, Work> {
    let mut works: BTreeMap<Key, Work> = BTreeMap::new();
    for (cell, amount) in month.cells.iter().filter(|(_, amount)| amount.tokens > 0) {
        *works.entry(Key::of(cell, told)).or_default().0.entry((cell.class, cell.mode, cell.global)).or_default() += *amount;
    }
    works
}

impl Key {
    fn of(cell: &Cell, told: Told) -> Self {
        Self {
            account: if told.accounts { cell.account.clone() } else { String::new() },
            region: if told.regions { cell.region.clone() } else { String::new() },
            model: cell.model.clone(),
            long_context: cell.long_context,
            output: cell.class == TokenClass::Output,
        }
    }

    pub(super) fn in_any_region(&self) -> Self {
        Self { region: String::new(), ..self.clone() }
    }
}

impl Work {
    fn sum(&self, of: impl Fn(&Way) -> bool) -> Amount {
        let mut sum = Amount::default();
        self.0.iter().filter(|(way, _)| of(way)).for_each(|(_, amount)| sum += *amount);
        sum
    }

    pub(super) fn all(&self) -> Amount {
        self.sum(|_| true)
    }

    /// What so many tokens cost at the price that these had on average.
    fn price(paid: Amount, tokens: u64) -> Money {
        share(paid.cost, tokens.into(), paid.tokens.into())
    }

    /// What this work cost before, at its own tokens and at the shares and prices of `before`.
    pub(super) fn equal(&self, before: &Self) -> Money {
        Self::price(before.all(), self.all().tokens)
    }

    /// What tokens that were bought in one way cost at the prices of `before`, and whether these are known. Where nothing was bought
    /// that way before, their own price goes back by as much as the price of what was bought in both months has changed.
    fn at_prices_of(&self, before: &Self, way: Way) -> (Money, bool) {
        let bought = self.0.get(&way).copied().unwrap_or_default();
        if let Some(paid) = before.0.get(&way) {
            return (Self::price(*paid, bought.tokens), true);
        }
        let in_both = |like: &dyn Fn(&Way) -> bool| {
            let both = self.0.iter().filter(|(way, now)| like(way) && now.cost > Money::ZERO && before.0.contains_key(way));
            let (was, is) = both.fold((Money::ZERO, Money::ZERO), |(was, is), (way, now)| {
                (was + Self::price(before.0[way], now.tokens), is + now.cost)
            });
            (is > Money::ZERO).then_some((was, is))
        };
        match in_both(&|other| other.0 == way.0).or_else(|| in_both(&|_| true)) {
            Some((was, is)) => (share(bought.cost, was.pico().unsigned_abs(), is.pico().unsigned_abs()), true),
            None => (bought.cost, false),
        }
    }

    fn all_at_prices_of(&self, before: &Self, of: impl Fn(&Way) -> bool) -> Money {
        self.0.keys().filter(|way| of(way)).map(|way| self.at_prices_of(before, *way).0).sum()
    }

    /// Tokens whose price before is not known.
    pub(super) fn unknown_before(&self, before: &Self) -> u64 {
        let unknown = self.0.iter().filter(|(way, _)| !self.at_prices_of(before, **way).1);
        unknown.map(|(_, amount)| amount.tokens).sum()
    }

    /// The steps from what it cost at equal tokens to what it costs: cache, profile, lanes, prices.
    pub(super) fn levers(&self, before: &Self, steps: &mut Steps) {
        let mut by_class = Money::ZERO;
        for class in TokenClass::ALL {
            let was = before.sum(|way| way.0 == class);
            let at_old_prices = self.all_at_prices_of(before, |way| way.0 == class);
            if was.tokens == 0 {
                by_class += at_old_prices;
                continue;
            }
            let at_class = Self::price(was, self.sum(|way| way.0 == class).tokens);
            // Lanes are compared within a profile. What came into one that was not used before had its lane in another one.
            let was_used = |way: &Way| before.sum(|other| (other.0, other.2) == (class, way.2)).tokens > 0;
            let is_known = self.0.keys().filter(|way| way.0 == class).all(was_used);
            let pools: &[&dyn Fn(&Way) -> bool] = if is_known { &[&|way| way.2, &|way| !way.2] } else { &[&|_| true] };
            let (mut at_pools, mut at_modes) = (Money::ZERO, Money::ZERO);
            for pool in pools {
                let of = |way: &Way| way.0 == class && pool(way);
                let (was, now) = (before.sum(of), self.sum(of).tokens);
                let at_pool = Self::price(was, now);
                let modes = PriceMode::ALL.map(|mode| self.mode(before, mode, |way| of(way) && way.1 == mode));
                let at_mode: Money = modes.iter().map(|mode| Self::price(mode.priced, mode.now)).sum();
                lanes(&modes, (now, was.tokens), at_pool - at_mode, steps);
                at_pools += at_pool;
                at_modes += at_mode;
            }
            by_class += at_class;
            steps[Step::Profile] += at_class - at_pools + at_modes - at_old_prices;
        }
        let at_old_prices = self.all_at_prices_of(before, |_| true);
        steps[Step::Cache] += self.equal(before) - by_class;
        steps[Step::Prices] += at_old_prices - self.all().cost;
    }

    fn mode(&self, before: &Self, mode: PriceMode, of: impl Fn(&Way) -> bool) -> Mode {
        let (was, now) = (before.sum(&of), self.sum(&of));
        let priced = if was.tokens > 0 { was } else { Amount { tokens: now.tokens, cost: self.all_at_prices_of(before, &of) } };
        Mode { mode, was: was.tokens, now: now.tokens, priced }
    }
}

/// Tokens of one class in one mode.
struct Mode {
    mode: PriceMode,
    was: u64,
    now: u64,
    /// Tokens and their cost, at the prices before.
    priced: Amount,
}

/// Tells a saving apart by the lanes that tokens came into. They come from the lanes that lost a share, from each as much as it lost.
fn lanes(modes: &[Mode], (now, was): (u64, u64), saved: Money, steps: &mut Steps) {
    // By how much a lane's share grew, times all tokens now and before.
    let grew = |mode: &Mode| i128::from(mode.now) * i128::from(was) - i128::from(mode.was) * i128::from(now);
    let worth =
        |mode: &Mode| share(mode.priced.cost, grew(mode).unsigned_abs(), u128::from(mode.priced.tokens) * u128::from(was));
    let lost: Money = modes.iter().filter(|mode| grew(mode) < 0).map(worth).sum();
    let gainers: Vec<&Mode> = modes.iter().filter(|mode| grew(mode) > 0).collect();
    let moved: u128 = gainers.iter().map(|mode| grew(mode).unsigned_abs()).sum();
    let mut left = saved;
    for (at, gainer) in gainers.iter().enumerate() {
        let last = at + 1 == gainers.len();
        let part = if last { left } else { share(lost, grew(gainer).unsigned_abs(), moved) - worth(gainer) };
        steps[lever(gainer.mode)] += part;
        left -= part;
    }
    steps[Step::Rest] += left;
}

const fn lever(mode: PriceMode) -> Step {
    match mode {
        PriceMode::Batch => Step::Batch,
        PriceMode::Flex => Step::Flex,
        PriceMode::OnDemand | PriceMode::Priority | PriceMode::LatencyOptimized => Step::Tier,
    }
}

//! From one month to the other in steps that add up.

use laneshift_units::{Money, TokenClass};

use super::exact::share;
use super::month::{Amount, Month};
use super::steps::{Step, Steps};
use super::work::{Told, works};

/// Two months and the steps between them. `before` minus all steps is `after`, to the picodollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waterfall {
    /// What the first month cost.
    pub before: Money,
    /// What the second month cost.
    pub after: Money,
    /// What each step saved.
    pub steps: Steps,
    /// What the tokens of the second month would have cost, each model's in the lanes and at the prices of the first.
    pub at_equal_tokens: Money,
    /// What those tokens cost.
    pub tokens_cost: Money,
    /// Tokens of models that the first month did not have: they claim nothing.
    pub without_before: u64,
    /// Tokens whose price in the first month is not known: that AWS has changed it would be counted with the lever.
    pub price_unknown: u64,
}

impl Waterfall {
    /// What the levers saved on the same tokens.
    pub fn saved(&self) -> Money {
        self.steps.sum(Step::is_lever)
    }

    /// What came of other lanes alone, as the bounds of a plan count it. A cache that is lost by it counts against it; a cache that
    /// is gained beside it does not count.
    pub fn saved_by_lane(&self) -> Money {
        let lanes = self.steps.sum(|step| matches!(step, Step::Batch | Step::Flex | Step::Tier));
        lanes + self.steps[Step::Cache].min(Money::ZERO)
    }
}

/// Decomposes the difference of two months.
pub fn waterfall(before: &Month, after: &Month) -> Waterfall {
    // Where one of them names no accounts, the same work cannot be told by them.
    let accounts = [before, after].iter().all(|month| month.cells.keys().all(|cell| !cell.account.is_empty()));
    let told = Told { accounts, regions: true };
    let (was, is) = (works(before, told), works(after, told));
    let anywhere = works(before, Told { regions: false, ..told });
    let mut out = Waterfall { before: before.total(), after: after.total(), ..Waterfall::default() };
    for (key, work) in &is {
        let now = work.all();
        out.tokens_cost += now.cost;
        let Some(then) = was.get(key).or_else(|| anywhere.get(&key.in_any_region())) else {
            out.at_equal_tokens += now.cost;
            out.without_before += now.tokens;
            continue;
        };
        out.at_equal_tokens += work.equal(then);
        out.price_unknown += work.unknown_before(then);
        work.levers(then, &mut out.steps);
    }
    let tokens_before: Money = was.values().map(|work| work.all().cost).sum();
    let at_tokens = at_tokens(before, after);
    out.steps[Step::Tokens] = tokens_before - at_tokens;
    out.steps[Step::Mix] = at_tokens - out.at_equal_tokens;
    out.steps[Step::Committed] = before.fees - after.fees;
    out.steps[Step::Other] = before.other - after.other;
    out.steps[Step::Adjustments] = before.adjustments - after.adjustments;
    out.steps[Step::Rest] += without_tokens(before) - without_tokens(after);
    out
}

/// What as many tokens of input and of output as the second month has would have cost in the first.
fn at_tokens(before: &Month, after: &Month) -> Money {
    let sum = |month: &Month, output: bool| {
        let mut sum = Amount::default();
        let cells = month.cells.iter().filter(|(cell, amount)| (cell.class == TokenClass::Output) == output && amount.tokens > 0);
        cells.for_each(|(_, amount)| sum += *amount);
        sum
    };
    let one = |output| match (sum(before, output), sum(after, output)) {
        (Amount { tokens: 0, .. }, now) => now.cost,
        (was, now) => share(was.cost, now.tokens.into(), was.tokens.into()),
    };
    one(false) + one(true)
}

fn without_tokens(month: &Month) -> Money {
    let cells: Money = month.cells.values().filter(|amount| amount.tokens == 0).map(|amount| amount.cost).sum();
    cells + month.corrections
}

//! Amounts rounded so that what is printed adds up.
//!
//! Each running level is rounded once, and a step is printed as the difference of its two levels. So a step is off
//! by less than one unit, and the sum of the printed steps is exactly the printed total.

use laneshift_core::plan::Plan;
use laneshift_units::Money;

/// A step of a waterfall, in printed amounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// The lever.
    pub(crate) name: String,
    /// What remains before it.
    pub(crate) before: Money,
    /// What remains after it.
    pub(crate) after: Money,
}

impl Level {
    /// What the step saves.
    pub(crate) fn saves(&self) -> Money {
        self.before - self.after
    }
}

/// The steps from today to the planned spend. A difference that no lever explains is a step of its own.
pub(crate) fn waterfall(plan: &Plan, decimals: usize) -> Vec<Level> {
    let mut exact = plan.today;
    let mut steps = Vec::with_capacity(plan.waterfall.len() + 1);
    let mut step = |name: &str, saves: Money| {
        let before = round(exact, decimals);
        exact -= saves;
        steps.push(Level { name: name.to_owned(), before, after: round(exact, decimals) });
    };
    for lever in &plan.waterfall {
        step(&lever.name, lever.saves);
    }
    let explained: Money = plan.waterfall.iter().map(|s| s.saves).sum();
    let rest = plan.today - plan.planned - explained;
    if rest != Money::ZERO {
        step("not explained by a lever", rest);
    }
    steps
}

/// Parts of a whole, rounded so that they add up to the rounded whole.
pub(crate) fn parts(exact: impl IntoIterator<Item = Money>, decimals: usize) -> Vec<Money> {
    let (mut sum, mut printed) = (Money::ZERO, Money::ZERO);
    exact
        .into_iter()
        .map(|part| {
            sum += part;
            let level = round(sum, decimals);
            let of_part = level - printed;
            printed = level;
            of_part
        })
        .collect()
}

/// Rounds half away from zero, as `Money` prints.
pub(crate) fn round(amount: Money, decimals: usize) -> Money {
    let unit = 10_i128.pow(12 - decimals.min(12) as u32);
    let half = if amount < Money::ZERO { -unit / 2 } else { unit / 2 };
    Money::from_pico((amount.pico() + half) / unit * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(cents: i128) -> Money {
        Money::from_pico(cents * 10_000_000_000)
    }

    #[test]
    fn printed_parts_add_up_to_the_printed_whole() {
        let exact = [cents(40), cents(40), cents(40), cents(33)];
        let printed = parts(exact, 0);
        assert_eq!(printed.iter().copied().sum::<Money>(), round(cents(153), 0));
        assert!(printed.iter().zip(exact).all(|(p, e)| (*p - e).pico().abs() < 1_000_000_000_000));
    }

    #[test]
    fn rounding_agrees_with_printing() {
        for amount in [-151, -150, -149, -50, 50, 149, 150, 151].map(cents) {
            assert_eq!(format!("{:.0}", round(amount, 0)), format!("{amount:.0}"), "{amount}");
        }
    }
}

//! Money, counts, shares and scores.

use laneshift_core::plan::Scope;
use laneshift_core::verdict::Score;
use laneshift_units::Money;

/// From this spend on, a report prints whole dollars.
const WHOLE_DOLLARS_FROM: Money = Money::from_usd(1000);
/// Length of the period that run-rates are stated for.
const RUN_RATE_DAYS: u32 = 30;

/// Decimals for all money of a report whose largest amount is `largest`, so that its columns line up.
pub(crate) fn decimals(largest: Money) -> usize {
    if largest >= WHOLE_DOLLARS_FROM { 0 } else { 2 }
}

/// An amount with so many decimals; a minus sign instead of a hyphen.
pub(crate) fn usd(amount: Money, decimals: usize) -> String {
    format!("{amount:.decimals$}").replace('-', "−")
}

/// The amount of 30 days at the pace of the period; `None` when the period is 30 days give or take one, or empty.
pub(crate) fn run_rate(amount: Money, scope: &Scope) -> Option<Money> {
    (scope.days > 0 && scope.days.abs_diff(RUN_RATE_DAYS) > 1)
        .then(|| amount.scaled(u64::from(RUN_RATE_DAYS), u64::from(scope.days)))
}

/// `part` of `whole` in percent; a dash where the whole is nothing.
pub(crate) fn percent(part: Money, whole: Money) -> String {
    part.share_of(whole).map_or_else(|| "–".to_owned(), ratio)
}

/// A ratio in percent: one decimal under ten.
pub(crate) fn ratio(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let text = match percent.abs() {
        0.0 => "0 %".to_owned(),
        p if p < 0.05 => "<0.1 %".to_owned(),
        p if p < 9.95 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    };
    text.replace('-', "−")
}

/// A whole number with thousands separators.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Tokens in thousands (k), millions (M) or billions (B), to three figures.
pub(crate) fn tokens(n: u64) -> String {
    scaled(n, &[(1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")])
}

/// Bytes in decimal units.
pub(crate) fn bytes(n: u64) -> String {
    scaled(n, &[(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"), (1, "B")])
}

fn scaled(n: u64, units: &[(u64, &str)]) -> String {
    let Some((unit, name)) = units.iter().find(|(unit, _)| n >= *unit) else { return n.to_string() };
    let value = n as f64 / *unit as f64;
    let decimals = if *unit == 1 || value >= 99.95 { 0 } else { usize::from(value < 9.995) + 1 };
    if value >= 999.5 { format!("{} {name}", count(n.div_ceil(*unit))) } else { format!("{value:.decimals$} {name}") }
}

/// Money for each of `n`, to a hundredth of a cent at most; a dash for none.
pub(crate) fn times_each(amount: Money, n: u64) -> String {
    match n {
        0 => "–".to_owned(),
        n => {
            let each = amount.scaled(1, n);
            let decimals = if each.to_f64_for_charts() < 1.0 { 4 } else { 2 };
            usd(each, decimals)
        }
    }
}

/// Dollars a million tokens; a dash for none.
pub(crate) fn unit_price(amount: Money, tokens: u64) -> String {
    if tokens == 0 { "–".to_owned() } else { usd(amount.scaled(1_000_000, tokens), 2) }
}

/// A score as a decimal fraction without the zero before the point, so that it is not read as a percentage.
pub(crate) fn score(score: Score) -> String {
    match score.0 {
        1000.. => "1.00".to_owned(),
        thousandths => format!(".{thousandths:03}"),
    }
}

/// A contribution to a score, with its sign.
pub(crate) fn nats(nats: f64) -> String {
    format!("{nats:+.1}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_figures_and_their_unit() {
        assert_eq!(tokens(999), "999");
        assert_eq!(tokens(1_234), "1.23 k");
        assert_eq!(tokens(12_345_678), "12.3 M");
        assert_eq!(tokens(2_000_000_000), "2.00 B");
        assert_eq!(tokens(999_700_000_000), "1,000 B");
        assert_eq!(bytes(0), "0");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn a_share_of_nothing_is_a_dash() {
        assert_eq!(percent(Money::ZERO, Money::ZERO), "–");
        assert_eq!(percent(Money::from_usd(1), Money::from_usd(3)), "33 %");
        assert_eq!(percent(Money::from_usd(1), Money::from_usd(100_000)), "<0.1 %");
        assert_eq!(percent(Money::from_usd(-3), Money::from_usd(100)), "−3.0 %");
    }

    #[test]
    fn scores_do_not_look_like_percentages() {
        assert_eq!((score(Score(0)), score(Score(950)), score(Score(1000))), (".000".into(), ".950".into(), "1.00".into()));
        assert_eq!((nats(1.52), nats(-3.0)), ("+1.5".into(), "−3.0".into()));
    }
}

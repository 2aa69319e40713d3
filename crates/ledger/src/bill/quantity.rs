//! From a quantity and its unit to whole tokens, in exact decimals.

use laneshift_units::Tokens;

/// The most tokens that one row may count; more is a broken row. A hundred trillion.
pub(super) const ROW_TOKENS_MAX: u64 = 100_000_000_000_000;

/// Tokens, and whether they had to be rounded to a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) tokens: Tokens,
    pub(super) rounded: bool,
}

/// Why a quantity counts no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuantityError {
    NotANumber,
    Negative,
    TooLarge,
}

/// How many tokens one unit is, and whether that had to be assumed.
///
/// AWS prints `1K tokens` for its own models; Marketplace rows print `1K tokens`, `1M tokens` or `Units`, a unit being
/// a million unless the description says otherwise.
// AWS's CUDOS dashboard, "Bedrock Unit Multiplier", read 2026-11-23.
pub(super) fn tokens_per_unit(unit: &str, description: &str, marketplace: bool) -> (u64, bool) {
    const THOUSAND: u64 = 1000;
    const MILLION: u64 = 1_000_000;
    let (unit, description) = (unit.trim().to_ascii_lowercase(), description.to_ascii_lowercase());
    match unit.as_str() {
        "1k tokens" | "1000 tokens" | "1,000 tokens" | "thousand tokens" => return (THOUSAND, false),
        "1m tokens" | "million tokens" => return (MILLION, false),
        "token" | "tokens" => return (1, false),
        u if u.contains("million") => return (MILLION, false),
        _ => {}
    }
    if description.contains("million") || description.contains("1m ") {
        return (MILLION, false);
    }
    if ["1k ", "1,000 ", "1000 ", "thousand"].iter().any(|w| description.contains(w)) {
        return (THOUSAND, false);
    }
    match unit.as_str() {
        "unit" | "units" => (MILLION, false),
        _ if marketplace => (MILLION, true),
        _ => (THOUSAND, true),
    }
}

/// A decimal quantity times the tokens of one unit, rounded half up to a whole token.
pub(super) fn count(amount: &str, tokens_per_unit: u64) -> Result<Counted, QuantityError> {
    let (negative, mut mantissa, mut exponent) = decimal(amount.trim()).ok_or(QuantityError::NotANumber)?;
    if mantissa == 0 {
        return Ok(Counted { tokens: Tokens(0), rounded: false });
    }
    if negative {
        return Err(QuantityError::Negative);
    }
    mantissa = mantissa.checked_mul(u128::from(tokens_per_unit)).ok_or(QuantityError::TooLarge)?;
    while exponent > 0 && mantissa <= u128::from(ROW_TOKENS_MAX) {
        mantissa *= 10;
        exponent -= 1;
    }
    let mut last_digit = 0;
    let mut rounded = false;
    while exponent < 0 && mantissa > 0 {
        last_digit = mantissa % 10;
        rounded |= last_digit != 0;
        mantissa /= 10;
        exponent += 1;
    }
    // Digits left over when the number has run out: less than a tenth, so nothing to round up.
    let up = rounded && exponent == 0 && last_digit >= 5;
    let tokens = mantissa + u128::from(up);
    match u64::try_from(tokens) {
        Ok(tokens) if tokens <= ROW_TOKENS_MAX => Ok(Counted { tokens: Tokens(tokens), rounded }),
        _ => Err(QuantityError::TooLarge),
    }
}

/// The sign, digits and power of ten of a decimal text; `None` when it is none, or longer than 30 digits without
/// trailing zeros.
fn decimal(text: &str) -> Option<(bool, u128, i64)> {
    let (body, exponent) = match text.split_once(['e', 'E']) {
        Some((body, e)) => (body, i64::from(e.parse::<i32>().ok()?)),
        None => (text, 0),
    };
    let (negative, digits) = match body.strip_prefix(['-', '+']) {
        Some(digits) => (body.starts_with('-'), digits),
        None => (false, body),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let mut mantissa = 0_u128;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() || mantissa >= 10_u128.pow(30) {
            return None;
        }
        mantissa = mantissa * 10 + u128::from(digit - b'0');
    }
    Some((negative, mantissa, exponent - i64::try_from(fraction.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(tokens: u64) -> Result<Counted, QuantityError> {
        Ok(Counted { tokens: Tokens(tokens), rounded: false })
    }

    fn rounded(tokens: u64) -> Result<Counted, QuantityError> {
        Ok(Counted { tokens: Tokens(tokens), rounded: true })
    }

    #[test]
    fn thousands_and_millions_become_whole_tokens() {
        assert_eq!(count("1234.567", 1000), whole(1_234_567));
        assert_eq!(count("0.0987650000", 1_000_000), whole(98_765));
        assert_eq!(count("1.2E-2", 1000), whole(12));
        assert_eq!(count("12e2", 1), whole(1200));
        assert_eq!(count("0", 1000), whole(0));
        assert_eq!(count("-0.0", 1000), whole(0));
    }

    #[test]
    fn what_is_not_whole_is_rounded_and_said() {
        assert_eq!(count("0.0004", 1000), rounded(0));
        assert_eq!(count("0.0005", 1000), rounded(1));
        assert_eq!(count("1e-2000000000", 1000), rounded(0));
        assert_eq!(count("0.30000000000000004", 1000), rounded(300));
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", ".", "-", "abc", "1,5", "NaN", "inf", "1e", "0x10", "1.2.3"] {
            assert_eq!(count(text, 1000), Err(QuantityError::NotANumber), "{text}");
        }
        assert_eq!(count("-1", 1000), Err(QuantityError::Negative));
        assert_eq!(count("1e30", 1000), Err(QuantityError::TooLarge));
        assert_eq!(count("1e2000000000", 1), Err(QuantityError::TooLarge));
        assert_eq!(count("999999999999999999999999999999", 1_000_000), Err(QuantityError::TooLarge));
    }

    #[test]
    fn the_unit_comes_before_the_description_and_the_description_before_habit() {
        assert_eq!(tokens_per_unit("1K tokens", "$5 per Million Input Tokens", true), (1000, false));
        assert_eq!(tokens_per_unit("1M tokens", "", true), (1_000_000, false));
        assert_eq!(tokens_per_unit("Tokens", "", false), (1, false));
        assert_eq!(
            tokens_per_unit("Units", "AWS Marketplace software usage|us-east-1|Million Input Tokens", true),
            (1_000_000, false)
        );
        assert_eq!(tokens_per_unit("Units", "$0.003 per 1K input tokens", true), (1000, false));
        assert_eq!(tokens_per_unit("Units", "", true), (1_000_000, false));
        assert_eq!(tokens_per_unit("", "", true), (1_000_000, true));
        assert_eq!(tokens_per_unit("", "", false), (1000, true));
    }
}

//! Money and token rates, exact in picodollars.
//!
//! A list price has at most six decimals per million tokens, so a rate is a whole number of picodollars a
//! token, and a cost is a whole number of picodollars. Printing rounds, nothing else does.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use crate::Tokens;

const PICO_PER_USD: i128 = 1_000_000_000_000;

/// An amount of US dollars, exact, in picodollars (10^-12 USD). May be negative (credits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

/// Why a decimal text is not an exact amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// Not a decimal number.
    NotANumber,
    /// More decimals than a picodollar (for [`Money`]) or a picodollar a token (for [`Rate`]) can hold.
    TooFine,
    /// Out of the range of an `i128`.
    TooLarge,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "not a decimal number",
            Self::TooFine => "finer than a picodollar",
            Self::TooLarge => "out of range",
        })
    }
}

impl std::error::Error for MoneyError {}

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Whole picodollars.
    pub const fn from_pico(pico: i128) -> Self {
        Self(pico)
    }

    /// Whole US dollars.
    pub const fn from_usd(usd: i64) -> Self {
        Self(usd as i128 * PICO_PER_USD)
    }

    /// The exact number of picodollars.
    pub const fn pico(self) -> i128 {
        self.0
    }

    /// Parses a decimal amount of US dollars exactly: `"12.5"`, `"-0.000001"`, `"1.2E-7"`.
    ///
    /// # Errors
    /// [`MoneyError`] when it is no number or finer than a picodollar.
    pub fn parse_usd(text: &str) -> Result<Self, MoneyError> {
        parse_scaled(text, 12).map(Self)
    }

    /// As [`Money::parse_usd`], but drops what is finer than a picodollar (towards zero).
    /// A bill prints costs with up to 16 decimals; the caller counts what this drops as under one picodollar a row.
    ///
    /// # Errors
    /// [`MoneyError`] when it is no number or out of range.
    pub fn parse_usd_truncating(text: &str) -> Result<Self, MoneyError> {
        parse_scaled_with(text, 12, true).map(Self)
    }

    /// A share of this amount in thousandths, rounded towards zero to a picodollar.
    pub const fn per_mille(self, share: u16) -> Self {
        Self(self.0 * share as i128 / 1000)
    }

    /// The amount times a whole number.
    pub const fn times(self, n: u64) -> Self {
        Self(self.0 * n as i128)
    }

    /// The amount times `num / den`, rounded towards zero to a picodollar. `den` of zero gives zero.
    pub const fn scaled(self, num: u64, den: u64) -> Self {
        if den == 0 { Self::ZERO } else { Self(self.0 * num as i128 / den as i128) }
    }

    /// The ratio of two amounts, for display and charts only; `None` when `whole` is zero.
    pub fn share_of(self, whole: Self) -> Option<f64> {
        (whole.0 != 0).then(|| self.0 as f64 / whole.0 as f64)
    }

    /// US dollars as a float, for charts only.
    pub fn to_f64_for_charts(self) -> f64 {
        self.0 as f64 / PICO_PER_USD as f64
    }

    /// The exact amount as a decimal text without trailing zeros, for machines: `"12.5"`, `"0.000001"`.
    pub fn to_exact_string(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let abs = self.0.unsigned_abs();
        let (usd, pico) = (abs / PICO_PER_USD as u128, abs % PICO_PER_USD as u128);
        if pico == 0 {
            return format!("{sign}{usd}");
        }
        let frac = format!("{pico:012}");
        format!("{sign}{usd}.{}", frac.trim_end_matches('0'))
    }
}

/// Rounded half away from zero to cents, with thousands separators: `$12,000.00`. Under a cent it says `<$0.01`.
/// With precision 0 (`{:.0}`) it rounds to dollars.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(2).min(12);
        let unit = 10_u128.pow(12 - decimals as u32);
        let abs = self.0.unsigned_abs();
        let rounded = (abs + unit / 2) / unit;
        if rounded == 0 && abs != 0 {
            let least = if decimals == 0 { "1".to_owned() } else { format!("0.{:0>decimals$}", 1) };
            let text = if self.0 < 0 { format!("-<${least}") } else { format!("<${least}") };
            return f.pad_integral_text(&text);
        }
        let scale = 10_u128.pow(decimals as u32);
        let whole = group_thousands(rounded / scale);
        let sign = if self.0 < 0 { "-" } else { "" };
        let text =
            if decimals == 0 { format!("{sign}${whole}") } else { format!("{sign}${whole}.{:0>decimals$}", rounded % scale) };
        f.pad_integral_text(&text)
    }
}

/// Pads a finished text to the formatter's width; `Formatter::pad` would cut it to the precision.
trait PadText {
    fn pad_integral_text(&mut self, text: &str) -> fmt::Result;
}

impl PadText for fmt::Formatter<'_> {
    fn pad_integral_text(&mut self, text: &str) -> fmt::Result {
        let width = self.width().unwrap_or(0);
        match self.align() {
            Some(fmt::Alignment::Left) => write!(self, "{text:<width$}"),
            Some(fmt::Alignment::Center) => write!(self, "{text:^width$}"),
            Some(fmt::Alignment::Right) | None => write!(self, "{text:>width$}"),
        }
    }
}

fn group_thousands(n: u128) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

impl Add for Money {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self(self.0 + rhs.0)
    }
}
impl Sub for Money {
    type Output = Self;
    fn sub(self, rhs: Self) -> Self {
        Self(self.0 - rhs.0)
    }
}
impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl AddAssign for Money {
    fn add_assign(&mut self, rhs: Self) {
        self.0 += rhs.0;
    }
}
impl SubAssign for Money {
    fn sub_assign(&mut self, rhs: Self) {
        self.0 -= rhs.0;
    }
}
impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// A price of one token: whole picodollars a token, which is the same number as microdollars a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

impl Rate {
    /// Whole picodollars a token.
    pub const fn from_pico_per_token(pico: u64) -> Self {
        Self(pico)
    }

    /// Parses US dollars a million tokens exactly: `"3.30"` is 3,300,000 picodollars a token.
    ///
    /// # Errors
    /// [`MoneyError::TooFine`] past six decimals: such a list price is refused rather than rounded.
    pub fn parse_usd_per_million(text: &str) -> Result<Self, MoneyError> {
        let pico = parse_scaled(text, 6)?;
        u64::try_from(pico).map(Self).map_err(|_| if pico < 0 { MoneyError::NotANumber } else { MoneyError::TooLarge })
    }

    /// Picodollars a token.
    pub const fn pico_per_token(self) -> u64 {
        self.0
    }

    /// What these tokens cost at this rate, exactly.
    pub const fn cost(self, tokens: Tokens) -> Money {
        Money(self.0 as i128 * tokens.0 as i128)
    }

    /// US dollars a million tokens, without trailing zeros: `"3.3"`.
    pub fn usd_per_million(self) -> String {
        Money(self.0 as i128 * 1_000_000).to_exact_string()
    }
}

fn parse_scaled(text: &str, decimals: u32) -> Result<i128, MoneyError> {
    parse_scaled_with(text, decimals, false)
}

fn parse_scaled_with(text: &str, decimals: u32, truncate: bool) -> Result<i128, MoneyError> {
    let text = text.trim();
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().map_err(|_| MoneyError::NotANumber)?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        Some(b'+') => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, frac) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && frac.is_empty() || !whole.bytes().chain(frac.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(MoneyError::NotANumber);
    }
    let mut value: i128 = 0;
    for b in whole.bytes().chain(frac.bytes()) {
        value = value.checked_mul(10).and_then(|v| v.checked_add(i128::from(b - b'0'))).ok_or(MoneyError::TooLarge)?;
    }
    let mut shift = i64::from(decimals) + i64::from(exponent) - frac.len() as i64;
    while shift > 0 && value != 0 {
        value = value.checked_mul(10).ok_or(MoneyError::TooLarge)?;
        shift -= 1;
    }
    while shift < 0 && value != 0 {
        if value % 10 != 0 && !truncate {
            return Err(MoneyError::TooFine);
        }
        value /= 10;
        shift += 1;
    }
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_times_tokens_is_exact() {
        let rate = Rate::parse_usd_per_million("0.012296").expect("six decimals fit");
        assert_eq!(rate.cost(Tokens(3)).to_exact_string(), "0.000000036888");
        assert_eq!(rate.usd_per_million(), "0.012296");
    }

    #[test]
    fn a_finer_list_price_is_refused() {
        assert_eq!(Rate::parse_usd_per_million("0.0000001"), Err(MoneyError::TooFine));
        assert_eq!(Rate::parse_usd_per_million("-1"), Err(MoneyError::NotANumber));
        assert_eq!(Rate::parse_usd_per_million(""), Err(MoneyError::NotANumber));
    }

    #[test]
    fn exponents_and_signs_parse() {
        assert_eq!(Money::parse_usd("1.2E-7"), Ok(Money(120_000)));
        assert_eq!(Money::parse_usd("-0.5"), Ok(Money(-500_000_000_000)));
        assert_eq!(Money::parse_usd("1e-13"), Err(MoneyError::TooFine));
        assert_eq!(Money::parse_usd_truncating("0.0000000000019"), Ok(Money(1)));
        assert_eq!(Money::parse_usd("1e99999999"), Err(MoneyError::TooLarge));
        assert_eq!(Money::parse_usd("0e99999999"), Ok(Money::ZERO));
        assert_eq!(Money::parse_usd("abc"), Err(MoneyError::NotANumber));
    }

    #[test]
    fn printing_rounds_once_and_never_shows_money_as_nothing() {
        assert_eq!(Money::from_usd(12_000).to_string(), "$12,000.00");
        assert_eq!(format!("{:.0}", Money::from_usd(1_234_567)), "$1,234,567");
        assert_eq!(Money::from_pico(1).to_string(), "<$0.01");
        assert_eq!(format!("{:.0}", Money::from_pico(1)), "<$1");
        assert_eq!(Money::from_pico(-5_000_000_000).to_string(), "-$0.01");
        assert_eq!(format!("{:>12}", Money::from_usd(5)), "       $5.00");
        assert_eq!(Money::ZERO.to_string(), "$0.00");
    }
}

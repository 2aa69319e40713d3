//! How quantities of `units` and names of `core` are written in our files.

use std::fmt;

use laneshift_core::route::LaneId;
use laneshift_units::{Money, Rate, Usage};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Reads [`LaneId::name`].
pub(crate) fn lane(name: &str) -> Option<LaneId> {
    LaneId::ALL.into_iter().find(|lane| lane.name() == name)
}

/// An amount as it was typed, as a text or a number.
///
/// A number is printed as the shortest decimal that reads as the same float, which is what was typed for up to 15 digits.
pub(crate) struct MoneyText(pub(crate) String);

impl<'de> Deserialize<'de> for MoneyText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyAmount)
    }
}

struct AnyAmount;

impl Visitor<'_> for AnyAmount {
    type Value = MoneyText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount of US dollars, such as \"21.18\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MoneyText, E> {
        Ok(MoneyText(text.trim().to_owned()))
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<MoneyText, E> {
        Ok(MoneyText(n.to_string()))
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<MoneyText, E> {
        Ok(MoneyText(n.to_string()))
    }
}

/// Reads US dollars a million tokens, as a text or a number. For `deserialize_with`, with `default` beside it.
///
/// # Errors
/// When it is no amount, is negative, or has more than six decimals.
pub fn usd_per_million<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Rate>, D::Error> {
    let MoneyText(text) = MoneyText::deserialize(from)?;
    let rate = Rate::parse_usd_per_million(&text);
    rate.map(Some).map_err(|e| D::Error::custom(format!("{text:?} is {e}; write US dollars a million tokens, such as \"0.15\"")))
}

/// US dollars, written as an exact decimal text: `"12.5"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(pub Money);

impl From<Money> for Usd {
    fn from(money: Money) -> Self {
        Self(money)
    }
}

/// All decimals, without a sign of the currency.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_exact_string())
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.to_exact_string())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Money::parse_usd(&text).map(Self).map_err(|e| D::Error::custom(format!("{text:?} is {e}")))
    }
}

/// Tokens by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageFile {
    /// Uncached input.
    pub input: u64,
    /// Output.
    pub output: u64,
    /// Cache reads.
    pub cache_read: u64,
    /// Cache writes, five minutes.
    pub cache_write_5m: u64,
    /// Cache writes, one hour.
    pub cache_write_1h: u64,
}

impl From<&Usage> for UsageFile {
    fn from(usage: &Usage) -> Self {
        let Usage { input, output, cache_read, cache_write_5m, cache_write_1h } = usage;
        Self {
            input: input.0,
            output: output.0,
            cache_read: cache_read.0,
            cache_write_5m: cache_write_5m.0,
            cache_write_1h: cache_write_1h.0,
        }
    }
}

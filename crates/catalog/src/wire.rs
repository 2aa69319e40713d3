//! How quantities of `units` and names of `core` are written in our files.

use std::fmt;

use laneshift_core::route::LaneId;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

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

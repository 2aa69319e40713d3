//! How templates print values. What these return is escaped like any text, except the marks that are made here.
#![expect(unreachable_pub, reason = "the attribute makes a public type of each filter")]

use std::borrow::Borrow;
use std::fmt;

use askama::filters::HtmlSafe;
use askama::{Result, Values};
use laneshift_core::verdict::{Class, Score};
use laneshift_units::{Money, Tokens};

use crate::text;

/// A class with its mark.
pub(crate) struct Chip(Class);

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.name();
        write!(f, "<span class=\"chip chip-{name}\">{name}</span>")
    }
}

impl HtmlSafe for Chip {}

/// Money with the report's decimals.
#[askama::filter_fn]
pub(crate) fn usd(amount: &Money, _: &dyn Values, decimals: &usize) -> Result<String> {
    Ok(text::usd(*amount, *decimals))
}

/// A share of money in percent.
#[askama::filter_fn]
pub(crate) fn of(part: &Money, _: &dyn Values, whole: &Money) -> Result<String> {
    Ok(text::percent(*part, *whole))
}

/// A number with thousands separators.
#[askama::filter_fn]
pub(crate) fn count(n: &u64, _: &dyn Values) -> Result<String> {
    Ok(text::count(*n))
}

/// Tokens to three figures.
#[askama::filter_fn]
pub(crate) fn tokens(n: impl Borrow<Tokens>, _: &dyn Values) -> Result<String> {
    Ok(text::tokens(n.borrow().0))
}

/// Bytes to three figures.
#[askama::filter_fn]
pub(crate) fn bytes(n: &u64, _: &dyn Values) -> Result<String> {
    Ok(text::bytes(*n))
}

/// A score.
#[askama::filter_fn]
pub(crate) fn score(score: &Score, _: &dyn Values) -> Result<String> {
    Ok(text::score(*score))
}

/// A contribution to a score.
#[askama::filter_fn]
pub(crate) fn nats(nats: &f64, _: &dyn Values) -> Result<String> {
    Ok(text::nats(*nats))
}

/// A phrase as a sentence.
#[askama::filter_fn]
pub(crate) fn sentence(phrase: &str, _: &dyn Values) -> Result<String> {
    Ok(text::sentence(phrase))
}

/// A class with its mark.
#[askama::filter_fn]
pub(crate) fn chip(class: impl Borrow<Class>, _: &dyn Values) -> Result<Chip> {
    Ok(Chip(*class.borrow()))
}

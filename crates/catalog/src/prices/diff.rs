//! Two states of the catalogue: what came, what went, what costs another price.

use std::collections::HashMap;

use super::PriceRow;
use super::catalog::Place;

/// One difference between two catalogues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A price that was not there.
    Added(Box<PriceRow>),
    /// Another price for the same tokens.
    Changed {
        /// The row as it was.
        old: Box<PriceRow>,
        /// The row as it is.
        new: Box<PriceRow>,
    },
    /// A price that is not there any more.
    Gone(Box<PriceRow>),
}

/// What changes from `old` to `new`, in the order of `new`, then what is gone. A row that says the same price from a
/// newer source is no change.
pub fn diff(old: &[PriceRow], new: &[PriceRow]) -> Vec<Change> {
    let mut before: HashMap<Place, &PriceRow> = old.iter().map(|row| (Place::of(row), row)).collect();
    let mut changes = Vec::new();
    for row in new {
        match before.remove(&Place::of(row)) {
            None => changes.push(Change::Added(row.clone().into())),
            Some(was) if was.price != row.price => {
                changes.push(Change::Changed { old: was.clone().into(), new: row.clone().into() });
            }
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|row| before.contains_key(&Place::of(row)));
    changes.extend(gone.map(|row| Change::Gone(row.clone().into())));
    changes
}

/// The rows of `base` with those of `newer` in their places, and what is new behind them. Nothing is removed: a price
/// list that leaves a price out does not say that it is no longer asked. A row of AWS's own list does not yield to an
/// older one.
pub fn merge(base: &[PriceRow], newer: &[PriceRow]) -> Vec<PriceRow> {
    let mut rest: HashMap<Place, &PriceRow> = newer.iter().map(|row| (Place::of(row), row)).collect();
    let mut rows: Vec<PriceRow> = base
        .iter()
        .map(|row| rest.remove(&Place::of(row)).filter(|new| !is_newer_list(row, new)).unwrap_or(row).clone())
        .collect();
    rows.extend(newer.iter().filter(|row| rest.contains_key(&Place::of(row))).cloned());
    rows
}

/// Whether `row` is from AWS's own list and of a later day; days compare as text.
fn is_newer_list(row: &PriceRow, than: &PriceRow) -> bool {
    row.source.starts_with("aws-pricelist") && row.as_of > than.as_of
}

//! Which rows of a model may price a call.
//!
//! Promises: a row is judged by its note and by the rows that differ from it in one thing; it is kept and not changed.
//! The rules are those of `crates/catalog/data/prices/NOTES.md`; doubts that leave a price usable are not kept here.

use std::collections::{BTreeSet, HashMap};

use laneshift_units::{PriceMode, Rate, Region, TokenClass, Tokens};

use super::{Dimension, Model, Place, Row, Scope};

/// Sets `barred` and `global_only` of every row, and the model's tiers.
pub(super) fn judge(model: &mut Model) {
    let rows = &model.rows;
    let judged: Vec<(Place, bool, bool)> = rows
        .iter()
        .map(|(place, row)| {
            let barred = row.marked_wrong || dearer_than_standard(rows, place, row) || output_below_input(rows, place, row);
            (place.clone(), barred, row.global_only || equals_a_distinct_global_rate(rows, place, row))
        })
        .collect();
    for (place, barred, global_only) in judged {
        if let Some(row) = model.rows.get_mut(&place) {
            (row.barred, row.global_only) = (barred, global_only);
        }
    }
    let tiers: BTreeSet<Tokens> = model.rows.keys().map(|place| place.ctx_min).collect();
    model.tiers = tiers.into_iter().rev().collect();
}

/// Batch and flex are never dearer than the standard mode.
fn dearer_than_standard(rows: &HashMap<Place, Row>, place: &Place, row: &Row) -> bool {
    match place.mode {
        PriceMode::Batch | PriceMode::Flex => {
            let standard = Place { mode: PriceMode::OnDemand, ..place.clone() };
            trusted(rows, &standard).is_some_and(|standard| row.quote.rate > standard)
        }
        PriceMode::OnDemand | PriceMode::Priority | PriceMode::LatencyOptimized => false,
    }
}

/// Output that costs something costs at least what input costs.
fn output_below_input(rows: &HashMap<Place, Row>, place: &Place, row: &Row) -> bool {
    let input = Place { dimension: Dimension::Class(TokenClass::Input), ..place.clone() };
    place.dimension == Dimension::Class(TokenClass::Output)
        && row.quote.rate.pico_per_token() != 0
        && trusted(rows, &input).is_some_and(|input| row.quote.rate < input)
}

/// A row without a place that equals the global rate, of a model that costs something else elsewhere.
fn equals_a_distinct_global_rate(rows: &HashMap<Place, Row>, place: &Place, row: &Row) -> bool {
    if place.scope != Scope::Unscoped {
        return false;
    }
    let same_rate = trusted(rows, &Place { scope: Scope::Global, ..place.clone() }) == Some(row.quote.rate);
    let standard = |scope| Place { scope, mode: PriceMode::OnDemand, ctx_min: Tokens(0), dimension: place.dimension };
    let elsewhere = [Scope::Regional, Scope::Geo("us".into()), Scope::Region(Region::new("us-east-1"))];
    same_rate
        && trusted(rows, &standard(Scope::Global)).is_some_and(|global| {
            elsewhere.into_iter().any(|scope| trusted(rows, &standard(scope)).is_some_and(|other| other != global))
        })
}

/// The rate of a place, unless it is marked wrong: such a row is no measure for others.
fn trusted(rows: &HashMap<Place, Row>, place: &Place) -> Option<Rate> {
    rows.get(place).filter(|row| !row.marked_wrong).map(|row| row.quote.rate)
}

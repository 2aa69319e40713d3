//! Why sources name different prices for the same tokens.

use super::{Catalog, PriceRow};

/// The reason for the disagreement over a row, if one is found.
pub(super) fn explain(_catalog: &Catalog, _row: &PriceRow) -> Option<String> {
    None
}

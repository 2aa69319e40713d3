//! Prices: dated rows from named sources, the rules that judge them, and the quote that uses them.
//!
//! Promises: every price that leaves here names its row, and the row names its source and its date; a row that a
//! rule doubts never prices anything silently; a class without a row stays unknown. Leaves out: what a call costs
//! (`laneshift_core::price`) and discounts, credits and contracts of one customer.

mod alternatives;
mod catalog;
mod conflicts;
mod diff;
mod error;
mod file;
mod names;
mod offer;
mod quote;
mod row;
mod rules;
mod tariff;

pub use alternatives::Alternative;
pub use catalog::Catalog;
pub use diff::{Change, diff, merge};
pub use error::CatalogError;
pub use file::{write, write_csv};
pub use offer::{Offer, OfferError, Unmapped, read_offer};
pub use quote::Quote;
pub use row::{Dimension, Price, PriceRow, Provider, RowMode, Scope};
pub use rules::{Doubt, RULES, Rule};
pub use tariff::Tariff;

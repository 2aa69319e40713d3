//! What calls cost: the price list, the books of tokens, and the bill as AWS exports it.
//!
//! Promises: the bill is arithmetic of its own, done without the crates that audit it. An unknown price stays unknown.

mod answer;
pub mod books;
pub mod cur;
pub mod names;
pub mod price_list;

pub use books::{Bill, By, Group, Key, Line, Total, UnitKey, UnitLine, Unpriced};
pub use cur::{Granularity, cur_csv};
pub use names::Seller;
pub use price_list::{Commitment, PriceList, PriceListError, Quote};

//! Numbers, dates and names as people read them. Shared by the terminal and the page.

mod dates;
mod numbers;
mod words;

pub(crate) use dates::{day, day_and_month, period};
pub use numbers::count;
pub(crate) use numbers::{bytes, decimals, nats, percent, ratio, run_rate, score, times_each, tokens, unit_price, usd};
pub(crate) use words::{NO_PROOF, clean, deadline, lane_and_profile, patience, plural, sentence};

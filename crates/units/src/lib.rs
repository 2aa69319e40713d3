//! Quantities and identifiers as types: money, rates, tokens, time, places, models.
//!
//! Promises: money is exact (`i128` picodollars), a rate times tokens never rounds, and nothing here
//! reads a clock or a file. Leaves out: serialisation (wire types convert beside themselves) and time
//! zones (the edges print time).

mod deadline;
mod ids;
mod model;
mod money;
mod time;
mod tokens;

pub use deadline::{Deadline, ParseDeadlineError};
pub use ids::{AccountId, Region};
pub use model::{ModelId, Profile, ProfiledModel};
pub use money::{Money, MoneyError, Rate};
pub use time::{ParseTimestampError, Timestamp};
pub use tokens::{Bytes, QuotaTokens, TokenClass, Tokens, Usage};

mod tier;
pub use tier::{PriceMode, ServiceTier};

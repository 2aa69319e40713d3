//! What was saved between two months: the steps, what was predicted, and what an invoice says to it.

mod terminal;

use laneshift_core::verify::{Predicted, Waterfall};
use laneshift_units::Money;

pub use terminal::summary;

/// Whose account a month is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// AWS's.
    Invoice,
    /// A gateway's.
    Books,
}

impl Kind {
    /// The name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Books => "books",
        }
    }
}

/// A month as one account tells it.
#[derive(Clone, Debug)]
pub struct Side {
    /// Where it was read.
    pub source: String,
    /// Whose it is.
    pub kind: Kind,
    /// Its first and last day, `YYYY-MM-DD`; `None` without tokens.
    pub dates: Option<(String, String)>,
    /// Tokens with a price.
    pub tokens: u64,
    /// What it cost.
    pub total: Money,
}

/// A line that two accounts tell differently.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The day, `YYYY-MM-DD`.
    pub day: String,
    /// The usage type as AWS spells it; `None` where the invoice has no such line.
    pub usage_type: Option<String>,
    /// Model, region, mode, and class of tokens.
    pub what: String,
    /// In the books.
    pub metered: String,
    /// On the invoice.
    pub invoiced: String,
}

/// One comparison of the two accounts.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Lines compared.
    pub lines: u64,
    /// On the invoice, on lines within the tolerance.
    pub within: i128,
    /// On the invoice.
    pub invoiced: i128,
    /// Lines outside of the tolerance.
    pub outside: Vec<Difference>,
}

/// What an invoice says.
#[derive(Clone, Debug)]
pub struct Invoiced {
    /// The invoice.
    pub side: Side,
    /// As it was asked for.
    pub tolerance: String,
    /// Tokens by usage type and day.
    pub tokens: Checked,
    /// Picodollars by model, lane and day.
    pub money: Checked,
    /// Spent on Bedrock for what no gateway meters.
    pub unmetered: Money,
    /// From the month before to the invoice.
    pub waterfall: Waterfall,
    /// Why nothing is proven. None: it is.
    pub reasons: Vec<String>,
}

/// Everything that is told.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The month before.
    pub before: Side,
    /// The month after.
    pub after: Side,
    /// The steps between them.
    pub waterfall: Waterfall,
    /// Tokens that the plan was made from, and what it predicts at the tokens of the month after.
    pub predicted: Option<(u64, Predicted)>,
    /// The invoice.
    pub invoiced: Option<Invoiced>,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

//! A month as a bill or the books of a gateway tell it.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use laneshift_units::{Money, PriceMode, TokenClass};

/// What tokens are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The account; empty where it is not told.
    pub account: String,
    /// The region.
    pub region: String,
    /// The model, however both months name it.
    pub model: String,
    /// At the price of a long prompt.
    pub long_context: bool,
    /// The class of tokens.
    pub class: TokenClass,
    /// The mode they were bought in.
    pub mode: PriceMode,
    /// Through the global profile. A bill does not tell a geographic profile from the region.
    pub global: bool,
}

/// Tokens and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Tokens.
    pub tokens: u64,
    /// Their cost.
    pub cost: Money,
}

impl AddAssign for Amount {
    fn add_assign(&mut self, rhs: Self) {
        self.tokens += rhs.tokens;
        self.cost += rhs.cost;
    }
}

/// A month: what was used of Bedrock, and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Month {
    /// Tokens with a price of their own.
    pub cells: BTreeMap<Cell, Amount>,
    /// Fees of paid capacity: model units and reserved tokens a minute.
    pub fees: Money,
    /// Any other usage: images, search, guardrails.
    pub other: Money,
    /// Corrections of tokens that the month does not have: their money counts, and no tokens.
    pub corrections: Money,
    /// Discounts, credits, refunds and taxes on lines of their own.
    pub adjustments: Money,
}

impl Month {
    /// Adds tokens.
    pub fn add(&mut self, cell: Cell, amount: Amount) {
        *self.cells.entry(cell).or_default() += amount;
    }

    /// Takes tokens back, with the (negative) cost that the bill gives for it.
    pub fn take_back(&mut self, cell: &Cell, Amount { tokens, cost }: Amount) {
        match self.cells.get_mut(cell) {
            Some(held) if held.tokens >= tokens => {
                held.tokens -= tokens;
                held.cost += cost;
            }
            Some(_) | None => self.corrections += cost,
        }
    }

    /// The tokens alone, as the books of a gateway have them.
    #[must_use]
    pub fn of_tokens(&self) -> Self {
        Self { cells: self.cells.clone(), corrections: self.corrections, ..Self::default() }
    }

    /// All tokens.
    pub fn tokens(&self) -> u64 {
        self.cells.values().map(|amount| amount.tokens).sum()
    }

    /// All money.
    pub fn total(&self) -> Money {
        let tokens: Money = self.cells.values().map(|amount| amount.cost).sum();
        tokens + self.corrections + self.fees + self.other + self.adjustments
    }
}

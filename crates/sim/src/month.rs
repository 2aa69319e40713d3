//! What a month came to.

use std::collections::BTreeMap;

use laneshift_provider::bill::{Bill, By, Line, PriceList};
use laneshift_units::{Money, PriceMode, Usage};

use crate::error::SimError;

/// How far a month is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Requests made.
    pub done: u64,
    /// Requests in all.
    pub of: u64,
}

/// A lane's part of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneSum {
    /// Tokens of all classes, metered.
    pub tokens: u64,
    /// Billed.
    pub billed: Money,
}

/// Answers that were promised for a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadlines {
    /// Requests that were accepted.
    pub accepted: u64,
    /// Of them, with an answer when they were due.
    pub kept: u64,
}

/// What a month came to, as it was run: a sample stands for as many requests as its factor says.
#[derive(Clone, Debug, Default)]
pub struct Month {
    /// Requests made.
    pub requests: u64,
    /// The emulator's bill.
    pub bill: Bill,
    /// The bill by the role that called, or whose key did.
    pub by_role: BTreeMap<String, Money>,
    /// Requests that somebody waits for: how long each answer took, by the emulator's word, ascending.
    pub waited_ms: Vec<u64>,
    /// Requests that were accepted to be answered later.
    pub deadlines: Deadlines,
    /// The most of them that waited at one time.
    pub queue_max: u64,
    /// Answers that said that there was no room, and that the client should try again.
    pub throttled: u64,
    /// Requests that somebody waited for, and that had no answer.
    pub failed: u64,
    /// All requests without an answer: whose, and what they would have taken.
    pub unanswered: Vec<(usize, Usage)>,
}

impl Month {
    /// Tokens and cost by lane, by what each is priced as.
    ///
    /// # Errors
    /// [`SimError::Unpriced`].
    pub fn lanes(&self) -> Result<BTreeMap<PriceMode, LaneSum>, SimError> {
        let mut lanes: BTreeMap<PriceMode, LaneSum> = BTreeMap::new();
        for line in self.bill.lines(PriceList::shipped(), By::Model) {
            let lane = lanes.entry(line.group.mode).or_default();
            lane.tokens += line.tokens.0;
            lane.billed += line.cost().ok_or_else(|| unpriced(&line))?;
        }
        Ok(lanes)
    }

    /// The whole bill.
    ///
    /// # Errors
    /// [`SimError::Unpriced`].
    pub fn billed(&self) -> Result<Money, SimError> {
        Ok(self.lanes()?.values().map(|lane| lane.billed).sum())
    }

    /// The wait that so many of a hundred did not exceed.
    pub fn waited(&self, percent: usize) -> Option<u64> {
        let last = self.waited_ms.len().checked_sub(1)?;
        Some(self.waited_ms[(self.waited_ms.len() * percent).div_ceil(100).saturating_sub(1).min(last)])
    }
}

/// Cost by caller.
pub(crate) fn by_principal(bill: &Bill) -> Result<BTreeMap<String, Money>, SimError> {
    let mut callers: BTreeMap<String, Money> = BTreeMap::new();
    for line in bill.lines(PriceList::shipped(), By::Principal) {
        let cost = line.cost().ok_or_else(|| unpriced(&line))?;
        *callers.entry(line.group.principal.unwrap_or_default()).or_default() += cost;
    }
    Ok(callers)
}

fn unpriced(line: &Line) -> SimError {
    SimError::Unpriced(format!("{:?} tokens of {} in {:?}", line.class, line.group.model, line.group.mode))
}

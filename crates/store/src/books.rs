//! What attempts cost.

use std::collections::BTreeMap;

use laneshift_units::{Money, Tokens, Usage};

use crate::{AttemptId, ChunkId, StoreError};

/// Whether a cost is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Costed {
    /// By the tokens that the provider metered.
    Exact,
    /// A price is not known: tokens only.
    Unpriced,
}

/// What an attempt cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Tokens.
    pub usage: Usage,
    /// What is paid.
    pub paid: Money,
    /// What the same tokens cost on demand.
    pub on_demand: Money,
    /// Of what is paid, for answers that came second, and for filling a job up.
    pub waste: Money,
    /// What may have been paid beyond `paid`, at most: calls and records whose outcome is not known.
    pub bound: Money,
    /// Whether the amounts are known.
    pub costed: Costed,
}

impl Cost {
    /// Nothing was used.
    pub const NOTHING: Self = Self {
        usage: Usage {
            input: Tokens(0),
            output: Tokens(0),
            cache_read: Tokens(0),
            cache_write_5m: Tokens(0),
            cache_write_1h: Tokens(0),
        },
        paid: Money::ZERO,
        on_demand: Money::ZERO,
        waste: Money::ZERO,
        bound: Money::ZERO,
        costed: Costed::Exact,
    };
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.usage += other.usage;
        self.paid += other.paid;
        self.on_demand += other.on_demand;
        self.waste += other.waste;
        self.bound += other.bound;
        if other.costed == Costed::Unpriced {
            self.costed = Costed::Unpriced;
        }
    }
}

/// What an attempt cost for the records of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The chunk; none for what is no record's: what filled the job up, and lines of nobody.
    pub chunk: Option<ChunkId>,
    /// That cost.
    pub cost: Cost,
}

impl Entry {
    /// What entries come to together; `None` for none.
    pub fn sum(entries: &[Self]) -> Option<Cost> {
        let sum = |mut sum: Cost, entry: &Self| {
            sum += entry.cost;
            sum
        };
        (!entries.is_empty()).then(|| entries.iter().fold(Cost::NOTHING, sum))
    }
}

/// Keeps what attempts cost.
#[async_trait::async_trait]
pub trait Books: Send + Sync {
    /// Books an attempt that is there, once; each chunk is in one entry. Without any it has cost nothing.
    async fn book(&self, attempt: AttemptId, entries: &[Entry]) -> Result<(), StoreError>;

    /// Replaces what an attempt was booked with by what evidence shows.
    async fn amend(&self, attempt: AttemptId, entries: &[Entry]) -> Result<(), StoreError>;

    /// What an attempt was booked with, by chunk; none while it is not booked.
    async fn entries(&self, attempt: AttemptId) -> Result<Vec<Entry>, StoreError>;

    /// What every attempt that is booked has cost.
    async fn costs(&self) -> Result<BTreeMap<AttemptId, Cost>, StoreError>;
}

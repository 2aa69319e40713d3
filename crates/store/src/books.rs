//! What attempts cost.

use std::collections::BTreeMap;

use laneshift_units::{Money, Tokens, Usage};

use crate::{AttemptId, Charge, ChunkId, Members, StoreError};

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

impl Cost {
    /// The part of it that records from one number up to another have, of so many. Parts that follow on each other add up to it.
    #[must_use]
    pub fn between(&self, from: u64, to: u64, all: u64) -> Self {
        let [from, to, all] = [from, to, all.max(1)].map(i128::from);
        let part = |n: i128| n * to / all - n * from / all;
        let money = |money: Money| Money::from_pico(part(money.pico()));
        let tokens = |tokens: Tokens| Tokens(part(i128::from(tokens.0)) as u64);
        let usage = self.usage;
        Self {
            usage: Usage {
                input: tokens(usage.input),
                output: tokens(usage.output),
                cache_read: tokens(usage.cache_read),
                cache_write_5m: tokens(usage.cache_write_5m),
                cache_write_1h: tokens(usage.cache_write_1h),
            },
            paid: money(self.paid),
            on_demand: money(self.on_demand),
            waste: money(self.waste),
            bound: money(self.bound),
            costed: self.costed,
        }
    }
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

/// What a chunk that somebody pays for has come to so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// Who pays, and at most how much.
    pub charge: Charge,
    /// A record of it has no result, or is in an attempt that has not ended.
    pub waits: bool,
    /// What is booked for it: its own entries, and of those of no record its share of the attempt's records.
    pub cost: Cost,
}

impl Charged {
    /// Adds entries of one attempt to what is charged, which is sorted by chunk. What is no record's is split to the last digit.
    pub(crate) fn add(all: &mut [Self], entries: &[Entry], members: &[Members]) {
        let mut add = |chunk: ChunkId, cost: Cost| {
            if let Ok(at) = all.binary_search_by_key(&chunk, |charged| charged.charge.chunk) {
                all[at].cost += cost;
            }
        };
        let records: u64 = members.iter().map(|members| members.slots.count()).sum();
        for Entry { chunk, cost } in entries {
            if let Some(chunk) = chunk {
                add(*chunk, *cost);
                continue;
            }
            let mut before = 0;
            for members in members {
                let upto = before + members.slots.count();
                add(members.chunk, cost.between(before, upto, records));
                before = upto;
            }
        }
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

    /// What every chunk that somebody pays for has come to, by chunk. One that was forgotten stays in it.
    async fn charged(&self) -> Result<Vec<Charged>, StoreError>;

    /// What the records of chunks are for. One that was forgotten stays in it.
    async fn workloads(&self) -> Result<BTreeMap<ChunkId, String>, StoreError>;
}

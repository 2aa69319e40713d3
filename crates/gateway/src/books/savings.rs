//! What was paid and saved, by owner, workload and lane.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use laneshift_batch::{Booked, Engine, EngineError};
use laneshift_core::route::LaneId;
use laneshift_store::{Costed, Lane};
use laneshift_units::{Money, Timestamp};
use serde_json::{Value, json};

use super::{Certainty, Record, ledger};

/// Rows that are kept apart: clients name their workloads, and some name each call.
const ROWS_MAX: usize = 10_000;
/// The workload that all others count for then.
const OTHERS: &str = "(others)";

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Calls that were sent.
    pub calls: u64,
    /// Of them, with an error.
    pub errors: u64,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Paid.
    pub paid: Money,
    /// What the same tokens cost in the standard tier.
    pub on_demand: Money,
    /// What may have been paid beyond that.
    pub bound: Money,
    /// Calls without a known price: they are in no amount.
    pub unpriced: u64,
    /// Of a fee: the hours that it is for.
    pub paid_hours: u64,
}

impl Sum {
    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.paid += other.paid;
        self.on_demand += other.on_demand;
        self.bound += other.bound;
        self.unpriced += other.unpriced;
        self.paid_hours += other.paid_hours;
    }
}

impl Sum {
    /// For machines: amounts as exact text.
    pub fn value(&self) -> Value {
        json!({
            "calls": self.calls,
            "errors": self.errors,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "paid_usd": self.paid.to_exact_string(),
            "on_demand_usd": self.on_demand.to_exact_string(),
            "saved_usd": (self.on_demand - self.paid).to_exact_string(),
            "bound_usd": self.bound.to_exact_string(),
            "unpriced_calls": self.unpriced,
            "paid_hours": self.paid_hours,
        })
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Savings {
    /// By owner, workload and lane.
    pub rows: BTreeMap<(String, String, String), Sum>,
    /// When the first call came.
    pub(super) first: Option<Timestamp>,
}

impl Savings {
    /// Sums up the ledger of a folder.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut savings = Self::default();
        ledger::each(folder, &mut |record| drop(savings.add(&record)))?;
        Ok(savings)
    }

    /// Adds what the calls that could wait came to.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn add_batch_lane(&mut self, engine: &Engine) -> Result<(), EngineError> {
        for booked in engine.booked().await? {
            self.first = Some(self.first.map_or(booked.at, |first| first.min(booked.at)));
            self.add_later(booked);
        }
        Ok(())
    }

    fn add_later(&mut self, Booked { owner, workload, lane, records, cost, .. }: Booked) {
        let lane = if lane == Lane::OnDemand { LaneId::Standard.name() } else { lane.name() };
        let sum = Sum {
            calls: records,
            input_tokens: cost.usage.total_input().0,
            output_tokens: cost.usage.output.0,
            paid: cost.paid,
            on_demand: cost.on_demand,
            bound: cost.bound,
            unpriced: if cost.costed == Costed::Unpriced { records } else { 0 },
            ..Sum::default()
        };
        self.row(owner, workload.unwrap_or_default(), lane.to_owned()).1.add(&sum);
    }

    /// Where something is counted, with the workload that it counts for.
    fn row(&mut self, owner: String, workload: String, lane: String) -> (String, &mut Sum) {
        let mut place = (owner, workload, lane);
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&place) {
            place.1 = OTHERS.to_owned();
        }
        (place.1.clone(), self.rows.entry(place).or_default())
    }

    /// Adds a call; gives the workload that it counts for.
    pub(super) fn add(&mut self, record: &Record) -> String {
        let booked = &record.laneshift;
        self.first = Some(self.first.map_or(record.at(), |first| first.min(record.at())));
        let (workload, sum) = self.row(booked.owner.clone(), booked.workload.clone().unwrap_or_default(), record.lane());
        let (input, output) = record.tokens();
        sum.calls += 1;
        sum.errors += u64::from(record.error_code.is_some());
        sum.input_tokens += input;
        sum.output_tokens += output;
        sum.paid += booked.paid_usd;
        sum.on_demand += booked.on_demand_usd;
        sum.bound += booked.bound_usd;
        sum.unpriced += u64::from(booked.certainty == Certainty::Unpriced);
        workload
    }
}

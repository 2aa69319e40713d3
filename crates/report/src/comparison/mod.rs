//! The same month twice, as it was and as planned: both bills, what was predicted, what waiting came to, and what the gateway adds to it.

mod page;
mod real_time;
mod terminal;

use laneshift_core::plan::Savings;
use laneshift_core::route::LaneId;
use laneshift_units::Money;

pub use page::html;
pub use real_time::{Latency, Measured, RealTime, Slice};
pub use terminal::summary;

/// What a lane cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanePair {
    /// The lane.
    pub lane: LaneId,
    /// In the month as it was.
    pub before: Money,
    /// In the month as planned.
    pub after: Money,
}

/// What a workload cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadPair {
    /// Its name.
    pub name: String,
    /// In the month as it was.
    pub before: Money,
    /// In the month as planned.
    pub after: Money,
    /// What the audit's moves were to save.
    pub predicted: Money,
}

impl WorkloadPair {
    /// Metered.
    pub fn saved(&self) -> Money {
        self.before - self.after
    }

    /// Whether anything was to change, or has.
    pub fn is_moved(&self) -> bool {
        self.predicted != Money::ZERO || self.saved() != Money::ZERO
    }
}

/// How long answers took that somebody waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Half of them took no longer.
    pub p50_ms: u64,
    /// Ninety-nine of a hundred took no longer.
    pub p99_ms: u64,
}

/// A company's two months. Money is of the whole month: of every request that the sample stands for.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The company.
    pub name: String,
    /// What its chance follows from.
    pub seed: u64,
    /// Days of a month.
    pub days: u32,
    /// One request in so many was run.
    pub factor: u64,
    /// Requests that were run.
    pub requests: u64,
    /// Tokens of the whole month as it was.
    pub tokens: u64,
    /// By lane.
    pub lanes: Vec<LanePair>,
    /// By workload, the dearest first.
    pub workloads: Vec<WorkloadPair>,
    /// The metered bill of the month as it was.
    pub before: Money,
    /// The metered bill of the month as planned.
    pub after: Money,
    /// Requests of the sample that were accepted for a deadline.
    pub accepted: u64,
    /// Of them, with an answer when it was due.
    pub kept: u64,
    /// As it was.
    pub wait_before: Option<Wait>,
    /// As planned.
    pub wait_after: Option<Wait>,
    /// A slice of the calls that somebody waits for, over sockets.
    pub real_time: Slice,
    /// What the audit of the month predicted.
    pub predicted: Savings,
    /// What gateway and batch lane booked as paid.
    pub booked: Money,
    /// The same, with all that may have been paid.
    pub booked_at_most: Money,
    /// Of the bill as planned: calls that AWS makes itself, which pass no gateway.
    pub beside: Money,
    /// Where the company's files lie, beside the page.
    pub folder: String,
}

impl Comparison {
    /// What the second bill is lower by.
    pub fn saved(&self) -> Money {
        self.before - self.after
    }

    /// What all moves that the policy makes were to save.
    pub fn predicted_by_moves(&self) -> Money {
        self.workloads.iter().map(|workload| workload.predicted).sum()
    }

    /// Workloads of which something was to change, or has.
    pub fn moved(&self) -> impl Iterator<Item = &WorkloadPair> {
        self.workloads.iter().filter(|workload| workload.is_moved())
    }

    /// Whether the metered saving lies between the audit's floor and ceiling.
    pub fn is_as_predicted(&self) -> bool {
        self.predicted.floor <= self.saved() && self.saved() <= self.predicted.ceiling
    }

    /// Whether the books are the bill, with nothing left open.
    pub fn is_booked(&self) -> bool {
        let passed = self.after - self.beside;
        self.booked == passed && self.booked_at_most == passed
    }
}

//! How far the evidence carries: what was set aside, and the bill against the logs.

use laneshift_core::plan::{Coverage, Plan};
use laneshift_units::Money;

use crate::text::{day, percent};

/// Rows of a table of differences.
const ROWS_MAX: usize = 20;

/// A row of the bill against the logs.
pub(super) struct Compared {
    pub(super) name: String,
    pub(super) bill: u64,
    pub(super) logs: u64,
    pub(super) share: String,
    pub(super) money: Option<Money>,
}

/// What the template needs beside the scope itself.
pub(super) struct Trust {
    pub(super) rejected: u64,
    /// Share of the bill that the logs explain; empty without a bill.
    pub(super) explained: String,
    pub(super) by_model: Vec<Compared>,
    /// Days on which the logs hold less than the bill by a twentieth or more.
    pub(super) days: Vec<Compared>,
}

impl Trust {
    pub(super) fn new(plan: &Plan) -> Self {
        let coverage = plan.coverage.as_ref();
        Self {
            rejected: plan.scope.rejected.iter().map(|r| r.lines).sum(),
            explained: coverage.map(|c| percent(c.explained_money, c.bill_money)).unwrap_or_default(),
            by_model: coverage.map(by_model).unwrap_or_default(),
            days: coverage.map(by_day).unwrap_or_default(),
        }
    }
}

fn by_model(coverage: &Coverage) -> Vec<Compared> {
    let row = |r: &laneshift_core::plan::CoverageRow| Compared {
        name: format!("{}, {}", r.model, r.class.name().replace('_', " ")),
        bill: r.bill,
        logs: r.logs,
        share: share(r.logs, r.bill),
        money: Some(r.bill_money),
    };
    coverage.rows.iter().take(ROWS_MAX).map(row).collect()
}

fn by_day(coverage: &Coverage) -> Vec<Compared> {
    coverage
        .days
        .iter()
        .filter(|(_, bill, logs)| *logs < bill - bill / 20)
        .take(ROWS_MAX)
        .map(|&(index, bill, logs)| Compared { name: day(index), bill, logs, share: share(logs, bill), money: None })
        .collect()
}

fn share(logs: u64, bill: u64) -> String {
    if bill == 0 {
        return "not on the bill".to_owned();
    }
    // With a decimal: whether it is under 95 % matters here.
    format!("{:.1} %", logs as f64 / bill as f64 * 100.0)
}

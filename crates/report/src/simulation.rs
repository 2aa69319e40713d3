//! Recorded traffic as it was, under a policy, and as it would be if something were otherwise.

use std::collections::BTreeMap;

use laneshift_core::route::LaneId;
use laneshift_units::Money;

use crate::comparison::Wait;
use crate::terminal::layout::{Align, Lines, Table};
use crate::text::{count, plural, usd};

/// What the traffic came to, once. Money is of all calls that the sample stands for.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Billed by lane.
    pub lanes: BTreeMap<LaneId, Money>,
    /// Calls that were accepted to be answered later.
    pub accepted: u64,
    /// Of them, without an answer when it was due.
    pub missed: u64,
    /// Calls that somebody waited for, without an answer.
    pub failed: u64,
    /// What all calls without an answer would have cost on demand; `None` where a price is not known.
    pub unanswered: Option<Money>,
    /// Answers that asked the client to try again.
    pub throttled: u64,
    /// The most calls that waited at one time.
    pub queue_max: u64,
    /// How long who waits waited.
    pub wait: Option<Wait>,
}

impl Run {
    /// The whole bill.
    pub fn bill(&self) -> Money {
        self.lanes.values().copied().sum()
    }
}

/// The same traffic with the same rules, by different chance.
#[derive(Clone, Debug)]
pub struct Column {
    /// What it shows.
    pub name: String,
    /// One for each seed.
    pub runs: Vec<Run>,
}

/// The middle of some figures, the least and the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread<T> {
    /// The median.
    pub median: T,
    /// The least.
    pub least: T,
    /// The most.
    pub most: T,
}

impl Column {
    /// A figure of all runs.
    pub fn spread<T: Ord + Copy>(&self, figure: impl Fn(&Run) -> T) -> Option<Spread<T>> {
        let mut all: Vec<T> = self.runs.iter().map(figure).collect();
        all.sort_unstable();
        Some(Spread { median: *all.get(all.len() / 2)?, least: *all.first()?, most: *all.last()? })
    }
}

/// A simulation.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Where the traffic was recorded.
    pub ledger: String,
    /// Calls that were run.
    pub calls: u64,
    /// Each stands for so many.
    pub factor: u64,
    /// Days from the first to the last.
    pub days: u32,
    /// How often chance was drawn.
    pub seeds: u64,
    /// The traffic is a gateway's live calls; what was answered later is not among it.
    pub only_live: bool,
    /// What could not be simulated, and how many calls of it there were.
    pub left_out: BTreeMap<String, u64>,
    /// As recorded, under the policy, and what if.
    pub columns: Vec<Column>,
}

/// As text of at most 80 columns.
pub fn summary(told: &Simulation) -> String {
    let mut lines = Lines::default();
    lines.heading(&format!(
        "{}: {} in {}",
        told.ledger,
        plural(told.calls, "call", "calls"),
        plural(told.days.into(), "day", "days")
    ));
    lines.paragraph(&format!(
        "Each stands for {}; all money is times {}. Chance was drawn {}: what is shown are medians, with the least and the most \
         where they differ.",
        told.factor,
        told.factor,
        plural(told.seeds, "time", "times")
    ));
    let mut table = Table::new(&[Align::Left, Align::Right, Align::Right, Align::Right]);
    let cell = |at: usize, text: &dyn Fn(&Column) -> String| told.columns.get(at).map(text).unwrap_or_default();
    let mut row = |name: &str, text: &dyn Fn(&Column) -> String| {
        table.row([name.to_owned(), cell(0, text), cell(1, text), cell(2, text)]);
    };
    row("", &|column| column.name.clone());
    for lane in LaneId::ALL {
        if told.columns.iter().flat_map(|column| &column.runs).any(|run| run.lanes.contains_key(&lane)) {
            row(lane.name(), &|column| money(column, |run| run.lanes.get(&lane).copied().unwrap_or_default()));
        }
    }
    row("bill", &|column| money(column, Run::bill));
    if told.columns.iter().any(|column| column.spread(Run::bill).is_some_and(|bill| bill.least != bill.most)) {
        row("  the least", &|column| column.spread(Run::bill).map_or_else(String::new, |bill| usd(bill.least, 2)));
        row("  the most", &|column| column.spread(Run::bill).map_or_else(String::new, |bill| usd(bill.most, 2)));
    }
    row("answered later", &|column| number(column, |run| run.accepted));
    row("too late", &|column| number(column, |run| run.missed));
    row("most waiting at a time", &|column| number(column, |run| run.queue_max));
    row("live calls without answer", &|column| number(column, |run| run.failed));
    row("told to try again", &|column| number(column, |run| run.throttled));
    row("half of who waits, within", &|column| seconds(column, |run| run.wait.map_or(0, |wait| wait.p50_ms)));
    row("99 % of who waits, within", &|column| seconds(column, |run| run.wait.map_or(0, |wait| wait.p99_ms)));
    lines.table(&table);
    if let [recorded, planned, others @ ..] = &told.columns[..] {
        lines.item("-", &format!("the policy {}", difference(recorded, planned)));
        for other in others {
            lines.item("-", &format!("{}: {}, for the same answers", other.name, difference(planned, other)));
            if other.runs.iter().any(|run| run.unanswered != Some(Money::ZERO)) {
                lines.item(
                    "-",
                    &format!("calls without an answer are not billed; on demand they would have cost {}", unanswered(other)),
                );
            }
        }
    }
    if told.only_live {
        lines.item("-", "a gateway's ledger holds its live calls: what was answered later is not among them");
    }
    for (what, calls) in &told.left_out {
        lines.item("-", &format!("left out: {} {what}", count(*calls)));
    }
    lines.finish()
}

/// What calls without an answer would have cost.
fn unanswered(column: &Column) -> String {
    if column.runs.iter().any(|run| run.unanswered.is_none()) {
        return "what nobody knows: a price is missing".to_owned();
    }
    money(column, |run| run.unanswered.unwrap_or_default())
}

/// What another column costs, with what its calls without an answer would have cost.
fn difference(from: &Column, to: &Column) -> String {
    let whole = |column: &Column| {
        let known = column.runs.iter().all(|run| run.unanswered.is_some());
        column.spread(|run| run.bill() + run.unanswered.unwrap_or_default()).filter(|_| known)
    };
    let (Some(from), Some(to)) = (whole(from), whole(to)) else {
        return "cannot be compared: the price of calls without an answer is not known".to_owned();
    };
    if to.median <= from.median {
        format!("saves {}", usd(from.median - to.median, 2))
    } else {
        format!("costs {} more", usd(to.median - from.median, 2))
    }
}

fn shown(column: &Column, figure: impl Fn(&Run) -> u64, text: impl Fn(u64) -> String) -> String {
    match column.spread(figure) {
        None => String::new(),
        Some(Spread { median, least, most }) if least == most => text(median),
        Some(Spread { median, least, most }) => format!("{} ({}–{})", text(median), text(least), text(most)),
    }
}

fn money(column: &Column, figure: impl Fn(&Run) -> Money) -> String {
    column.spread(figure).map_or_else(String::new, |spread| usd(spread.median, 2))
}

fn number(column: &Column, figure: impl Fn(&Run) -> u64) -> String {
    shown(column, figure, count)
}

fn seconds(column: &Column, figure: impl Fn(&Run) -> u64) -> String {
    shown(column, figure, |ms| format!("{}.{} s", ms / 1_000, ms % 1_000 / 100))
}

//! Both months in 80 columns.

use std::time::Duration;

use laneshift_units::Money;

use super::{Comparison, Wait};
use crate::terminal::layout::{Align, Lines, Table};
use crate::text::{count, percent, plural, tokens, usd};

/// The months as text of at most 80 columns. `page` is where the page lies.
pub fn summary(compared: &[Comparison], page: &str, took: Duration) -> String {
    let mut lines = Lines::default();
    for one in compared {
        company(one, &mut lines);
    }
    let folder = page.rsplit_once('/').map_or(".", |(folder, _)| folder);
    lines.heading("Look at it");
    lines.item("-", &format!("{page} shows the months side by side"));
    for one in compared {
        lines.item("-", &format!("{folder}/{}/audit/report.html is what the audit says of {}", one.folder, one.name));
    }
    lines.item("-", "laneshift audit examples/acme audits a month of logs; your own logs go the same way");
    lines.paragraph(&format!("Ready after {} s.", took.as_secs()));
    lines.finish()
}

fn company(one: &Comparison, lines: &mut Lines) {
    lines.heading(&format!("{}: {} tokens in {} days, twice", one.name, tokens(one.tokens), one.days));
    lines.paragraph(&format!(
        "{} requests were run, one in {}; all money is times {}. Seed {}.",
        count(one.requests),
        one.factor,
        one.factor,
        one.seed
    ));
    let mut table = Table::new(&[Align::Left, Align::Right, Align::Right, Align::Right]);
    table.row(["metered and billed".into(), "as it was".into(), "as planned".into(), "change".into()]);
    for pair in &one.lanes {
        let change = usd(pair.after - pair.before, 2);
        table.row([pair.lane.name().into(), usd(pair.before, 2), usd(pair.after, 2), change]);
    }
    let change = percent(one.after - one.before, one.before);
    table.row(["bill".into(), usd(one.before, 2), usd(one.after, 2), change]);
    lines.table(&table);
    let mut table = Table::new(&[Align::Left, Align::Right, Align::Right, Align::Right, Align::Right]);
    table.row(["workload".into(), "as it was".into(), "as planned".into(), "saved".into(), "predicted".into()]);
    for moved in one.moved() {
        let (saved, predicted) = (usd(moved.saved(), 2), usd(moved.predicted, 2));
        table.row([moved.name.clone(), usd(moved.before, 2), usd(moved.after, 2), saved, predicted]);
    }
    lines.table(&table);
    if let Some(stayed) = stayed(one) {
        lines.item("-", &stayed);
    }
    lines.item("-", &promised(one));
    if let (Some(before), Some(after)) = (one.wait_before, one.wait_after) {
        lines.item(
            "-",
            &format!("who waits: {} as it was, {} as planned, by the model's own word", waited(before), waited(after)),
        );
    }
    lines.item("-", &predicted(one));
    lines.item("-", &booked(one));
    lines.item("-", &one.real_time.told());
}

/// Workloads of which nothing changed.
pub(super) fn stayed(one: &Comparison) -> Option<String> {
    let stayed = one.workloads.iter().filter(|workload| !workload.is_moved());
    let (n, cost) = stayed.fold((0_u64, Money::ZERO), |(n, cost), workload| (n + 1, cost + workload.before));
    let others = plural(n, "other workload costs what it did", "other workloads cost what they did");
    (n > 0).then(|| format!("{others}: {}", usd(cost, 2)))
}

/// What became of the deadlines.
pub(super) fn promised(one: &Comparison) -> String {
    let (accepted, kept) = (count(one.accepted), count(one.kept));
    if one.accepted == one.kept {
        format!("deadlines: {accepted} answers were promised for a moment, and all were there by then")
    } else {
        format!("deadlines: {accepted} answers were promised for a moment, and {kept} were there by then")
    }
}

/// What the audit said, and whether it was so.
pub(super) fn predicted(one: &Comparison) -> String {
    let (floor, ceiling, saved) = (usd(one.predicted.floor, 2), usd(one.predicted.ceiling, 2), usd(one.saved(), 2));
    let said = if floor == ceiling { floor } else { format!("from {floor} to {ceiling}") };
    let verdict = if one.is_as_predicted() { "as predicted" } else { "outside of that" };
    format!("prediction: the audit said that {said} can be saved; metered is {saved}, {verdict}")
}

/// Whether the books are the bill.
pub(super) fn booked(one: &Comparison) -> String {
    let books = if one.is_booked() {
        "books: what gateway and batch lane booked is the bill, to the last picodollar".to_owned()
    } else if one.booked == one.after - one.beside {
        let more = usd(one.booked_at_most - one.booked, 2);
        format!(
            "books: what gateway and batch lane booked as paid is the bill, to the last picodollar; of jobs that were cut short, up to \
             {more} more could be billed, which only AWS's bill rules out"
        )
    } else {
        "books: the bill lies between what was booked as paid and what may have been".to_owned()
    };
    if one.beside == Money::ZERO {
        return books;
    }
    format!("{books}, but for {} of calls that AWS makes itself, which pass no gateway", usd(one.beside, 2))
}

pub(super) fn waited(wait: Wait) -> String {
    let s = |ms: u64| format!("{}.{} s", ms / 1_000, ms % 1_000 / 100);
    format!("half within {}, 99 % within {}", s(wait.p50_ms), s(wait.p99_ms))
}

//! Lanes, workloads, the waterfall and the check against a generator's truth.

use laneshift_core::plan::Plan;
use laneshift_core::verdict::Class;
use laneshift_units::Money;

use super::layout::{Align, Lines, Table, ellipsis};
use crate::levels;
use crate::text::{percent, score, usd};

/// Workloads shown.
const WORKLOADS_MAX: usize = 10;
/// Columns for an owner's name.
const OWNER_WIDTH: usize = 8;

pub(super) fn lanes(plan: &Plan, decimals: usize, lines: &mut Lines) {
    if plan.lanes.is_empty() {
        return;
    }
    let now = levels::parts(plan.lanes.iter().map(|l| l.today), decimals);
    let planned = levels::parts(plan.lanes.iter().map(|l| l.planned), decimals);
    let mut table = Table::new(&[Align::Left, Align::Right, Align::Right, Align::Right, Align::Right]);
    table.row(["lane", "now", "", "planned", ""].map(str::to_owned));
    for (lane, (now, after)) in plan.lanes.iter().zip(now.iter().zip(&planned)) {
        table.row([
            lane.lane.name().into(),
            usd(*now, decimals),
            percent(lane.today, plan.today),
            usd(*after, decimals),
            percent(lane.planned, plan.planned),
        ]);
    }
    let sum = |parts: &[Money]| usd(parts.iter().copied().sum(), decimals);
    table.row(["sum".into(), sum(&now), String::new(), sum(&planned), String::new()]);
    lines.heading("Lanes");
    lines.table(&table);
}

pub(super) fn workloads(plan: &Plan, decimals: usize, lines: &mut Lines) {
    if plan.workloads.is_empty() {
        return;
    }
    let mut table =
        Table::new(&[Align::Flexible, Align::Left, Align::Left, Align::Right, Align::Right, Align::Right, Align::Left]);
    table.row(["workload", "class", "wait", "score", "now", "after", "owner"].map(str::to_owned));
    for w in plan.workloads.iter().take(WORKLOADS_MAX) {
        let confirmed = w.slices.iter().any(|s| s.verdict.confirmed);
        let owner = w.owner.as_deref().map_or_else(|| "?".to_owned(), |o| ellipsis(o, OWNER_WIDTH));
        table.row([
            w.key.clone(),
            w.class.name().into(),
            if w.class == Class::Undetermined { "?".into() } else { w.deadline.name().into() },
            if confirmed { "owner".into() } else { score(w.score) },
            usd(w.today, decimals),
            usd(w.planned, decimals),
            owner,
        ]);
    }
    let rest = &plan.workloads[plan.workloads.len().min(WORKLOADS_MAX)..];
    if !rest.is_empty() {
        let sum = |of: fn(&laneshift_core::plan::WorkloadPlan) -> Money| usd(rest.iter().map(of).sum(), decimals);
        let blank = String::new;
        let name = format!("and {} more", rest.len());
        table.row([name, blank(), blank(), blank(), sum(|w| w.today), sum(|w| w.planned), blank()]);
    }
    lines.heading("Workloads by spend");
    lines.table(&table);
}

pub(super) fn waterfall(plan: &Plan, decimals: usize, lines: &mut Lines) {
    let steps = levels::waterfall(plan, decimals);
    if steps.is_empty() {
        return;
    }
    let mut table = Table::new(&[Align::Flexible, Align::Right]);
    table.row(["now".into(), usd(levels::round(plan.today, decimals), decimals)]);
    for step in &steps {
        table.row([step.name.clone(), usd(-step.saves(), decimals)]);
    }
    table.row(["planned".into(), usd(levels::round(plan.planned, decimals), decimals)]);
    lines.heading("From now to planned, each step on what the one before left");
    lines.table(&table);
}

pub(super) fn confusion(plan: &Plan, decimals: usize, lines: &mut Lines) {
    if plan.confusion.is_empty() {
        return;
    }
    let mut truths: Vec<&str> = plan.confusion.iter().map(|c| c.truth.as_str()).collect();
    truths.sort_unstable();
    truths.dedup();
    let mut table = Table::new(&[Align::Flexible, Align::Right, Align::Right, Align::Right, Align::Right]);
    let [a, b, c, d] = Class::ALL.map(|class| class.name().to_owned());
    table.row(["generated as".into(), a, b, c, d]);
    for truth in truths {
        let [a, b, c, d] = Class::ALL.map(|class| {
            let of = plan.confusion.iter().filter(|c| c.truth == truth && c.verdict == class);
            usd(of.map(|c| c.cost).sum(), decimals)
        });
        table.row([truth.into(), a, b, c, d]);
    }
    lines.heading("Spend by what the generator made and what the audit said");
    lines.table(&table);
    lines.paragraph(crate::text::NO_PROOF);
}

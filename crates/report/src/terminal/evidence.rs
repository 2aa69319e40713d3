//! Mistakes found, and how far the evidence carries.

use laneshift_core::plan::Plan;

use super::layout::Lines;
use crate::doubts;
use crate::text::{count, percent, plural, sentence, tokens, usd};

/// Mistakes shown.
const MISTAKES_MAX: usize = 3;
/// Reasons, ids and prices shown of each kind.
const EXAMPLES_MAX: usize = 3;

pub(super) fn mistakes(plan: &Plan, decimals: usize, lines: &mut Lines) {
    if plan.mistakes.is_empty() {
        return;
    }
    lines.heading("Common mistakes found");
    for (at, mistake) in plan.mistakes.iter().take(MISTAKES_MAX).enumerate() {
        let costs = mistake.costs.map_or_else(String::new, |c| format!(" Costs {}.", usd(c, decimals)));
        lines.item(&format!("{}.", at + 1), &format!("{}{costs} {}", sentence(&mistake.text), sentence(&mistake.advice)));
    }
    if plan.mistakes.len() > MISTAKES_MAX {
        lines.paragraph(&format!("{} more in the report.", plan.mistakes.len() - MISTAKES_MAX));
    }
}

pub(super) fn coverage(plan: &Plan, lines: &mut Lines) {
    let Some(coverage) = &plan.coverage else { return };
    lines.heading("Bill against logs");
    lines.paragraph(&format!(
        "The logs explain {} of the bill's token money ({:.0} of {:.0}); the bill has {} tokens, the logs {}.",
        percent(coverage.explained_money, coverage.bill_money),
        coverage.explained_money,
        coverage.bill_money,
        tokens(coverage.bill.total().0),
        tokens(coverage.logs.total().0),
    ));
    for reason in coverage.reasons.iter().take(EXAMPLES_MAX) {
        lines.item("-", reason);
    }
}

pub(super) fn records(plan: &Plan, decimals: usize, lines: &mut Lines) {
    let scope = &plan.scope;
    lines.heading("Evidence");
    let kept = format!("{} kept", plural(scope.records, "record", "records"));
    let parts = [
        (scope.failed, "failed"),
        (scope.throttled, "throttled"),
        (scope.blocked, "stopped by a guardrail"),
        (scope.uncounted, "without token counts"),
    ];
    let known: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(*n))).collect();
    lines.paragraph(&if known.is_empty() { format!("{kept}.") } else { format!("{kept}, of which {}.", known.join(", ")) });
    let rejected: u64 = scope.rejected.iter().map(|r| r.lines).sum();
    if rejected > 0 {
        let reasons: Vec<String> =
            scope.rejected.iter().take(EXAMPLES_MAX).map(|r| format!("{} ({})", r.reason, count(r.lines))).collect();
        let more = if scope.rejected.len() > EXAMPLES_MAX { "; more in the report" } else { "" };
        lines.paragraph(&format!("{} set aside: {}{more}.", plural(rejected, "line", "lines"), reasons.join("; ")));
    }
    for id in plan.unresolved.iter().take(EXAMPLES_MAX) {
        lines.paragraph(&format!("No model known for {}: {}, not priced.", id.id, plural(id.requests, "request", "requests")));
    }
    if plan.unresolved.len() > EXAMPLES_MAX {
        lines.paragraph(&format!("{} more ids resolve to no model.", plan.unresolved.len() - EXAMPLES_MAX));
    }
    for note in plan.price_notes.iter().filter(|n| n.spend.is_none()).take(EXAMPLES_MAX) {
        lines.paragraph(&format!(
            "Price unknown: {}, {} tokens not in any sum. {}",
            note.what,
            tokens(note.tokens),
            sentence(&note.text)
        ));
    }
    if let Some((n, most)) = doubts::doubtful_prices(plan) {
        let used = plural(n, "price was", "prices were");
        lines.paragraph(&format!("{used} used with a doubt; {} of spend hangs on the dearest.", usd(most, decimals)));
    }
    if !scope.catalogue.is_empty() {
        lines.paragraph(&format!("Prices: {}.", scope.catalogue));
    }
}

pub(super) fn unknowns(plan: &Plan, lines: &mut Lines) {
    if plan.scope.unknowns.is_empty() {
        return;
    }
    lines.heading("What this evidence cannot tell");
    for unknown in &plan.scope.unknowns {
        lines.item("-", unknown);
    }
}

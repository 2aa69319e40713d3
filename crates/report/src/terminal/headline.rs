//! What is spent and what it could be.

use laneshift_core::plan::Plan;
use laneshift_units::Money;

use super::layout::{Align, Lines, Table};
use crate::text::{count, percent, period, plural, run_rate, usd};

pub(super) fn write(plan: &Plan, decimals: usize, lines: &mut Lines) {
    let scope = &plan.scope;
    lines.heading(&format!("Amazon Bedrock, {}", period(scope)));
    let pace = run_rate(plan.today, scope).map_or_else(String::new, |r| format!(", or {} in 30 days", usd(r, decimals)));
    lines.paragraph(&format!(
        "Spend {}{pace}, at list price, in {} and {}.",
        usd(plan.today, decimals),
        plural(scope.accounts.len() as u64, "account", "accounts"),
        plural(scope.regions.len() as u64, "region", "regions"),
    ));
    if scope.sampling_factor > 1 {
        let n = count(scope.sampling_factor);
        lines.paragraph(&format!("The evidence is a sample: each record stands for {n}. All sums are multiplied by {n}."));
    }
    lines.paragraph(&format!(
        "{} of the spend ({}) is on models that have a batch price where they are called.",
        percent(plan.has_batch_price, plan.today),
        usd(plan.has_batch_price, decimals),
    ));
    for (amount, what) in [
        (plan.undetermined, "is undetermined: its owners must be asked"),
        (plan.not_movable, "is called by AWS services and cannot be moved"),
    ] {
        if amount != Money::ZERO {
            lines.paragraph(&format!("{} ({}) {what}.", usd(amount, decimals), percent(amount, plan.today)));
        }
    }
    savings(plan, decimals, lines);
}

fn savings(plan: &Plan, decimals: usize, lines: &mut Lines) {
    let saved = plan.today - plan.planned;
    let rows = [
        ("floor", plan.savings.floor, "eligible, confirmed or scored .900 and more"),
        ("likely", plan.savings.likely, "every eligible saving times its score"),
        ("ceiling", plan.savings.ceiling, "everything eligible that is not streamed"),
        ("recommended", saved, "the moves of this plan"),
    ];
    let mut table = Table::new(&[Align::Left, Align::Right, Align::Right, Align::Flexible]);
    table.row(["saving".into(), "in period".into(), "of spend".into(), "what it counts".into()]);
    for (name, amount, what) in rows {
        table.row([name.into(), usd(amount, decimals), percent(amount, plan.today), what.into()]);
    }
    lines.heading("What can be saved");
    lines.table(&table);
}

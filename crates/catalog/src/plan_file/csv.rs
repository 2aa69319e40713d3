//! `workloads.csv`: one row a workload, for spreadsheets.

use std::collections::BTreeSet;

use laneshift_core::plan::{Plan, WorkloadPlan};
use laneshift_core::verdict::Term;
use laneshift_units::{Money, TokenClass};

use crate::table;

/// Reasons that are shown on each side.
const REASONS_MAX: usize = 3;

const COLUMNS: [&str; 27] = [
    "workload",
    "account",
    "owner",
    "models",
    "roles",
    "verdict",
    "can_wait",
    "score",
    "confirmed",
    "requests",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "unpriced_tokens",
    "output_p50",
    "output_p95",
    "spend_usd",
    "planned_usd",
    "saving_usd",
    "potential_usd",
    "slices",
    "moves",
    "for",
    "against",
    "blockers",
];

/// Workloads in the order of the plan. Money is exact, in US dollars for the period; the score is a number from 0 to 1.
pub fn workloads_csv(plan: &Plan) -> String {
    table::write(&COLUMNS, plan.workloads.iter().map(cells))
}

fn cells(w: &WorkloadPlan) -> [String; COLUMNS.len()] {
    let tokens = |class: TokenClass| w.usage.get(class).0.to_string();
    let potential: Money = w.slices.iter().map(|s| s.potential).sum();
    let confirmed = w.slices.iter().filter(|s| s.verdict.confirmed).count();
    let slices = w.slices.iter().map(|s| format!("{}: {} .{:03}", s.name, s.verdict.class.name(), s.verdict.score.0));
    let moves = w.slices.iter().flat_map(|s| &s.moves).map(|m| format!("{} to {}", m.from.name(), m.to.name()));
    let blockers = w.slices.iter().flat_map(|s| &s.blockers).map(|b| b.text.clone());
    [
        w.key.clone(),
        w.account.clone(),
        w.owner.clone().unwrap_or_default(),
        joined(w.models.iter().cloned()),
        joined(w.roles.iter().cloned()),
        w.class.name().to_owned(),
        w.deadline.to_string(),
        format!("{}.{:03}", w.score.0 / 1000, w.score.0 % 1000),
        if confirmed == 0 {
            "no"
        } else if confirmed == w.slices.len() {
            "yes"
        } else {
            "in part"
        }
        .to_owned(),
        w.requests.to_string(),
        tokens(TokenClass::Input),
        tokens(TokenClass::Output),
        tokens(TokenClass::CacheRead),
        tokens(TokenClass::CacheWrite5m),
        tokens(TokenClass::CacheWrite1h),
        w.unpriced_tokens.to_string(),
        w.output_p50.to_string(),
        w.output_p95.to_string(),
        w.today.to_exact_string(),
        w.planned.to_exact_string(),
        (w.today - w.planned).to_exact_string(),
        potential.to_exact_string(),
        joined(slices),
        joined(moves.collect::<BTreeSet<_>>()),
        reasons(w, |nats| nats > 0.0),
        reasons(w, |nats| nats < 0.0),
        joined(blockers.collect::<BTreeSet<_>>()),
    ]
}

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join("; ")
}

/// The strongest terms on one side over all slices, each signal once.
fn reasons(w: &WorkloadPlan, side: impl Fn(f64) -> bool) -> String {
    let mut terms: Vec<&Term> = w.slices.iter().flat_map(|s| &s.verdict.terms).filter(|t| side(t.nats)).collect();
    terms.sort_by(|a, b| b.nats.abs().total_cmp(&a.nats.abs()));
    let mut seen = BTreeSet::new();
    let once = terms.into_iter().filter(|t| seen.insert(t.signal)).take(REASONS_MAX);
    joined(once.map(|t| format!("{} ({:+.1})", t.text, t.nats)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_workload_is_one_row_with_its_reasons() {
        let mut plan = sample::plan();
        plan.workloads[0].key = "workload=a, b".to_owned();
        plan.workloads[0].owner = Some("@team".to_owned());
        let text = workloads_csv(&plan);
        let (header, row) = text.split_once('\n').expect("two lines");
        assert_eq!(header.split(',').count(), COLUMNS.len());
        assert_eq!(
            row,
            "\"workload=a, b\",111122223333,'@team,Claude Sonnet 4.5,nightly-tagging,batch-fit,24h,0.950,no,4000,1000000,200000,\
             30000,4000,500,7,40,90,700.5,350.25,350.25,350.25,all: batch-fit .950,standard to batch,\
             runs at 02:00 on 13 of 14 days (+1.2),,40 records a day\n"
        );
    }
}

//! A generated example's truth beside the verdicts, by cost. No proof of accuracy: the generator and the signals
//! were made by the same people.

use std::collections::BTreeMap;

use laneshift_core::plan::{Confusion, Plan};
use laneshift_core::verdict::Class;
use laneshift_units::Money;

/// Truth by workload key and account, from `truth.csv` in an evidence folder.
pub(super) type Truth = BTreeMap<(String, String), String>;

/// Spend by truth and verdict.
pub(super) fn table(truth: &Truth, plan: &Plan) -> Vec<Confusion> {
    let mut sums: BTreeMap<(String, Class), Money> = BTreeMap::new();
    for workload in &plan.workloads {
        let made =
            truth.get(&(workload.key.clone(), workload.account.clone())).cloned().unwrap_or_else(|| "not named".to_owned());
        *sums.entry((made, workload.class)).or_default() += workload.today;
    }
    sums.into_iter().map(|((truth, verdict), cost)| Confusion { truth, verdict, cost }).collect()
}

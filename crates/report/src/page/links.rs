//! Anchors of workloads, and lists of workloads that link to them.

use std::collections::HashMap;

use laneshift_core::plan::{Mistake, Plan};

/// Workloads with a card of their own, the dearest; the rest is a row of the inventory.
pub(super) const CARDS_MAX: usize = 250;
/// Workloads named with a mistake.
const NAMED_MAX: usize = 8;

/// The anchor of a workload's card, by its rank in the plan.
pub(super) fn anchor(rank: usize) -> Option<String> {
    (rank < CARDS_MAX).then(|| format!("w{}", rank + 1))
}

/// The anchor of a slice on its workload's card, by their ranks.
pub(super) fn slice_anchor(rank: usize, slice: usize) -> Option<String> {
    anchor(rank).map(|card| format!("{card}-{}", slice + 1))
}

/// A workload by name, with a link to its card if it has one.
pub(super) struct Named<'a> {
    pub(super) key: &'a str,
    pub(super) link: Option<String>,
}

/// A mistake as shown.
pub(super) struct MistakeView<'a> {
    pub(super) mistake: &'a Mistake,
    pub(super) workloads: Vec<Named<'a>>,
    pub(super) more: usize,
}

/// The mistakes, with links to the workloads concerned.
pub(super) fn mistakes(plan: &Plan) -> Vec<MistakeView<'_>> {
    let mut ranks: HashMap<&str, usize> = HashMap::new();
    for (rank, w) in plan.workloads.iter().enumerate() {
        ranks.entry(&w.key).or_insert(rank);
    }
    plan.mistakes
        .iter()
        .map(|mistake| MistakeView {
            mistake,
            workloads: mistake
                .workloads
                .iter()
                .take(NAMED_MAX)
                .map(|key| Named { key, link: ranks.get(key.as_str()).copied().and_then(anchor) })
                .collect(),
            more: mistake.workloads.len().saturating_sub(NAMED_MAX),
        })
        .collect()
}

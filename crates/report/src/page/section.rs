//! Which sections a page has. A section without content is left out.

use laneshift_core::plan::Plan;

/// A section and its anchor.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
}

/// The sections of this plan's page, in order.
pub(super) fn of(plan: &Plan) -> Vec<Section> {
    [
        ("decision", "Decision", true),
        ("trust", "Scope and trust", true),
        ("spend", "Spend today", !plan.models.is_empty()),
        ("workloads", "Workloads", !plan.workloads.is_empty()),
        ("split", "Split", !plan.lanes.is_empty()),
        ("mistakes", "Common mistakes", !plan.mistakes.is_empty()),
        ("renewal", "Renewal", !plan.renewal.is_empty()),
        ("other", "Other lines of the bill", has_other(plan)),
        ("method", "Method", true),
    ]
    .into_iter()
    .filter(|(.., shown)| *shown)
    .map(|(id, title, _)| Section { id, title })
    .collect()
}

/// Whether there is anything on the bill beside the model calls.
pub(super) fn has_other(plan: &Plan) -> bool {
    !(plan.other_services.is_empty() && plan.adjustments.is_empty() && plan.commitments.is_empty() && plan.unresolved.is_empty())
}

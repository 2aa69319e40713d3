//! Verdicts against a generator's truth, where there is one.

use laneshift_core::plan::Plan;
use laneshift_core::verdict::Class;
use laneshift_units::Money;

/// What the generator made, and how its spend was judged, in the order of [`Class::ALL`].
pub(super) struct ConfusionRow<'a> {
    pub(super) truth: &'a str,
    pub(super) by_class: [Money; Class::ALL.len()],
}

/// The table; empty without a generator's truth.
pub(super) fn confusion(plan: &Plan) -> Vec<ConfusionRow<'_>> {
    let mut rows: Vec<ConfusionRow<'_>> = Vec::new();
    for cell in &plan.confusion {
        let at = rows.iter().position(|r| r.truth == cell.truth).unwrap_or_else(|| {
            rows.push(ConfusionRow { truth: &cell.truth, by_class: [Money::ZERO; Class::ALL.len()] });
            rows.len() - 1
        });
        for (class, sum) in Class::ALL.into_iter().zip(&mut rows[at].by_class) {
            if class == cell.verdict {
                *sum += cell.cost;
            }
        }
    }
    rows.sort_by_key(|r| r.truth);
    rows
}

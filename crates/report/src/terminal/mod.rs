//! The plan in 80 columns, readable without colour. The page holds everything; this holds what decides.

mod evidence;
mod headline;
pub(crate) mod layout;
mod next;
mod tables;

use laneshift_core::plan::Plan;

use crate::text::decimals;
use layout::Lines;

/// The plan as text of at most 80 columns. `out_dir` is the folder that the report was written to; it appears in
/// what to do next.
pub fn summary(plan: &Plan, out_dir: &str) -> String {
    let mut lines = Lines::default();
    let decimals = decimals(plan.today);
    headline::write(plan, decimals, &mut lines);
    tables::lanes(plan, decimals, &mut lines);
    tables::workloads(plan, decimals, &mut lines);
    tables::waterfall(plan, decimals, &mut lines);
    evidence::mistakes(plan, decimals, &mut lines);
    evidence::coverage(plan, &mut lines);
    evidence::records(plan, decimals, &mut lines);
    evidence::unknowns(plan, &mut lines);
    tables::confusion(plan, decimals, &mut lines);
    next::write(plan, out_dir, &mut lines);
    lines.finish()
}

//! How much hangs on prices with a doubt.

use laneshift_core::plan::Plan;
use laneshift_units::Money;

/// Doubtful prices that were used: how many, and the most spend that hangs on one. Their spends overlap, so there is no sum.
pub(crate) fn doubtful_prices(plan: &Plan) -> Option<(u64, Money)> {
    let spends = || plan.price_notes.iter().filter_map(|n| n.spend).filter(|s| *s > Money::ZERO);
    spends().max().map(|most| (spends().count() as u64, most))
}

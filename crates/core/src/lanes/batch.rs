//! Batch inference jobs. They have quotas of their own, and no prompt cache: what was read from or written to a
//! cache is billed as plain input.
// AWS, Bedrock user guide, "Prompt caching": "not supported with the batch inference API", read 2026-11-23.

use super::offer;
use crate::route::{Demand, Dispatch, Offer, Refusal, Target};
use laneshift_units::Timestamp;

pub(super) fn quote(demand: &Demand<'_>, target: &Target, now: Timestamp) -> Result<Offer, Refusal> {
    offer(demand, target, now, &demand.expected.uncached(), Dispatch::Enqueue)
}

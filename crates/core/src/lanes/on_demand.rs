//! On-demand, the priority, standard and flex tiers: an immediate call at the tier's price, on one shared quota.
//! Flex differs only in its row of the market: its price, and a longer wait.

use super::{check_headroom, offer};
use crate::route::{Demand, Dispatch, Offer, Refusal, Target};
use laneshift_units::Timestamp;

pub(super) fn quote(demand: &Demand<'_>, target: &Target, now: Timestamp) -> Result<Offer, Refusal> {
    check_headroom(demand, target)?;
    offer(demand, target, now, &demand.expected, Dispatch::Invoke)
}

//! Capacity that is already paid for (Provisioned Throughput, the Reserved tier): free at the margin while it has room.

use super::offer;
use crate::route::{Demand, Dispatch, Offer, Refusal, Target};
use laneshift_units::{Money, Timestamp, Usage};

/// Room is required here: a commitment whose headroom nobody has stated takes nothing.
pub(super) fn quote(demand: &Demand<'_>, target: &Target, now: Timestamp) -> Result<Offer, Refusal> {
    let room = target.headroom.ok_or(Refusal::NoHeadroom)?;
    if demand.reserve > room {
        return Err(Refusal::NoHeadroom);
    }
    let offer = offer(demand, target, now, &Usage::default(), Dispatch::Invoke)?;
    Ok(Offer { marginal: Money::ZERO, ..offer })
}

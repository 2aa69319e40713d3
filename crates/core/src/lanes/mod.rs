//! The list of lanes. A lane is one file here and one line in [`LANES`].

mod batch;
mod committed;
mod on_demand;

use crate::price::UnknownPrice;
use crate::route::{Demand, Dispatch, Lane, LaneId, Offer, Refusal, Target};
use laneshift_units::{Timestamp, Usage};

/// Every lane that laneshift can route to.
pub const LANES: &[Lane] = &[
    Lane { id: LaneId::Provisioned, quote: committed::quote },
    Lane { id: LaneId::Reserved, quote: committed::quote },
    Lane { id: LaneId::Priority, quote: on_demand::quote },
    Lane { id: LaneId::Standard, quote: on_demand::quote },
    Lane { id: LaneId::Flex, quote: on_demand::quote },
    Lane { id: LaneId::Batch, quote: batch::quote },
];

/// What every lane checks the same way: features, body size and price.
fn offer(demand: &Demand<'_>, target: &Target, now: Timestamp, billed: &Usage, dispatch: Dispatch) -> Result<Offer, Refusal> {
    let missing = demand.class.needs.without(target.supports);
    if !missing.is_empty() {
        return Err(Refusal::Unsupported(missing));
    }
    if demand.largest > target.body_max {
        return Err(Refusal::TooLarge);
    }
    let marginal = target.rates.cost(billed).map_err(|UnknownPrice(class)| Refusal::NoPrice(class))?;
    let finish_by = Timestamp(now.0.saturating_add(target.wait.promise_ms.max(0)));
    Ok(Offer { takes: demand.n, marginal, finish_by, dispatch })
}

/// On-demand tiers share one admission quota: a demand fits as a whole or not at all.
fn check_headroom(demand: &Demand<'_>, target: &Target) -> Result<(), Refusal> {
    match target.headroom {
        Some(left) if demand.reserve > left => Err(Refusal::NoHeadroom),
        Some(_) | None => Ok(()),
    }
}

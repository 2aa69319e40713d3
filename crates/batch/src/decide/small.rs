//! Records that are too few for a job: filled up, or called, by price.

use laneshift_store::{Lane, Members};
use laneshift_units::Money;

use super::{Hedge, Move, Part, View, guard};

/// Places what is free. Nothing is moved when no way is open: it waits for company until its deadline.
/// `allowed` is what the guard left of the allowance.
pub(super) fn place(view: &View<'_>, parts: &[Part], total: u64, allowed: u64, moves: &mut Vec<Move>) {
    let filler = view.limits.records_min - total;
    let times = |money: Money, n: u64| Money::from_pico(money.pico().saturating_mul(i128::from(n)));
    let padded = match (view.costs.batch, view.costs.filler) {
        (Some(batch), Some(one)) => Some(times(batch, total) + times(one, filler)),
        _ => None,
    };
    let lane = view.rescue.and_then(|rescue| guard::lane(view, rescue));
    let called = lane.and_then(|lane| match lane {
        Lane::Batch | Lane::Provisioned => None,
        Lane::Flex => view.costs.flex,
        Lane::OnDemand => view.costs.on_demand,
    });
    let called = called.map(|each| times(each, total));
    let pad = view.terms.pad
        && match (padded, called) {
            // Equal prices: a call answers sooner.
            (Some(padded), Some(called)) => padded < called,
            (Some(_), None) => true,
            // A job whose price is not known is still the only way there is.
            (None, _) => lane.is_none(),
        };
    let free = || parts.iter().filter(|p| !p.free.is_empty()).map(|p| Members { chunk: p.chunk, slots: p.free.clone() });
    match (pad, lane, view.rescue) {
        (true, _, _) => moves.push(Move::Job(free().collect(), filler)),
        (false, Some(lane), Some(rescue)) => {
            let weight: u64 = parts.iter().map(|p| rescue.weight(p.each) * p.free.count()).sum();
            if weight <= allowed {
                moves.push(Move::Calls(free().collect(), lane, Hedge::No));
            }
        }
        _ => {}
    }
}

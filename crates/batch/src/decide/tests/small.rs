//! Work that is too small for a job.

use laneshift_units::{Money, Timestamp};
use proptest::prelude::*;

use super::world::*;
use crate::decide::*;

/// Four records with a deadline far away, where a job needs ten.
fn few() -> World {
    let mut world = World::new();
    world.chunks = vec![chunk(1, 4, 10, 1, Timestamp(NOW.0 + 100 * HOUR_MS))];
    (world.rescue, world.allowance) = (Some(lanes(1_000)), 1_000);
    world
}

fn padded() -> Vec<Move> {
    vec![Move::Job(vec![members(1, 0..4)], 6)]
}

fn called(lane: Lane) -> Vec<Move> {
    vec![Move::Calls(vec![members(1, 0..4)], lane, Hedge::No)]
}

proptest! {
    #[test]
    fn small_work_goes_the_cheaper_way(batch in 0..200_i128, filler in 0..200_i128, on_demand in 0..200_i128, pad in any::<bool>()) {
        let mut world = few();
        let price = |pico| Some(Money::from_pico(pico));
        world.costs = Costs { batch: price(batch), filler: price(filler), flex: None, on_demand: price(on_demand) };
        world.terms.pad = pad;
        let pads = pad && 4 * batch + 6 * filler < 4 * on_demand;
        prop_assert_eq!(world.decide(), if pads { padded() } else { called(Lane::OnDemand) });
    }
}

#[test]
fn flex_is_called_where_it_is_cheaper() {
    let mut world = few();
    (world.terms.pad, world.costs.flex) = (false, Some(Money::from_pico(50)));
    world.rescue.as_mut().expect("lanes").lanes = vec![Lane::OnDemand, Lane::Flex];
    assert_eq!(world.decide(), called(Lane::Flex));
}

#[test]
fn where_no_lane_may_be_used_it_is_filled_up_whatever_that_costs_or_waits() {
    let mut world = few();
    (world.rescue, world.costs) = (None, Costs::default());
    assert_eq!(world.decide(), padded());
    world.terms.pad = false;
    assert_eq!(world.decide(), []);
}

#[test]
fn it_waits_for_jobs_under_way_and_for_the_allowance() {
    let mut world = few();
    world.jobs_open = true;
    assert_eq!(world.decide(), [], "they may bring company");
    (world.jobs_open, world.terms.pad, world.allowance) = (false, false, 39);
    assert_eq!(world.decide(), []);
    world.allowance = 40;
    assert_eq!(world.decide(), called(Lane::OnDemand));
}

#[test]
fn what_the_guard_called_is_gone_from_the_allowance() {
    let mut world = few();
    world.terms.pad = false;
    // Hopeless for a job, and as much as may be called.
    world.chunks.push(chunk(2, 100, 10, 1, Timestamp(NOW.0 + 5 * MINUTE_MS)));
    assert_eq!(world.decide(), [Move::Calls(vec![members(2, 0..100)], Lane::OnDemand, Hedge::No)]);
}

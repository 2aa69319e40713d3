//! Capacity that is paid for and idle.

use laneshift_units::Timestamp;

use super::world::*;
use crate::decide::*;

fn drained(members: Vec<Members>) -> Move {
    Move::Calls(members, Lane::Provisioned, Hedge::No)
}

/// A pool whose records wait for company, by default in no window either.
fn world(chunks: Vec<laneshift_store::Chunk>) -> World {
    let mut world = World::new();
    (world.chunks, world.terms.linger_ms) = (chunks, 100 * HOUR_MS);
    world.terms.window = Window::parse("daily 0-1 UTC").ok();
    world
}

fn in_hours(hours: i64) -> Timestamp {
    Timestamp(NOW.0 + hours * HOUR_MS)
}

#[test]
fn what_is_idle_takes_the_earliest_deadlines_at_once() {
    let mut world = world(vec![chunk(1, 30, 10, 1, in_hours(100)), chunk(2, 10, 10, 1, in_hours(90))]);
    world.spare = spare(150, 1_000);
    assert_eq!(world.decide(), [drained(vec![members(2, 0..10), members(1, 0..5)])]);
    world.spare = spare(150, 1);
    assert_eq!(world.decide(), [drained(vec![members(2, 0..1)])], "what is doubted is asked with one");
    world.spare = spare(0, 1_000);
    assert_eq!(world.decide(), []);
}

#[test]
fn what_does_not_fit_becomes_a_job_as_ever_and_a_few_wait_for_the_next_moment() {
    let mut world = World::new();
    (world.chunks, world.spare) = (vec![chunk(1, 40, 10, 1, in_hours(100))], spare(200, 1_000));
    assert_eq!(world.decide(), [drained(vec![members(1, 0..20)]), Move::Job(vec![members(1, 20..40)], 0)]);
    world.spare = spare(350, 1_000);
    assert_eq!(world.decide(), [drained(vec![members(1, 0..35)])], "five are no job, and cost nothing a minute later");
    world.spare = spare(0, 0);
    world.chunks = vec![chunk(1, 5, 10, 1, in_hours(100))];
    assert_eq!(world.decide(), [Move::Job(vec![members(1, 0..5)], 5)]);
}

#[test]
fn what_is_idle_goes_before_lanes_that_cost_and_finds_a_bad_record_without_jobs() {
    let mut world = World::new();
    (world.chunks, world.rescue) = (vec![chunk(1, 6, 10, 1, Timestamp(NOW.0 + MINUTE_MS))], Some(lanes(600)));
    (world.allowance, world.spare) = (600, spare(40, 1_000));
    let rest = Move::Calls(vec![members(1, 4..6)], Lane::OnDemand, Hedge::No);
    assert_eq!(world.decide(), [drained(vec![members(1, 0..4)]), rest]);
    let mut world = World::new();
    world.chunks = vec![chunk(1, 6, 10, 1, in_hours(100))];
    world.suspects = vec![Suspects { members: vec![members(1, 0..6)], message: "line 3 is bad".to_owned() }];
    world.spare = spare(60, 1_000);
    assert_eq!(world.decide(), [drained(vec![members(1, 0..6)])]);
}

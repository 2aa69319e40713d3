//! Which records make which jobs.

use laneshift_units::Timestamp;

use super::world::*;
use crate::decide::*;

fn sizes(world: &World) -> Vec<u64> {
    world.decide().iter().map(|one| count(of(one))).collect()
}

fn in_hours(hours: i64) -> Timestamp {
    Timestamp(NOW.0 + hours * HOUR_MS)
}

#[test]
fn a_rest_too_small_for_a_job_is_shared_out() {
    let mut world = World::new();
    world.chunks = vec![chunk(1, 101, 1, 1, in_hours(100))];
    assert_eq!(sizes(&world), [33, 34, 34]);
    world.chunks = vec![chunk(1, 50, 1, 1, in_hours(100))];
    assert_eq!(sizes(&world), [50]);
}

#[test]
fn a_job_of_large_and_small_records_is_within_its_bytes() {
    let mut world = World::new();
    // 15 of 1,000 bytes are one and a half jobs by bytes; 40 of 10 bytes are most of one by records.
    world.chunks = vec![chunk(1, 15, 1, 1_000, in_hours(100)), chunk(2, 40, 1, 10, in_hours(100))];
    assert_eq!(sizes(&world), [10, 10, 35]);
}

#[test]
fn a_tight_deadline_does_not_press_a_large_job() {
    let mut world = World::new();
    world.chunks = vec![chunk(1, 12, 1, 1, in_hours(30)), chunk(2, 12, 1, 1, in_hours(150))];
    assert_eq!(world.decide(), [Move::Job(vec![members(1, 0..12)], 0), Move::Job(vec![members(2, 0..12)], 0)]);
    world.chunks[1].new.deadline = in_hours(60);
    assert_eq!(world.decide(), [Move::Job(vec![members(1, 0..12), members(2, 0..12)], 0)]);
}

#[test]
fn the_earliest_deadlines_take_the_slots() {
    let mut world = World::new();
    world.chunks = vec![chunk(1, 50, 1, 1, in_hours(200)), chunk(2, 50, 1, 1, in_hours(100))];
    world.slots = 1;
    assert_eq!(world.decide(), [Move::Job(vec![members(2, 0..50)], 0)]);
}

#[test]
fn free_work_waits_for_company_until_it_lingered_or_fills_a_job() {
    let mut world = World::new();
    world.terms.linger_ms = 2 * HOUR_MS;
    world.chunks = vec![chunk(1, 49, 1, 1, in_hours(100))];
    assert_eq!(sizes(&world), [0; 0]);
    world.now = Timestamp(NOW.0 + HOUR_MS);
    assert_eq!(sizes(&world), [49], "it lingered");
    world.now = NOW;
    world.chunks.push(chunk(2, 1, 1, 1, in_hours(100)));
    assert_eq!(sizes(&world), [50], "it is full");
}

#[test]
fn an_open_window_lets_jobs_through() {
    let mut world = World::new();
    world.chunks = vec![chunk(1, 20, 1, 1, in_hours(100))];
    // NOW is at 8:00 UTC.
    world.terms.window = Window::parse("daily 8-9 UTC").ok();
    assert_eq!(sizes(&world), [20]);
    world.now = Timestamp(NOW.0 + HOUR_MS);
    assert_eq!(sizes(&world), [0; 0]);
    world.chunks[0].new.deadline = in_hours(20);
    assert_eq!(sizes(&world), [20], "it is pressed");
}

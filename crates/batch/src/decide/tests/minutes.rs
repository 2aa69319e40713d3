//! The guard over simulated time: jobs that never end, and on-demand lanes that take their rate.

use laneshift_store::{Bitmap, Chunk};
use laneshift_units::{QuotaTokens, Timestamp};
use proptest::prelude::*;

use super::world::*;
use crate::decide::*;

const RATE: u64 = 600;
const STEP_MS: i64 = 20_000;
const MARGIN_MS: i64 = 2 * MINUTE_MS;

fn pool(chunks: Vec<Chunk>) -> World {
    let mut world = World::new();
    (world.chunks, world.rescue, world.margin_ms) = (chunks, Some(lanes(RATE)), MARGIN_MS);
    world
}

fn promised(world: &World) -> bool {
    let one = |c: &Chunk| Held { deadline: c.new.deadline, tokens: QuotaTokens(c.new.usage.input.0) };
    let held: Vec<Held> = world.chunks.iter().map(one).collect();
    feasible(world.now, MARGIN_MS, &held, world.rescue.as_ref().expect("lanes")) == Feasible::Yes
}

/// Lets time pass until all is called; gives the first thing that expired, if any.
fn simulate(mut world: World) -> Option<Members> {
    while world.chunks.iter().any(|c| c.done != c.all()) {
        // As the engine's: it grows with time, to a minute's worth at most.
        world.allowance = (world.allowance + RATE * STEP_MS as u64 / 60_000).min(RATE);
        for one in world.decide() {
            for m in of(&one) {
                let chunk = world.chunks.iter_mut().find(|c| c.new.id == m.chunk).expect("the pool's");
                let each = chunk.new.usage.input.0 / u64::from(chunk.new.records);
                match one {
                    Move::Job(..) => chunk.open = chunk.open.or(&m.slots),
                    Move::Calls(..) => {
                        chunk.done = chunk.done.or(&m.slots);
                        world.allowance -= each * m.slots.count();
                    }
                    Move::Expire(_) | Move::Quarantine(..) => return Some(m.clone()),
                }
            }
        }
        world.now.0 += STEP_MS;
    }
    None
}

/// What is held by a job, what is free, and both.
fn any_chunk(id: u64) -> impl Strategy<Value = Chunk> {
    (1..60_u32, 1..150_u64, 3..90_i64, 0..3_u8).prop_map(move |(records, each, minutes, held)| {
        let mut chunk = chunk(id, records, each, 1, Timestamp(NOW.0 + minutes * MINUTE_MS));
        chunk.open = [Bitmap::default(), Bitmap::first(records as usize / 2), chunk.all()][usize::from(held)].clone();
        chunk
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_was_promised_is_called_in_time_though_no_job_ever_ends(
        chunks in (1..6_u64).prop_flat_map(|n| (0..n).map(any_chunk).collect::<Vec<_>>()),
        batch in any::<bool>(),
    ) {
        let mut world = pool(chunks);
        world.batch = batch;
        // What cannot be promised is not accepted.
        while !promised(&world) {
            world.chunks.pop();
        }
        prop_assert_eq!(simulate(world), None);
    }
}

/// A chunk that a job holds, with the last moment to call its 60 records, at the full rate, in `minutes`.
fn held(id: u64, minutes: i64) -> Chunk {
    let mut chunk = chunk(id, 60, 100, 1, Timestamp(NOW.0 + (minutes + 10) * MINUTE_MS + MARGIN_MS));
    chunk.open = chunk.all();
    chunk
}

#[test]
fn calls_start_when_the_rate_would_not_do_any_later() {
    let mut world = pool(vec![held(1, 0)]);
    world.allowance = RATE;
    assert_eq!(world.decide(), [], "there is just enough time");
    world.now.0 += 30_000;
    assert_eq!(world.decide(), [Move::Calls(vec![members(1, 0..3)], Lane::OnDemand, Hedge::Yes)], "half a minute's worth");
}

#[test]
fn what_is_due_later_does_not_stand_in_for_what_is_due_first() {
    // Free work for a job, due in four days, and work that a job holds, due now.
    let mut world = pool(vec![held(1, -1), chunk(2, 60, 100, 1, Timestamp(NOW.0 + 96 * HOUR_MS))]);
    world.allowance = RATE;
    let moves = world.decide();
    assert!(moves.contains(&Move::Calls(vec![members(1, 0..6)], Lane::OnDemand, Hedge::Yes)), "{moves:?}");
    assert!(!moves.iter().any(|one| matches!(one, Move::Calls(_, _, Hedge::No))), "{moves:?}");
}

#[test]
fn what_must_go_goes_before_what_has_nothing_to_wait_for() {
    // Free work that no job would answer in time, and held work that has less time still.
    let mut world = pool(vec![held(1, -1), chunk(2, 60, 100, 1, Timestamp(NOW.0 + 60 * MINUTE_MS))]);
    world.allowance = RATE;
    assert_eq!(world.decide(), [Move::Calls(vec![members(1, 0..6)], Lane::OnDemand, Hedge::Yes)]);
}

#[test]
fn free_work_is_called_before_work_is_paid_for_twice() {
    let mut chunk = held(1, -1);
    chunk.open = Bitmap::range(0..57);
    let mut world = pool(vec![chunk]);
    (world.allowance, world.slots) = (RATE, 0);
    let [Move::Calls(free, _, Hedge::No), Move::Calls(twice, _, Hedge::Yes)] = &world.decide()[..] else { panic!("two moves") };
    assert_eq!((&free[..], &twice[..]), (&[members(1, 57..60)][..], &[members(1, 0..3)][..]));
}

#[test]
fn a_large_record_saves_up_for_its_turn_and_small_ones_behind_it_wait() {
    let soon = |id, records, each, minutes| chunk(id, records, each, 1, Timestamp(NOW.0 + minutes * MINUTE_MS));
    let mut world = pool(vec![soon(1, 1, 500, 20), soon(2, 60, 10, 30)]);
    world.allowance = 400;
    assert_eq!(world.decide(), []);
    world.allowance = RATE;
    assert_eq!(world.decide(), [Move::Calls(vec![members(1, 0..1), members(2, 0..10)], Lane::OnDemand, Hedge::No)]);
}

#[test]
fn a_record_that_no_minute_has_room_for_goes_when_a_whole_minute_is_there() {
    let soon = |id, records, each, minutes| chunk(id, records, each, 1, Timestamp(NOW.0 + minutes * MINUTE_MS));
    let mut world = pool(vec![soon(1, 1, RATE + 1, 20), soon(2, 60, 10, 30)]);
    world.allowance = RATE;
    assert_eq!(world.decide(), [Move::Calls(vec![members(1, 0..1)], Lane::OnDemand, Hedge::No)]);
}

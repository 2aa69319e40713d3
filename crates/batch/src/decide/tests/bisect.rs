//! One bad record in a job.

use laneshift_store::ChunkId;
use laneshift_units::Timestamp;
use proptest::prelude::*;

use super::world::*;
use crate::decide::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn a_bad_record_is_alone_after_at_most_log2_rounds(n in 1..2_000_usize, at in any::<prop::sample::Index>()) {
        let bad = at.index(n);
        let mut world = World::new();
        world.chunks = vec![chunk(1, n as u32, 1, 1, Timestamp(NOW.0 + 100 * HOUR_MS))];
        world.limits.records_max = 50_000;
        // Halves need no slot: there may be one job fewer than before.
        world.slots = 0;
        world.suspects = vec![Suspects { members: vec![members(1, 0..n)], message: "line 7 is bad".to_owned() }];
        let rounds_max = n.ilog2() + 1 + u32::from(!n.is_power_of_two());
        for round in 1..=rounds_max {
            let moves = world.decide();
            let (with_bad, well): (Vec<&Move>, Vec<&Move>) = moves.iter().partition(|one| of(one).iter().any(|m| m.slots.has(bad)));
            prop_assert_eq!(with_bad.len(), 1, "round {}", round);
            match with_bad[0] {
                Move::Quarantine(one, message) => {
                    prop_assert_eq!((one, &message[..]), (&members(1, bad..bad + 1), "line 7 is bad"));
                    prop_assert_eq!(world.chunks[0].done.count() as usize, n - 1, "all the others were answered");
                    return Ok(());
                }
                Move::Job(again, _) => world.suspects[0].members.clone_from(again),
                other => panic!("{other:?}"),
            }
            for m in well.into_iter().flat_map(of) {
                world.chunks[0].done = world.chunks[0].done.or(&m.slots);
            }
        }
        prop_assert!(false, "not found in {} rounds", rounds_max);
    }
}

#[test]
fn halves_below_the_minimum_are_filled_up() {
    let mut world = World::new();
    world.chunks = vec![chunk(1, 6, 1, 1, Timestamp(NOW.0 + 100 * HOUR_MS)), chunk(2, 6, 1, 1, Timestamp(NOW.0 + 100 * HOUR_MS))];
    world.suspects = vec![Suspects { members: vec![members(1, 0..6), members(2, 0..3)], message: String::new() }];
    let moves = world.decide();
    let halves = [Move::Job(vec![members(1, 0..4)], 6), Move::Job(vec![members(1, 4..6), members(2, 0..3)], 5)];
    assert_eq!(moves[..2], halves);
    assert_eq!(moves[2..], [Move::Job(vec![members(2, 3..6)], 7)], "the others are no suspects");
}

#[test]
fn suspects_are_called_where_there_are_no_jobs() {
    let mut world = World::new();
    world.chunks = vec![chunk(1, 6, 1, 1, Timestamp(NOW.0 + 100 * HOUR_MS))];
    world.suspects = vec![Suspects { members: vec![members(1, 0..6)], message: String::new() }];
    (world.batch, world.rescue, world.allowance) = (false, Some(lanes(100)), 100);
    assert_eq!(world.decide(), [Move::Calls(vec![members(1, 0..6)], Lane::OnDemand, Hedge::No)]);
}

#[test]
fn suspects_that_are_over_are_forgotten() {
    let mut world = World::new();
    world.chunks = vec![chunk(1, 6, 1, 1, Timestamp(NOW.0 + 100 * HOUR_MS))];
    world.chunks[0].done = world.chunks[0].all();
    let gone = Members { chunk: ChunkId(9), ..members(1, 0..6) };
    world.suspects = vec![Suspects { members: vec![members(1, 0..6), gone], message: String::new() }];
    assert_eq!(world.decide(), []);
}

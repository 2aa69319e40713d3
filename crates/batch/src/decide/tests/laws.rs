//! What holds of the moves on any pool.

use laneshift_store::Bitmap;
use laneshift_units::Timestamp;
use proptest::prelude::*;

use super::world::*;
use crate::decide::Spare;
use crate::decide::*;

/// The suspect records of a chunk.
fn suspect(world: &World, chunk: ChunkId) -> Bitmap {
    let all = world.suspects.iter().flat_map(|s| &s.members).filter(|m| m.chunk == chunk);
    all.fold(Bitmap::default(), |all, m| all.or(&m.slots))
}

/// Whether a job halves suspects.
fn halves(world: &World, members: &[Members]) -> bool {
    members.iter().any(|m| !m.slots.and(&suspect(world, m.chunk)).is_empty())
}

fn jobs(moves: &[Move]) -> impl Iterator<Item = (&[Members], u64)> {
    moves.iter().filter_map(|one| if let Move::Job(members, filler) = one { Some((&members[..], *filler)) } else { None })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_same_view_gives_the_same_moves(world in world()) {
        prop_assert_eq!(world.decide(), world.decide());
    }

    #[test]
    fn no_record_is_in_two_moves_and_none_that_is_settled_in_any(world in world()) {
        let moves = world.decide();
        for chunk in &world.chunks {
            let mut seen = chunk.done.clone();
            for m in moves.iter().flat_map(of).filter(|m| m.chunk == chunk.new.id) {
                prop_assert!(!m.slots.is_empty(), "a move of nothing");
                prop_assert!(m.slots.without(&chunk.all()).is_empty() && m.slots.and(&seen).is_empty(), "{:?}", moves);
                seen = seen.or(&m.slots);
            }
        }
    }

    #[test]
    fn only_free_records_move_but_for_hedges_and_the_expired(world in world()) {
        for one in world.decide() {
            for m in of(&one) {
                let chunk = world.chunk(m.chunk);
                let from = match one {
                    Move::Job(..) | Move::Quarantine(..) | Move::Calls(_, _, Hedge::No) => chunk.free(),
                    Move::Calls(_, _, Hedge::Yes) => chunk.open.without(&chunk.done),
                    Move::Expire(_) => chunk.all().without(&chunk.done),
                };
                prop_assert!(m.slots.without(&from).is_empty(), "{:?}", one);
            }
        }
    }

    #[test]
    fn everything_past_its_deadline_expires_and_nothing_else_does(world in world()) {
        let moves = world.decide();
        for chunk in &world.chunks {
            let unsettled = chunk.all().without(&chunk.done);
            let late = chunk.new.deadline <= world.now && !unsettled.is_empty();
            let expire = Move::Expire(Members { chunk: chunk.new.id, slots: unsettled });
            prop_assert_eq!(late, moves.contains(&expire), "{:?}", chunk);
            let others = moves.iter().filter(|one| **one != expire);
            prop_assert!(!late || others.flat_map(of).all(|m| m.chunk != chunk.new.id));
        }
    }

    #[test]
    fn every_job_is_within_its_limits_and_there_are_no_more_than_slots(world in world()) {
        let moves = world.decide();
        for (members, filler) in jobs(&moves) {
            prop_assert!(count(members) > 0 && count(members) + filler >= world.limits.records_min, "{:?}", moves);
        }
        let own: Vec<_> = jobs(&moves).filter(|(members, _)| !halves(&world, members)).collect();
        prop_assert!(own.len() as u64 <= world.slots, "{:?}", moves);
        for (members, filler) in own {
            let each = |m: &Members| { let new = &world.chunk(m.chunk).new; (new.bytes / u64::from(new.records)).max(1) };
            let bytes: u64 = members.iter().map(|m| m.slots.count() * each(m)).sum();
            prop_assert!(count(members) + filler <= world.limits.records_max, "{:?}", moves);
            prop_assert!(bytes <= world.limits.job_bytes_max, "{} bytes: {:?}", bytes, moves);
        }
        prop_assert!(world.batch || jobs(&moves).next().is_none());
    }

    #[test]
    fn the_calls_of_a_moment_stay_within_the_allowance(world in world()) {
        let moves = world.decide();
        let on_demand = |one: &&Move| matches!(one, Move::Calls(_, lane, _) if *lane != Lane::Provisioned);
        let calls: Vec<&Members> = moves.iter().filter(on_demand).flat_map(of).collect();
        let Some(rescue) = &world.rescue else { prop_assert!(calls.is_empty()); return Ok(()) };
        let weight = |m: &&Members| {
            let new = &world.chunk(m.chunk).new;
            rescue.weight((new.usage.input.0 / u64::from(new.records)).max(1)) * m.slots.count()
        };
        let all: u64 = calls.iter().map(weight).sum();
        prop_assert!(all <= world.allowance, "{} of {}: {:?}", all, world.allowance, moves);
    }

    #[test]
    fn idle_capacity_takes_what_it_has_room_for_and_no_later_deadline_first(world in world()) {
        let moves = world.decide();
        let drained: Vec<&Members> = moves.iter().filter(|one| matches!(one, Move::Calls(_, Lane::Provisioned, _))).flat_map(of).collect();
        let each = |id: ChunkId| { let new = &world.chunk(id).new; new.usage.input.0.div_ceil(u64::from(new.records)).max(1) };
        let records: u64 = drained.iter().map(|m| m.slots.count()).sum();
        let input: u64 = drained.iter().map(|m| m.slots.count() * each(m.chunk)).sum();
        prop_assert!(records <= world.spare.records && input <= world.spare.input.0, "{:?}", moves);
        // A record that stays could not have gone in the place of those with later deadlines.
        for chunk in world.chunks.iter().filter(|c| c.new.deadline > world.now) {
            let gone = drained.iter().find(|m| m.chunk == chunk.new.id).map(|m| m.slots.clone()).unwrap_or_default();
            if !chunk.free().without(&gone).is_empty() {
                let place = (chunk.new.deadline, chunk.new.id);
                let later = drained.iter().filter(|m| (world.chunk(m.chunk).new.deadline, m.chunk) > place);
                let (n, tokens) = later.fold((0, 0), |(n, sum), m| (n + m.slots.count(), sum + m.slots.count() * each(m.chunk)));
                let left = (world.spare.records - records + n, world.spare.input.0 - input + tokens);
                prop_assert!(left.0 == 0 || left.1 < each(chunk.new.id), "{:?}: {:?}", chunk.new.id, moves);
            }
        }
    }

    #[test]
    fn a_lane_that_may_not_be_used_or_has_no_flex_is_not_called(world in world()) {
        for one in world.decide() {
            if let Move::Calls(_, lane, _) = one && lane != Lane::Provisioned {
                prop_assert!(world.rescue.as_ref().is_some_and(|rescue| rescue.lanes.contains(&lane)));
                prop_assert!(lane != Lane::Flex || world.costs.flex.is_some());
            }
        }
    }

    #[test]
    fn free_records_become_jobs_where_there_are_enough_and_nothing_holds_them(mut world in world(), small in any::<bool>()) {
        (world.terms.window, world.terms.linger_ms, world.rescue, world.batch, world.slots) = (None, 0, None, true, 100);
        world.spare = Spare::default();
        world.terms.pad = false;
        world.suspects.clear();
        world.chunks.retain(|c| c.new.deadline > world.now);
        if small {
            // So that bytes never limit a job.
            world.chunks.iter_mut().for_each(|c| c.new.bytes = c.new.bytes.min(200 * u64::from(c.new.records)));
        }
        let mut free: Vec<u64> = Vec::new();
        loop {
            free.push(world.chunks.iter().map(|c| c.free().count()).sum());
            let moves = world.decide();
            if moves.is_empty() {
                break;
            }
            for m in moves.iter().flat_map(of) {
                let chunk = world.chunks.iter_mut().find(|c| c.new.id == m.chunk).expect("the pool's");
                chunk.open = chunk.open.or(&m.slots);
            }
        }
        let left = free[free.len() - 1];
        prop_assert!(left < world.limits.records_min, "{:?}", free);
        prop_assert!(!small || free[0] < world.limits.records_min || free[1] == 0, "all at once: {:?}", free);
    }

    #[test]
    fn a_closed_window_holds_jobs_back_unless_a_deadline_presses(mut world in world()) {
        // NOW is at 8:00 UTC.
        world.terms.window = Window::parse("daily 0-5 UTC").ok();
        world.suspects.clear();
        let usual_ms = Forecast::of(&[]).quantile_ms(0.95) + world.margin_ms;
        let (moves, pressed) = (world.decide(), Timestamp(world.now.0 + usual_ms));
        let presses = world.chunks.iter().any(|c| c.new.deadline <= pressed && !c.free().is_empty());
        prop_assert!(presses || jobs(&moves).next().is_none(), "{:?}", moves);
    }
}

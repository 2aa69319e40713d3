//! Random verbs.

use laneshift_store::Lane;
use proptest::prelude::*;

/// One verb. A pick is one of what is there, so that verbs meet; see [`crate::aim`].
#[derive(Clone, Debug)]
pub(crate) enum Verb {
    /// A submission of its own chunks.
    Bulk {
        submission: u64,
        body: u64,
        key: Option<u8>,
    },
    /// A flush; with a submission for it, or with a key. `behind` is one that another flush was faster than.
    Flush {
        chunk: u64,
        records: u32,
        submission: Option<u64>,
        key: Option<u8>,
        body: u64,
        behind: bool,
    },
    Seal(u64),
    Forget(i64),
    MoveSubmission(u64, usize, usize),
    Settle {
        attempt: u64,
        chunk: u64,
        ok: (usize, usize),
        failed: (usize, usize),
    },
    End(u64, (usize, usize), bool),
    Cancel(u64),
    Redact(u64, (usize, usize)),
    /// Of a new attempt, or of one that is there; of what is free, or of any records.
    Intend {
        again: Option<u64>,
        free: bool,
        parts: Vec<(u64, (usize, usize))>,
        lane: Lane,
        hedge: bool,
    },
    /// From the state that it is in, or from any.
    Move {
        attempt: u64,
        from: Option<usize>,
        to: usize,
        note: bool,
    },
    Book(u64, i128),
    Amend(u64, i128),
    Purge(u64),
    Replace(u64),
    ReplaceResult(u64, u64),
    Pool(u8),
    /// Of the store itself.
    Reopen,
}

/// Picks are below this. The last of them means what is not there.
pub(crate) const PICKS: u64 = 12;

fn part() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![Just((0, 12)), (0..8_usize, 0..12_usize).prop_map(|(from, n)| (from, from + n))]
}

pub(crate) fn verb() -> impl Strategy<Value = Verb> {
    let pick = || 0..PICKS;
    let key = || proptest::option::weighted(0.3, 0..3_u8);
    let parts = proptest::collection::vec((pick(), part()), 1..3);
    // Jobs as often as calls.
    let calls = prop_oneof![Just(Lane::Flex), Just(Lane::OnDemand), Just(Lane::Provisioned)];
    let lane = prop_oneof![Just(Lane::Batch), calls];
    prop_oneof![
        4 => (0..3_u64, 0..2_u64, key()).prop_map(|(submission, body, key)| Verb::Bulk { submission, body, key }),
        4 => (0..2_u64, 1..5_u32, proptest::option::of(3..5_u64), key(), 0..2_u64, proptest::bool::weighted(0.1)).prop_map(
            |(chunk, records, submission, key, body, behind)| Verb::Flush { chunk, records, submission, key, body, behind }
        ),
        1 => pick().prop_map(Verb::Seal),
        1 => (0..3_i64).prop_map(Verb::Forget),
        1 => (pick(), 0..3_usize, 0..3_usize).prop_map(|(s, from, to)| Verb::MoveSubmission(s, from, to)),
        5 => (pick(), pick(), part(), part()).prop_map(|(attempt, chunk, ok, failed)| Verb::Settle { attempt, chunk, ok, failed }),
        2 => (pick(), part(), any::<bool>()).prop_map(|(chunk, part, expired)| Verb::End(chunk, part, expired)),
        1 => (pick()).prop_map(Verb::Cancel),
        1 => (pick(), part()).prop_map(|(chunk, part)| Verb::Redact(chunk, part)),
        5 => (proptest::option::weighted(0.1, pick()), parts, lane, proptest::bool::weighted(0.3), any::<bool>()).prop_map(
            |(again, parts, lane, hedge, free)| Verb::Intend { again, free, parts, lane, hedge }
        ),
        4 => (pick(), proptest::option::weighted(0.2, 0..6_usize), 0..6_usize, any::<bool>()).prop_map(
            |(attempt, from, to, note)| Verb::Move { attempt, from, to, note }
        ),
        2 => (pick(), 0..3_i128).prop_map(|(attempt, pico)| Verb::Book(attempt, pico)),
        1 => (pick(), 0..3_i128).prop_map(|(attempt, pico)| Verb::Amend(attempt, pico)),
        2 => (pick()).prop_map(Verb::Purge),
        1 => pick().prop_map(Verb::Replace),
        1 => (pick(), pick()).prop_map(|(chunk, attempt)| Verb::ReplaceResult(chunk, attempt)),
        1 => (0..3_u8).prop_map(Verb::Pool),
        1 => Just(Verb::Reopen),
    ]
}

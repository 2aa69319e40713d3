//! Pools to decide about.

use std::collections::HashMap;

use laneshift_store::{Bitmap, Chunk, ChunkId, Lane, Members, NewChunk, PoolId};
use laneshift_units::{Money, QuotaTokens, Timestamp, Tokens, Usage};
use proptest::prelude::*;

use crate::decide::Spare;
use crate::decide::*;

pub(super) const NOW: Timestamp = Timestamp(1_800_000_000_000);
pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What a [`View`] borrows.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) chunks: Vec<Chunk>,
    pub(super) suspects: Vec<Suspects>,
    pub(super) limits: Limits,
    pub(super) slots: u64,
    pub(super) jobs_open: bool,
    pub(super) batch: bool,
    pub(super) rescue: Option<Rescue>,
    pub(super) allowance: u64,
    pub(super) spare: Spare,
    pub(super) lost: HashMap<ChunkId, Bitmap>,
    pub(super) costs: Costs,
    pub(super) terms: Terms,
    pub(super) margin_ms: i64,
}

impl World {
    /// Nothing waits; jobs of 10 to 50 records may be made at once, and there are no on-demand lanes.
    pub(super) fn new() -> Self {
        let price = |pico| Some(Money::from_pico(pico));
        Self {
            now: NOW,
            chunks: Vec::new(),
            suspects: Vec::new(),
            limits: Limits {
                records_min: 10,
                records_max: 50,
                file_records_max: 50,
                file_bytes_max: 10_000,
                job_bytes_max: 10_000,
                open_max: 20,
                tokens_per_minute: None,
                requests_per_minute: None,
            },
            slots: 20,
            jobs_open: false,
            batch: true,
            rescue: None,
            allowance: 0,
            spare: Spare::default(),
            lost: HashMap::new(),
            costs: Costs { batch: price(50), filler: price(5), flex: None, on_demand: price(100) },
            terms: Terms::default(),
            margin_ms: 0,
        }
    }

    pub(super) fn decide(&self) -> Vec<Move> {
        decide(&View {
            now: self.now,
            chunks: &self.chunks,
            suspects: &self.suspects,
            limits: self.limits,
            slots: self.slots,
            jobs_open: self.jobs_open,
            batch: self.batch,
            paused: false,
            others: &[],
            forecast: &Forecast::of(&[]),
            rescue: self.rescue.as_ref(),
            allowance: QuotaTokens(self.allowance),
            spare: self.spare,
            lost: &self.lost,
            burndown: 1,
            costs: self.costs,
            terms: &self.terms,
            margin_ms: self.margin_ms,
        })
    }

    pub(super) fn chunk(&self, id: ChunkId) -> &Chunk {
        self.chunks.iter().find(|c| c.new.id == id).expect("moves are about the pool's chunks")
    }
}

/// A chunk of free records, each of so many tokens and bytes.
pub(super) fn chunk(id: u64, records: u32, each: u64, bytes: u64, deadline: Timestamp) -> Chunk {
    let usage = Usage { input: Tokens(each * u64::from(records)), ..Usage::default() };
    let bytes = bytes * u64::from(records);
    let created = Timestamp(NOW.0 - HOUR_MS);
    let new =
        NewChunk { id: ChunkId(id), pool: PoolId(1), records, bytes, usage, object: Some(String::new()), deadline, created };
    let (done, ok, cancelled, expired, redacted, open) = Default::default();
    Chunk { new, done, ok, cancelled, expired, redacted, open }
}

pub(super) fn lanes(tokens_per_minute: u64) -> Rescue {
    Rescue { tokens_per_minute: QuotaTokens(tokens_per_minute), requests_per_minute: u64::MAX, lanes: vec![Lane::OnDemand] }
}

pub(super) fn members(chunk: u64, slots: std::ops::Range<usize>) -> Members {
    Members { chunk: ChunkId(chunk), slots: Bitmap::range(slots) }
}

/// The members of a move.
pub(super) fn of(one: &Move) -> &[Members] {
    match one {
        Move::Job(members, _) | Move::Calls(members, ..) => members,
        Move::Expire(one) | Move::Quarantine(one, _) => std::slice::from_ref(one),
    }
}

pub(super) fn count(members: &[Members]) -> u64 {
    members.iter().map(|m| m.slots.count()).sum()
}

/// A part of the first 60 slots.
fn part() -> impl Strategy<Value = Bitmap> {
    prop_oneof![Just(Bitmap::default()), (0..60_usize, 0..60_usize).prop_map(|(from, to)| Bitmap::range(from..to))]
}

fn any_chunk(id: u64) -> impl Strategy<Value = Chunk> {
    let deadline = prop_oneof![-2..2_i64, 0..600_i64, 600..4_000_i64].prop_map(|minutes| Timestamp(NOW.0 + minutes * MINUTE_MS));
    (1..60_u32, 0..150_u64, 1..1_000_u64, deadline, part(), part(), 0..120_i64).prop_map(
        move |(records, each, bytes, deadline, done, open, age)| {
            let mut chunk = chunk(id, records, each, bytes, deadline);
            chunk.new.created = Timestamp(NOW.0 - age * MINUTE_MS);
            (chunk.done, chunk.open) = (done.and(&chunk.all()), open.and(&chunk.all()));
            chunk
        },
    )
}

fn any_rescue() -> impl Strategy<Value = Rescue> {
    (1..3_000_u64, 1..60_u64, 1..4_usize).prop_map(|(tokens_per_minute, requests_per_minute, lanes)| {
        let lanes = [(1, Lane::OnDemand), (2, Lane::Flex)].into_iter().filter(|(bit, _)| lanes & bit != 0).map(|(_, lane)| lane);
        Rescue { tokens_per_minute: QuotaTokens(tokens_per_minute), requests_per_minute, lanes: lanes.collect() }
    })
}

/// Of the input's tokens: chunks here have no others.
pub(super) fn spare(input: u64, records: u64) -> Spare {
    Spare { input: Tokens(input), output: Tokens(0), records }
}

fn any_costs() -> impl Strategy<Value = Costs> {
    let price = || proptest::option::weighted(0.8, (1..100_i128).prop_map(Money::from_pico));
    (price(), price(), price(), price()).prop_map(|(batch, filler, flex, on_demand)| Costs { batch, filler, flex, on_demand })
}

/// Any pool.
pub(super) fn world() -> impl Strategy<Value = World> {
    let chunks = (0..6_u64).prop_flat_map(|n| (0..n).map(any_chunk).collect::<Vec<_>>());
    let suspects = proptest::collection::vec((0..6_u64, part()), 0..3).prop_map(|all| {
        let one =
            |(chunk, slots)| Suspects { members: vec![Members { chunk: ChunkId(chunk), slots }], message: "bad".to_owned() };
        all.into_iter().map(one).collect::<Vec<_>>()
    });
    let suspects = prop_oneof![2 => Just(Vec::new()), 1 => suspects];
    let lanes = (proptest::option::weighted(0.8, any_rescue()), 0..4_000_u64, any_costs());
    let window = prop_oneof![3 => Just(None), 1 => Just(Window::parse("daily 0-5 UTC").ok()), 1 => Just(Window::parse("daily 5-24 UTC").ok())];
    let terms = (0..120_i64, any::<bool>(), window).prop_map(|(linger, pad, window)| Terms {
        linger_ms: linger * MINUTE_MS,
        pad,
        window,
        ..Terms::default()
    });
    let idle = prop_oneof![2 => Just(Spare::default()), 1 => (0..9_000_u64, 0..200_u64).prop_map(|(input, records)| spare(input, records))];
    let flags = (0..6_u64, any::<bool>(), proptest::bool::weighted(0.8), 0..30_i64, idle);
    (chunks, suspects, lanes, terms, flags).prop_map(|(chunks, suspects, (rescue, allowance, costs), terms, flags)| {
        let (slots, jobs_open, batch, margin, spare) = flags;
        let margin_ms = margin * MINUTE_MS;
        World { chunks, suspects, rescue, allowance, spare, costs, terms, margin_ms, slots, jobs_open, batch, ..World::new() }
    })
}

//! Mergeable partials: what verdicts and prices need, as sums by grain and hour.
//!
//! Promises: adding rows in any order, or merging partials in any order, gives the same result. Nothing here
//! depends on which process read which file.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use laneshift_core::verdict::PrincipalKind;
use laneshift_units::{ServiceTier, Usage};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::row::{EMBEDS, GUARDRAIL, PROMPT_ARN, Row, STRUCTURED, TOOLS};

/// Lower bounds of the price tiers by input length, in tokens.
// Price catalogue of 2026-11-23: tiers at 100,000, 128,000, 200,000 and 272,000 input tokens.
pub const CONTEXT_TIERS: [u64; 5] = [0, 100_000, 128_000, 200_000, 272_000];

/// Flags on which the choice of a lane can depend.
const ELIGIBILITY: u16 = TOOLS | GUARDRAIL | STRUCTURED | PROMPT_ARN | EMBEDS;

/// Buckets for the beginnings of prompts: one dominant bucket means one template.
const LEAD_BUCKETS: usize = 64;
/// Registers of the estimate of different payloads (HyperLogLog).
const REGISTERS: usize = 64;
/// Buckets of the output length histogram, eight to a doubling.
const OUTPUT_BUCKETS: usize = 160;
/// Distinct pairs of role and session remembered before the memory is started anew.
const SESSIONS_MAX: usize = 1 << 20;

/// What requests of one grain share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrainKey {
    /// Workload key.
    pub workload: String,
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Model id or ARN as called.
    pub model_id: String,
    /// Role or user.
    pub role: String,
    /// Declared deadline as written; empty if none.
    pub declared: String,
    /// Kind of caller.
    pub principal: PrincipalKind,
    /// Streamed.
    pub streamed: bool,
    /// Operation is of the Converse family.
    pub converse: bool,
    /// Tier that served.
    pub tier: ServiceTier,
    /// Feature flags of [`crate::row`] that matter for eligibility.
    pub flags: u16,
    /// Index into [`CONTEXT_TIERS`].
    pub context: u8,
}

/// Sums of one grain in one hour. Token counts are of all classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Answered requests with token counts.
    pub requests: u64,
    /// Their tokens.
    pub usage: Usage,
    /// Answered requests without counts.
    pub uncounted: u64,
    /// Failed requests.
    pub failed: u64,
    /// Of those, throttled.
    pub throttled: u64,
    /// Requests that a guardrail stopped.
    pub blocked: u64,
    /// Tokens of requests whose body was seen.
    pub body_tokens: u64,
    /// Of those, with one user turn and nothing else.
    pub one_turn_tokens: u64,
    /// Of those, with earlier answers.
    pub assistant_tokens: u64,
    /// Of those, with tool results.
    pub tool_result_tokens: u64,
}

impl Cell {
    /// Adds another cell's sums.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.usage += other.usage;
        self.uncounted += other.uncounted;
        self.failed += other.failed;
        self.throttled += other.throttled;
        self.blocked += other.blocked;
        self.body_tokens += other.body_tokens;
        self.one_turn_tokens += other.one_turn_tokens;
        self.assistant_tokens += other.assistant_tokens;
        self.tool_result_tokens += other.tool_result_tokens;
    }
}

/// Counts of one grain in one hour of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Requests by minute of the hour.
    pub minutes: [u32; 60],
    leads: [u32; LEAD_BUCKETS],
    registers: [u8; REGISTERS],
    outputs: [u32; OUTPUT_BUCKETS],
    /// Largest body seen, in bytes.
    pub largest: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self { minutes: [0; 60], leads: [0; LEAD_BUCKETS], registers: [0; REGISTERS], outputs: [0; OUTPUT_BUCKETS], largest: 0 }
    }
}

impl Shape {
    /// Merges another into this one.
    pub fn merge(&mut self, other: &Self) {
        for (a, b) in self.minutes.iter_mut().zip(other.minutes) {
            *a += b;
        }
        for (a, b) in self.leads.iter_mut().zip(other.leads) {
            *a += b;
        }
        for (a, b) in self.registers.iter_mut().zip(other.registers) {
            *a = (*a).max(b);
        }
        for (a, b) in self.outputs.iter_mut().zip(other.outputs) {
            *a += b;
        }
        self.largest = self.largest.max(other.largest);
    }

    /// Requests whose prompt begins like most, and all with a known beginning.
    pub fn same_template(&self) -> (u64, u64) {
        let all: u64 = self.leads.iter().map(|&n| u64::from(n)).sum();
        (self.leads.iter().copied().max().unwrap_or(0).into(), all)
    }

    /// An estimate of how many different payloads there were.
    pub fn distinct_payloads(&self) -> u64 {
        let m = REGISTERS as f64;
        let empty = self.registers.iter().filter(|&&r| r == 0).count() as f64;
        let sum: f64 = self.registers.iter().map(|&r| 2.0_f64.powi(-i32::from(r))).sum();
        let raw = 0.709 * m * m / sum;
        (if raw <= 2.5 * m && empty > 0.0 { m * (m / empty).ln() } else { raw }).round() as u64
    }

    /// The output length below which `per_mille` of the requests lie (upper edge of its bucket).
    pub fn output_quantile(&self, per_mille: u64) -> u64 {
        let all: u64 = self.outputs.iter().map(|&n| u64::from(n)).sum();
        let mut seen = 0;
        for (bucket, &n) in self.outputs.iter().enumerate() {
            seen += u64::from(n);
            if all > 0 && seen * 1000 >= all * per_mille {
                return 2.0_f64.powf(bucket as f64 / 8.0).round() as u64;
            }
        }
        0
    }

    fn add(&mut self, row: &Row<'_>) {
        self.minutes[usize::from(row.at.minute())] += 1;
        self.largest = self.largest.max(row.body_bytes);
        if let Some(output) = row.output.filter(|&o| o > 0) {
            let bucket = ((output as f64).log2() * 8.0).ceil() as usize;
            self.outputs[bucket.min(OUTPUT_BUCKETS - 1)] += 1;
        }
        if row.body {
            if row.lead_hash != 0 {
                self.leads[(row.lead_hash % LEAD_BUCKETS as u64) as usize] += 1;
            }
            if row.payload_hash != 0 {
                let hash = xxh3_64(&row.payload_hash.to_le_bytes());
                let rank = (hash >> 6).trailing_zeros().min(57) as u8 + 1;
                let register = &mut self.registers[(hash & 63) as usize];
                *register = (*register).max(rank);
            }
        }
    }
}

/// One grain with its sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grain {
    /// What its requests share.
    pub key: GrainKey,
    /// Sums by hour since the epoch.
    pub hours: BTreeMap<i64, Cell>,
    /// Counts by hour of the day in UTC.
    pub shapes: BTreeMap<u8, Shape>,
}

/// A throttled payload that is waiting for its success to be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Throttled {
    /// When it was throttled first, in milliseconds.
    pub at_ms: i64,
    /// Its workload.
    pub workload: String,
    /// Its account.
    pub account: String,
    /// Whether the call was streamed: a workload's slices wait differently.
    pub streamed: bool,
}

/// Throttled payloads remembered; more add nothing to what waits show.
const THROTTLED_MAX: usize = 1 << 20;

/// Tells what kind of caller a role and session are.
pub type Classify<'a> = &'a (dyn Fn(&str, &str) -> PrincipalKind + Sync);

/// The partials of any number of rows.
pub struct Partials<'a> {
    classify: Classify<'a>,
    index: HashMap<u128, usize, BuildHasherDefault<Ready>>,
    grains: Vec<Grain>,
    principals: HashMap<u64, PrincipalKind, BuildHasherDefault<Ready>>,
    throttled: BTreeMap<u64, Throttled>,
}

impl<'a> Partials<'a> {
    /// Nothing yet.
    pub fn new(classify: Classify<'a>) -> Self {
        Self {
            classify,
            index: HashMap::default(),
            grains: Vec::new(),
            principals: HashMap::default(),
            throttled: BTreeMap::new(),
        }
    }

    /// Adds one row.
    pub fn add(&mut self, row: &Row<'_>) {
        let principal = self.principal(row);
        let total_input = row.input.unwrap_or(0) + row.cache_read + row.cache_write_5m + row.cache_write_1h;
        let context = CONTEXT_TIERS.iter().rposition(|&min| total_input >= min).unwrap_or(0) as u8;
        let eligibility = row.flags & ELIGIBILITY;
        let tier = row.tier.unwrap_or_default();
        let converse = row.operation.starts_with("Converse");
        let hash = hash_key(row, principal, context, eligibility, tier, converse);
        let at = *self.index.entry(hash).or_insert_with(|| {
            self.grains.push(Grain {
                key: GrainKey {
                    workload: workload_key(row),
                    account: row.account.to_owned(),
                    region: row.region.to_owned(),
                    model_id: row.model_id.to_owned(),
                    role: row.role.to_owned(),
                    declared: row.declared.to_owned(),
                    principal,
                    streamed: row.streamed,
                    converse,
                    tier,
                    flags: eligibility,
                    context,
                },
                hours: BTreeMap::new(),
                shapes: BTreeMap::new(),
            });
            self.grains.len() - 1
        });
        let grain = &mut self.grains[at];
        let hour = row.at.hour_index();
        let cell = grain.hours.entry(hour).or_default();
        if !row.error_code.is_empty() {
            cell.failed += 1;
            if row.error_code.contains("Throttl") {
                cell.throttled += 1;
                if row.payload_hash != 0 {
                    let workload = grain.key.workload.clone();
                    self.remember_throttled(row, workload);
                }
            }
            return;
        }
        if row.blocked {
            cell.blocked += 1;
            return;
        }
        if row.input.is_none() && row.output.is_none() {
            cell.uncounted += 1;
            return;
        }
        add_answer(cell, row);
        grain.shapes.entry(hour.rem_euclid(24) as u8).or_default().add(row);
    }

    fn principal(&mut self, row: &Row<'_>) -> PrincipalKind {
        let hash = hash_parts(&[row.role, row.session]) as u64;
        if let Some(&kind) = self.principals.get(&hash) {
            return kind;
        }
        if self.principals.len() >= SESSIONS_MAX {
            self.principals.clear();
        }
        let kind = (self.classify)(row.role, row.session);
        self.principals.insert(hash, kind);
        kind
    }

    fn remember_throttled(&mut self, row: &Row<'_>, workload: String) {
        let new = Throttled { at_ms: row.at.0, workload, account: row.account.to_owned(), streamed: row.streamed };
        let room = self.throttled.len() < THROTTLED_MAX;
        match self.throttled.get_mut(&row.payload_hash) {
            Some(old) if *old > new => *old = new,
            Some(_) => {}
            None if room => {
                self.throttled.insert(row.payload_hash, new);
            }
            None => {}
        }
    }

    /// Merges another's rows into this.
    pub fn merge(&mut self, other: Self) {
        let hash_of: HashMap<usize, u128> = other.index.iter().map(|(&hash, &at)| (at, hash)).collect();
        for (at, grain) in other.grains.into_iter().enumerate() {
            let Some(&hash) = hash_of.get(&at) else { continue };
            match self.index.get(&hash) {
                Some(&mine) => {
                    let mine = &mut self.grains[mine];
                    for (hour, cell) in grain.hours {
                        mine.hours.entry(hour).or_default().merge(&cell);
                    }
                    for (hour, shape) in grain.shapes {
                        mine.shapes.entry(hour).or_default().merge(&shape);
                    }
                }
                None => {
                    self.index.insert(hash, self.grains.len());
                    self.grains.push(grain);
                }
            }
        }
        for (payload, theirs) in other.throttled {
            match self.throttled.get_mut(&payload) {
                Some(mine) if *mine > theirs => *mine = theirs,
                Some(_) => {}
                None => {
                    self.throttled.insert(payload, theirs);
                }
            }
        }
    }

    /// The grains in the order of their keys, and the throttled payloads by their hash.
    pub fn finish(self) -> (Vec<Grain>, BTreeMap<u64, Throttled>) {
        let mut grains = self.grains;
        grains.sort_by(|a, b| a.key.cmp(&b.key));
        (grains, self.throttled)
    }
}

fn add_answer(cell: &mut Cell, row: &Row<'_>) {
    let usage = usage_of(row);
    let tokens = usage.total().0;
    cell.requests += 1;
    cell.usage += usage;
    if row.body {
        cell.body_tokens += tokens;
        if row.assistant_turns > 0 {
            cell.assistant_tokens += tokens;
        }
        if row.tool_results > 0 {
            cell.tool_result_tokens += tokens;
        }
        if row.user_turns <= 1 && row.assistant_turns == 0 && row.tool_results == 0 {
            cell.one_turn_tokens += tokens;
        }
    }
}

/// The tokens of a row; a missing count adds nothing, and rows without any count are kept apart.
pub fn usage_of(row: &Row<'_>) -> Usage {
    use laneshift_units::Tokens;
    Usage {
        input: Tokens(row.input.unwrap_or(0)),
        output: Tokens(row.output.unwrap_or(0)),
        cache_read: Tokens(row.cache_read),
        cache_write_5m: Tokens(row.cache_write_5m),
        cache_write_1h: Tokens(row.cache_write_1h),
    }
}

/// The key of a row's workload: `requestMetadata`, then the application inference profile, then the role.
pub fn workload_key(row: &Row<'_>) -> String {
    if !row.workload.is_empty() {
        return format!("workload={}", row.workload);
    }
    match laneshift_bedrock::arn::model_ref(row.model_id) {
        laneshift_bedrock::arn::ModelRef::ApplicationProfile(id) => format!("aip/{id}"),
        _ if row.role.is_empty() => "role/unknown".to_owned(),
        _ => format!("role/{}", row.role),
    }
}

fn hash_key(row: &Row<'_>, principal: PrincipalKind, context: u8, flags: u16, tier: ServiceTier, converse: bool) -> u128 {
    let mut hasher = Xxh3::new();
    for part in [row.account, row.region, row.model_id, row.role, row.workload, row.declared] {
        hasher.update(part.as_bytes());
        hasher.update(&[0xff]);
    }
    let [low, high] = flags.to_le_bytes();
    hasher.update(&[principal as u8, context, low, high, tier as u8, u8::from(converse), u8::from(row.streamed)]);
    hasher.digest128()
}

fn hash_parts(parts: &[&str]) -> u128 {
    let mut hasher = Xxh3::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(&[0xff]);
    }
    hasher.digest128()
}

/// For keys that are hashes already.
#[derive(Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
    fn write_u128(&mut self, n: u128) {
        self.0 = n as u64;
    }
}

//! What to do about a pool: pure, from what is known of it at one moment.
//!
//! Work waits for batch while that is worth it; what would miss its deadline even on the on-demand lanes, were it to wait any
//! longer, goes there; what passed its deadline ends. What idle capacity has room for goes there first: it is paid for. Promises: the same view gives the same moves; no record is in two moves;
//! no job is below the minimum or above the maximum; a move to the on-demand lanes stays within the rate that is allowed.

mod compose;
mod forecast;
mod guard;
mod idle;
mod limits;
mod small;
mod window;

pub use forecast::Forecast;
pub use guard::{Feasible, Held, Rescue, feasible};
pub use idle::Spare;
pub use limits::Limits;
pub use window::{Window, WindowError};

use std::collections::HashMap;

use laneshift_store::{Bitmap, Chunk, ChunkId, Lane, Members};
use laneshift_units::{Money, QuotaTokens, Timestamp};
use serde::{Deserialize, Serialize};

use compose::{Group, compose};

/// How the lanes may be used for a pool: what its owner allowed when its records were accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// The on-demand lanes that late and few records may use; none for never.
    pub lanes: Vec<Lane>,
    /// How long free work waits for company.
    pub linger_ms: i64,
    /// Fill jobs up to the minimum where that is the cheapest way.
    pub pad: bool,
    /// When jobs are created, unless a deadline asks for more.
    pub window: Option<Window>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { lanes: vec![Lane::Flex, Lane::OnDemand], linger_ms: 0, pad: true, window: None }
    }
}

impl Terms {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a record costs by lane, on average; `None` where it cannot run or the price is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// In a job.
    pub batch: Option<Money>,
    /// A record that fills a job up.
    pub filler: Option<Money>,
    /// In flex.
    pub flex: Option<Money>,
    /// On demand.
    pub on_demand: Option<Money>,
}

/// Records that were in a job which failed because of one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspects {
    /// They.
    pub members: Vec<Members>,
    /// What AWS said.
    pub message: String,
}

/// A pool at one moment.
pub struct View<'a> {
    /// The moment.
    pub now: Timestamp,
    /// Its chunks with unsettled records.
    pub chunks: &'a [Chunk],
    /// Records of failed jobs, one of which is bad.
    pub suspects: &'a [Suspects],
    /// The quotas of its model.
    pub limits: Limits,
    /// Jobs that may be created beside those that are there.
    pub slots: u64,
    /// Whether jobs of this pool are under way.
    pub jobs_open: bool,
    /// Whether its model runs in batch.
    pub batch: bool,
    /// Something around its jobs has to be mended first, or to pass: none is made at this moment.
    pub paused: bool,
    /// How long jobs take.
    pub forecast: &'a Forecast,
    /// The on-demand lanes, where they may be used.
    pub rescue: Option<&'a Rescue>,
    /// What else waits for the same lanes, by deadline: other pools of the same model.
    pub others: &'a [Held],
    /// What may go to them at this moment.
    pub allowance: QuotaTokens,
    /// What is idle of capacity that is paid for already.
    pub spare: Spare,
    /// Records whose answer was lost there twice: they would take as much again, and wait for another way.
    pub lost: &'a HashMap<ChunkId, Bitmap>,
    /// How many times an output token counts on the on-demand lanes.
    pub burndown: u64,
    /// What records cost.
    pub costs: Costs,
    /// See [`Terms`].
    pub terms: &'a Terms,
    /// Kept between the last moment and the deadline, for calls to answer.
    pub margin_ms: i64,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// A job over these, filled up by so many.
    Job(Vec<Members>, u64),
    /// Calls for these, now.
    Calls(Vec<Members>, Lane, Hedge),
    /// Their deadline has passed.
    Expire(Members),
    /// The one bad record of a job, and what AWS said.
    Quarantine(Members, String),
}

/// Whether a job holds the records already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hedge {
    /// They are free.
    No,
    /// Its answers, if they come, come second.
    Yes,
}

/// What of a chunk has to be decided.
struct Part {
    chunk: ChunkId,
    deadline: Timestamp,
    created: Timestamp,
    /// Quota tokens of one record.
    each: u64,
    /// Its input and output tokens.
    load: [u64; 2],
    /// Bytes of one record.
    bytes: u64,
    free: Bitmap,
    held: Bitmap,
}

/// Decides.
pub fn decide(view: &View<'_>) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut parts = Vec::new();
    for chunk in view.chunks {
        let unsettled = chunk.all().without(&chunk.done);
        if unsettled.is_empty() {
            continue;
        }
        if chunk.new.deadline <= view.now {
            moves.push(Move::Expire(Members { chunk: chunk.new.id, slots: unsettled }));
        } else {
            let records = u64::from(chunk.new.records.max(1));
            parts.push(Part {
                chunk: chunk.new.id,
                deadline: chunk.new.deadline,
                created: chunk.new.created,
                each: ((chunk.new.usage.input.0 + chunk.new.usage.output.0 * view.burndown) / records).max(1),
                load: [chunk.new.usage.input.0.div_ceil(records).max(1), chunk.new.usage.output.0.div_ceil(records)],
                bytes: (chunk.new.bytes / records).max(1),
                held: unsettled.and(&chunk.open),
                free: chunk.free(),
            });
        }
    }
    parts.sort_by_key(|part| (part.deadline, part.chunk));
    let drains = idle::drain(view, &mut parts, &mut moves);
    take_suspects(view, &mut parts, &mut moves);
    let allowed = guard::rescue(view, &mut parts, &mut moves);
    jobs(view, &parts, (allowed, drains), &mut moves);
    moves
}

/// Halves what a bad record is in, until it is alone. Where there are no jobs, calls find it.
fn take_suspects(view: &View<'_>, parts: &mut [Part], moves: &mut Vec<Move>) {
    if !view.batch || view.paused {
        return;
    }
    for suspects in view.suspects {
        let mut members = Vec::new();
        for m in &suspects.members {
            let Some(part) = parts.iter_mut().find(|part| part.chunk == m.chunk) else { continue };
            let slots = m.slots.and(&part.free);
            if !slots.is_empty() {
                part.free = part.free.without(&slots);
                members.push(Members { chunk: m.chunk, slots });
            }
        }
        let count: u64 = members.iter().map(|m| m.slots.count()).sum();
        match count {
            0 => {}
            1 => moves.extend(members.into_iter().map(|m| Move::Quarantine(m, suspects.message.clone()))),
            count => {
                let (first, second) = compose::halves(members, count / 2);
                for half in [first, second] {
                    let records: u64 = half.iter().map(|m| m.slots.count()).sum();
                    moves.push(Move::Job(half, view.limits.records_min.saturating_sub(records)));
                }
            }
        }
    }
}

/// Makes jobs of what is free, when it is time.
fn jobs(view: &View<'_>, parts: &[Part], (allowed, drains): (u64, bool), moves: &mut Vec<Move>) {
    let total: u64 = parts.iter().map(|part| part.free.count()).sum();
    if total == 0 || !view.batch || view.paused || view.slots == 0 {
        return;
    }
    let bytes: u64 = parts.iter().map(|part| part.bytes * part.free.count()).sum();
    let usual_ms = view.forecast.quantile_ms(0.95);
    let last_moment = |part: &Part| part.deadline.0 - view.margin_ms - usual_ms;
    let with_work = || parts.iter().filter(|part| !part.free.is_empty());
    let pressed = with_work().any(|part| last_moment(part) <= view.now.0);
    let lingered = with_work().any(|part| part.created.0 + view.terms.linger_ms <= view.now.0);
    let full = total >= view.limits.records_max || bytes >= view.limits.job_bytes_max;
    let in_window = view.terms.window.as_ref().is_none_or(|window| window.contains(view.now));
    if !pressed && !(in_window && (full || lingered)) {
        return;
    }
    if total >= view.limits.records_min {
        let groups: Vec<Group> = with_work()
            .map(|part| Group { chunk: part.chunk, slots: part.free.clone(), bytes: part.bytes, deadline: part.deadline })
            .collect();
        moves.extend(compose(view.now, groups, &view.limits, view.slots).into_iter().map(|members| Move::Job(members, 0)));
    } else if pressed || !(view.jobs_open || drains) {
        // Jobs under way may bring company, records to try again; and capacity that drains the pool takes the rest for nothing.
        small::place(view, parts, total, allowed, moves);
    }
}

#[cfg(test)]
mod tests;

//! The guard: whether everything that waits could still be answered on the on-demand lanes, and what must go there now.
//!
//! Risk is correlated: when a provider is slow, all that waits is late at once, so it is not enough that each record by itself
//! could still be rescued. The test is fluid: all work up to a deadline, at the rate that the lanes take, must fit before it.

use laneshift_store::{Bitmap, Lane, Members};
use laneshift_units::{Money, QuotaTokens, Timestamp};

use super::{Hedge, Move, Part, View};

const MINUTE_MS: i64 = 60_000;
/// Below this chance that a job ends in time, it is not tried.
const CHANCE_MIN: f64 = 0.5;

/// The on-demand lanes of a model, as far as they may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescue {
    /// Quota tokens a minute.
    pub tokens_per_minute: QuotaTokens,
    /// Calls a minute.
    pub requests_per_minute: u64,
    /// The lanes, best first.
    pub lanes: Vec<Lane>,
}

impl Rescue {
    /// How many quota tokens go through in a time.
    fn tokens_in(&self, ms: i64) -> u64 {
        let ms = u128::from(ms.max(0).cast_unsigned());
        u64::try_from(u128::from(self.tokens_per_minute.0) * ms / MINUTE_MS as u128).unwrap_or(u64::MAX)
    }

    /// How long a number of quota tokens takes.
    fn time_of_ms(&self, tokens: u64) -> i64 {
        let ms = u128::from(tokens) * MINUTE_MS as u128 / u128::from(self.tokens_per_minute.0.max(1));
        i64::try_from(ms).unwrap_or(i64::MAX / 4)
    }

    /// What a record weighs: the scarcer of tokens and calls.
    /// One that needs more than a minute gives goes when a minute's worth is there, and AWS has the last word.
    pub fn weight(&self, tokens: u64) -> u64 {
        let per_call = self.tokens_per_minute.0.checked_div(self.requests_per_minute).unwrap_or(u64::MAX);
        tokens.max(per_call).min(self.tokens_per_minute.0).max(1)
    }
}

/// Work that waits: when it must be answered, and its quota tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// When.
    pub deadline: Timestamp,
    /// How much.
    pub tokens: QuotaTokens,
}

/// Whether work could be answered in time if it all went to the on-demand lanes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feasible {
    /// All of it.
    Yes,
    /// The last of it would be answered at this time.
    At(Timestamp),
}

/// The same fluid test at accept: `held` is everything that waits on these lanes, `new` included.
pub fn feasible(now: Timestamp, margin_ms: i64, held: &[Held], rescue: &Rescue) -> Feasible {
    let mut sorted = held.to_vec();
    sorted.sort_unstable_by_key(|work| work.deadline);
    let (mut before, mut late) = (0_u64, false);
    for work in &sorted {
        before = before.saturating_add(work.tokens.0);
        late |= before > rescue.tokens_in(work.deadline.0 - now.0 - margin_ms);
    }
    if late { Feasible::At(Timestamp(now.0 + margin_ms + rescue.time_of_ms(before))) } else { Feasible::Yes }
}

/// Moves to the on-demand lanes what cannot wait any longer, and what has nothing to wait for; gives what is left of the
/// allowance.
pub(super) fn rescue(view: &View<'_>, parts: &mut [Part], moves: &mut Vec<Move>) -> u64 {
    let mut left = view.allowance.0;
    let Some(rescue) = view.rescue else { return left };
    let Some(lane) = lane(view, rescue) else { return left };
    let before: Vec<[Bitmap; 2]> = parts.iter().map(|part| [part.free.clone(), part.held.clone()]).collect();
    let hopeless = rescue_due(view, rescue, parts, &mut left);
    for (part, _) in parts.iter_mut().zip(&hopeless).filter(|(_, hopeless)| **hopeless) {
        take(&mut part.free, rescue.weight(part.each), u64::MAX, &mut left);
    }
    for hedge in [Hedge::No, Hedge::Yes] {
        let called = |(part, [free, held]): (&Part, &[Bitmap; 2])| {
            let slots = if hedge == Hedge::No { free.without(&part.free) } else { held.without(&part.held) };
            (!slots.is_empty()).then_some(Members { chunk: part.chunk, slots })
        };
        let calls: Vec<Members> = parts.iter().zip(&before).filter_map(called).collect();
        if !calls.is_empty() {
            moves.push(Move::Calls(calls, lane, hedge));
        }
    }
    // What is hopeless waits for its turn on the on-demand lanes, not for a job.
    for (part, _) in parts.iter_mut().zip(&hopeless).filter(|(_, hopeless)| **hopeless) {
        part.free = Bitmap::default();
    }
    left
}

/// Takes what must go at this moment for each deadline to be met; gives the parts for which there is nothing to wait for.
///
/// A record that is called helps only the deadlines from its own on, so for each deadline it is taken from what is due by then:
/// first what no job holds; then hedges, which may be paid for twice.
fn rescue_due(view: &View<'_>, rescue: &Rescue, parts: &mut [Part], left: &mut u64) -> Vec<bool> {
    let (mut due, mut gone) = (0_u64, 0_u64);
    let mut next = [0, 0];
    let mut hopeless = Vec::with_capacity(parts.len());
    for at in 0..parts.len() {
        let part = &parts[at];
        // As it was before anything was taken: nothing was, of this part.
        due += rescue.weight(part.each) * (part.free.count() + part.held.count());
        let all = due + others_due(view, part.deadline);
        let left_ms = part.deadline.0 - view.now.0 - view.margin_ms;
        let chance = view.forecast.within(left_ms - rescue.time_of_ms(all));
        hopeless.push(!view.batch || chance < CHANCE_MIN);
        // What is too much goes from every pool by its share.
        let too_much = u128::from(all.saturating_sub(rescue.tokens_in(left_ms)));
        let must = (too_much * u128::from(due)).div_ceil(u128::from(all.max(1))) as u64;
        for (hedge, next) in [Hedge::No, Hedge::Yes].into_iter().zip(&mut next) {
            while must > gone && *next <= at {
                let part = &mut parts[*next];
                let each = rescue.weight(part.each);
                let pot = if hedge == Hedge::No { &mut part.free } else { &mut part.held };
                gone += take(pot, each, (must - gone).div_ceil(each), left);
                // A pot that is not empty here has what the rest of the allowance is too small for.
                *next += usize::from(must > gone);
            }
        }
    }
    hopeless
}

/// Quota tokens of other pools that are due by then.
fn others_due(view: &View<'_>, deadline: Timestamp) -> u64 {
    view.others.iter().take_while(|other| other.deadline <= deadline).map(|other| other.tokens.0).sum()
}

/// Takes so many records as are wanted and may be called; gives the weight of them all. What has its turn and does not fit
/// keeps what is left for the next moment, or smaller records behind it would be called for ever.
fn take(pot: &mut Bitmap, each: u64, wanted: u64, left: &mut u64) -> u64 {
    let wanted = wanted.min(pot.count());
    let slots = first(pot, wanted.min(*left / each));
    *pot = pot.without(&slots);
    let taken = slots.count() * each;
    *left = if slots.count() < wanted { 0 } else { *left - taken };
    taken
}

/// The cheapest lane that may be used; the first where prices do not say.
pub(super) fn lane(view: &View<'_>, rescue: &Rescue) -> Option<Lane> {
    let price = |lane: &Lane| match lane {
        Lane::Batch | Lane::Provisioned => None,
        Lane::Flex => view.costs.flex,
        Lane::OnDemand => view.costs.on_demand,
    };
    let flex_runs = |lane: &&Lane| **lane != Lane::Flex || view.costs.flex.is_some();
    let most = Money::from_pico(i128::MAX);
    rescue.lanes.iter().filter(flex_runs).min_by_key(|lane| price(lane).unwrap_or(most)).copied()
}

/// The first `n` slots.
pub(super) fn first(slots: &Bitmap, n: u64) -> Bitmap {
    if n >= slots.count() {
        return slots.clone();
    }
    let mut some = Bitmap::default();
    slots.iter().take(usize::try_from(n).unwrap_or(usize::MAX)).for_each(|slot| some.set(slot));
    some
}

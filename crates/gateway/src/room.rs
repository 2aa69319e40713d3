//! Room that is counted ahead, by what the last sixty seconds took: of committed capacity its tokens in each direction, of an
//! on-demand quota its tokens and its calls.
//!
//! Promises: an open call counts as what it may take, one that has ended as what it took; a call that can wait leaves free what
//! interactive ones took lately, or would have taken. Leaves out: what others take of the same capacity or quota, which only AWS sees.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use laneshift_units::{Timestamp, Usage};
use tokio::sync::Notify;

const MINUTE_MS: i64 = 60_000;
/// For so many minutes interactive calls keep the room that they used in one of them.
const PEAK_MINUTES: i64 = 10;
/// The part of a quota that calls which can wait always leave free: interactive calls may come at any time, and elsewhere too.
const QUOTA_PART_FREE: u64 = 10;

/// Two counts of a minute: tokens in and out of committed capacity and of `bedrock-mantle`, tokens and calls of a quota of the runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts(pub(crate) [u64; 2]);

impl Counts {
    /// More than anything takes: nobody has said how much there is.
    pub(crate) const UNKNOWN: Self = Self([u64::MAX; 2]);

    fn with(self, other: Self, each: fn(u64, u64) -> u64) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([each(a, c), each(b, d)])
    }

    fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    fn less(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }

    fn most(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    fn least(self, other: Self) -> Self {
        self.with(other, u64::min)
    }

    const fn fits(self, room: Self) -> bool {
        self.0[0] <= room.0[0] && self.0[1] <= room.0[1]
    }
}

/// What a call takes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Tokens by direction. Reads from a cache take none.
    // AWS, "Service tiers", of the Reserved tier, read 2026-11-23.
    Committed,
    /// Tokens as admission counts them, and calls. Reads from a cache take none.
    // AWS, "Token burndown rates for quotas", read 2026-11-23.
    Quota {
        /// How many times an output token counts.
        output_burndown: u64,
    },
    /// Tokens by direction, of a quota of `bedrock-mantle`.
    // AWS, Bedrock User Guide, "Endpoints", read 2026-11-23; that reads from a cache take none there too is not documented.
    MantleQuota,
}

impl Measure {
    pub(crate) fn took(self, usage: &Usage) -> Counts {
        let input = usage.input.0 + usage.cache_write_5m.0 + usage.cache_write_1h.0;
        match self {
            Self::Committed | Self::MantleQuota => Counts([input, usage.output.0]),
            Self::Quota { output_burndown } => Counts([input + usage.output.0 * output_burndown, 1]),
        }
    }
}

/// What was taken, by minute.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    /// By calls that ended in the minute before, and in this one.
    before: Counts,
    now: Counts,
    /// What open calls may take.
    open: Counts,
}

impl Flow {
    /// Of the last sixty seconds, `left_ms` of this minute being left: the part of the minute before that still counts, and all since.
    fn level(&self, left_ms: u64) -> Counts {
        let part = |n: u64| u64::try_from((u128::from(n) * u128::from(left_ms)).div_ceil(60_000)).unwrap_or(n);
        Counts(self.before.0.map(part)).plus(self.now).plus(self.open)
    }

    fn turn(&mut self, to_the_next: bool) {
        self.before = if to_the_next { self.now } else { Counts::default() };
        self.now = Counts::default();
    }
}

#[derive(Debug)]
struct State {
    per_minute: Counts,
    minute: i64,
    all: Flow,
    interactive: Flow,
    /// What interactive calls would have taken that found no room.
    missed: Flow,
    /// The highest level of interactive calls in this minute, and in the last ones.
    peak: Counts,
    peaks: Vec<(i64, Counts)>,
}

impl State {
    /// Comes to a moment, and says how much of its minute is left. Calls do not come in the order of their moments: one that is from
    /// a minute before counts into this one.
    fn turn(&mut self, now: Timestamp) -> u64 {
        let minute = now.0.div_euclid(MINUTE_MS);
        if minute > self.minute {
            self.peaks.push((self.minute, self.peak));
            self.peaks.retain(|(at, _)| *at >= minute - PEAK_MINUTES);
            let to_the_next = minute == self.minute + 1;
            self.all.turn(to_the_next);
            self.interactive.turn(to_the_next);
            self.missed.turn(to_the_next);
            self.minute = minute;
            self.peak = self.interactive.open;
        }
        let since = (now.0 - self.minute * MINUTE_MS).clamp(0, MINUTE_MS);
        (MINUTE_MS - since).unsigned_abs()
    }

    /// What a call that can wait may take of it, and what is kept for interactive ones.
    fn idle(&mut self, measure: Measure, now: Timestamp) -> (Counts, Counts) {
        let left_ms = self.turn(now);
        let kept = self.kept_free(measure, left_ms);
        (self.per_minute.less(self.all.level(left_ms)).less(kept), kept)
    }

    fn has_room(&mut self, measure: Measure, load: Counts, waits: bool, now: Timestamp) -> bool {
        if !waits {
            let left_ms = self.turn(now);
            return load.fits(self.per_minute.less(self.all.level(left_ms)));
        }
        let (idle, kept) = self.idle(measure, now);
        let load = match measure {
            Measure::Committed => load,
            // Of nothing there is never enough.
            Measure::Quota { .. } | Measure::MantleQuota => load.least(self.per_minute.less(kept).most(Counts([1; 2]))),
        };
        load.fits(idle)
    }

    fn take(&mut self, load: Counts, waits: bool, now: Timestamp) {
        let left_ms = self.turn(now);
        self.all.open = self.all.open.plus(load);
        if !waits {
            self.interactive.open = self.interactive.open.plus(load);
            self.peak = self.peak.most(self.interactive.level(left_ms));
        }
    }

    /// What interactive calls may still want, by what they took of earlier minutes.
    fn kept_free(&self, measure: Measure, left_ms: u64) -> Counts {
        let peak = self.peaks.iter().fold(self.peak, |most, (_, level)| most.most(*level));
        let part = match measure {
            Measure::Committed => Counts::default(),
            Measure::Quota { .. } | Measure::MantleQuota => Counts(self.per_minute.0.map(|n| n / QUOTA_PART_FREE)),
        };
        peak.less(self.interactive.level(left_ms)).most(part)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Room {
    measure: Measure,
    /// Told when a call has ended.
    freed: Arc<Notify>,
    state: Mutex<State>,
}

impl Room {
    pub(crate) fn new(measure: Measure, per_minute: Counts, freed: Arc<Notify>) -> Self {
        let (all, interactive, missed, peak, peaks) = Default::default();
        let state = State { per_minute, minute: i64::MIN / MINUTE_MS, all, interactive, missed, peak, peaks };
        let state = Mutex::new(state);
        Self { measure, freed, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much there is turns out to be something else.
    pub(crate) fn resize(&self, per_minute: Counts) {
        self.state().per_minute = per_minute;
    }

    /// Whether a call fits. One that can wait leaves free what interactive calls took lately, and of a quota a part in any case; one
    /// that is larger than what is there for it at best goes when all of that is free, and AWS has the last word.
    pub(crate) fn has_room(&self, load: Counts, waits: bool, now: Timestamp) -> bool {
        self.state().has_room(self.measure, load, waits, now)
    }

    /// An interactive call has found no room and goes elsewhere: what can wait leaves room for its like.
    pub(crate) fn missed(&self, load: Counts, now: Timestamp) {
        let mut state = self.state();
        let left_ms = state.turn(now);
        state.missed.now = state.missed.now.plus(load);
        let wanted = state.interactive.level(left_ms).plus(state.missed.level(left_ms));
        state.peak = state.peak.most(wanted.least(state.per_minute));
    }

    /// What calls that can wait may take of it at this moment.
    pub(crate) fn idle(&self, now: Timestamp) -> Counts {
        self.state().idle(self.measure, now).0
    }

    /// What is taken of it, for whoever asks.
    pub(crate) fn told(&self, waits: bool, now: Timestamp) -> String {
        let mut state = self.state();
        let left_ms = state.turn(now);
        let (taken, kept) = (state.all.level(left_ms).0, state.kept_free(self.measure, left_ms).0);
        let kinds = match self.measure {
            Measure::Quota { .. } => ["tokens", "calls"],
            Measure::Committed | Measure::MantleQuota => ["input tokens", "output tokens"],
        };
        let kinds = state.per_minute.0.into_iter().zip(kinds).zip(taken.into_iter().zip(kept));
        let known = kinds.filter(|((most, _), _)| *most != u64::MAX).map(|((most, kind), (taken, kept))| {
            let kept = if waits { format!(", and {kept} are kept for calls that cannot wait") } else { String::new() };
            format!("{taken} of {most} {kind} of the last minute are taken{kept}")
        });
        known.collect::<Vec<_>>().join("; ")
    }

    fn settle(&self, thought: Counts, took: Counts, waits: bool) {
        let mut state = self.state();
        let end = |flow: &mut Flow| (flow.open, flow.now) = (flow.open.less(thought), flow.now.plus(took));
        end(&mut state.all);
        if !waits {
            end(&mut state.interactive);
        }
        drop(state);
        self.freed.notify_one();
    }
}

/// Room that a call holds; given back when it is dropped, but for what was used.
#[derive(Debug)]
pub(crate) struct Hold {
    room: Arc<Room>,
    thought: Counts,
    took: Counts,
    waits: bool,
}

impl Hold {
    pub(crate) fn new(room: Arc<Room>, thought: Counts, waits: bool, now: Timestamp) -> Self {
        room.state().take(thought, waits, now);
        Self { room, thought, took: Counts::default(), waits }
    }

    /// Of a call that can wait, if it fits: no other call comes between the two.
    pub(crate) fn if_room(room: &Arc<Room>, thought: Counts, now: Timestamp) -> Option<Self> {
        let mut state = room.state();
        let fits = state.has_room(room.measure, thought, true, now);
        fits.then(|| state.take(thought, true, now))?;
        drop(state);
        Some(Self { room: room.clone(), thought, took: Counts::default(), waits: true })
    }

    pub(crate) fn used(&mut self, usage: &Usage) {
        self.took = self.room.measure.took(usage);
    }

    /// Nothing says what it used.
    pub(crate) fn lost(&mut self) {
        self.took = self.thought;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.room.settle(self.thought, self.took, self.waits);
    }
}

#[cfg(test)]
mod tests {
    use laneshift_units::Tokens;

    use super::*;

    const QUOTA: Measure = Measure::Quota { output_burndown: 5 };

    fn room(measure: Measure, first: u64) -> Arc<Room> {
        Arc::new(Room::new(measure, Counts([first, 1_000]), Arc::default()))
    }

    const fn load(first: u64) -> Counts {
        Counts([first, 0])
    }

    /// A call that took what it was thought to.
    fn took(room: &Arc<Room>, first: u64, waits: bool, at_ms: i64) {
        Hold::new(room.clone(), load(first), waits, Timestamp(at_ms)).lost();
    }

    #[test]
    fn room_is_of_the_last_sixty_seconds_and_comes_back() {
        let c = room(Measure::Committed, 100);
        assert!(c.has_room(load(100), false, Timestamp(0)));
        took(&c, 80, false, 0);
        assert!(!c.has_room(load(30), false, Timestamp(59_000)));
        assert!(!c.has_room(load(30), false, Timestamp(65_000)), "most of it was less than a minute ago");
        assert!(!c.has_room(load(30), false, Timestamp(59_999)), "a call from before the minute's turn turns nothing back");
        assert!(c.has_room(load(30), false, Timestamp(110_000)));
        assert!(c.has_room(load(100), false, Timestamp(180_000)));
        assert!(!c.has_room(Counts([0, 1_001]), false, Timestamp(180_000)), "each direction has its own");
    }

    #[test]
    fn an_open_call_counts_as_what_it_may_take_however_long_it_is_open() {
        let c = room(QUOTA, 100);
        let mut hold = Hold::new(c.clone(), load(90), false, Timestamp(0));
        assert!(!c.has_room(load(11), false, Timestamp(300_000)));
        hold.used(&Usage { input: Tokens(10), output: Tokens(2), cache_read: Tokens(900), ..Usage::default() });
        drop(hold);
        assert!(!c.has_room(load(81), false, Timestamp(300_000)), "an output token counts five times");
        assert!(c.has_room(load(80), false, Timestamp(300_000)));
        drop(Hold::new(c.clone(), load(90), false, Timestamp(300_000)));
        assert!(c.has_room(load(80), false, Timestamp(300_000)), "what was refused took nothing");
    }

    #[test]
    fn what_can_wait_leaves_free_what_interactive_calls_took_lately() {
        let c = room(Measure::Committed, 100);
        took(&c, 70, false, 0);
        let later = Timestamp(5 * 60_000);
        assert!(c.has_room(load(100), false, later));
        assert!(!c.has_room(load(31), true, later));
        assert!(c.has_room(load(30), true, later));
        took(&c, 70, false, later.0);
        assert!(c.has_room(load(30), true, later), "once they have it again, it is not kept twice");
        assert!(c.has_room(load(100), true, Timestamp(17 * 60_000)), "after ten quiet minutes nothing is kept");
    }

    #[test]
    fn a_burst_that_finds_what_can_wait_in_its_room_has_it_from_the_next_minute_on() {
        let c = room(Measure::Committed, 100);
        let lent = || Hold::if_room(&c, load(10), Timestamp(0));
        let drained: Vec<Hold> = std::iter::from_fn(lent).collect();
        assert_eq!((drained.len(), c.idle(Timestamp(0))), (10, Counts([0, 1_000])));
        (0..8).for_each(|_| c.missed(load(10), Timestamp(1_000)));
        drained.into_iter().for_each(|mut hold| hold.lost());
        for at_ms in [60_000, 100_000, 125_000] {
            assert!(!c.has_room(load(21), true, Timestamp(at_ms)), "at {at_ms}");
        }
        assert!(c.has_room(load(20), true, Timestamp(125_000)) && c.has_room(load(80), false, Timestamp(125_000)));
        assert!(c.has_room(load(100), true, Timestamp(12 * 60_000)));
    }

    #[test]
    fn what_can_wait_leaves_a_tenth_of_a_quota_free_in_any_case() {
        let q = room(QUOTA, 100);
        assert!(q.has_room(load(90), true, Timestamp(0)));
        assert!(q.has_room(load(64_000), true, Timestamp(0)), "what never fits goes while nothing else is there");
        let small = Hold::new(q.clone(), load(1), true, Timestamp(0));
        assert!(q.has_room(load(89), true, Timestamp(0)) && !q.has_room(load(90), true, Timestamp(0)));
        assert!(!q.has_room(load(64_000), true, Timestamp(0)));
        drop(small);
        took(&q, 90, true, 0);
        assert!(q.has_room(load(10), false, Timestamp(0)) && !q.has_room(load(1), true, Timestamp(0)));
        let told = "90 of 100 tokens of the last minute are taken, and 10 are kept for calls that cannot wait; 0 of 1000 calls";
        assert!(q.told(true, Timestamp(0)).starts_with(told), "{}", q.told(true, Timestamp(0)));
        // Where interactive calls took all of it lately, there is none for what can wait.
        let few = Arc::new(Room::new(QUOTA, Counts([1_000, 2]), Arc::default()));
        let calls = |n| Counts([10, n]);
        (0..2).for_each(|_| Hold::new(few.clone(), calls(1), false, Timestamp(0)).lost());
        assert!(!few.has_room(calls(1), true, Timestamp(120_000)) && few.has_room(calls(1), false, Timestamp(120_000)));
        assert!(few.has_room(calls(1), true, Timestamp(13 * 60_000)));
        q.resize(Counts::UNKNOWN);
        assert!(q.has_room(load(1_000_000), true, Timestamp(0)));
    }
}

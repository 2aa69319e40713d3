//! What happened: one event for each record, in order of time, without its text.
//!
//! The logs and the bill are two views of these events, so they agree by construction.

use laneshift_units::{ServiceTier, Tokens, Usage};

use crate::arrivals::{Slot, slots};
use crate::chance::Chance;
use crate::company::{Company, Counts, Workload};
use crate::part::{CachedShare, Part, TokenShape, Turns};

const MS_PER_DAY: i64 = 86_400_000;
/// A throttled request is logged in this share of requests.
const THROTTLED: f64 = 0.010;
/// A refused request, in this share.
const INVALID: f64 = 0.002;
/// A request that a guardrail blocked, in this share of the chats.
const BLOCKED: f64 = 0.006;
/// Longest prompt and answer, in tokens.
const INPUT_MAX: f64 = 180_000.0;
const OUTPUT_MAX: f64 = 8_192.0;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Answered.
    Answered,
    /// `ThrottlingException`; the same payload is answered later.
    Throttled,
    /// `ValidationException`.
    Invalid,
    /// A guardrail answered; nothing was metered.
    Blocked,
}

/// One record of the logs.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Milliseconds since the epoch, UTC.
    pub(crate) at_ms: i64,
    /// Index into the company's workloads, and into that workload's parts.
    pub(crate) workload: usize,
    pub(crate) part: usize,
    pub(crate) run: u64,
    pub(crate) outcome: Outcome,
    /// What an answer takes; see [`Event::metered`] for what was.
    pub(crate) usage: Usage,
    pub(crate) latency_ms: u64,
    /// Everything about the payload follows from this; a retry has that of its first try.
    pub(crate) payload: u64,
    /// What the request id follows from; no two events share it.
    pub(crate) id: u64,
}

impl Event {
    pub(crate) fn workload_of<'c>(&self, company: &'c Company) -> &'c Workload {
        &company.workloads[self.workload]
    }

    pub(crate) fn part_of<'c>(&self, company: &'c Company) -> &'c Part {
        &company.workloads[self.workload].parts[self.part]
    }

    /// The tokens that were metered: none unless the request was answered.
    pub(crate) fn metered(&self) -> Usage {
        if self.outcome == Outcome::Answered { self.usage } else { Usage::default() }
    }

    pub(crate) fn tier(&self, company: &Company) -> ServiceTier {
        self.part_of(company).tier
    }
}

/// A part, ready to be dealt.
struct Dealt {
    workload: usize,
    part: usize,
    slots: Vec<Slot>,
    counts: Vec<Expected>,
}

/// How many records a slot gets.
#[derive(Clone, Copy)]
enum Expected {
    About(f64),
    Exactly(u64),
}

impl Dealt {
    fn new(company: &Company, (workload, part): (usize, usize)) -> Self {
        let Part { arrival, records, .. } = &company.workloads[workload].parts[part];
        let mut slots = slots(company, arrival);
        if company.counts == Counts::Exact {
            // What came after the end would be missing.
            slots.retain(|slot| slot.start_ms + slot.span_ms <= company.end().0);
        }
        let weight: f64 = slots.iter().map(|s| s.weight).sum();
        let unit = if weight > 0.0 { f64::from(*records) / weight } else { 0.0 };
        let mut before = 0.0;
        let count = |slot: &Slot| match company.counts {
            Counts::Chance => Expected::About(unit * slot.weight),
            Counts::Exact => {
                let after = before + slot.weight;
                // The rounded sum up to here: the last one is the number of records, whatever was rounded before.
                let sum = |weight: f64| (unit * weight).round() as u64;
                let count = sum(after) - sum(before);
                before = after;
                Expected::Exactly(count)
            }
        };
        let counts = slots.iter().map(count).collect();
        Self { workload, part, slots, counts }
    }
}

/// The events of a company, a UTC day at a time.
pub(crate) struct EventDays<'c> {
    company: &'c Company,
    parts: Vec<Dealt>,
    day: u32,
    /// Events that fell into a later day than the one that caused them.
    later: Vec<Event>,
}

impl<'c> EventDays<'c> {
    pub(crate) fn new(company: &'c Company) -> Self {
        let places =
            company.workloads.iter().enumerate().flat_map(|(w, workload)| (0..workload.parts.len()).map(move |p| (w, p)));
        let parts = places.map(|place| Dealt::new(company, place)).collect();
        Self { company, parts, day: 0, later: Vec::new() }
    }
}

impl Iterator for EventDays<'_> {
    type Item = Vec<Event>;

    fn next(&mut self) -> Option<Vec<Event>> {
        if self.day >= self.company.days {
            return None;
        }
        let from = self.company.start.0 + i64::from(self.day) * MS_PER_DAY;
        let to = from + MS_PER_DAY;
        self.day += 1;
        let mut events = std::mem::take(&mut self.later);
        for Dealt { workload, part, slots, counts } in &self.parts {
            let first = slots.partition_point(|s| s.start_ms < from);
            for (slot, count) in slots[first..].iter().zip(&counts[first..]).take_while(|(s, _)| s.start_ms < to) {
                deal(self.company, (*workload, *part), slot, *count, &mut events);
            }
        }
        events.sort_by_key(|e| (e.at_ms, e.id));
        let cut = events.partition_point(|e| e.at_ms < to);
        let end = self.company.end().0;
        self.later.extend(events.drain(cut..).filter(|e| e.at_ms < end));
        Some(events)
    }
}

/// Deals the requests of one slot.
fn deal(company: &Company, (w, p): (usize, usize), slot: &Slot, expected: Expected, events: &mut Vec<Event>) {
    let part = &company.workloads[w].parts[p];
    let mut chance = Chance::of(company.seed, &[w as u64, p as u64, slot.start_ms as u64]);
    let count = match expected {
        Expected::About(count) => chance.poisson(count),
        Expected::Exactly(count) => count,
    };
    for i in 0..count {
        let position = if slot.paced { (i as f64 + 0.4 * chance.unit()) / count as f64 } else { chance.unit() };
        let usage = usage(&part.tokens, &mut chance);
        let prefill_ms = usage.total_input().0 as f64 * 0.02;
        let speed = 0.8 + 0.5 * chance.unit();
        let latency = (part.latency.first_ms + prefill_ms + usage.output.0 as f64 * part.latency.per_token_ms) * speed;
        let event = Event {
            at_ms: slot.start_ms + (position * slot.span_ms as f64) as i64,
            workload: w,
            part: p,
            run: slot.run,
            outcome: Outcome::Answered,
            usage,
            latency_ms: latency as u64,
            payload: chance.next(),
            id: chance.next(),
        };
        match expected {
            Expected::About(_) => push_with_mishaps(part, event, &mut chance, events),
            Expected::Exactly(_) => events.push(event),
        }
    }
}

fn push_with_mishaps(part: &Part, event: Event, chance: &mut Chance, events: &mut Vec<Event>) {
    let fate = chance.unit();
    let failed = |outcome, id| Event { outcome, id, ..event.clone() };
    let chats = matches!(part.turns, Turns::Chat(_)) && part.operation.converses();
    if fate < THROTTLED {
        let wait_ms = if part.tolerant { chance.between(15 * 60_000, 60 * 60_000) } else { chance.between(1_000, 3_000) };
        events.push(failed(Outcome::Throttled, chance.next()));
        events.push(Event { at_ms: event.at_ms + wait_ms as i64, ..event });
    } else if fate < THROTTLED + INVALID {
        events.push(failed(Outcome::Invalid, event.id));
    } else if chats && fate < THROTTLED + INVALID + BLOCKED {
        events.push(Event { latency_ms: event.latency_ms / 4, ..failed(Outcome::Blocked, event.id) });
    } else {
        events.push(event);
    }
}

fn usage(shape: &TokenShape, chance: &mut Chance) -> Usage {
    let input = chance.log_normal(shape.input.median, shape.input.sigma).clamp(2.0, INPUT_MAX);
    let output = shape.output.map_or(0.0, |s| chance.log_normal(s.median, s.sigma).clamp(1.0, OUTPUT_MAX));
    let (read, write, hour) = match shape.cache {
        CachedShare::None => (0.0, 0.0, false),
        CachedShare::Minutes5 { read, write } => (read, write, false),
        CachedShare::Hour1 { read, write } => (read, write, true),
    };
    // Shares wander by a tenth; what remains is uncached.
    let wander = if read + write > 0.0 { 0.9 + 0.2 * chance.unit() } else { 1.0 };
    let read = (input * (read * wander).min(0.97)) as u64;
    let write = (input * write) as u64;
    let input = (input as u64).saturating_sub(read + write).max(1);
    let (write_5m, write_1h) = if hour { (0, write) } else { (write, 0) };
    Usage {
        input: Tokens(input),
        output: Tokens(output as u64),
        cache_read: Tokens(read),
        cache_write_5m: Tokens(write_5m),
        cache_write_1h: Tokens(write_1h),
    }
}

#[cfg(test)]
mod tests {
    use super::{EventDays, Outcome};

    #[test]
    fn a_throttled_payload_is_answered_later() {
        let company = crate::acme(7);
        let events: Vec<_> = EventDays::new(&company).flatten().collect();
        let throttled: Vec<_> = events.iter().filter(|e| e.outcome == Outcome::Throttled).collect();
        assert!(throttled.len() > 50);
        let end = company.end().0 - 3_600_000;
        for first in throttled.into_iter().filter(|e| e.at_ms < end) {
            let wait = |e: &&super::Event| e.payload == first.payload && e.outcome == Outcome::Answered;
            let second = events.iter().find(wait).expect("a second try");
            let waited_s = (second.at_ms - first.at_ms) / 1000;
            let range = if first.part_of(&company).tolerant { 900..=3600 } else { 1..=3 };
            assert!(range.contains(&waited_s), "{} waited {waited_s} s", first.workload_of(&company).name);
        }
    }

    #[test]
    fn days_are_in_order_and_whole() {
        let company = crate::acme(7);
        let mut last = company.start.0;
        let mut days = 0;
        for day in EventDays::new(&company) {
            days += 1;
            for event in day {
                assert!(event.at_ms >= last && event.at_ms < company.end().0);
                last = event.at_ms;
            }
        }
        assert_eq!(days, 30);
    }
}

//! `--what-if`: what would be otherwise, from its text.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use laneshift_example::Operation;
use laneshift_provider::settings::Settings;
use laneshift_sim::{Outage, Patience, Traffic, WhatIf};
use laneshift_units::Timestamp;

use crate::cli::duration;
use crate::error::Error;

const HOUR_MS: i64 = 3_600_000;
/// Parts of a whole in which shares are drawn.
const PARTS: u64 = 10_000;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Asked {
    /// Of the calls that stay live, so many of ten thousand wait too.
    wait_too: u64,
    deadline_ms: Option<i64>,
    turnaround: Option<f64>,
    /// Region, length, and when it begins.
    outage: Option<(String, i64, Option<Timestamp>)>,
}

impl Asked {
    /// Reads all parts.
    pub(super) fn read(parts: &[String]) -> Result<Self, Error> {
        let mut asked = Self::default();
        for part in parts.iter().map(|part| part.trim()) {
            let known = match part.split_once(['=', '+']) {
                Some(("tolerant", share)) => share_of(share).map(|share| asked.wait_too = share),
                Some(("deadline", length)) => ms_of(length).map(|ms| asked.deadline_ms = Some(ms)),
                Some(("turnaround", factor)) => factor_of(factor).map(|factor| asked.turnaround = Some(factor)),
                Some(("outage", outage)) => outage_of(outage).map(|outage| asked.outage = Some(outage)),
                _ => None,
            };
            known.ok_or_else(|| Error::Argument {
                what: format!("--what-if {part}"),
                reason: "write tolerant+10%, deadline=6h, turnaround=x3, outage=us-east-1:3h, or several with commas between"
                    .to_owned(),
            })?;
        }
        Ok(asked)
    }

    /// Whether anything is otherwise.
    pub(super) fn is_something(&self) -> bool {
        *self != Self::default()
    }

    /// How long jobs take then.
    pub(super) fn settle(&self, settings: &mut Settings) {
        let Some(factor) = self.turnaround else { return };
        let turnaround = &mut settings.turnaround;
        turnaround.queue_median_min *= factor;
        turnaround.run_min *= factor;
        turnaround.records_per_minute /= factor;
    }

    /// The traffic that it makes of this one, and what is otherwise about it.
    pub(super) fn of(&self, traffic: &Traffic, patience: &Patience) -> Result<(Traffic, WhatIf), Error> {
        let (mut traffic, mut wait_too) = (traffic.clone(), HashSet::new());
        for (n, call) in traffic.calls.iter_mut().enumerate() {
            if self.wait_too > 0 && !patience.may_wait(call) && drawn(traffic.company.seed, n) < self.wait_too {
                wait_too.insert(n);
                if call.operation == Operation::ConverseStream {
                    call.operation = Operation::Converse;
                }
            }
        }
        let outage = self.outage.as_ref().map(|(region, length, from)| {
            let argument = |reason| Error::Argument { what: format!("--what-if outage={region}"), reason };
            let busiest =
                busiest(&traffic, region).ok_or_else(|| argument("nothing in the ledger is called in that region".to_owned()))?;
            let from = from.unwrap_or(busiest);
            let to = Timestamp(from.0 + length);
            let times = || traffic.calls.iter().map(|call| call.at);
            if times().all(|at| at < from || at >= to) {
                let (first, last) = (times().min().unwrap_or(from), times().max().unwrap_or(from));
                return Err(argument(format!("nothing is called then; the ledger's calls are from {first} to {last}")));
            }
            Ok(Outage { region: region.clone(), from, to })
        });
        Ok((traffic, WhatIf { wait_too, deadline_ms: self.deadline_ms, outage: outage.transpose()? }))
    }
}

fn share_of(text: &str) -> Option<u64> {
    let percent: f64 = text.strip_suffix('%')?.parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some((percent * PARTS as f64 / 100.0) as u64)
}

fn ms_of(text: &str) -> Option<i64> {
    duration::parse("--what-if", text).ok().filter(|ms| *ms > 0)
}

fn factor_of(text: &str) -> Option<f64> {
    text.trim_start_matches('x').parse().ok().filter(|factor: &f64| factor.is_finite() && *factor > 0.0)
}

fn outage_of(text: &str) -> Option<(String, i64, Option<Timestamp>)> {
    let (region, rest) = text.split_once(':')?;
    let (length, from) = match rest.split_once('@') {
        Some((length, from)) => (length, Some(Timestamp::parse(from).ok()?)),
        None => (rest, None),
    };
    Some((region.to_owned(), ms_of(length)?, from)).filter(|_| !region.is_empty())
}

/// Always the same for the same call.
fn drawn(seed: u64, n: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, n).hash(&mut hasher);
    hasher.finish() % PARTS
}

/// The hour in which a region is called most.
fn busiest(traffic: &Traffic, region: &str) -> Option<Timestamp> {
    let mut hours: BTreeMap<i64, u64> = BTreeMap::new();
    let here = |workload: usize| traffic.company.workloads[workload].region.as_str() == region;
    for call in traffic.calls.iter().filter(|call| here(call.workload)) {
        *hours.entry(call.at.0.div_euclid(HOUR_MS)).or_default() += 1;
    }
    hours.into_iter().max_by_key(|(hour, calls)| (*calls, -hour)).map(|(hour, _)| Timestamp(hour * HOUR_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Asked, Error> {
        Asked::read(&text.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn all_that_can_be_otherwise_is_read_and_nothing_else() {
        let asked = read("tolerant+10%,deadline=6h,turnaround=x3,outage=us-east-1:3h").expect("understood");
        assert_eq!((asked.wait_too, asked.deadline_ms, asked.turnaround), (1_000, Some(6 * HOUR_MS), Some(3.0)));
        assert_eq!(asked.outage, Some(("us-east-1".to_owned(), 3 * HOUR_MS, None)));
        let at = read("outage=us-east-1:90m@2026-10-14T14:00:00Z").expect("understood").outage.expect("an outage");
        assert_eq!((at.1, at.2), (90 * 60_000, Some(Timestamp::from_civil(2026, 10, 14, 14, 0, 0))));
        for wrong in ["tolerant+110%", "tolerant", "deadline=soon", "turnaround=x0", "outage=us-east-1", "outage=:3h", "rain=1"] {
            assert!(read(wrong).expect_err(wrong).to_string().contains(wrong), "{wrong}");
        }
    }
}

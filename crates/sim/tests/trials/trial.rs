//! One seed, from its company to its end.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use laneshift_sim::{Books, Conditions, Month, Seams, SimError, as_planned};

use crate::company::{POLICY, drawn_faults, settings, tiny};

/// What a seed came to.
pub(crate) type Outcome = Result<(Month, Books), SimError>;

/// What a trial is made of, by its seed.
pub(crate) fn conditions(seed: u64, seams: Seams) -> Conditions {
    Conditions { settings: settings(seed), faults: drawn_faults(seed), seams, troubled: true, ..Conditions::default() }
}

/// Runs a seed.
pub(crate) fn run(seed: u64, conditions: Conditions) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, POLICY).expect("written");
    laneshift_sim::run(as_planned(&tiny(seed).into(), conditions, &policy, folder.path(), &|_| {}))
}

/// The seeds of `LANESHIFT_SIM_SEEDS=from..to`, or fifty.
pub(crate) fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("LANESHIFT_SIM_SEEDS") else { return 1..51 };
    let range = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    range.unwrap_or_else(|| panic!("LANESHIFT_SIM_SEEDS={text}: write from..to"))
}

/// Runs all of them, as many at a time as the machine has cores; gives those that went well, and those that went wrong.
pub(crate) fn all(seeds: Range<u64>, one: impl Fn(u64) -> Outcome + Sync) -> (Vec<Month>, Vec<(u64, SimError)>) {
    let (next, done) = (AtomicU64::new(seeds.start), Mutex::new((Vec::new(), Vec::new())));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| seeds.contains(seed)) {
                    let outcome = one(seed);
                    let mut done = done.lock().expect("no seed panics");
                    match outcome {
                        Ok((month, _)) => done.0.push(month),
                        Err(error) => done.1.push((seed, error)),
                    }
                }
            });
        }
    });
    let (well, mut wrong) = done.into_inner().expect("no seed panics");
    wrong.sort_by_key(|(seed, _)| *seed);
    (well, wrong)
}

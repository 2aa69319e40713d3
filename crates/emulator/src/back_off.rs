//! Jobs whose last step failed: when each is tried again, so that it neither spins nor holds up the others.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// The wait after a first failure; each further one doubles it.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(300);

#[derive(Debug)]
struct Failing {
    times: u32,
    again: Instant,
}

/// By job.
#[derive(Debug, Default)]
pub(crate) struct BackOff(HashMap<String, Failing>);

impl BackOff {
    /// Notes a failure; whether it is the first since the job's last success.
    pub(crate) fn failed(&mut self, job: &str, now: Instant) -> bool {
        let failing = self.0.entry(job.to_owned()).or_insert(Failing { times: 0, again: now });
        failing.again = now + FIRST.saturating_mul(2_u32.saturating_pow(failing.times)).min(LONGEST);
        failing.times += 1;
        failing.times == 1
    }

    /// Notes a success.
    pub(crate) fn done(&mut self, job: &str) {
        self.0.remove(job);
    }

    /// Whether a job waits.
    pub(crate) fn waits(&self, job: &str, now: Instant) -> bool {
        self.0.get(job).is_some_and(|failing| failing.again > now)
    }

    /// How long until the first of them is tried again.
    pub(crate) fn next(&self, now: Instant) -> Option<Duration> {
        self.0.values().map(|failing| failing.again.saturating_duration_since(now)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_failure_in_a_row_doubles_the_wait_and_a_success_ends_it() {
        let (mut back_off, now) = (BackOff::default(), Instant::now());
        let waits = (0..11).map(|n| (back_off.failed("a", now) == (n == 0), back_off.next(now).expect("one waits").as_secs()));
        let waits: Vec<(bool, u64)> = waits.collect();
        let seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
        assert_eq!(waits, seconds.map(|s| (true, s)));
        assert!(back_off.waits("a", now) && !back_off.waits("b", now) && !back_off.waits("a", now + LONGEST));
        back_off.done("a");
        assert!(back_off.next(now).is_none() && back_off.failed("a", now));
    }
}

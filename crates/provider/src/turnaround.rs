//! How long a batch inference job waits and runs.
//!
//! AWS publishes no distribution: "typically within 24 hours" is all it says. The defaults are a stated prior, shaped by
//! what users reported up to 2026-11: 10 to 15 minutes for 100 records, 4 and 22.5 hours for the same large job, jobs
//! that never began within 24 hours. Every number can be set.

use laneshift_units::Timestamp;
use serde::Deserialize;

use crate::chance;

const MINUTE_MS: f64 = 60_000.0;

/// The settings table `[turnaround]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turnaround {
    /// Minutes in Submitted before validation begins.
    pub submitted_min: f64,
    /// Minutes of validation, besides a minute for each gigabyte.
    pub validating_min: f64,
    /// Median minutes in Scheduled.
    pub queue_median_min: f64,
    /// Spread of the wait: the standard deviation of its logarithm.
    pub queue_sigma: f64,
    /// The wait is this many times longer for jobs submitted between 13:00 and 22:00 UTC.
    pub busy_hours_factor: f64,
    /// Part of all jobs, in [0, 1], whose wait is `tail_factor` times longer.
    pub tail_share: f64,
    /// See `tail_share`.
    pub tail_factor: f64,
    /// Minutes that even the smallest job runs.
    pub run_min: f64,
    /// Records a minute, before a model's own factor between 0.5 and 2.
    pub records_per_minute: f64,
    /// Seconds by which the counters of a running job lag.
    // Amazon Bedrock User Guide, "Monitor batch inference jobs": up to one minute. Read 2026-11-23.
    pub counter_lag_s: f64,
    /// Seconds between a request to stop and Stopped.
    pub stop_s: f64,
}

impl Default for Turnaround {
    fn default() -> Self {
        Self {
            submitted_min: 1.0,
            validating_min: 2.0,
            queue_median_min: 20.0,
            queue_sigma: 1.2,
            busy_hours_factor: 2.0,
            tail_share: 0.03,
            tail_factor: 20.0,
            run_min: 5.0,
            records_per_minute: 400.0,
            counter_lag_s: 60.0,
            stop_s: 30.0,
        }
    }
}

impl Turnaround {
    /// Every number must be finite and at least zero, and records must run at all.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), String> {
        let fields = [
            ("submitted_min", self.submitted_min),
            ("validating_min", self.validating_min),
            ("queue_median_min", self.queue_median_min),
            ("queue_sigma", self.queue_sigma),
            ("busy_hours_factor", self.busy_hours_factor),
            ("tail_share", self.tail_share),
            ("tail_factor", self.tail_factor),
            ("run_min", self.run_min),
            ("records_per_minute", self.records_per_minute),
            ("counter_lag_s", self.counter_lag_s),
            ("stop_s", self.stop_s),
        ];
        for (name, value) in fields {
            if !value.is_finite() || value < 0.0 {
                return Err(format!("turnaround.{name}: a number of at least 0 is needed, not {value}"));
            }
        }
        if self.records_per_minute == 0.0 {
            return Err("turnaround.records_per_minute: at 0 no job would ever end".to_owned());
        }
        Ok(())
    }

    /// Milliseconds in Submitted.
    pub fn submitted_ms(&self, seed: u64) -> i64 {
        ms(self.submitted_min * (0.5 + chance::share(seed, "submitted")))
    }

    /// Milliseconds in Validating; the size of the input is not known before it.
    pub fn validating_ms(&self, seed: u64) -> i64 {
        ms(self.validating_min * (0.5 + chance::share(seed, "validating")))
    }

    /// Milliseconds in Scheduled, for a job that is submitted then.
    pub fn queue_ms(&self, seed: u64, submitted: Timestamp) -> i64 {
        let hour = submitted.0.div_euclid(3_600_000).rem_euclid(24);
        let busy = if (13..22).contains(&hour) { self.busy_hours_factor } else { 1.0 };
        let tail = if chance::share(seed, "tail") < self.tail_share { self.tail_factor } else { 1.0 };
        ms(self.queue_median_min * (self.queue_sigma * chance::normal(seed, "queue")).exp() * busy * tail)
    }

    /// Milliseconds in InProgress.
    pub fn run_ms(&self, seed: u64, model_id: &str, records: u64) -> i64 {
        let model_factor = 0.5 * 4.0_f64.powf(chance::share(0, model_id));
        let minutes = records as f64 / (self.records_per_minute * model_factor);
        ms(self.run_min * (0.5 + chance::share(seed, "run")) + minutes * (0.8 + 0.4 * chance::share(seed, "pace")))
    }
}

fn ms(minutes: f64) -> i64 {
    (minutes * MINUTE_MS) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_repeat_and_have_a_heavy_tail() {
        let t = Turnaround::default();
        let at = Timestamp(0);
        let mut waits: Vec<i64> = (0..10_000).map(|seed| t.queue_ms(seed, at)).collect();
        assert_eq!(waits, (0..10_000).map(|seed| t.queue_ms(seed, at)).collect::<Vec<_>>());
        waits.sort_unstable();
        let median_min = waits[5_000] as f64 / MINUTE_MS;
        assert!((15.0..30.0).contains(&median_min), "{median_min}");
        assert!(waits[9_900] > 10 * waits[5_000], "one in a hundred waits over ten times the median");
    }

    #[test]
    fn a_larger_job_runs_longer() {
        let t = Turnaround::default();
        assert!(t.run_ms(7, "m", 100_000) > 10 * t.run_ms(7, "m", 1_000));
    }
}

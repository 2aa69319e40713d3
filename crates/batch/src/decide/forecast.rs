//! How long jobs take: from this deployment's own jobs once there are enough, from published experience before.

/// Own jobs that are needed before they are believed.
const JOBS_MIN: usize = 20;
const HOUR_MS: i64 = 3_600_000;

/// What people report of batch jobs: most within an hour or few, some through the day, few beyond it.
// Hours, and the share of jobs that have ended by then. Bedrock alone: 3.96 h and 22.5 h for one workload (AWS's
// graphrag-toolkit, benchmark notes); batch APIs in general: 70 % within 1 h, 20 % more within 4 h, 10 % in 8 to 24 h (reports
// collected 2026-11-23). AWS promises 24 h and expires what takes longer. Anecdotes, not a distribution: replaced as soon as
// there is better.
const PRIOR: [(f64, f64); 7] = [(0.25, 0.05), (1.0, 0.45), (4.0, 0.75), (8.0, 0.85), (24.0, 0.97), (48.0, 0.99), (168.0, 1.0)];

/// A distribution of turnaround, from creation to readable output.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Times, and the share of jobs that have ended by then; both rise.
    points: Vec<(i64, f64)>,
    /// How many jobs it rests on; 0 for the prior.
    pub jobs: usize,
}

impl Forecast {
    /// From jobs: how long each took, and whether it ended by itself. One that expired or was stopped took at least so long.
    pub fn of(jobs: &[(i64, bool)]) -> Self {
        let ended = jobs.iter().filter(|(_, ended)| *ended).count();
        if ended < JOBS_MIN {
            let points = PRIOR.map(|(hours, share)| ((hours * HOUR_MS as f64) as i64, share));
            return Self { points: points.to_vec(), jobs: 0 };
        }
        // The product-limit estimate (Kaplan and Meier, 1958): at each end, the share that survives it among those still there.
        let mut sorted = jobs.to_vec();
        sorted.sort_unstable_by_key(|(ms, ended)| (*ms, !*ended));
        let (mut there, mut survive, mut points) = (sorted.len() as f64, 1.0, Vec::new());
        for (ms, ended) in sorted {
            if ended {
                survive *= 1.0 - 1.0 / there;
                points.push((ms, 1.0 - survive));
            }
            there -= 1.0;
        }
        Self { points, jobs: ended }
    }

    /// The share of jobs that end within a time.
    pub fn within(&self, ms: i64) -> f64 {
        let mut before = (0, 0.0);
        for &(at, share) in &self.points {
            if ms < at {
                let part = (ms - before.0).max(0) as f64 / (at - before.0).max(1) as f64;
                return before.1 + (share - before.1) * part;
            }
            before = (at, share);
        }
        before.1
    }

    /// The time within which a share of jobs ends; the longest known time when fewer end at all.
    pub fn quantile_ms(&self, share: f64) -> i64 {
        let mut before = (0, 0.0);
        for &(at, reached) in &self.points {
            if reached >= share {
                let part = (share - before.1) / (reached - before.1).max(f64::EPSILON);
                return before.0 + ((at - before.0) as f64 * part) as i64;
            }
            before = (at, reached);
        }
        before.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prior_holds_until_there_are_enough_own_jobs() {
        let few = Forecast::of(&[(HOUR_MS, true); JOBS_MIN - 1]);
        assert_eq!((few.jobs, few.quantile_ms(0.45)), (0, HOUR_MS));
        let own = Forecast::of(&[(HOUR_MS, true); JOBS_MIN]);
        assert_eq!((own.jobs, own.within(HOUR_MS), own.within(HOUR_MS / 2) < 1.0), (JOBS_MIN, 1.0, true));
    }

    #[test]
    fn a_job_that_expired_took_at_least_so_long() {
        let mut jobs = vec![(HOUR_MS, true); 20];
        jobs.extend([(24 * HOUR_MS, false); 20]);
        let forecast = Forecast::of(&jobs);
        assert!((forecast.within(2 * HOUR_MS) - 0.5).abs() < 1e-9, "half of them are not known to end: {forecast:?}");
        // Those that were stopped early say nothing of the time after.
        jobs[20..].fill((60_000, false));
        assert!((Forecast::of(&jobs).within(2 * HOUR_MS) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_quantile_is_where_its_share_has_ended() {
        let forecast = Forecast::of(&[]);
        for share in [0.05, 0.3, 0.5, 0.95] {
            assert!((forecast.within(forecast.quantile_ms(share)) - share).abs() < 1e-6, "{share}");
        }
    }
}

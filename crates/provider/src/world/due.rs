//! What is due next, over all jobs.

use laneshift_units::Timestamp;

use super::World;
use crate::event::Event;
use crate::faults::Fault;
use crate::jobs::{self, Job, Status, Step};
use crate::quotas;
use crate::settings::OverJobQuota;

/// One step of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its moment.
    pub at: Timestamp,
    /// The job.
    pub job: String,
    /// What is to be done.
    pub step: Step,
}

impl World {
    /// The earliest step of all jobs that `of` names, whether its moment has come or not.
    pub fn next_due(&self, of: impl Fn(&str) -> bool) -> Option<Due> {
        let steps = self.jobs.values().filter(|job| of(&job.id)).filter_map(|job| {
            let (at, step) = jobs::plan(job, &self.settings)?;
            let at = at.max(self.has_a_slot_since(job)?);
            Some(Due { at, job: job.id.clone(), step })
        });
        steps.min_by(|a, b| a.at.cmp(&b.at).then_with(|| a.job.cmp(&b.job)))
    }

    /// Over the quota of open jobs a job stays Submitted, where the switch says so; `None` while it does.
    fn has_a_slot_since(&self, job: &Job) -> Option<Timestamp> {
        if job.status != Status::Submitted || self.settings.switches.over_job_quota == OverJobQuota::Refuse {
            return Some(job.since);
        }
        let Some(model) = job.base_model() else { return Some(job.since) };
        let ahead = self.jobs.values().filter(|other| {
            other.account == job.account
                && other.region == job.region
                && other.number < job.number
                && other.model.model == job.model.model
        });
        // An open job counts as one that ends after all others.
        let mut ends: Vec<Option<Timestamp>> = ahead.map(|other| other.ended).collect();
        ends.sort_unstable_by_key(|end| end.unwrap_or(Timestamp(i64::MAX)));
        match ends.len().checked_sub(quotas::open_jobs_max(&self.settings, model)) {
            None => Some(job.since),
            Some(last_to_end) => ends.get(last_to_end).copied().flatten(),
        }
    }

    /// Validation passed: when the job begins and how long it runs.
    pub fn validated(&self, job: &Job, at: Timestamp, records: u64) -> Event {
        let (turnaround, factor) = (&self.settings.turnaround, job.fault(Fault::SlowTurnaround).map_or(1.0, |s| s.factor));
        let slower = |ms: i64| (ms as f64 * factor) as i64;
        let start = Timestamp(at.0.saturating_add(slower(turnaround.queue_ms(job.seed, job.submitted))));
        let mut run_ms = slower(turnaround.run_ms(job.seed, &job.request.model_id, records));
        if let Some(cut) = job.fault(Fault::CutShort) {
            // So long that time runs out when the share is done.
            let left_ms = (job.expires.0 - start.0).max(0) as f64;
            run_ms = (left_ms / cut.share.max(0.000_001)) as i64 + 1;
        }
        Event::JobValidated { id: job.id.clone(), at_ms: at.0, records, start_ms: start.0, run_ms }
    }

    /// A job failed, and costs nothing.
    pub fn failed(job: &Job, at: Timestamp, message: String) -> Event {
        Event::JobEnded {
            id: job.id.clone(),
            status: Status::Failed,
            at_ms: at.0,
            message: Some(message),
            cut: None,
            published: true,
        }
    }

    /// A job ended with what it had done by then.
    pub fn finished(job: &Job, at: Timestamp, status: Status, published: bool) -> Event {
        let cut = if status == Status::Completed { job.marks.as_ref().and_then(|m| m.last()) } else { job.mark_at(at) };
        let cut = cut.cloned();
        Event::JobEnded { id: job.id.clone(), status, at_ms: at.0, message: None, published: published || cut.is_none(), cut }
    }
}

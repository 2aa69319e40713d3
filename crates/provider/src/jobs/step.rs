//! What happens to a job next, and when.

use laneshift_units::Timestamp;

use super::{Job, Status};
use crate::faults::Fault;
use crate::settings::Settings;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Validation begins.
    Validating,
    /// The files are to be checked.
    Validate,
    /// Time ran out before it began.
    Expire,
    /// It leaves Scheduled.
    Begin,
    /// Its records are to be computed.
    Run,
    /// It ends as the status says, with what is done by then.
    Finish(Status),
    /// Output that came late can be read.
    Publish,
}

/// The next step of a job and its moment; `None` when it waits for something else, or for nothing.
pub fn plan(job: &Job, settings: &Settings) -> Option<(Timestamp, Step)> {
    let turnaround = &settings.turnaround;
    match job.status {
        Status::Submitted => Some((after(job.since, turnaround.submitted_ms(job.seed)), Step::Validating)),
        Status::Validating => Some((after(job.since, turnaround.validating_ms(job.seed)), Step::Validate)),
        Status::Scheduled if job.fault(Fault::NeverBegins).is_some() || job.start >= job.expires => {
            Some((job.expires, Step::Expire))
        }
        Status::Scheduled => Some((job.start, Step::Begin)),
        Status::InProgress if job.marks.is_none() => Some((job.since, Step::Run)),
        Status::InProgress => end(job).map(|(at, status)| (at, Step::Finish(status))),
        Status::Stopping if job.began.is_some() && job.marks.is_none() => Some((job.since, Step::Run)),
        Status::Stopping => {
            let lag_ms = match job.fault(Fault::SlowStop) {
                Some(strike) => (strike.minutes * 60_000.0) as i64,
                None => (turnaround.stop_s * 1000.0) as i64,
            };
            Some((after(job.since, lag_ms), Step::Finish(Status::Stopped)))
        }
        Status::Completed | Status::PartiallyCompleted | Status::Stopped if !job.published => {
            let late = job.fault(Fault::LateResults).or_else(|| job.fault(Fault::TruncatedOutput));
            let minutes = late.map_or(0.0, |strike| strike.minutes);
            Some((after(job.since, (minutes * 60_000.0) as i64), Step::Publish))
        }
        Status::Completed | Status::PartiallyCompleted | Status::Stopped | Status::Failed | Status::Expired => None,
    }
}

/// When a job whose records run ends by itself, and how, whether they were computed yet or not.
pub fn end(job: &Job) -> Option<(Timestamp, Status)> {
    if job.status != Status::InProgress || job.fault(Fault::Stuck).is_some() {
        return None;
    }
    let all_done = after(job.since, job.run_ms);
    if all_done <= job.expires { Some((all_done, Status::Completed)) } else { Some((job.expires, Status::PartiallyCompleted)) }
}

fn after(from: Timestamp, ms: i64) -> Timestamp {
    Timestamp(from.0.saturating_add(ms))
}

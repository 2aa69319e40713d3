//! ListModelInvocationJobs: filters, order, pages.

use laneshift_units::Timestamp;

use super::{Job, Status};
use crate::refusal::Refusal;

/// How many summaries a page has when the request does not say.
// UNVERIFIED: AWS documents the range, 1 to 1,000, and no default.
const PAGE_DEFAULT: usize = 100;

/// The filters of a list. Field rules are checked before.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Created at or after.
    pub submit_time_after: Option<Timestamp>,
    /// Created before.
    pub submit_time_before: Option<Timestamp>,
    /// In this state.
    pub status_equals: Option<String>,
    /// With this in its name.
    pub name_contains: Option<String>,
    /// Page size.
    pub max_results: Option<usize>,
    /// Where the page begins.
    pub next_token: Option<String>,
    /// Oldest first; newest first otherwise.
    pub ascending: bool,
}

/// One page of one account's jobs in one region, and the token of the next.
///
/// A token names the job that the page before ended with, so jobs that are created meanwhile shift nothing.
///
/// # Errors
/// ValidationException for a token that no list gave.
pub fn list<'a>(jobs: impl Iterator<Item = &'a Job>, query: &ListQuery) -> Result<(Vec<&'a Job>, Option<String>), Refusal> {
    let status = |job: &Job| query.status_equals.as_ref().is_none_or(|s| job.status.name() == s);
    let name = |job: &Job| query.name_contains.as_ref().is_none_or(|n| job.request.job_name.contains(n.as_str()));
    let time = |job: &Job| {
        query.submit_time_after.is_none_or(|t| job.submitted >= t) && query.submit_time_before.is_none_or(|t| job.submitted < t)
    };
    let mut found: Vec<&Job> = jobs.filter(|job| status(job) && name(job) && time(job)).collect();
    found.sort_by(|a, b| {
        let order = a.submitted.cmp(&b.submitted).then_with(|| a.id.cmp(&b.id));
        if query.ascending { order } else { order.reverse() }
    });
    if let Some(token) = &query.next_token {
        let (at, id) = token
            .split_once('.')
            .and_then(|(at, id)| Some((Timestamp(at.parse().ok()?), id)))
            .ok_or_else(|| Refusal::validation("The provided nextToken is invalid."))?;
        let passed = |job: &&Job| {
            let order = (job.submitted, job.id.as_str()).cmp(&(at, id));
            if query.ascending { order.is_le() } else { order.is_ge() }
        };
        found.retain(|job| !passed(job));
    }
    let size = query.max_results.unwrap_or(PAGE_DEFAULT);
    let more = found.len() > size;
    found.truncate(size);
    let token = found.last().filter(|_| more).map(|job| format!("{}.{}", job.submitted.0, job.id));
    Ok((found, token))
}

/// The states a job can be filtered by, for tests of the page.
impl Status {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Submitted,
        Self::Validating,
        Self::Scheduled,
        Self::InProgress,
        Self::Completed,
        Self::PartiallyCompleted,
        Self::Failed,
        Self::Stopping,
        Self::Stopped,
        Self::Expired,
    ];
}

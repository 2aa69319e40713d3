//! Which free records become which jobs.

use laneshift_store::{Bitmap, ChunkId, Members};
use laneshift_units::Timestamp;

use super::Limits;

/// Work whose slack differs by more than this factor does not share a job: a tight record would press a large one.
const SLACK_FACTOR: i64 = 4;

/// Free records of one chunk.
pub(super) struct Group {
    pub(super) chunk: ChunkId,
    pub(super) slots: Bitmap,
    /// Bytes of one record.
    pub(super) bytes: u64,
    pub(super) deadline: Timestamp,
}

/// Makes at most `most` jobs of groups in the order of their deadlines: as few as the limits allow, of about equal size, because
/// a full job and a rest of 99 would leave 99 records without one. There are enough records for one job, and so many fit into one.
pub(super) fn compose(now: Timestamp, groups: Vec<Group>, limits: &Limits, most: u64) -> Vec<Vec<Members>> {
    let mut jobs = Vec::new();
    for class in classes(now, groups, limits.records_min) {
        jobs.extend(split(&class, limits));
    }
    jobs.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    jobs
}

/// Cuts where the slack grows beyond the factor, and where what is before and after the cut is enough for a job.
fn classes(now: Timestamp, groups: Vec<Group>, min: u64) -> Vec<Vec<Group>> {
    let mut rest: u64 = groups.iter().map(|group| group.slots.count()).sum();
    let mut classes: Vec<Vec<Group>> = Vec::new();
    let (mut first_slack, mut count) = (0, 0);
    for group in groups {
        let slack = (group.deadline.0 - now.0).max(1);
        let n = group.slots.count();
        match classes.last_mut() {
            Some(class) if slack <= first_slack * SLACK_FACTOR || count < min || rest < min => class.push(group),
            _ => {
                (first_slack, count) = (slack, 0);
                classes.push(vec![group]);
            }
        }
        count += n;
        rest -= n;
    }
    classes
}

/// More jobs than seem to be needed are tried so often, for records whose size keeps them from being cut where it would be even.
const CUTS: usize = 3;

fn split(groups: &[Group], limits: &Limits) -> Vec<Vec<Members>> {
    let total: u64 = groups.iter().map(|group| group.slots.count()).sum();
    let load: u128 = groups.iter().map(|group| u128::from(group.slots.count()) * share(group, limits)).sum();
    let most = (total / limits.records_min.max(1)).max(1);
    let least = u64::try_from(load.div_ceil(full(limits))).unwrap_or(most).clamp(1, most);
    let mut cuts = (least..=most).take(CUTS).map(|jobs| cut(groups, limits, load, jobs));
    let first = cuts.next().unwrap_or_default();
    let whole = |jobs: &Vec<Vec<Members>>| jobs.iter().flatten().map(|m| m.slots.count()).sum::<u64>() == total;
    if whole(&first) { first } else { cuts.find(whole).unwrap_or(first) }
}

/// What a record takes of a job, by number or by bytes, whichever is more; a job has [`full`] of it.
fn share(group: &Group, limits: &Limits) -> u128 {
    let (records_max, bytes_max) = (u128::from(limits.records_max.max(1)), u128::from(limits.job_bytes_max.max(1)));
    bytes_max.max(u128::from(group.bytes) * records_max)
}

fn full(limits: &Limits) -> u128 {
    u128::from(limits.records_max.max(1)) * u128::from(limits.job_bytes_max.max(1))
}

/// Cuts into so many jobs of about equal load. No job is too large; what would be too small for one is left.
fn cut(groups: &[Group], limits: &Limits, load: u128, jobs: u64) -> Vec<Vec<Members>> {
    let mut slots = groups.iter().flat_map(|group| group.slots.iter().map(move |slot| (group, slot))).peekable();
    let mut rest: u64 = groups.iter().map(|group| group.slots.count()).sum();
    let (mut cut, mut loaded) = (Vec::new(), 0_u128);
    for at in 1..=jobs {
        let until = load * u128::from(at) / u128::from(jobs);
        let (mut records, mut bytes, mut job) = (0_u64, 0_u64, Vec::new());
        while let Some((group, slot)) = slots.peek().copied() {
            let (even, large) = (loaded + share(group, limits) > until, bytes + group.bytes > limits.job_bytes_max);
            let enough = records >= limits.records_min;
            if records >= limits.records_max || (enough && (large || (even && rest >= limits.records_min))) {
                break;
            }
            job.push((group.chunk, slot));
            (records, bytes, rest, loaded) = (records + 1, bytes + group.bytes, rest - 1, loaded + share(group, limits));
            slots.next();
        }
        if records >= limits.records_min {
            cut.push(gather(job.into_iter()));
        }
    }
    cut
}

/// Slots, in the order of their chunks, as members.
fn gather(slots: impl Iterator<Item = (ChunkId, usize)>) -> Vec<Members> {
    let mut members: Vec<Members> = Vec::new();
    for (chunk, slot) in slots {
        match members.last_mut() {
            Some(last) if last.chunk == chunk => last.slots.set(slot),
            _ => {
                let mut map = Bitmap::default();
                map.set(slot);
                members.push(Members { chunk, slots: map });
            }
        }
    }
    members
}

/// The first `n` of them, and the others.
pub(super) fn halves(members: Vec<Members>, n: u64) -> (Vec<Members>, Vec<Members>) {
    let mut slots = members.iter().flat_map(|m| m.slots.iter().map(move |slot| (m.chunk, slot)));
    let first = gather(slots.by_ref().take(n as usize));
    (first, gather(slots))
}

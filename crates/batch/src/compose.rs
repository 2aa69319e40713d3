//! Which records become which jobs. Pure.

use laneshift_store::{Bitmap, Chunk, Members};

use crate::limits::Limits;

/// How often a record is tried in a job before it is reported as failed.
pub(crate) const ATTEMPTS_MAX: u64 = 3;

/// What composing came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Composed {
    /// The members of each job, each within the limits.
    pub(crate) jobs: Vec<Vec<Members>>,
    /// Records that are too few for a job.
    pub(crate) left_over: u64,
}

/// Splits the free records of chunks into jobs of about equal size, as few as the limits allow. Equal sizes, because a
/// full job and a rest of 99 would leave 99 records without one.
pub(crate) fn compose(free: &[(Chunk, Bitmap)], limits: &Limits) -> Composed {
    let total: u64 = free.iter().map(|(_, slots)| slots.count()).sum();
    if total < limits.records_min {
        return Composed { jobs: Vec::new(), left_over: total };
    }
    // A chunk's bytes are an upper bound of what is taken from it.
    let bytes: u64 = free.iter().map(|(chunk, _)| chunk.new.bytes).sum();
    let jobs = total.div_ceil(limits.records_max).max(bytes.div_ceil(limits.job_bytes_max.max(1)));
    let jobs = jobs.min(total / limits.records_min.max(1)).max(1);
    let mut out = Composed::default();
    let mut slots = free.iter().flat_map(|(chunk, slots)| slots.iter().map(move |slot| (chunk.new.id, slot)));
    for job in 0..jobs {
        // The first jobs take one record more where the total does not divide.
        let records = total / jobs + u64::from(job < total % jobs);
        let mut members: Vec<Members> = Vec::new();
        for (chunk, slot) in slots.by_ref().take(records as usize) {
            match members.last_mut() {
                Some(last) if last.chunk == chunk => last.slots.set(slot),
                _ => {
                    let mut map = Bitmap::default();
                    map.set(slot);
                    members.push(Members { chunk, slots: map });
                }
            }
        }
        out.jobs.push(members);
    }
    out
}

#[cfg(test)]
mod tests {
    use laneshift_store::NewChunk;

    use super::*;

    const LIMITS: Limits = Limits {
        records_min: 100,
        records_max: 1_000,
        file_records_max: 1_000,
        file_bytes_max: 1_000_000,
        job_bytes_max: 5_000_000,
        open_max: 10,
    };

    fn chunks(sizes: &[usize]) -> Vec<(Chunk, Bitmap)> {
        let chunk = |(id, n): (usize, &usize)| {
            let new =
                NewChunk { id: id as u64, pool: String::new(), records: *n as u32, bytes: *n as u64, object: String::new() };
            let (done, ok, open) = Default::default();
            (Chunk { new, submission: String::new(), done, ok, open }, Bitmap::first(*n))
        };
        sizes.iter().enumerate().map(chunk).collect()
    }

    fn sizes(composed: &Composed) -> Vec<u64> {
        composed.jobs.iter().map(|job| job.iter().map(|m| m.slots.count()).sum()).collect()
    }

    #[test]
    fn no_job_is_below_the_minimum_or_above_the_maximum() {
        for total in [100, 999, 1_000, 1_001, 1_099, 5_050, 8_192 * 3] {
            let mut left = total;
            let mut parts = Vec::new();
            while left > 0 {
                parts.push(left.min(8_192));
                left -= left.min(8_192);
            }
            let composed = compose(&chunks(&parts), &LIMITS);
            let sizes = sizes(&composed);
            assert!(sizes.iter().all(|n| (100..=1_000).contains(n)), "{total}: {sizes:?}");
            assert_eq!(sizes.iter().sum::<u64>(), total as u64);
            assert_eq!(sizes.len(), total.div_ceil(1_000), "as few as can be");
        }
    }

    #[test]
    fn too_few_records_make_no_job() {
        assert_eq!(compose(&chunks(&[60, 39]), &LIMITS), Composed { jobs: Vec::new(), left_over: 99 });
    }

    #[test]
    fn every_record_is_in_one_job() {
        let composed = compose(&chunks(&[700, 700, 700]), &LIMITS);
        let mut seen = [Bitmap::default(), Bitmap::default(), Bitmap::default()];
        for member in composed.jobs.iter().flatten() {
            let seen = &mut seen[member.chunk as usize];
            assert!(seen.and(&member.slots).is_empty());
            *seen = seen.or(&member.slots);
        }
        assert!(seen.iter().all(|map| *map == Bitmap::first(700)));
    }
}

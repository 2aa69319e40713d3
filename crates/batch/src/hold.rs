//! The breaker of a pool: what AWS refuses for a reason that repeats is not tried again at once.

use std::collections::BTreeSet;

use laneshift_store::{AttemptState, PoolId, Submission};
use laneshift_units::Timestamp;

use crate::engine::Engine;
use crate::error::EngineError;

/// The first pause; it doubles.
const PAUSE_MS: i64 = 60_000;
const PAUSE_MS_MAX: i64 = 3_600_000;

/// A pool that is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Until when.
    pub(crate) until: Timestamp,
    /// AWS's words.
    pub(crate) why: String,
    /// How often in a row.
    pub(crate) times: u32,
}

/// What a job's failure as a whole means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Something around the job: a role, a bucket, a key, a quota. Its records are well.
    Around,
    /// One of its records, perhaps.
    Record,
}

impl Failure {
    /// Reads AWS's message.
    // Messages of failed jobs as users report them (AWS re:Post and issue threads, read 2026-11-23): the minimum and maximum of
    // records, sizes, and "... Access denied ... role ...". AWS documents no list.
    pub(crate) fn of(message: &str) -> Self {
        let message = message.to_ascii_lowercase();
        let around = [
            "role",
            "permission",
            "access",
            "denied",
            "bucket",
            "kms",
            "s3",
            "quota",
            "minimum of",
            "maximum of",
            "size",
            "limit",
            "internal",
            "throttl",
            "service",
        ];
        if around.iter().any(|word| message.contains(word)) { Self::Around } else { Self::Record }
    }
}

impl Engine {
    /// Holds a pool back.
    pub(crate) fn hold(&self, pool: PoolId, why: &str) {
        let now = self.now();
        let mut memo = self.memo();
        let times = memo.holds.get(&pool).map_or(1, |hold| hold.times + 1);
        let pause = (PAUSE_MS << (times - 1).min(10)).min(PAUSE_MS_MAX);
        memo.holds.insert(pool, Hold { until: Timestamp(now.0 + pause), why: why.to_owned(), times });
    }

    /// What holds pools back, in AWS's words: each until a job of its pool is created.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn troubles(&self) -> Result<BTreeSet<String>, EngineError> {
        let holds: Vec<(PoolId, String)> = self.memo().holds.iter().map(|(pool, hold)| (*pool, hold.why.clone())).collect();
        let mut troubles = BTreeSet::new();
        for (pool, why) in holds {
            let spec = self.spec(pool).await?;
            troubles.insert(format!("jobs of {} for {} wait: {why}", spec.owner, spec.model));
        }
        Ok(troubles)
    }

    /// A job of the pool was created: whatever held it back is over.
    pub(crate) fn release(&self, pool: PoolId) {
        self.memo().holds.remove(&pool);
    }

    /// Whether a pool is held back.
    pub(crate) fn is_held(&self, pool: PoolId, now: Timestamp) -> bool {
        self.memo().holds.get(&pool).is_some_and(|hold| hold.until > now)
    }

    /// What holds a submission back, when a pool of its is held and nothing of it is under way at AWS.
    pub(crate) async fn held(&self, submission: &Submission) -> Result<Option<String>, EngineError> {
        let attempts = self.store.attempts(&submission.new.id).await?;
        let under_way = |a: &laneshift_store::Attempt| matches!(a.state, AttemptState::Created | AttemptState::Terminal);
        if attempts.iter().any(under_way) {
            return Ok(None);
        }
        self.held_pool(submission).await
    }

    /// Why a pool with unsettled records of a submission is held.
    pub(crate) async fn held_pool(&self, submission: &Submission) -> Result<Option<String>, EngineError> {
        let now = self.now();
        let chunks = self.store.chunks(&submission.new.id).await?;
        let memo = self.memo();
        let waits = chunks.iter().filter(|chunk| !chunk.all().without(&chunk.done).is_empty());
        let holds = waits.filter_map(|chunk| memo.holds.get(&chunk.new.pool)).filter(|hold| hold.until > now);
        Ok(holds.map(|hold| hold.why.clone()).next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_about_the_surroundings_blames_no_record() {
        assert_eq!(Failure::of("Batch job contains less records (99) than the required minimum of: 100"), Failure::Around);
        assert_eq!(Failure::of("Provided IAM role does not have access to the bucket"), Failure::Around);
        assert_eq!(Failure::of("Line 17 is not a valid JSON object"), Failure::Record);
    }
}

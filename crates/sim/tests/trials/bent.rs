//! A queue over another, with a bug in it if need be; somebody is told before and after each commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use laneshift_store::*;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bend {
    Nothing,
    /// What an attempt cost is booked twice.
    BooksTwice,
    /// What a second attempt brings for a chunk replaces what the first did.
    SettlesTwice,
    /// A chunk is accepted, and never looked at.
    DropsAChunk,
}

/// See the module.
pub(crate) struct Bent {
    inner: Arc<dyn Store>,
    bend: Bend,
    tell: Arc<dyn Fn() + Send + Sync>,
    settled: Mutex<BTreeMap<ChunkId, AttemptId>>,
    dropped: Mutex<BTreeSet<ChunkId>>,
}

impl Bent {
    pub(crate) fn over(inner: Arc<dyn Store>, bend: Bend, tell: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { inner, bend, tell, settled: Mutex::default(), dropped: Mutex::default() }
    }

    async fn told<T>(&self, commit: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        (self.tell)();
        let done = commit.await;
        (self.tell)();
        done
    }
}

macro_rules! pass {
    ($of:ident {
        $(read fn $read:ident($($rn:ident: $rt:ty),*) -> $rr:ty;)*
        $(write fn $write:ident($($wn:ident: $wt:ty),*) -> $wr:ty;)*
        $(bent fn $bent:ident($($bn:ident: $bt:ty),*) -> $br:ty = $by:ident;)*
    }) => {
        #[async_trait::async_trait]
        impl $of for Bent {
            $(async fn $read(&self, $($rn: $rt),*) -> Result<$rr, StoreError> {
                self.inner.$read($($rn),*).await
            })*
            $(async fn $write(&self, $($wn: $wt),*) -> Result<$wr, StoreError> {
                self.told(self.inner.$write($($wn),*)).await
            })*
            $(async fn $bent(&self, $($bn: $bt),*) -> Result<$br, StoreError> {
                self.$by($($bn),*).await
            })*
        }
    };
}

pass!(Intake {
    read fn pools() -> Vec<(PoolId, String)>;
    read fn keyed(owner: &str, key_hash: &[u8; 16]) -> Option<Keyed>;
    read fn tails(chunk: ChunkId) -> Vec<Tail>;
    read fn submission(id: &str) -> Submission;
    read fn submission_keyed(owner: &str, key: &str) -> Option<Submission>;
    read fn submissions() -> Vec<Submission>;
    read fn spans(submission: &str) -> Vec<Span>;
    write fn pool(spec: &str) -> PoolId;
    write fn accept(accept: &Accept) -> ();
    write fn forget_keys(before_day: i64) -> u64;
    write fn seal(chunk: ChunkId, records: u32, object: &str, bytes: u64) -> ();
    write fn move_submission(id: &str, from: SubmissionState, to: SubmissionState) -> ();
});

pass!(Work {
    read fn chunk(id: ChunkId) -> Chunk;
    read fn chunks(submission: &str) -> Vec<Chunk>;
    read fn results(chunk: ChunkId) -> Vec<ResultObject>;
    read fn redacted() -> Vec<Chunk>;
    write fn end(chunk: ChunkId, slots: &Bitmap, how: Ending) -> Bitmap;
    write fn cancel(submission: &str) -> u64;
    write fn redact(chunk: ChunkId, slots: &Bitmap) -> ();
    write fn replace(chunk: ChunkId, object: &str) -> ();
    write fn replace_result(chunk: ChunkId, attempt: AttemptId, object: &str) -> ();
    write fn purge(submission: &str) -> Purged;
    bent fn live() -> Vec<Chunk> = lively;
    bent fn settle(settle: &Settle) -> Bitmap = settling;
});

pass!(Attempts {
    read fn attempt(id: AttemptId) -> Attempt;
    read fn open_attempts() -> Vec<Attempt>;
    read fn attempts(submission: &str) -> Vec<Attempt>;
    read fn past_jobs(most: u32) -> Vec<Attempt>;
    read fn tries(chunk: ChunkId) -> Vec<Try>;
    write fn intend(intent: &Intent) -> ();
    write fn move_attempt(id: AttemptId, from: AttemptState, to: AttemptState, change: &AttemptChange) -> ();
});

pass!(Books {
    read fn entries(attempt: AttemptId) -> Vec<Entry>;
    read fn costs() -> BTreeMap<AttemptId, Cost>;
    read fn charged() -> Vec<Charged>;
    read fn workloads() -> BTreeMap<ChunkId, String>;
    write fn amend(attempt: AttemptId, entries: &[Entry]) -> ();
    bent fn book(attempt: AttemptId, entries: &[Entry]) -> () = booking;
});

impl Bent {
    async fn lively(&self) -> Result<Vec<Chunk>, StoreError> {
        let mut live = self.inner.live().await?;
        if self.bend == Bend::DropsAChunk {
            let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
            // The first one that is seen.
            if dropped.is_empty() {
                dropped.extend(live.first().map(|chunk| chunk.new.id));
            }
            live.retain(|chunk| !dropped.contains(&chunk.new.id));
        }
        Ok(live)
    }

    async fn settling(&self, settle: &Settle) -> Result<Bitmap, StoreError> {
        let won = self.told(self.inner.settle(settle)).await?;
        if self.bend == Bend::SettlesTwice {
            let first =
                *self.settled.lock().unwrap_or_else(PoisonError::into_inner).entry(settle.chunk).or_insert(settle.attempt);
            if first != settle.attempt {
                self.inner.replace_result(settle.chunk, first, &settle.object).await?;
            }
        }
        Ok(won)
    }

    async fn booking(&self, attempt: AttemptId, entries: &[Entry]) -> Result<(), StoreError> {
        let mut entries = entries.to_vec();
        if self.bend == Bend::BooksTwice {
            entries.iter_mut().for_each(|entry| entry.cost += entry.cost);
        }
        self.told(self.inner.book(attempt, &entries)).await
    }
}

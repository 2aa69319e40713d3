//! A database that does not say whether it has committed, and an S3 whose writes get lost, land late, or are refused.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream::BoxStream;
use laneshift_store::*;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

/// What happens to a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It is not carried out, and the caller hears of an error.
    Lost,
    /// It is carried out, and the caller hears of an error.
    Unheard,
    /// It is carried out at the second write after it, and the caller hears of an error. Only for S3.
    Late,
    /// It is refused as if it were there already, and it is not. Only for S3.
    Refused,
}

/// Which writes, counted from 1, what happens to.
#[derive(Clone, Default)]
pub(crate) struct Plan(Arc<Mutex<(u64, BTreeMap<u64, Mishap>)>>);

impl Plan {
    pub(crate) fn new(mishaps: impl IntoIterator<Item = (u64, Mishap)>) -> Self {
        Self(Arc::new(Mutex::new((0, mishaps.into_iter().collect()))))
    }

    fn next(&self) -> Option<Mishap> {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plan.0 += 1;
        let n = plan.0;
        plan.1.remove(&n)
    }
}

/// A queue over another, with mishaps.
pub(crate) struct FlakyStore {
    inner: Arc<dyn Store>,
    plan: Plan,
}

impl FlakyStore {
    pub(crate) fn over(inner: Arc<dyn Store>, plan: Plan) -> Arc<Self> {
        Arc::new(Self { inner, plan })
    }

    async fn around<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let lost = || StoreError::Database("the connection was lost".to_owned());
        match self.plan.next() {
            None => call.await,
            Some(Mishap::Lost | Mishap::Late | Mishap::Refused) => Err(lost()),
            Some(Mishap::Unheard) => {
                call.await?;
                Err(lost())
            }
        }
    }
}

macro_rules! pass {
    ($of:ident { $(read fn $read:ident($($rn:ident: $rt:ty),*) -> $rr:ty;)* $(write fn $write:ident($($wn:ident: $wt:ty),*) -> $wr:ty;)* }) => {
        #[async_trait::async_trait]
        impl $of for FlakyStore {
            $(async fn $read(&self, $($rn: $rt),*) -> Result<$rr, StoreError> {
                self.inner.$read($($rn),*).await
            })*
            $(async fn $write(&self, $($wn: $wt),*) -> Result<$wr, StoreError> {
                self.around(self.inner.$write($($wn),*)).await
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
    read fn live() -> Vec<Chunk>;
    read fn chunk(id: ChunkId) -> Chunk;
    read fn chunks(submission: &str) -> Vec<Chunk>;
    read fn results(chunk: ChunkId) -> Vec<ResultObject>;
    read fn redacted() -> Vec<Chunk>;
    write fn settle(settle: &Settle) -> Bitmap;
    write fn end(chunk: ChunkId, slots: &Bitmap, how: Ending) -> Bitmap;
    write fn cancel(submission: &str) -> u64;
    write fn redact(chunk: ChunkId, slots: &Bitmap) -> ();
    write fn replace(chunk: ChunkId, object: &str) -> ();
    write fn replace_result(chunk: ChunkId, attempt: AttemptId, object: &str) -> ();
    write fn purge(submission: &str) -> Purged;
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
    write fn book(attempt: AttemptId, entries: &[Entry]) -> ();
    write fn amend(attempt: AttemptId, entries: &[Entry]) -> ();
});

/// A write that has not landed yet.
type Pending = (u8, Path, PutPayload, PutOptions);

/// A bucket over another, with mishaps.
pub(crate) struct FlakyObjects {
    inner: Arc<dyn ObjectStore>,
    plan: Plan,
    reads: Plan,
    late: Mutex<Vec<Pending>>,
    keeps: bool,
}

impl FlakyObjects {
    pub(crate) fn over(inner: Arc<dyn ObjectStore>, plan: Plan) -> Arc<Self> {
        Arc::new(Self { inner, plan, reads: Plan::default(), late: Mutex::default(), keeps: false })
    }

    /// A bucket some of whose reads are lost.
    pub(crate) fn that_loses_reads(inner: Arc<dyn ObjectStore>, reads: Plan) -> Arc<Self> {
        Arc::new(Self { inner, plan: Plan::default(), reads, late: Mutex::default(), keeps: false })
    }

    /// A bucket from which nothing may be deleted.
    pub(crate) fn that_keeps(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        Arc::new(Self { inner, plan: Plan::default(), reads: Plan::default(), late: Mutex::default(), keeps: true })
    }

    /// Writes that are due land.
    async fn land(&self) {
        let due = {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            late.iter_mut().for_each(|write| write.0 -= 1);
            let (due, kept) = late.drain(..).partition::<Vec<_>, _>(|write| write.0 == 0);
            *late = kept;
            due
        };
        for (_, key, payload, options) in due {
            let _ = self.inner.put_opts(&key, payload, options).await;
        }
    }
}

impl std::fmt::Debug for FlakyObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FlakyObjects")
    }
}

impl std::fmt::Display for FlakyObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FlakyObjects")
    }
}

fn lost() -> object_store::Error {
    object_store::Error::Generic { store: "flaky", source: "the connection was lost".into() }
}

#[async_trait::async_trait]
impl ObjectStore for FlakyObjects {
    async fn put_opts(&self, key: &Path, payload: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        self.land().await;
        match self.plan.next() {
            None => self.inner.put_opts(key, payload, options).await,
            Some(Mishap::Lost) => Err(lost()),
            Some(Mishap::Unheard) => {
                self.inner.put_opts(key, payload, options).await?;
                Err(lost())
            }
            Some(Mishap::Late) => {
                let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
                late.push((2, key.clone(), payload, options));
                Err(lost())
            }
            Some(Mishap::Refused) => {
                Err(object_store::Error::AlreadyExists { path: key.to_string(), source: "409 ConditionalRequestConflict".into() })
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        match self.reads.next() {
            None => self.inner.get_opts(key, options).await,
            Some(_) => Err(lost()),
        }
    }

    async fn get_ranges(&self, key: &Path, ranges: &[Range<u64>]) -> object_store::Result<Vec<Bytes>> {
        self.inner.get_ranges(key, ranges).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        if self.keeps {
            let denied = || object_store::Error::PermissionDenied { path: String::new(), source: "s3:DeleteObject".into() };
            return Box::pin(futures::stream::once(async move { Err(denied()) }));
        }
        self.inner.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_write_that_lands_late_is_there_two_writes_later() {
    let inner: Arc<dyn ObjectStore> = Arc::new(object_store::memory::InMemory::new());
    let bucket = FlakyObjects::over(inner, Plan::new([(1, Mishap::Late)]));
    let (a, b, c) = (Path::from("a"), Path::from("b"), Path::from("c"));
    bucket.put(&a, "late".into()).await.expect_err("not heard of");
    bucket.put(&b, "b".into()).await.expect("written");
    bucket.get(&a).await.expect_err("not there yet");
    bucket.put(&c, "c".into()).await.expect("written");
    assert_eq!(bucket.get(&a).await.expect("there").bytes().await.expect("read"), "late");
}

//! The engine: what it is handed, and the turns it takes.
//!
//! A turn decides about every pool, carries the moves out, and moves every open job on; each of these is a move in the queue, so
//! whatever happens between two of them, the next turn continues from what the queue says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use laneshift_aws::{Client, WallClock};
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_store::{AttemptId, Bitmap, ChunkId, NewChunk, PoolId, Store, StoreError, Submission, SubmissionState};
use laneshift_units::{Money, Timestamp};
use object_store::ObjectStore;
use tokio::sync::{Notify, watch};

use crate::accept::Accepted;
use crate::decide::Limits;
use crate::error::EngineError;
use crate::hold::Hold;
use crate::id::{Chance, PublicIds};
use crate::idle::Idle;
use crate::pool::PoolSpec;
use crate::room::FreeBytes;
use crate::single::Singles;

/// How often progress is told while a turn is taken.
const TELL: Duration = Duration::from_secs(1);

/// Lets time pass.
pub type Timer = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;
/// Opens a bucket.
pub type Buckets = Arc<dyn Fn(&str) -> Result<Arc<dyn ObjectStore>, String> + Send + Sync>;

/// What the engine is handed, so that it reads no clock and no environment itself.
#[derive(Clone)]
pub struct Tools {
    /// Prices.
    pub catalog: Arc<Catalog>,
    /// Dated limits, for quotas that Service Quotas does not name.
    pub capabilities: Arc<Capabilities>,
    /// The machine's clock.
    pub wall: WallClock,
    /// Waits between two turns.
    pub timer: Timer,
    /// How long.
    pub poll: Duration,
    /// Free bytes of the disk.
    pub free_bytes: FreeBytes,
    /// Ids of chunks that come from nothing else.
    pub chance: Chance,
    /// Another one after each start of the machine.
    pub boot: String,
    /// Told of every durable step, by name; a test dies there.
    pub step: Arc<dyn Fn(&str) + Send + Sync>,
    /// Told how far a submission is.
    pub progress: Arc<dyn Fn(&Progress) + Send + Sync>,
}

/// What the engine may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Kept between the last moment and a deadline, for calls to answer.
    pub margin_ms: i64,
    /// How much of the on-demand lanes late and small work may use.
    pub rescue: RescueSettings,
    /// How long AWS's copies of outputs are kept after their job is closed.
    pub keep_outputs_ms: i64,
}

/// How far the on-demand lanes may be used.
#[derive(Clone, Debug, PartialEq)]
pub struct RescueSettings {
    /// Quota tokens a minute; where this is not set, a share of what Service Quotas says.
    pub tokens_per_minute: Option<u64>,
    /// That share.
    pub share: f64,
    /// Calls at one time.
    pub calls_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            margin_ms: 5 * 60_000,
            rescue: RescueSettings { tokens_per_minute: None, share: 0.5, calls_max: 256 },
            keep_outputs_ms: 72 * 3_600_000,
        }
    }
}

/// Where a submission is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its records wait: for company, a window, a slot, or a pause that something made necessary.
    Waiting,
    /// Input goes to S3.
    Uploading,
    /// AWS has no slot for another job.
    WaitingForSlot,
    /// AWS runs its jobs.
    Running,
    /// Output is read.
    Harvesting,
    /// Late or few records are asked for one by one.
    Calling,
}

/// How far a submission is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Where.
    pub phase: Phase,
    /// Records in all.
    pub records: u64,
    /// Records with a result.
    pub settled: u64,
    /// Records that AWS says it has processed, in jobs that run.
    pub processed: u64,
    /// Jobs that are not over, with AWS's state of each.
    pub jobs: Vec<String>,
    /// Paid so far.
    pub paid: Money,
    /// When it is expected to be done, at half the chances.
    pub expected: Option<Timestamp>,
    /// What stands in its way.
    pub trouble: Option<String>,
}

/// What Service Quotas says, and when it did.
pub(crate) type Told = (Arc<Vec<(String, f64)>>, Timestamp);

/// What the engine knows beside the queue; all of it can be found again.
#[derive(Default)]
pub(crate) struct Memo {
    /// The latest time that was seen: a clock that steps back brings no deadline back.
    pub(crate) now: i64,
    /// Descriptions of pools, which never change.
    pub(crate) specs: HashMap<PoolId, PoolSpec>,
    /// Service Quotas, and when they were read; none when they could not be.
    pub(crate) quotas: Option<Told>,
    /// Limits of models by them, and when those were read.
    pub(crate) limits: HashMap<String, (Limits, Timestamp)>,
    /// Models that AWS did not refuse when it was asked, and when that was.
    pub(crate) models: HashMap<String, Timestamp>,
    /// Pools that are held back.
    pub(crate) holds: BTreeMap<PoolId, Hold>,
    /// Records that AWS says each running job has processed.
    pub(crate) processed: HashMap<AttemptId, u64>,
    /// Output of jobs that is not complete.
    pub(crate) incomplete: HashMap<AttemptId, Incomplete>,
    /// Up to when the on-demand lanes of a model were used, and what was left of their allowance.
    pub(crate) allowances: HashMap<String, (Timestamp, u64)>,
    /// Records whose answer was lost on capacity that was idle: once, and twice.
    pub(crate) lost: HashMap<ChunkId, [Bitmap; 2]>,
    /// When the queue was last tidied.
    pub(crate) tidied: Option<Timestamp>,
    /// What tidying could not do when it was last tried.
    pub(crate) untidy: Option<String>,
    /// Closed jobs of which nothing is left in S3.
    pub(crate) emptied: HashSet<AttemptId>,
    /// When objects without a row were last removed.
    pub(crate) collected: Option<Timestamp>,
    /// Where each pool is.
    pub(crate) phases: BTreeMap<PoolId, Phase>,
    /// What the results of everything that waits may take on the disk.
    pub(crate) results_bytes: u64,
    /// A failure that may pass by itself, and how often it came in a row.
    pub(crate) trouble: Option<(String, u32)>,
}

/// The output of a job that has ended, and is not complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Incomplete {
    /// How often it was looked at.
    pub(crate) looks: u32,
    /// How it was when it was last read.
    pub(crate) mark: Option<u64>,
    /// What it lacks.
    pub(crate) why: String,
}

/// The engine over one folder, one account and one region.
pub struct Engine {
    pub(crate) folder: PathBuf,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) client: Client,
    pub(crate) buckets: Buckets,
    pub(crate) tools: Tools,
    pub(crate) settings: Settings,
    pub(crate) ids: Arc<PublicIds>,
    pub(crate) singles: Arc<Singles>,
    pub(crate) settled: watch::Sender<u64>,
    /// Calls under way.
    pub(crate) calling: watch::Sender<usize>,
    /// Knows what is idle of paid capacity.
    pub(crate) idle: OnceLock<Arc<dyn Idle>>,
    /// Told when something is accepted that cannot wait for the next turn.
    pub(crate) pressing: Notify,
    /// No more calls are begun.
    detached: AtomicBool,
    memo: Mutex<Memo>,
}

impl Engine {
    /// An engine.
    ///
    /// # Errors
    /// [`EngineError::Spool`] when the folder cannot be used.
    pub fn new(
        folder: &Path,
        store: Arc<dyn Store>,
        client: Client,
        buckets: Buckets,
        tools: Tools,
        settings: Settings,
    ) -> Result<Self, EngineError> {
        let ids = Arc::new(PublicIds::open(folder).map_err(EngineError::Spool)?);
        let singles = Singles::new(store.clone(), ids.clone(), &tools);
        let (settled, calling) = (watch::Sender::new(0), watch::Sender::new(0));
        let (folder, detached, memo) = (folder.to_owned(), AtomicBool::new(false), Mutex::default());
        let (idle, pressing) = (OnceLock::new(), Notify::new());
        Ok(Self {
            folder,
            store,
            client,
            buckets,
            tools,
            settings,
            ids,
            singles,
            settled,
            calling,
            idle,
            pressing,
            detached,
            memo,
        })
    }

    /// From here on idle capacity takes what waits. It is said once; what is said later changes nothing.
    pub fn drain_into(&self, idle: Arc<dyn Idle>) {
        let _ = self.idle.set(idle);
    }

    /// The id of the key that its calls are signed with.
    pub fn access_key(&self) -> &str {
        self.client.access_key()
    }

    /// Begins no more calls, and returns when none is under way: then a turn can be dropped without losing an answer that is paid
    /// for. The turn has to be polled beside this.
    pub async fn detach(&self) {
        self.detached.store(true, Ordering::Relaxed);
        // The sender lives as long as the engine.
        let _ = self.calling.subscribe().wait_for(|calls| *calls == 0).await;
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.detached.load(Ordering::Relaxed)
    }

    pub(crate) fn memo(&self) -> MutexGuard<'_, Memo> {
        self.memo.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment; never before an earlier one.
    pub(crate) fn now(&self) -> Timestamp {
        let wall = (self.tools.wall)().0;
        let mut memo = self.memo();
        memo.now = memo.now.max(wall);
        Timestamp(memo.now)
    }

    pub(crate) fn step(&self, name: &str) {
        (self.tools.step)(name);
    }

    /// A bucket, with the keys that the engine has.
    ///
    /// # Errors
    /// [`EngineError::Bucket`].
    pub fn objects(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, EngineError> {
        (self.buckets)(bucket).map_err(EngineError::Bucket)
    }

    /// The description of a pool.
    pub(crate) async fn spec(&self, pool: PoolId) -> Result<PoolSpec, EngineError> {
        if let Some(spec) = self.memo().specs.get(&pool) {
            return Ok(spec.clone());
        }
        let mut specs = HashMap::new();
        for (id, text) in self.store.pools().await? {
            specs.insert(id, serde_json::from_str(&text)?);
        }
        let found = specs.get(&pool).cloned().ok_or_else(|| StoreError::Missing(format!("pool {pool}")))?;
        self.memo().specs = specs;
        Ok(found)
    }

    /// Accepts files that were read, all or none of them: from here on they will be answered. Gives `false` when one of them was
    /// accepted before.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn accept(&self, files: Vec<Accepted>) -> Result<bool, EngineError> {
        self.room(files.iter().map(Accepted::bytes).sum())?;
        self.step("accepting");
        let mut accept = laneshift_store::Accept::default();
        let mut presses = false;
        for Accepted { submission, chunks, spans, pools, most: _, charges, workload } in files {
            let mut ids = Vec::new();
            presses |= self.presses(submission.deadline);
            for spec in &pools {
                ids.push(self.store.pool(&serde_json::to_string(spec)?).await?);
            }
            accept.workloads.extend(workload.iter().flat_map(|name| chunks.iter().map(|chunk| (chunk.id, name.clone()))));
            accept.chunks.extend(chunks.into_iter().map(|chunk| NewChunk { pool: ids[chunk.pool.0 as usize], ..chunk }));
            accept.submissions.push((submission, spans));
            accept.charges.extend(charges);
        }
        let new = match self.store.accept(&accept).await {
            Ok(()) => true,
            Err(laneshift_store::StoreError::Conflict(_)) => false,
            Err(error) => return Err(error.into()),
        };
        self.step("accepted");
        if presses {
            self.pressing.notify_one();
        }
        Ok(new)
    }

    /// Takes turns until a submission's records all have a result, delivers them, and takes turns until nothing that was asked
    /// for it is under way any more, so that the receipt is complete. Ends early only with an error, or when it is dropped; in
    /// both cases calling it again continues. Other submissions of the folder move on beside it.
    ///
    /// # Errors
    /// [`EngineError`]; [`EngineError::Held`] when AWS refuses its jobs for a reason that somebody has to mend.
    pub async fn finish(&self, id: &str) -> Result<crate::Receipt, EngineError> {
        let (mut delivered, mut turns) = (None, 0_u64);
        loop {
            let submission = self.store.submission(id).await?;
            if self.is_settled(&submission).await? {
                let so_far = match delivered {
                    Some(so_far) => so_far,
                    None => self.deliver(&submission).await?,
                };
                delivered = Some(so_far);
                if self.store.attempts(id).await?.iter().all(|attempt| !attempt.state.is_open()) {
                    self.deliver_others(id).await?;
                    return self.receipt(&submission, so_far).await;
                }
            }
            if turns > 0 {
                (self.tools.timer)(self.tools.poll).await;
            }
            turns += 1;
            self.turn_and_tell(&submission).await?;
            if let Some(why) = self.held(&submission).await? {
                return Err(EngineError::Held(why));
            }
        }
    }

    /// Delivers what has all its results, but for one. What cannot be delivered stays open, and is told to whoever continues it.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn deliver_others(&self, but: &str) -> Result<(), EngineError> {
        for other in self.store.submissions().await? {
            if other.state == SubmissionState::Open && other.new.id != but && self.is_settled(&other).await? {
                let _ = self.deliver(&other).await;
            }
        }
        Ok(())
    }

    /// A submission.
    ///
    /// # Errors
    /// [`EngineError::Store`] when there is none.
    pub async fn submission(&self, id: &str) -> Result<laneshift_store::Submission, EngineError> {
        Ok(self.store.submission(id).await?)
    }

    /// Takes a turn, and tells meanwhile how far it is.
    async fn turn_and_tell(&self, submission: &Submission) -> Result<(), EngineError> {
        // Both are polled to their end: one that stood still, or was cut off, could keep the connection that the other waits for.
        let over = Notify::new();
        let turn = async {
            let done = self.turn().await;
            over.notify_one();
            done
        };
        let telling = async {
            loop {
                let (tick, end) = ((self.tools.timer)(TELL), std::pin::pin!(over.notified()));
                match futures::future::select(tick, end).await {
                    futures::future::Either::Left(_) => self.tell(submission).await?,
                    futures::future::Either::Right(_) => return self.tell(submission).await,
                }
            }
        };
        let (turned, told) = futures::future::join(turn, telling).await;
        turned.and(told)
    }

    /// Whether every record of a submission has its result.
    pub(crate) async fn is_settled(&self, submission: &Submission) -> Result<bool, EngineError> {
        Ok(self.settled(&submission.new.id).await? == submission.new.records)
    }
}

//! The loop: decide, upload, create, watch, harvest, deliver.
//!
//! Every step is a move in the queue; whatever happens between two of them, the loop continues from what the queue says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use laneshift_aws::{AwsError, Client, WallClock};
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_store::{Bitmap, Cost, Costed, Job, JobChange, JobState, Store, StoreError, Submission, SubmissionState};
use laneshift_units::{ModelId, Money, ProfiledModel};
use object_store::ObjectStore;

use crate::accept::{Accepted, Request};
use crate::compose::compose;
use crate::limits::Limits;
use crate::submit::Created;

/// Lets time pass.
pub type Timer = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What the engine is handed, so that it reads no clock and no environment itself.
#[derive(Clone)]
pub struct Tools {
    /// Prices.
    pub catalog: Arc<Catalog>,
    /// Dated limits, for quotas that Service Quotas does not name.
    pub capabilities: Arc<Capabilities>,
    /// The machine's clock.
    pub wall: WallClock,
    /// Waits between two looks at AWS.
    pub timer: Timer,
    /// How long.
    pub poll: Duration,
    /// Told of every durable step, by name; a test dies there.
    pub step: Arc<dyn Fn(&str) + Send + Sync>,
    /// Told how far a submission is.
    pub progress: Arc<dyn Fn(&Progress) + Send + Sync>,
}

/// Where a submission is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Input goes to S3.
    Uploading,
    /// AWS has no slot for another job.
    WaitingForSlot,
    /// AWS runs its jobs.
    Running,
    /// Output is read.
    Harvesting,
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
}

/// What a submission came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its id.
    pub id: String,
    /// Records with an answer.
    pub answered: u64,
    /// Records that failed; they stand in the file of errors.
    pub failed: u64,
    /// Jobs that ran, with AWS's state of each.
    pub jobs: Vec<(String, String)>,
    /// What it cost, over all jobs.
    pub cost: Cost,
    /// The answers.
    pub output: PathBuf,
}

/// Why a submission cannot go on. Nothing that was accepted is lost.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// AWS refused, or gave no answer.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The queue.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// S3.
    #[error("S3: {0}")]
    Objects(#[from] object_store::Error),
    /// S3, while input was written.
    #[error("S3: {0}")]
    Upload(std::io::Error),
    /// The folder of the queue.
    #[error("the batch folder: {0}")]
    Spool(std::io::Error),
    /// The caller's output.
    #[error("{0}: {1}")]
    Output(PathBuf, std::io::Error),
    /// What the queue holds cannot be read.
    #[error("the queue holds what this program cannot read: {0}")]
    Json(#[from] serde_json::Error),
    /// The input location holds something else than was written.
    #[error("the input at {prefix} has {found} files and not the {expected} that were written")]
    Input {
        /// The prefix.
        prefix: String,
        /// Files found.
        found: usize,
        /// Files written.
        expected: usize,
    },
    /// AWS will not take a job.
    #[error("AWS refuses the job: {0}")]
    Refused(String),
    /// A job failed as a whole; its records stay accepted.
    #[error("the job {arn} failed: {message}")]
    JobFailed {
        /// Its ARN.
        arn: String,
        /// AWS's message.
        message: String,
    },
    /// Fewer records than a job needs.
    #[error("{records} records are fewer than the {min} that a batch job needs")]
    TooFew {
        /// How many.
        records: u64,
        /// The quota.
        min: u64,
    },
}

/// The engine over one folder, one account and one region.
pub struct Engine {
    pub(crate) folder: PathBuf,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) client: Client,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) tools: Tools,
    /// Records that AWS says each running job has processed.
    processed: Mutex<HashMap<u64, u64>>,
}

impl Engine {
    /// An engine.
    pub fn new(folder: &Path, store: Arc<dyn Store>, client: Client, objects: Arc<dyn ObjectStore>, tools: Tools) -> Self {
        Self { folder: folder.to_owned(), store, client, objects, tools, processed: Mutex::default() }
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.folder.join("spool")
    }

    pub(crate) fn step(&self, name: &str) {
        (self.tools.step)(name);
    }

    /// Accepts a file that was read: from here on it will be answered. Gives `false` when it was accepted before.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn accept(&self, accepted: &Accepted) -> Result<bool, EngineError> {
        self.step("accepting");
        let new = self.store.accept(&accepted.submission, &accepted.chunks, &accepted.spans).await?;
        self.step("accepted");
        Ok(new)
    }

    /// The limits of a model's jobs here and now.
    ///
    /// # Errors
    /// None of its own: without Service Quotas the dated defaults hold.
    pub async fn limits(&self, model: &ProfiledModel) -> Limits {
        let catalog = &self.tools.catalog;
        let key = catalog.model_key(&model.model);
        let is_it = |name: &str| key.is_some() && catalog.model_key(&ModelId::new(name)) == key;
        let quotas = self.client.quotas().await.unwrap_or_default();
        Limits::of(&is_it, &quotas, &self.tools.capabilities)
    }

    /// Takes a submission to its end and writes its results. Ends early only with an error, or when it is dropped; in both
    /// cases calling it again continues.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn run(&self, id: &str) -> Result<Receipt, EngineError> {
        let submission = self.store.submission(id).await?;
        let request: Request = serde_json::from_str(&submission.new.request)?;
        let model = ProfiledModel::parse_id(&request.model);
        let limits = self.limits(&model).await;
        let mut reads: HashMap<u64, u32> = HashMap::new();
        if submission.state == SubmissionState::Open {
            loop {
                let phase = self.turn(&submission, &request, &model, &limits, &mut reads).await?;
                let Some(phase) = phase else { break };
                self.report(id, phase).await?;
                (self.tools.timer)(self.tools.poll).await;
            }
        }
        let delivered = self.deliver(&submission, &request).await?;
        if submission.state == SubmissionState::Open {
            self.store.move_submission(id, SubmissionState::Open, SubmissionState::Delivered).await?;
        }
        self.step("delivered");
        self.receipt(id, &request, delivered.answered, delivered.failed).await
    }

    /// One turn of the loop; `None` when every record has its result.
    async fn turn(
        &self,
        submission: &Submission,
        request: &Request,
        model: &ProfiledModel,
        limits: &Limits,
        reads: &mut HashMap<u64, u32>,
    ) -> Result<Option<Phase>, EngineError> {
        let mut phase = self.decide(submission, request, limits).await?;
        for job in self.open_jobs(submission).await? {
            let next = match job.state {
                JobState::Intent => {
                    self.upload(&job).await?;
                    Some(Phase::Uploading)
                }
                JobState::Uploaded if self.running(&job).await? >= limits.open_max => Some(Phase::WaitingForSlot),
                JobState::Uploaded => match self.create(&job).await? {
                    Created::Yes => Some(Phase::Running),
                    Created::Later => Some(Phase::WaitingForSlot),
                    Created::Never(message) => return Err(EngineError::Refused(message)),
                },
                JobState::Created => self.watch(&job).await?,
                JobState::Terminal => {
                    let count = reads.entry(job.intent.id).or_insert(0);
                    *count += 1;
                    let done = self.harvest(&job, model, *count).await?;
                    Some(if done { Phase::Running } else { Phase::Harvesting })
                }
                JobState::Closed | JobState::Revoked => None,
            };
            phase = next.or(phase);
        }
        Ok(phase)
    }

    /// The jobs of a submission that are not over. Those of others are for their own run.
    async fn open_jobs(&self, submission: &Submission) -> Result<Vec<Job>, EngineError> {
        let jobs = self.store.jobs(&submission.new.id).await?;
        Ok(jobs.into_iter().filter(|job| job.state.is_open()).collect())
    }

    /// Jobs of this queue, of whatever submission, that hold one of AWS's slots for this model.
    async fn running(&self, job: &Job) -> Result<u64, EngineError> {
        let open = self.store.open_jobs().await?;
        let holds = |other: &&Job| other.state == JobState::Created && other.intent.pool == job.intent.pool;
        Ok(open.iter().filter(holds).count() as u64)
    }

    /// Makes jobs of the records that are free. `None` when there is nothing left to wait for.
    async fn decide(&self, submission: &Submission, request: &Request, limits: &Limits) -> Result<Option<Phase>, EngineError> {
        let chunks = self.store.chunks(&submission.new.id).await?;
        let mut free = Vec::new();
        let mut settled = true;
        let mut tried = false;
        for chunk in chunks {
            let all = Bitmap::first(chunk.new.records as usize);
            settled &= chunk.done == all;
            tried |= !chunk.done.is_empty();
            let slots = all.without(&chunk.done.or(&chunk.open));
            if !slots.is_empty() {
                free.push((chunk, slots));
            }
        }
        if settled {
            return Ok(None);
        }
        let composed = compose(&free, limits);
        if composed.left_over > 0 {
            let open = self.open_jobs(submission).await?;
            if open.is_empty() && !tried {
                return Err(EngineError::TooFew { records: composed.left_over, min: limits.records_min });
            }
            if open.is_empty() {
                // What is left after retries is too little for a job: it is reported, not forgotten.
                return Ok(None);
            }
        }
        for members in composed.jobs {
            self.intend(submission, request, limits, members).await?;
        }
        Ok(Some(Phase::Running))
    }

    /// Looks at a job at AWS. A job that is not found just after its creation is looked for again.
    async fn watch(&self, job: &Job) -> Result<Option<Phase>, EngineError> {
        let arn = job.arn.clone().unwrap_or_default();
        let view = match self.client.get_job(&arn).await {
            Ok(view) => view,
            Err(error) if error.is("ResourceNotFoundException") || error.is_transient() => return Ok(Some(Phase::Running)),
            Err(error) => return Err(error.into()),
        };
        let seen = JobChange { provider_state: Some(view.status.clone()), message: view.message.clone(), ..JobChange::default() };
        if !view.is_terminal() {
            self.seen(job.intent.id, view.counts[1]);
            if job.provider_state.as_ref() != Some(&view.status) {
                self.store.move_job(job.intent.id, JobState::Created, JobState::Created, &seen).await?;
            }
            return Ok(Some(Phase::Running));
        }
        if view.status == "Failed" && view.counts[1] == 0 {
            // Nothing ran and nothing is billed: its records are free, and whoever asked must mend what AWS names.
            self.store.move_job(job.intent.id, JobState::Created, JobState::Revoked, &seen).await?;
            return Err(EngineError::JobFailed { arn, message: view.message.unwrap_or_default() });
        }
        self.store.move_job(job.intent.id, JobState::Created, JobState::Terminal, &seen).await?;
        self.step("ended");
        Ok(Some(Phase::Harvesting))
    }

    fn seen(&self, job: u64, processed: u64) {
        self.processed.lock().unwrap_or_else(PoisonError::into_inner).insert(job, processed);
    }

    async fn report(&self, id: &str, phase: Phase) -> Result<(), EngineError> {
        let chunks = self.store.chunks(id).await?;
        let jobs = self.store.jobs(id).await?;
        let mut paid = Money::ZERO;
        for job in &jobs {
            paid += self.store.cost(job.intent.id).await?.map_or(Money::ZERO, |cost| cost.paid);
        }
        let open: Vec<&Job> = jobs.iter().filter(|job| job.state.is_open()).collect();
        let processed = {
            let seen = self.processed.lock().unwrap_or_else(PoisonError::into_inner);
            open.iter().filter_map(|job| seen.get(&job.intent.id)).sum()
        };
        let progress = Progress {
            phase,
            records: chunks.iter().map(|c| u64::from(c.new.records)).sum(),
            settled: chunks.iter().map(|c| c.done.count()).sum(),
            processed,
            jobs: open.iter().map(|job| job.provider_state.clone().unwrap_or_else(|| job.state.name().to_owned())).collect(),
            paid,
        };
        (self.tools.progress)(&progress);
        Ok(())
    }

    async fn receipt(&self, id: &str, request: &Request, answered: u64, failed: u64) -> Result<Receipt, EngineError> {
        let mut cost = Cost::NOTHING;
        let mut jobs = Vec::new();
        for job in self.store.jobs(id).await? {
            if let Some(one) = self.store.cost(job.intent.id).await? {
                cost.usage += one.usage;
                cost.paid += one.paid;
                cost.on_demand += one.on_demand;
                cost.waste += one.waste;
                if one.costed == Costed::Unpriced {
                    cost.costed = Costed::Unpriced;
                }
            }
            if let Some(arn) = job.arn {
                jobs.push((arn, job.provider_state.unwrap_or_default()));
            }
        }
        Ok(Receipt { id: id.to_owned(), answered, failed, jobs, cost, output: request.output.clone() })
    }
}

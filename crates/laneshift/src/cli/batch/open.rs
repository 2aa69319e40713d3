//! The queue, AWS and S3 as the command line and the environment name them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use laneshift_aws::{Client, Credentials, Endpoints, nowhere, over_network};
use laneshift_batch::decide::Window;
use laneshift_batch::{Buckets, Engine, Progress, Settings, Terms, Tools};
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_store::sqlite::Sqlite;
use laneshift_store::{Intake, Lane, StoreError, Submission};

use crate::cli::duration;
use crate::clock;
use crate::error::Error;

/// What every command over the queue takes.
#[derive(Args)]
pub(crate) struct QueueArgs {
    /// Folder of the queue: accepted requests, jobs and results
    #[arg(long, default_value = "laneshift-batch", env = "LANESHIFT_BATCH_DATA")]
    pub(crate) data: PathBuf,
}

/// What commands that talk to AWS take.
#[derive(Args)]
pub(crate) struct AwsArgs {
    /// Region of the jobs
    #[arg(long, env = "AWS_REGION")]
    region: Option<String>,
    /// One endpoint for Bedrock, Service Quotas and S3 instead of AWS's
    #[arg(long, env = "AWS_ENDPOINT_URL")]
    endpoint_url: Option<String>,
    /// Seconds between two looks at a job
    #[arg(long, default_value_t = 30.0, allow_negative_numbers = true, env = "LANESHIFT_BATCH_POLL_S")]
    poll_s: f64,
    /// Other keys than those of the environment's usual names.
    #[arg(skip)]
    keys: Option<Credentials>,
}

/// Which on-demand lanes late and few records may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RescueArg {
    /// Whichever is cheaper.
    Any,
    /// The flex tier only.
    Flex,
    /// The standard tier only.
    OnDemand,
    /// None: what batch does not answer in time expires.
    None,
}

/// How much the on-demand lanes take.
#[derive(Args)]
pub(crate) struct RateArgs {
    /// Quota tokens a minute for late and few records on the on-demand lanes; half the account's quota when left out
    #[arg(long, value_name = "TOKENS", env = "LANESHIFT_BATCH_RESCUE_TPM")]
    pub(crate) rescue_tpm: Option<u64>,
}

/// How the lanes may be used for what is accepted; kept with it.
#[derive(Args)]
pub(crate) struct TermsArgs {
    /// On-demand lanes for records that would miss their deadline in batch, or are too few for a job [default: any]
    #[arg(long, value_enum, env = "LANESHIFT_BATCH_RESCUE")]
    rescue: Option<RescueArg>,
    /// Do not fill small jobs up to AWS's minimum, even where that is cheapest
    #[arg(long)]
    no_pad: bool,
    /// How long records wait for others before a job is made of them [default: 0m]
    #[arg(long, value_name = "TIME")]
    linger: Option<String>,
    /// Create jobs only then, unless a deadline asks for more: "mon-fri 22-6 Europe/Berlin"
    #[arg(long, env = "LANESHIFT_BATCH_WINDOW")]
    window: Option<String>,
}

impl TermsArgs {
    /// These, and otherwise what was agreed before.
    pub(crate) fn over(&self, mut terms: Terms) -> Result<Terms, Error> {
        match self.rescue {
            None => {}
            Some(RescueArg::Any) => terms.lanes = vec![Lane::Flex, Lane::OnDemand],
            Some(RescueArg::Flex) => terms.lanes = vec![Lane::Flex],
            Some(RescueArg::OnDemand) => terms.lanes = vec![Lane::OnDemand],
            Some(RescueArg::None) => terms.lanes = Vec::new(),
        }
        if let Some(window) = &self.window {
            let window = Window::parse(window);
            terms.window = Some(window.map_err(|e| Error::Argument { what: "--window".to_owned(), reason: e.to_string() })?);
        }
        if let Some(linger) = &self.linger {
            terms.linger_ms = duration::parse("--linger", linger)?;
        }
        terms.pad &= !self.no_pad;
        Ok(terms)
    }
}

impl AwsArgs {
    /// The same without a command line, with these keys.
    pub(crate) fn of(region: &str, endpoint_url: Option<String>, poll_s: f64, keys: Credentials) -> Self {
        Self { region: Some(region.to_owned()), endpoint_url, poll_s, keys: Some(keys) }
    }

    /// The region, which has no default: a job in the wrong one costs money.
    pub(crate) fn region(&self) -> Result<String, Error> {
        let default = std::env::var("AWS_DEFAULT_REGION").ok();
        let region = self.region.clone().or(default).filter(|r| !r.is_empty());
        region.ok_or_else(|| Error::Argument {
            what: "--region".to_owned(),
            reason: "a region is needed; set AWS_REGION".to_owned(),
        })
    }

    /// A client.
    pub(crate) fn client(&self) -> Result<Client, Error> {
        let endpoints = Endpoints { custom: self.endpoint_url.clone() };
        let usual = || credentials(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]);
        let keys = self.keys.clone().map_or_else(usual, Ok)?;
        Ok(Client::new(over_network(), keys, &self.region()?, endpoints, Arc::new(clock::now)))
    }

    /// Opens buckets.
    pub(crate) fn buckets(&self) -> Buckets {
        let (endpoint, keys) = (self.endpoint_url.clone(), self.keys.clone().zip(self.region.clone()));
        Arc::new(move |bucket| {
            let opened = match &keys {
                None => laneshift_aws::s3::open(bucket, endpoint.as_deref()),
                Some((keys, region)) => laneshift_aws::s3::open_in(region, keys, bucket, endpoint.as_deref()),
            };
            opened.map_err(|e| format!("open s3://{bucket}: {e}"))
        })
    }
}

/// The keys in the environment under these names: the access key, its secret, and the session's token, which need not be there.
pub(crate) fn credentials<S: AsRef<str>>([access_key, secret_key, session_token]: [S; 3]) -> Result<Credentials, Error> {
    let read = |name: &S| std::env::var(name.as_ref()).ok().filter(|value| !value.is_empty());
    let needed = |name: &S| {
        let reason = "it is not set, and requests to AWS are signed with it".to_owned();
        read(name).ok_or_else(|| Error::Argument { what: name.as_ref().to_owned(), reason })
    };
    Ok(Credentials { access_key: needed(&access_key)?, secret_key: needed(&secret_key)?, session_token: read(&session_token) })
}

/// A queue with everything that moves it.
pub(crate) struct Opened {
    pub(crate) store: Arc<Sqlite>,
    pub(crate) engine: Engine,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) capabilities: Arc<Capabilities>,
}

/// Opens the queue.
pub(crate) async fn store(folder: &Path) -> Result<Arc<Sqlite>, Error> {
    Sqlite::open(folder).await.map(Arc::new).map_err(|error| match error {
        StoreError::Conflict(_) => Error::Busy(folder.to_owned()),
        error => Error::Batch(format!("open the queue in {}: {error}", folder.display())),
    })
}

/// What an engine knows of models: read once, however many queues are opened.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) capabilities: Arc<Capabilities>,
}

impl Known {
    pub(crate) fn shipped() -> Result<Self, Error> {
        Self::of(Catalog::shipped().map(Arc::new).map_err(|e| Error::Catalog(e.to_string()))?)
    }

    /// With this catalogue.
    pub(crate) fn of(catalog: Arc<Catalog>) -> Result<Self, Error> {
        let capabilities = Capabilities::shipped().map(Arc::new).map_err(|e| Error::Data(e.to_string()))?;
        Ok(Self { catalog, capabilities })
    }
}

/// Opens a queue and an engine over it.
pub(crate) async fn open(
    queue: &QueueArgs,
    aws: &AwsArgs,
    rescue_tpm: Option<u64>,
    progress: Arc<dyn Fn(&Progress) + Send + Sync>,
) -> Result<Opened, Error> {
    open_with(Known::shipped()?, queue, aws, rescue_tpm, progress).await
}

/// The same, with what is known already.
pub(crate) async fn open_with(
    known: Known,
    queue: &QueueArgs,
    aws: &AwsArgs,
    rescue_tpm: Option<u64>,
    progress: Arc<dyn Fn(&Progress) + Send + Sync>,
) -> Result<Opened, Error> {
    if !(aws.poll_s.is_finite() && aws.poll_s > 0.0) {
        return Err(Error::Argument { what: "--poll-s".to_owned(), reason: "a number of seconds above 0 is needed".to_owned() });
    }
    let mut settings = Settings::default();
    settings.rescue.tokens_per_minute = rescue_tpm;
    let client = aws.client()?;
    let poll = Duration::from_secs_f64(aws.poll_s);
    with(known, &queue.data, store(&queue.data).await?, (client, aws.buckets()), poll, settings, progress)
}

/// Opens a queue to look at it, without AWS, and beside a process that works in it.
pub(crate) async fn look(queue: &QueueArgs) -> Result<Opened, Error> {
    look_with(Known::shipped()?, queue).await
}

/// The same, with what is known already.
pub(crate) async fn look_with(known: Known, queue: &QueueArgs) -> Result<Opened, Error> {
    let failed = |error: StoreError| match error {
        StoreError::Missing(_) => Error::NoSuch(format!("a queue in {}", queue.data.display())),
        error => Error::Batch(format!("open the queue in {}: {error}", queue.data.display())),
    };
    let store = Sqlite::look(&queue.data).await.map(Arc::new).map_err(failed)?;
    let none = Credentials { access_key: String::new(), secret_key: String::new(), session_token: None };
    let client = Client::new(nowhere(), none, "", Endpoints { custom: None }, Arc::new(clock::now));
    let buckets: Buckets = Arc::new(|_| Err("this does not talk to AWS".to_owned()));
    with(known, &queue.data, store, (client, buckets), Duration::ZERO, Settings::default(), Arc::new(|_| {}))
}

fn with(
    Known { catalog, capabilities }: Known,
    folder: &Path,
    store: Arc<Sqlite>,
    (client, buckets): (Client, Buckets),
    poll: Duration,
    settings: Settings,
    progress: Arc<dyn Fn(&Progress) + Send + Sync>,
) -> Result<Opened, Error> {
    let tools = Tools {
        catalog: catalog.clone(),
        capabilities: capabilities.clone(),
        wall: Arc::new(clock::now),
        timer: Arc::new(|wait| Box::pin(clock::sleep(wait))),
        poll,
        free_bytes: Arc::new(free_bytes),
        chance: laneshift_batch::machine_chance(),
        // Where a machine does not say, every process counts as a new start: bounds are then wider than they need be.
        boot: std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_else(|_| format!("{}", clock::now())),
        step: Arc::new(die_where_told),
        progress,
    };
    let engine = Engine::new(folder, store.clone(), client, buckets, tools, settings);
    Ok(Opened { store, engine: engine.map_err(|e| Error::Batch(e.to_string()))?, catalog, capabilities })
}

/// What the disk of a folder has free for this user.
fn free_bytes(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// A test names the durable step after which the process is to die, as `kill -9` would have it.
fn die_where_told(step: &str) {
    if std::env::var("LANESHIFT_DIE_AFTER").is_ok_and(|named| named == step) {
        std::process::abort();
    }
}

/// The submission whose id begins so, or the only one that `wanted` takes.
pub(crate) async fn pick(store: &Sqlite, id: Option<&str>, wanted: impl Fn(&Submission) -> bool) -> Result<Submission, Error> {
    let all = store.submissions().await.map_err(|e| Error::Batch(e.to_string()))?;
    let mut found: Vec<Submission> = match id {
        Some(id) => all.into_iter().filter(|s| s.new.id.starts_with(id)).collect(),
        None => all.into_iter().filter(|s| wanted(s)).collect(),
    };
    match (found.len(), found.pop()) {
        (1, Some(one)) => Ok(one),
        (0, _) | (_, None) => {
            Err(Error::NoSuch(id.map_or_else(|| "a submission for this".to_owned(), |id| format!("submission {id}"))))
        }
        (n, Some(last)) => {
            found.push(last);
            let ids: Vec<&str> = found.iter().map(|s| &*s.new.id).collect();
            let reason = format!("{n} submissions fit: name one of {}", ids.join(", "));
            Err(Error::Argument { what: "which submission is meant".to_owned(), reason })
        }
    }
}

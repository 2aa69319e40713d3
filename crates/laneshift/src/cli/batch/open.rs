//! The queue, AWS and S3 as the environment names them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use laneshift_aws::{Client, Credentials, Endpoints, over_network};
use laneshift_batch::{Engine, Progress, Tools};
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_store::sqlite::Sqlite;

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
    pub(crate) region: Option<String>,
    /// One endpoint for Bedrock, Service Quotas and S3 instead of AWS's
    #[arg(long, env = "AWS_ENDPOINT_URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Seconds between two looks at a job
    #[arg(long, default_value_t = 30.0, env = "LANESHIFT_BATCH_POLL_S")]
    pub(crate) poll_s: f64,
}

impl AwsArgs {
    /// The region, which has no default: a job in the wrong one costs money.
    pub(crate) fn region(&self) -> Result<String, Error> {
        let default = std::env::var("AWS_DEFAULT_REGION").ok();
        let region = self.region.clone().or(default).filter(|r| !r.is_empty());
        region.ok_or_else(|| Error::Argument {
            what: "--region".to_owned(),
            reason: "a region is needed; set AWS_REGION".to_owned(),
        })
    }

    fn credentials() -> Result<Credentials, Error> {
        let read = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let needed = |name: &str| read(name).ok_or_else(|| Error::Batch(format!("sign requests: {name} is not set")));
        Ok(Credentials {
            access_key: needed("AWS_ACCESS_KEY_ID")?,
            secret_key: needed("AWS_SECRET_ACCESS_KEY")?,
            session_token: read("AWS_SESSION_TOKEN"),
        })
    }

    /// A client.
    pub(crate) fn client(&self) -> Result<Client, Error> {
        let endpoints = Endpoints { custom: self.endpoint_url.clone() };
        Ok(Client::new(over_network(), Self::credentials()?, &self.region()?, endpoints, Arc::new(clock::now)))
    }
}

/// Opens the queue.
pub(crate) async fn store(folder: &Path) -> Result<Sqlite, Error> {
    Sqlite::open(folder).await.map_err(|e| Error::Batch(e.to_string()))
}

/// An engine over an open queue, for one bucket.
pub(crate) fn engine(
    folder: &Path,
    store: Arc<Sqlite>,
    catalog: Arc<Catalog>,
    aws: &AwsArgs,
    bucket: &str,
    progress: Arc<dyn Fn(&Progress) + Send + Sync>,
) -> Result<Engine, Error> {
    let capabilities = Capabilities::shipped().map_err(|e| Error::Data(e.to_string()))?;
    let objects = laneshift_aws::s3::open(bucket, aws.endpoint_url.as_deref());
    let objects = objects.map_err(|e| Error::Batch(format!("open s3://{bucket}: {e}")))?;
    if !(aws.poll_s.is_finite() && aws.poll_s > 0.0) {
        return Err(Error::Argument { what: "--poll-s".to_owned(), reason: "a number of seconds above 0 is needed".to_owned() });
    }
    let tools = Tools {
        catalog,
        capabilities: Arc::new(capabilities),
        wall: Arc::new(clock::now),
        timer: Arc::new(|wait| Box::pin(clock::sleep(wait))),
        poll: Duration::from_secs_f64(aws.poll_s),
        step: Arc::new(die_where_told),
        progress,
    };
    Ok(Engine::new(folder, store, aws.client()?, objects, tools))
}

/// A test names the durable step after which the process is to die, as `kill -9` would have it.
fn die_where_told(step: &str) {
    if std::env::var("LANESHIFT_DIE_AFTER").is_ok_and(|named| named == step) {
        std::process::abort();
    }
}

/// The shipped prices.
pub(crate) fn catalog() -> Result<Arc<Catalog>, Error> {
    Catalog::shipped().map(Arc::new).map_err(|e| Error::Catalog(e.to_string()))
}

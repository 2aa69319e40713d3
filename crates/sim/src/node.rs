//! The process between clients and Bedrock, gateway and batch engine, over a folder and a queue that outlive it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use laneshift_aws::{Client, Credentials, Endpoints};
use laneshift_batch::{Buckets, Chance, Engine, Place, Settings as EngineSettings, Terms, Tools};
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_example::{CalledAs, Company, Workload};
use laneshift_gateway::config::Config;
use laneshift_gateway::keys::{self, Secrets};
use laneshift_gateway::{Gateway, Later, Wire, queue_of};
use laneshift_store::Store;
use laneshift_store::memory::Memory;
use object_store::local::LocalFileSystem;
use serde_json::Value;

use crate::aws::{Aws, GATEWAY_KEYS, HOST_NAME, JOBS_BUCKET};
use crate::error::SimError;
use crate::kept::keep;
use crate::seams::Seams;
use crate::traffic::Traffic;
use crate::watch::Watch;

/// Between two looks of the batch lane: a month of them has to pass in seconds.
pub(crate) const TURN_MS: i64 = 15 * 60_000;
/// What it keeps free before a deadline: time for two looks.
const MARGIN_MS: i64 = 2 * TURN_MS;
/// So long do requests wait for others: a run of any workload here is over by then, and becomes one job.
const LINGER_MS: i64 = 5 * 3_600_000;

/// A running process.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) gateway: Gateway,
    pub(crate) later: Later,
}

/// The shipped catalogue: reading it takes longer than a short month does.
fn catalog() -> Result<Arc<Catalog>, SimError> {
    static SHIPPED: OnceLock<Arc<Catalog>> = OnceLock::new();
    if let Some(catalog) = SHIPPED.get() {
        return Ok(catalog.clone());
    }
    let catalog = Catalog::shipped().map_err(|e| SimError::Refused(format!("read the catalogue: {e}")))?;
    Ok(SHIPPED.get_or_init(|| Arc::new(catalog)).clone())
}

/// What outlives it.
pub(crate) struct Ground {
    pub(crate) catalog: Arc<Catalog>,
    capabilities: Arc<Capabilities>,
    pub(crate) store: Arc<dyn Store>,
    /// Keys of the gateway by owner.
    pub(crate) keys: BTreeMap<String, Secrets>,
    data: PathBuf,
    config: Config,
    pub(crate) place: Place,
    chance: Chance,
    pub(crate) seams: Seams,
}

impl Ground {
    /// A new folder, with keys for every owner.
    pub(crate) fn new(traffic: &Traffic, data: PathBuf, policy: &Path, seams: Seams) -> Result<Self, SimError> {
        let company = &traffic.company;
        let queue = queue_of(&data);
        std::fs::create_dir_all(&queue)?;
        // Always the same ids, so that a month can be run again.
        std::fs::write(queue.join("id.key"), [7; 32])?;
        let owners: BTreeSet<&str> = company.workloads.iter().map(|workload| workload.role.as_str()).collect();
        let mut keys = BTreeMap::new();
        for owner in owners {
            keys.insert(owner.to_owned(), keys::create(&data, &keys::Key::named("", owner), company.start)?);
        }
        Ok(Self {
            catalog: catalog()?,
            capabilities: Arc::new(Capabilities::shipped()?),
            store: Arc::new(Memory::default()),
            keys,
            config: config(company, &data, policy)?,
            place: place(traffic.main_region()),
            chance: chance(company.seed),
            data,
            seams,
        })
    }

    /// Leaves the books of the batch lane where a gateway keeps them.
    pub(crate) fn keep_books(&self) -> Result<(), SimError> {
        keep(&*self.store, &queue_of(&self.data))
    }

    /// The process begins.
    pub(crate) async fn open(&self, aws: &Aws, watch: &Watch) -> Result<Node, SimError> {
        let (engine, queue) = (Arc::new(self.engine(aws, watch)?), queue_of(&self.data));
        let later = Later { engine, place: self.place.clone(), queue };
        let env = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some(GATEWAY_KEYS.0.to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some(GATEWAY_KEYS.1.to_owned()),
            _ => None,
        };
        let wire = Wire::InProcess((self.seams.wire)(watch.wire(aws.wire())));
        let (config, catalog) = (self.config.clone(), self.catalog.clone());
        let gateway = Gateway::open(config, catalog, aws.clock.wall(), &env, (wire, vec![later.clone()]))?;
        gateway.finish_begun(&later).await?;
        gateway.read_quotas().await;
        Ok(Node { gateway, later })
    }

    fn engine(&self, aws: &Aws, watch: &Watch) -> Result<Engine, SimError> {
        let (watching, step) = (watch.clone(), self.seams.step.clone());
        let tools = Tools {
            catalog: self.catalog.clone(),
            capabilities: self.capabilities.clone(),
            wall: aws.clock.wall(),
            // Only time that nobody waits for passes here: turns are taken from outside.
            timer: Arc::new(|_| Box::pin(std::future::pending())),
            poll: Duration::from_millis(TURN_MS.unsigned_abs()),
            free_bytes: Arc::new(|_| None),
            chance: self.chance.clone(),
            boot: "simulated".to_owned(),
            step: Arc::new(move |name| {
                watching.note(|| name.to_owned());
                step(name);
            }),
            progress: Arc::new(|_| {}),
        };
        let root = aws.emulator.folder().join("s3");
        let buckets: Buckets = Arc::new(move |bucket| {
            let store = LocalFileSystem::new_with_prefix(root.join(bucket)).map_err(|e| e.to_string())?;
            Ok(Arc::new(store))
        });
        let keys =
            Credentials { access_key: GATEWAY_KEYS.0.to_owned(), secret_key: GATEWAY_KEYS.1.to_owned(), session_token: None };
        let endpoints = Endpoints { custom: Some(format!("http://{HOST_NAME}")) };
        let transport = (self.seams.transport)(watch.transport(aws.transport()));
        let client = Client::new(transport, keys, &self.place.region, endpoints, aws.clock.wall());
        let settings = EngineSettings { margin_ms: MARGIN_MS, ..EngineSettings::default() };
        let store = (self.seams.store)(self.store.clone());
        Ok(Engine::new(&queue_of(&self.data), store, client, buckets, tools, settings)?)
    }
}

/// Bytes that follow from a seed, others each time.
fn chance(seed: u64) -> Chance {
    let drawn = AtomicU64::new(0);
    Arc::new(move |bytes| {
        let n = drawn.fetch_add(1, Ordering::Relaxed);
        for (place, chunk) in bytes.chunks_mut(8).enumerate() {
            let eight = laneshift_provider::chance::draw(seed, &format!("{n}/{place}")).to_le_bytes();
            chunk.copy_from_slice(&eight[..chunk.len()]);
        }
        Ok(())
    })
}

fn place(region: &str) -> Place {
    Place {
        region: region.to_owned(),
        role: "arn:aws:iam::111122223333:role/BatchRole".to_owned(),
        bucket: JOBS_BUCKET.to_owned(),
        prefix: "later".to_owned(),
        terms: Terms { linger_ms: LINGER_MS, ..Terms::default() },
    }
}

/// One upstream for each region that the company calls, and its application profiles by owner.
fn config(company: &Company, data: &Path, policy: &Path) -> Result<Config, SimError> {
    let places: BTreeSet<(&str, &str)> =
        company.workloads.iter().map(|workload| (workload.account.as_str(), workload.region.as_str())).collect();
    let quoted = |path: &Path| Value::from(path.to_string_lossy()).to_string();
    let mut text = format!("data = {}\npolicy = {}\n", quoted(data), quoted(policy));
    for (account, region) in places {
        text += &format!("[[upstream]]\naccount = \"{account}\"\nregion = \"{region}\"\n");
        text += &format!("endpoint_url = \"http://{HOST_NAME}\"\n");
    }
    let called_by_arn = |workload: &&Workload| matches!(workload.called_as, CalledAs::Application(_));
    for workload in company.workloads.iter().filter(called_by_arn) {
        let (model, arn) = (&workload.model, workload.model_id());
        text += &format!("[[owners.{:?}.profile]]\nmodel = \"{model}\"\narn = \"{arn}\"\n", workload.role);
    }
    let path: PathBuf = data.join("gateway.toml");
    std::fs::write(&path, text)?;
    Config::read(&path).map_err(|e| SimError::Refused(e.to_string()))
}

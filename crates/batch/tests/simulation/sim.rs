//! A world: an emulated AWS, a queue over it, a clock, and what is true of them at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request as HttpRequest, Response};
use http_body_util::BodyExt;
use laneshift_aws::{Client, Credentials, Endpoints, Transport, TransportError};
use laneshift_batch::{
    Accepted, Buckets, Engine, EngineError, Idle, Outlook, Place, Progress, Receipt, Request, Settings, Terms, Tools,
    submission_id,
};
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_emulator::{Body, Emulator, Options, Pace};
use laneshift_provider::bill::{By, PriceList};
use laneshift_provider::settings::Settings as Provider;
use laneshift_store::memory::Memory;
use laneshift_store::{ChunkId, Store};
use laneshift_units::{Money, Timestamp};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::util::BoxCloneSyncService;

pub(crate) const START: Timestamp = Timestamp::from_civil(2026, 11, 2, 0, 0, 0);
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const BUCKET: &str = "simulated";
/// Turns are a minute apart.
const POLL: Duration = Duration::from_secs(60);

/// What others do while the engine waits: how many waits from now, and what.
pub(crate) type Meanwhile = Arc<Mutex<Vec<(u64, Deed)>>>;

/// What somebody else does to the queue.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Takes a submission back.
    Cancel(String),
    /// Asks for a record to be erased.
    Redact(ChunkId, usize),
}

/// Told of every durable step.
pub(crate) type Hook = Arc<dyn Fn(&str) + Send + Sync>;
/// Stands between the engine and a bucket.
pub(crate) type Between = Arc<dyn Fn(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> + Send + Sync>;

pub(crate) struct Sim {
    pub(crate) emulator: Emulator,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Settings,
    pub(crate) terms: Terms,
    pub(crate) between: Between,
    pub(crate) meanwhile: Meanwhile,
    pub(crate) boot: String,
    /// What is idle of paid capacity.
    pub(crate) idle: Option<Arc<dyn Idle>>,
    catalog: Arc<Catalog>,
    pub(crate) folder: TempDir,
    _aws: TempDir,
}

impl Sim {
    pub(crate) fn new() -> Self {
        Self::with(Provider::default(), Arc::new(Memory::default()))
    }

    pub(crate) fn with(settings: Provider, store: Arc<dyn Store>) -> Self {
        let aws = tempfile::tempdir().expect("a folder");
        let folder = tempfile::tempdir().expect("a folder");
        // Always the same ids, so that a history that fails can be run again.
        std::fs::write(folder.path().join("id.key"), [7; 32]).expect("written");
        let clock = Arc::new(AtomicI64::new(START.0));
        let wall = clock.clone();
        let options = Options {
            folder: aws.path().to_owned(),
            settings,
            pace: Pace::Speed(1.0),
            start: Some(START),
            auth: false,
            wall: Arc::new(move || Timestamp(wall.load(Ordering::Relaxed))),
            tell: Arc::new(|what| panic!("the emulator says {what}")),
        };
        let emulator = Emulator::open(options).expect("a folder");
        std::fs::create_dir_all(aws.path().join("s3").join(BUCKET)).expect("a bucket");
        Self {
            emulator,
            clock,
            store,
            settings: Settings::default(),
            terms: Terms::default(),
            between: Arc::new(|store| store),
            meanwhile: Arc::default(),
            boot: "first".to_owned(),
            idle: None,
            catalog: Arc::new(Catalog::shipped().expect("shipped")),
            folder,
            _aws: aws,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::Relaxed))
    }

    /// Time passes, and AWS goes on.
    pub(crate) async fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
        self.emulator.settle().await;
    }

    /// An engine over the queue, as a process that has just begun has one.
    pub(crate) fn engine(&self, hook: Hook) -> Engine {
        let (clock, emulator) = (self.clock.clone(), self.emulator.clone());
        let wall = self.clock.clone();
        let (store, meanwhile) = (self.store.clone(), self.meanwhile.clone());
        let timer = move |length: Duration| -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
            let (clock, emulator) = (clock.clone(), emulator.clone());
            let (store, meanwhile) = (store.clone(), meanwhile.clone());
            Box::pin(async move {
                if length < POLL {
                    // Progress is told once a turn: nothing moves the clock while a turn is taken.
                    return std::future::pending().await;
                }
                clock.fetch_add(i64::try_from(length.as_millis()).expect("short"), Ordering::Relaxed);
                emulator.settle().await;
                let due = {
                    let mut meanwhile = meanwhile.lock().unwrap_or_else(PoisonError::into_inner);
                    meanwhile.iter_mut().for_each(|(left, _)| *left = left.saturating_sub(1));
                    let (due, kept) = meanwhile.drain(..).partition::<Vec<_>, _>(|(left, _)| *left == 0);
                    *meanwhile = kept;
                    due
                };
                for (_, deed) in due {
                    // A submission that is delivered already cannot be taken back.
                    match deed {
                        Deed::Cancel(id) => drop(store.cancel(&id).await),
                        Deed::Redact(chunk, slot) => {
                            drop(store.redact(chunk, &laneshift_store::Bitmap::range(slot..slot + 1)).await);
                        }
                    }
                }
            })
        };
        let tools = Tools {
            catalog: self.catalog.clone(),
            capabilities: Arc::new(Capabilities::shipped().expect("shipped")),
            wall: Arc::new(move || Timestamp(wall.load(Ordering::Relaxed))),
            timer: Arc::new(timer),
            poll: POLL,
            free_bytes: Arc::new(|_| None),
            chance: laneshift_batch::machine_chance(),
            boot: self.boot.clone(),
            step: hook,
            progress: Arc::new(|_: &Progress| {}),
        };
        let (root, between) = (self.emulator.folder().join("s3"), self.between.clone());
        let buckets: Buckets = Arc::new(move |bucket| {
            let store = LocalFileSystem::new_with_prefix(root.join(bucket)).map_err(|e| e.to_string())?;
            Ok(between(Arc::new(store)))
        });
        let keys = Credentials { access_key: "AK".to_owned(), secret_key: "SK".to_owned(), session_token: None };
        let wall = self.clock.clone();
        let wall = Arc::new(move || Timestamp(wall.load(Ordering::Relaxed)));
        let endpoints = Endpoints { custom: Some("http://simulated".to_owned()) };
        let client = Client::new(self.transport(), keys, "us-east-1", endpoints, wall);
        let engine = Engine::new(self.folder.path(), self.store.clone(), client, buckets, tools, self.settings.clone());
        let engine = engine.expect("a folder");
        if let Some(idle) = &self.idle {
            engine.drain_into(idle.clone());
        }
        engine
    }

    fn transport(&self) -> Transport {
        let emulator = self.emulator.clone();
        BoxCloneSyncService::new(tower::service_fn(move |request: HttpRequest<Bytes>| {
            let emulator = emulator.clone();
            async move {
                emulator.settle().await;
                let lost = |_| TransportError { what: "the connection was closed".to_owned(), sent: true };
                let response = emulator.answer(request.map(Body::from)).await.map_err(lost)?;
                let (parts, body) = response.into_parts();
                let cut = |_| TransportError { what: "the answer did not end".to_owned(), sent: true };
                Ok(Response::from_parts(parts, body.collect().await.map_err(cut)?.to_bytes()))
            }
        }))
    }

    /// One of the emulator's own endpoints, or AWS's.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = HttpRequest::builder().method(method).uri(path).header("host", "emulator");
        let request = request.body(Body::from(body.to_string().into_bytes())).expect("a request");
        let response = self.emulator.answer(request).await.expect("answered");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("whole").to_bytes();
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    pub(crate) async fn faults(&self, rules: Value) {
        self.ask("PUT", "/_laneshift/faults", &rules).await;
    }

    pub(crate) async fn jobs(&self) -> Vec<Value> {
        let list = self.ask("GET", "/model-invocation-jobs?maxResults=1000", &Value::Null).await;
        list["invocationJobSummaries"].as_array().cloned().unwrap_or_default()
    }

    pub(crate) fn output(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.out.jsonl"))
    }

    /// Writes records `NAME-0`, … and reads them as `batch run` does.
    pub(crate) fn read(&self, engine: &Engine, name: &str, records: usize, deadline: Timestamp) -> Accepted {
        self.read_sized(engine, name, records, 0, deadline)
    }

    /// The same, each longer by so many bytes.
    fn read_sized(&self, engine: &Engine, name: &str, records: usize, bytes: usize, deadline: Timestamp) -> Accepted {
        let input = self.folder.path().join(format!("{name}.jsonl"));
        let mut text = String::new();
        for i in 0..records {
            let mut body = json!({
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 200,
                "messages": [{ "role": "user", "content": format!("question {i} of {name}.") }],
            });
            if bytes > 0 {
                body["system"] = "x".repeat(bytes).into();
            }
            text += &format!("{}\n", json!({ "recordId": format!("{name}-{i}"), "modelInput": body }));
        }
        std::fs::write(&input, text).expect("written");
        self.read_file(engine, (name, &input), deadline)
    }

    /// Reads a file of records.
    pub(crate) fn read_file(&self, engine: &Engine, (name, input): (&str, &Path), deadline: Timestamp) -> Accepted {
        let request = self.request(name, input);
        let (id, _) = submission_id(&request, input, "me").expect("read");
        engine.read_input(&request, (&id, input), "me", deadline).expect("good records")
    }

    fn request(&self, name: &str, input: &Path) -> Request {
        Request {
            input: input.to_owned(),
            output: self.output(name),
            model: Some(HAIKU.to_owned()),
            place: self.place(),
            content: 0,
            retry_of: None,
        }
    }

    /// Accepts records with a deadline so far away; gives the submission's id and what it could expect.
    pub(crate) async fn accept(&self, engine: &Engine, name: &str, records: usize, within_ms: i64) -> (String, Outlook) {
        self.accept_sized(engine, name, records, 0, within_ms).await
    }

    /// The same, each longer by so many bytes.
    pub(crate) async fn accept_sized(
        &self,
        engine: &Engine,
        name: &str,
        records: usize,
        bytes: usize,
        within_ms: i64,
    ) -> (String, Outlook) {
        let mut accepted = self.read_sized(engine, name, records, bytes, Timestamp(self.now().0 + within_ms));
        let outlook = engine.outlook(&accepted).await.expect("known");
        accepted.submission.promise = outlook.promise;
        let id = accepted.submission.id.clone();
        engine.accept(vec![accepted]).await.expect("accepted");
        (id, outlook)
    }

    /// What AWS has billed for tokens; hours of paid capacity are nobody's here.
    pub(crate) fn billed(&self) -> Money {
        let lines = self.emulator.bill().lines(PriceList::shipped(), By::Model);
        lines.iter().map(|line| line.cost().expect("priced")).sum()
    }

    /// Every record of a file once, in the files that were delivered; gives the ids of those with an answer.
    pub(crate) fn delivered(&self, name: &str, records: usize) -> BTreeSet<String> {
        self.delivered_but(name, records, &BTreeSet::new())
    }

    /// The same, but for records that were erased.
    pub(crate) fn delivered_but(&self, name: &str, records: usize, erased: &BTreeSet<usize>) -> BTreeSet<String> {
        let read = |path: &Path| -> Vec<Value> {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
        };
        let output = self.output(name);
        let (answers, errors) = (read(&output), read(&laneshift_batch::errors_path(&output)));
        let id = |line: &Value| line["recordId"].as_str().expect("an id").to_owned();
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for line in answers.iter().chain(&errors) {
            *seen.entry(id(line)).or_default() += 1;
        }
        let kept = (0..records).filter(|i| !erased.contains(i));
        let once: BTreeMap<String, u32> = kept.map(|i| (format!("{name}-{i}"), 1)).collect();
        assert_eq!(seen, once, "every record once");
        for line in &answers {
            let asked = line["modelInput"]["messages"][0]["content"].as_str().expect("a question");
            assert_eq!(asked, format!("question {} of {name}.", &id(line)[name.len() + 1..]), "its own answer");
        }
        let order: Vec<usize> = answers.iter().map(|line| id(line)[name.len() + 1..].parse().expect("a number")).collect();
        assert!(order.is_sorted(), "in the order of the input");
        answers.iter().map(id).collect()
    }

    /// The books against the bill: what is known is billed, and what is billed is known up to the bounds.
    pub(crate) async fn assert_books(&self) {
        let (mut paid, mut bound) = (Money::ZERO, Money::ZERO);
        for (_, cost) in self.store.costs().await.expect("read") {
            paid += cost.paid;
            bound += cost.bound;
        }
        let billed = self.billed();
        assert!(paid <= billed && billed <= paid + bound, "{paid} <= {billed} <= {paid} + {bound}");
    }

    /// Finishes a submission, however often the engine has to be called again; `most` is how often that may be.
    pub(crate) async fn finish(&self, engine: &Engine, id: &str, most: usize) -> Receipt {
        let mut last = None;
        for _ in 0..most {
            match engine.finish(id).await {
                Ok(receipt) => return receipt,
                Err(error) => last = Some(error),
            }
            self.pass(10 * MINUTE_MS).await;
        }
        panic!("not finished: {last:?}");
    }
}

impl Sim {
    pub(crate) fn place(&self) -> Place {
        Place {
            region: "us-east-1".to_owned(),
            role: "arn:aws:iam::111122223333:role/BatchRole".to_owned(),
            bucket: BUCKET.to_owned(),
            terms: self.terms.clone(),
            prefix: "batch".to_owned(),
        }
    }
}

pub(crate) fn no_hook() -> Hook {
    Arc::new(|_| {})
}

/// Runs a submission on engines that die at the steps of these numbers, counted over all of them; gives the receipt and the steps.
pub(crate) async fn run_dying(sim: &Sim, id: &str, deaths: &[usize]) -> (Result<Receipt, EngineError>, Vec<String>) {
    let steps: Arc<Mutex<Vec<String>>> = Arc::default();
    loop {
        let (log, deaths) = (steps.clone(), deaths.to_vec());
        let hook: Hook = Arc::new(move |step| {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push(step.to_owned());
            let died = deaths.contains(&log.len());
            drop(log);
            assert!(!died, "{DEATH}");
        });
        let engine = sim.engine(hook);
        let id = id.to_owned();
        let mut life = tokio::task::JoinSet::new();
        life.spawn(async move { engine.finish(&id).await });
        match life.join_next().await.expect("one") {
            Ok(done) => return (done, std::mem::take(&mut *steps.lock().unwrap_or_else(PoisonError::into_inner))),
            Err(died) => {
                let reason = died.into_panic();
                let text = reason.downcast_ref::<String>().map(String::as_str).or(reason.downcast_ref::<&str>().copied());
                assert!(text.is_some_and(|text| text.contains(DEATH)), "{text:?}");
            }
        }
        sim.pass(MINUTE_MS).await;
    }
}

/// What a process says that is killed by the simulation.
const DEATH: &str = "killed by the simulation";

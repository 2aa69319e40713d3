//! A month as planned: the same requests through the gateway, under a policy. What the policy lets wait is sent as its owner would send
//! it then, with `Prefer: respond-async`; nothing else about a request changes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use laneshift_aws::{Client, Credentials, Endpoints};
use laneshift_batch::{Buckets, Engine, Place, Settings as EngineSettings, Terms, Tools};
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::policy::Policy;
use laneshift_catalog::prices::Catalog;
use laneshift_core::route::LaneId;
use laneshift_example::{Call, CalledAs, Company, Workload};
use laneshift_gateway::config::Config;
use laneshift_gateway::keys::{self, Secrets};
use laneshift_gateway::{Coming, Gateway, Later, Wire};
use laneshift_provider::settings::Settings;
use laneshift_store::memory::Memory;
use laneshift_units::{Money, Timestamp};
use object_store::local::LocalFileSystem;
use serde_json::Value;

use crate::aws::{Answer, Aws, GATEWAY_KEYS, HOST_NAME, JOBS_BUCKET, gateway_principal, request_of, role_of, signed};
use crate::client::answered;
use crate::error::SimError;
use crate::month::{Month, Progress};

/// Between two looks of the batch lane: a month of them has to pass in seconds.
const TURN_MS: i64 = 15 * 60_000;
/// What it keeps free before a deadline: time for two looks.
const MARGIN_MS: i64 = 2 * TURN_MS;
/// So long do requests wait for others: a run of any workload here is over by then, and becomes one job.
const LINGER_MS: i64 = 5 * 3_600_000;
/// What is late is answered by then.
const AFTERMATH_MS: i64 = 3 * 24 * 3_600_000;
/// What gateway and batch lane have booked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Paid.
    pub paid: Money,
    /// What may have been paid beyond that.
    pub bound: Money,
    /// What was billed for calls that passed the gateway; those that AWS makes itself do not.
    pub billed: Money,
}

/// Everything that stands between the clients and Bedrock.
struct Planned {
    aws: Aws,
    gateway: Gateway,
    engine: Arc<Engine>,
    /// Keys of the gateway by owner.
    keys: BTreeMap<String, Secrets>,
    /// The region of the batch lane.
    region: String,
    next_turn: Timestamp,
    /// When what is due, whose it is, and its id.
    due: BinaryHeap<Reverse<(Timestamp, String, String)>>,
    /// What had no answer when it was due: whose, and its id.
    late: Vec<(String, String)>,
    month: Month,
}

/// Runs a company's month through a gateway under a policy, and holds its books against the bill.
///
/// # Errors
/// [`SimError`]; [`SimError::Books`] when the books are not what was billed.
pub async fn as_planned(
    company: &Company,
    settings: Settings,
    policy: &Path,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<(Month, Books), SimError> {
    let rules = Policy::open(policy)?.rules;
    let waits = |key: &str| rules.iter().any(|rule| rule.workload == key && rule.lanes.contains(&LaneId::Batch));
    let waiting: Vec<bool> = company.workloads.iter().map(|workload| waits(&workload.key())).collect();
    let calls: Vec<_> = laneshift_example::calls(company).collect();
    let mut planned = Planned::open((company, &calls), settings, policy, folder)?;
    for call in &calls {
        planned.until(call.at).await?;
        planned.call(company, call, waiting[call.workload]).await?;
        planned.month.requests += 1;
        if planned.month.requests.is_multiple_of(64) {
            progress(Progress { done: planned.month.requests, of: calls.len() as u64 });
        }
    }
    while let Some(Reverse((due, ..))) = planned.due.peek() {
        let due = *due;
        planned.until(due).await?;
    }
    planned.close(company).await
}

impl Planned {
    fn open((company, calls): (&Company, &[Call]), settings: Settings, policy: &Path, folder: &Path) -> Result<Self, SimError> {
        let aws = Aws::open(&folder.join("aws"), company, calls, settings)?;
        let data = folder.join("gateway");
        std::fs::create_dir_all(&data)?;
        let catalog = Arc::new(Catalog::shipped().map_err(|e| SimError::Refused(format!("read the catalogue: {e}")))?);
        let engine = Arc::new(engine(&aws, &data.join("queue"), catalog.clone())?);
        let region = company.workloads.first().map_or("us-east-1", |workload| workload.region.as_str());
        let later = Later { engine: engine.clone(), place: place(region) };
        let config = config(company, &data, policy)?;
        let owners: BTreeSet<&str> = company.workloads.iter().map(|workload| workload.role.as_str()).collect();
        let mut keys = BTreeMap::new();
        for owner in owners {
            keys.insert(owner.to_owned(), keys::create(&data, &keys::Key::named("", owner), company.start)?);
        }
        let env = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some(GATEWAY_KEYS.0.to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some(GATEWAY_KEYS.1.to_owned()),
            _ => None,
        };
        let wire = Wire::InProcess(aws.wire());
        let gateway = Gateway::open(config, catalog, aws.clock.wall(), &env, (wire, Some(later)))?;
        let (next_turn, due, month) = (company.start, BinaryHeap::new(), Month::default());
        Ok(Self { aws, gateway, engine, keys, region: region.to_owned(), next_turn, due, late: Vec::new(), month })
    }

    /// Time goes on to a moment: Bedrock's jobs move, the batch lane takes its turns, and what is due is asked for.
    async fn until(&mut self, moment: Timestamp) -> Result<(), SimError> {
        loop {
            let due = self.due.peek().map(|Reverse((due, ..))| *due).filter(|due| *due <= self.next_turn);
            let next = due.unwrap_or(self.next_turn);
            if next > moment {
                break;
            }
            self.aws.until(next).await;
            if due.is_some() {
                self.ask_for_what_is_due().await?;
                continue;
            }
            self.engine.turn().await?;
            self.gateway.end_jobs().await?;
            self.next_turn = Timestamp(next.0 + TURN_MS);
        }
        self.aws.clock.set(moment);
        Ok(())
    }

    async fn ask_for_what_is_due(&mut self) -> Result<(), SimError> {
        let Some(Reverse((_, owner, id))) = self.due.pop() else { return Ok(()) };
        let answer = self.get(&owner, &format!("/requests/{id}")).await?;
        if answer["status"] == "answered" {
            self.month.deadlines.kept += 1;
        } else {
            self.late.push((owner, id));
        }
        Ok(())
    }

    /// A request as its client sends it, again when it is throttled.
    async fn call(&mut self, company: &Company, call: &Call, may_wait: bool) -> Result<(), SimError> {
        let workload = &company.workloads[call.workload];
        let owner = workload.role.as_str();
        let request = request_of(company, call)?;
        let of = (&self.aws.clock, workload.name.as_str(), call);
        if workload.is_called_by_aws() {
            let send = async || self.aws.call(request.clone(), &call.principal, workload.region.as_str()).await;
            return answered(&mut self.month, of, send).await;
        }
        if may_wait && !call.operation.streams() {
            let mut later = request.clone();
            later.headers_mut().insert("prefer", HeaderValue::from_static("respond-async"));
            let answer = self.send(owner, later, workload.region.as_str()).await?;
            if answer.status == 202 {
                let accepted: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                return self.accepted(owner, &accepted);
            }
            // What the policy does not let wait at this moment, its client sends as always.
            if answer.error.as_deref() != Some("ValidationException") {
                return Err(SimError::Refused(format!("{}: {}", workload.name, answer.told())));
            }
        }
        let mut month = std::mem::take(&mut self.month);
        let send = async || self.send(owner, request.clone(), workload.region.as_str()).await;
        let sent = answered(&mut month, (&self.aws.clock, workload.name.as_str(), call), send).await;
        self.month = month;
        sent
    }

    fn accepted(&mut self, owner: &str, accepted: &Value) -> Result<(), SimError> {
        let (id, due) = (accepted["id"].as_str(), accepted["deadline"].as_str());
        let due = due.and_then(|due| Timestamp::parse(due).ok());
        let (Some(id), Some(due)) = (id, due) else {
            return Err(SimError::Refused(format!("an acceptance without id or deadline: {accepted}")));
        };
        self.month.deadlines.accepted += 1;
        self.due.push(Reverse((due, owner.to_owned(), id.to_owned())));
        Ok(())
    }

    /// Sends a request to the gateway, signed with its owner's key.
    async fn send(&self, owner: &str, request: Request<Bytes>, region: &str) -> Result<Answer, SimError> {
        let unknown = || SimError::Refused(format!("{owner} has no key"));
        let key = self.keys.get(owner).ok_or_else(unknown)?;
        let request = signed(request, (&key.access_key_id, &key.secret_access_key), region, self.aws.clock.now())?;
        let request = request.map(|body| Coming::InProcess(Full::new(body).map_err(|never| match never {}).boxed_unsync()));
        let Ok(response) = self.gateway.answer(request).await;
        Ok(Answer::read(response).await)
    }

    async fn get(&self, owner: &str, path: &str) -> Result<Value, SimError> {
        let request = Request::get(path).header(HOST, HOST_NAME).body(Bytes::new());
        let request = request.map_err(|e| SimError::Refused(e.to_string()))?;
        let answer = self.send(owner, request, &self.region).await?;
        if !answer.is_success() {
            return Err(SimError::Refused(format!("{path}: {}", answer.told())));
        }
        serde_json::from_slice(&answer.body).map_err(|e| SimError::Refused(format!("{path}: {e}")))
    }

    /// The end of the month: the books are held against the bill.
    async fn close(mut self, company: &Company) -> Result<(Month, Books), SimError> {
        // What was never answered was never billed either: that would be no saving.
        self.until(Timestamp(self.aws.clock.now().0 + AFTERMATH_MS)).await?;
        for (owner, id) in std::mem::take(&mut self.late) {
            let answer = self.get(&owner, &format!("/requests/{id}")).await?;
            if answer["status"] != "answered" {
                return Err(SimError::Refused(format!("request {id} was accepted and has no answer: {answer}")));
            }
        }
        let mut books = Books::default();
        self.month.bill = self.aws.emulator.bill();
        for (principal, cost) in self.month.by_principal()? {
            if principal == gateway_principal(company) {
                books.billed = cost;
            } else {
                *self.month.by_role.entry(role_of(&principal).to_owned()).or_default() += cost;
            }
        }
        let money = |row: &Value, name: &str| {
            let usd = row[name].as_str().unwrap_or_default();
            Money::parse_usd(usd).map_err(|e| SimError::Refused(format!("savings: {name}: {usd:?}: {e}")))
        };
        let owners: Vec<String> = self.keys.keys().cloned().collect();
        for owner in owners {
            for row in self.get(&owner, "/savings").await?["rows"].as_array().into_iter().flatten() {
                let paid = money(row, "paid_usd")?;
                books.paid += paid;
                *self.month.by_role.entry(owner.clone()).or_default() += paid;
                books.bound += money(row, "bound_usd")?;
            }
        }
        self.month.waited_ms.sort_unstable();
        let Books { paid, bound, billed } = books;
        if paid > billed || billed > paid + bound {
            return Err(SimError::Books { paid, bound, billed });
        }
        Ok((self.month, books))
    }
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

fn engine(aws: &Aws, folder: &Path, catalog: Arc<Catalog>) -> Result<Engine, SimError> {
    std::fs::create_dir_all(folder)?;
    // Always the same ids, so that a month can be run again.
    std::fs::write(folder.join("id.key"), [7; 32])?;
    let tools = Tools {
        catalog,
        capabilities: Arc::new(Capabilities::shipped()?),
        wall: aws.clock.wall(),
        // Only time that nobody waits for passes here: turns are taken from outside.
        timer: Arc::new(|_| Box::pin(std::future::pending())),
        poll: Duration::from_millis(TURN_MS.unsigned_abs()),
        free_bytes: Arc::new(|_| None),
        boot: "simulated".to_owned(),
        step: Arc::new(|_| {}),
        progress: Arc::new(|_| {}),
    };
    let root = aws.emulator.folder().join("s3");
    let buckets: Buckets = Arc::new(move |bucket| {
        let store = LocalFileSystem::new_with_prefix(root.join(bucket)).map_err(|e| e.to_string())?;
        Ok(Arc::new(store))
    });
    let keys = Credentials { access_key: GATEWAY_KEYS.0.to_owned(), secret_key: GATEWAY_KEYS.1.to_owned(), session_token: None };
    let endpoints = Endpoints { custom: Some(format!("http://{HOST_NAME}")) };
    let client = Client::new(aws.transport(), keys, "us-east-1", endpoints, aws.clock.wall());
    let store = Arc::new(Memory::default());
    let settings = EngineSettings { margin_ms: MARGIN_MS, ..EngineSettings::default() };
    Ok(Engine::new(folder, store, client, buckets, tools, settings)?)
}

//! A request from its head to its answer: who calls, what for, where to.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use laneshift_aws::WallClock;
use laneshift_aws::sigv4::{claim, sha256_hex, verify};
use laneshift_batch::EngineError;
use laneshift_bedrock::Operation;
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::{Catalog, Tariff};
use laneshift_units::{ProfiledModel, Region, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body::{Body, Coming};
use crate::books::{Books, EVERYBODY};
use crate::config::Config;
use crate::idle::Provisioned;
use crate::jobs;
use crate::keys::{Key, Keys};
use crate::lanes::Rules;
use crate::later::{self, Later};
use crate::live::{Live, OpenError};
use crate::market::{Market, Spot};
use crate::openai;
use crate::quotas::Quotas;
use crate::refusal::Refusal;
use crate::roles::Roles;
use crate::upstream::{Target, Wire};

/// The largest body that is taken.
// The largest valid one is CountTokens' over an InvokeModel body of 25,000,000 bytes, which base64 makes a third longer.
const BODY_BYTES_MAX: usize = 35_000_000;
/// Bodies up to this are many, and take little room.
const BODY_BYTES_SMALL: usize = 64 << 10;
/// How much of a larger one is read and thrown away.
const REST_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;
/// Names and regions for which prices were looked up; beyond that they are looked up each time.
const TARIFFS_MAX: usize = 10_000;

/// See the crate. Clones share everything.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
    /// The configuration, as it was when this request came.
    live: Arc<Live>,
}

/// For what a gateway keeps itself.
pub(crate) struct WeakGateway(Weak<Inner>);

impl WeakGateway {
    /// The gateway, while it is there, with the configuration of this moment.
    pub(crate) fn current(&self) -> Option<Gateway> {
        let inner = self.0.upgrade()?;
        let live = inner.live.read().unwrap_or_else(PoisonError::into_inner).clone();
        Some(Gateway { inner, live })
    }
}

struct Inner {
    live: RwLock<Arc<Live>>,
    keys: RwLock<Keys>,
    books: Books,
    laters: Vec<Later>,
    catalog: Arc<Catalog>,
    tariffs: RwLock<HashMap<(String, String), Arc<Tariff>>>,
    wire: Wire,
    roles: Roles,
    wall: WallClock,
    /// Kilobytes that large bodies may take.
    bodies: Arc<Semaphore>,
    creating: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    settling: tokio::sync::Mutex<()>,
}

/// Who calls, and in which region they think that they are.
pub(crate) struct Caller<'a> {
    pub(crate) key: Arc<Key>,
    pub(crate) region: Option<&'a str>,
}

/// A model's id as a path has it.
fn decoded(model: &str) -> Result<String, Refusal> {
    let model = percent_decode_str(model).decode_utf8();
    Ok(model.map_err(|_| Refusal::validation("The model's id is no valid UTF-8."))?.into_owned())
}

/// The model of `/model/MODEL/count-tokens`.
fn count_tokens_of(path: &str) -> Option<&str> {
    let model = path.strip_prefix("/model/")?.strip_suffix("/count-tokens")?;
    (!model.is_empty() && !model.contains('/')).then_some(model)
}

/// What is asked for.
enum Route<'a> {
    /// A model, as it is encoded in the path.
    Run(&'a str, Operation),
    /// Its tokens are counted.
    Count(&'a str),
    /// A request that was accepted.
    Later(&'a str),
    Savings,
    Jobs(jobs::Route<'a>),
    OpenAi(openai::Route<'a>),
}

impl<'a> Route<'a> {
    fn of(method: &Method, path: &'a str) -> Option<Self> {
        let reads = *method == Method::GET;
        if let Some(route) = openai::Route::of(method, path) {
            return Some(Self::OpenAi(route));
        }
        if let Some(route) = jobs::Route::of(method, path) {
            return Some(Self::Jobs(route));
        }
        if *method == Method::POST {
            let run = Operation::of_path(path).map(|(model, operation)| Self::Run(model, operation));
            return run.or_else(|| count_tokens_of(path).map(Self::Count));
        }
        if reads && path == "/savings" {
            return Some(Self::Savings);
        }
        path.strip_prefix(later::PATH).filter(|_| reads || *method == Method::DELETE).map(Self::Later)
    }
}

impl Gateway {
    /// Opens the folder, and books what an earlier process left open.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        config: Config,
        catalog: Arc<Catalog>,
        wall: WallClock,
        env: &dyn Fn(&str) -> Option<String>,
        (wire, laters): (Wire, Vec<Later>),
    ) -> Result<Self, OpenError> {
        // What is wrong with the configuration is said before anything of the folder is changed.
        let live = Arc::new(Live::open(config, env, Arc::new(Quotas::new(catalog.clone())?))?);
        let data = &live.config.data;
        let (keys, books) = (RwLock::new(Keys::read(data)?), Books::open(data, wall.clone())?);
        jobs::sweep(data)?;
        let inner = Inner {
            live: RwLock::new(live.clone()),
            keys,
            books,
            laters,
            catalog,
            tariffs: RwLock::default(),
            wire,
            roles: Roles::default(),
            wall,
            bodies: Arc::new(Semaphore::new(live.config.limits.bodies_mb * 1_000)),
            creating: Mutex::default(),
            settling: tokio::sync::Mutex::default(),
        };
        let gateway = Self { inner: Arc::new(inner), live };
        for Later { engine, .. } in gateway.batch_lanes() {
            let known = WeakGateway(Arc::downgrade(&gateway.inner));
            engine.drain_into(Arc::new(Provisioned::new(known, engine.access_key().to_owned())));
        }
        Ok(gateway)
    }

    /// Takes another configuration: upstreams, policy, commitments, names of models and times hold for the requests that come from
    /// now on; open ones end as they began. Addresses, folder, certificate and batch lanes are those of the start.
    ///
    /// # Errors
    /// [`OpenError`]; then the one before stays.
    pub fn reload(&self, config: Config, env: &dyn Fn(&str) -> Option<String>) -> Result<(), OpenError> {
        let config = Config { data: self.live.config.data.clone(), ..config };
        let live = Arc::new(Live::open(config, env, self.live.market.quotas.clone())?);
        *self.inner.live.write().unwrap_or_else(PoisonError::into_inner) = live;
        Ok(())
    }

    /// With the configuration of this moment.
    pub(crate) fn current(&self) -> Self {
        let live = self.inner.live.read().unwrap_or_else(PoisonError::into_inner).clone();
        Self { inner: self.inner.clone(), live }
    }

    /// Reads the keys again; those that were read before stay when that fails.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read_keys(&self) -> io::Result<()> {
        let keys = Keys::read(&self.live.config.data)?;
        *self.inner.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Reads what the work of keys with a budget came to in all queues.
    ///
    /// # Errors
    /// [`EngineError`]; then budgets hold what was known before.
    pub async fn settle_budgets(&self) -> Result<(), EngineError> {
        // An answer counts for what was accepted before it was asked for, so one is asked for at a time.
        let _one = self.inner.settling.lock().await;
        self.books().reading();
        let mut charged = Vec::new();
        for later in self.batch_lanes() {
            charged.extend(later.engine.charged().await?);
        }
        self.books().charged(&charged);
        Ok(())
    }

    pub(crate) fn config(&self) -> &Config {
        &self.live.config
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// Another id each time, in this process and the next.
    pub(crate) fn id(&self) -> String {
        self.inner.books.id()
    }

    pub(crate) fn books(&self) -> &Books {
        &self.inner.books
    }

    pub(crate) fn batch_lanes(&self) -> &[Later] {
        &self.inner.laters
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.live.rules
    }

    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    pub(crate) fn market(&self) -> &Market {
        &self.live.market
    }

    pub(crate) fn targets(&self) -> &[Target] {
        &self.live.targets
    }

    pub(crate) fn roles(&self) -> &Roles {
        &self.inner.roles
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.inner.wire
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.wall)()
    }

    pub(crate) fn wall(&self) -> WallClock {
        self.inner.wall.clone()
    }

    /// Held while a job or a batch of an owner is made: two with one token at once would be two.
    pub(crate) fn creating(&self, owner: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut creating = self.inner.creating.lock().unwrap_or_else(PoisonError::into_inner);
        creating.entry(owner.to_owned()).or_default().clone()
    }

    pub(crate) fn request_max(&self) -> Duration {
        Duration::from_secs(self.live.config.limits.request_s)
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        self.live.market.quotas.capabilities()
    }

    pub(crate) fn answer_max(&self) -> Duration {
        Duration::from_secs(self.live.config.limits.answer_s)
    }

    pub(crate) fn held_max_ms(&self) -> i64 {
        i64::try_from(self.live.config.limits.held_s.saturating_mul(1_000)).unwrap_or(i64::MAX)
    }

    /// How long a stream may say nothing.
    pub(crate) fn idle_max(&self) -> Duration {
        Duration::from_secs(self.live.config.limits.idle_s)
    }

    /// The prices of a model, as it is called, in a region.
    pub(crate) fn tariff(&self, model: &str, region: &str) -> Arc<Tariff> {
        let place = (model.to_owned(), region.to_owned());
        if let Some(known) = self.inner.tariffs.read().unwrap_or_else(PoisonError::into_inner).get(&place) {
            return known.clone();
        }
        let tariff = Arc::new(Tariff::of(&self.inner.catalog, &ProfiledModel::parse_id(model), &Region::new(region)));
        let mut tariffs = self.inner.tariffs.write().unwrap_or_else(PoisonError::into_inner);
        if tariffs.len() < TARIFFS_MAX {
            tariffs.insert(place, tariff.clone());
        }
        tariff
    }

    /// Answers Prometheus.
    ///
    /// # Errors
    /// None.
    pub async fn answer_metrics<B>(&self, request: Request<B>) -> Result<Response<Body>, Infallible> {
        if request.uri().path() != "/metrics" {
            return Ok(Refusal::unknown_operation().response());
        }
        let mut response = json_bytes(self.books().metrics().text().into_bytes());
        let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
        response.headers_mut().insert("content-type", kind);
        Ok(response)
    }

    /// Answers a request.
    ///
    /// # Errors
    /// None: what goes wrong is an answer too.
    pub async fn answer(&self, request: Request<Coming>) -> Result<Response<Body>, Infallible> {
        let (parts, body) = request.into_parts();
        let refused = |refusal: Refusal| {
            self.books().metrics().refused(refusal.name());
            tracing::info!(path = parts.uri.path(), error = refusal.name(), "refused");
            if parts.uri.path().starts_with(openai::PATH) { refusal.openai() } else { refusal.response() }
        };
        Ok(self.current().answer_or_refuse(&parts, body).await.unwrap_or_else(refused))
    }

    async fn answer_or_refuse(&self, parts: &Parts, body: Coming) -> Result<Response<Body>, Refusal> {
        let path = parts.uri.path();
        if parts.method == Method::GET && matches!(path, "/healthz" | "/readyz") {
            return Ok(json_response(&json!({ "status": "ok" })));
        }
        let route = Route::of(&parts.method, path).ok_or_else(Refusal::unknown_operation)?;
        if let Route::OpenAi(openai::Route::TakeFile) = route {
            return Box::pin(self.openai_file(parts, body)).await;
        }
        let bearer = match self.known(parts) {
            Ok(bearer) => bearer,
            Err(refusal) => {
                // Nothing of a stranger's is kept; one that is still sending would hear of a broken connection, and not why.
                let drained = tokio::time::timeout(self.request_max(), drain(body, BODY_BYTES_MAX)).await;
                return Err(if drained.is_ok() { refusal } else { Refusal::too_slow() });
            }
        };
        let (body, _room) = self.read(body).await?;
        // Who brings a key as it is has signed nothing, and only what is passed on as it came is signed again.
        let is_hashed = bearer.is_none() || matches!(route, Route::Count(_) | Route::Run(..));
        let body_sha256 = if is_hashed { sha256_hex(&body) } else { String::new() };
        let caller = match bearer {
            Some(key) => Caller { key, region: None },
            None => self.signer(parts, &body_sha256)?,
        };
        // What is called less often lies apart, so that it takes no room in every open call.
        match route {
            Route::Later(id) => Box::pin(self.one_later(id, &caller.key, parts)).await,
            Route::Savings => Box::pin(self.savings_of(&caller.key.owner)).await,
            Route::Jobs(route) => Box::pin(self.jobs(route, &caller, parts, body)).await,
            Route::OpenAi(route) => Box::pin(self.openai(route, &caller, parts, body)).await,
            Route::Count(model) => self.count(&decoded(model)?, &caller, parts, (body, &body_sha256)).await,
            Route::Run(model, operation) => {
                let model = decoded(model)?;
                if let Some(Spot { served: Some(served), .. }) = self.live.served(&model).first()
                    && self.live.bedrock_named(&model) != Some(&model)
                {
                    let what = (&*model, operation);
                    return Box::pin(self.beside(what, &served.on, &caller, parts, (body, &body_sha256))).await;
                }
                let target = self.target(caller.region)?;
                self.run((&model, operation), &caller, target, parts, (body, &body_sha256)).await
            }
        }
    }

    /// Bedrock's runtime for a call that was signed for a region.
    pub(crate) fn target(&self, region: Option<&str>) -> Result<&Target, Refusal> {
        self.live.target(region).ok_or_else(|| {
            Refusal::validation(match region.filter(|_| !self.live.targets.is_empty()) {
                None => "This gateway has no Bedrock behind it.".to_owned(),
                Some(region) => format!("In {region} this gateway calls bedrock-mantle alone."),
            })
        })
    }

    /// The whole body, if it comes in time and is not too large.
    async fn read(&self, mut body: Coming) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
        let reading = async {
            let bytes = body.size_hint().upper().map_or(BODY_BYTES_MAX, |bytes| BODY_BYTES_MAX.min(bytes as usize));
            let room = || self.inner.bodies.clone().try_acquire_many_owned((bytes / 1_000) as u32);
            let Ok(room) = (bytes > BODY_BYTES_SMALL).then(room).transpose() else {
                drain(body, BODY_BYTES_MAX).await;
                return Err(Refusal::unreachable(
                    "The large requests of this moment take all the room for them: limits.bodies_mb.",
                ));
            };
            match Limited::new(&mut body, BODY_BYTES_MAX).collect().await {
                Ok(whole) => {
                    let whole = whole.to_bytes();
                    // One without a length took room for the largest.
                    let room = room.and_then(|mut room| room.split(whole.len() / 1_000));
                    Ok((whole, room))
                }
                Err(error) if error.is::<LengthLimitError>() => {
                    drain(body, REST_BYTES_MAX).await;
                    Err(Refusal::validation(format!("The body has more than {BODY_BYTES_MAX} bytes.")))
                }
                Err(_) => Err(Refusal::validation("The body broke off.")),
            }
        };
        tokio::time::timeout(self.request_max(), reading).await.unwrap_or_else(|_| Err(Refusal::too_slow()))
    }

    /// The key that a request brings as it is; none when it is signed, and names a key that holds.
    fn known(&self, parts: &Parts) -> Result<Option<Arc<Key>>, Refusal> {
        let Some(claimed) = claim(parts)? else { return self.bearer(parts).map(Some) };
        let keys = self.inner.keys.read().unwrap_or_else(PoisonError::into_inner);
        if keys.knows(claimed.access_key, self.now()) { Ok(None) } else { Err(Refusal::unknown_key()) }
    }

    /// Who signed a request.
    fn signer<'a>(&self, parts: &'a Parts, body_sha256: &str) -> Result<Caller<'a>, Refusal> {
        let claimed = claim(parts)?.ok_or_else(Refusal::no_key)?;
        let keys = self.inner.keys.read().unwrap_or_else(PoisonError::into_inner);
        let (key, secret) = keys.signing(claimed.access_key, self.now()).ok_or_else(Refusal::unknown_key)?;
        verify(&claimed, parts, body_sha256, &secret, self.now())?;
        Ok(Caller { key: key.clone(), region: Some(claimed.region) })
    }

    /// The key that a request brings as it is.
    pub(crate) fn bearer(&self, parts: &Parts) -> Result<Arc<Key>, Refusal> {
        let header = parts.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let api_key = header.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(Refusal::no_key)?;
        let keys = self.inner.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.bearer(api_key.trim(), self.now()).cloned().ok_or_else(Refusal::unknown_key)
    }

    /// What an owner's calls cost and saved, those that could wait included. A key of owner `*` sees those of all, and the fees of
    /// what is paid for by the hour or the month: they are no single owner's.
    async fn savings_of(&self, owner: &str) -> Result<Response<Body>, Refusal> {
        let mut savings = self.books().savings();
        for later in self.batch_lanes() {
            savings.add_batch_lane(&later.engine).await.map_err(Refusal::failed)?;
        }
        savings.add_fees(&self.live.commitments, self.now());
        let shown = savings.rows.iter().filter(|((of, ..), _)| of == owner || owner == EVERYBODY);
        let rows = shown.map(|((of, workload, lane), sum)| {
            let mut row = sum.value();
            (row["owner"], row["workload"], row["lane"]) = (json!(of), json!(workload), json!(lane));
            row
        });
        Ok(json_response(&json!({ "owner": owner, "rows": rows.collect::<Vec<_>>() })))
    }
}

/// Reads what still comes, up to a limit, and keeps none of it.
async fn drain(body: Coming, most: usize) {
    let mut rest = Limited::new(body, most);
    while let Some(Ok(_)) = rest.frame().await {}
}

/// Does work to its end, also when the client goes away meanwhile: what is half accepted would be paid for and known to nobody.
#[expect(
    clippy::disallowed_methods,
    reason = "it is awaited here, and its panic goes on here; only a client that leaves leaves it alone"
)]
pub(crate) async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

pub(crate) fn json_response(value: &serde_json::Value) -> Response<Body> {
    json_bytes(format!("{value}\n").into_bytes())
}

pub(crate) fn json_bytes(bytes: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Some(Bytes::from(bytes))));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

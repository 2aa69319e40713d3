//! Calls that can wait: accepted under an id, answered by the batch lane, and asked for when it suits.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use laneshift_batch::{Accepted, Engine, EngineError, NotAccepted, One, OneState, Place, Single, Taken};
use laneshift_bedrock::Operation;
use laneshift_store::StoreError;
use laneshift_units::{Money, ServiceTier, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::body::Body;
use crate::books::bound;
use crate::gateway::{Caller, Gateway, json_response, to_the_end};
use crate::keys::Key;
use crate::outline::Outline;
use crate::refusal::Refusal;
use crate::runtime::most;

/// Where accepted requests are found.
pub(crate) const PATH: &str = "/requests/";
/// The longest that a client may wait in one call.
const WAIT_S_MAX: u64 = 60;
/// Members of a Converse body that are about the call and not about the answer: batch has no place for them.
const ABOUT_THE_CALL: [&str; 3] = ["requestMetadata", "serviceTier", "performanceConfig"];

/// A batch lane of a gateway: one region's.
#[derive(Clone)]
pub struct Later {
    /// The engine; somebody takes its turns.
    pub engine: Arc<Engine>,
    /// Where its jobs run.
    pub place: Place,
    /// The folder of its queue.
    pub queue: PathBuf,
}

/// The first queue of a gateway, the only one where it has one batch lane. Its work says which region it is of.
pub fn queue_of(data: &Path) -> PathBuf {
    data.join("queue")
}

/// The queue of a region's batch lane, unless that is [`queue_of`].
pub fn queue_in(data: &Path, region: &str) -> PathBuf {
    data.join(format!("queue.{region}"))
}

/// All queues of a gateway, those of lanes that its configuration has no more among them.
///
/// # Errors
/// What the disk says.
pub fn queues_of(data: &Path) -> io::Result<Vec<PathBuf>> {
    let mut queues = Vec::new();
    let entries = match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(queues),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let is_queue = entry.file_name().to_str().is_some_and(|name| name == "queue" || name.starts_with("queue."));
        if is_queue && entry.path().is_dir() {
            queues.push(entry.path());
        }
    }
    queues.sort();
    Ok(queues)
}

impl Later {
    /// The region of its jobs.
    pub(crate) fn region(&self) -> &str {
        &self.place.region
    }

    /// Takes back what was read and is not accepted.
    pub(crate) fn discard(&self, read: Vec<Accepted>) {
        read.into_iter().for_each(|accepted| accepted.discard(&self.queue));
    }

    /// Whether the queue has a submission.
    pub(crate) async fn is_accepted(&self, id: &str) -> Result<bool, EngineError> {
        match self.engine.submission(id).await {
            Ok(_) => Ok(true),
            Err(EngineError::Store(StoreError::Missing(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whether a client wants an id now and the answer later.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let prefer = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    prefer.flat_map(|value| value.split([',', ';'])).any(|part| part.trim().eq_ignore_ascii_case("respond-async"))
}

/// The key under which a client may send a call again.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Option<&str> {
    headers.get("idempotency-key").and_then(|value| value.to_str().ok())
}

/// A result, as the batch lane writes it.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "modelOutput")]
    output: Option<Value>,
    response: Option<Answered>,
    error: Option<Value>,
}

/// The same for a call that came as OpenAI's.
#[derive(Deserialize)]
struct Answered {
    status_code: u16,
    body: Value,
}

/// When a call is due that only says that it can wait.
pub(crate) const fn in_a_day(now: Timestamp) -> Timestamp {
    Timestamp(now.0 + 24 * 3_600_000)
}

impl Gateway {
    /// The batch lane of a region.
    fn lane_in(&self, region: &str) -> Option<&Later> {
        self.batch_lanes().iter().find(|later| later.region() == region)
    }

    /// The batch lane for a call that was signed for a region: no call leaves a region that its client named and this gateway calls.
    /// One that is bound to none goes where it would go at once, if a lane is there.
    pub(crate) fn later_in(&self, region: Option<&str>) -> Result<&Later, Refusal> {
        let lanes = self.batch_lanes();
        let Some(first) = lanes.first() else {
            return Err(Refusal::validation("This gateway has no batch lane: its configuration has no [batch]."));
        };
        match self.live().stays_in(region) {
            None => Ok(self.live().target(None).and_then(|target| self.lane_in(&target.region)).unwrap_or(first)),
            Some(region) => self.lane_in(region).ok_or_else(|| {
                let jobs = lanes.iter().map(Later::region).collect::<Vec<_>>().join(", ");
                Refusal::validation(format!("This gateway's jobs run in {jobs}: what is called in {region} is answered at once."))
            }),
        }
    }

    /// The batch lane of a batch or job by the region of its note; a note without one is about the first queue.
    pub(crate) fn lane_noted(&self, region: Option<&str>) -> Option<&Later> {
        match region {
            Some(region) => self.lane_in(region),
            None => self.batch_lanes().iter().find(|later| later.queue == queue_of(&self.config().data)),
        }
    }

    /// Whether a batch or job is of a lane.
    pub(crate) fn is_of(&self, region: Option<&str>, later: &Later) -> bool {
        self.lane_noted(region).is_some_and(|lane| lane.region() == later.region())
    }

    /// Accepts a call, and gives its id: from here on it will be answered.
    pub(crate) async fn accept_later(
        &self,
        (model, operation): (&str, Operation),
        caller: &Caller<'_>,
        headers: &HeaderMap,
        body: &[u8],
        waits: (Option<Timestamp>, Option<&str>),
    ) -> Result<Response<Body>, Refusal> {
        if operation.streams() {
            return Err(Refusal::validation("A stream cannot be answered later; call the operation that answers as a whole."));
        }
        self.record_may_read(&caller.key.owner, body)?;
        let mut input: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| Refusal::validation("The body is no JSON object."))?;
        if operation.is_converse() {
            input.retain(|name, _| !ABOUT_THE_CALL.contains(&name.as_str()));
        }
        let (line, later) = (json!({ "modelInput": input }), self.later_in(caller.region)?);
        let single = self.single(later, &line, model, &caller.key, headers, waits)?;
        if single.is_converse() != operation.is_converse() {
            return Err(Refusal::validation(format!("The body is not one of {}.", operation.name())));
        }
        self.accept_single(later, single, (&caller.key, self.most_later(later, model, body))).await
    }

    /// Goes on with batches and jobs of a lane that were noted and are not accepted yet: the process that noted them died, or could
    /// not reach the queue.
    ///
    /// # Errors
    /// The first that the queue or the disk says; it is tried again the next time.
    pub async fn finish_begun(&self, later: &Later) -> Result<(), EngineError> {
        self.finish_batches(later).await.and(self.finish_jobs(later).await)
    }

    /// Says who pays for what was read, if anybody's budget does; gives the most that it can cost.
    pub(crate) fn paid_by(&self, payer: Option<&str>, read: &mut [Accepted]) -> Option<Money> {
        let payer = payer?;
        read.iter_mut().map(|accepted| accepted.paid_by(payer, self.catalog())).sum()
    }

    /// Reads a call that is written as a line of a batch file, with when it is due and what it is for.
    pub(crate) fn single(
        &self,
        later: &Later,
        line: &Value,
        model: &str,
        key: &Key,
        headers: &HeaderMap,
        (due, workload): (Option<Timestamp>, Option<&str>),
    ) -> Result<Single, Refusal> {
        self.may_call(key, model)?;
        let say = "Say how long it may wait: laneshift-deadline: 6h, or a moment as 2026-12-24T06:00:00Z.";
        let due = due.filter(|due| *due > self.now()).ok_or_else(|| Refusal::validation(say))?;
        let idempotency = idempotency_key(headers);
        let single = Single::read(line.to_string().as_bytes(), Some(model), &later.place, &key.owner, idempotency, due);
        Ok(single.map_err(Refusal::validation)?.of_workload(workload))
    }

    /// The most that a call can cost which is answered later: on demand, where a job would be too late.
    pub(crate) fn most_later(&self, later: &Later, model: &str, body: &[u8]) -> Option<Money> {
        let (tariff, tier) = (self.tariff(model, later.region()), ServiceTier::Default);
        bound(&tariff, tier, &most(model, body, &Outline::of(body), (&tariff, tier)))
    }

    /// Accepts a call, and gives its id; one that came before is told as it stands.
    pub(crate) async fn accept_single(
        &self,
        later: &Later,
        single: Single,
        (key, most): (&Key, Option<Money>),
    ) -> Result<Response<Body>, Refusal> {
        let (gateway, lane, key, owner) = (self.clone(), later.clone(), key.clone(), &key.owner);
        let accepting = async move {
            gateway.books().admit(&key).map_err(Refusal::held)?;
            // What came before is paid for already.
            if let Some(id) = lane.engine.taken_before(&single).await.map_err(refused)? {
                return Ok(Taken { id, new: None });
            }
            if let Some(why) = lane.engine.unknown_model([single.model()]).await {
                return Err(Refusal::validation(why));
            }
            let single = match most.filter(|_| key.budget.is_some()) {
                Some(most) => single.paid_by(key.spends_as(), most),
                None => single,
            };
            gateway.books().reserve(&key, most).map_err(Refusal::held)?;
            let taken = lane.engine.accept_one(single).await;
            gateway.books().accepted(&key, most, matches!(taken, Ok(Taken { new: Some(_), .. })));
            taken.map_err(refused)
        };
        let Taken { id, new } = to_the_end(accepting).await?;
        let told = match new {
            Some(deadline) => told(&id, &One { state: OneState::Waiting, deadline, line: None })?,
            None => {
                let one = later.engine.one(&id, owner).await.map_err(Refusal::failed)?;
                told(&id, &one.ok_or_else(|| unknown(&id))?)?
            }
        };
        let mut response = json_response(&told);
        *response.status_mut() = StatusCode::ACCEPTED;
        response.headers_mut().insert("preference-applied", HeaderValue::from_static("respond-async"));
        if let Ok(location) = HeaderValue::from_str(&format!("{PATH}{id}")) {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    }

    /// A request of an owner, and the engine that has it: an id proves itself to the queue that gave it, and to no other.
    async fn request(&self, id: &str, owner: &str) -> Result<Option<(&Engine, One)>, Refusal> {
        // Where there is no lane, that is what is wrong.
        self.later_in(None)?;
        for Later { engine, .. } in self.batch_lanes() {
            if let Some(one) = engine.one(id, owner).await.map_err(Refusal::failed)? {
                return Ok(Some((engine, one)));
            }
        }
        Ok(None)
    }

    /// Where an accepted request stands, with its answer when it has one; or takes it back.
    pub(crate) async fn one_later(&self, id: &str, key: &Key, parts: &Parts) -> Result<Response<Body>, Refusal> {
        let unknown = || unknown(id);
        let (engine, found) = self.request(id, &key.owner).await?.ok_or_else(unknown)?;
        if parts.method == Method::DELETE {
            let ended = engine.cancel_one(id, &key.owner).await.map_err(Refusal::failed)?.ok_or_else(unknown)?;
            return Ok(json_response(&json!({ "id": id, "cancelled": ended })));
        }
        let most = wait_of(parts.uri.query().unwrap_or_default());
        let mut settled = engine.subscribe();
        let asking = async {
            let mut one = found;
            while one.state == OneState::Waiting {
                settled.borrow_and_update();
                one = engine.one(id, &key.owner).await.map_err(Refusal::failed)?.ok_or_else(unknown)?;
                if one.state == OneState::Waiting && settled.changed().await.is_err() {
                    break;
                }
            }
            Ok::<_, Refusal>(one)
        };
        let one = match tokio::time::timeout(most, asking).await {
            Ok(one) => one?,
            Err(_) => engine.one(id, &key.owner).await.map_err(Refusal::failed)?.ok_or_else(unknown)?,
        };
        Ok(json_response(&told(id, &one)?))
    }
}

fn unknown(id: &str) -> Refusal {
    Refusal::not_found(format!("There is no request {id}."))
}

/// A request as its client reads it, with its answer when it has one.
fn told(id: &str, one: &One) -> Result<Value, Refusal> {
    let mut body = json!({ "id": id, "status": one.state.name(), "deadline": one.deadline.to_string() });
    if let Some(line) = &one.line {
        let line: Line = serde_json::from_slice(line).map_err(|e| Refusal::internal(format!("The result: {e}")))?;
        match line {
            Line { output: Some(output), .. } => body["response"] = output,
            Line { response: Some(Answered { status_code: 200, body: answer }), .. } => body["response"] = answer,
            Line { response: Some(Answered { body: mut answer, .. }), .. } => body["error"] = answer["error"].take(),
            Line { error: Some(error), .. } => body["error"] = error,
            Line { output: None, response: None, error: None } => {}
        }
    }
    Ok(body)
}

/// `wait=30s`: how long to wait for the answer in this call.
fn wait_of(query: &str) -> Duration {
    let wait = query.split('&').find_map(|pair| pair.strip_prefix("wait="));
    let seconds = wait.and_then(|wait| wait.trim_end_matches('s').parse().ok()).unwrap_or(0);
    Duration::from_secs(std::cmp::min(seconds, WAIT_S_MAX))
}

fn refused(error: NotAccepted) -> Refusal {
    match error {
        NotAccepted::Other => Refusal::conflict(error.to_string()),
        NotAccepted::Busy => Refusal::throttled(error.to_string()),
        NotAccepted::Unknown(_) | NotAccepted::Engine(_) => Refusal::internal(error.to_string()),
        NotAccepted::Refused(_) => Refusal::validation(error.to_string()),
    }
}

//! Calls that can wait: accepted under an id, answered by the batch lane, and asked for when it suits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use laneshift_batch::{Accepted, Engine, EngineError, NotAccepted, OneState, Place, Single, Taken};
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

/// The batch lane of a gateway.
#[derive(Clone)]
pub struct Later {
    /// The engine; somebody takes its turns.
    pub engine: Arc<Engine>,
    /// Where its jobs run.
    pub place: Place,
}

/// Where the batch lane of a gateway keeps its queue.
pub fn queue_of(data: &Path) -> PathBuf {
    data.join("queue")
}

impl Later {
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
    pub(crate) fn later(&self) -> Result<&Later, Refusal> {
        let none = "This gateway has no batch lane: its configuration has no [batch].";
        self.batch_lane().ok_or_else(|| Refusal::validation(none))
    }

    /// The batch lane for a call that was signed for a region: no call leaves a region that its client named and this gateway calls.
    pub(crate) fn later_in(&self, region: Option<&str>) -> Result<&Later, Refusal> {
        let later = self.later()?;
        let jobs = later.place.region.as_str();
        match self.live().stays_in(region).filter(|region| *region != jobs) {
            None => Ok(later),
            Some(region) => Err(Refusal::validation(format!(
                "This gateway's jobs run in {jobs}: what is called in {region} is answered at once."
            ))),
        }
    }

    /// Accepts a call, and gives its id: from here on it will be answered.
    pub(crate) async fn accept_later(
        &self,
        (model, operation): (&str, Operation),
        caller: &Caller<'_>,
        headers: &HeaderMap,
        body: &[u8],
        due: Option<Timestamp>,
    ) -> Result<Response<Body>, Refusal> {
        if operation.streams() {
            return Err(Refusal::validation("A stream cannot be answered later; call the operation that answers as a whole."));
        }
        let mut input: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| Refusal::validation("The body is no JSON object."))?;
        if operation.is_converse() {
            input.retain(|name, _| !ABOUT_THE_CALL.contains(&name.as_str()));
        }
        let line = json!({ "modelInput": input });
        let (single, due) = self.single(&line, model, caller, headers, due)?;
        if single.is_converse() != operation.is_converse() {
            return Err(Refusal::validation(format!("The body is not one of {}.", operation.name())));
        }
        self.accept_single(single, due, (&caller.key, self.most_later(model, body))).await
    }

    /// Goes on with batches and jobs that were noted and are not accepted yet: the process that noted them died, or could not
    /// reach the queue.
    ///
    /// # Errors
    /// The first that the queue or the disk says; it is tried again the next time.
    pub async fn finish_begun(&self) -> Result<(), EngineError> {
        self.finish_batches().await.and(self.finish_jobs().await)
    }

    /// Says who pays for what was read, if anybody's budget does; gives the most that it can cost.
    pub(crate) fn paid_by(&self, payer: Option<&str>, read: &mut [Accepted]) -> Option<Money> {
        let payer = payer?;
        read.iter_mut().map(|accepted| accepted.paid_by(payer, self.catalog())).sum()
    }

    /// Takes back what was read and is not accepted.
    pub(crate) fn discard(&self, read: Vec<Accepted>) {
        read.into_iter().for_each(|accepted| accepted.discard(&queue_of(&self.config().data)));
    }

    /// Reads a call that is written as a line of a batch file, and when it is due.
    pub(crate) fn single(
        &self,
        line: &Value,
        model: &str,
        Caller { key, region }: &Caller<'_>,
        headers: &HeaderMap,
        due: Option<Timestamp>,
    ) -> Result<(Single, Timestamp), Refusal> {
        let later = self.later_in(*region)?;
        if !key.allows(model) {
            return Err(Refusal::denied(format!("This key may not call {model}.")));
        }
        let say = "Say how long it may wait: laneshift-deadline: 6h, or a moment as 2026-12-24T06:00:00Z.";
        let due = due.filter(|due| *due > self.now()).ok_or_else(|| Refusal::validation(say))?;
        let idempotency = idempotency_key(headers);
        let single = Single::read(line.to_string().as_bytes(), Some(model), &later.place, &key.owner, idempotency, due);
        Ok((single.map_err(Refusal::validation)?, due))
    }

    /// The most that a call can cost which is answered later: on demand, where a job would be too late.
    pub(crate) fn most_later(&self, model: &str, body: &[u8]) -> Option<Money> {
        let tariff = self.tariff(model, &self.later().ok()?.place.region);
        let tier = ServiceTier::Default;
        bound(&tariff, tier, &most(model, body, &Outline::of(body), (&tariff, tier)))
    }

    /// Accepts a call, and gives its id.
    pub(crate) async fn accept_single(
        &self,
        single: Single,
        due: Timestamp,
        (key, most): (&Key, Option<Money>),
    ) -> Result<Response<Body>, Refusal> {
        let (gateway, key) = (self.clone(), key.clone());
        let accepting = async move {
            let later = gateway.later()?;
            gateway.books().admit(&key).map_err(Refusal::held)?;
            // What came before is paid for already.
            if let Some(id) = later.engine.taken_before(&single).await.map_err(refused)? {
                return Ok(id);
            }
            let single = match most.filter(|_| key.budget.is_some()) {
                Some(most) => single.paid_by(key.spends_as(), most),
                None => single,
            };
            gateway.books().reserve(&key, most).map_err(Refusal::held)?;
            let taken = later.engine.accept_one(single).await;
            gateway.books().accepted(&key, most, matches!(taken, Ok(Taken { new: true, .. })));
            taken.map(|taken| taken.id).map_err(refused)
        };
        let id = to_the_end(accepting).await?;
        let mut response = json_response(&json!({ "id": id, "status": OneState::Waiting.name(), "deadline": due.to_string() }));
        *response.status_mut() = StatusCode::ACCEPTED;
        response.headers_mut().insert("preference-applied", HeaderValue::from_static("respond-async"));
        if let Ok(location) = HeaderValue::from_str(&format!("{PATH}{id}")) {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    }

    /// Where an accepted request stands, with its answer when it has one; or takes it back.
    pub(crate) async fn one_later(&self, id: &str, key: &Key, parts: &Parts) -> Result<Response<Body>, Refusal> {
        let engine = &self.later()?.engine;
        let unknown = || Refusal::not_found(format!("There is no request {id}."));
        if parts.method == Method::DELETE {
            let ended = engine.cancel_one(id, &key.owner).await.map_err(Refusal::failed)?.ok_or_else(unknown)?;
            return Ok(json_response(&json!({ "id": id, "cancelled": ended })));
        }
        let most = wait_of(parts.uri.query().unwrap_or_default());
        let mut settled = engine.subscribe();
        let asking = async {
            loop {
                settled.borrow_and_update();
                let one = engine.one(id, &key.owner).await.map_err(Refusal::failed)?.ok_or_else(unknown)?;
                if one.state != OneState::Waiting || settled.changed().await.is_err() {
                    return Ok::<_, Refusal>(one);
                }
            }
        };
        let one = match tokio::time::timeout(most, asking).await {
            Ok(one) => one?,
            Err(_) => engine.one(id, &key.owner).await.map_err(Refusal::failed)?.ok_or_else(unknown)?,
        };
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
        Ok(json_response(&body))
    }
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

//! What the clients do: they send, they wait, and they ask for what was promised.

use std::cmp::Reverse;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use laneshift_example::Call;
use laneshift_gateway::{Coming, Gateway};
use laneshift_units::{Timestamp, Usage};
use serde_json::Value;

use super::Planned;
use crate::aws::{Answer, HOST_NAME, request_of, signed};
use crate::client::answered;
use crate::error::SimError;
use crate::invariants::{Invariant, input_of, mark_of};
use crate::node::{Node, TURN_MS};
use crate::watch::Watch;

/// What is due has ended by the next turn that begins after that, and is booked by the one after.
const TICK_MS: i64 = 2 * TURN_MS;
/// So often is a request made again when Bedrock fails, and after so long.
const TRIES: usize = 3;
const PAUSE_MS: i64 = 700;
/// What waits because somebody asks what would be if it did is due in a day.
const DAY_MS: i64 = 24 * 3_600_000;
/// While a call is held back, time goes on by so much.
const HELD: Duration = Duration::from_millis(250);

/// A request that was accepted.
pub(super) struct Accepted {
    pub(super) id: String,
    pub(super) owner: String,
    /// Whose it is, and what it takes: its answer must name as much input.
    workload: usize,
    usage: Usage,
    /// What the first view of its end is told apart by, and whether that was an answer.
    pub(super) first: Option<(u64, bool)>,
    /// It was due, and had not ended.
    late: bool,
}

impl Planned<'_> {
    /// A request as its client sends it, again when it is throttled.
    pub(super) async fn call(&mut self, call: &Call, (may_wait, waits_too): (bool, bool)) -> Result<(), SimError> {
        let workload = &self.company.workloads[call.workload];
        let owner = workload.role.as_str();
        let request = request_of(self.company, call)?;
        let region = workload.region.as_str();
        if workload.is_called_by_aws() {
            let send = async || self.aws.call(request.clone(), &call.principal, region).await;
            return answered(&mut self.month, (&self.aws.clock, &workload.name, call), send).await;
        }
        let request = self.signed(owner, request, region)?;
        if (may_wait || waits_too) && !call.operation.streams() {
            let mut later = request.clone();
            later.headers_mut().insert("prefer", HeaderValue::from_static("respond-async"));
            if let Some(due) = self.due_after(waits_too) {
                later.headers_mut().insert("laneshift-deadline", due);
            }
            if self.conditions.troubled {
                let key = HeaderValue::from(self.month.requests);
                later.headers_mut().insert("idempotency-key", key);
            }
            let answer = self.sent(&later).await?;
            if answer.status == 202 {
                let accepted: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                return self.accepted(owner, call, &accepted);
            }
            // What the policy does not let wait at this moment, its client sends as always.
            if answer.error.as_deref() != Some("ValidationException") {
                return Err(SimError::Refused(format!("{}: {}", workload.name, answer.told())));
            }
        }
        let mut live = request;
        live.headers_mut().insert("laneshift-explain", HeaderValue::from_static("true"));
        if self.conditions.troubled {
            for _ in 0..TRIES {
                if self.sent(&live).await?.is_success() {
                    break;
                }
                self.aws.clock.set(Timestamp(self.aws.clock.now().0 + PAUSE_MS));
            }
            return self.check_call().await;
        }
        let of = (&self.aws.clock, workload.name.as_str(), call);
        let (gateway, watch) = (&self.node.gateway, &self.watch);
        let send = async || Ok(send(gateway, watch, live.clone()).await);
        answered(&mut self.month, of, send).await?;
        self.check_call().await
    }

    /// When what waits is due, where that is not the policy's to say.
    fn due_after(&self, waits_too: bool) -> Option<HeaderValue> {
        let ms = self.conditions.what_if.deadline_ms.or(waits_too.then_some(DAY_MS))?;
        HeaderValue::from_str(&format!("{}s", ms / 1_000)).ok()
    }

    /// Sends a request, and again when the process dies over it.
    async fn sent(&mut self, request: &Request<Bytes>) -> Result<Answer, SimError> {
        loop {
            let watch = self.watch.clone();
            let sending = async |node: Node| send(&node.gateway, &watch, request.clone()).await;
            if let Some(answer) = self.alive(sending).await? {
                return Ok(answer);
            }
        }
    }

    fn accepted(&mut self, owner: &str, call: &Call, accepted: &Value) -> Result<(), SimError> {
        let (id, due) = (accepted["id"].as_str(), accepted["deadline"].as_str());
        let due = due.and_then(|due| Timestamp::parse(due).ok());
        let (Some(id), Some(due)) = (id, due) else {
            return Err(SimError::Refused(format!("an acceptance without id or deadline: {accepted}")));
        };
        self.month.deadlines.accepted += 1;
        self.due.push(Reverse((due, self.accepted.len())));
        let (id, owner, workload, usage) = (id.to_owned(), owner.to_owned(), call.workload, call.usage);
        self.accepted.push(Accepted { id, owner, workload, usage, first: None, late: false });
        Ok(())
    }

    pub(super) async fn ask_for_what_is_due(&mut self) -> Result<(), SimError> {
        let Some(Reverse((due, at))) = self.due.pop() else { return Ok(()) };
        self.ask(at).await?;
        let one = &mut self.accepted[at];
        match one.first {
            Some((_, answer)) => self.month.deadlines.kept += u64::from(answer && !one.late),
            None if one.late => {
                let seen = format!("request {} was due a while ago, and has not ended", one.id);
                return Err(self.broken(Invariant::Answered, seen));
            }
            None => {
                one.late = true;
                self.due.push(Reverse((Timestamp(due.0 + TICK_MS), at)));
            }
        }
        Ok(())
    }

    /// Asks where a request stands. What has ended stays as it is, and is its own.
    pub(super) async fn ask(&mut self, at: usize) -> Result<(), SimError> {
        let (owner, path) = (self.accepted[at].owner.clone(), format!("/requests/{}", self.accepted[at].id));
        let view = match self.get(&owner, &path).await {
            Err(SimError::Refused(why)) => return Err(self.broken(Invariant::SameBytes, why)),
            other => other?,
        };
        let (status, one) = (view["status"].as_str().unwrap_or_default(), &self.accepted[at]);
        let seen = (mark_of(&view), status == "answered");
        match one.first {
            Some(first) if first == seen => return Ok(()),
            Some(_) => return Err(self.broken(Invariant::SameBytes, format!("request {} has become another: {view}", one.id))),
            None if status == "waiting" => return Ok(()),
            None => {}
        }
        let takes = one.usage.total_input().0;
        if let Some(input) = input_of(&view["response"]).filter(|input| *input != takes) {
            let seen = format!("request {} of {takes} tokens has an answer to {input}", one.id);
            return Err(self.broken(Invariant::OwnAnswer, seen));
        }
        self.accepted[at].first = Some(seen);
        Ok(())
    }

    /// At the end: what was accepted is there, unless things went wrong.
    pub(super) async fn ask_for_everything(&mut self) -> Result<(), SimError> {
        for at in 0..self.accepted.len() {
            self.ask(at).await?;
            let one = &self.accepted[at];
            if one.first.is_none_or(|(_, answer)| !answer && !self.conditions.may_miss()) {
                return Err(SimError::Refused(format!("request {} was accepted and has no answer", one.id)));
            }
            if one.first.is_none_or(|(_, answer)| !answer) {
                self.month.unanswered.push((one.workload, one.usage));
            }
        }
        Ok(())
    }

    /// A request to the gateway, signed with its owner's key.
    fn signed(&self, owner: &str, request: Request<Bytes>, region: &str) -> Result<Request<Bytes>, SimError> {
        let unknown = || SimError::Refused(format!("{owner} has no key"));
        let key = self.ground.keys.get(owner).ok_or_else(unknown)?;
        signed(request, (&key.access_key_id, &key.secret_access_key), region, self.aws.clock.now())
    }

    pub(super) async fn get(&mut self, owner: &str, path: &str) -> Result<Value, SimError> {
        let request = Request::get(path).header(HOST, HOST_NAME).body(Bytes::new());
        let request = request.map_err(|e| SimError::Refused(e.to_string()))?;
        let request = self.signed(owner, request, &self.ground.place.region)?;
        let answer = self.sent(&request).await?;
        if !answer.is_success() {
            return Err(SimError::Refused(format!("{path}: {}", answer.told())));
        }
        serde_json::from_slice(&answer.body).map_err(|e| SimError::Refused(format!("{path}: {e}")))
    }
}

/// Sends a request, and lets time go on while it is held back.
async fn send(gateway: &Gateway, watch: &Watch, request: Request<Bytes>) -> Answer {
    let request = request.map(|body| Coming::InProcess(Full::new(body).map_err(|never| match never {}).boxed_unsync()));
    let answering = async {
        let Ok(response) = gateway.answer(request).await;
        let decided = response.headers().get("laneshift-decision").and_then(|value| value.to_str().ok());
        watch.seen().decided = decided.map(str::to_owned);
        Answer::read(response).await
    };
    let mut answering = std::pin::pin!(answering);
    loop {
        match tokio::time::timeout(HELD, &mut answering).await {
            Ok(answer) => return answer,
            Err(_) => watch.clock.set(Timestamp(watch.clock.now().0 + i64::try_from(HELD.as_millis()).unwrap_or(0))),
        }
    }
}

//! What goes over to Bedrock, as seen from its side, and the last events before something broke.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use laneshift_aws::{Transport, TransportError};
use laneshift_gateway::{Coming, InProcess};
use laneshift_units::Timestamp;
use percent_encoding::percent_decode_str;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use crate::clock::Clock;

/// Events that are told.
const EVENTS: usize = 20;
/// What a fault says that throttles, and admission does not.
const BY_A_FAULT: &str = "You have sent too many requests";
const CREATE: &str = "/model-invocation-job";

/// See the module. Clones share it.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) clock: Clock,
    seen: Arc<Mutex<Seen>>,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    events: VecDeque<String>,
    /// How many there were.
    pub(crate) count: u64,
    /// A job may have been created since somebody looked.
    pub(crate) created: bool,
    /// A job was refused for lack of a slot.
    pub(crate) no_slot: Option<String>,
    /// A call of the gateway was refused by AWS's count.
    pub(crate) throttled: Option<String>,
    /// Why the gateway chose as it did, of the last call.
    pub(crate) decided: Option<String>,
    /// When this process has read Service Quotas.
    pub(crate) quotas_read: Option<Timestamp>,
    /// When the batch lane last called each model on demand: the gateway does not count that.
    pub(crate) aside: BTreeMap<String, Timestamp>,
}

/// The model that a path calls.
fn called(path: &str) -> Option<String> {
    let (model, _) = path.strip_prefix("/model/")?.split_once('/')?;
    Some(percent_decode_str(model).decode_utf8_lossy().into_owned())
}

impl Watch {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, seen: Arc::default() }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an event.
    pub(crate) fn note(&self, what: impl FnOnce() -> String) {
        let event = format!("{} {}", self.clock.now(), what());
        let mut seen = self.seen();
        seen.count += 1;
        if seen.events.len() == EVENTS {
            seen.events.pop_front();
        }
        seen.events.push_back(event);
    }

    /// The last events, oldest first.
    pub(crate) fn events(&self) -> Vec<String> {
        self.seen().events.iter().cloned().collect()
    }

    /// A process begins: what the one before had counted is gone.
    pub(crate) fn begins(&self) {
        self.seen().quotas_read = None;
    }

    /// What the batch engine sends.
    pub(crate) fn transport(&self, inner: Transport) -> Transport {
        let watch = self.clone();
        BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
            let (watch, inner) = (watch.clone(), inner.clone());
            async move {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                if let Some(model) = called(&path) {
                    let now = watch.clock.now();
                    watch.seen().aside.insert(model, now);
                }
                let answer = inner.oneshot(request).await;
                watch.told("batch", &method, &path, &answer);
                let creates = method == Method::POST && path == CREATE;
                let mut seen = watch.seen();
                seen.created |= creates;
                if let Ok(answer) = &answer
                    && creates
                    && answer.headers().get("x-amzn-errortype").is_some_and(|name| name.as_bytes().starts_with(b"ServiceQuota"))
                {
                    seen.no_slot = Some(String::from_utf8_lossy(answer.body()).into_owned());
                }
                answer
            }
        }))
    }

    /// What the gateway sends.
    pub(crate) fn wire(&self, inner: InProcess) -> InProcess {
        let watch = self.clone();
        BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
            let (watch, inner) = (watch.clone(), inner.clone());
            async move {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                let answer = inner.oneshot(request).await;
                watch.told("gateway", &method, &path, &answer);
                let answer = answer?;
                // Service Quotas has no path.
                if answer.status().is_success() && path == "/" {
                    let now = watch.clock.now();
                    watch.seen().quotas_read.get_or_insert(now);
                }
                if answer.status() != StatusCode::TOO_MANY_REQUESTS {
                    return Ok(answer);
                }
                let (head, body) = answer.into_parts();
                let broken = |_| TransportError { what: "the answer broke off".to_owned(), sent: true };
                let body = body.collect().await.map_err(broken)?.to_bytes();
                if !String::from_utf8_lossy(&body).contains(BY_A_FAULT) {
                    watch.seen().throttled = called(&path);
                }
                let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
                Ok(Response::from_parts(head, Coming::InProcess(body)))
            }
        }))
    }

    /// Keeps what is more than a look that came to nothing.
    fn told<B>(&self, who: &str, method: &Method, path: &str, answer: &Result<Response<B>, TransportError>) {
        match answer {
            Ok(answer) if *method == Method::GET && answer.status().is_success() => {}
            Ok(answer) => self.note(|| format!("{who}: {method} {path}: {}", answer.status())),
            Err(lost) => self.note(|| format!("{who}: {method} {path}: {lost}")),
        }
    }
}

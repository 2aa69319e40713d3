//! An emulated Bedrock for a company, and the ways to it: as its clients, as a gateway, and as a batch engine call it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use laneshift_aws::sigv4::{authorization, sha256_hex};
use laneshift_aws::{Transport, TransportError};
use laneshift_bedrock::Operation;
use laneshift_emulator::{Body, Emulator, Options, Pace};
use laneshift_example::{Call, Company};
use laneshift_gateway::{Coming, InProcess};
use laneshift_provider::settings::{Account, Settings};
use laneshift_units::Timestamp;
use serde_json::{Value, json};
use tower::util::BoxCloneSyncService;

use crate::clock::Clock;
use crate::error::SimError;
use crate::seams::Outage;
use crate::traffic::Traffic;

/// The host of everything.
pub(crate) const HOST_NAME: &str = "bedrock.simulated";
/// The keys of a gateway: access key and secret.
pub const GATEWAY_KEYS: (&str, &str) = ("AKIALANESHIFTGATEWAY", "gateway");
/// The secret of every client's key.
const CLIENT_SECRET: &str = "simulated";
/// Where jobs of the batch lane have their files.
pub(crate) const JOBS_BUCKET: &str = "jobs";
/// Where invocation logs go.
pub(crate) const LOGS_BUCKET: &str = "logs";

/// An emulated Bedrock.
pub(crate) struct Aws {
    pub(crate) emulator: Emulator,
    pub(crate) clock: Clock,
    /// Access keys by the ARN of their caller.
    keys: BTreeMap<String, String>,
    reach: Reach,
}

/// The way to its answers, which an outage closes.
#[derive(Clone)]
struct Reach {
    emulator: Emulator,
    clock: Clock,
    outage: Option<Outage>,
}

impl Reach {
    fn is_out(&self, region: &str) -> bool {
        self.outage.as_ref().is_some_and(|outage| outage.strikes(region, self.clock.now()))
    }

    async fn answer<B>(&self, request: Request<B>) -> Result<Response<Body>, TransportError>
    where
        B: Into<Body>,
    {
        if self.is_out(region_of(request.headers()).unwrap_or_default()) {
            let out = Response::builder().status(503).header("x-amzn-errortype", "ServiceUnavailableException");
            let body = Body::from(Bytes::from_static(br#"{"message":"The region does not answer."}"#));
            return out.body(body).map_err(|e| TransportError { what: e.to_string(), sent: false });
        }
        let lost = |_| TransportError { what: "the connection was closed".to_owned(), sent: true };
        self.emulator.answer(request.map(Into::into)).await.map_err(lost)
    }
}

/// The region that a request is signed for.
fn region_of(headers: &HeaderMap) -> Option<&str> {
    let scope = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once("Credential=")?.1;
    scope.split('/').nth(2)
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) error: Option<String>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn read<B>(response: Response<B>) -> Self
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let (parts, body) = response.into_parts();
        let error = parts.headers.get("x-amzn-errortype").and_then(|name| name.to_str().ok());
        let error = error.map(|name| name.split(':').next().unwrap_or(name).to_owned());
        match body.collect().await {
            Ok(body) => Self { status: parts.status.as_u16(), error, body: body.to_bytes() },
            Err(broken) => Self { status: 500, error: Some(format!("the answer broke off: {broken}")), body: Bytes::new() },
        }
    }

    pub(crate) const fn is_success(&self) -> bool {
        self.status < 300
    }

    pub(crate) fn told(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        format!("{} {}: {text}", self.status, self.error.as_deref().unwrap_or_default())
    }

    /// How long the model says that it took, of Converse in both forms.
    pub(crate) fn latency_ms(&self) -> Option<u64> {
        const NAME: &[u8] = b"\"latencyMs\":";
        let at = self.body.windows(NAME.len()).rposition(|window| window == NAME)? + NAME.len();
        let digits = self.body[at..].iter().take_while(|byte| byte.is_ascii_digit());
        let digits: Vec<u8> = digits.copied().collect();
        std::str::from_utf8(&digits).ok()?.parse().ok()
    }
}

/// A company's request to Bedrock, not signed yet.
///
/// # Errors
/// [`SimError::Refused`], when it cannot be written as a request.
pub fn request_of(company: &Company, call: &Call) -> Result<Request<Bytes>, SimError> {
    let workload = &company.workloads[call.workload];
    let operation = Operation::parse(call.operation.name()).expect("the example names AWS's operations");
    let mut body = call.body.clone();
    let metadata: serde_json::Map<String, Value> =
        workload.metadata.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect();
    let request = Request::post(operation.path(&workload.model_id())).header(HOST, HOST_NAME);
    let mut request = request.header("content-type", "application/json");
    if !metadata.is_empty() {
        if operation.is_converse() {
            body["requestMetadata"] = metadata.into();
        } else {
            request = request.header("x-amzn-bedrock-request-metadata", Value::from(metadata).to_string());
        }
    }
    request.body(body.to_string().into()).map_err(|e| SimError::Refused(e.to_string()))
}

/// The role of a session's ARN.
pub(crate) fn role_of(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}

/// The account in an ARN.
fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

impl Aws {
    /// A new one, with keys for a gateway and for whoever makes these calls.
    pub(crate) fn open(folder: &Path, traffic: &Traffic, settings: Settings, outage: Option<Outage>) -> Result<Self, SimError> {
        let Traffic { company, calls } = traffic;
        let clock = Clock::at(company.start);
        let accounts = callers(company, calls);
        let clients = accounts.iter().filter(|account| account.access_key != GATEWAY_KEYS.0);
        let keys = clients.map(|client| (client.principal.clone(), client.access_key.clone())).collect();
        let options = Options {
            folder: folder.to_owned(),
            settings: Settings { accounts, ..settings },
            pace: Pace::Speed(1.0),
            start: Some(company.start),
            auth: true,
            wall: clock.wall(),
            tell: Arc::new(|what| eprintln!("the emulator: {what}")),
        };
        let emulator = Emulator::open(options)?;
        for bucket in [JOBS_BUCKET, LOGS_BUCKET] {
            std::fs::create_dir_all(folder.join("s3").join(bucket))?;
        }
        let reach = Reach { emulator: emulator.clone(), clock: clock.clone(), outage };
        Ok(Self { emulator, clock, keys, reach })
    }

    /// Has invocation logs written, with bodies.
    pub(crate) async fn log(&self, company: &Company) -> Result<(), SimError> {
        let places: BTreeSet<(&str, &str)> =
            company.workloads.iter().map(|workload| (workload.account.as_str(), workload.region.as_str())).collect();
        for (account, region) in places {
            let text = json!({ "loggingConfig": {
                "s3Config": { "bucketName": LOGS_BUCKET, "keyPrefix": "" },
                "textDataDeliveryEnabled": true, "imageDataDeliveryEnabled": true, "embeddingDataDeliveryEnabled": true,
            } });
            let request = Request::put("/logging/modelinvocations").header(HOST, HOST_NAME).body(Bytes::from(text.to_string()));
            let request = request.map_err(|e| SimError::Refused(e.to_string()))?;
            let principal = self.keys.keys().find(|arn| account_of(arn) == account);
            let answer = self.call(request, principal.map_or("", String::as_str), region).await?;
            if !answer.is_success() {
                return Err(SimError::Refused(format!("switch logs on: {}", answer.told())));
            }
        }
        Ok(())
    }

    /// Sends a request as its caller does.
    pub(crate) async fn call(&self, request: Request<Bytes>, principal: &str, region: &str) -> Result<Answer, SimError> {
        let access_key = self.keys.get(principal).map_or(GATEWAY_KEYS.0, String::as_str);
        let secret = if access_key == GATEWAY_KEYS.0 { GATEWAY_KEYS.1 } else { CLIENT_SECRET };
        let signed = signed(request, (access_key, secret), region, self.clock.now())?;
        let answered = self.reach.answer(signed).await;
        Ok(Answer::read(answered.map_err(|lost| SimError::Refused(lost.to_string()))?).await)
    }

    /// Time goes on to a moment, and what falls due by then happens.
    pub(crate) async fn until(&self, moment: Timestamp) {
        self.clock.set(moment);
        self.emulator.settle().await;
    }

    /// Whether a region does not answer at this moment.
    pub(crate) fn is_out(&self, region: &str) -> bool {
        self.reach.is_out(region)
    }

    /// As a batch engine calls it.
    pub(crate) fn transport(&self) -> Transport {
        let reach = self.reach.clone();
        BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
            let reach = reach.clone();
            async move {
                let (parts, body) = reach.answer(request).await?.into_parts();
                let cut = |_| TransportError { what: "the answer did not end".to_owned(), sent: true };
                Ok(Response::from_parts(parts, body.collect().await.map_err(cut)?.to_bytes()))
            }
        }))
    }

    /// As a gateway calls it.
    pub(crate) fn wire(&self) -> InProcess {
        let reach = self.reach.clone();
        BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
            let reach = reach.clone();
            async move {
                let response = reach.answer(request).await?;
                Ok(response.map(|body| Coming::InProcess(body.map_err(|e| e.to_string().into()).boxed_unsync())))
            }
        }))
    }
}

/// A request as its client signs it.
///
/// # Errors
/// [`SimError::Refused`], when it cannot be signed.
pub fn signed(
    request: Request<Bytes>,
    (access_key, secret): (&str, &str),
    region: &str,
    now: Timestamp,
) -> Result<Request<Bytes>, SimError> {
    let unusable = |e: &dyn std::fmt::Display| SimError::Refused(format!("the request cannot be signed: {e}"));
    let (mut parts, body) = request.into_parts();
    let date = now.to_string().replace(['-', ':'], "");
    parts.headers.insert("x-amz-date", HeaderValue::from_str(&date).map_err(|e| unusable(&e))?);
    let signed = authorization(&parts, &sha256_hex(&body), access_key, secret, region, "bedrock");
    let signed = signed.map_err(|e| unusable(&e))?;
    parts.headers.insert(AUTHORIZATION, HeaderValue::from_str(&signed).map_err(|e| unusable(&e))?);
    Ok(Request::from_parts(parts, body))
}

/// Whoever calls Bedrock: the gateway, and each that makes one of these calls.
pub fn callers<'a>(company: &Company, calls: impl IntoIterator<Item = &'a Call>) -> Vec<Account> {
    let principals: BTreeSet<&String> = calls.into_iter().map(|call| &call.principal).collect();
    let clients = principals.into_iter().enumerate().map(|(number, principal)| Account {
        id: account_of(principal).to_owned(),
        principal: principal.clone(),
        access_key: format!("AKIASIMULATED{number:07}"),
        secret_key: CLIENT_SECRET.to_owned(),
        bearer_key: None,
    });
    std::iter::once(gateway_account(company)).chain(clients).collect()
}

/// Whom AWS knows the gateway as.
pub(crate) fn gateway_principal(company: &Company) -> String {
    let id = company.workloads.first().map(|workload| workload.account.as_str()).unwrap_or_default();
    format!("arn:aws:sts::{id}:assumed-role/laneshift-gateway/gateway")
}

fn gateway_account(company: &Company) -> Account {
    let principal = gateway_principal(company);
    Account {
        id: account_of(&principal).to_owned(),
        principal,
        access_key: GATEWAY_KEYS.0.to_owned(),
        secret_key: GATEWAY_KEYS.1.to_owned(),
        bearer_key: None,
    }
}

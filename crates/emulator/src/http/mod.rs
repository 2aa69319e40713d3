//! Bedrock and Service Quotas over HTTP: who calls, which operation, whether its input keeps the rules, what fails on
//! purpose, and the answer.

mod auth;
mod control;
mod mantle;
mod quotas;
mod reply;
mod runtime;
mod stream;
mod sts;

use std::time::Duration;

use http::request::Parts;
use http::{Method, Request, Response};
use laneshift_bedrock::Operation;
use laneshift_provider::faults::{Fault, Strike, Target};
use laneshift_provider::refusal::{Kind, Refusal};
use laneshift_provider::shapes::{Params, Route, Shapes, Violation, validation_message};
use serde_json::Value;

use crate::body::{Body, Hangup, read_body};
use crate::call::Call;
use crate::clock::real_sleep;
use crate::emulator::Emulator;
use crate::task::to_the_end;

pub(crate) use quotas::service_quotas;
pub(crate) use sts::answer as sts;

/// Both services of Bedrock; their paths do not collide.
const SERVICES: [&str; 2] = ["bedrock", "bedrock-runtime"];

/// What the faults that struck a call do to it.
#[derive(Default)]
pub(crate) struct Struck {
    pub(crate) strikes: Vec<Strike>,
}

impl Struck {
    fn get(&self, fault: Fault) -> Option<&Strike> {
        self.strikes.iter().find(|strike| strike.fault == fault)
    }
}

/// Whether a request without a signature is one for Bedrock.
pub(crate) fn is_bedrock_path(method: &Method, path: &str) -> bool {
    mantle::is_asked_for(method, path)
        || SERVICES.iter().any(|service| !matches!(Shapes::shipped().match_route(service, method.as_str(), path), Route::Unknown))
}

/// Answers a request for Bedrock.
pub(crate) async fn answer(emulator: &Emulator, request: Request<Body>) -> Result<Response<Body>, Hangup> {
    let request_id = emulator.inner.request_id();
    let (parts, body) = request.into_parts();
    let answered = respond(emulator, &parts, body, &request_id).await;
    let response = match answered {
        Ok(response) => response,
        Err(Stop::Refused(refusal)) if mantle::is_asked_for(&parts.method, parts.uri.path()) => {
            mantle::refusal(parts.uri.path(), &refusal)
        }
        Err(Stop::Refused(refusal)) => reply::refusal(&refusal),
        Err(Stop::Hangup) => return Err(Hangup),
    };
    Ok(reply::with_request_id(response, &request_id))
}

/// Why a request gets no success.
pub(crate) enum Stop {
    Refused(Refusal),
    Hangup,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

async fn respond(emulator: &Emulator, parts: &Parts, body: Body, request_id: &str) -> Result<Response<Body>, Stop> {
    let bytes = read_body(body).await?;
    let caller = auth::caller(&emulator.inner, parts, &bytes)?;
    let call = if mantle::is_asked_for(&parts.method, parts.uri.path()) {
        mantle::call(parts, &bytes, caller, request_id)?
    } else {
        let (operation, uri) = route(parts)?;
        let params = params(parts, uri, &operation, &bytes)?;
        Call { operation, params, bytes, caller, request_id: request_id.to_owned(), mantle: None }
    };
    let emulator = emulator.clone();
    // Story F24: what was read is carried out and billed, whether its client waits for the answer or not.
    to_the_end(async move { serve(&emulator, &call).await }).await
}

async fn serve(emulator: &Emulator, call: &Call) -> Result<Response<Body>, Stop> {
    let struck = strike(emulator, call)?;
    let runs = Operation::parse(&call.operation);
    let answered = carry_out(emulator, call, runs, &struck).await;
    if let (Err(Stop::Refused(refusal)), Some(operation)) = (&answered, runs) {
        runtime::log_refusal(emulator, call, operation, refusal.kind)?;
    }
    let response = answered?;
    if struck.get(Fault::LostResponse).is_some() {
        return Err(Stop::Hangup);
    }
    Ok(response)
}

async fn carry_out(emulator: &Emulator, call: &Call, runs: Option<Operation>, struck: &Struck) -> Result<Response<Body>, Stop> {
    fail_before(struck, emulator, call).await?;
    check(call)?;
    Ok(match runs {
        Some(operation) => runtime::run(emulator, call, operation, struck).await?,
        None => control::run(emulator, call, struck)?,
    })
}

/// The operation of a path. It is matched as it came, so that an encoded slash stays inside its segment.
fn route(parts: &Parts) -> Result<(String, Vec<(String, String)>), Refusal> {
    let mut wrong_method = false;
    for service in SERVICES {
        match Shapes::shipped().match_route(service, parts.method.as_str(), parts.uri.path()) {
            Route::Found { operation, uri } => return Ok((operation.to_owned(), uri)),
            Route::WrongMethod => wrong_method = true,
            Route::Unknown => {}
        }
    }
    let what = if wrong_method { "method" } else { "path" };
    Err(Refusal::new(Kind::UnknownOperation, format!("No operation has this {what}.")))
}

fn params(parts: &Parts, uri: Vec<(String, String)>, operation: &str, bytes: &[u8]) -> Result<Params, Refusal> {
    let decode = |text: &str| percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let query = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let query = query.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(n, v)| (decode(n), decode(v))).collect();
    let headers = parts.headers.iter().filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())));
    let native = matches!(operation, "InvokeModel" | "InvokeModelWithResponseStream");
    let body = if native || bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(bytes).map_err(|_| Refusal::new(Kind::Serialization, "The request body is not JSON."))?
    };
    Ok(Params { uri, query, headers: headers.collect(), body, body_len: bytes.len() })
}

/// AWS's own field rules.
fn check(call: &Call) -> Result<(), Refusal> {
    let violations = Shapes::shipped().check(&call.operation, &call.params);
    if let Some(Violation::NotSerializable { path, expected }) =
        violations.iter().find(|v| matches!(v, Violation::NotSerializable { .. }))
    {
        return Err(Refusal::new(Kind::Serialization, format!("{path}: expected {expected}")));
    }
    match validation_message(&violations) {
        Some(message) => Err(Refusal::validation(message)),
        None => Ok(()),
    }
}

fn strike(emulator: &Emulator, call: &Call) -> Result<Struck, Refusal> {
    let mut state = emulator.inner.state();
    if state.world.faults.is_empty() {
        return Ok(Struck::default());
    }
    let model = call.params.body["modelId"].as_str().unwrap_or_else(|| call.uri("modelId"));
    let target = Target { operation: &call.operation, model, account: &call.caller.account };
    let (strikes, counts) = state.world.faults.strike(state.world.settings.seed, &target, emulator.inner.clock.now());
    let events: Vec<_> = counts.into_iter().map(laneshift_provider::event::Event::FaultCounted).collect();
    state.commit(&events).map_err(|e| Refusal::new(Kind::InternalServer, e.to_string()))?;
    Ok(Struck { strikes })
}

/// The faults that answer instead of the operation.
async fn fail_before(struck: &Struck, emulator: &Emulator, call: &Call) -> Result<(), Stop> {
    if let Some(strike) = struck.get(Fault::Stalled) {
        real_sleep(Duration::from_secs_f64(strike.minutes * 60.0)).await;
        return Err(Stop::Hangup);
    }
    let resource = call.params.uri.first().map_or("", |(_, value)| &**value);
    let refusal = struck.strikes.iter().find_map(|strike| {
        Some(match strike.fault {
            Fault::Throttled => {
                Refusal::new(Kind::Throttling, "Too many requests, please wait before trying again. You have sent too many requests.")
            }
            Fault::DecodedPath => Refusal::new(Kind::UnknownOperation, "No operation has this path."),
            Fault::NotFound => Refusal::new(Kind::ResourceNotFound, format!("Could not find the resource: {resource}")),
            Fault::AccessDenied => {
                let role = call.params.body["roleArn"].as_str().unwrap_or("*");
                let who = &call.caller.principal;
                let text = format!("User: {who} is not authorized to perform: iam:PassRole on resource: {role} because no identity-based policy allows the iam:PassRole action");
                Refusal::new(Kind::AccessDenied, text)
            }
            Fault::QuotaExceeded => {
                let model = call.params.body["modelId"].as_str().unwrap_or_default();
                emulator.inner.state().world.quota_refusal(model, &call.caller)
            }
            Fault::Error => {
                let kind = Kind::parse(&strike.error).unwrap_or(Kind::InternalServer);
                Refusal::new(kind, "The emulator was told to fail.")
            }
            _ => return None,
        })
    });
    refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}

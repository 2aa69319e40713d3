//! The emulator's own endpoints under `/_laneshift/`: clock, bill, faults, notices, logs.
//!
//! They are not signed: they are for whoever runs the emulator, and it listens on the loopback address unless told
//! otherwise.

use http::{Method, Request, Response, StatusCode};
use laneshift_provider::bill::{By, Granularity, PriceList, cur_csv};
use laneshift_provider::event::Event;
use laneshift_provider::faults::Rule;
use laneshift_provider::jobs::timestamp;
use laneshift_provider::models::Models;
use laneshift_units::{AccountId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::Body;
use crate::body::read_body;
use crate::clock::{Move, Pace};
use crate::emulator::Emulator;

/// Answers a request for the emulator itself.
pub(crate) async fn answer(emulator: &Emulator, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().trim_start_matches("/_laneshift/").to_owned();
    let query = parts.uri.query().unwrap_or_default();
    let body = match read_body(body).await {
        Ok(bytes) => bytes,
        Err(refusal) => return wrong(&refusal.message),
    };
    let text = String::from_utf8_lossy(&body);
    match (path.as_str(), &parts.method) {
        ("health", &Method::GET) => json_answer(&json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })),
        ("clock", &Method::GET) => json_answer(&clock(emulator)),
        ("clock", &Method::POST) => move_clock(emulator, &text).await,
        ("bill", &Method::GET) => bill(emulator, query),
        ("bill.csv", &Method::GET) => bill_csv(emulator, query),
        ("faults", &Method::GET) => json_answer(&faults(emulator)),
        ("faults", &Method::PUT) => set_faults(emulator, &text, false),
        ("faults", &Method::POST) => set_faults(emulator, &text, true),
        ("faults", &Method::DELETE) => set_faults(emulator, "[]", false),
        ("events", &Method::GET) => {
            let events = emulator.inner.state().notices.until(emulator.inner.clock.now());
            json_answer(&json!({ "events": events }))
        }
        ("flush", &Method::POST) => {
            emulator.flush().await;
            json_answer(&json!({ "flushed": true }))
        }
        _ => {
            let text = "endpoints: GET health, GET|POST clock, GET bill, GET bill.csv, GET|PUT|POST|DELETE faults, GET events, POST flush";
            status(StatusCode::NOT_FOUND, &json!({ "message": text }))
        }
    }
}

fn json_answer(body: &Value) -> Response<Body> {
    status(StatusCode::OK, body)
}

fn status(code: StatusCode, body: &Value) -> Response<Body> {
    typed(code, "application/json", body.to_string())
}

fn typed(code: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = code;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
    response
}

fn wrong(message: &str) -> Response<Body> {
    status(StatusCode::BAD_REQUEST, &json!({ "message": message }))
}

fn clock(emulator: &Emulator) -> Value {
    let pace = match emulator.inner.clock.pace() {
        Pace::Stepped => json!("stepped"),
        Pace::Speed(speed) => json!(speed),
    };
    json!({ "now": timestamp(emulator.inner.clock.now()), "speed": pace })
}

/// `{"advance_s": 3600}` or `{"to": "2026-11-26T00:00:00Z"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveClock {
    advance_s: Option<f64>,
    to: Option<String>,
}

async fn move_clock(emulator: &Emulator, text: &str) -> Response<Body> {
    let asked: MoveClock = match serde_json::from_str(text) {
        Ok(asked) => asked,
        Err(e) => return wrong(&format!("write {{\"advance_s\": 3600}} or {{\"to\": \"2026-11-26T00:00:00Z\"}}: {e}")),
    };
    let by = match (asked.advance_s, asked.to.as_deref().map(Timestamp::parse)) {
        (Some(seconds), None) if (0.0..=1e9).contains(&seconds) => Move::By((seconds * 1000.0) as u64),
        (None, Some(Ok(to))) => Move::To(to),
        (None, Some(Err(e))) => return wrong(&format!("to: {e}")),
        _ => return wrong("one of advance_s, from 0 to 1e9, and to is needed"),
    };
    match emulator.advance(by).await {
        Ok(()) => json_answer(&clock(emulator)),
        Err(now) => wrong(&format!("the clock does not go back: it is {}", timestamp(now))),
    }
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| v)
}

fn bill(emulator: &Emulator, query: &str) -> Response<Body> {
    let by = match parameter(query, "by") {
        None | Some("model") => By::Model,
        Some("hour") => By::Hour,
        Some("day") => By::Day,
        Some("principal") => By::Principal,
        Some(other) => return wrong(&format!("by: {other} is none of model, hour, day, principal")),
    };
    let bill = emulator.bill();
    json_answer(&bill.to_json(PriceList::shipped(), by))
}

fn bill_csv(emulator: &Emulator, query: &str) -> Response<Body> {
    let granularity = match parameter(query, "granularity") {
        None | Some("hour") => Granularity::Hour,
        Some("day") => Granularity::Day,
        Some(other) => return wrong(&format!("granularity: {other} is none of hour and day")),
    };
    let payer = AccountId::new(&emulator.inner.accounts()[0].id);
    let text = cur_csv(&emulator.bill(), PriceList::shipped(), &Models::seller_of, granularity, &payer, "");
    typed(StatusCode::OK, "text/csv", text)
}

fn faults(emulator: &Emulator) -> Value {
    let state = emulator.inner.state();
    let rules: Vec<Value> = state
        .world
        .faults
        .rules()
        .map(|(rule, count)| json!({ "rule": rule, "seen": count.seen, "struck": count.struck }))
        .collect();
    json!({ "faults": rules })
}

fn set_faults(emulator: &Emulator, text: &str, add: bool) -> Response<Body> {
    let list = if text.trim_start().starts_with('[') { text.to_owned() } else { format!("[{text}]") };
    let new = match Rule::parse_list(&list) {
        Ok(rules) => rules,
        Err(e) => return wrong(&e.to_string()),
    };
    match emulator.set_faults(new, add) {
        Ok(()) => json_answer(&faults(emulator)),
        Err(message) => wrong(&message),
    }
}

impl Emulator {
    /// What is to be paid by now, hours of provisioned models included.
    pub fn bill(&self) -> laneshift_provider::bill::Bill {
        let now = self.inner.clock.now();
        self.inner.state().world.bill_at(now)
    }

    /// Every job of every account.
    pub fn jobs(&self) -> Vec<laneshift_provider::jobs::Job> {
        self.inner.state().world.jobs.values().cloned().collect()
    }

    /// Replaces the fault rules, or adds to them; adding begins all counts anew.
    ///
    /// # Errors
    /// The journal's failure, in words.
    pub fn set_faults(&self, mut rules: Vec<Rule>, add: bool) -> Result<(), String> {
        let mut state = self.inner.state();
        if add {
            let kept: Vec<Rule> = state.world.faults.rules().map(|(rule, _)| rule.clone()).collect();
            rules.splice(0..0, kept);
        }
        let at_ms = self.inner.clock.now().0;
        state.commit(&[Event::FaultsSet { rules, at_ms }]).map_err(|e| e.to_string())
    }
}

//! Bugs, planted where the parts meet: each is found by its invariant within fifty seeds.

use std::sync::Arc;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use laneshift_aws::Transport;
use laneshift_aws::sigv4::{authorization, sha256_hex};
use laneshift_gateway::{Coming, InProcess};
use laneshift_provider::faults::Rule;
use laneshift_sim::{Conditions, GATEWAY_KEYS, Invariant, Seams, SimError};
use serde_json::Value;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use crate::bent::{Bend, Bent};
use crate::trial::{conditions, run};

/// Runs seeds until the bug is found; what finds it must be its invariant.
fn is_found(by: Invariant, planted: impl Fn(u64) -> Conditions) {
    for seed in 1..=50 {
        match run(seed, planted(seed)) {
            Ok(_) => {}
            Err(SimError::Broken(broken)) => {
                assert_eq!(broken.invariant, by, "{broken}");
                eprintln!("seed {seed}: {}", broken.seen);
                return;
            }
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
    panic!("fifty seeds have not found it");
}

fn without_faults(seed: u64, seams: Seams) -> Conditions {
    Conditions { faults: Vec::new(), ..conditions(seed, seams) }
}

fn queue(bend: Bend) -> Seams {
    Seams { store: Arc::new(move |inner| Arc::new(Bent::over(inner, bend, Arc::new(|| {})))), ..Seams::default() }
}

/// What the batch engine sends, changed and signed again.
fn changed(inner: Transport, change: fn(&mut Value)) -> Transport {
    BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
        let inner = inner.clone();
        let (mut parts, body) = request.into_parts();
        let mut body = body;
        if parts.method == Method::POST && parts.uri.path() == "/model-invocation-job" {
            let mut value: Value = serde_json::from_slice(&body).expect("JSON");
            change(&mut value);
            body = Bytes::from(value.to_string());
            parts.headers.remove(AUTHORIZATION);
            let (key, secret) = GATEWAY_KEYS;
            let signed = authorization(&parts, &sha256_hex(&body), key, secret, "us-east-1", "bedrock").expect("signed");
            parts.headers.insert(AUTHORIZATION, HeaderValue::from_str(&signed).expect("a header"));
        }
        inner.oneshot(Request::from_parts(parts, body))
    }))
}

/// Ten times what Service Quotas says.
fn tenfold(body: &Bytes) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    for quota in value["Quotas"].as_array_mut().into_iter().flatten() {
        let is_least = quota["QuotaName"].as_str().is_some_and(|name| name.starts_with("Minimum"));
        if let Some(n) = quota["Value"].as_f64().filter(|_| !is_least) {
            quota["Value"] = Value::from(10.0 * n);
        }
    }
    Bytes::from(value.to_string())
}

#[test]
fn a_job_without_a_token_is_made_twice() {
    let bug: fn(&mut Value) = |body| drop(body.as_object_mut().expect("an object").remove("clientRequestToken"));
    is_found(Invariant::OneJob, |seed| {
        let seams = Seams { transport: Arc::new(move |inner| changed(inner, bug)), ..Seams::default() };
        let lost = r#"[{"fault": "lost_response", "rate": 0.3}]"#;
        let mut conditions = Conditions { faults: Rule::parse_list(lost).expect("a rule"), ..conditions(seed, seams) };
        // Where there is no slot for a second job, it is not made.
        conditions.settings.quotas.retain(|name, _| !name.starts_with("Sum of in-progress"));
        conditions
    });
}

#[test]
fn a_cost_that_is_booked_twice_is_not_billed() {
    is_found(Invariant::Books, |seed| without_faults(seed, queue(Bend::BooksTwice)));
}

#[test]
fn a_result_that_replaces_another_changes_an_answer() {
    is_found(Invariant::SameBytes, |seed| without_faults(seed, queue(Bend::SettlesTwice)));
}

#[test]
fn a_chunk_that_is_dropped_leaves_requests_without_an_end() {
    is_found(Invariant::Answered, |seed| without_faults(seed, queue(Bend::DropsAChunk)));
}

#[test]
fn jobs_that_heed_no_quota_are_too_large() {
    is_found(Invariant::JobSize, |seed| {
        let tenfold = |inner: Transport| -> Transport {
            BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
                let inner = inner.clone();
                async move { Ok(inner.oneshot(request).await?.map(|body| tenfold(&body))) }
            }))
        };
        without_faults(seed, Seams { transport: Arc::new(tenfold), ..Seams::default() })
    });
}

#[test]
fn calls_that_heed_no_quota_are_throttled() {
    is_found(Invariant::OnDemandQuota, |seed| {
        let tenfold = |inner: InProcess| -> InProcess {
            BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
                let inner = inner.clone();
                async move {
                    let is_about_quotas = request.uri().path() == "/";
                    let answer = inner.oneshot(request).await?;
                    if !is_about_quotas {
                        return Ok(answer);
                    }
                    let (head, body) = answer.into_parts();
                    let body = body.collect().await.expect("whole").to_bytes();
                    let body = Full::new(tenfold(&body)).map_err(|never| match never {}).boxed_unsync();
                    Ok(Response::from_parts(head, Coming::InProcess(body)))
                }
            }))
        };
        without_faults(seed, Seams { wire: Arc::new(tenfold), ..Seams::default() })
    });
}

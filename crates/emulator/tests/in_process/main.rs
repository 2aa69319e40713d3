//! The emulator without a socket: a `tower::Service` under virtual time.

mod logs;
mod races;
mod time;

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use laneshift_emulator::{Body, Emulator, Options, Pace};
use laneshift_provider::bill::PriceList;
use laneshift_provider::settings::Settings;
use laneshift_units::Timestamp;
use serde_json::{Value, json};
use tower::{Service, ServiceExt};

const START: Timestamp = Timestamp::from_civil(2026, 11, 2, 0, 0, 0);
const HOUR: Duration = Duration::from_secs(3600);

/// An emulator whose wall clock is tokio's, so that paused time moves it.
fn open(folder: &std::path::Path) -> Emulator {
    open_with(folder, Settings::default())
}

fn open_with(folder: &std::path::Path, settings: Settings) -> Emulator {
    Emulator::open(Options { settings, ..options(folder) }).expect("a folder")
}

fn options(folder: &std::path::Path) -> Options {
    let begun = tokio::time::Instant::now();
    let wall = move || Timestamp(START.0 + i64::try_from(begun.elapsed().as_millis()).expect("a test is short"));
    Options {
        folder: folder.to_owned(),
        settings: Settings::default(),
        pace: Pace::Speed(1.0),
        start: Some(START),
        auth: false,
        wall: Arc::new(wall),
        tell: Arc::new(|_| {}),
    }
}

async fn ask(emulator: &mut Emulator, method: &str, path: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).header("host", "emulator");
    let request = request.body(Body::from(body.into())).expect("a request");
    let response = emulator.ready().await.expect("always ready").call(request).await.expect("answered");
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.expect("whole").to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

fn job_request() -> String {
    json!({
        "jobName": "virtual",
        "roleArn": "arn:aws:iam::111122223333:role/BatchRole",
        "modelId": "amazon.nova-pro-v1:0",
        "modelInvocationType": "Converse",
        "inputDataConfig": { "s3InputDataConfig": { "s3Uri": "s3://simulated/in/" } },
        "outputDataConfig": { "s3OutputDataConfig": { "s3Uri": "s3://simulated/out/" } },
    })
    .to_string()
}

fn records() -> String {
    let record = |i| json!({ "recordId": format!("r{i}"), "modelInput": { "messages": [{ "role": "user", "content": [{ "text": format!("question {i}") }] }] } });
    (0..100).map(|i| format!("{}\n", record(i))).collect()
}

/// Lets virtual time pass while others work.
async fn virtually(length: Duration) {
    let _ = tokio::time::timeout(length, std::future::pending::<()>()).await;
}

async fn status(emulator: &mut Emulator, path: &str) -> String {
    ask(emulator, "GET", path, "").await.1["status"].as_str().expect("a status").to_owned()
}

/// Moves virtual time until a job is in a state.
async fn wait(emulator: &mut Emulator, path: &str, until: &str) {
    while status(emulator, path).await != until {
        tokio::time::advance(Duration::from_secs(60)).await;
        emulator.settle().await;
    }
}

/// Uploads a hundred records and creates a job over them; gives its path.
async fn create_job(emulator: &mut Emulator) -> String {
    assert_eq!(ask(emulator, "PUT", "/simulated", "").await.0, 200);
    assert_eq!(ask(emulator, "PUT", "/simulated/in/a.jsonl", records()).await.0, 200);
    let (status, created) = ask(emulator, "POST", "/model-invocation-job", job_request()).await;
    assert_eq!(status, 200, "{created}");
    let id = created["jobArn"].as_str().and_then(|arn| arn.rsplit('/').next()).expect("an ARN").to_owned();
    format!("/model-invocation-job/{id}")
}

#[tokio::test(start_paused = true)]
async fn a_job_of_a_night_takes_no_time_when_time_is_virtual() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut emulator = open(folder.path());
    let path = create_job(&mut emulator).await;
    assert_eq!(status(&mut emulator, &path).await, "Submitted");

    // Nobody drives it: a simulation that steps its own clock settles instead.
    let mut seen = vec!["Submitted".to_owned()];
    for _ in 0..24 * 60 {
        tokio::time::advance(Duration::from_secs(60)).await;
        emulator.settle().await;
        let now = status(&mut emulator, &path).await;
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    assert_eq!(seen.last().map(String::as_str), Some("Completed"), "{seen:?}");
    let total = emulator.bill().total(PriceList::shipped());
    assert!(total.known > laneshift_units::Money::ZERO && total.unpriced.is_empty(), "{total:?}");
}

#[tokio::test(start_paused = true)]
async fn a_driver_wakes_at_each_moment_that_something_is_due() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut emulator = open(folder.path());
    let path = create_job(&mut emulator).await;
    let driver = emulator.clone();
    // Two days of virtual time, driven.
    assert!(tokio::time::timeout(48 * HOUR, driver.drive()).await.is_err(), "a driver never ends");
    let (_, job) = ask(&mut emulator, "GET", &path, "").await;
    assert_eq!(job["status"], "Completed", "{job}");
}

#[tokio::test]
async fn a_conditional_write_has_one_winner() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut emulator = open(folder.path());
    ask(&mut emulator, "PUT", "/bucket", "").await;
    let mut writers = tokio::task::JoinSet::new();
    for i in 0..16 {
        let emulator = emulator.clone();
        writers.spawn(async move {
            let request = Request::put("/bucket/key").header("host", "emulator").header("if-none-match", "*");
            let request = request.body(Body::from(vec![b'0' + i; 100_000])).expect("a request");
            emulator.answer(request).await.expect("answered").status().as_u16()
        });
    }
    let mut statuses = writers.join_all().await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1], statuses.len()), (200, 412, 16), "{statuses:?}");
}

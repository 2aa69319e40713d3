//! Invocation logs that wait: how much of them, and for what.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;
use laneshift_emulator::{Body, Emulator, Options};
use laneshift_provider::settings::Settings;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{ask, options, virtually};

/// Bytes of a text that fits into a model's context; of two, not of three, that fit into an object; of eight that may wait.
const LARGE: usize = 3_900_000;

/// An emulator, and what it told.
fn open(folder: &Path) -> (Emulator, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let tell = Arc::new(move |text: &str| heard.lock().expect("unbroken").push(text.to_owned()));
    let mut settings = Settings::default();
    settings.on_demand.tokens_per_minute = 1e12;
    (Emulator::open(Options { settings, tell, ..options(folder) }).expect("a folder"), told)
}

/// A call in a region; its status.
async fn call(emulator: &Emulator, region: &str, method: &str, path: &str, body: &Value) -> u16 {
    let host = format!("bedrock-runtime.{region}.amazonaws.com");
    let request = Request::builder().method(method).uri(path).header("host", host);
    let request = request.body(Body::from(body.to_string())).expect("a request");
    emulator.answer(request).await.expect("answered").status().as_u16()
}

async fn log_to(emulator: &Emulator, region: &str, bucket: &str, prefix: &str) -> u16 {
    let config = json!({ "loggingConfig": { "s3Config": { "bucketName": bucket, "keyPrefix": prefix } } });
    call(emulator, region, "PUT", "/logging/modelinvocations", &config).await
}

async fn converse(emulator: &Emulator, region: &str, bytes: usize) {
    let body = json!({ "messages": [{ "role": "user", "content": [{ "text": "x".repeat(bytes) }] }] });
    let path = "/model/global.anthropic.claude-sonnet-4-6/converse";
    assert_eq!(call(emulator, region, "POST", path, &body).await, 200);
}

/// The objects of a bucket with log lines in them.
fn delivered(folder: &Path, bucket: &str) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.join("s3").join(bucket)]);
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(place).into_iter().flatten() {
            let path = entry.expect("readable").path();
            match path.is_dir() {
                true if !path.ends_with("data") => open.push(path),
                true => {}
                false => found.push(path),
            }
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn bodies_beside_the_records_fill_an_object_too_and_wake_the_driver() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut emulator, _) = open(folder.path());
    ask(&mut emulator, "PUT", "/logs", "").await;
    assert_eq!(log_to(&emulator, "us-east-1", "logs", "").await, 200);
    let mut driven = JoinSet::new();
    let driver = emulator.clone();
    driven.spawn(async move { driver.drive().await });
    virtually(Duration::from_secs(1)).await;
    converse(&emulator, "us-east-1", LARGE).await;
    converse(&emulator, "us-east-1", LARGE).await;
    virtually(Duration::from_secs(1)).await;
    assert_eq!(delivered(folder.path(), "logs").len(), 0, "their hour is not over");
    converse(&emulator, "us-east-1", LARGE).await;
    virtually(Duration::from_secs(1)).await;
    assert_eq!(delivered(folder.path(), "logs").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_takes_no_logs_holds_up_no_other_and_is_told_of_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut emulator, told) = open(folder.path());
    for (region, bucket) in [("us-east-1", "gone"), ("us-west-2", "here")] {
        ask(&mut emulator, "PUT", &format!("/{bucket}"), "").await;
        assert_eq!(log_to(&emulator, region, bucket, "").await, 200);
        converse(&emulator, region, 10).await;
    }
    let gone = folder.path().join("s3/gone");
    fs::remove_dir(&gone).expect("empty");
    for _ in 0..3 {
        emulator.flush().await;
        emulator.settle().await;
    }
    assert_eq!(delivered(folder.path(), "here").len(), 1);
    let told = || told.lock().expect("unbroken").clone();
    let text = "invocation logs of account 111122223333 in us-east-1 cannot be written: there is no bucket gone; they wait";
    assert_eq!(told(), [text]);
    fs::create_dir(&gone).expect("free");
    emulator.flush().await;
    assert_eq!((delivered(folder.path(), "gone").len(), told().len()), (1, 1), "nothing is lost");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_to_keep_is_given_up_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut emulator, told) = open(folder.path());
    ask(&mut emulator, "PUT", "/logs", "").await;
    assert_eq!(log_to(&emulator, "us-east-1", "logs", "").await, 200);
    fs::remove_dir(folder.path().join("s3/logs")).expect("empty");
    for _ in 0..9 {
        converse(&emulator, "us-east-1", LARGE).await;
    }
    emulator.settle().await;
    let told = told.lock().expect("unbroken").clone();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].ends_with("2 of them are given up") && told[1].ends_with("they wait"), "{told:?}");
    fs::create_dir(folder.path().join("s3/logs")).expect("free");
    emulator.flush().await;
    assert_eq!(delivered(folder.path(), "logs").len(), 4);
}

#[tokio::test]
async fn a_prefix_that_leads_out_of_its_bucket_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut emulator, _) = open(folder.path());
    ask(&mut emulator, "PUT", "/logs", "").await;
    for (prefix, status) in [("../other", 400), ("/a", 400), ("a/../../b", 400), ("", 200), ("a/", 200), ("a/b", 200)] {
        assert_eq!(log_to(&emulator, "us-east-1", "logs", prefix).await, status, "{prefix}");
    }
}

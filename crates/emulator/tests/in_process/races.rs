//! Calls that come between two moments of the driver.

use std::fs;
use std::sync::mpsc;
use std::time::Duration;

use futures::FutureExt;
use laneshift_provider::settings::Settings;
use serde_json::json;

use super::{HOUR, ask, create_job, open, open_with, status, virtually, wait};

/// A call that strikes the next job.
const CUT_SHORT: &str = r#"[{"fault": "cut_short", "nth": 1}]"#;

#[test]
fn a_stop_between_the_choice_of_a_step_and_its_beginning_holds() {
    // One thread for steps, which is kept busy: so a step can be chosen and not begun.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).start_paused(true).build().expect("a runtime");
    for reached in ["Submitted", "Scheduled"] {
        let folder = tempfile::tempdir().expect("a folder");
        runtime.block_on(async {
            let mut emulator = open(folder.path());
            let path = create_job(&mut emulator).await;
            wait(&mut emulator, &path, reached).await;
            tokio::time::advance(6 * HOUR).await;
            let (release, held) = mpsc::channel::<()>();
            let busy = tokio::task::spawn_blocking(move || held.recv());
            let driver = emulator.clone();
            let mut settled = Box::pin(async move { driver.settle().await });
            for _ in 0..10 {
                assert!((&mut settled).now_or_never().is_none(), "its step waits for a thread");
                tokio::task::yield_now().await;
            }
            assert_eq!(ask(&mut emulator, "POST", &format!("{path}/stop"), "").await.0, 200);
            release.send(()).expect("the thread listens");
            busy.await.expect("it ends").expect("released");
            settled.await;
            assert_eq!(status(&mut emulator, &path).await, "Stopping", "from {reached}");
            tokio::time::advance(HOUR).await;
            emulator.settle().await;
            assert_eq!(status(&mut emulator, &path).await, "Stopped", "from {reached}");
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_end_is_due_cannot_be_stopped_any_more() {
    for (rules, end, records) in [("[]", "Completed", 100), (CUT_SHORT, "PartiallyCompleted", 59)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut emulator = open(folder.path());
        assert_eq!(ask(&mut emulator, "PUT", "/_laneshift/faults", rules).await.0, 200);
        let path = create_job(&mut emulator).await;
        wait(&mut emulator, &path, "InProgress").await;
        // Its end passes, and nobody has carried it out yet.
        tokio::time::advance(48 * HOUR).await;
        let (code, refused) = ask(&mut emulator, "POST", &format!("{path}/stop"), "").await;
        assert_eq!(code, 400, "{end}: {refused}");
        emulator.settle().await;
        let (_, job) = ask(&mut emulator, "GET", &path, "").await;
        assert_eq!((&job["status"], &job["successRecordCount"]), (&json!(end), &json!(records)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_due_behind_a_run_that_is_not_computed_counts_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut emulator = open(folder.path());
    let path = create_job(&mut emulator).await;
    wait(&mut emulator, &path, "InProgress").await;
    drop(emulator);
    // As a process leaves it that dies between the two.
    let journal = folder.path().join("journal.ndjson");
    let text = fs::read_to_string(&journal).expect("a journal");
    let kept: Vec<&str> = text.split_inclusive('\n').take_while(|line| !line.contains("job_ran")).collect();
    assert!(kept.last().is_some_and(|line| line.contains("InProgress")), "{text}");
    fs::write(&journal, kept.concat()).expect("writable");

    let mut emulator = open(folder.path());
    tokio::time::advance(48 * HOUR).await;
    assert_eq!(ask(&mut emulator, "POST", &format!("{path}/stop"), "").await.0, 400);
    emulator.settle().await;
    assert_eq!(status(&mut emulator, &path).await, "Completed");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_client_hangs_up_is_billed_and_gives_its_reserve_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut settings = Settings::default();
    settings.on_demand.tokens_per_minute = 10_000.0;
    let mut emulator = open_with(folder.path(), settings);
    let call = |text: &str| {
        let text = json!({ "content": [{ "text": text }], "role": "user" });
        let body = json!({ "messages": [text], "inferenceConfig": { "maxTokens": 9_000 } });
        ("POST", "/model/amazon.nova-pro-v1:0/converse", body.to_string())
    };
    let (method, path, body) = call("Hello [[toy: slow=2s, tokens=7]]");
    let asked = ask(&mut emulator, method, path, body);
    assert!(tokio::time::timeout(Duration::from_secs(1), asked).await.is_err(), "the client hangs up");
    assert_eq!(emulator.bill().entries().count(), 0, "it is not served yet");

    virtually(Duration::from_secs(2)).await;
    let output: Vec<u64> = emulator.bill().entries().map(|(_, usage)| usage.output.0).collect();
    assert_eq!(output, [7]);
    let (method, path, body) = call("Hello");
    assert_eq!(ask(&mut emulator, method, path, body).await.0, 200, "there is room for the next one");
}

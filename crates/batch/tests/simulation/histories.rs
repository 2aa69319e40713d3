//! Random histories: deaths, lost commits, late writes, faults of AWS, clocks that step, cancelled and erased records, all at once.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use laneshift_batch::Idle;
use laneshift_provider::settings::Settings as Provider;
use laneshift_store::memory::Memory;
use laneshift_store::{Bitmap, Store, SubmissionState};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::flaky::{FlakyObjects, FlakyStore, Mishap, Plan};
use crate::idle::{Unit, unit};
use crate::sim::{Deed, HOUR_MS, Hook, MINUTE_MS, Sim, no_hook};

/// Everything that goes wrong in one history.
#[derive(Clone, Debug)]
struct History {
    records: usize,
    within_h: i64,
    job_max: u64,
    faults: Vec<Value>,
    /// The process dies at these durable steps, counted from its birth.
    deaths: Vec<usize>,
    /// The clock steps by so many minutes at these steps.
    steps: Vec<(usize, i64)>,
    commits: Vec<(u64, Mishap)>,
    puts: Vec<(u64, Mishap)>,
    cancel: Option<u64>,
    redact: Vec<(u64, usize)>,
    /// Records that idle capacity has room for.
    idle: Option<u64>,
}

fn fault() -> impl Strategy<Value = Value> {
    let times = 1..4_u32;
    prop_oneof![
        times.clone().prop_map(|n| json!({ "fault": "cut_short", "share": 0.4, "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "never_begins", "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "lost_response", "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "mangled_output", "share": 0.1, "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "inner_errors", "share": 0.2, "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "records_fail", "share": 0.1, "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "not_found", "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "late_results", "minutes": 40, "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "truncated_output", "minutes": 20, "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "access_denied", "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "role_denied", "times": n })),
        times.clone().prop_map(|n| json!({ "fault": "quota_exceeded", "times": n })),
        times.prop_map(|n| json!({ "fault": "slow_turnaround", "factor": 20, "times": n })),
        Just(json!({ "fault": "throttled", "rate": 0.2 })),
        Just(json!({ "fault": "zero_counters" })),
    ]
}

fn history() -> impl Strategy<Value = History> {
    let mishap = prop_oneof![Just(Mishap::Lost), Just(Mishap::Unheard)];
    let put = prop_oneof![Just(Mishap::Lost), Just(Mishap::Unheard), Just(Mishap::Late), Just(Mishap::Refused)];
    let minutes = prop_oneof![Just(-60_i64), Just(60), Just(10)];
    let wrong = (
        prop::collection::vec(fault(), 0..4),
        prop::collection::vec(1..60_usize, 0..4),
        prop::collection::vec((1..60_usize, minutes), 0..3),
        prop::collection::vec((1..60_u64, mishap), 0..4),
        prop::collection::vec((1..8_u64, put), 0..3),
    );
    let others = (
        prop::option::weighted(0.3, 1..200_u64),
        prop::collection::vec((1..200_u64, 0..100_usize), 0..3),
        prop::option::weighted(0.4, 1..500_u64),
    );
    (100..330_usize, 8..200_i64, 100..300_u64, wrong, others).prop_map(|(records, within_h, job_max, wrong, others)| {
        let (faults, deaths, steps, commits, puts) = wrong;
        let (cancel, redact, idle) = others;
        History { records, within_h, job_max, faults, deaths, steps, commits, puts, cancel, redact, idle }
    })
}

async fn live(history: &History) {
    let mut provider = Provider::default();
    let quota = "Records per batch inference job for Claude Haiku 4.5";
    provider.quotas.insert(quota.to_owned(), history.job_max as f64);
    let memory: Arc<dyn Store> = Arc::new(Memory::default());
    provider.provisioned_models.push(unit());
    let mut sim = Sim::with(provider, memory.clone());
    sim.idle = history.idle.map(|records| Unit::lending(records) as Arc<dyn Idle>);
    let puts = Plan::new(history.puts.clone());
    sim.between = Arc::new(move |bucket| FlakyObjects::over(bucket, puts.clone()));
    let (id, _) = sim.accept(&sim.engine(no_hook()), "a", history.records, history.within_h * HOUR_MS).await;
    sim.store = FlakyStore::over(memory, Plan::new(history.commits.clone()));
    sim.faults(Value::Array(history.faults.clone())).await;
    let chunk = sim.store.spans(&id).await.expect("read")[0].chunk;
    {
        let mut meanwhile = sim.meanwhile.lock().unwrap_or_else(PoisonError::into_inner);
        meanwhile.extend(history.cancel.map(|at| (at, Deed::Cancel(id.clone()))));
        meanwhile.extend(history.redact.iter().map(|(at, slot)| (*at, Deed::Redact(chunk, *slot))));
    }
    let deaths = Arc::new(Mutex::new((0_usize, history.deaths.clone(), history.steps.clone())));
    let mut finished = None;
    for _ in 0..400 {
        let (log, clock) = (deaths.clone(), sim.clock.clone());
        let hook: Hook = Arc::new(move |_| {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.0 += 1;
            let n = log.0;
            for (_, minutes) in log.2.iter().filter(|(at, _)| *at == n) {
                clock.fetch_add(minutes * MINUTE_MS, Ordering::Relaxed);
            }
            let dies = log.1.contains(&n);
            drop(log);
            if dies {
                std::panic::resume_unwind(Box::new("killed"));
            }
        });
        let (engine, id) = (sim.engine(hook), id.clone());
        let mut process = tokio::task::JoinSet::new();
        process.spawn(async move { engine.finish(&id).await });
        match process.join_next().await.expect("one") {
            Ok(Ok(receipt)) => {
                finished = Some(receipt);
                break;
            }
            Ok(Err(_)) => {}
            Err(died) => assert!(died.into_panic().downcast_ref::<&str>() == Some(&"killed")),
        }
        sim.pass(10 * MINUTE_MS).await;
    }
    let receipt = finished.expect("every history ends");
    check(&sim, history, &id, &receipt).await;
}

async fn check(sim: &Sim, history: &History, id: &str, receipt: &laneshift_batch::Receipt) {
    sim.faults(json!([])).await;
    let engine = sim.engine(no_hook());
    // What is planned for the database may still happen.
    for tries in 0.. {
        match engine.erase().await {
            Ok(()) => break,
            Err(error) => assert!(tries < 10, "{error}"),
        }
    }
    let submission = sim.store.submission(id).await.expect("there");
    // Erasing may have come after the delivery: write the files once more.
    engine.write_results(&submission, &sim.output("a"), false).await.expect("written");
    let (mut erased, mut first) = (BTreeSet::new(), 0);
    for span in sim.store.spans(id).await.expect("read") {
        let chunk = sim.store.chunk(span.chunk).await.expect("read");
        assert!(Bitmap::of(&span).without(&chunk.done).is_empty(), "every record has its one result");
        erased.extend(chunk.redacted.iter().map(|slot| first + slot));
        first += span.records as usize;
    }
    let answered = sim.delivered_but("a", history.records, &erased);
    if history.cancel.is_none() && erased.is_empty() {
        assert_eq!(answered.len() as u64, receipt.delivered.answered);
    }
    if history.cancel.is_none() {
        assert_eq!(submission.state, SubmissionState::Delivered);
    }
    sim.assert_books().await;
    let jobs = sim.jobs().await;
    let names: BTreeSet<&str> = jobs.iter().filter_map(|job| job["jobName"].as_str()).collect();
    assert_eq!(names.len(), jobs.len(), "an intent is one job at most");
    let folders = [sim.folder.path().join("spool"), sim.folder.path().join("results"), sim.emulator.folder().join("s3")];
    for slot in &erased {
        let needle = format!("question {slot} of a.");
        for path in folders.iter().flat_map(|folder| files(folder)) {
            let bytes = std::fs::read(&path).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&bytes).contains(&needle), "{needle} is in {}", path.display());
        }
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("read").path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_wrong_each_record_ends_once_and_is_paid_for_as_booked(history in history()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(live(&history));
    }
}

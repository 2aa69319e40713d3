//! What goes to AWS in files, and comes back in them.

use std::sync::Arc;

use laneshift_store::AttemptState;
use serde_json::json;

use crate::flaky::{FlakyObjects, Mishap, Plan};
use crate::sim::{HOUR_MS, MINUTE_MS, Sim, no_hook};

#[tokio::test(start_paused = true)]
async fn a_job_of_many_chunks_and_sizes_is_uploaded_as_it_was_decided() {
    let mut sim = Sim::new();
    sim.terms.linger_ms = MINUTE_MS;
    let engine = sim.engine(no_hook());
    let mut ids = Vec::new();
    // Due in another order than their chunks are numbered in, whichever that is; the files are cut among them.
    for (at, bytes) in [0, 40_000, 10, 20_000, 5_000, 100].into_iter().enumerate() {
        let name = ["a", "b", "c", "d", "e", "f"][at];
        ids.push((name, sim.accept_sized(&engine, name, 60, bytes, (20 + at as i64) * HOUR_MS).await.0));
    }
    sim.pass(2 * MINUTE_MS).await;
    engine.turn().await.expect("a turn");
    let jobs = sim.store.open_attempts().await.expect("read");
    assert_eq!(jobs.iter().map(|job| (job.intent.records, job.state)).collect::<Vec<_>>(), [(360, AttemptState::Created)]);
    for (name, id) in &ids {
        assert_eq!(sim.finish(&engine, id, 1).await.delivered.answered, 60);
        assert_eq!(sim.delivered(name, 60).len(), 60);
    }
    assert_eq!(sim.jobs().await.len(), 1);
    sim.assert_books().await;
}

#[tokio::test(start_paused = true)]
async fn output_that_could_not_be_read_is_read_in_the_next_turn() {
    let mut sim = Sim::new();
    // The first read is that of the output: nothing else of a job is read back.
    let reads = Plan::new([(1, Mishap::Lost)]);
    sim.between = Arc::new(move |bucket| FlakyObjects::that_loses_reads(bucket, reads.clone()));
    let engine = sim.engine(no_hook());
    let (id, _) = sim.accept(&engine, "a", 120, 24 * HOUR_MS).await;
    let receipt = sim.finish(&engine, &id, 1).await;
    assert_eq!(receipt.delivered.answered, 120);
    let ended = sim.store.attempts(&id).await.expect("read")[0].ended.expect("it ended");
    assert!(sim.now().0 - ended.0 <= 2 * MINUTE_MS, "two turns after its end, and not when all hope is given up");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_shared_is_paid_by_each_for_its_own_tokens() {
    let mut sim = Sim::new();
    sim.terms.linger_ms = MINUTE_MS;
    let engine = sim.engine(no_hook());
    let (small, _) = sim.accept_sized(&engine, "small", 30, 0, 24 * HOUR_MS).await;
    let (large, _) = sim.accept_sized(&engine, "large", 60, 4_000, 24 * HOUR_MS).await;
    sim.pass(2 * MINUTE_MS).await;
    let mut receipts = Vec::new();
    for (id, name) in [(&small, "small"), (&large, "large")] {
        let receipt = sim.finish(&engine, id, 1).await;
        let answers = std::fs::read_to_string(&receipt.output).expect("answers");
        let usage = |line: &str| -> u64 {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["modelOutput"]["usage"]["input_tokens"].as_u64().expect("metered")
        };
        let metered: u64 = answers.lines().map(usage).sum();
        // What fills the job up is each one's by its records.
        let fillers = receipt.cost.usage.input.0.checked_sub(metered).expect("its own tokens at least");
        assert!(fillers < 10 * 90, "{name}: {fillers} tokens that are not its own");
        receipts.push(receipt);
    }
    assert_eq!(sim.jobs().await.len(), 1, "one job, filled up to the minimum");
    let sum = receipts[0].cost.paid + receipts[1].cost.paid;
    let unseen = sim.billed() - sum;
    assert!(unseen.pico() >= 0 && unseen.pico() < 10, "all of the bill is somebody's: {unseen}");
    assert!(receipts[1].cost.paid > receipts[0].cost.paid.scaled(4, 1), "by tokens, and not by records");
}

#[tokio::test(start_paused = true)]
async fn what_one_owner_forbade_is_not_done_to_it_when_another_allows_it() {
    let mut sim = Sim::new();
    (sim.terms.pad, sim.terms.lanes) = (false, Vec::new());
    let strict = sim.accept(&sim.engine(no_hook()), "strict", 20, 4 * HOUR_MS).await.0;
    sim.terms = laneshift_batch::Terms::default();
    let engine = sim.engine(no_hook());
    let free = sim.accept(&engine, "free", 20, 4 * HOUR_MS).await.0;
    assert_eq!(sim.finish(&engine, &free, 1).await.delivered.answered, 20);
    let receipt = sim.finish(&engine, &strict, 1).await;
    assert_eq!((receipt.delivered.expired, receipt.parts.len()), (20, 0), "neither filled up nor called");
}

#[tokio::test(start_paused = true)]
async fn what_a_job_ran_and_told_too_late_stays_within_the_books() {
    let sim = Sim::new();
    let faults = json!([
        { "fault": "cut_short", "share": 0.4, "times": 1 },
        { "fault": "late_results", "minutes": 40, "times": 1 },
    ]);
    sim.faults(faults).await;
    let engine = sim.engine(no_hook());
    let (id, _) = sim.accept(&engine, "a", 100, 8 * HOUR_MS).await;
    let receipt = sim.finish(&engine, &id, 3).await;
    assert_eq!(receipt.delivered.answered, 100, "what did not come in all the looks ran again");
    assert!(receipt.cost.bound.pico() > 0, "and may have been paid for");
    sim.assert_books().await;
}

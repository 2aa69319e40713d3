//! What goes to AWS in files, and comes back in them.

use std::sync::Arc;

use laneshift_store::AttemptState;

use crate::flaky::{FlakyObjects, Mishap, Plan};
use crate::sim::{HOUR_MS, MINUTE_MS, Sim, no_hook};

#[tokio::test(start_paused = true)]
async fn a_job_of_many_chunks_and_sizes_is_uploaded_as_it_was_decided() {
    let mut sim = Sim::new();
    sim.settings.policy.linger_ms = MINUTE_MS;
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

//! A pause between every two durable steps, and a create that comes after its intent was taken back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use laneshift_provider::settings::Settings as Provider;
use laneshift_store::memory::Memory;
use serde_json::json;

use crate::flaky::FlakyObjects;
use crate::sim::{HOUR_MS, Hook, MINUTE_MS, Sim, no_hook, run_dying};

#[tokio::test(start_paused = true)]
async fn ten_minutes_between_any_two_steps_change_nothing() {
    let (count, paused_at) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(1));
    loop {
        // Once for every step of a run, until a run has fewer.
        let sim = Sim::new();
        let (at, steps, clock) = (paused_at.load(Ordering::Relaxed), count.clone(), sim.clock.clone());
        steps.store(0, Ordering::Relaxed);
        let seen = steps.clone();
        let hook: Hook = Arc::new(move |_| {
            if seen.fetch_add(1, Ordering::Relaxed) + 1 == at {
                clock.fetch_add(10 * MINUTE_MS, Ordering::Relaxed);
            }
        });
        let engine = sim.engine(hook);
        let (id, _) = sim.accept(&engine, "a", 110, 24 * HOUR_MS).await;
        let receipt = sim.finish(&engine, &id, 1).await;
        assert_eq!(receipt.delivered.answered, 110);
        assert_eq!(sim.delivered("a", 110).len(), 110);
        assert_eq!((sim.jobs().await.len(), receipt.cost.paid), (1, sim.billed()), "paused at step {at}");
        if steps.load(Ordering::Relaxed) < at {
            assert!(at > 10, "a run has a dozen steps");
            return;
        }
        paused_at.store(at + 1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_aws_has_forgotten_makes_no_second_job() {
    let mut provider = Provider::default();
    provider.switches.token_retention_h = 0;
    let sim = Sim::with(provider, Arc::new(Memory::default()));
    let (id, _) = sim.accept(&sim.engine(no_hook()), "a", 120, 24 * HOUR_MS).await;
    // The process dies when AWS has the job and the queue does not know it, and comes back when the token is forgotten.
    let rehearsal = Sim::new();
    let (same, _) = rehearsal.accept(&rehearsal.engine(no_hook()), "a", 120, 24 * HOUR_MS).await;
    let steps = run_dying(&rehearsal, &same, &[]).await.1;
    let created = steps.iter().position(|step| step == "created").expect("a job") + 1;
    let (done, _) = run_dying(&sim, &id, &[created]).await;
    assert_eq!(done.expect("finished").delivered.answered, 120);
    assert_eq!(sim.jobs().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_comes_after_its_intent_was_taken_back_fails_before_it_costs_anything() {
    let sim = Sim::new();
    sim.faults(json!([{ "fault": "quota_exceeded", "minutes": 1 }])).await;
    let engine = sim.engine(no_hook());
    let (id, _) = sim.accept(&engine, "a", 120, 24 * HOUR_MS).await;
    engine.turn().await.expect("a turn");
    let attempt = sim.store.attempts(&id).await.expect("read").remove(0);
    let request: serde_json::Value = serde_json::from_str(&attempt.intent.job.expect("a job").request).expect("JSON");
    // Nobody needs it any more: the intent is revoked. The create was on its way, and AWS takes it now.
    engine.cancel(&id).await.expect("open");
    engine.turn().await.expect("a turn");
    sim.faults(json!([])).await;
    sim.ask("POST", "/model-invocation-job", &request).await;
    sim.pass(30 * HOUR_MS).await;
    assert_eq!(sim.jobs().await[0]["status"], "Failed");
    assert_eq!(sim.billed(), laneshift_units::Money::ZERO);
}

#[tokio::test(start_paused = true)]
async fn calls_whose_notes_a_power_failure_has_taken_are_bounds() {
    let mut sim = Sim::new();
    let (id, _) = sim.accept(&sim.engine(no_hook()), "a", 40, 20 * MINUTE_MS).await;
    let dies = |step: &str| assert!(step != "called", "killed by the simulation");
    let engine = sim.engine(Arc::new(dies));
    let mut process = tokio::task::JoinSet::new();
    let same = id.clone();
    process.spawn(async move { engine.finish(&same).await });
    process.join_next().await.expect("one").expect_err("it died at its first call");
    // The machine went down as well: what was not on the disk is gone, and that is all but the first line.
    let folder = sim.folder.path().join("calls");
    let journal = std::fs::read_dir(folder).expect("there").next().expect("a group").expect("read").path();
    let text = std::fs::read_to_string(&journal).expect("read");
    std::fs::write(&journal, format!("{}\n", text.lines().next().expect("a line"))).expect("written");
    sim.boot = "second".to_owned();
    let receipt = sim.finish(&sim.engine(no_hook()), &id, 1).await;
    assert_eq!(receipt.delivered.answered, 40);
    assert!(receipt.cost.bound > laneshift_units::Money::ZERO);
    sim.assert_books().await;
}

#[tokio::test(start_paused = true)]
async fn a_bucket_from_which_nothing_may_be_deleted_holds_up_no_answer() {
    let mut sim = Sim::new();
    sim.between = Arc::new(|bucket| FlakyObjects::that_keeps(bucket));
    let engine = sim.engine(no_hook());
    let (first, _) = sim.accept(&engine, "a", 120, 24 * HOUR_MS).await;
    assert_eq!(sim.finish(&engine, &first, 1).await.delivered.answered, 120);
    // Its copies of the output are due to go.
    sim.pass(100 * HOUR_MS).await;
    let (second, _) = sim.accept(&engine, "b", 120, 24 * HOUR_MS).await;
    assert_eq!(sim.finish(&engine, &second, 1).await.delivered.answered, 120);
    assert_eq!(sim.delivered("b", 120).len(), 120);
}

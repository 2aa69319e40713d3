//! A provider that is sometimes slow, and deadlines that hold all the same.

use std::sync::Arc;

use laneshift_provider::settings::Settings as Provider;
use laneshift_store::memory::Memory;
use laneshift_store::{Lane, Promise};
use laneshift_units::Money;
use serde_json::json;

use crate::sim::{HOUR_MS, MINUTE_MS, Sim, no_hook};

const WITHIN_MS: i64 = 6 * HOUR_MS;

/// A hundred thousand where it may take its time.
fn requests() -> usize {
    std::env::var("LANESHIFT_SIM_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

/// A world in which a day's quota is what so many requests need in so many minutes, when each counts 1,100 quota tokens.
fn world(requests: usize, minutes: u64) -> Sim {
    let mut sim = Sim::with(Provider::default(), Arc::new(Memory::default()));
    sim.settings.rescue.tokens_per_minute = Some(requests as u64 * 1_100 / minutes);
    sim
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_when_jobs_take_thirty_hours_and_the_rate_suffices() {
    let n = requests();
    for (slow, most) in [(false, 1.05), (true, 1.6)] {
        let sim = world(n, 60);
        if slow {
            // Half an hour in the queue becomes thirty.
            sim.faults(json!([{ "fault": "slow_turnaround", "factor": 90 }])).await;
        }
        let engine = sim.engine(no_hook());
        let (id, outlook) = sim.accept(&engine, "a", n, WITHIN_MS).await;
        assert_eq!(outlook.promise, Promise::Guaranteed);
        let receipt = sim.finish(&engine, &id, 1).await;
        // What passes its deadline expires, so what is answered was in time.
        assert_eq!((receipt.delivered.answered, sim.delivered("a", n).len()), (n as u64, n), "slow: {slow}");
        sim.assert_books().await;
        let called: u64 = receipt.parts.iter().filter(|p| p.lane != Lane::Batch).map(|p| p.records).sum();
        assert_eq!(called > 0, slow, "what a job answers in time is not called");
        // In hindsight the best is batch for all when it is fast, and the on-demand lanes for all when it is not.
        let best = if slow { receipt.cost.on_demand } else { receipt.cost.on_demand.scaled(1, 2) };
        let ratio = receipt.cost.paid.share_of(best).expect("something was paid");
        eprintln!("{n} requests, slow: {slow}: paid {} against {best} in hindsight, {ratio:.3}", receipt.cost.paid);
        assert!(ratio <= most, "slow: {slow}: {ratio}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_the_rate_cannot_hold_is_not_promised_and_the_earliest_that_can_be_holds() {
    let n = requests();
    let sim = world(n, 10 * 60);
    sim.faults(json!([{ "fault": "slow_turnaround", "factor": 90 }])).await;
    let engine = sim.engine(no_hook());
    let asked = sim.read(&engine, "a", n, laneshift_units::Timestamp(sim.now().0 + WITHIN_MS));
    let outlook = engine.outlook(&asked).await.expect("known");
    let earliest = outlook.earliest.expect("the rate is known");
    assert_eq!(outlook.promise, Promise::BestEffort);
    assert!(earliest.0 > sim.now().0 + WITHIN_MS, "{earliest}");
    asked.discard(sim.folder.path());
    let (id, outlook) = sim.accept(&engine, "b", n, earliest.0 - sim.now().0 + MINUTE_MS).await;
    assert_eq!(outlook.promise, Promise::Guaranteed);
    let receipt = sim.finish(&engine, &id, 1).await;
    assert_eq!(receipt.delivered.answered, n as u64);
    sim.assert_books().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_lane_to_go_to_what_batch_does_not_answer_in_time_expires_and_its_late_answer_is_waste() {
    let mut sim = Sim::new();
    sim.terms.lanes.clear();
    sim.faults(json!([{ "fault": "slow_turnaround", "factor": 30 }])).await;
    let engine = sim.engine(no_hook());
    let (id, outlook) = sim.accept(&engine, "a", 120, WITHIN_MS).await;
    assert_eq!((outlook.promise, outlook.earliest), (Promise::BestEffort, None));
    let receipt = sim.finish(&engine, &id, 1).await;
    assert_eq!((receipt.delivered.answered, receipt.delivered.expired), (0, 120));
    assert_eq!(receipt.cost.paid, sim.billed());
    assert_eq!(receipt.cost.waste, receipt.cost.paid);
    assert!(receipt.cost.paid == Money::ZERO || receipt.parts.iter().any(|part| part.state != "Failed"));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_never_ends_holds_up_no_answer() {
    let sim = Sim::new();
    sim.faults(json!([{ "fault": "stuck" }])).await;
    let engine = sim.engine(no_hook());
    let (id, outlook) = sim.accept(&engine, "a", 150, WITHIN_MS).await;
    assert_eq!(outlook.promise, Promise::Guaranteed);
    let receipt = sim.finish(&engine, &id, 1).await;
    assert_eq!((receipt.delivered.answered, sim.delivered("a", 150).len()), (150, 150));
    sim.assert_books().await;
}

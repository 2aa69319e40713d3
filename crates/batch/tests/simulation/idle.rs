//! Capacity that is paid for by the hour and idle, as somebody lends it: what it answers costs nothing, and what it does not answer
//! goes on as if there were none.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use laneshift_batch::{Ended, Idle, Lent, PoolSpec, Receipt, Spare};
use laneshift_provider::settings::{ProvisionedModel, Settings as Provider};
use laneshift_store::Lane;
use laneshift_store::memory::Memory;
use laneshift_units::{Money, Timestamp, Tokens, Usage};
use serde_json::{Value, json};

use crate::sim::{HOUR_MS, Sim, no_hook, run_dying};

const ARN: &str = "arn:aws:bedrock:us-east-1:111122223333:provisioned-model/provisioned1";

/// Lends room by number of records, and shuts when it hears that nothing is there.
pub(crate) struct Unit {
    arn: String,
    says: u64,
    lends: AtomicU64,
    shut: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<Ended>>>,
}

impl Idle for Unit {
    fn spare(&self, _: &PoolSpec, _: Timestamp) -> Spare {
        let records = if self.shut.load(Ordering::Relaxed) { 0 } else { self.says };
        Spare { input: Tokens(u64::MAX), output: Tokens(u64::MAX), records }
    }

    fn lend(&self, pool: &PoolSpec, load: &Usage, _: Timestamp) -> Option<Lent> {
        assert!(pool.model.contains("haiku") && load.input.0 > 0 && load.output.0 > 0);
        let one_less = |left: u64| left.checked_sub(1);
        self.lends.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok()?;
        let (shut, heard) = (self.shut.clone(), self.heard.clone());
        let back = Box::new(move |ended: Ended| {
            shut.fetch_or(matches!(ended, Ended::Gone(_)), Ordering::Relaxed);
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(ended);
        });
        (!self.shut.load(Ordering::Relaxed)).then(|| Lent { arn: self.arn.clone(), back })
    }
}

impl Unit {
    fn new(arn: &str, says: u64, lends: u64) -> Arc<Self> {
        Arc::new(Self { arn: arn.to_owned(), says, lends: lends.into(), shut: Arc::default(), heard: Arc::default() })
    }

    /// That lends so much at the right place.
    pub(crate) fn lending(lends: u64) -> Arc<Self> {
        Self::new(ARN, 1_000, lends)
    }
}

/// One unit of the model that everything here is asked of.
pub(crate) fn unit() -> ProvisionedModel {
    ProvisionedModel {
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        id: "provisioned1".to_owned(),
        name: "one".to_owned(),
        model: "anthropic.claude-haiku-4-5-20251001-v1:0".to_owned(),
        units: 1,
        commitment: None,
        tokens_per_minute: 10_000_000,
    }
}

/// A world with one unit, which a lender says to be at an ARN, and of which it says and lends so much.
fn world(arn: &str, says: u64, lends: u64) -> (Sim, Arc<Unit>) {
    let settings = Provider { provisioned_models: vec![unit()], ..Provider::default() };
    let mut sim = Sim::with(settings, Arc::new(Memory::default()));
    sim.terms.linger_ms = HOUR_MS;
    let unit = Unit::new(arn, says, lends);
    sim.idle = Some(unit.clone());
    (sim, unit)
}

fn records_of(receipt: &Receipt, lane: Lane) -> u64 {
    receipt.parts.iter().filter(|part| part.lane == lane && part.cost.is_some()).map(|part| part.records).sum()
}

#[tokio::test(start_paused = true)]
async fn what_is_idle_answers_at_once_for_nothing_and_saves_the_price_on_demand() {
    let (sim, unit) = world(ARN, 1_000, 1_000);
    let engine = sim.engine(no_hook());
    let (id, _) = sim.accept(&engine, "a", 300, 24 * HOUR_MS).await;
    let receipt = sim.finish(&engine, &id, 1).await;
    assert_eq!((receipt.delivered.answered, sim.delivered("a", 300).len()), (300, 300));
    assert!(receipt.parts.iter().all(|part| part.lane == Lane::Provisioned), "{:?}", receipt.parts);
    assert!(sim.now().0 < crate::sim::START.0 + HOUR_MS, "it waited for no company");
    assert_eq!((receipt.cost.paid, receipt.cost.bound, sim.billed()), (Money::ZERO, Money::ZERO, Money::ZERO));
    assert!(receipt.cost.on_demand > Money::ZERO);
    let heard = unit.heard.lock().expect("heard");
    let used: u64 = heard.iter().map(|ended| if let Ended::Answered(Some(usage)) = ended { usage.output.0 } else { 0 }).sum();
    assert_eq!((heard.len(), used), (300, receipt.cost.usage.output.0), "the lender knows what was used");
}

#[tokio::test(start_paused = true)]
async fn a_death_anywhere_in_a_drained_group_costs_no_answer_and_no_money() {
    // First without one.
    let mut left: Vec<Vec<usize>> = vec![Vec::new()];
    while let Some(deaths) = left.pop() {
        let (sim, _) = world(ARN, 1_000, 1_000_000);
        // Of some calls the answer is lost too.
        sim.faults(json!([{ "fault": "lost_response", "operation": "InvokeModel", "times": 1 }])).await;
        let engine = sim.engine(no_hook());
        let (id, _) = sim.accept(&engine, "a", 4, 24 * HOUR_MS).await;
        drop(engine);
        let (done, steps) = run_dying(&sim, &id, &deaths).await;
        let receipt = done.expect("finished");
        assert_eq!((receipt.delivered.answered, sim.delivered("a", 4).len()), (4, 4), "death at step {deaths:?} of {steps:?}");
        assert!(sim.jobs().await.is_empty());
        assert_eq!((receipt.cost.paid, receipt.cost.bound, sim.billed()), (Money::ZERO, Money::ZERO, Money::ZERO));
        if deaths.is_empty() {
            let journals = std::fs::read_dir(sim.folder.path().join("calls")).expect("there").count();
            assert_eq!((journals, steps.iter().filter(|step| *step == "called").count()), (0, 5), "one of four is asked again");
            let at = |name| steps.iter().position(|step| step == name).expect("a step") + 1;
            left = (at("calls intended")..=at("calls closed")).map(|death| vec![death]).collect();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn capacity_that_is_not_there_settles_no_record_and_a_job_answers() {
    // AWS has words for it with and without a name of their own.
    let gone = ARN.replace("provisioned1", "provisioned9");
    let denied = json!([{ "fault": "error", "error": "AccessDeniedException", "operation": "InvokeModel" }]);
    for (arn, faults) in [(&*gone, json!([])), ("no.such-model-v1:0", json!([])), (ARN, denied)] {
        let (mut sim, unit) = world(arn, 1_000, 1_000);
        sim.terms.linger_ms = 0;
        sim.faults(faults).await;
        let engine = sim.engine(no_hook());
        let (id, _) = sim.accept(&engine, "a", 120, 24 * HOUR_MS).await;
        engine.turn().await.expect("a turn");
        assert_eq!(sim.jobs().await.len(), 1, "{arn}: in the same turn");
        let receipt = sim.finish(&engine, &id, 1).await;
        assert_eq!((receipt.delivered.answered, receipt.delivered.failed), (120, 0), "{arn}");
        assert_eq!((records_of(&receipt, Lane::Batch), receipt.cost.paid), (120, sim.billed()));
        assert!(unit.heard.lock().expect("heard").iter().all(|ended| matches!(ended, Ended::Gone(_))), "{arn}");
        let tried = receipt.parts.iter().find(|part| part.lane == Lane::Provisioned).expect("tried");
        assert_eq!((&*tried.state, tried.cost.map(|cost| cost.usage.total().0)), ("not answered", Some(0)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_model_refuses_has_its_answer_and_the_capacity_stays_open() {
    let (sim, unit) = world(ARN, 1_000, 1_000);
    let engine = sim.engine(no_hook());
    let input = sim.folder.path().join("a.jsonl");
    let line = |n: usize, max_tokens: i64| {
        let body = json!({ "anthropic_version": "bedrock-2023-05-31", "max_tokens": max_tokens, "messages": [{ "role": "user", "content": "x" }] });
        format!("{}\n", json!({ "recordId": format!("a-{n}"), "modelInput": body }))
    };
    std::fs::write(&input, line(0, 100) + &line(1, 9_000_000) + &line(2, 100)).expect("written");
    let accepted = sim.read_file(&engine, ("a", &input), Timestamp(sim.now().0 + 24 * HOUR_MS));
    let id = accepted.submission.id.clone();
    engine.accept(vec![accepted]).await.expect("accepted");
    let receipt = sim.finish(&engine, &id, 1).await;
    assert_eq!((receipt.delivered.answered, receipt.delivered.failed), (2, 1));
    let errors = std::fs::read_to_string(laneshift_batch::errors_path(&sim.output("a"))).expect("there");
    let error: Value = serde_json::from_str(errors.trim()).expect("one line");
    assert_eq!((error["recordId"].as_str(), error["error"]["errorCode"].as_u64()), (Some("a-1"), Some(400)), "{errors}");
    assert!(!unit.shut.load(Ordering::Relaxed));
    assert_eq!(sim.billed(), Money::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_any_more_goes_on_in_the_same_turn() {
    let (mut sim, _) = world(ARN, 1_000, 50);
    sim.terms.linger_ms = 0;
    sim.faults(json!([{ "fault": "throttled", "operation": "InvokeModel", "times": 20 }])).await;
    let engine = sim.engine(no_hook());
    let (id, _) = sim.accept(&engine, "a", 300, 24 * HOUR_MS).await;
    engine.turn().await.expect("a turn");
    assert_eq!(sim.jobs().await.len(), 1);
    let receipt = sim.finish(&engine, &id, 1).await;
    assert_eq!((receipt.delivered.answered, records_of(&receipt, Lane::Batch)), (300, 270));
    assert_eq!(receipt.cost.paid, sim.billed());
}

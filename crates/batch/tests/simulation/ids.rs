//! Single requests: ids, keys, owners, results, and commits whose outcome is not known.

use std::sync::Arc;

use laneshift_batch::{Engine, NotAccepted, OneState, Single};
use laneshift_provider::settings::Settings as Provider;
use laneshift_store::memory::Memory;
use laneshift_store::sqlite::Sqlite;
use laneshift_units::{Money, Timestamp};
use serde_json::{Value, json};

use crate::flaky::{FlakyStore, Mishap, Plan};
use crate::sim::{HAIKU, HOUR_MS, Sim, no_hook};

/// A request of an owner, due in a day.
pub(crate) fn single(sim: &Sim, owner: &str, n: usize, key: Option<&str>) -> Single {
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "messages": [{ "role": "user", "content": format!("question {n}") }],
    });
    let line = json!({ "recordId": format!("mine-{n}"), "modelInput": body }).to_string();
    let deadline = Timestamp(sim.now().0 + 24 * HOUR_MS);
    Single::read(line.as_bytes(), Some(HAIKU), &sim.place(), owner, key, deadline).expect("a good request")
}

async fn answered(engine: &Engine, sim: &Sim, id: &str) -> Value {
    for _ in 0..2_000 {
        engine.turn().await.expect("a turn");
        let one = engine.one(id, "me").await.expect("read").expect("mine");
        if one.state == OneState::Answered {
            return serde_json::from_slice(&one.line.expect("an answer")).expect("JSON");
        }
        sim.pass(60_000).await;
    }
    panic!("{id} is not answered");
}

#[tokio::test(start_paused = true)]
async fn requests_that_come_at_once_share_a_commit_and_each_gets_its_own_answer() {
    let sim = Sim::new();
    let engine = sim.engine(no_hook());
    let all = (0..120).map(|n| engine.accept_one(single(&sim, "me", n, None)));
    let ids: Vec<String> = futures::future::join_all(all).await.into_iter().map(|taken| taken.expect("accepted").id).collect();
    let chunks = sim.store.live().await.expect("read");
    assert_eq!(chunks.len(), 1, "one pool, one chunk");
    assert!(sim.store.tails(chunks[0].new.id).await.expect("read").len() < 120, "fewer rows than requests");
    for (n, id) in ids.iter().enumerate() {
        let line = answered(&engine, &sim, id).await;
        assert_eq!(line["recordId"], format!("mine-{n}"));
        assert_eq!(line["modelInput"]["messages"][0]["content"], format!("question {n}"));
        assert_eq!(engine.one(id, "you").await.expect("read"), None, "another owner's id is as good as none");
        assert_eq!(engine.cancel_one(id, "you").await.expect("read"), None);
    }
    assert_eq!(engine.one("req_nonsense", "me").await.expect("read"), None);
    assert_eq!(sim.jobs().await.len(), 1);
    sim.assert_books().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_makes_one_request_of_two_and_refuses_another_one() {
    let sim = Sim::new();
    let engine = sim.engine(no_hook());
    let twice = [single(&sim, "me", 1, Some("k")), single(&sim, "me", 1, Some("k"))];
    let ids = futures::future::join_all(twice.map(|one| engine.accept_one(one))).await;
    let [Ok(first), Ok(second)] = &ids[..] else { panic!("{ids:?}") };
    assert_eq!((&second.id, [first.new.is_some(), second.new.is_some()]), (&first.id, [true, false]), "in one commit");
    let again = engine.accept_one(single(&sim, "me", 1, Some("k"))).await.expect("known");
    assert_eq!((&again.id, again.new), (&first.id, None), "and later");
    let other = engine.accept_one(single(&sim, "me", 2, Some("k"))).await;
    assert!(matches!(other, Err(NotAccepted::Other)), "{other:?}");
    let yours = engine.accept_one(single(&sim, "you", 1, Some("k"))).await.expect("new");
    assert!(yours.new.is_some() && yours.id != first.id, "keys are an owner's own");
    let records: u32 = sim.store.live().await.expect("read").iter().map(|chunk| chunk.new.records).sum();
    assert_eq!(records, 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_is_not_sent_and_an_answered_one_stays_answered() {
    let sim = Sim::new();
    let engine = sim.engine(no_hook());
    let kept = engine.accept_one(single(&sim, "me", 1, None)).await.expect("accepted").id;
    let gone = engine.accept_one(single(&sim, "me", 2, None)).await.expect("accepted").id;
    let mut changes = engine.subscribe();
    changes.mark_unchanged();
    assert_eq!(engine.cancel_one(&gone, "me").await.expect("read"), Some(true));
    assert!(changes.has_changed().expect("open"), "whoever waits is woken");
    answered(&engine, &sim, &kept).await;
    assert_eq!(engine.one(&gone, "me").await.expect("read").expect("mine").state, OneState::Cancelled);
    assert_eq!(engine.cancel_one(&kept, "me").await.expect("read"), Some(false));
    let attempts: u64 = sim.store.costs().await.expect("read").len() as u64;
    assert_eq!(attempts, 1);
    sim.assert_books().await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_not_heard_of_is_looked_up_and_one_that_was_lost_is_said() {
    for (mishap, accepted) in [(Mishap::Unheard, 1), (Mishap::Lost, 0)] {
        let plan = Plan::new([(2, mishap)]);
        let sim = Sim::with(Provider::default(), FlakyStore::over(Arc::new(Memory::default()), plan));
        let engine = sim.engine(no_hook());
        // The pool is the first write, and the commit the second.
        let done = engine.accept_one(single(&sim, "me", 1, Some("k"))).await;
        let records: u32 = sim.store.live().await.expect("read").iter().map(|chunk| chunk.new.records).sum();
        assert_eq!((done.is_ok(), records), (accepted == 1, accepted), "{mishap:?}");
        let again = engine.accept_one(single(&sim, "me", 1, Some("k"))).await.expect("accepted").id;
        let records: u32 = sim.store.live().await.expect("read").iter().map(|chunk| chunk.new.records).sum();
        assert_eq!(records, 1, "{mishap:?}: {again} is one record");
    }
}

#[tokio::test]
async fn what_was_accepted_survives_the_process_and_a_new_one_goes_on_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(Sqlite::open(folder.path()).await.expect("a queue"));
    let sim = Sim::with(Provider::default(), store);
    let engine = sim.engine(no_hook());
    let first = engine.accept_one(single(&sim, "me", 1, None)).await.expect("accepted").id;
    drop(engine);
    let engine = sim.engine(no_hook());
    let second = engine.accept_one(single(&sim, "me", 2, None)).await.expect("accepted").id;
    for (id, n) in [(first, 1), (second, 2)] {
        assert_eq!(answered(&engine, &sim, &id).await["recordId"], format!("mine-{n}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_workloads_share_is_booked_to_each_by_its_own_records_and_its_share_of_the_fillers() {
    let mut sim = Sim::new();
    sim.terms.lanes.clear();
    let engine = sim.engine(no_hook());
    let mut last = String::new();
    for (n, workload) in [Some("a"), Some("b"), Some("b"), None].into_iter().enumerate() {
        let one = single(&sim, "me", n, None).of_workload(workload);
        last = engine.accept_one(one).await.expect("accepted").id;
    }
    answered(&engine, &sim, &last).await;
    let booked = engine.booked().await.expect("read");
    let told: Vec<_> = booked.iter().map(|one| (one.workload.as_deref(), one.records)).collect();
    assert_eq!((told, sim.jobs().await.len()), (vec![(None, 1), (Some("a"), 1), (Some("b"), 2)], 1));
    assert_eq!(booked.iter().map(|one| one.cost.paid).sum::<Money>(), sim.billed(), "to the last digit");
    assert!(booked.iter().all(|one| one.cost.paid > Money::ZERO));
}

//! The tries at requests.

use laneshift_store::AttemptState::{Closed, Created, Intent as Intended, Revoked, Terminal, Uploaded};
use laneshift_store::*;
use laneshift_units::Timestamp;

use crate::fixture::*;
use crate::picture::Picture;

#[tokio::test]
async fn a_record_is_in_one_open_attempt_only_but_for_a_hedge() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        let first = intent(1, vec![members(1, 0..6)]);
        store.intend(&first).await.expect("decided");
        let before = Picture::of(&*store).await;
        store.intend(&first).await.expect("decided twice is decided once");
        refused!(store.intend(&intent(2, vec![members(1, 5..10)])).await, Conflict);
        assert_eq!(Picture::of(&*store).await, before);
        store.intend(&intent(3, vec![members(1, 6..10)])).await.expect("others are free");
        store.intend(&Intent { hedge: true, ..calls(4, vec![members(1, 0..2)]) }).await.expect("a hedge");
        store.move_attempt(AttemptId(1), Intended, Revoked, &AttemptChange::default()).await.expect("revoked");
        refused!(store.intend(&calls(5, vec![members(1, 0..6)])).await, Conflict);
        store.intend(&calls(6, vec![members(1, 2..6)])).await.expect("free again");
        let tries = store.tries(ChunkId(1)).await.expect("there");
        assert_eq!(
            tries.iter().map(|t| (t.attempt.0, t.state.is_open())).collect::<Vec<_>>(),
            [(1, false), (3, true), (4, true), (6, true)]
        );
        assert_eq!(store.chunk(ChunkId(1)).await.expect("there").open, slots(0..10));
    }
}

#[tokio::test]
async fn a_settled_record_is_in_no_attempt_not_even_a_hedge() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1, 2])).await.expect("accepted");
        store.end(ChunkId(2), &slots(3..4), Ending::Cancelled).await.expect("ended");
        let both = vec![members(1, 0..10), members(2, 3..10)];
        refused!(store.intend(&intent(1, both.clone())).await, Conflict);
        refused!(store.intend(&Intent { hedge: true, ..intent(1, both) }).await, Conflict);
        refused!(store.attempt(AttemptId(1)).await, Missing);
        assert!(store.chunk(ChunkId(1)).await.expect("there").open.is_empty(), "all or nothing");
    }
}

#[tokio::test]
async fn an_attempt_at_what_is_not_there_is_refused() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        refused!(store.intend(&intent(1, vec![members(2, 0..1)])).await, Missing);
        refused!(store.intend(&Intent { pool: PoolId(9), ..intent(1, vec![members(1, 0..1)]) }).await, Missing);
        assert_eq!(store.open_attempts().await.expect("there"), []);
    }
}

#[tokio::test]
async fn a_chunk_is_in_an_attempts_members_once() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        refused!(store.intend(&intent(1, vec![members(1, 0..1), members(1, 1..2)])).await, Conflict);
        refused!(store.attempt(AttemptId(1)).await, Missing);
    }
}

#[tokio::test]
async fn a_jobs_name_and_its_input_are_its_own() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        let first = intent(1, vec![members(1, 0..1)]);
        store.intend(&first).await.expect("decided");
        let job = first.job.expect("a job");
        let second = intent(2, vec![members(1, 1..2)]);
        let own = second.job.clone().expect("a job");
        refused!(
            store.intend(&Intent { job: Some(BatchJob { name: job.name, ..own.clone() }), ..second.clone() }).await,
            Conflict
        );
        refused!(store.intend(&Intent { job: Some(BatchJob { input: job.input, ..own }), ..second.clone() }).await, Conflict);
        store.intend(&second).await.expect("decided");
    }
}

#[tokio::test]
async fn an_attempt_is_read_back_as_it_was_decided() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1, 2])).await.expect("accepted");
        let job = intent(1, vec![members(1, 0..1), members(2, 5..7)]);
        let calls = calls(2, vec![members(1, 1..2)]);
        for intent in [&calls, &job] {
            store.intend(intent).await.expect("decided");
        }
        let read: Vec<Intent> = store.open_attempts().await.expect("there").into_iter().map(|a| a.intent).collect();
        assert_eq!(read, [job, calls], "oldest first");
        assert_eq!(store.attempts("s").await.expect("there"), store.open_attempts().await.expect("there"));
        assert_eq!(store.attempts("t").await.expect("readable"), []);
    }
}

#[tokio::test]
async fn an_attempt_moves_only_from_where_it_is_and_keeps_what_is_not_changed() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        store.intend(&intent(1, vec![members(1, 0..6)])).await.expect("decided");
        let (id, nothing) = (AttemptId(1), AttemptChange::default());
        let arn = AttemptChange { arn: Some("arn:1".to_owned()), started: Some(Timestamp(30)), ..AttemptChange::default() };
        refused!(store.move_attempt(id, Uploaded, Created, &arn).await, Conflict);
        refused!(store.move_attempt(AttemptId(2), Intended, Uploaded, &nothing).await, Missing);
        assert_eq!(store.attempt(id).await.expect("there").arn, None);
        store.move_attempt(id, Intended, Uploaded, &nothing).await.expect("uploaded");
        store.move_attempt(id, Uploaded, Created, &arn).await.expect("created");
        store.move_attempt(id, Uploaded, Created, &nothing).await.expect("twice");
        let seen = AttemptChange { provider_state: Some("Validating".to_owned()), ..AttemptChange::default() };
        store.move_attempt(id, Created, Created, &seen).await.expect("seen");
        let now = store.attempt(id).await.expect("there");
        assert_eq!(
            (now.arn.as_deref(), now.started, now.provider_state.as_deref()),
            (Some("arn:1"), Some(Timestamp(30)), Some("Validating"))
        );
        refused!(store.move_attempt(id, Intended, Revoked, &nothing).await, Conflict);
        store.move_attempt(id, Created, Terminal, &nothing).await.expect("ended");
        assert_eq!(store.open_attempts().await.expect("there").len(), 1, "its output is not read");
        store.move_attempt(id, Terminal, Closed, &nothing).await.expect("closed");
        refused!(store.move_attempt(id, Closed, Created, &nothing).await, Conflict);
        store.move_attempt(id, Closed, Closed, &nothing).await.expect("it is there already");
        assert_eq!(store.open_attempts().await.expect("there"), []);
    }
}

#[tokio::test]
async fn past_jobs_are_the_latest_jobs_that_are_over() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        for id in 1..=5 {
            let slot = id as usize;
            store.intend(&intent(id, vec![members(1, slot..slot + 1)])).await.expect("decided");
        }
        store.intend(&calls(6, vec![members(1, 0..1)])).await.expect("decided");
        close(&*store, 6).await;
        for (id, to, ended) in [(1, Closed, Some(50)), (2, Revoked, Some(70)), (3, Closed, None), (4, Closed, Some(50))] {
            let change = AttemptChange { ended: ended.map(Timestamp), ..AttemptChange::default() };
            store.move_attempt(AttemptId(id), Intended, to, &change).await.expect("moved");
        }
        let past = store.past_jobs(10).await.expect("there");
        assert_eq!(past.iter().map(|a| a.intent.id.0).collect::<Vec<_>>(), [2, 1, 4, 3]);
        assert!(past.iter().all(|a| a.intent.members.is_empty()));
        assert_eq!(store.past_jobs(2).await.expect("there"), past[..2]);
    }
}

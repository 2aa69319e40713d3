//! Submissions: accepted once, cancelled, delivered, purged.

use laneshift_store::*;
use laneshift_units::Timestamp;

use crate::fixture::*;
use crate::picture::Picture;

#[tokio::test]
async fn a_submission_is_accepted_once_and_another_under_its_id_is_refused() {
    for store in stores().await.0 {
        let accept = bulk("s", &[2, 1]);
        store.accept(&accept).await.expect("accepted");
        let before = Picture::of(&*store).await;
        refused!(store.accept(&accept).await, Conflict);
        let mut other = accept.clone();
        other.submissions[0].0.body_hash = 8;
        refused!(store.accept(&other).await, Other);
        assert_eq!(Picture::of(&*store).await, before);
        let order: Vec<u64> = store.chunks("s").await.expect("there").iter().map(|c| c.new.id.0).collect();
        assert_eq!(order, [2, 1], "in the order of the records");
        assert_eq!(store.spans("s").await.expect("there"), [span(2, 0, 10), span(1, 0, 10)]);
        refused!(store.submission("t").await, Missing);
        assert_eq!(store.spans("t").await.expect("readable"), []);
    }
}

#[tokio::test]
async fn a_submissions_key_is_one_owners_own() {
    for store in stores().await.0 {
        let keyed = |id: &str, owner: &str, body_hash| {
            let mut accept = bulk(id, &[1]);
            let new = &mut accept.submissions[0].0;
            (new.owner, new.key, new.body_hash) = (owner.to_owned(), Some("k".to_owned()), body_hash);
            accept
        };
        store.accept(&keyed("s", "o", 7)).await.expect("accepted");
        refused!(store.accept(&keyed("t", "o", 7)).await, Conflict);
        refused!(store.accept(&keyed("t", "o", 8)).await, Other);
        store.accept(&keyed("u", "p", 8)).await.expect("another owner's key");
        let found = async |owner, key| store.submission_keyed(owner, key).await.expect("readable").map(|s| s.new.id);
        assert_eq!(found("o", "k").await.as_deref(), Some("s"));
        assert_eq!(found("p", "k").await.as_deref(), Some("u"));
        assert_eq!(found("p", "l").await, None);
    }
}

#[tokio::test]
async fn submissions_are_listed_oldest_first() {
    for store in stores().await.0 {
        for (id, created) in [("b", 5), ("c", 3), ("a", 5)] {
            let mut accept = bulk(id, &[1]);
            accept.submissions[0].0.created = Timestamp(created);
            store.accept(&accept).await.expect("accepted");
        }
        let ids: Vec<String> = store.submissions().await.expect("there").into_iter().map(|s| s.new.id).collect();
        assert_eq!(ids, ["c", "a", "b"]);
    }
}

#[tokio::test]
async fn a_submission_moves_only_from_where_it_is() {
    use SubmissionState::{Cancelled, Delivered, Open};
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        refused!(store.move_submission("s", Cancelled, Delivered).await, Conflict);
        refused!(store.move_submission("t", Open, Delivered).await, Missing);
        store.move_submission("s", Open, Delivered).await.expect("moved");
        store.move_submission("s", Open, Delivered).await.expect("a second time");
        assert_eq!(store.submission("s").await.expect("there").state, Delivered);
        refused!(store.cancel("s").await, Conflict);
    }
}

#[tokio::test]
async fn a_cancelled_submission_ends_its_own_unsettled_records_only() {
    for store in stores().await.0 {
        let shared = Accept { chunks: vec![growing(1)], tails: vec![tail(1, 0, 10)], ..Accept::default() };
        store.accept(&shared).await.expect("accepted");
        let mine = Accept { submissions: vec![(submission("s", 7), vec![span(1, 2, 5)])], ..Accept::default() };
        store.accept(&mine).await.expect("accepted");
        store.intend(&calls(1, vec![members(1, 0..4)])).await.expect("decided");
        store.settle(&settle(1, 1, slots(0..3), slots(0..0))).await.expect("settled");
        assert_eq!(store.cancel("s").await.expect("cancelled"), 4);
        assert_eq!(store.cancel("s").await.expect("a second time"), 0);
        let chunk = store.chunk(ChunkId(1)).await.expect("there");
        assert_eq!((chunk.cancelled, chunk.ok, chunk.done), (slots(3..7), slots(0..3), slots(0..7)));
        assert_eq!(store.submission("s").await.expect("there").state, SubmissionState::Cancelled);
        refused!(store.cancel("t").await, Missing);
    }
}

#[tokio::test]
async fn a_purge_waits_for_results_and_for_open_attempts() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1, 2])).await.expect("accepted");
        store.intend(&intent(1, vec![members(1, 0..10)])).await.expect("decided");
        store.intend(&calls(2, vec![members(2, 0..10)])).await.expect("decided");
        store.book(AttemptId(1), &entries(2)).await.expect("booked");
        refused!(store.purge("s").await, Conflict);
        for (attempt, chunk) in [(1, 1), (2, 2)] {
            store.settle(&settle(attempt, chunk, slots(0..10), slots(0..0))).await.expect("settled");
        }
        let before = Picture::of(&*store).await;
        refused!(store.purge("s").await, Conflict);
        assert_eq!(Picture::of(&*store).await, before, "a refused purge changes nothing");
        close(&*store, 1).await;
        close(&*store, 2).await;
        let mut purged = store.purge("s").await.expect("purged").objects;
        purged.sort();
        assert_eq!(purged, ["results/1/1", "results/2/2", "spool/1", "spool/2"]);
        refused!(store.purge("s").await, Missing);
        refused!(store.chunk(ChunkId(1)).await, Missing);
        assert_eq!(store.results(ChunkId(1)).await.expect("readable"), []);
        assert_eq!(store.entries(AttemptId(1)).await.expect("there"), entries(2), "what attempts cost stays");
    }
}

#[tokio::test]
async fn a_purge_leaves_a_chunk_that_others_share() {
    for store in stores().await.0 {
        let both = Accept {
            submissions: vec![(submission("s", 7), vec![span(1, 0, 4)]), (submission("t", 7), vec![span(1, 4, 6)])],
            chunks: vec![sealed(1, 10)],
            ..Accept::default()
        };
        store.accept(&both).await.expect("accepted");
        store.cancel("s").await.expect("cancelled");
        assert_eq!(store.purge("s").await.expect("purged"), Purged::default());
        assert_eq!(store.chunk(ChunkId(1)).await.expect("there").cancelled, slots(0..4));
        assert_eq!(store.spans("t").await.expect("there"), [span(1, 4, 6)]);
    }
}

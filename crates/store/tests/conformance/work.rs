//! What became of the requests.

use laneshift_store::*;
use laneshift_units::Timestamp;

use crate::fixture::*;
use crate::picture::Picture;

#[tokio::test]
async fn the_first_result_wins_and_a_settle_can_run_twice() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        store.intend(&intent(1, vec![members(1, 0..10)])).await.expect("decided");
        store.intend(&Intent { hedge: true, ..calls(2, vec![members(1, 0..10)]) }).await.expect("decided");
        let first = settle(1, 1, slots(0..4), slots(4..5));
        assert_eq!(store.settle(&first).await.expect("settled"), slots(0..5));
        let before = Picture::of(&*store).await;
        assert_eq!(store.settle(&first).await.expect("again"), slots(0..5), "the same winners");
        assert_eq!(Picture::of(&*store).await, before);
        let second = settle(2, 1, slots(3..8), slots(8..20));
        assert_eq!(
            store.settle(&second).await.expect("settled"),
            slots(5..10),
            "what was settled stays; no slot beyond the last"
        );
        let chunk = store.chunk(ChunkId(1)).await.expect("there");
        assert_eq!((chunk.done, chunk.ok), (slots(0..10), slots(0..4).or(&slots(5..8))));
        let object =
            |attempt, winners| ResultObject { attempt: AttemptId(attempt), winners, object: format!("results/1/{attempt}") };
        assert_eq!(store.results(ChunkId(1)).await.expect("there"), [object(1, slots(0..5)), object(2, slots(5..10))]);
        assert_eq!(store.live().await.expect("there"), []);
    }
}

#[tokio::test]
async fn a_settle_of_what_is_not_there_is_refused() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        refused!(store.settle(&settle(1, 1, slots(0..1), slots(0..0))).await, Missing);
        store.intend(&calls(1, vec![members(1, 0..1)])).await.expect("decided");
        refused!(store.settle(&settle(1, 2, slots(0..1), slots(0..0))).await, Missing);
        assert!(store.chunk(ChunkId(1)).await.expect("there").done.is_empty());
    }
}

#[tokio::test]
async fn an_end_touches_only_records_without_a_result() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        store.intend(&calls(1, vec![members(1, 0..3)])).await.expect("decided");
        store.settle(&settle(1, 1, slots(0..2), slots(2..3))).await.expect("settled");
        let (id, all) = (ChunkId(1), slots(0..10));
        assert_eq!(store.end(id, &slots(1..5), Ending::Cancelled).await.expect("ended"), slots(3..5));
        assert_eq!(store.end(id, &slots(1..5), Ending::Cancelled).await.expect("ended"), slots(0..0), "a second time");
        assert_eq!(store.end(id, &slots(4..99), Ending::Expired).await.expect("ended"), slots(5..10));
        let chunk = store.chunk(id).await.expect("there");
        assert_eq!((chunk.ok, chunk.cancelled, chunk.expired, chunk.done), (slots(0..2), slots(3..5), slots(5..10), all));
        refused!(store.end(ChunkId(2), &slots(0..1), Ending::Expired).await, Missing);
    }
}

#[tokio::test]
async fn a_redact_marks_all_and_cancels_only_what_has_no_result() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1, 2])).await.expect("accepted");
        store.intend(&calls(1, vec![members(1, 0..3)])).await.expect("decided");
        store.settle(&settle(1, 1, slots(0..3), slots(0..0))).await.expect("settled");
        store.redact(ChunkId(1), &slots(2..20)).await.expect("marked");
        let chunk = store.chunk(ChunkId(1)).await.expect("there");
        assert_eq!((&chunk.redacted, &chunk.cancelled, &chunk.ok), (&slots(2..10), &slots(3..10), &slots(0..3)));
        store.redact(ChunkId(1), &slots(2..20)).await.expect("a second time");
        store.redact(ChunkId(2), &slots(0..0)).await.expect("nothing");
        assert_eq!(store.redacted().await.expect("there"), [chunk]);
        refused!(store.redact(ChunkId(3), &slots(0..1)).await, Missing);
    }
}

#[tokio::test]
async fn objects_are_replaced_where_there_is_one() {
    for store in stores().await.0 {
        store.accept(&Accept { chunks: vec![sealed(1, 10), growing(2)], ..Accept::default() }).await.expect("accepted");
        store.intend(&calls(1, vec![members(1, 0..3)])).await.expect("decided");
        store.settle(&settle(1, 1, slots(0..3), slots(0..0))).await.expect("settled");
        for _ in 0..2 {
            store.replace(ChunkId(1), "spool/1.1").await.expect("replaced");
            store.replace_result(ChunkId(1), AttemptId(1), "results/1.1").await.expect("replaced");
        }
        assert_eq!(store.chunk(ChunkId(1)).await.expect("there").new.object.as_deref(), Some("spool/1.1"));
        assert_eq!(store.results(ChunkId(1)).await.expect("there")[0].object, "results/1.1");
        refused!(store.replace(ChunkId(2), "spool/2").await, Missing);
        refused!(store.replace(ChunkId(3), "spool/3").await, Missing);
        refused!(store.replace_result(ChunkId(1), AttemptId(2), "r").await, Missing);
    }
}

#[tokio::test]
async fn live_chunks_come_by_deadline() {
    for store in stores().await.0 {
        let chunk = |id, deadline| NewChunk { deadline: Timestamp(deadline), ..sealed(id, 10) };
        let chunks = vec![chunk(1, 30), chunk(2, 10), chunk(3, 20), chunk(4, 10)];
        store.accept(&Accept { chunks, ..Accept::default() }).await.expect("accepted");
        store.end(ChunkId(3), &slots(0..10), Ending::Expired).await.expect("ended");
        let ids: Vec<u64> = store.live().await.expect("there").iter().map(|c| c.new.id.0).collect();
        assert_eq!(ids, [2, 4, 1]);
    }
}

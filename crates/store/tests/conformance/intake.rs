//! What comes in: pools, chunks, tails, keys.

use laneshift_store::*;
use laneshift_units::Timestamp;

use crate::fixture::*;
use crate::picture::Picture;

#[tokio::test]
async fn a_pool_is_made_once() {
    for store in stores().await.0 {
        let other = store.pool("n").await.expect("made");
        assert_ne!(other, POOL);
        assert_eq!(store.pool("n").await.expect("there"), other);
        assert_eq!(store.pools().await.expect("there"), [(POOL, SPEC.to_owned()), (other, "n".to_owned())]);
    }
}

#[tokio::test]
async fn tails_grow_an_open_chunk_and_a_seal_replaces_them() {
    for store in stores().await.0 {
        let first = Accept { chunks: vec![growing(1)], tails: vec![tail(1, 0, 2)], ..Accept::default() };
        store.accept(&first).await.expect("accepted");
        let late = Tail { deadline: Timestamp(2_000), ..tail(1, 2, 3) };
        store
            .accept(&Accept { chunks: vec![growing(1)], tails: vec![late.clone()], ..Accept::default() })
            .await
            .expect("accepted");
        let chunk = store.chunk(ChunkId(1)).await.expect("there");
        assert_eq!((chunk.new.records, chunk.new.bytes, chunk.new.usage), (5, 15, usage(20, 5)));
        assert_eq!(chunk.new.deadline, Timestamp(900), "the earliest of its records");
        assert_eq!(store.tails(ChunkId(1)).await.expect("there"), [tail(1, 0, 2), late]);
        assert_eq!(store.live().await.expect("there"), [chunk]);
        refused!(store.seal(ChunkId(1), 4, "spool/1", 40).await, Conflict);
        store.seal(ChunkId(1), 5, "spool/1", 40).await.expect("sealed");
        let chunk = store.chunk(ChunkId(1)).await.expect("there");
        assert_eq!((chunk.new.object.as_deref(), chunk.new.bytes, chunk.new.records), (Some("spool/1"), 40, 5));
        assert_eq!(store.tails(ChunkId(1)).await.expect("there"), []);
        store.seal(ChunkId(1), 5, "spool/other", 41).await.expect("a second time");
        assert_eq!(store.chunk(ChunkId(1)).await.expect("there"), chunk, "changes nothing");
        refused!(store.seal(ChunkId(2), 5, "spool/2", 1).await, Missing);
    }
}

#[tokio::test]
async fn a_tail_for_a_sealed_full_or_taken_place_is_refused() {
    for store in stores().await.0 {
        let one = |tail: Tail| Accept { chunks: vec![growing(1), sealed(2, 5)], tails: vec![tail], ..Accept::default() };
        store.accept(&one(tail(1, 0, 2))).await.expect("accepted");
        refused!(store.accept(&one(tail(1, 0, 2))).await, Conflict);
        refused!(store.accept(&one(tail(2, 5, 1))).await, Conflict);
        refused!(store.accept(&one(tail(3, 0, 1))).await, Conflict);
        refused!(store.accept(&one(tail(1, 2, SLOTS as u32 - 1))).await, Conflict);
        let twice = Accept { tails: vec![tail(1, 2, 1), tail(1, 2, 1)], ..Accept::default() };
        refused!(store.accept(&twice).await, Conflict);
        assert_eq!(store.chunk(ChunkId(1)).await.expect("there").new.records, 2);
        store.accept(&one(tail(1, 2, SLOTS as u32 - 2))).await.expect("up to the last slot");
    }
}

#[tokio::test]
async fn a_commit_is_accepted_as_a_whole_or_not_at_all() {
    for store in stores().await.0 {
        let known = Accept { keyed: vec![keyed(1, 0, 5)], ..bulk("s", &[1]) };
        store.accept(&known).await.expect("accepted");
        let good = Accept { chunks: vec![sealed(2, 10), growing(3)], tails: vec![tail(3, 0, 1)], ..bulk("t", &[2]) };
        let before = Picture::of(&*store).await;
        let bad_key = Accept { keyed: vec![keyed(2, 0, 1), keyed(1, 0, 6)], ..good.clone() };
        refused!(store.accept(&bad_key).await, Other);
        refused!(store.accept(&Accept { keyed: vec![keyed(1, 1, 5)], ..good.clone() }).await, Conflict);
        refused!(store.accept(&Accept { keyed: vec![keyed(2, 0, 1), keyed(2, 0, 1)], ..good.clone() }).await, Conflict);
        let mut bad_submission = good.clone();
        bad_submission.submissions.push((submission("s", 8), vec![span(2, 0, 10)]));
        refused!(store.accept(&bad_submission).await, Other);
        let mut twice = good.clone();
        twice.submissions.push(good.submissions[0].clone());
        refused!(store.accept(&twice).await, Conflict);
        let mut bad_span = good.clone();
        bad_span.submissions[0].1.push(span(9, 0, 1));
        refused!(store.accept(&bad_span).await, Missing);
        let mut bad_pool = good.clone();
        bad_pool.chunks.push(NewChunk { pool: PoolId(77), ..sealed(4, 1) });
        refused!(store.accept(&bad_pool).await, Missing);
        assert_eq!(Picture::of(&*store).await, before);
        store.accept(&good).await.expect("accepted");
    }
}

#[tokio::test]
async fn a_key_is_one_owners_own_and_is_forgotten_by_the_day() {
    for store in stores().await.0 {
        let theirs = Keyed { owner: "p".to_owned(), ..keyed(1, 3, 6) };
        let both = Accept { keyed: vec![keyed(1, 2, 5), theirs.clone()], ..Accept::default() };
        store.accept(&both).await.expect("accepted");
        assert_eq!(store.keyed("o", &[1; 16]).await.expect("there"), Some(keyed(1, 2, 5)));
        assert_eq!(store.keyed("p", &[1; 16]).await.expect("there"), Some(theirs));
        assert_eq!(store.keyed("o", &[2; 16]).await.expect("readable"), None);
        assert_eq!(store.forget_keys(2).await.expect("done"), 0, "not its own day");
        assert_eq!(store.forget_keys(3).await.expect("done"), 1);
        assert_eq!(store.forget_keys(3).await.expect("done"), 0, "a second time changes nothing");
        assert_eq!(store.keyed("o", &[1; 16]).await.expect("readable"), None);
        let again = Accept { keyed: vec![keyed(1, 4, 9)], ..Accept::default() };
        store.accept(&again).await.expect("a forgotten key is free");
    }
}

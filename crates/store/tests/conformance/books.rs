//! What attempts cost.

use laneshift_store::*;

use crate::fixture::*;

#[tokio::test]
async fn an_attempt_is_booked_once_and_money_is_exact() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        store.intend(&intent(1, vec![members(1, 0..5)])).await.expect("decided");
        store.intend(&calls(2, vec![members(1, 5..10)])).await.expect("decided");
        let large = entries(i128::from(u64::MAX) * 1_000);
        assert_eq!(large.len(), 4);
        store.book(AttemptId(1), &large).await.expect("booked");
        store.book(AttemptId(1), &entries(1)).await.expect("ignored");
        assert_eq!(store.entries(AttemptId(1)).await.expect("readable"), large);
        assert_eq!(store.entries(AttemptId(2)).await.expect("readable"), []);
        let unpriced = Cost { costed: Costed::Unpriced, ..Cost::NOTHING };
        store.book(AttemptId(2), &[Entry { chunk: None, cost: unpriced }]).await.expect("booked");
        let costs = store.costs().await.expect("readable");
        assert_eq!(costs[&AttemptId(1)].paid.pico(), 3 * i128::from(u64::MAX) * 1_000 + 1);
        assert_eq!(costs[&AttemptId(2)], unpriced);
    }
}

#[tokio::test]
async fn an_amendment_replaces_what_was_booked() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        store.intend(&calls(1, vec![members(1, 0..5)])).await.expect("decided");
        store.book(AttemptId(1), &entries(3)).await.expect("booked");
        let shown = [Entry { chunk: Some(ChunkId(1)), cost: Cost { usage: usage(1, 2), bound: cost(3).paid, ..cost(9) } }];
        for _ in 0..2 {
            store.amend(AttemptId(1), &shown).await.expect("amended");
            assert_eq!(store.entries(AttemptId(1)).await.expect("readable"), shown);
        }
        store.book(AttemptId(1), &entries(2)).await.expect("ignored");
        assert_eq!(store.entries(AttemptId(1)).await.expect("readable"), shown);
    }
}

#[tokio::test]
async fn an_attempt_without_a_cost_is_booked_as_nothing() {
    for store in stores().await.0 {
        store.accept(&bulk("s", &[1])).await.expect("accepted");
        store.intend(&calls(1, vec![members(1, 0..5)])).await.expect("decided");
        store.book(AttemptId(1), &[]).await.expect("booked");
        store.book(AttemptId(1), &entries(2)).await.expect("ignored");
        assert_eq!(store.costs().await.expect("readable"), [(AttemptId(1), Cost::NOTHING)].into());
    }
}

#[tokio::test]
async fn what_a_chunk_came_to_is_charged_to_the_last_digit_and_waits_until_nothing_is_open() {
    for store in stores().await.0 {
        let charges = vec![charge(1, 50), charge(2, 60)];
        store.accept(&Accept { charges, ..bulk("s", &[1, 2, 3]) }).await.expect("accepted");
        store.accept(&Accept { charges: vec![charge(2, 5)], ..Accept::default() }).await.expect("accepted");
        store.intend(&intent(1, vec![members(1, 0..10), members(2, 0..4), members(3, 0..1)])).await.expect("decided");
        let charged = || async { store.charged().await.expect("readable") };
        let before = charged().await;
        assert_eq!(
            before.iter().map(|c| (c.charge.chunk.0, c.charge.most.pico(), c.waits)).collect::<Vec<_>>(),
            [(1, 50, true), (2, 65, true)]
        );
        for chunk in [1, 2] {
            store.settle(&settle(1, chunk, slots(0..10), slots(0..0))).await.expect("settled");
        }
        // Of no record's 100, 15 records paid: 66 for ten of them, 27 for four, 7 for the one whose chunk nobody pays for.
        let of = |chunk: Option<u64>, pico| Entry { chunk: chunk.map(ChunkId), cost: cost(pico) };
        store.book(AttemptId(1), &[of(None, 100), of(Some(1), 3), of(Some(2), 5), of(Some(3), 9)]).await.expect("booked");
        assert_eq!(charged().await.iter().map(|c| (c.cost.paid.pico(), c.waits)).collect::<Vec<_>>(), [(69, true), (32, true)]);
        close(&*store, 1).await;
        assert!(charged().await.iter().all(|c| !c.waits));
        store.amend(AttemptId(1), &[of(Some(1), 4)]).await.expect("amended");
        assert_eq!(charged().await.iter().map(|c| c.cost.paid.pico()).collect::<Vec<_>>(), [4, 0]);
    }
}

#[tokio::test]
async fn the_cost_of_an_attempt_that_is_not_there_is_refused() {
    for store in stores().await.0 {
        refused!(store.book(AttemptId(1), &entries(1)).await, Missing);
        refused!(store.amend(AttemptId(1), &entries(1)).await, Missing);
        assert!(store.costs().await.expect("readable").is_empty());
    }
}

//! On any history of verbs, and wherever the database is closed and opened in it, the two stores agree.

use laneshift_store::memory::Memory;
use laneshift_store::sqlite::Sqlite;
use laneshift_store::*;
use proptest::prelude::*;

use crate::aim::aim;
use crate::answer::run;
use crate::fixture::SPEC;
use crate::picture::Picture;
use crate::verb::{Verb, verb};

/// Runs a history on both stores; a verb with a `true` is run twice.
async fn replay(history: &[(Verb, bool)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Memory::default();
    let mut database = Sqlite::open(folder.path()).await.expect("a new queue");
    model.pool(SPEC).await.expect("a pool");
    database.pool(SPEC).await.expect("a pool");
    let mut before = Picture::of(&model).await;
    for (step, (verb, twice)) in history.iter().enumerate() {
        if matches!(verb, Verb::Reopen) {
            drop(database);
            database = Sqlite::open(folder.path()).await.expect("the same queue");
        }
        let aimed = aim(verb, &model, 20 + step as i64).await;
        assert_eq!(run(&model, &aimed).await, run(&database, &aimed).await, "step {step}, {verb:?}");
        let after = Picture::of(&model).await;
        if *twice {
            assert_eq!(run(&model, &aimed).await, run(&database, &aimed).await, "step {step} again, {verb:?}");
            assert_eq!(Picture::of(&model).await, after, "step {step}: {verb:?} can run twice");
        }
        assert_eq!(after, Picture::of(&database).await, "step {step}, {verb:?}");
        after.check();
        after.check_after(&before);
        let amended = matches!(verb, Verb::Amend(..));
        assert!(amended || before.costs.iter().all(|(id, cost)| after.costs[id] == *cost), "booked twice, {verb:?}");
        before = after;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, ..ProptestConfig::default() })]
    #[test]
    fn both_stores_agree_on_any_history(history in proptest::collection::vec((verb(), proptest::bool::weighted(0.3)), 20..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(replay(&history));
    }
}

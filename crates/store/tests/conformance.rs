//! One suite for every store: what a verb promises holds on each, and on any history they agree.

use laneshift_store::memory::Memory;
use laneshift_store::sqlite::Sqlite;
use laneshift_store::*;
use laneshift_units::{Money, Timestamp, Tokens, Usage};
use proptest::prelude::*;

fn submission(id: &str, hash: u64) -> NewSubmission {
    NewSubmission {
        id: id.to_owned(),
        body_hash: hash,
        records: 20,
        request: "{}".to_owned(),
        deadline: Timestamp(1_000),
        created: Timestamp(10),
    }
}

fn chunk(id: u64) -> NewChunk {
    NewChunk { id, pool: "m|InvokeModel".to_owned(), records: 10, bytes: 100, object: format!("spool/{id}.lsc") }
}

fn span(chunk: u64) -> Span {
    Span { chunk, first_slot: 0, records: 10 }
}

fn slots(range: std::ops::Range<usize>) -> Bitmap {
    range.fold(Bitmap::default(), |mut map, slot| {
        map.set(slot);
        map
    })
}

fn intent(id: u64, members: Vec<Members>) -> Intent {
    Intent {
        id,
        pool: "m|InvokeModel".to_owned(),
        job_name: format!("ls-{id}"),
        token: format!("t{id}"),
        request: "{}".to_owned(),
        input: format!("s3://b/jobs/{id}/in/"),
        manifest: "[]".to_owned(),
        records: members.iter().map(|m| m.slots.count()).sum(),
        created: Timestamp(20),
        members,
    }
}

fn members(chunk: u64, range: std::ops::Range<usize>) -> Members {
    Members { chunk, slots: slots(range) }
}

/// Both stores, the one in the database on a folder of its own.
async fn stores() -> (Vec<Box<dyn Store>>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = Sqlite::open(folder.path()).await.expect("a new queue");
    (vec![Box::new(Memory::default()), Box::new(sqlite)], folder)
}

#[tokio::test]
async fn a_submission_is_accepted_once_and_another_under_its_id_is_refused() {
    for store in stores().await.0 {
        let chunks = [chunk(1), chunk(2)];
        assert!(store.accept(&submission("s", 7), &chunks, &[span(2), span(1)]).await.expect("accepted"));
        assert!(!store.accept(&submission("s", 7), &chunks, &[span(2), span(1)]).await.expect("the same again"));
        assert!(matches!(store.accept(&submission("s", 8), &chunks, &[]).await, Err(StoreError::Other(_))));
        let order: Vec<u64> = store.chunks("s").await.expect("there").iter().map(|c| c.new.id).collect();
        assert_eq!(order, [2, 1], "in the order of the records");
        assert!(matches!(store.submission("t").await, Err(StoreError::Missing(_))));
    }
}

#[tokio::test]
async fn a_record_is_in_one_open_attempt_only() {
    for store in stores().await.0 {
        store.accept(&submission("s", 7), &[chunk(1)], &[span(1)]).await.expect("accepted");
        store.intend(&intent(1, vec![members(1, 0..6)])).await.expect("decided");
        store.intend(&intent(1, vec![members(1, 0..6)])).await.expect("decided twice is decided once");
        let refused = store.intend(&intent(2, vec![members(1, 5..10)])).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        store.intend(&intent(3, vec![members(1, 6..10)])).await.expect("others are free");
        store.move_job(1, JobState::Intent, JobState::Revoked, &JobChange::default()).await.expect("revoked");
        store.intend(&intent(4, vec![members(1, 0..6)])).await.expect("free again");
        assert_eq!(store.attempts(1).await.expect("there").iter().map(|a| a.job).collect::<Vec<_>>(), [3, 4]);
    }
}

#[tokio::test]
async fn a_job_moves_only_from_where_it_is() {
    for store in stores().await.0 {
        store.accept(&submission("s", 7), &[chunk(1)], &[span(1)]).await.expect("accepted");
        store.intend(&intent(1, vec![members(1, 0..6)])).await.expect("decided");
        let arn = JobChange { arn: Some("arn:1".to_owned()), ..JobChange::default() };
        let early = store.move_job(1, JobState::Uploaded, JobState::Created, &arn).await;
        assert!(matches!(early, Err(StoreError::Conflict(_))), "{early:?}");
        store.move_job(1, JobState::Intent, JobState::Uploaded, &JobChange::default()).await.expect("uploaded");
        store.move_job(1, JobState::Uploaded, JobState::Created, &arn).await.expect("created");
        store.move_job(1, JobState::Uploaded, JobState::Created, &JobChange::default()).await.expect("twice");
        assert_eq!(store.open_jobs().await.expect("there")[0].arn.as_deref(), Some("arn:1"));
    }
}

#[tokio::test]
async fn the_first_result_wins_and_a_settle_can_run_twice() {
    for store in stores().await.0 {
        store.accept(&submission("s", 7), &[chunk(1)], &[span(1)]).await.expect("accepted");
        store.intend(&intent(1, vec![members(1, 0..10)])).await.expect("decided");
        let first = Settle { job: 1, chunk: 1, ok: slots(0..4), failed: slots(4..5), object: "r/1".to_owned() };
        assert_eq!(store.settle(&first).await.expect("settled").winners, slots(0..5));
        assert_eq!(store.settle(&first).await.expect("again").winners, slots(0..5));
        store.move_job(1, JobState::Intent, JobState::Revoked, &JobChange::default()).await.expect("over");
        store.intend(&intent(2, vec![members(1, 5..10)])).await.expect("decided");
        let second = Settle { job: 2, chunk: 1, ok: slots(3..8), failed: Bitmap::default(), object: "r/2".to_owned() };
        assert_eq!(store.settle(&second).await.expect("settled").winners, slots(5..8), "what was settled stays");
        let chunk = &store.chunks("s").await.expect("there")[0];
        assert_eq!((chunk.done.count(), chunk.ok.count()), (8, 7));
    }
}

#[tokio::test]
async fn a_job_is_booked_once_and_money_is_exact() {
    for store in stores().await.0 {
        store.accept(&submission("s", 7), &[chunk(1)], &[span(1)]).await.expect("accepted");
        store.intend(&intent(1, vec![members(1, 0..10)])).await.expect("decided");
        let cost = |pico| Cost {
            usage: Usage { input: Tokens(5), output: Tokens(7), ..Usage::default() },
            paid: Money::from_pico(pico),
            on_demand: Money::from_pico(2 * pico),
            waste: Money::ZERO,
            costed: Costed::Exact,
        };
        let large = i128::from(u64::MAX) * 1_000;
        store.book(1, &cost(large)).await.expect("booked");
        store.book(1, &cost(1)).await.expect("ignored");
        assert_eq!(store.cost(1).await.expect("readable"), Some(cost(large)));
    }
}

#[tokio::test]
async fn a_second_process_is_refused_and_what_was_committed_is_there_after_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Sqlite::open(folder.path()).await.expect("new");
    store.accept(&submission("s", 7), &[chunk(1)], &[span(1)]).await.expect("accepted");
    assert!(matches!(Sqlite::open(folder.path()).await, Err(StoreError::Conflict(_))));
    drop(store);
    let store = Sqlite::open(folder.path()).await.expect("again");
    assert_eq!(store.submissions().await.expect("there").len(), 1);
}

/// One verb of a random history.
#[derive(Clone, Debug)]
enum Verb {
    Accept(u8),
    Cancel(u8),
    Intend(u64, u64, u8, u8),
    Move(u64, usize, usize),
    Settle(u64, u64, u8, u8),
    Book(u64),
}

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        (0..3_u8).prop_map(Verb::Accept),
        (0..3_u8).prop_map(Verb::Cancel),
        (1..8_u64, 0..3_u64, 0..10_u8, 1..10_u8).prop_map(|(j, c, a, n)| Verb::Intend(j, c, a, n)),
        (1..8_u64, 0..6_usize, 0..6_usize).prop_map(|(j, a, b)| Verb::Move(j, a, b)),
        (1..8_u64, 0..3_u64, 0..10_u8, 1..10_u8).prop_map(|(j, c, a, n)| Verb::Settle(j, c, a, n)),
        (1..8_u64).prop_map(Verb::Book),
    ]
}

/// What a store answers, as text, so that two can be compared. Errors are compared by kind.
async fn run(store: &dyn Store, verb: &Verb) -> String {
    fn show<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
        match result {
            Ok(value) => format!("{value:?}"),
            Err(StoreError::Conflict(_)) => "conflict".to_owned(),
            Err(StoreError::Other(_)) => "other".to_owned(),
            Err(StoreError::Missing(_)) => "missing".to_owned(),
            Err(StoreError::Database(why)) => panic!("{why}"),
        }
    }
    let range = |a: u8, n: u8| usize::from(a)..usize::from(a + n).min(10);
    match verb {
        Verb::Accept(s) => {
            let id = u64::from(*s);
            show(store.accept(&submission(&format!("s{s}"), id), &[chunk(id)], &[span(id)]).await)
        }
        Verb::Cancel(s) => show(store.move_submission(&format!("s{s}"), SubmissionState::Open, SubmissionState::Cancelled).await),
        Verb::Intend(j, c, a, n) => show(store.intend(&intent(*j, vec![members(*c, range(*a, *n))])).await),
        Verb::Move(j, a, b) => show(store.move_job(*j, JobState::ALL[*a], JobState::ALL[*b], &JobChange::default()).await),
        Verb::Settle(j, c, a, n) => {
            // A settle names a job that exists; the database holds it to that, the model need not.
            if store.jobs(&format!("s{c}")).await.is_ok_and(|jobs| jobs.iter().any(|job| job.intent.id == *j)) {
                let settle =
                    Settle { job: *j, chunk: *c, ok: slots(range(*a, *n)), failed: Bitmap::default(), object: String::new() };
                show(store.settle(&settle).await.map(|s| s.winners.to_bytes()))
            } else {
                String::new()
            }
        }
        Verb::Book(j) => {
            let known = store.open_jobs().await.is_ok_and(|jobs| jobs.iter().any(|job| job.intent.id == *j));
            let cost = Cost {
                usage: Usage::default(),
                paid: Money::from_pico(i128::from(*j)),
                on_demand: Money::ZERO,
                waste: Money::ZERO,
                costed: Costed::Unpriced,
            };
            if known { show(store.book(*j, &cost).await) } else { String::new() }
        }
    }
}

async fn picture(store: &dyn Store) -> String {
    let mut text = String::new();
    for s in store.submissions().await.expect("there") {
        let chunks = store.chunks(&s.new.id).await.expect("there");
        let bits: Vec<_> = chunks.iter().map(|c| [c.done.to_bytes(), c.ok.to_bytes(), c.open.to_bytes()]).collect();
        let mut jobs = store.jobs(&s.new.id).await.expect("there");
        jobs.sort_by_key(|job| job.intent.id);
        text += &format!("{s:?} {bits:?} {:?}\n", jobs.iter().map(|j| (j.intent.id, j.state)).collect::<Vec<_>>());
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn both_stores_agree_on_any_history(history in proptest::collection::vec(verb(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
        runtime.block_on(async {
            let (stores, _folder) = stores().await;
            for verb in &history {
                let (a, b) = (run(&*stores[0], verb).await, run(&*stores[1], verb).await);
                assert_eq!(a, b, "{verb:?}");
            }
            assert_eq!(picture(&*stores[0]).await, picture(&*stores[1]).await);
        });
    }
}

//! What only the database promises: its file is there after reopening, one process has it, other versions are refused.

use std::path::{Path, PathBuf};

use laneshift_store::sqlite::Sqlite;
use laneshift_store::*;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::fixture::*;
use crate::picture::Picture;

/// The file of a folder, without the store.
async fn raw(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("queue.db"));
    SqliteConnection::connect_with(&options).await.expect("a database")
}

/// A row of every table.
async fn fill(store: &dyn Store) {
    fill_with(store, &booked()).await;
    charge_two(store).await;
    store.intend(&provisioned()).await.expect("decided");
}

fn provisioned() -> Intent {
    Intent { lane: Lane::Provisioned, bound: Some(laneshift_units::Money::ZERO), ..calls(3, vec![members(3, 0..1)]) }
}

async fn charge_two(store: &dyn Store) {
    let charges = vec![charge(1, i128::from(u64::MAX) * 1_000), charge(3, 7)];
    store.accept(&Accept { charges, ..Accept::default() }).await.expect("accepted");
}

/// The same, and a workload, which version 5 did not know.
async fn fill_all(store: &dyn Store) {
    fill(store).await;
    let workloads = vec![(ChunkId(3), "evaluations".to_owned())];
    store.accept(&Accept { workloads, ..Accept::default() }).await.expect("accepted");
}

fn booked() -> Vec<Entry> {
    entries(i128::from(u64::MAX) * 1_000)
}

async fn fill_with(store: &dyn Store, booked: &[Entry]) {
    store.pool(SPEC).await.expect("a pool");
    let mut accept = bulk("s", &[1, 2]);
    accept.submissions[0].0.key = Some("k0".to_owned());
    accept.chunks.push(growing(3));
    accept.tails.push(tail(3, 0, 4));
    accept.keyed.push(keyed(1, 20_000, u64::MAX));
    store.accept(&accept).await.expect("accepted");
    store.intend(&intent(1, vec![members(1, 0..10), members(2, 0..3)])).await.expect("decided");
    store.intend(&Intent { hedge: true, ..calls(2, vec![members(2, 2..5)]) }).await.expect("decided");
    store.settle(&settle(1, 1, slots(0..8), slots(8..9))).await.expect("settled");
    store.end(ChunkId(2), &slots(9..10), Ending::Expired).await.expect("ended");
    store.redact(ChunkId(1), &slots(8..10)).await.expect("marked");
    let change = AttemptChange {
        arn: Some("arn:1".to_owned()),
        provider_state: Some("Completed".to_owned()),
        message: Some("m".to_owned()),
        started: Some(laneshift_units::Timestamp(1_700_000_000_000)),
        ended: Some(laneshift_units::Timestamp(1_700_000_001_000)),
    };
    store.move_attempt(AttemptId(1), AttemptState::Intent, AttemptState::Closed, &change).await.expect("closed");
    store.book(AttemptId(1), booked).await.expect("booked");
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Sqlite::open(folder.path()).await.expect("new");
    fill_all(&store).await;
    let before = Picture::of(&store).await;
    drop(store);
    let store = Sqlite::open(folder.path()).await.expect("again");
    assert_eq!(Picture::of(&store).await, before);
}

#[tokio::test]
async fn a_second_handle_on_the_folder_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Sqlite::open(folder.path()).await.expect("new");
    refused!(Sqlite::open(folder.path()).await.map(drop), Conflict);
    store.pool(SPEC).await.expect("the first one still works");
    drop(store);
    Sqlite::open(folder.path()).await.expect("free again");
}

#[tokio::test]
async fn another_version_of_the_queue_is_refused_and_left_as_it_is() {
    for version in [1, 7] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = SqliteConnection::connect_with(
            &SqliteConnectOptions::new().filename(folder.path().join("queue.db")).create_if_missing(true),
        )
        .await
        .expect("a database");
        let set = format!("CREATE TABLE theirs (id INTEGER); PRAGMA user_version = {version}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(&mut file).await.expect("made");
        file.close().await.expect("closed");
        let Err(StoreError::Database(why)) = Sqlite::open(folder.path()).await.map(drop) else {
            panic!("version {version} was opened")
        };
        assert!(why.contains(&format!("version {version}")) && why.contains("knows 6"), "{why}");
        let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master")
            .fetch_all(&mut raw(folder.path()).await)
            .await
            .expect("readable");
        assert_eq!(tables, ["theirs"]);
    }
}

#[tokio::test]
async fn the_sqlite_inside_is_one_that_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Sqlite::open(folder.path()).await.expect("new"));
    let version: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut raw(folder.path()).await).await.expect("a version");
    let parts: Vec<u32> = version.split('.').map(|part| part.parse().expect("a number")).collect();
    assert!(parts >= vec![3, 51, 3], "{version}");
}

/// A queue as it was written when its version was made. Another version gets another file; these never change.
fn golden(version: u8) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/queue-{version}.sqlite"))
}

#[tokio::test]
async fn a_queue_of_a_version_before_is_brought_up_to_date_and_loses_nothing() {
    // The second did not say what of a cost is whose.
    let in_one = vec![Entry { chunk: None, cost: cost(i128::from(u64::MAX) * 1_000) }];
    for (version, booked) in [(2, in_one), (3, booked()), (4, booked()), (5, booked())] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(golden(version), folder.path().join("queue.db")).expect("a copy");
        let Err(StoreError::Database(why)) = Sqlite::look(folder.path()).await.map(drop) else { panic!("looked at as it is") };
        assert!(why.contains(&format!("version {version}")) && why.contains("batch resume"), "{why}");
        let model = memory::Memory::default();
        match version {
            5 => fill(&model).await,
            _ => fill_with(&model, &booked).await,
        }
        if version == 4 {
            charge_two(&model).await;
        }
        let as_it_was = Picture::of(&model).await;
        for _ in 0..2 {
            assert_eq!(Picture::of(&Sqlite::open(folder.path()).await.expect("the old queue")).await, as_it_was);
        }
        // Whoever brought it up to date knows it as it is now.
        let another = tempfile::tempdir().expect("a folder");
        std::fs::copy(golden(version), another.path().join("queue.db")).expect("a copy");
        let store = Sqlite::open(another.path()).await.expect("the old queue");
        store.intend(&provisioned()).await.expect("every lane is stored");
        let new = tempfile::tempdir().expect("a folder");
        drop(Sqlite::open(new.path()).await.expect("new"));
        assert_eq!(schema(folder.path()).await, schema(new.path()).await);
    }
}

#[tokio::test]
async fn a_queue_that_was_written_by_this_version_is_read_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(golden(6), folder.path().join("queue.db")).expect("a copy");
    let written = Picture::of(&Sqlite::open(folder.path()).await.expect("the golden queue")).await;
    let model = memory::Memory::default();
    fill_all(&model).await;
    assert_eq!(written, Picture::of(&model).await);
}

#[tokio::test]
async fn the_stored_format_changes_only_with_its_version() {
    let [old, new] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    std::fs::copy(golden(6), old.path().join("queue.db")).expect("a copy");
    let store = Sqlite::open(new.path()).await.expect("new");
    fill_all(&store).await;
    drop(store);
    let (old, new) = (dump(old.path()).await, dump(new.path()).await);
    assert_eq!(old, new, "the schema or a row is another one: give it a new version and a golden file of its own");
}

/// Name, type and definition of everything.
async fn schema(folder: &Path) -> Vec<(String, String, String)> {
    let schema = "SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name";
    sqlx::query_as(schema).fetch_all(&mut raw(folder).await).await.expect("a schema")
}

/// The schema and every row, as SQL literals.
async fn dump(folder: &Path) -> Vec<String> {
    let file = &mut raw(folder).await;
    let mut lines = Vec::new();
    for (name, kind, sql) in schema(folder).await {
        lines.push(sql);
        if kind == "table" {
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
                .bind(&name)
                .fetch_all(&mut *file)
                .await
                .expect("columns");
            let row = columns.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || ',' || ");
            let rows = format!("SELECT {row} FROM {name} ORDER BY 1");
            let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_all(&mut *file).await.expect("rows");
            assert_ne!(rows, [""; 0], "no row in {name}");
            lines.extend(rows);
        }
    }
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_hang_up_in_the_middle_leave_the_queue_to_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = std::sync::Arc::new(Sqlite::open(folder.path()).await.expect("a new queue"));
    let pool = store.pool(SPEC).await.expect("a pool");
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..8_u64 {
        let store = store.clone();
        callers.spawn(async move {
            for n in 0..150 {
                let chunk = NewChunk { pool, ..sealed(caller * 1_000 + n, 10) };
                let accept = Accept { chunks: vec![chunk], ..Accept::default() };
                let calls = async {
                    drop(store.accept(&accept).await);
                    drop(store.live().await);
                    drop(
                        store
                            .settle(&Settle {
                                attempt: AttemptId(1),
                                chunk: ChunkId(n),
                                ok: slots(0..2),
                                failed: slots(0..0),
                                object: String::new(),
                            })
                            .await,
                    );
                };
                let _ = tokio::time::timeout(std::time::Duration::from_micros(n * 37 % 3_000), calls).await;
            }
        });
    }
    callers.join_all().await;
    store.live().await.expect("the connection is there");
}

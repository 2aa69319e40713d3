//! A trickle over many pools: rows and objects do not grow with requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use laneshift_provider::settings::Settings as Provider;
use laneshift_store::sqlite::Sqlite;

use crate::ids::single;
use crate::sim::{HOUR_MS, Sim, no_hook};

const POOLS: u64 = 200;
const PER_SECOND: u64 = 5;
/// Chunks of requests are written every ten minutes.
const SEAL_MIN: u64 = 10;

/// Minutes of the trickle: an hour where it may take its time.
fn minutes() -> u64 {
    std::env::var("LANESHIFT_SIM_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

#[tokio::test]
async fn five_requests_a_second_over_two_hundred_pools_make_few_rows_and_no_object_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(Sqlite::open(folder.path()).await.expect("a queue"));
    let mut sim = Sim::with(Provider::default(), store);
    sim.terms.linger_ms = 48 * HOUR_MS;
    let opened = Arc::new(AtomicU64::new(0));
    let count = opened.clone();
    sim.between = Arc::new(move |store| {
        count.fetch_add(1, Ordering::Relaxed);
        store
    });
    let engine = sim.engine(no_hook());
    let (minutes, mut n) = (minutes(), 0);
    for _ in 0..minutes {
        for _ in 0..60 {
            for _ in 0..PER_SECOND {
                let owner = format!("tenant-{}", n * 7_919 % POOLS);
                engine.accept_one(single(&sim, &owner, n as usize, None)).await.expect("accepted");
                n += 1;
            }
            sim.clock.fetch_add(1_000, Ordering::Relaxed);
        }
        engine.turn().await.expect("a turn");
    }
    let chunks = sim.store.live().await.expect("read");
    let records: u64 = chunks.iter().map(|chunk| u64::from(chunk.new.records)).sum();
    assert_eq!(records, n, "nothing is lost");
    let objects = chunks.iter().filter(|chunk| chunk.new.object.is_some()).count() as u64;
    let mut tails = 0;
    for chunk in &chunks {
        tails += sim.store.tails(chunk.new.id).await.expect("read").len() as u64;
    }
    // A chunk ends when it is old enough, and with the quarter of an hour that its deadline is in.
    let most = POOLS * (minutes / SEAL_MIN + minutes / 15 + 2);
    assert!(chunks.len() as u64 <= most, "{} chunks of {n} requests; at most {most}", chunks.len());
    assert!(objects <= most, "{objects} objects");
    // Flushes since the last seal, and none before it.
    assert!(tails <= PER_SECOND * 60 * (SEAL_MIN + 1), "{tails} tails");
    assert_eq!(opened.load(Ordering::Relaxed), 0, "S3 is not asked for anything while requests wait");
    // At the last safe moment everything is answered.
    let mut left = u64::MAX;
    for _ in 0..24 * 12 {
        engine.turn().await.expect("a turn");
        left = sim.store.live().await.expect("read").iter().map(|c| c.all().without(&c.done).count()).sum();
        if left == 0 {
            break;
        }
        sim.pass(5 * 60_000).await;
    }
    assert_eq!(left, 0);
    let mut answered = 0;
    for chunk in &chunks {
        answered += sim.store.chunk(chunk.new.id).await.expect("read").ok.count();
    }
    assert_eq!(answered, n, "and none expired");
    sim.assert_books().await;
}

//! The clock under machines whose clock goes back, and under callers that move it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use laneshift_emulator::{Emulator, Move, Pace};
use laneshift_units::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;

use super::{START, ask, options};

/// An emulator whose machine's clock is set by hand.
fn open(folder: &std::path::Path, pace: Pace) -> (Emulator, Arc<AtomicI64>) {
    let machine = Arc::new(AtomicI64::new(START.0));
    let clock = Arc::clone(&machine);
    let wall = move || Timestamp(clock.load(Ordering::SeqCst));
    let emulator = Emulator::open(super::Options { pace, wall: Arc::new(wall), ..options(folder) });
    (emulator.expect("a folder"), machine)
}

async fn now(emulator: &mut Emulator) -> String {
    ask(emulator, "GET", "/_laneshift/clock", "").await.1["now"].as_str().expect("a moment").to_owned()
}

#[tokio::test]
async fn a_machine_s_clock_that_goes_back_takes_no_time_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut emulator, machine) = open(folder.path(), Pace::Speed(2.0));
    let seen = [(3600, "02:00:00"), (0, "02:00:00"), (60, "02:02:00"), (-7200, "02:02:00"), (-7140, "02:04:00")];
    for (machine_s, clock) in seen {
        machine.store(START.0 + machine_s * 1000, Ordering::SeqCst);
        assert_eq!(now(&mut emulator).await, format!("2026-11-02T{clock}.000Z"), "at {machine_s}");
    }
    emulator.settle().await;
    drop(emulator);
    let (mut emulator, _) = open(folder.path(), Pace::Stepped);
    assert!(now(&mut emulator).await.as_str() >= "2026-11-02T02:04:00", "nor over a restart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn moves_at_once_add_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut emulator, _) = open(folder.path(), Pace::Stepped);
    let mut moves = JoinSet::new();
    for _ in 0..100 {
        let mut emulator = emulator.clone();
        moves.spawn(async move { ask(&mut emulator, "POST", "/_laneshift/clock", r#"{"advance_s": 36}"#).await.0 });
    }
    assert_eq!(moves.join_all().await, [200; 100]);
    assert_eq!(now(&mut emulator).await, "2026-11-02T01:00:00.000Z");
    assert_eq!(emulator.advance(Move::To(START)).await, Err(Timestamp(START.0 + 3_600_000)));
}

#[tokio::test]
async fn the_last_moment_has_a_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut emulator, machine) = open(folder.path(), Pace::Speed(*Pace::SPEEDS.end()));
    machine.store(START.0 + (i64::MAX >> 10), Ordering::SeqCst);
    assert_eq!(now(&mut emulator).await, "9999-12-31T00:00:00.000Z");
    let body = json!({ "advance_s": 1e9 }).to_string();
    assert_eq!(ask(&mut emulator, "POST", "/_laneshift/clock", body).await.0, 200);
    drop(emulator);
    let (mut emulator, _) = open(folder.path(), Pace::Speed(1.0));
    assert_eq!(now(&mut emulator).await, "9999-12-31T00:00:00.000Z");
}

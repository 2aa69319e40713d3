//! A run that was stopped or killed goes on where it was, and a ledger never mixes evidence.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::fixture::{World, expected, gzip, records, segments};
use crate::LedgerError;

fn world() -> World {
    let world = World::new();
    for n in 0..7_u64 {
        let text = records(n * 100..n * 100 + 100).replace("\n{", "\nbroken\n{");
        let name = format!("{n}.json");
        if n % 2 == 0 { world.write(&name, text) } else { world.write(&name, gzip(text)) }
    }
    world
}

#[test]
fn stops_anywhere_lose_nothing_and_count_nothing_twice() {
    for threads in [1, 3] {
        for stop_after in [1, 33, 99, 100, 250, 699] {
            let world = world();
            let mut runs = 0;
            loop {
                let before = world.find().inputs.len() as u64;
                let (total, outcome) = world.try_run(threads, Some(outcome_rows(runs, stop_after))).expect("an ingest");
                runs += 1;
                assert!(runs < 1000 && outcome.files <= before);
                if !outcome.interrupted {
                    assert_eq!(total, expected(0..700));
                    break;
                }
            }
            let (total, outcome) = world.run();
            assert_eq!(total, expected(0..700));
            assert_eq!((outcome.rows_of_earlier_runs, outcome.rejects.len(), outcome.files), (700, 7 * 99, 7));
        }
    }
}

/// Each run sees the rows of the earlier ones first and then takes some more.
fn outcome_rows(runs: u64, stop_after: u64) -> u64 {
    (runs + 1) * stop_after.max(25)
}

#[test]
fn a_torn_journal_and_an_orphan_segment_are_forgotten() {
    let world = world();
    let (_, outcome) = world.try_run(2, Some(150)).expect("an ingest");
    assert!(outcome.interrupted);
    let orphan = world.out().join("ledger/invocations/seg-9-99.parquet");
    fs::write(&orphan, "PAR1").expect("a file");
    let mut journal = OpenOptions::new().append(true).open(world.journal()).expect("a journal");
    journal.write_all(br#"{"v":1,"segment":"seg-9-99.parquet","rows":5,"inp"#).expect("a tear");
    drop(journal);
    let (total, _) = world.run();
    assert_eq!(total, expected(0..700));
    assert!(!orphan.exists());
}

#[test]
fn a_journal_cut_anywhere_still_leads_to_every_row_once() {
    let whole = {
        let world = world();
        world.try_run(1, Some(150)).expect("an ingest");
        world.run();
        fs::read(world.journal()).expect("a journal").len()
    };
    for cut in (0..whole).step_by(whole / 13) {
        let world = world();
        world.try_run(1, Some(150)).expect("an ingest");
        world.run();
        let journal = OpenOptions::new().write(true).open(world.journal()).expect("a journal");
        journal.set_len(cut as u64).expect("a cut");
        drop(journal);
        let (total, outcome) = world.run();
        assert_eq!(total, expected(0..700), "{cut}");
        assert_eq!(outcome.rejects.len(), 7 * 99);
    }
}

#[test]
fn files_may_be_added_but_not_changed_or_taken_away() {
    let world = world();
    world.run();
    world.write("8.json", records(700..710));
    let (total, _) = world.run();
    assert_eq!(total, expected(0..710));
    fs::remove_file(world.evidence().join("8.json")).expect("a file");
    let error = world.try_run(1, None).expect_err("a mismatch");
    assert!(error.to_string().contains("8.json is in it but not among the evidence\nhint: give a fresh --out"), "{error}");
    world.write("8.json", records(700..711));
    let error = world.try_run(1, None).expect_err("a mismatch");
    assert!(error.to_string().contains("8.json has changed since it was read"), "{error}");
}

#[test]
fn other_options_are_refused() {
    let mut world = world();
    world.run();
    world.metadata_keys = vec!["app".to_owned()];
    let error = world.try_run(1, None).expect_err("a mismatch");
    assert!(error.to_string().contains("it was made with other metadata keys\nhint:"), "{error}");
    assert_eq!(error.code(), "ledger-mismatch");
}

#[test]
fn a_damaged_ledger_is_named() {
    let world = world();
    world.run();
    let segment = segments(&world.out()).pop().expect("a segment");
    fs::write(&segment, "PAR1").expect("a file");
    assert!(matches!(world.try_run(2, None), Err(LedgerError::Damaged { .. })));
    fs::write(world.journal(), "{\"v\":1}\n{}\n").expect("a file");
    assert!(matches!(world.try_run(2, None), Err(LedgerError::Damaged { .. })));
}

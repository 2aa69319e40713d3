//! The mixed set and the replay are as large as they say.

mod reading;

use laneshift_example::{Bodies, LogOptions, ReplayOptions, bench_company, replay_conversation, with_raw_bytes, write_logs};

#[test]
fn full_records_are_as_long_as_real_prompts_and_bare_ones_are_short() {
    let company = bench_company(3).with_records(3_000);
    let sizes = [Bodies::Full, Bodies::None].map(|bodies| {
        let out = tempfile::tempdir().expect("a folder");
        let written = write_logs(&company, out.path(), &LogOptions::bench(bodies)).expect("logs");
        assert!((2_700..3_300).contains(&written.records), "{} records", written.records);
        let (all, dirt) = reading::records(out.path());
        assert_eq!(all.len() as u64, written.records);
        assert_eq!((dirt.malformed_lines, dirt.array_lines), (0, 0));
        written.raw_bytes / written.records
    });
    assert!((13_000..19_000).contains(&sizes[0]), "{} bytes a full record", sizes[0]);
    assert!((500..700).contains(&sizes[1]), "{} bytes a bare record", sizes[1]);
}

#[test]
fn a_throttled_prompt_comes_back_word_for_word() {
    let out = tempfile::tempdir().expect("a folder");
    let company = bench_company(3).with_records(1_500);
    write_logs(&company, out.path(), &LogOptions::bench(Bodies::Full)).expect("logs");
    let (all, _) = reading::records(out.path());
    let throttled: Vec<_> =
        all.iter().filter(|r| r["errorCode"] == "ThrottlingException" && !r["input"]["inputBodyJson"].is_null()).collect();
    assert!(throttled.len() > 3);
    for first in throttled {
        let same = all.iter().filter(|r| r["input"]["inputBodyJson"] == first["input"]["inputBodyJson"]);
        assert_eq!(same.filter(|r| r.get("errorCode").is_none()).count(), 1);
    }
}

#[test]
fn a_target_of_bytes_is_met_within_a_tenth() {
    let out = tempfile::tempdir().expect("a folder");
    let company = with_raw_bytes(bench_company(3), 6_000_000, Bodies::None);
    let written = write_logs(&company, out.path(), &LogOptions::bench(Bodies::None)).expect("logs");
    assert!((5_400_000..6_600_000).contains(&written.raw_bytes), "{} bytes", written.raw_bytes);
}

#[test]
fn the_replay_is_converse_without_streams_or_bodies() {
    let out = tempfile::tempdir().expect("a folder");
    let options = ReplayOptions { days: 2, ..ReplayOptions::default() };
    let written = replay_conversation(out.path(), &options).expect("logs");
    let (all, _) = reading::records(out.path());
    assert_eq!(all.len() as u64, written.records);
    assert!((6_000..9_000).contains(&written.records), "{} records in two days", written.records);
    for record in all {
        assert_eq!(record["operation"], "Converse");
        assert!(record.pointer("/input/inputBodyJson").is_none());
        assert!(record.pointer("/input/inputTokenCount").is_some());
    }
}

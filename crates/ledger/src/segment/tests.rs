//! The table goes there and back, and its schema is the one on record.

use std::fs::File;

use laneshift_units::{ServiceTier, Timestamp};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::tempdir;

use super::{SegmentWriter, read_segment};
use crate::error::LedgerError;
use crate::row::{PROMPT_ARN, Row, TOKENS_MAX, TOOLS};

fn full() -> Row<'static> {
    Row {
        at: Timestamp(1_791_234_567_000),
        account: "111122223333",
        region: "us-east-1",
        model_id: "amazon.nova-lite-v1:0",
        operation: "Converse",
        role: "role",
        session: "session",
        workload: "workload",
        declared: "1h",
        tier: Some(ServiceTier::Flex),
        error_code: "ThrottlingException",
        request_id: *b"0123456789abcdef",
        streamed: true,
        blocked: true,
        input: Some(TOKENS_MAX),
        output: Some(0),
        cache_read: 3,
        cache_write_5m: 4,
        cache_write_1h: 5,
        latency_ms: Some(u32::MAX),
        body: true,
        user_turns: 1,
        assistant_turns: 2,
        tool_results: 3,
        flags: TOOLS | PROMPT_ARN,
        system_hash: u64::MAX,
        lead_hash: 1,
        payload_hash: 1 << 63,
        body_bytes: 9,
    }
}

#[test]
fn rows_go_there_and_back() {
    let dir = tempdir().expect("a folder");
    let path = dir.path().join("seg.parquet");
    let mut writer = SegmentWriter::create(&path).expect("a writer");
    let sessions: Vec<String> = (0..40_000).map(|n| format!("s{n}")).collect();
    let empty = Row::default();
    let rows: Vec<Row<'_>> =
        sessions.iter().map(|s| if s.ends_with('7') { empty } else { Row { session: s, ..full() } }).collect();
    for row in &rows {
        writer.add(row).expect("a row");
    }
    assert_eq!(writer.rows(), 40_000);
    writer.finish().expect("a file");
    let mut expected = rows.iter();
    let read = read_segment(&path, &mut |row| assert_eq!(Some(row), expected.next())).expect("rows");
    assert_eq!((read, expected.next()), (40_000, None));
}

#[test]
fn the_schema_is_the_golden_one() {
    let dir = tempdir().expect("a folder");
    let path = dir.path().join("seg.parquet");
    let mut writer = SegmentWriter::create(&path).expect("a writer");
    writer.add(&full()).expect("a row");
    writer.finish().expect("a file");
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).expect("a file")).expect("parquet");
    let mut text = Vec::new();
    parquet::schema::printer::print_schema(&mut text, builder.parquet_schema().root_schema());
    let pairs = builder.metadata().file_metadata().key_value_metadata().expect("metadata");
    let mut golden = String::from_utf8(text).expect("text");
    for pair in pairs.iter().filter(|pair| pair.key.starts_with("laneshift.")) {
        golden += &format!("{} = {}\n", pair.key, pair.value.as_deref().unwrap_or_default());
    }
    assert_eq!(golden, include_str!("invocations-1.txt"));
}

#[test]
fn another_file_is_refused() {
    let dir = tempdir().expect("a folder");
    let path = dir.path().join("seg.parquet");
    std::fs::write(&path, "PAR1 not really").expect("a file");
    assert!(matches!(read_segment(&path, &mut |_| ()), Err(LedgerError::Damaged { .. })));
    assert!(matches!(read_segment(&dir.path().join("none"), &mut |_| ()), Err(LedgerError::Io { .. })));
}

//! Sound evidence, in all its shapes.

use super::fixture::{World, expected, gzip, record, records};
use crate::map::Mapping;

#[test]
fn plain_and_gzip_lines_and_arrays_become_rows() {
    let world = World::new();
    world.write("plain.json", records(0..10));
    world.write("deep/er/gzip.json.gz", gzip(records(10..20)));
    world.write("members.gz", [gzip(records(20..25)), gzip(records(25..30))].concat());
    world.write("same-members.gz", [gzip(records(30..31)), gzip(records(30..31))].concat());
    world.write("array.json", format!("[{},\n{}]\n", record(1), record(2)).replace('\n', ""));
    world.write("arrays.json", format!("[{}]\n\n[]\n[{},{}]\r\n{}", record(3), record(4), record(5), record(6)));
    world.write("bom.json", format!("\u{feff}{}", record(7)));
    world.write("empty.json", "");
    world.write("empty.json.gz", gzip(""));
    let (total, outcome) = world.run();
    let numbers = (0..30).chain([30, 30]).chain(1..8);
    assert_eq!(total, expected(numbers));
    assert_eq!((outcome.files, outcome.rejects.len()), (9, 0));
    assert!(!world.out().join("rejected.ndjson").exists());
}

#[test]
fn two_thousand_small_objects_are_read() {
    let world = World::new();
    for n in 0..2000 {
        world.write(&format!("{}/{n}.json.gz", n % 24), gzip(records([n])));
    }
    let (total, outcome) = world.run();
    assert_eq!(total, expected(0..2000));
    assert_eq!(outcome.files, 2000);
}

#[test]
fn a_line_of_50_mb_is_a_row_in_a_stream_and_in_memory() {
    let world = World::new();
    let body = "word ".repeat(10_000_000);
    let long =
        record(1).replace("\"inputTokenCount\"", &format!("\"inputBodyJson\":{{\"prompt\":\"{body}\"}},\"inputTokenCount\""));
    let text = format!("{}\n{long}\n{}\n", record(0), record(2));
    world.write("plain.json", &text);
    world.write("gzip.json.gz", gzip(&text));
    let (total, outcome) = world.run();
    assert_eq!(total, expected([0, 1, 2, 0, 1, 2]));
    assert!(outcome.counts.line_bytes > 100_000_000);
}

#[test]
fn bills_are_handed_back_each_time() {
    let world = World::new();
    let header = "line_item_usage_account_id,line_item_usage_type,line_item_unblended_cost,line_item_usage_start_date,line_item_line_item_type,line_item_product_code,line_item_operation,line_item_usage_amount,product\n";
    world.write("bill.csv", header);
    world.write("bill.csv.gz", gzip(header));
    world.write("bill.parquet", "PAR1");
    world.write("log.json", records(0..3));
    for _ in 0..2 {
        let (total, outcome) = world.run();
        assert_eq!(total, expected(0..3));
        assert_eq!((outcome.bills.len(), outcome.files, outcome.rejects.len()), (3, 1, 0));
    }
}

#[test]
fn bodies_beside_the_log_are_found_and_missing_ones_are_counted() {
    let world = World::new();
    let moved = |n: u64, path: &str| {
        record(n).replace("\"inputTokenCount\"", &format!("\"inputBodyS3Path\":\"s3://bucket/{path}\",\"inputTokenCount\""))
    };
    let body = r#"{"messages":[{"role":"user","content":[{"text":"hello"}]}]}"#;
    let hour = "AWSLogs/1/BedrockModelInvocationLogs/us-east-1/2026/10/06/00";
    world.write(&format!("{hour}/data/a_input.json.gz"), gzip(body));
    world.write("AWSLogs/1/other/data/b_input.json", body);
    world.write(&format!("{hour}/data/d_input.json.gz"), "{broken");
    let lines = [
        moved(0, &format!("{hour}/data/a_input.json.gz")),
        moved(1, "prefix/AWSLogs/1/other/data/b_input.json"),
        moved(2, &format!("{hour}/data/c_input.json.gz")),
        moved(3, &format!("{hour}/data/d_input.json.gz")),
        moved(4, "AWSLogs/../../../etc/passwd"),
    ];
    world.write(&format!("{hour}/log.json.gz"), gzip(lines.join("\n")));
    let (total, outcome) = world.run();
    assert_eq!(total, expected(0..5));
    let counts = outcome.counts;
    assert_eq!((counts.bodies_beside, counts.bodies_missing, counts.bodies_unreadable), (2, 2, 1));
    assert_eq!(outcome.files, 1);
    let mut seen = 0;
    for segment in super::fixture::segments(&world.out()) {
        crate::read_segment(&segment, &mut |row| {
            if row.body {
                assert_eq!((row.user_turns, row.body_bytes), (1, body.len() as u64));
                assert_ne!(row.payload_hash, 0);
                seen += 1;
            }
        })
        .expect("a segment");
    }
    assert_eq!(seen, 2);
}

#[test]
fn a_bucket_is_read_like_a_folder() {
    let mut world = World::new();
    let body = r#"{"messages":[{"role":"user","content":[{"text":"hello"}]}]}"#;
    let moved = |n: u64, path: &str| {
        record(n).replace("\"inputTokenCount\"", &format!("\"inputBodyS3Path\":\"s3://else/{path}\",\"inputTokenCount\""))
    };
    world.put("logs/AWSLogs/1/data/a_input.json.gz", gzip(body));
    world.put("logs/AWSLogs/1/elsewhere/data/b_input.json", body);
    let beside = moved(3, "x/data/a_input.json.gz") + "\n" + &moved(4, "AWSLogs/1/elsewhere/data/b_input.json");
    world.put("logs/AWSLogs/1/log.json.gz", gzip(records(0..3) + &beside));
    let padding = format!("\"padding\":\"{}\",\"schemaType\"", "x".repeat(10_000_000));
    let large: String = (5..9).map(|n| record(n).replace("\"schemaType\"", &padding) + "\n").collect();
    world.put("large.json", large);
    world.put("archive.zip", "PK\x03\x04");
    let (total, outcome) = world.run();
    assert_eq!(total, expected(0..9));
    assert_eq!((outcome.files, outcome.rejects.len(), outcome.counts.bodies_beside), (3, 1, 2));
}

#[test]
fn a_mapped_table_is_read_beside_logs_and_resumed() {
    let mut world = World::new();
    world.mapping = Some(Mapping::parse("at=when,model_id='m',input=n,request_id=id").expect("a mapping"));
    let lines = |numbers: std::ops::Range<u64>| {
        numbers.map(|n| format!("2026-10-06 00:00:00,{n},request-{n}\nnever,1,\n")).collect::<String>()
    };
    world.write("calls.csv", format!("when,n,id\n{}", lines(0..50)));
    world.write("calls.csv.gz", gzip(format!("when,n,id\n{}", lines(50..100))));
    world.write("other.csv", "a,b\n1,2\n");
    world.write("log.json", records(100..110));
    for stop_after in (10..120).step_by(17) {
        world.try_run(2, Some(stop_after)).expect("an ingest");
    }
    let (total, outcome) = world.run();
    assert_eq!(total, expected(0..110));
    assert_eq!((outcome.files, outcome.rejects.len()), (4, 101));
    assert_eq!(outcome.rejects_by_kind["the table has no column when"], 1);
}

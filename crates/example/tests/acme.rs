//! Acme keeps what the crate promises: same bytes, same tokens in logs and bill, canaries, fair negatives.

mod reading;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use laneshift_example::{
    ANSWER_CANARY, Company, LogOptions, PROMPT_CANARY, Truth, acme, totals, write_cur, write_example, write_logs,
};
use reading::{files, gunzip, log_files, records};
use serde_json::Value;
use tempfile::TempDir;

const SEED: u64 = 5;

/// The example in a folder of this test's own: tests run as processes side by side.
fn written() -> (Company, TempDir) {
    let out = tempfile::tempdir().expect("a folder");
    let company = acme(SEED);
    write_example(&company, out.path()).expect("an example");
    (company, out)
}

fn all_bytes(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| (path.strip_prefix(root).expect("below the root").to_owned(), fs::read(&path).expect("a file"));
    files(root).into_iter().map(read).collect()
}

fn bill_rows(out: &Path) -> Vec<BTreeMap<String, String>> {
    let text = gunzip(&out.join("cur2.csv.gz"));
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| row.expect("a row")).collect()
}

/// A decimal amount in units of so many tokens, as tokens.
fn tokens(amount: &str, unit: u64) -> u64 {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = unit.ilog10() as usize;
    let fraction = format!("{fraction:0<digits$}");
    assert_eq!(fraction.len(), digits, "{amount} has more decimals than {unit} tokens");
    whole.parse::<u64>().expect("a number") * unit + fraction.parse::<u64>().expect("a number")
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let example = written();
    let (_, a) = (&example.0, example.1.path());
    let b = tempfile::tempdir().expect("a folder");
    write_example(&acme(SEED), b.path()).expect("an example");
    assert_eq!(all_bytes(a), all_bytes(b.path()));
    let c = tempfile::tempdir().expect("a folder");
    write_example(&acme(SEED + 1), c.path()).expect("an example");
    assert_ne!(all_bytes(a), all_bytes(c.path()));
}

/// Account, region, principal, whether it streams, token class.
type Meter = (String, String, String, bool, &'static str);

#[test]
fn the_bill_holds_the_logs_tokens_times_the_sampling_factor() {
    let example = written();
    let (company, out) = (&example.0, example.1.path());
    let mut logged: BTreeMap<Meter, u64> = BTreeMap::new();
    for record in records(&out.join("logs")).0 {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let count = |pointer: &str| record.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        let counts = [
            ("input", count("/input/inputTokenCount")),
            ("output", count("/output/outputTokenCount")),
            ("cache read", count("/input/cacheReadInputTokenCount")),
            ("cache write", count("/input/cacheWriteInputTokenCount")),
        ];
        for (class, tokens) in counts.into_iter().filter(|&(_, n)| n > 0) {
            let streams = text("/operation").ends_with("Stream");
            *logged.entry((text("/accountId"), text("/region"), text("/identity/arn"), streams, class)).or_default() +=
                tokens * company.sampling_factor;
        }
    }
    let principals: Vec<String> = logged.keys().map(|k| k.2.clone()).collect();
    let mut billed: BTreeMap<Meter, u64> = BTreeMap::new();
    for row in bill_rows(out) {
        if !principals.contains(&row["line_item_iam_principal"]) {
            continue;
        }
        let name = row["line_item_usage_type"].to_lowercase();
        let class = match () {
            () if name.contains("cache") && name.contains("read") => "cache read",
            () if name.contains("cache") => "cache write",
            () if name.contains("output") => "output",
            () => "input",
        };
        let unit = if row["pricing_unit"] == "Units" { 1_000_000 } else { 1_000 };
        let key = (
            row["line_item_usage_account_id"].clone(),
            row["product_region_code"].clone(),
            row["line_item_iam_principal"].clone(),
            row["line_item_operation"].contains("Streaming"),
            class,
        );
        *billed.entry(key).or_default() += tokens(&row["line_item_usage_amount"], unit);
    }
    assert_eq!(logged, billed);
}

#[test]
fn every_text_holds_its_canary() {
    let example = written();
    let (_, out) = (&example.0, example.1.path());
    let (all, _) = records(&out.join("logs"));
    let mut bodies = 0;
    for record in &all {
        if let Some(body) = record.pointer("/input/inputBodyJson") {
            bodies += 1;
            assert!(body.to_string().contains(PROMPT_CANARY), "{body}");
        }
        if let Some(body) = record.pointer("/output/outputBodyJson").filter(|b| b.get("embedding").is_none()) {
            assert!(body.to_string().contains(ANSWER_CANARY), "{body}");
        }
    }
    let share = f64::from(bodies) / all.len() as f64;
    assert!((0.25..0.45).contains(&share), "{share} of the records hold bodies");
}

#[test]
fn hard_negatives_do_not_stream_take_one_turn_and_run_at_no_particular_hour() {
    let example = written();
    let (company, out) = (&example.0, example.1.path());
    let (all, _) = records(&out.join("logs"));
    for role in ["moderation-task", "search-api-task"] {
        let workload = company.workloads.iter().find(|w| w.role == role).expect("a workload");
        assert_eq!(workload.truth, Truth::Interactive);
        let mine: Vec<&Value> =
            all.iter().filter(|r| r.pointer("/identity/arn").is_some_and(|a| a.to_string().contains(role))).collect();
        assert!(mine.len() > 1000);
        let mut hours = [0; 24];
        for record in &mine {
            assert_eq!(record["operation"], "Converse");
            if let Some(messages) = record.pointer("/input/inputBodyJson/messages") {
                assert_eq!(messages.as_array().map(Vec::len), Some(1));
            }
            let hour: usize = record["timestamp"].as_str().expect("a moment")[11..13].parse().expect("an hour");
            hours[hour] += 1;
        }
        hours.sort_unstable();
        let two_busiest = f64::from(hours[22] + hours[23]) / mine.len() as f64;
        assert!(two_busiest < 0.25, "{role}: the two busiest hours hold {two_busiest}");
    }
}

#[test]
fn dirt_is_there_and_counted() {
    let company = acme(SEED);
    let out = tempfile::tempdir().expect("a folder");
    let written = write_logs(&company, out.path(), &LogOptions::example()).expect("logs");
    let (all, dirt) = records(out.path());
    assert_eq!(all.len() as u64, written.records);
    assert_eq!(dirt.malformed_lines, written.malformed_lines);
    assert_eq!(written.malformed_lines, 2);
    assert!(dirt.array_lines > 5);
    assert!(written.moved_bodies >= 3);
    assert_eq!(log_files(out.path()).len() as u64, written.files);
    let errors = |code: &str| all.iter().filter(|r| r["errorCode"] == code).count();
    assert!(errors("ThrottlingException") > 100 && errors("ValidationException") > 10);
    let blocked = all.iter().filter(|r| r.get("errorCode").is_none() && r.pointer("/input/inputTokenCount").is_none()).count();
    assert!(blocked > 5);
}

#[test]
fn moved_bodies_lie_where_their_records_say() {
    let example = written();
    let (_, out) = (&example.0, example.1.path());
    let logs = out.join("logs");
    let mut moved = 0;
    for record in records(&logs).0 {
        let Some(path) = record.pointer("/input/inputBodyS3Path").and_then(Value::as_str) else { continue };
        moved += 1;
        let key = path.strip_prefix("s3://example-bedrock-logs/").expect("the bucket's name");
        assert!(gunzip(&logs.join(key)).contains(PROMPT_CANARY));
    }
    assert!(moved >= 3);
}

#[test]
fn the_month_is_about_two_billion_tokens_and_twelve_thousand_dollars_three_fifths_of_it_tolerant() {
    let company = acme(SEED);
    let all = totals(&company);
    let tokens: u64 = all.iter().map(|t| t.usage.total().0).sum();
    let cost: f64 = all.iter().map(|t| t.cost.to_f64_for_charts()).sum();
    let tolerant: f64 = all.iter().map(|t| t.tolerant_cost.to_f64_for_charts()).sum();
    assert!((1.8e9..2.3e9).contains(&(tokens as f64)), "{tokens} tokens");
    assert!((11_000.0..13_000.0).contains(&cost), "${cost}");
    assert!((0.56..0.65).contains(&(tolerant / cost)), "{} of the cost can wait", tolerant / cost);
}

#[test]
fn the_bill_adds_up_to_the_totals() {
    let company = acme(SEED);
    let out = tempfile::tempdir().expect("a folder");
    let bill = write_cur(&company, out.path()).expect("a bill");
    assert_eq!(bill.logged_cost, totals(&company).iter().map(|t| t.cost).sum());
    assert_eq!(bill.rows, bill_rows(out.path()).len() as u64);
}

#[test]
fn the_shipped_tree_is_small() {
    let example = written();
    let (_, out) = (&example.0, example.1.path());
    let bytes: usize = all_bytes(out).values().map(Vec::len).sum();
    assert!(bytes < 5_000_000, "{bytes} bytes");
    assert!(all_bytes(out).len() <= 800);
}

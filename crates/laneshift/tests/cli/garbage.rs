//! Bad input: a clear error or a counted rejection, never a panic, never a prompt.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use predicates::str::contains;

use super::{audit, laneshift};

const GOOD: &str = r#"{"timestamp":"2026-10-05T05:46:44Z","accountId":"111122223333","region":"us-east-1","requestId":"6c1f0d1e-8f0b-4f6e-9a3e-1f6f0c6c9b11","operation":"Converse","modelId":"us.anthropic.claude-sonnet-4-6","identity":{"arn":"arn:aws:sts::111122223333:assumed-role/App/s"},"input":{"inputBodyJson":{"messages":[{"role":"user","content":[{"text":"SECRETPROMPT"}]}]},"inputTokenCount":100},"output":{"outputTokenCount":10}}"#;

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn records(plan: &serde_json::Value) -> u64 {
    plan["scope"]["records"].as_u64().expect("records are counted")
}

#[test]
fn bad_files_and_lines_cost_only_themselves() {
    let dir = tempfile::tempdir().expect("a folder");
    let logs = dir.path().join("logs");
    fs::create_dir(&logs).expect("a folder");
    let write = |name: &str, bytes: &[u8]| fs::write(logs.join(name), bytes).expect("writes");
    write("good.json", format!("{GOOD}\nnot json SECRETPROMPT\n{{}}\n{GOOD}\n").as_bytes());
    write("array.json.gz", &gz(format!("[{GOOD},{GOOD}]\n").as_bytes()));
    let many = format!("{GOOD}\n").repeat(500);
    let whole = gz(many.as_bytes());
    write("truncated.json.gz", &whole[..whole.len() - 30]);
    write("random.bin", &(0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>());
    write("archive.zip", b"PK\x03\x04 not a log");
    write("empty.json", b"");
    std::os::unix::fs::symlink(&logs, logs.join("loop")).expect("a link");
    std::os::unix::fs::symlink("nowhere", logs.join("dangling.json")).expect("a link");
    let out = dir.path().join("out");
    let plan = audit(&[&logs], &out, &[]);
    assert!(records(&plan) >= 5, "the good lines count: {}", plan["scope"]);
    let rejected = fs::read_to_string(out.join("rejected.ndjson")).expect("is written");
    for name in ["good.json", "truncated.json.gz", "random.bin", "archive.zip"] {
        assert!(rejected.contains(name), "{name} is not in {rejected}");
    }
    no_secret(&out);
}

fn no_secret(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            no_secret(&entry.path());
        } else {
            let bytes = fs::read(entry.path()).expect("reads");
            assert!(!bytes.windows(12).any(|w| w == b"SECRETPROMPT"), "a prompt stands in {}", entry.path().display());
        }
    }
}

#[test]
fn nothing_to_read_is_an_error_with_a_code() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out");
    let run = |path: &Path| laneshift().arg("audit").arg(path).arg("--out").arg(&out).assert();
    run(&dir.path().join("absent")).code(3).stderr(contains("LS0001")).stderr(contains("hint: "));
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).expect("a folder");
    run(&empty).code(3).stderr(contains("LS0002"));
    let focus = dir.path().join("focus");
    fs::create_dir(&focus).expect("a folder");
    fs::write(focus.join("f.csv"), "\"BilledCost\",\"ChargePeriodStart\",\"ServiceName\"\n1,2026-10-01,Bedrock\n")
        .expect("writes");
    run(&focus).code(3).stderr(contains("LS0012"));
}

#[test]
fn bad_data_files_name_their_place() {
    let dir = tempfile::tempdir().expect("a folder");
    let logs = dir.path().join("a.json");
    fs::write(&logs, GOOD).expect("writes");
    let owners = dir.path().join("owners.csv");
    fs::write(&owners, "workload,account,owner,can_wait,allow_global,note\nrole/App,,me,soonish,,\n").expect("writes");
    laneshift()
        .arg("audit")
        .arg(&logs)
        .arg("--out")
        .arg(dir.path().join("out"))
        .arg("--owners")
        .arg(&owners)
        .assert()
        .code(3)
        .stderr(contains("LS0004"))
        .stderr(contains("owners.csv"))
        .stderr(contains("can_wait"));
}

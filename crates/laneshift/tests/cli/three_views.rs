//! One month seen through logs, through the bill, and through both: they agree where they overlap.

use std::fs;

use laneshift_example::{acme, write_example};
use laneshift_units::Money;
use serde_json::Value;

use super::{audit, usd, workloads};

fn tokens(value: &Value) -> u64 {
    ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"].iter().map(|c| value[c].as_u64().unwrap_or(0)).sum()
}

#[test]
fn logs_bill_and_both_agree_and_say_what_each_cannot_know() {
    let dir = tempfile::tempdir().expect("a folder");
    let evidence = dir.path().join("acme");
    write_example(&acme(11).with_records(8_000), &evidence).expect("writes");
    let logs = evidence.join("logs");
    let bill = evidence.join("cur2.csv.gz");
    let toml = fs::read_to_string(evidence.join("evidence.toml")).expect("reads");
    let factor = toml.lines().find_map(|l| l.strip_prefix("sampling_factor = ")).expect("is stated").to_owned();
    let profiles = evidence.join("profiles.csv");
    let profiles = ["--sampling-factor", &factor, "--profiles", profiles.to_str().expect("UTF-8")];
    let by_logs = audit(&[&logs], &dir.path().join("l"), &profiles);
    let by_bill = audit(&[&bill], &dir.path().join("b"), &[]);
    let both = audit(&[&logs, &bill], &dir.path().join("lb"), &profiles);

    assert_eq!(by_logs["today_usd"], both["today_usd"], "the bill does not change what the logs cost");
    let coverage = &both["coverage"];
    assert!(tokens(&coverage["logs"]) <= tokens(&coverage["bill"]), "the bill has batch jobs and mantle besides");
    assert!(usd(&coverage["explained_usd"]).pico() * 10 >= usd(&coverage["bill_usd"]).pico() * 8, "{coverage}");
    assert!(by_logs["coverage"].is_null() && by_bill["coverage"].is_null());
    assert!(usd(&by_bill["today_usd"]) >= usd(&by_logs["today_usd"]), "a bill holds what logs hold and more");
    for plan in [&by_logs, &by_bill] {
        assert!(!plan["scope"]["unknowns"].as_array().expect("a list").is_empty());
    }
    assert_eq!(usd(&by_bill["savings"]["floor_usd"]), Money::ZERO, "a bill alone confirms nothing");
    assert!(!by_bill["other_services"].as_array().expect("a list").is_empty());
}

#[test]
fn five_answers_of_owners_lift_the_floor_of_a_bill() {
    let dir = tempfile::tempdir().expect("a folder");
    let evidence = dir.path().join("acme");
    write_example(&acme(11).with_records(8_000), &evidence).expect("writes");
    let bill = evidence.join("cur2.csv.gz");
    let out = dir.path().join("b");
    let plan = audit(&[&bill], &out, &[]);
    let mut owners = String::from("workload,account,owner,can_wait,allow_global,note\n");
    let movable = workloads(&plan).iter().filter(|w| usd(&w["potential_usd"]) > Money::ZERO).take(5);
    for workload in movable {
        owners += &format!(
            "{},{},data team,24h,,\n",
            workload["key"].as_str().expect("a key"),
            workload["account"].as_str().expect("an account")
        );
    }
    let path = dir.path().join("owners.csv");
    fs::write(&path, owners).expect("writes");
    let answered = audit(&[&bill], &out, &["--owners", path.to_str().expect("UTF-8")]);
    assert!(usd(&answered["savings"]["floor_usd"]) > Money::ZERO);
}

//! The answer without logs.

use predicates::str::contains;

use super::{laneshift, usd};

const FOUNDING: [&str; 7] = ["estimate", "--tokens", "2e9", "--model", "global.anthropic.claude-sonnet-4-6", "--mix", "3:1"];

#[test]
fn the_founding_example_comes_out_of_catalogue_prices() {
    for (tolerant, with_batch, per_mille) in [("60%", "8400", 300), ("70%", "7800", 350)] {
        let output = laneshift().args(FOUNDING).args(["--tolerant", tolerant, "--format", "json"]).output().expect("runs");
        let doc: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(usd(&doc["estimate"]["on_demand_usd"]).to_exact_string(), "12000");
        assert_eq!(usd(&doc["estimate"]["with_batch_usd"]).to_exact_string(), with_batch);
        assert_eq!(doc["estimate"]["saves_per_mille"], per_mille);
    }
    laneshift()
        .args(FOUNDING)
        .assert()
        .success()
        .stdout(contains("$12,000.00"))
        .stdout(contains("$8,400.00"))
        .stdout(contains("30.0 %"));
}

#[test]
fn a_model_without_a_batch_price_is_told_plainly() {
    laneshift()
        .args(["estimate", "--tokens", "1B", "--model", "global.anthropic.claude-sonnet-5-5"])
        .assert()
        .success()
        .stdout(contains("no batch price"));
    laneshift()
        .args(FOUNDING)
        .arg("--compare")
        .assert()
        .success()
        .stdout(contains("no price"))
        .stdout(contains("amazon.nova-pro"));
}

#[test]
fn what_cannot_be_understood_is_named_with_a_code() {
    for (args, code, exit) in [
        (["--tokens", "many", "--model", "amazon.nova-pro-v1:0"], "LS0014", 2),
        (["--tokens", "1e9", "--model", "global.anthropic.claude-sonet-4-6x"], "LS0011", 3),
        (["--tokens", "1e9", "--model", "google.gemma-4-31b"], "LS0005", 3),
    ] {
        let output = laneshift().arg("estimate").args(args).args(["--region", "xx-nowhere-1"]).output().expect("runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(code) && stderr.contains("hint: "), "{stderr}");
        assert_eq!(output.status.code(), Some(exit), "{stderr}");
    }
}

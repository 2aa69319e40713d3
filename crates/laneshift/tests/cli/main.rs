//! The binary as users drive it.

mod audit;
mod estimate;
mod garbage;
mod negative_control;
mod resume;
mod three_views;

use std::path::Path;

use assert_cmd::Command;
use laneshift_units::Money;
use serde_json::Value;

/// The binary, with nothing of this machine's environment that could change it.
fn laneshift() -> Command {
    let mut command = Command::cargo_bin("laneshift").expect("the binary is built with its tests");
    for name in ["AWS_REGION", "LANESHIFT_OUT", "LANESHIFT_CATALOG", "AWS_ENDPOINT_URL_S3"] {
        command.env_remove(name);
    }
    command
}

/// Runs an audit and gives its plan.
fn audit(evidence: &[&Path], out: &Path, more: &[&str]) -> Value {
    let output = laneshift()
        .arg("audit")
        .args(evidence)
        .arg("--out")
        .arg(out)
        .args(["--format", "json"])
        .args(more)
        .output()
        .expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("standard output is JSON")
}

fn usd(value: &Value) -> Money {
    Money::parse_usd(value.as_str().expect("money is a decimal text")).expect("money is exact")
}

fn workloads(plan: &Value) -> &Vec<Value> {
    plan["workloads"].as_array().expect("a plan has workloads")
}

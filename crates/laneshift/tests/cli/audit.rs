//! The shipped example, end to end.

use std::fs;
use std::path::{Path, PathBuf};

use laneshift_example::{ANSWER_CANARY, PROMPT_CANARY};
use laneshift_units::Money;
use predicates::str::contains;

use super::{audit, laneshift, usd, workloads};

fn acme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme")
}

#[test]
fn the_example_gives_a_plan_with_a_floor_and_keeps_hard_negatives_where_they_are() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out");
    let plan = audit(&[&acme()], &out, &[]);
    let today = usd(&plan["today_usd"]);
    let saved: Money = plan["waterfall"].as_array().expect("steps").iter().map(|s| usd(&s["saves_usd"])).sum();
    assert_eq!(today - saved, usd(&plan["planned_usd"]), "the waterfall adds up");
    assert!(usd(&plan["savings"]["floor_usd"]) > Money::ZERO);
    assert!(usd(&plan["savings"]["ceiling_usd"]) >= usd(&plan["savings"]["likely_usd"]));
    for name in ["moderation", "search"] {
        for w in workloads(&plan).iter().filter(|w| w["key"].as_str().is_some_and(|k| k.contains(name))) {
            assert_ne!(w["class"], "batch-fit", "{w}");
        }
    }
    for file in ["report.html", "plan.json", "policy.toml", "workloads.csv", "owners.csv", "rejected.ndjson"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    no_text(&out);
}

fn no_text(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            no_text(&entry.path());
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(entry.path()).expect("reads")).into_owned();
        assert!(!text.contains(PROMPT_CANARY) && !text.contains(ANSWER_CANARY), "text of a prompt in {}", entry.path().display());
    }
}

#[test]
fn the_summary_fits_a_terminal_and_explain_gives_reasons() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out");
    let output = laneshift().arg("audit").arg(acme()).arg("--out").arg(&out).output().expect("runs");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
    laneshift()
        .args(["explain", "workload=corpus-summaries", "--plan"])
        .arg(&out)
        .assert()
        .success()
        .stdout(contains("would change with"));
    laneshift().args(["explain", "no-such", "--plan"]).arg(&out).assert().code(3).stderr(contains("LS0010"));
}

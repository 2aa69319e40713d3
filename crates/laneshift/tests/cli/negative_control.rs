//! A real chat service's traffic, told by nothing but its timing: none of it may be called batch-fit.

use laneshift_example::{ReplayOptions, replay_conversation};
use laneshift_units::Money;

use super::{audit, usd, workloads};

#[test]
fn a_conversation_service_is_not_taken_for_batch_and_the_naive_rule_takes_it() {
    for role in ["chat-api", "role-7f3a"] {
        for diurnal in [true, false] {
            let dir = tempfile::tempdir().expect("a folder");
            let logs = dir.path().join("logs");
            let options = ReplayOptions { role: role.to_owned(), diurnal, ..ReplayOptions::default() };
            replay_conversation(&logs, &options).expect("writes");
            let plan = audit(&[&logs], &dir.path().join("out"), &[]);
            let today = usd(&plan["today_usd"]);
            assert!(today > Money::from_usd(10), "the trace has a cost");
            let mut fit = Money::ZERO;
            let mut naive = Money::ZERO;
            for slice in workloads(&plan).iter().flat_map(|w| w["slices"].as_array().expect("slices")) {
                if slice["class"] == "batch-fit" {
                    fit += usd(&slice["today_usd"]);
                }
                if slice["name"] != "streamed" {
                    naive += usd(&slice["today_usd"]);
                }
            }
            assert!(fit.pico() * 100 <= today.pico(), "{role} diurnal={diurnal}: {fit} of {today} called batch-fit");
            assert!(naive.pico() * 100 > today.pico(), "not streaming means batch would have taken {naive} of {today}");
        }
    }
}

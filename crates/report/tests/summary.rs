//! The terminal summary, as people see it.

mod sample;

use unicode_width::UnicodeWidthStr;

#[test]
fn the_summary_reads_like_this() {
    insta::assert_snapshot!(laneshift_report::summary(&sample::rich(), "laneshift-out"));
}

#[test]
fn no_line_is_wider_than_80_columns() {
    for plan in [sample::rich(), sample::empty()] {
        for line in laneshift_report::summary(&plan, &"deep/".repeat(40)).lines() {
            assert!(line.width() <= 80, "{} columns: {line}", line.width());
        }
    }
}

#[test]
fn an_empty_plan_has_a_summary() {
    let text = laneshift_report::summary(&sample::empty(), "out");
    assert!(text.contains("Spend $0.00"), "{text}");
}

#[test]
fn names_cannot_command_the_terminal() {
    let mut plan = sample::rich();
    plan.workloads[0].key = "workload=\u{1b}]0;owned\u{7}\r\nfake".into();
    let text = laneshift_report::summary(&plan, "out");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

//! What to do with the plan.

use laneshift_core::plan::Plan;

use super::layout::Lines;
use crate::choices;

/// Characters that a shell takes as they are.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "=/._-:@%+,".contains(c)
}

pub(super) fn write(plan: &Plan, out_dir: &str, lines: &mut Lines) {
    let dir = out_dir.trim_end_matches('/');
    lines.heading("Next");
    lines.item("-", &format!("open {dir}/report.html: the decision, and the evidence under every number"));
    let open = choices::to_confirm(plan).len();
    if open > 0 {
        let ask = crate::text::plural(open as u64, "answer decides", "answers decide");
        lines.item("-", &format!("fill in {dir}/owners.csv and give it back with --owners: {ask} about more money"));
    }
    if let Some(workload) = plan.workloads.first() {
        lines.item("-", &format!("laneshift explain {}: a verdict, signal by signal", shell_word(&workload.key)));
    }
    lines.item("-", &format!("{dir}/policy.toml: the moves as rules that a gateway obeys"));
}

/// A word as it can be typed into a POSIX shell.
fn shell_word(word: &str) -> String {
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_key_is_one_word_to_a_shell() {
        assert_eq!(shell_word("workload=nightly"), "workload=nightly");
        assert_eq!(shell_word("a'; rm -rf ~"), r"'a'\''; rm -rf ~'");
    }
}

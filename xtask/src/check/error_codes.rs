//! The codes that errors carry and the codes that `docs/errors.md` explains are the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const SOURCE: &str = "crates/laneshift/src/error.rs";
const PAGE: &str = "docs/errors.md";
const BEGIN: &str = "<!-- errors:begin -->";
const END: &str = "<!-- errors:end -->";

/// Each code that stands on one side only.
pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let read = |name: &str| fs::read_to_string(root.join(name)).with_context(|| format!("failed to read {name}"));
    Ok(compare(&read(SOURCE)?, &read(PAGE)?))
}

fn compare(source: &str, page: &str) -> Vec<String> {
    let Some((_, rest)) = page.split_once(BEGIN) else { return vec![format!("{PAGE} has no {BEGIN}")] };
    let Some((table, _)) = rest.split_once(END) else { return vec![format!("{PAGE} has no {END}")] };
    let (used, explained) = (codes(source), codes(table));
    let mut found: Vec<String> =
        used.difference(&explained).map(|code| format!("{code} of {SOURCE} is not explained in {PAGE}")).collect();
    found.extend(explained.difference(&used).map(|code| format!("{code} of {PAGE} does not occur in {SOURCE}")));
    found
}

/// All texts of the shape `LS0000`.
fn codes(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.len() == 6 && word.starts_with("LS") && word[2..].bytes().all(|b| b.is_ascii_digit()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_on_one_side_only_is_found() {
        let page = format!("LS0009 {BEGIN}\n| LS0001 | a |\n| LS0003 | c |\n{END}");
        assert_eq!(
            compare("=> \"LS0001\", => \"LS0002\"", &page),
            [
                "LS0002 of crates/laneshift/src/error.rs is not explained in docs/errors.md",
                "LS0003 of docs/errors.md does not occur in crates/laneshift/src/error.rs",
            ]
        );
    }

    #[test]
    fn a_page_without_its_table_is_found() {
        assert_eq!(compare("", BEGIN), ["docs/errors.md has no <!-- errors:end -->"]);
    }
}

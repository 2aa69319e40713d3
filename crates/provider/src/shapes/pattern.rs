//! AWS's patterns, which are Java's regular expressions and speak about a whole value.
//!
//! A pattern that the `regex` crate cannot read lets every value pass: a wrong refusal would cost the caller more than
//! a missed one. The tests name those patterns; there is none in the file that ships.

use std::sync::OnceLock;

use regex::Regex;

/// A pattern, compiled when a value first meets it.
pub(super) struct Pattern {
    text: String,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(super) fn new(text: String) -> Self {
        Self { text, regex: OnceLock::new() }
    }

    /// As AWS writes it.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole value matches; always true for a pattern that is not understood.
    pub(super) fn matches(&self, value: &str) -> bool {
        self.regex().is_none_or(|regex| regex.is_match(value))
    }

    /// `None` where the crate cannot read it.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&format!("^(?:{})$", ascii_classes(&self.text))).ok()).as_ref()
    }
}

/// Java's `\s`, `\S` and `\d` know ASCII only, those of the crate all of Unicode.
fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            (_, Some('s')) => out.push_str(r"[\t-\r ]"),
            (_, Some('S')) => out.push_str(r"[^\t-\r ]"),
            (_, Some('d')) => out.push_str("[0-9]"),
            (_, escaped) => {
                out.push(c);
                out.extend(escaped);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_speaks_about_the_whole_value() {
        let pattern = Pattern::new("[a-z]+|[0-9]+".to_owned());
        assert!(pattern.matches("abc") && pattern.matches("12"));
        assert!(!pattern.matches("abc1") && !pattern.matches("1abc") && !pattern.matches("abc\n"));
    }

    #[test]
    fn space_is_ascii_space_as_in_java() {
        let pattern = Pattern::new(r"[a\s\\]*".to_owned());
        assert!(pattern.matches("a \t\n\u{b}\u{c}\r\\"));
        assert!(!pattern.matches("\u{a0}") && !pattern.matches("s"));
        assert!(Pattern::new(r"\S*".to_owned()).matches("\u{a0}x"));
    }

    #[test]
    fn a_pattern_that_cannot_be_read_lets_pass() {
        let pattern = Pattern::new("(?=a)b".to_owned());
        assert!(pattern.regex().is_none());
        assert!(pattern.matches("anything"));
    }
}

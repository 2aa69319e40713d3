//! Violations and their texts, in AWS's manner.
//!
//! AWS has two forms: `Value 'x' at 'path'`, and `Value at 'path'` where the value is sensitive. Here as there the
//! description decides. A missing value is `Value null`. Constraints on the texts in a list or map are reported at the
//! list or map, as Bedrock does: "Value at 'requestMetadata' failed to satisfy constraint: Map value must satisfy
//! constraint: [..]" (github.com/agentgateway/agentgateway, issue 1737, 2026-05-05). AWS prints values as Java does:
//! `[a, b]` and `{k=v}`.

use std::fmt::{self, Write};

use serde_json::{Map, Value};

use super::scalar::Given;

/// Characters of a value that a message repeats, at most.
const VALUE_CHARS_MAX: usize = 256;

/// One thing that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A value breaks a constraint: AWS answers a ValidationException with [`validation_message`].
    Broken {
        /// Such as `tags.1.member.key`.
        path: String,
        /// `Value 'x' at 'path' failed to satisfy constraint: ...`
        clause: String,
    },
    /// A value is of another type, or a union has not exactly one known member. AWS meets this while it reads the
    /// input, before any constraint.
    NotSerializable {
        /// Empty for the body itself.
        path: String,
        /// Such as `an integer`.
        expected: &'static str,
    },
}

impl Violation {
    /// Violations of one input that are reported, at most.
    pub const COUNT_MAX: usize = 32;
}

/// The message of a ValidationException, over the broken constraints; `None` if there are none.
pub fn validation_message(violations: &[Violation]) -> Option<String> {
    let clauses = violations.iter().filter_map(|violation| match violation {
        Violation::Broken { clause, .. } => Some(clause.as_str()),
        Violation::NotSerializable { .. } => None,
    });
    let clauses: Vec<&str> = clauses.collect();
    let noun = match clauses.len() {
        0 => return None,
        1 => "error",
        2.. => "errors",
    };
    Some(format!("{} validation {noun} detected: {}", clauses.len(), clauses.join("; ")))
}

/// The value as a clause has it: `null`, nothing for a sensitive one, or `'x'`.
pub(super) enum Shown {
    Null,
    Sensitive,
    Quoted(String),
}

impl Shown {
    pub(super) fn one(given: Given<'_>) -> Self {
        Self::cut(|out| write_given(out, given))
    }

    pub(super) fn list<'a>(items: impl Iterator<Item = Given<'a>>) -> Self {
        Self::cut(|out| write_list(out, items))
    }

    pub(super) fn map(entries: &Map<String, Value>) -> Self {
        Self::cut(|out| write_map(out, entries))
    }

    fn cut(write: impl FnOnce(&mut Cut) -> fmt::Result) -> Self {
        let mut out = Cut { text: String::new(), left: VALUE_CHARS_MAX };
        if write(&mut out).is_err() {
            out.text.push_str("...");
        }
        Self::Quoted(out.text)
    }
}

/// `Value 'x' at 'path' failed to satisfy constraint: ...`
pub(super) fn clause(shown: &Shown, path: &str, constraint: impl fmt::Display) -> String {
    let value = match shown {
        Shown::Null => " null".to_owned(),
        Shown::Sensitive => String::new(),
        Shown::Quoted(text) => format!(" '{text}'"),
    };
    format!("Value{value} at '{path}' failed to satisfy constraint: {constraint}")
}

/// Refuses text beyond the limit, so that a long value is not printed in full first.
struct Cut {
    text: String,
    left: usize,
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}

fn write_given(out: &mut Cut, given: Given<'_>) -> fmt::Result {
    match given {
        Given::Json(Value::String(text)) => out.write_str(text),
        Given::Json(Value::Array(items)) => write_list(out, items.iter().map(Given::Json)),
        Given::Json(Value::Object(entries)) => write_map(out, entries),
        Given::Json(scalar @ (Value::Null | Value::Bool(_) | Value::Number(_))) => write!(out, "{scalar}"),
        Given::Text(text) => out.write_str(text),
        Given::Bytes(bytes) => write!(out, "[{bytes} bytes]"),
    }
}

fn write_map(out: &mut Cut, entries: &Map<String, Value>) -> fmt::Result {
    out.write_char('{')?;
    for (index, (key, value)) in entries.iter().enumerate() {
        write!(out, "{}{key}=", if index == 0 { "" } else { ", " })?;
        write_given(out, Given::Json(value))?;
    }
    out.write_char('}')
}

fn write_list<'a>(out: &mut Cut, items: impl Iterator<Item = Given<'a>>) -> fmt::Result {
    out.write_char('[')?;
    for (index, item) in items.enumerate() {
        out.write_str(if index == 0 { "" } else { ", " })?;
        write_given(out, item)?;
    }
    out.write_char(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut() {
        let long = "é".repeat(VALUE_CHARS_MAX + 1);
        let Shown::Quoted(text) = Shown::one(Given::Text(&long)) else { panic!("a value is quoted") };
        assert_eq!(text, format!("{}...", "é".repeat(VALUE_CHARS_MAX)));
        let Shown::Quoted(text) = Shown::one(Given::Text(&long[2..])) else { panic!("a value is quoted") };
        assert!(!text.contains("..."));
    }

    #[test]
    fn values_print_as_java_prints_them() {
        let value = serde_json::json!({ "b": [1, null, "x"], "a": { "c": true } });
        let Shown::Quoted(text) = Shown::one(Given::Json(&value)) else { panic!("a value is quoted") };
        assert_eq!(text, "{a={c=true}, b=[1, null, x]}");
    }
}

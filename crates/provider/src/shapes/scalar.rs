//! One value and the constraints on it.

use std::fmt;

use laneshift_units::Timestamp;
use serde_json::Value;

use super::description::{Bounds, Kind};
use super::pattern::Pattern;

/// A value as the request has it.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    Json(&'a Value),
    /// From the path, the query or a header.
    Text(&'a str),
    /// A body that is one blob.
    Bytes(usize),
}

/// A value read as its type.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Integer(i64),
    Float(f64),
    /// Bytes of a blob, items of a list, entries of a map.
    Size(usize),
    /// Nothing constrains it.
    Free,
}

/// What a value must satisfy; prints as AWS writes it.
#[derive(Clone, Copy)]
pub(super) enum Constraint<'a> {
    NotNull,
    LengthMax(i64),
    LengthMin(i64),
    ValueMax(i64),
    ValueMin(i64),
    Pattern(&'a Pattern),
    OneOf(&'a [String]),
}

impl Kind {
    /// Whether values of this kind have no parts.
    pub(super) fn is_scalar(&self) -> bool {
        match self {
            Self::Structure(_) | Self::Document | Self::List { .. } | Self::Map { .. } => false,
            Self::Text { .. }
            | Self::Blob { .. }
            | Self::Integer { .. }
            | Self::Float { .. }
            | Self::Boolean
            | Self::Timestamp => true,
        }
    }

    /// The constraints in AWS's order.
    pub(super) fn constraints(&self) -> impl Iterator<Item = Constraint<'_>> + Clone {
        let all = match self {
            Self::Text { length, pattern, values } => {
                let pattern = pattern.as_ref().map(Constraint::Pattern);
                let values = (!values.is_empty()).then_some(Constraint::OneOf(values));
                [length.max.map(Constraint::LengthMax), length.min.map(Constraint::LengthMin), pattern, values]
            }
            Self::List { size: Bounds { min, max }, .. }
            | Self::Map { size: Bounds { min, max }, .. }
            | Self::Blob { length: Bounds { min, max } } => {
                [max.map(Constraint::LengthMax), min.map(Constraint::LengthMin), None, None]
            }
            Self::Integer { range: Bounds { min, max }, .. } | Self::Float { range: Bounds { min, max } } => {
                [max.map(Constraint::ValueMax), min.map(Constraint::ValueMin), None, None]
            }
            Self::Structure(_) | Self::Document | Self::Boolean | Self::Timestamp => [None; 4],
        };
        all.into_iter().flatten()
    }

    /// Reads a value without parts; the error says what was expected.
    pub(super) fn read<'a>(&self, given: Given<'a>) -> Result<Scalar<'a>, &'static str> {
        match (self, given) {
            (Self::Text { .. }, given) => given.text().map(Scalar::Text).ok_or("a string"),
            (Self::Blob { .. }, Given::Bytes(bytes)) => Ok(Scalar::Size(bytes)),
            (Self::Blob { .. }, given) => given.text().and_then(base64_len).map(Scalar::Size).ok_or("a base64 string"),
            (Self::Integer { long, .. }, given) => {
                let fits = |number: &i64| *long || i32::try_from(*number).is_ok();
                given.integer().filter(fits).map(Scalar::Integer).ok_or("an integer")
            }
            (Self::Float { .. }, given) => given.float().map(Scalar::Float).ok_or("a number"),
            (Self::Boolean, Given::Json(Value::Bool(_)) | Given::Text("true" | "false")) => Ok(Scalar::Free),
            (Self::Boolean, _) => Err("a boolean"),
            (Self::Timestamp, Given::Json(Value::Number(_))) => Ok(Scalar::Free),
            (Self::Timestamp, given) => {
                given.text().filter(|text| Timestamp::parse(text).is_ok()).map(|_| Scalar::Free).ok_or("a timestamp")
            }
            (Self::Document, _) => Ok(Scalar::Free),
            (Self::Structure(_) | Self::Map { .. }, _) => Err("an object"),
            (Self::List { .. }, _) => Err("an array"),
        }
    }
}

impl<'a> Given<'a> {
    fn text(self) -> Option<&'a str> {
        match self {
            Self::Json(value) => value.as_str(),
            Self::Text(text) => Some(text),
            Self::Bytes(_) => None,
        }
    }

    fn integer(self) -> Option<i64> {
        match self {
            Self::Json(value) => value.as_i64(),
            Self::Text(text) => text.parse().ok(),
            Self::Bytes(_) => None,
        }
    }

    fn float(self) -> Option<f64> {
        match self {
            Self::Json(value) => value.as_f64(),
            Self::Text(text) => text.parse().ok(),
            Self::Bytes(_) => None,
        }
    }
}

impl Constraint<'_> {
    /// Whether a value that is there satisfies it.
    pub(super) fn holds(&self, scalar: Scalar<'_>) -> bool {
        match (self, scalar) {
            (Self::LengthMax(max), scalar) => scalar.length().is_none_or(|length| length <= *max),
            (Self::LengthMin(min), scalar) => scalar.length().is_none_or(|length| length >= *min),
            (Self::ValueMax(max), Scalar::Integer(number)) => number <= *max,
            (Self::ValueMin(min), Scalar::Integer(number)) => number >= *min,
            (Self::ValueMax(max), Scalar::Float(number)) => number <= *max as f64,
            (Self::ValueMin(min), Scalar::Float(number)) => number >= *min as f64,
            (Self::Pattern(pattern), Scalar::Text(text)) => pattern.matches(text),
            (Self::OneOf(values), Scalar::Text(text)) => values.iter().any(|value| value == text),
            (Self::NotNull | Self::ValueMax(_) | Self::ValueMin(_) | Self::Pattern(_) | Self::OneOf(_), _) => true,
        }
    }
}

impl Scalar<'_> {
    /// Characters of a text, or the size.
    fn length(self) -> Option<i64> {
        let length = match self {
            Self::Text(text) => text.chars().count(),
            Self::Size(size) => size,
            Self::Integer(_) | Self::Float(_) | Self::Free => return None,
        };
        Some(i64::try_from(length).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Constraint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNull => f.write_str("Member must not be null"),
            Self::LengthMax(max) => write!(f, "Member must have length less than or equal to {max}"),
            Self::LengthMin(min) => write!(f, "Member must have length greater than or equal to {min}"),
            Self::ValueMax(max) => write!(f, "Member must have value less than or equal to {max}"),
            Self::ValueMin(min) => write!(f, "Member must have value greater than or equal to {min}"),
            Self::Pattern(pattern) => write!(f, "Member must satisfy regular expression pattern: {}", pattern.as_str()),
            Self::OneOf(values) => write!(f, "Member must satisfy enum value set: [{}]", values.join(", ")),
        }
    }
}

/// Bytes that a base64 text stands for, without decoding it; `None` where it is none.
fn base64_len(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let known = digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    (known && padding <= 2 && text.len().is_multiple_of(4)).then_some(digits.len() * 3 / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_blob_is_that_of_its_bytes() {
        let lengths = ["", "YQ==", "YWI=", "YWJj", "YWJjZA==", "+/+/"].map(base64_len);
        assert_eq!(lengths, [Some(0), Some(1), Some(2), Some(3), Some(4), Some(3)]);
        assert_eq!(["YQ", "Y===", "====", "Y!==", "Y=Q=", "é==="].map(base64_len), [None; 6]);
    }

    #[test]
    fn a_number_outside_of_its_type_is_none() {
        let (small, long) =
            (Kind::Integer { range: Bounds::default(), long: false }, Kind::Integer { range: Bounds::default(), long: true });
        let number = Value::from(1_i64 << 40);
        assert!(small.read(Given::Json(&number)).is_err() && long.read(Given::Json(&number)).is_ok());
        assert!(small.read(Given::Text("12")).is_ok() && small.read(Given::Text("1.5")).is_err());
        assert!(small.read(Given::Json(&Value::from("12"))).is_err());
    }
}

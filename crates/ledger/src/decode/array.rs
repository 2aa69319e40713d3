//! Lines that hold a JSON array of records instead of one record.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How an array line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrayEnd {
    /// All of it was read.
    Whole,
    /// It is no JSON from some element on; the elements before were given.
    Broken,
}

/// Whether a line holds an array.
pub(crate) fn is_array(line: &[u8]) -> bool {
    line.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[')
}

/// Gives each element of an array line, one after the other.
pub(crate) fn split_array(line: &[u8], each: &mut dyn FnMut(&[u8])) -> ArrayEnd {
    let mut json = serde_json::Deserializer::from_slice(line);
    match Elements(each).deserialize(&mut json).and_then(|()| json.end()) {
        Ok(()) => ArrayEnd::Whole,
        Err(_) => ArrayEnd::Broken,
    }
}

struct Elements<'a>(&'a mut dyn FnMut(&[u8]));

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element::<&'de RawValue>()? {
            (self.0)(element.get().as_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> (Vec<String>, ArrayEnd) {
        let mut seen = Vec::new();
        let end = split_array(line.as_bytes(), &mut |e| seen.push(String::from_utf8_lossy(e).into_owned()));
        (seen, end)
    }

    #[test]
    fn elements_are_given_one_by_one() {
        assert!(is_array(b" [") && !is_array(b"{[") && !is_array(b""));
        assert_eq!(split(r#" [{"a":[1]}, 2] "#), (vec![r#"{"a":[1]}"#.into(), "2".into()], ArrayEnd::Whole));
        assert_eq!(split("[]"), (vec![], ArrayEnd::Whole));
    }

    #[test]
    fn a_broken_array_gives_what_came_before() {
        assert_eq!(split("[1,{"), (vec!["1".into()], ArrayEnd::Broken));
        assert_eq!(split("[1] x"), (vec!["1".into()], ArrayEnd::Broken));
    }
}

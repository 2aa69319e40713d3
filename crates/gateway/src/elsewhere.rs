//! Content of a call that lies in S3. AWS reads it with the keys that the call is signed with, which are this gateway's: a key may
//! name what its owner may have read, and no more.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::gateway::Gateway;
use crate::jobs::Place;
use crate::outline::Outline;
use crate::refusal::Refusal;

/// Where a value of a body is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Anywhere.
    Body,
    /// Within `s3Location`.
    Location,
    /// Its `uri`.
    Uri,
}

/// Reads a value, and notes every URI in it: of a name that stands twice, nobody says which one AWS reads.
struct Seek<'a> {
    at: At,
    uris: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            let at = match (self.at, &*name) {
                (At::Body, "s3Location") => At::Location,
                (At::Location, "uri") => At::Uri,
                (at, _) => at,
            };
            members.next_value_seed(Seek { at, uris: self.uris })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(Seek { at: self.at, uris: self.uris })?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.at == At::Uri {
            self.uris.push(text.to_owned());
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn uris(body: &[u8]) -> serde_json::Result<Vec<String>> {
    let mut uris = Vec::new();
    Seek { at: At::Body, uris: &mut uris }.deserialize(&mut serde_json::Deserializer::from_slice(body))?;
    Ok(uris)
}

impl Gateway {
    /// Whether an owner's call may have AWS read what it names in S3. Under a role of the owner's own that is AWS's to say.
    pub(crate) fn may_read(&self, owner: &str, body: &[u8], outline: &Outline) -> Result<(), Refusal> {
        let has_role = || self.config().owners.get(owner).is_some_and(|of| !of.roles.is_empty());
        if !outline.is_in_s3 || has_role() { Ok(()) } else { self.is_open_to(owner, body) }
    }

    /// The same for a record of a job, which AWS reads under the role of `[batch]`.
    pub(crate) fn record_may_read(&self, owner: &str, line: &[u8]) -> Result<(), Refusal> {
        if Outline::of(line).is_in_s3 { self.is_open_to(owner, line) } else { Ok(()) }
    }

    fn is_open_to(&self, owner: &str, body: &[u8]) -> Result<(), Refusal> {
        for uri in uris(body).map_err(|_| Refusal::validation("The body is no JSON."))? {
            let mut places = self.config().batches.iter().flat_map(|batch| batch.places_of(owner));
            if !Place::of(&uri).is_some_and(|place| place.is_open(&mut places)) {
                return Err(Refusal::denied(
                    "s3Location: this gateway has content of this key's owner read only where its configuration lets it: batch.client_s3.",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_and_text_is_none() {
        let of = |body: &str| uris(body.as_bytes()).expect("JSON");
        let twice = r#"{"a":[{"document":{"source":{"s3Location":{"uri":"s3://a/b","uri":"s3://c/d","bucketOwner":"1"},"s3L\u006fcation":{"uri":"s3://e/f"}}}}]}"#;
        assert_eq!(of(twice), ["s3://a/b", "s3://c/d", "s3://e/f"]);
        assert_eq!(of(r#"{"uri":"s3://a/b","text":"s3Location","n":[1,-1,0.5,null,true]}"#), [""; 0]);
    }
}

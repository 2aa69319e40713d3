//! Reading the fields of a JSON object, and saying what is wrong with one.

use serde_json::{Map, Value};

use super::Refused;

/// Whose words a refusal is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// `max_tokens: Field required`.
    Anthropic,
    /// `Malformed input request: ...`.
    Aws,
}

/// The fields of an object that stands at `path` in the body. A field that is `null` counts as missing.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
    manner: Manner,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value, path: impl Into<String>, manner: Manner) -> Result<Self, Refused> {
        let path = path.into();
        match value {
            Value::Object(map) => Ok(Self { map, path, manner }),
            _ => Err(wrong(manner, &path, "object")),
        }
    }

    /// The path of a field, as refusals name it.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn required(&self, key: &str) -> Result<&'a Value, Refused> {
        self.get(key).ok_or_else(|| self.missing(key))
    }

    pub(super) fn missing(&self, key: &str) -> Refused {
        let path = self.path(key);
        Refused::because(match self.manner {
            Manner::Anthropic => format!("{path}: Field required"),
            Manner::Aws => {
                format!("Malformed input request: required key [{path}] not found, please reformat your input and try again.")
            }
        })
    }

    /// Refuses every field that is not among `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refused> {
        let Some(extra) = self.map.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
        let path = self.path(extra);
        Err(Refused::because(match self.manner {
            Manner::Anthropic => format!("{path}: Extra inputs are not permitted"),
            Manner::Aws => {
                format!(
                    "Malformed input request: extraneous key [{path}] is not permitted, please reformat your input and try again."
                )
            }
        }))
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Fields<'a>>, Refused> {
        self.get(key).map(|value| Fields::of(value, self.path(key), self.manner)).transpose()
    }

    pub(super) fn list(&self, key: &str) -> Result<Option<&'a [Value]>, Refused> {
        self.typed(key, "array", |value| value.as_array().map(Vec::as_slice))
    }

    /// A list that must be there, with its objects read as fields.
    pub(super) fn objects(&self, key: &str) -> Result<Vec<Fields<'a>>, Refused> {
        let list = self.list(key)?.unwrap_or_default();
        list.iter().enumerate().map(|(at, item)| Fields::of(item, format!("{}.{at}", self.path(key)), self.manner)).collect()
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Refused> {
        self.typed(key, "string", Value::as_str)
    }

    pub(super) fn required_text(&self, key: &str) -> Result<&'a str, Refused> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// A number of tokens or of dimensions: at least one.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, Refused> {
        let count = self.typed(key, "integer", Value::as_u64)?;
        if count == Some(0) {
            let path = self.path(key);
            return Err(Refused::because(match self.manner {
                Manner::Anthropic => format!("{path}: must be greater than or equal to 1"),
                Manner::Aws => {
                    format!("Malformed input request: {path} is less than 1, please reformat your input and try again.")
                }
            }));
        }
        Ok(count)
    }

    /// A number between zero and one.
    pub(super) fn share(&self, key: &str) -> Result<Option<f64>, Refused> {
        let share = self.typed(key, "number", Value::as_f64)?;
        if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            let path = self.path(key);
            return Err(Refused::because(match self.manner {
                Manner::Anthropic => format!("{path}: range: 0..1"),
                Manner::Aws => format!("The value at {path} must be between 0 and 1."),
            }));
        }
        Ok(share)
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, Refused> {
        self.typed(key, "number", Value::as_f64)
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Refused> {
        self.typed(key, "boolean", Value::as_bool)
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Refused> {
        let items = self.list(key)?.unwrap_or_default();
        let text = |item: &Value| item.as_str().map(str::to_owned).ok_or_else(|| self.wrong(key, "array of strings"));
        items.iter().map(text).collect()
    }

    pub(super) fn wrong(&self, key: &str, expected: &str) -> Refused {
        wrong(self.manner, &self.path(key), expected)
    }

    fn typed<T>(&self, key: &str, kind: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, Refused> {
        self.get(key).map(|value| read(value).ok_or_else(|| self.wrong(key, kind))).transpose()
    }
}

fn wrong(manner: Manner, path: &str, expected: &str) -> Refused {
    Refused::because(match manner {
        Manner::Anthropic => {
            let expected = match expected {
                "array" => "list",
                "object" => "dictionary",
                other => other,
            };
            format!("{path}: Input should be a valid {expected}")
        }
        Manner::Aws => {
            format!("Malformed input request: {path}: expected type: {expected}, please reformat your input and try again.")
        }
    })
}

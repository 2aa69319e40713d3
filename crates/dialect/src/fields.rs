//! Members of a JSON object: each is taken, or of no meaning here, or refused by name.

use serde_json::{Map, Value};

/// The members of an object that nobody has taken yet.
pub(crate) struct Fields {
    rest: Map<String, Value>,
    /// Where it is, for messages.
    place: &'static str,
}

impl Fields {
    /// The members of an object; a member that is `null` is as good as none.
    pub(crate) fn of(value: Value, place: &'static str) -> Result<Self, String> {
        match value {
            Value::Object(mut rest) => {
                rest.retain(|_, value| !value.is_null());
                Ok(Self { rest, place })
            }
            _ => Err(format!("{place} is not a JSON object")),
        }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.rest.remove(name)
    }

    pub(crate) fn needed(&mut self, name: &str) -> Result<Value, String> {
        self.take(name).ok_or_else(|| format!("{}.{name} is missing", self.place))
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("{}.{name} is not a string", self.place)),
        }
    }

    pub(crate) fn needed_text(&mut self, name: &str) -> Result<String, String> {
        self.text(name)?.ok_or_else(|| format!("{}.{name} is missing", self.place))
    }

    pub(crate) fn count(&mut self, name: &str) -> Result<Option<u64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .filter(|n| *n > 0)
                .map(Some)
                .ok_or_else(|| format!("{}.{name} is not a whole number above 0", self.place)),
        }
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Option<f64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| format!("{}.{name} is not a number", self.place)),
        }
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<Vec<Value>, String> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(format!("{}.{name} is not a list", self.place)),
        }
    }

    /// Members that change nothing of an answer.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        self.rest.retain(|name, _| !names.contains(&name.as_str()));
    }

    /// Members that are taken with one value only, which changes nothing.
    pub(crate) fn only(&mut self, name: &str, values: &[Value]) -> Result<(), String> {
        match self.take(name) {
            Some(value) if !values.contains(&value) => {
                Err(format!("{}.{name} cannot be carried over with this value; leave it out", self.place))
            }
            _ => Ok(()),
        }
    }

    /// Everything else, as it is.
    pub(crate) fn rest(self) -> Value {
        Value::Object(self.rest)
    }

    /// Everything else is refused.
    pub(crate) fn done(self) -> Result<(), String> {
        match self.rest.keys().next() {
            None => Ok(()),
            Some(name) => {
                let name: String = name.chars().take(40).collect();
                Err(format!("{}.{name:?} cannot be carried over to this model; leave it out", self.place))
            }
        }
    }
}

//! JSON that fits a JSON schema.
//!
//! Knows: `type` (also a list), `enum`, `const`, `properties`, `required`, `items`, `prefixItems`, bounds of numbers,
//! texts and lists, `anyOf`, `oneOf` and `allOf` (the first that is there), local `$ref`, and four formats of text.
//! Leaves out: `pattern`, `not`, conditions. A schema that nothing fits gets something all the same.

use serde_json::{Map, Value, json};

use super::chance::Chance;
use super::words;

/// Levels of nesting below which only what is required is made.
const DEPTH_MAX: usize = 6;
/// The most values of an answer.
const VALUES_MAX: usize = 10_000;
/// Levels of nesting at which a value is cut off, for schemas that require themselves.
const DEPTH_END: usize = 24;
/// The most items of a list that the schema does not demand.
const ITEMS_MAX: u64 = 3;
/// The most items that a schema can demand.
const ITEMS_END: u64 = 1000;
/// The most bytes of a text that a schema can demand.
const TEXT_END: u64 = 10_000;

/// A value that fits.
pub(super) fn fit(schema: &Value, chance: &mut Chance) -> Value {
    Maker { root: schema, chance, made: 0 }.value(schema, 0)
}

/// An object that fits, as the input of a tool must be one.
pub(super) fn fit_object(schema: &Value, chance: &mut Chance) -> Value {
    match fit(schema, chance) {
        object @ Value::Object(_) => object,
        _ => json!({}),
    }
}

struct Maker<'a, 'c> {
    root: &'a Value,
    chance: &'c mut Chance,
    made: usize,
}

impl<'a> Maker<'a, '_> {
    fn value(&mut self, schema: &'a Value, depth: usize) -> Value {
        self.made += 1;
        if depth >= DEPTH_END || self.made > VALUES_MAX {
            return Value::Null;
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return target.map_or(Value::Null, |target| self.value(target, depth + 1));
        }
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            return self.chance.pick(choices).cloned().unwrap_or(Value::Null);
        }
        let choices = ["anyOf", "oneOf", "allOf"].iter().find_map(|key| schema.get(*key)?.as_array()?.first());
        if let Some(first) = choices {
            return self.value(first, depth + 1);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => json!(self.text(schema)),
            "integer" => json!(self.integer(schema)),
            "number" => self.number(schema),
            "boolean" => json!(self.chance.below(2) == 1),
            _ => Value::Null,
        }
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Value {
        let required: Vec<&str> = list(schema, "required").iter().filter_map(Value::as_str).collect();
        let mut out = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if depth < DEPTH_MAX || required.contains(&name.as_str()) {
                out.insert(name.clone(), self.value(property, depth + 1));
            }
        }
        for name in required {
            if !out.contains_key(name) {
                out.insert(name.to_owned(), json!(words::word(self.chance)));
            }
        }
        Value::Object(out)
    }

    fn array(&mut self, schema: &'a Value, depth: usize) -> Value {
        let first: Vec<Value> = list(schema, "prefixItems").iter().map(|item| self.value(item, depth + 1)).collect();
        let least = bound(schema, "minItems").unwrap_or(0).min(ITEMS_END);
        let most = bound(schema, "maxItems").unwrap_or(ITEMS_MAX).max(least);
        let wanted = if depth < DEPTH_MAX { least.max(most.min(1 + self.chance.next() % ITEMS_MAX)) } else { least };
        let mut out = first;
        if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
            while (out.len() as u64) < wanted {
                out.push(self.value(items, depth + 1));
            }
        }
        Value::Array(out)
    }

    fn text(&mut self, schema: &Value) -> String {
        match schema.get("format").and_then(Value::as_str) {
            Some("date") => return format!("2026-{:02}-{:02}", 1 + self.chance.below(12), 1 + self.chance.below(28)),
            Some("date-time") => return format!("2026-11-{:02}T{:02}:00:00Z", 1 + self.chance.below(28), self.chance.below(24)),
            Some("email") => return format!("{}@example.com", words::word(self.chance)),
            Some("uuid") => {
                let (high, low) = (self.chance.next(), self.chance.next());
                return format!(
                    "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
                    high >> 32,
                    high & 0xffff,
                    low >> 52,
                    low & 0xfff,
                    low & 0xffff_ffff_ffff
                );
            }
            _ => {}
        }
        let least = bound(schema, "minLength").unwrap_or(0).min(TEXT_END);
        let most = bound(schema, "maxLength").unwrap_or(u64::MAX);
        let mut text = format!("{} {}", words::word(self.chance), words::word(self.chance));
        while (text.len() as u64) < least {
            text.push(' ');
            text.push_str(words::word(self.chance));
        }
        // Words are ASCII, so a byte is a character.
        text.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        text
    }

    fn integer(&mut self, schema: &Value) -> i64 {
        let read =
            |key: &str| schema.get(key).and_then(|value| value.as_i64().or_else(|| value.as_f64().map(|number| number as i64)));
        let least = read("minimum").or_else(|| read("exclusiveMinimum").map(|n| n.saturating_add(1)));
        let most = read("maximum").or_else(|| read("exclusiveMaximum").map(|n| n.saturating_sub(1)));
        let (least, most) = match (least, most) {
            (None, None) => (0, 100),
            (Some(least), None) => (least, least.saturating_add(100)),
            (None, Some(most)) => (most.saturating_sub(100), most),
            (Some(least), Some(most)) => (least, most.max(least)),
        };
        let step = read("multipleOf").filter(|step| *step > 0).unwrap_or(1);
        let first = least.saturating_add((step - least.rem_euclid(step)) % step);
        let steps = most.saturating_sub(first).max(0) / step;
        let taken = self.chance.next() % (steps.unsigned_abs().saturating_add(1));
        first.saturating_add(step.saturating_mul(i64::try_from(taken).unwrap_or(0)))
    }

    /// A number with two decimals, or an integer when the bounds leave no room for one.
    fn number(&mut self, schema: &Value) -> Value {
        let read = |keys: [&str; 2]| keys.iter().find_map(|key| schema.get(*key)?.as_f64());
        let least = read(["minimum", "exclusiveMinimum"]);
        let most = read(["maximum", "exclusiveMaximum"]);
        let (least, most) = match (least, most) {
            (None, None) => (0.0, 100.0),
            (Some(least), None) => (least, least + 100.0),
            (None, Some(most)) => (most - 100.0, most),
            (Some(least), Some(most)) => (least, most),
        };
        // Never a bound itself, which may be excluded.
        let share = (1 + self.chance.below(99)) as f64 / 100.0;
        json!(least + (most - least) * share)
    }
}

/// The type that a schema asks for: its first that is not `null`, or what its other words are about.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null"),
        _ if schema.get("properties").is_some() || schema.get("required").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

fn list<'a>(schema: &'a Value, key: &str) -> &'a [Value] {
    schema.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn bound(schema: &Value, key: &str) -> Option<u64> {
    schema.get(key).and_then(Value::as_u64)
}

#[cfg(test)]
mod tests;

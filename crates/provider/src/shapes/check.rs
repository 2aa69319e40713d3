//! Walks an input along its shape and notes what is wrong.

use std::fmt;

use serde_json::{Map, Value};

use super::Params;
use super::description::{Kind, Member, Place, Shape, ShapeId, Structure};
use super::message::{Shown, Violation, clause};
use super::scalar::{Constraint, Given, Scalar};

/// Structures, lists and maps inside each other, at most. A test says that no shipped shape goes as deep.
pub(super) const DEPTH_MAX: usize = 32;

pub(super) fn input(shapes: &[Shape], id: ShapeId, params: &Params) -> Vec<Violation> {
    let mut walk = Walk { shapes, found: Vec::new() };
    if let Kind::Structure(structure) = &shapes[id].kind {
        walk.input(structure, params);
    }
    walk.found
}

struct Walk<'a> {
    shapes: &'a [Shape],
    found: Vec<Violation>,
}

/// Where a value stands; prints as AWS's paths do.
#[derive(Clone, Copy)]
struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
    depth: usize,
    /// Itself or something around it.
    sensitive: bool,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Member(&'a str),
    /// From 0; printed from 1.
    Item(usize),
    Entry(&'a str),
}

impl At<'_> {
    fn step<'b>(&'b self, step: Step<'b>, shape: &Shape) -> At<'b> {
        At { parent: Some(self), step, depth: self.depth + 1, sensitive: self.sensitive || shape.sensitive }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        match self.step {
            Step::Member(name) => f.write_str(name),
            Step::Item(index) => write!(f, "{}.member", index + 1),
            Step::Entry(key) => write!(f, "{key}.member"),
        }
    }
}

impl<'a> Walk<'a> {
    fn input(&mut self, structure: &Structure, params: &Params) {
        let body = match &params.body {
            Value::Object(body) => Some(body),
            Value::Null => None,
            _ if structure.members.iter().all(|member| member.place != Place::Body) => None,
            _ => return self.found.push(Violation::NotSerializable { path: String::new(), expected: "an object" }),
        };
        for member in &structure.members {
            let sensitive = self.shapes[member.shape].sensitive;
            let at = At { parent: None, step: Step::Member(&member.name), depth: 1, sensitive };
            let exact = |name: &str| name == member.wire;
            match member.place {
                Place::Uri => self.texts(&at, member, named(&params.uri, exact)),
                Place::Query => self.texts(&at, member, named(&params.query, exact)),
                Place::Header => {
                    self.texts(&at, member, named(&params.headers, |name| name.eq_ignore_ascii_case(&member.wire)));
                }
                Place::Payload if params.body_len == 0 => self.absent(&at, member),
                Place::Payload => self.scalar(&at, member.shape, Given::Bytes(params.body_len)),
                Place::Body => self.member(&at, member, body),
            }
        }
    }

    /// Texts under one name: a list takes all of them, anything else the first.
    fn texts<'t>(&mut self, at: &At<'_>, member: &Member, mut texts: impl Iterator<Item = &'t str>) {
        let Some(first) = texts.next() else { return self.absent(at, member) };
        if let Kind::List { of, .. } = self.shapes[member.shape].kind {
            let all: Vec<&str> = std::iter::once(first).chain(texts).collect();
            self.list(at, member.shape, of, all.iter().map(|text| Given::Text(text)));
        } else {
            self.scalar(at, member.shape, Given::Text(first));
        }
    }

    /// A member of a JSON object; null counts as absent.
    fn member(&mut self, at: &At<'_>, member: &Member, object: Option<&Map<String, Value>>) {
        match object.and_then(|object| object.get(&member.wire)) {
            None | Some(Value::Null) => self.absent(at, member),
            Some(value) => self.json(at, member.shape, value),
        }
    }

    fn absent(&mut self, at: &At<'_>, member: &Member) {
        if member.required {
            self.broken(at, &Shown::Null, Constraint::NotNull);
        }
    }

    fn json(&mut self, at: &At<'_>, id: ShapeId, value: &Value) {
        if at.depth > DEPTH_MAX {
            return self.not_serializable(at, "less nesting");
        }
        match (&self.shapes[id].kind, value) {
            (Kind::Structure(structure), Value::Object(object)) => self.structure(at, structure, object),
            (Kind::List { of, .. }, Value::Array(items)) => self.list(at, id, *of, items.iter().map(Given::Json)),
            (Kind::Map { key, value, .. }, Value::Object(entries)) => self.map(at, id, (*key, *value), entries),
            _ => self.scalar(at, id, Given::Json(value)),
        }
    }

    fn structure(&mut self, at: &At<'_>, structure: &Structure, object: &Map<String, Value>) {
        if structure.union && !has_one_member(structure, object) {
            return self.not_serializable(at, "exactly one known member of a union");
        }
        for member in &structure.members {
            self.member(&at.step(Step::Member(&member.name), &self.shapes[member.shape]), member, Some(object));
        }
    }

    fn list<'t>(&mut self, at: &At<'_>, id: ShapeId, of: ShapeId, items: impl ExactSizeIterator<Item = Given<'t>> + Clone) {
        let hidden = at.sensitive || self.shapes[of].sensitive;
        let show = || if hidden { Shown::Sensitive } else { Shown::list(items.clone()) };
        self.constraints(at, id, Scalar::Size(items.len()), show);
        let mut good = true;
        for (index, item) in items.clone().enumerate() {
            good &= self.part(&at.step(Step::Item(index), &self.shapes[of]), of, item);
        }
        if !good {
            self.broken(at, &show(), All("Member", &self.shapes[of].kind));
        }
    }

    fn map(&mut self, at: &At<'_>, id: ShapeId, (key, value): (ShapeId, ShapeId), entries: &Map<String, Value>) {
        let hidden = at.sensitive || self.shapes[key].sensitive || self.shapes[value].sensitive;
        let show = || if hidden { Shown::Sensitive } else { Shown::map(entries) };
        self.constraints(at, id, Scalar::Size(entries.len()), show);
        let (mut good_keys, mut good_values) = (true, true);
        for (name, given) in entries {
            let at = at.step(Step::Entry(name), &self.shapes[value]);
            good_keys &= self.part(&at, key, Given::Text(name));
            good_values &= self.part(&at, value, Given::Json(given));
        }
        if !good_keys {
            self.broken(at, &show(), All("Map keys", &self.shapes[key].kind));
        }
        if !good_values {
            self.broken(at, &show(), All("Map value", &self.shapes[value].kind));
        }
    }

    /// A part of a list or map. What is wrong inside it is noted; false if it is a scalar that breaks a constraint,
    /// which its list or map reports once.
    fn part(&mut self, at: &At<'_>, id: ShapeId, given: Given<'_>) -> bool {
        let kind = &self.shapes[id].kind;
        match given {
            Given::Json(Value::Null) => self.broken(at, &Shown::Null, Constraint::NotNull),
            Given::Json(value) if !kind.is_scalar() => self.json(at, id, value),
            Given::Json(_) | Given::Text(_) | Given::Bytes(_) => match kind.read(given) {
                Ok(scalar) => return kind.constraints().all(|constraint| constraint.holds(scalar)),
                Err(expected) => self.not_serializable(at, expected),
            },
        }
        true
    }

    fn scalar(&mut self, at: &At<'_>, id: ShapeId, given: Given<'_>) {
        match self.shapes[id].kind.read(given) {
            Ok(scalar) => {
                self.constraints(at, id, scalar, || if at.sensitive { Shown::Sensitive } else { Shown::one(given) });
            }
            Err(expected) => self.not_serializable(at, expected),
        }
    }

    fn constraints(&mut self, at: &At<'_>, id: ShapeId, scalar: Scalar<'_>, show: impl Fn() -> Shown) {
        let shapes = self.shapes;
        for constraint in shapes[id].kind.constraints().filter(|constraint| !constraint.holds(scalar)) {
            self.broken(at, &show(), constraint);
        }
    }

    fn broken(&mut self, at: &At<'_>, shown: &Shown, constraint: impl fmt::Display) {
        self.note(|| {
            let path = at.to_string();
            Violation::Broken { clause: clause(shown, &path, constraint), path }
        });
    }

    fn not_serializable(&mut self, at: &At<'_>, expected: &'static str) {
        self.note(|| Violation::NotSerializable { path: at.to_string(), expected });
    }

    fn note(&mut self, violation: impl FnOnce() -> Violation) {
        if self.found.len() < Violation::COUNT_MAX {
            self.found.push(violation());
        }
    }
}

/// The texts under the names that match.
fn named(texts: &[(String, String)], matches: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
    texts.iter().filter(move |(name, _)| matches(name)).map(|(_, text)| text.as_str())
}

/// AWS's own `__type` may stand beside it, and so may nulls.
fn has_one_member(union: &Structure, object: &Map<String, Value>) -> bool {
    let mut set = object.iter().filter(|(name, value)| !value.is_null() && *name != "__type").map(|(name, _)| name);
    let known = |name: &String| union.members.iter().any(|member| member.wire == *name);
    set.next().is_some_and(known) && set.next().is_none()
}

/// All constraints on the parts of a list or map, as AWS names them when a part breaks one.
struct All<'a>(&'static str, &'a Kind);

impl fmt::Display for All<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(parts, kind) = self;
        let all: Vec<String> = kind.constraints().map(|constraint| constraint.to_string()).collect();
        write!(f, "{parts} must satisfy constraint: [{}]", all.join(", "))
    }
}

//! The file of field rules as it lies on disk, and the shapes as a check walks them.
//!
//! Names become indices while reading, so that a check follows no names and a dangling name is found at once.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use super::pattern::Pattern;

/// Where a shape lies in [`Description::shapes`].
pub(super) type ShapeId = usize;

/// All services of the file.
pub(super) struct Description {
    pub(super) shapes: Vec<Shape>,
    pub(super) operations: BTreeMap<String, Operation>,
    /// Operation, method and path template, by service.
    pub(super) routes: BTreeMap<String, Vec<(String, String, String)>>,
}

pub(super) struct Operation {
    /// Always a structure.
    pub(super) input: Option<ShapeId>,
}

pub(super) struct Shape {
    /// A message must not repeat the value.
    pub(super) sensitive: bool,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Structure(Structure),
    /// Any JSON.
    Document,
    List {
        of: ShapeId,
        size: Bounds,
    },
    Map {
        key: ShapeId,
        value: ShapeId,
        size: Bounds,
    },
    Text {
        length: Bounds,
        pattern: Option<Pattern>,
        values: Vec<String>,
    },
    Blob {
        length: Bounds,
    },
    /// 32 bits, or 64 where `long`.
    Integer {
        range: Bounds,
        long: bool,
    },
    Float {
        range: Bounds,
    },
    Boolean,
    Timestamp,
}

pub(super) struct Structure {
    pub(super) members: Vec<Member>,
    pub(super) union: bool,
}

pub(super) struct Member {
    pub(super) name: String,
    /// The name on the wire.
    pub(super) wire: String,
    pub(super) place: Place,
    pub(super) required: bool,
    pub(super) shape: ShapeId,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Uri,
    #[serde(rename = "querystring")]
    Query,
    Header,
    /// The body as it is, without JSON around it.
    #[serde(skip)]
    Payload,
    #[default]
    #[serde(skip)]
    Body,
}

/// Both ends are allowed values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
}

#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error("not the form of a field rules file")]
    Form(#[from] serde_json::Error),
    #[error("{0} is not described")]
    Dangling(String),
    #[error("{0} has an unknown type or lacks a part of its type")]
    Type(String),
}

#[derive(Deserialize)]
struct File {
    services: BTreeMap<String, RawService>,
}

#[derive(Deserialize)]
struct RawService {
    operations: BTreeMap<String, RawOperation>,
    protocol: String,
    shapes: BTreeMap<String, RawShape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOperation {
    input: Option<String>,
    method: String,
    request_uri: String,
}

#[derive(Deserialize)]
struct RawShape {
    r#type: String,
    #[serde(default)]
    members: BTreeMap<String, RawMember>,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    union: bool,
    #[serde(default)]
    document: bool,
    #[serde(default)]
    sensitive: bool,
    payload: Option<String>,
    member: Option<RawMember>,
    key: Option<RawMember>,
    value: Option<RawMember>,
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<String>,
    #[serde(default)]
    r#enum: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMember {
    shape: String,
    location: Option<Place>,
    location_name: Option<String>,
}

impl Description {
    pub(super) fn read(text: &str) -> Result<Self, ReadError> {
        let file: File = serde_json::from_str(text)?;
        let mut read = Self { shapes: Vec::new(), operations: BTreeMap::new(), routes: BTreeMap::new() };
        for (name, service) in file.services {
            let first = read.shapes.len();
            let ids = Ids(service.shapes.keys().cloned().zip(first..).collect());
            for (name, raw) in service.shapes {
                read.shapes.push(Shape { sensitive: raw.sensitive, kind: ids.kind(&name, raw)? });
            }
            let mut routes = Vec::new();
            for (operation, raw) in service.operations {
                let input = raw.input.map(|shape| ids.find(&shape)).transpose()?;
                if service.protocol == "rest-json" {
                    routes.push((operation.clone(), raw.method, raw.request_uri));
                }
                read.operations.insert(operation, Operation { input });
            }
            read.routes.insert(name, routes);
        }
        Ok(read)
    }
}

/// The shapes of one service: two services may use one name for two shapes.
struct Ids(BTreeMap<String, ShapeId>);

impl Ids {
    fn find(&self, name: &str) -> Result<ShapeId, ReadError> {
        self.0.get(name).copied().ok_or_else(|| ReadError::Dangling(name.to_owned()))
    }

    /// A part that a type must have.
    fn part(&self, owner: &str, part: Option<RawMember>) -> Result<ShapeId, ReadError> {
        self.find(&part.ok_or_else(|| ReadError::Type(owner.to_owned()))?.shape)
    }

    fn kind(&self, name: &str, raw: RawShape) -> Result<Kind, ReadError> {
        let bounds = Bounds { min: raw.min, max: raw.max };
        Ok(match raw.r#type.as_str() {
            "structure" if raw.document => Kind::Document,
            "structure" => Kind::Structure(self.structure(raw)?),
            "list" => Kind::List { of: self.part(name, raw.member)?, size: bounds },
            "map" => Kind::Map { key: self.part(name, raw.key)?, value: self.part(name, raw.value)?, size: bounds },
            "string" => Kind::Text { length: bounds, pattern: raw.pattern.map(Pattern::new), values: raw.r#enum },
            "blob" => Kind::Blob { length: bounds },
            "integer" => Kind::Integer { range: bounds, long: false },
            "long" => Kind::Integer { range: bounds, long: true },
            "float" | "double" => Kind::Float { range: bounds },
            "boolean" => Kind::Boolean,
            "timestamp" => Kind::Timestamp,
            _ => return Err(ReadError::Type(name.to_owned())),
        })
    }

    fn structure(&self, raw: RawShape) -> Result<Structure, ReadError> {
        let mut members = Vec::with_capacity(raw.members.len());
        for (name, member) in raw.members {
            let body = if raw.payload.as_deref() == Some(&name) { Place::Payload } else { Place::Body };
            members.push(Member {
                place: member.location.unwrap_or(body),
                required: raw.required.contains(&name),
                shape: self.find(&member.shape)?,
                wire: member.location_name.unwrap_or_else(|| name.clone()),
                name,
            });
        }
        Ok(Structure { members, union: raw.union })
    }
}

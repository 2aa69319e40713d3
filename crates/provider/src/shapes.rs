//! AWS's own field rules: which operation a path names, and what is wrong with an input.
//!
//! The rules are read from `data/shapes.json`, which `cargo xtask generate shapes` trims from botocore's service models.
//!
//! Promises: an input is neither cloned nor changed; a pattern is compiled once, when a value first meets it; no input
//! makes a check panic. Violations come in the order of the members' names.
//! Leaves out: what AWS checks beyond its service description (does the role exist, is the model offered, is a text
//! blank), and the choice of the error's code.

mod check;
mod description;
mod message;
mod pattern;
mod route;
mod scalar;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use description::{Description, Operation, Shape};
use route::Template;

pub use message::{Violation, validation_message};
pub use route::Route;

/// Made by `cargo xtask generate shapes`.
const SHIPPED: &str = include_str!("../data/shapes.json");

/// The operations of all described services.
pub struct Shapes {
    shapes: Vec<Shape>,
    operations: BTreeMap<String, Operation>,
    /// Service, then its paths. A service that names its operation in a header has none.
    routes: BTreeMap<String, Vec<Template>>,
}

/// What a request gives to an operation, under the names that it has on the wire.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// The labels of the path, percent-decoded, as [`Route::Found`] has them.
    pub uri: Vec<(String, String)>,
    /// The query, percent-decoded; a name may repeat.
    pub query: Vec<(String, String)>,
    /// The headers; case does not matter in their names.
    pub headers: Vec<(String, String)>,
    /// The body as JSON; `Null` for an empty body and where the body is the model's own.
    pub body: Value,
    /// Bytes of the body as it came; read only where the whole body is one member, as with InvokeModel.
    pub body_len: usize,
}

impl Shapes {
    /// The rules that ship, read at the first call.
    pub fn shipped() -> &'static Self {
        static SHAPES: OnceLock<Shapes> = OnceLock::new();
        SHAPES.get_or_init(|| {
            let description = Description::read(SHIPPED).expect("the tests of this module read the same text");
            Self {
                shapes: description.shapes,
                operations: description.operations,
                routes: description.routes.into_iter().map(|(name, all)| (name, route::templates(all))).collect(),
            }
        })
    }

    /// What is wrong with an input, at most [`Violation::COUNT_MAX`] findings. An operation that is not described has
    /// no rules.
    ///
    /// ```
    /// use laneshift_provider::shapes::{Params, Shapes, validation_message};
    ///
    /// let body = serde_json::json!({ "resourceARN": "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijk1" });
    /// let found = Shapes::shipped().check("TagResource", &Params { body, ..Params::default() });
    /// let message = "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null";
    /// assert_eq!(validation_message(&found).as_deref(), Some(message));
    /// ```
    pub fn check(&self, operation: &str, input: &Params) -> Vec<Violation> {
        match self.operations.get(operation).and_then(|operation| operation.input) {
            Some(shape) => check::input(&self.shapes, shape, input),
            None => Vec::new(),
        }
    }

    /// Which operation of a service, such as `bedrock-runtime`, a method and a raw path (not percent-decoded, without
    /// the query) name. Service Quotas has no paths: it names its operation in a header.
    pub fn match_route(&self, service: &str, method: &str, raw_path: &str) -> Route<'_> {
        self.routes.get(service).map_or(Route::Unknown, |templates| route::find(templates, method, raw_path))
    }

    /// The described operations, sorted.
    pub fn operations(&self) -> impl Iterator<Item = &str> {
        self.operations.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests;

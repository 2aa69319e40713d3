//! What records must share to be in one job: model, shape, owner, and where AWS reads and writes.

use laneshift_units::ProfiledModel;
use serde::{Deserialize, Serialize};

use laneshift_dialect::Shape;

use crate::decide::Terms;

/// A pool's description. Its text in the database is this as JSON, so the order of the members is part of a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PoolSpec {
    /// The model or profile, as AWS takes it.
    pub model: String,
    /// AWS's `modelInvocationType`.
    pub shape: String,
    /// The isolation domain: whose prompts may share a job, an object, a role.
    pub owner: String,
    /// The region of the jobs.
    pub region: String,
    /// The role that Bedrock assumes to read and write S3.
    pub role: String,
    /// The bucket of inputs and outputs.
    pub bucket: String,
    /// The prefix in it, without slashes at its ends.
    pub prefix: String,
    /// How the lanes may be used.
    #[serde(default, skip_serializing_if = "Terms::is_default")]
    pub terms: Terms,
}

impl PoolSpec {
    /// The model, taken apart.
    pub fn profiled(&self) -> ProfiledModel {
        ProfiledModel::parse_id(&self.model)
    }

    /// Whether its records are in the Converse shape.
    pub fn is_converse(&self) -> bool {
        self.shape == Shape::Converse.name()
    }

    /// An `s3://` URI below its place.
    pub(crate) fn uri(&self, rest: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.key(rest))
    }

    /// A key below its place.
    pub(crate) fn key(&self, rest: &str) -> String {
        format!("{}/{rest}", self.prefix).trim_start_matches('/').to_owned()
    }
}

//! The body of CreateModelInvocationJob, as it is kept and given back.

use serde::{Deserialize, Serialize};

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
}

/// What CreateModelInvocationJob is asked for. Field rules are checked before it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRequest {
    /// The name; not unique.
    pub job_name: String,
    /// The role that reads and writes S3.
    pub role_arn: String,
    /// The model or profile, as written.
    pub model_id: String,
    /// Makes the call idempotent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_token: Option<String>,
    /// The shape of `modelInput`.
    #[serde(default)]
    pub model_invocation_type: InvocationType,
    /// Where from.
    pub input_data_config: InputConfig,
    /// Where to.
    pub output_data_config: OutputConfig,
    /// Hours until the job expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_duration_in_hours: Option<u32>,
    /// A private network, kept and given back only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<serde_json::Value>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

/// The shape of a record's `modelInput`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvocationType {
    /// The model's own body.
    #[default]
    InvokeModel,
    /// The body of Converse, without the model.
    Converse,
}

impl InvocationType {
    /// AWS's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvokeModel => "InvokeModel",
            Self::Converse => "Converse",
        }
    }
}

/// A union with one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputConfig {
    /// The member.
    pub s3_input_data_config: S3Input,
}

/// A union with one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputConfig {
    /// The member.
    pub s3_output_data_config: S3Output,
}

/// Where records are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Input {
    /// A folder or one `.jsonl` object.
    pub s3_uri: String,
    /// `JSONL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_input_format: Option<String>,
    /// The bucket's account, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_bucket_owner: Option<String>,
}

/// Where answers are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Output {
    /// A folder.
    pub s3_uri: String,
    /// A KMS key, kept and given back only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_encryption_key_id: Option<String>,
    /// The bucket's account, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_bucket_owner: Option<String>,
}

/// Splits `s3://bucket/key`; the key may be empty.
pub fn split_uri(uri: &str) -> (&str, &str) {
    let rest = uri.strip_prefix("s3://").unwrap_or(uri);
    rest.split_once('/').unwrap_or((rest, ""))
}

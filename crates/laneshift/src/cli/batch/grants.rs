//! The IAM policies that a run needs, as narrow as they can be.
//!
//! Source: Amazon Bedrock User Guide, "Create a service role for batch inference" and "Required permissions for batch inference",
//! read 2026-11-23.

use serde_json::{Value, json};

/// What they are for.
pub(crate) struct Scope<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) role: &'a str,
    pub(crate) bucket: &'a str,
    pub(crate) prefix: &'a str,
}

/// Each policy with whose it is.
pub(crate) fn policies(scope: &Scope<'_>) -> Vec<(&'static str, Value)> {
    let Scope { account, region, role, bucket, prefix } = scope;
    let bucket_arn = format!("arn:aws:s3:::{bucket}");
    let objects = format!("{bucket_arn}/{prefix}/*").replace("//", "/");
    let statement = |actions: &[&str], resource: Value| json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    let document = |statements: Vec<Value>| json!({ "Version": "2012-10-17", "Statement": statements });
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "bedrock.amazonaws.com" },
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": { "aws:SourceAccount": account },
                "ArnEquals": { "aws:SourceArn": format!("arn:aws:bedrock:{region}:{account}:model-invocation-job/*") },
            },
        }],
    });
    let for_role = document(vec![
        statement(&["s3:GetObject", "s3:PutObject"], json!(objects)),
        statement(&["s3:ListBucket"], json!(bucket_arn)),
        statement(&["bedrock:InvokeModel"], json!("*")),
    ]);
    let for_caller = document(vec![
        statement(
            &[
                "bedrock:CreateModelInvocationJob",
                "bedrock:GetModelInvocationJob",
                "bedrock:ListModelInvocationJobs",
                "bedrock:StopModelInvocationJob",
                "bedrock:TagResource",
                "bedrock:GetFoundationModel",
                "bedrock:GetInferenceProfile",
                "bedrock:InvokeModel",
                "servicequotas:ListServiceQuotas",
            ],
            json!("*"),
        ),
        json!({
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": role,
            "Condition": { "StringEquals": { "iam:PassedToService": "bedrock.amazonaws.com" } },
        }),
        statement(&["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], json!(objects)),
        statement(&["s3:ListBucket", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration"], json!(bucket_arn)),
    ]);
    vec![("the role's trust policy", trust), ("the role's permissions", for_role), ("the caller's permissions", for_caller)]
}

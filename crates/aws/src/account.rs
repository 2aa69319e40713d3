//! What an account has and may do, asked without changing anything.
//!
//! Source: service models of sts, iam, s3 and bedrock in botocore, read 2026-11-23. STS, IAM and S3 answer in XML, of which one
//! or two elements are wanted.

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::client::{AwsError, Client, Credentials, Operation, service_error};
use crate::sigv4::sha256_hex;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: String,
    /// The user or the assumed role.
    pub arn: String,
}

/// What a bucket is set to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// It keeps what is overwritten or deleted.
    pub versioned: bool,
    /// The key that encrypts by default, where it is one of KMS.
    pub kms_key: Option<String>,
}

impl Client {
    /// STS GetCallerIdentity, which needs no permission.
    ///
    /// # Errors
    /// AWS's.
    pub async fn identity(&self) -> Result<Identity, AwsError> {
        let text = self.query("sts", "Action=GetCallerIdentity&Version=2011-06-15").await?;
        match (element(&text, "Account"), element(&text, "Arn")) {
            (Some(account), Some(arn)) => Ok(Identity { account, arn }),
            _ => Err(AwsError::Unusable("the answer names no identity".to_owned())),
        }
    }

    /// STS AssumeRole: keys of a role, for so many seconds.
    ///
    /// # Errors
    /// AWS's.
    pub async fn assume_role(&self, role: &str, session: &str, duration_s: u32) -> Result<Credentials, AwsError> {
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let (role, session) = (encoded(role), encoded(session));
        let form =
            format!("Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName={session}&DurationSeconds={duration_s}");
        let text = self.query("sts", &form).await?;
        match (element(&text, "AccessKeyId"), element(&text, "SecretAccessKey"), element(&text, "SessionToken")) {
            (Some(access_key), Some(secret_key), token @ Some(_)) => {
                Ok(Credentials { access_key, secret_key, session_token: token })
            }
            _ => Err(AwsError::Unusable("the answer has no keys".to_owned())),
        }
    }

    /// GetInferenceProfile: the ARNs of the models that a profile is of.
    ///
    /// # Errors
    /// AWS's.
    pub async fn models_of_profile(&self, arn: &str) -> Result<Vec<String>, AwsError> {
        let path = format!("/inference-profiles/{}", utf8_percent_encode(arn, NON_ALPHANUMERIC));
        let (method, body, headers) = (Method::GET, Bytes::new(), Vec::new());
        let operation = Operation { host: "bedrock", service: "bedrock", method, path, body, target: None, headers };
        let answer = self.call(&operation).await?;
        let models = answer["models"].as_array().into_iter().flatten();
        Ok(models.filter_map(|model| model["modelArn"].as_str().map(str::to_owned)).collect())
    }

    /// IAM GetRole: the policy of who may assume it, as JSON.
    ///
    /// # Errors
    /// AWS's.
    pub async fn role_trust(&self, name: &str) -> Result<String, AwsError> {
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let text = self.query("iam", &format!("Action=GetRole&RoleName={name}&Version=2010-05-08")).await?;
        let policy = element(&text, "AssumeRolePolicyDocument");
        let policy = policy.ok_or_else(|| AwsError::Unusable("the answer has no AssumeRolePolicyDocument".to_owned()))?;
        Ok(percent_decode_str(&policy).decode_utf8_lossy().into_owned())
    }

    /// GetFoundationModel or GetInferenceProfile: whether the model is there; gives how it may be called (`ON_DEMAND`,
    /// `INFERENCE_PROFILE`, ...), where AWS says.
    ///
    /// # Errors
    /// AWS's.
    pub async fn model(&self, id: &str, is_profile: bool) -> Result<Vec<String>, AwsError> {
        let what = if is_profile { "inference-profiles" } else { "foundation-models" };
        let path = format!("/{what}/{}", utf8_percent_encode(id, NON_ALPHANUMERIC));
        let (method, body, headers) = (Method::GET, Bytes::new(), Vec::new());
        let operation = Operation { host: "bedrock", service: "bedrock", method, path, body, target: None, headers };
        let answer = self.call(&operation).await?;
        let types = answer["modelDetails"]["inferenceTypesSupported"].as_array().into_iter().flatten();
        Ok(types.filter_map(|name| name.as_str().map(str::to_owned)).collect())
    }

    /// GetBucketVersioning and GetBucketEncryption.
    ///
    /// # Errors
    /// AWS's.
    pub async fn bucket(&self, bucket: &str) -> Result<Bucket, AwsError> {
        let versioning = self.bucket_part(bucket, "versioning").await?;
        let encryption = match self.bucket_part(bucket, "encryption").await {
            Err(error) if error.is("ServerSideEncryptionConfigurationNotFoundError") => String::new(),
            other => other?,
        };
        Ok(Bucket {
            versioned: element(&versioning, "Status").is_some_and(|status| status == "Enabled"),
            kms_key: element(&encryption, "KMSMasterKeyID"),
        })
    }

    async fn bucket_part(&self, bucket: &str, part: &str) -> Result<String, AwsError> {
        let headers = vec![("x-amz-content-sha256", sha256_hex(b""))];
        let (method, body, path) = (Method::GET, Bytes::new(), format!("/{bucket}?{part}="));
        self.text(&Operation { host: "s3", service: "s3", method, path, body, target: None, headers }).await
    }

    /// A call of the query protocol.
    async fn query(&self, service: &'static str, form: &str) -> Result<String, AwsError> {
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        let (method, path, body) = (Method::POST, "/".to_owned(), Bytes::copy_from_slice(form.as_bytes()));
        self.text(&Operation { host: service, service, method, path, body, target: None, headers }).await
    }

    async fn text(&self, operation: &Operation<'_>) -> Result<String, AwsError> {
        let response = self.send(operation).await?;
        let text = String::from_utf8_lossy(response.body()).into_owned();
        if response.status().is_success() {
            return Ok(text);
        }
        match element(&text, "Code") {
            Some(code) => {
                let message = element(&text, "Message").unwrap_or_default();
                Err(AwsError::Service { code, message, status: response.status().as_u16() })
            }
            None => {
                let header = response.headers().get("x-amzn-errortype").and_then(|v| v.to_str().ok());
                let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
                Err(service_error(response.status(), header, &body))
            }
        }
    }
}

/// The text of the first element of a name, which has no attributes and no elements in it.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_found_by_its_whole_name() {
        let xml = "<A><Arn2>no</Arn2><Arn> arn:aws:iam::1:user/x </Arn></A>";
        assert_eq!(element(xml, "Arn").as_deref(), Some("arn:aws:iam::1:user/x"));
        assert_eq!(element(xml, "Account"), None);
    }
}

//! The calls of Bedrock's runtime: one request, one answer.
//!
//! Source: service model of bedrock-runtime in botocore, read 2026-11-23.

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::client::{AwsError, Client, Operation, service_error};

/// A call.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// Model, profile or ARN.
    pub model: &'a str,
    /// `modelInput`: the model's own body, or Converse's.
    pub body: &'a str,
    /// Which of them.
    pub converse: bool,
    /// The service tier, where it is not the default.
    pub tier: Option<&'a str>,
    /// `requestMetadata`, which invocation logs carry.
    pub metadata: &'a [(&'a str, String)],
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoked {
    /// `modelOutput`: the body.
    pub body: String,
    /// The tier that served it, where AWS says.
    pub tier: Option<String>,
    /// Tokens in and out as InvokeModel's headers count them, for bodies that do not say.
    pub tokens: Option<(u64, u64)>,
}

impl Client {
    /// InvokeModel or Converse, once: neither has a token, so an answer that did not come may have been paid for.
    ///
    /// # Errors
    /// [`AwsError::Service`] is no cost; [`AwsError::Unknown`] may be one when something was sent.
    pub async fn invoke(&self, call: Invocation<'_>) -> Result<Invoked, AwsError> {
        let action = if call.converse { "converse" } else { "invoke" };
        let path = format!("/model/{}/{action}", utf8_percent_encode(call.model, NON_ALPHANUMERIC));
        let metadata: Value =
            call.metadata.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.clone()))).collect();
        let (mut headers, mut body) = (Vec::new(), Bytes::copy_from_slice(call.body.as_bytes()));
        if call.converse {
            body = with_members(call.body, call.tier, metadata)?;
        } else {
            headers.push(("x-amzn-bedrock-request-metadata", metadata.to_string()));
            headers.extend(call.tier.map(|tier| ("x-amzn-bedrock-service-tier", tier.to_owned())));
        }
        let (host, service) = ("bedrock-runtime", "bedrock");
        let operation = Operation { host, service, method: Method::POST, path, body, target: None, headers };
        let response = self.send(&operation).await?;
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        if !response.status().is_success() {
            let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
            return Err(service_error(response.status(), header("x-amzn-errortype").as_deref(), &body));
        }
        let body = String::from_utf8(response.body().to_vec());
        let body = body.map_err(|_| AwsError::Unusable("an answer is no valid UTF-8".to_owned()))?;
        let served: Option<Value> = call.converse.then(|| serde_json::from_str(&body).ok()).flatten();
        let served = served.and_then(|b| b["serviceTier"]["type"].as_str().map(str::to_owned));
        let count = |name: &str| header(name).and_then(|text| text.parse().ok());
        let tokens = count("x-amzn-bedrock-input-token-count").zip(count("x-amzn-bedrock-output-token-count"));
        Ok(Invoked { tokens, tier: served.or_else(|| header("x-amzn-bedrock-service-tier")), body })
    }
}

/// Converse takes tier and metadata in its body.
fn with_members(body: &str, tier: Option<&str>, metadata: Value) -> Result<Bytes, AwsError> {
    let mut body: Value = serde_json::from_str(body).map_err(|e| AwsError::Unusable(format!("a body is no JSON: {e}")))?;
    if let Some(tier) = tier {
        body["serviceTier"] = serde_json::json!({ "type": tier });
    }
    body["requestMetadata"] = metadata;
    Ok(Bytes::from(body.to_string()))
}

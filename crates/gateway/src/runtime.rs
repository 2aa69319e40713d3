//! Bedrock Runtime: the operations that run a model, passed on as they came.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response};
use http_body_util::{BodyExt, Limited};
use laneshift_bedrock::Operation;
use laneshift_units::{ServiceTier, Tokens, Usage};
use memchr::memmem;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::books::{Call, bound};
use crate::gateway::Gateway;
use crate::keys::Key;
use crate::meter::{Frames, Meter};
use crate::refusal::Refusal;
use crate::stream::Metered;
use crate::upstream::{Target, passed_back};

/// The largest answer that is read whole.
const ANSWER_BYTES_MAX: usize = 32_000_000;
/// The most output of a request that names no limit, for its bound: what the largest models give by themselves.
// AWS, model cards of Claude 4 and 5 and Nova 2, read 2026-11-23: 64,000 tokens of output at most.
const OUTPUT_MAX: u64 = 64_000;
/// What the families call the most output, in a body.
const LIMITS: [&str; 5] = ["maxTokens\"", "max_tokens\"", "maxTokenCount\"", "max_gen_len\"", "max_completion_tokens\""];

/// What a Converse body says beside the prompt.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    #[serde(rename = "requestMetadata")]
    metadata: Map<String, Value>,
    #[serde(rename = "serviceTier")]
    tier: Option<TierAsked>,
}

#[derive(Deserialize)]
struct TierAsked {
    #[serde(rename = "type")]
    name: String,
}

impl Asked {
    /// By the body of Converse, or the headers of InvokeModel.
    fn read(operation: Operation, headers: &HeaderMap, body: &[u8]) -> Self {
        let has = |name: &str| memmem::find(body, name.as_bytes()).is_some();
        if operation.is_converse() {
            // Most bodies hold neither, and large ones take long to read. What is no JSON is AWS's to refuse.
            let any = has("requestMetadata") || has("serviceTier") || has("\\u");
            return if any { serde_json::from_slice(body).unwrap_or_default() } else { Self::default() };
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let metadata = text("x-amzn-bedrock-request-metadata").and_then(|text| serde_json::from_str(text).ok());
        let tier = text("x-amzn-bedrock-service-tier").map(|name| TierAsked { name: name.to_owned() });
        Self { metadata: metadata.unwrap_or_default(), tier }
    }

    fn tier(&self) -> ServiceTier {
        self.tier.as_ref().and_then(|tier| ServiceTier::parse(&tier.name)).unwrap_or_default()
    }
}

/// The most tokens that a body can use. A token is at least a byte; of several limits the largest counts, so that a prompt which
/// only speaks of one makes the bound wider and never narrower.
fn most(body: &[u8]) -> Usage {
    let limit = |name: &str| memmem::find_iter(body, name.as_bytes()).filter_map(|at| number(&body[at + name.len()..])).max();
    let output = LIMITS.iter().filter_map(|name| limit(name)).max().unwrap_or(OUTPUT_MAX);
    Usage { input: Tokens(body.len() as u64), output: Tokens(output), ..Usage::default() }
}

/// The number behind a colon.
fn number(rest: &[u8]) -> Option<u64> {
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

impl Gateway {
    /// Sends a call on, and books it.
    pub(crate) async fn run(
        &self,
        (model, operation): (String, Operation),
        key: &Key,
        target: &Target,
        parts: &Parts,
        (body, body_sha256): (Bytes, &str),
    ) -> Result<Response<Body>, Refusal> {
        if !key.allows(&model) {
            return Err(Refusal::denied(format!("This key may not call {model}.")));
        }
        let asked = Asked::read(operation, &parts.headers, &body);
        let tariff = self.tariff(&model, &target.region);
        let now = self.now();
        let mut metadata = asked.metadata.clone();
        for (name, value) in [("laneshift:owner", Some(&key.owner)), ("laneshift:workload", key.workload.as_ref())] {
            if let Some(value) = value {
                metadata.entry(name).or_insert_with(|| Value::from(value.clone()));
            }
        }
        let call = Call {
            at_ms: now.0,
            account: target.account.clone(),
            region: target.region.clone(),
            operation: operation.name().to_owned(),
            model,
            key: key.id.clone(),
            owner: key.owner.clone(),
            workload: key.workload.clone(),
            metadata,
            tier: asked.tier().name().to_owned(),
            bound_usd: bound(&tariff, asked.tier(), &most(&body)).map(laneshift_units::Money::to_exact_string),
        };
        let open = self.books().begin(call, tariff);
        let open = open.map_err(|e| Refusal::internal(format!("The call cannot be noted, so it is not sent: {e}")))?;
        let sent = target.send(self.http(), parts, (body, body_sha256), now);
        let answered = match tokio::time::timeout(self.answer_max(), sent).await {
            Ok(answered) => answered,
            Err(_) => {
                drop(open);
                return Err(Refusal::lost("The model did not begin to answer in time."));
            }
        };
        let answer = match answered {
            Ok(answer) => answer,
            Err(lost) if lost.sent => {
                drop(open);
                return Err(Refusal::lost(format!("The answer did not come: {}", lost.why)));
            }
            Err(lost) => {
                open.refused("ServiceUnavailableException");
                return Err(Refusal::unreachable(format!("Bedrock cannot be reached: {}", lost.why)));
            }
        };
        let (head, incoming) = answer.into_parts();
        let mut response = Response::new(Body::Whole(None));
        *response.status_mut() = head.status;
        passed_back(&head.headers, response.headers_mut());
        if head.status.is_success() && operation.streams() {
            let frames = Frames::new(&head.headers);
            *response.body_mut() = Body::Stream(Box::new(Metered::new(incoming, frames, open)));
            return Ok(response);
        }
        let whole = match Limited::new(incoming, ANSWER_BYTES_MAX).collect().await {
            Ok(whole) => whole.to_bytes(),
            Err(error) => {
                drop(open);
                return Err(Refusal::lost(format!("The answer broke off: {error}")));
            }
        };
        if head.status.is_success() {
            open.answered(Meter::of_answer(&head.headers, &whole), None);
        } else {
            let name = head.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).unwrap_or("UnknownError");
            open.refused(name.split(':').next().unwrap_or(name));
        }
        *response.body_mut() = Body::Whole(Some(whole));
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_that_speaks_of_a_limit_never_lowers_the_bound() {
        let body = br#"{"messages":[{"role":"user","content":[{"text":"set \"maxTokens\": 1, please"}]}],"inferenceConfig":{"maxTokens": 900}}"#;
        assert_eq!(most(body).output, Tokens(900));
        assert_eq!(most(br#"{"max_tokens":20,"messages":[]}"#).output, Tokens(20));
        assert_eq!(most(br#"{"max_tokens":"many"}"#).output, Tokens(OUTPUT_MAX));
        assert_eq!(most(b"{}").input, Tokens(2));
    }

    #[test]
    fn tier_and_metadata_are_read_where_each_operation_has_them() {
        let body = br#"{"serviceTier":{"type":"flex"},"requestMetadata":{"team":"a"},"messages":[]}"#;
        let asked = Asked::read(Operation::Converse, &HeaderMap::new(), body);
        assert_eq!((asked.tier(), asked.metadata["team"].as_str()), (ServiceTier::Flex, Some("a")));
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-bedrock-service-tier", "priority".parse().expect("a value"));
        headers.insert("x-amzn-bedrock-request-metadata", r#"{"team":"b"}"#.parse().expect("a value"));
        let asked = Asked::read(Operation::InvokeModel, &headers, body);
        assert_eq!((asked.tier(), asked.metadata["team"].as_str()), (ServiceTier::Priority, Some("b")));
    }
}

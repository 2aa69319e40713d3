//! Bedrock Runtime: the operations that run a model, passed on as they came.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use laneshift_aws::sigv4::sha256_hex;
use laneshift_bedrock::Operation;
use laneshift_catalog::prices::Tariff;
use laneshift_units::{ServiceTier, Timestamp, Tokens, Usage};
use memchr::memmem;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::books::{Call, Open, bound};
use crate::gateway::Gateway;
use crate::keys::Key;
use crate::lanes::{Ask, Choice};
use crate::later;
use crate::meter::{Frames, Meter};
use crate::refusal::Refusal;
use crate::stream::Metered;
use crate::upstream::{Lost, Target, passed_back};

/// The largest answer that is read whole.
const ANSWER_BYTES_MAX: usize = 32_000_000;
/// The most output of a request that names no limit, for its bound: what the largest models give by themselves.
// AWS, model cards of Claude 4 and 5 and Nova 2, read 2026-11-23: 64,000 tokens of output at most.
const OUTPUT_MAX: u64 = 64_000;
/// What the families call the most output, in a body.
const LIMITS: [&str; 5] = ["maxTokens\"", "max_tokens\"", "maxTokenCount\"", "max_gen_len\"", "max_completion_tokens\""];

/// With `true` the answer says how its lane was chosen.
const EXPLAIN_HEADER: &str = "laneshift-explain";
const DECISION_HEADER: &str = "laneshift-decision";

/// What a Converse body says beside the prompt.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    #[serde(rename = "requestMetadata")]
    pub(crate) metadata: Map<String, Value>,
    #[serde(rename = "serviceTier")]
    pub(crate) tier: Option<TierAsked>,
}

#[derive(Deserialize)]
pub(crate) struct TierAsked {
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

/// A call that came, with what every try at it needs.
struct Came<'a> {
    model: String,
    operation: Operation,
    key: &'a Key,
    target: &'a Target,
    parts: &'a Parts,
    body: Bytes,
    body_sha256: &'a str,
    asked: Asked,
    tariff: Arc<Tariff>,
    now: Timestamp,
}

/// What one try brought.
struct Tried {
    response: Response<Body>,
    /// It was refused for a reason of the moment, and cost nothing.
    again: bool,
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
        let now = self.now();
        let (choice, tariff) = self.choose(&asked, (&model, operation), key, target, (&parts.headers, body.len()))?;
        if later::is_wanted(&parts.headers) {
            return self.accept_later((&model, operation), key, &parts.headers, &body, choice.due).await;
        }
        let came = Came { model, operation, key, target, parts, body, body_sha256, asked, tariff, now };
        let chosen = if came.asked.tier.is_none() { choice.tier } else { ServiceTier::Default };
        let mut tried = self.once(&came, chosen).await?;
        if tried.again && chosen == ServiceTier::Flex {
            // What flex has no room for goes where it would have gone without this gateway.
            tried = self.once(&came, ServiceTier::Default).await?;
        }
        let mut response = tried.response;
        if parts.headers.get(EXPLAIN_HEADER).is_some_and(|value| value == "true")
            && let Ok(value) = HeaderValue::from_str(&choice.value().to_string())
        {
            response.headers_mut().insert(DECISION_HEADER, value);
        }
        Ok(response)
    }

    /// Which lane takes a call, and its prices.
    pub(crate) fn choose(
        &self,
        asked: &Asked,
        (model, operation): (&str, Operation),
        key: &Key,
        target: &Target,
        (headers, body_bytes): (&HeaderMap, usize),
    ) -> Result<(Choice, Arc<Tariff>), Refusal> {
        let tariff = self.tariff(model, &target.region);
        let ask = Ask {
            model,
            region: &target.region,
            account: &target.account,
            operation,
            key,
            metadata: &asked.metadata,
            headers,
            body_bytes,
            tier: asked.tier.as_ref().map(|tier| ServiceTier::parse(&tier.name).unwrap_or_default()),
        };
        Ok((self.rules().choose(&ask, &tariff, self.now())?, tariff))
    }

    /// One try, in a tier that the client did not name itself; the standard one changes nothing of the call.
    async fn once(&self, came: &Came<'_>, tier: ServiceTier) -> Result<Tried, Refusal> {
        let Came { target, operation, parts, .. } = came;
        let open = self.note(came, tier)?;
        let in_tier = if tier == ServiceTier::Default { None } else { in_tier(came, tier) };
        let sent = match &in_tier {
            None => self.in_time(target.send(self.http(), parts, (came.body.clone(), came.body_sha256), came.now)).await,
            Some((parts, body)) => {
                let hash = sha256_hex(body);
                self.in_time(target.send(self.http(), parts, (body.clone(), &hash), came.now)).await
            }
        };
        let answer = match sent {
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
            return Ok(Tried { response, again: false });
        }
        let whole = match Limited::new(incoming, ANSWER_BYTES_MAX).collect().await {
            Ok(whole) => whole.to_bytes(),
            Err(error) => {
                drop(open);
                return Err(Refusal::lost(format!("The answer broke off: {error}")));
            }
        };
        // A validation error may be about the tier; it costs nothing to ask.
        let again =
            matches!(head.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_REQUEST);
        if head.status.is_success() {
            open.answered(Meter::of_answer(&head.headers, &whole), None);
        } else {
            let name = head.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).unwrap_or("UnknownError");
            open.refused(name.split(':').next().unwrap_or(name));
        }
        *response.body_mut() = Body::Whole(Some(whole));
        Ok(Tried { response, again })
    }

    /// What does not begin to answer in time is lost.
    async fn in_time<T>(&self, sent: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
        let why = "the model did not begin to answer in time".to_owned();
        tokio::time::timeout(self.answer_max(), sent).await.unwrap_or(Err(Lost { why, sent: true }))
    }

    /// Notes a try: only then may it be sent.
    fn note(&self, came: &Came<'_>, tier: ServiceTier) -> Result<Open, Refusal> {
        let Came { key, target, asked, .. } = came;
        let tier = if asked.tier.is_some() { asked.tier() } else { tier };
        let workload = self.rules().workload(&asked.metadata, key).map(str::to_owned);
        let mut metadata = asked.metadata.clone();
        for (name, value) in [("laneshift:owner", Some(&key.owner)), ("laneshift:workload", workload.as_ref())] {
            if let Some(value) = value {
                metadata.entry(name).or_insert_with(|| Value::from(value.clone()));
            }
        }
        let call = Call {
            at_ms: came.now.0,
            account: target.account.clone(),
            region: target.region.clone(),
            operation: came.operation.name().to_owned(),
            model: came.model.clone(),
            key: key.id.clone(),
            owner: key.owner.clone(),
            workload,
            metadata,
            tier: tier.name().to_owned(),
            bound_usd: bound(&came.tariff, tier, &most(&came.body)).map(laneshift_units::Money::to_exact_string),
        };
        let open = self.books().begin(call, came.tariff.clone());
        open.map_err(|e| Refusal::internal(format!("The call cannot be noted, so it is not sent: {e}")))
    }
}

/// The same call in a tier: in a header of InvokeModel, in the body of Converse. `None` where the body is no object, which AWS will
/// say.
fn in_tier(came: &Came<'_>, tier: ServiceTier) -> Option<(Parts, Bytes)> {
    let mut parts = came.parts.clone();
    if !came.operation.is_converse() {
        parts.headers.insert("x-amzn-bedrock-service-tier", HeaderValue::from_static(tier.name()));
        return Some((parts, came.body.clone()));
    }
    let begin = came.body.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let rest = came.body[begin..].strip_prefix(b"{")?;
    let member = format!("{{\"serviceTier\":{{\"type\":\"{}\"}}", tier.name());
    let comma: &[u8] = if rest.trim_ascii_start().starts_with(b"}") { b"" } else { b"," };
    Some((parts, Bytes::from([member.as_bytes(), comma, rest].concat())))
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

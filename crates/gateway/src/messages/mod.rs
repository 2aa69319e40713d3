//! Claude at `bedrock-mantle`: calls of InvokeModel and Converse as Anthropic's Messages API takes them, and its answers as Bedrock
//! gives them.
//!
//! Claude's own body stays as it was written, but for what says which model, which version, and whether the answer is a stream.

mod events;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use laneshift_bedrock::Operation;
use laneshift_catalog::prices::Tariff;
use laneshift_dialect::{claude_of_converse, converse_of_claude};
use laneshift_units::{ServiceTier, Usage};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

pub(crate) use self::events::{Framed, headers as stream_headers};
use crate::outline::Outline;
use crate::refusal::Refusal;
use crate::runtime::most;

/// Where messages are, below the address of Anthropic's API.
pub(crate) const PATH: &str = "/messages";
/// What the books call it.
pub(crate) const OPERATION: &str = "Messages";
/// The version that Bedrock's own stands for.
// AWS, Bedrock User Guide, "Inference using Anthropic Messages API", read 2026-11-30.
const VERSIONS: (&str, &str) = ("bedrock-2023-05-31", "2023-06-01");
/// What InvokeModel says in its path, and what would change the price or the place. Bedrock's runtime takes none of them.
// Anthropic, API reference, "Create a Message", read 2026-11-30.
const REFUSED: [&str; 5] = ["model", "stream", "service_tier", "speed", "inference_geo"];
/// Members for what is not in the body: files and pages behind addresses, searches, other servers.
const REFERENCES: [&[u8]; 5] = [b"url", b"file_id", b"max_uses", b"mcp_servers", b"container"];
/// By this header a call names a guardrail, and none stands before this endpoint.
const GUARDRAIL: &str = "x-amzn-bedrock-guardrailidentifier";

/// A call as the endpoint takes it.
pub(crate) struct Messages {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    outline: Outline,
}

impl Messages {
    /// Of a call of Bedrock's runtime, for a model.
    pub(crate) fn of(operation: Operation, parts: &Parts, body: &[u8], model: &str) -> Result<Self, Refusal> {
        if parts.headers.contains_key(GUARDRAIL) {
            return Err(Refusal::validation(format!("{GUARDRAIL}: no guardrail stands before {model} on bedrock-mantle.")));
        }
        let native = if operation.is_converse() {
            Cow::Owned(claude_of_converse(body).map_err(Refusal::validation)?.to_string().into_bytes())
        } else {
            Cow::Borrowed(body)
        };
        let mut members: BTreeMap<Cow<'_, str>, &RawValue> =
            serde_json::from_slice(&native).map_err(|_| Refusal::validation("The body is no JSON object."))?;
        if let Some(name) = REFUSED.into_iter().find(|name| members.contains_key(*name)) {
            return Err(Refusal::validation(format!("body.{name} cannot be carried over to bedrock-mantle; leave it out.")));
        }
        let version: Option<String> = read("anthropic_version", members.remove("anthropic_version"))?;
        let version = version.filter(|version| version != VERSIONS.0).unwrap_or_else(|| VERSIONS.1.to_owned());
        let betas: Option<Vec<String>> = read("anthropic_beta", members.remove("anthropic_beta"))?;
        let betas = betas.filter(|betas| !betas.is_empty()).map(|betas| betas.join(","));
        let mut headers = HeaderMap::new();
        for (name, value) in [("anthropic-version", Some(version)), ("anthropic-beta", betas)] {
            let Some(value) = value else { continue };
            let wrong = |_| Refusal::validation(format!("body.{}: no header holds this.", name.replace('-', "_")));
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).map_err(wrong)?);
        }
        let (model, stream) = (raw(model.into())?, raw(operation.streams().into())?);
        members.insert("model".into(), &model);
        members.insert("stream".into(), &stream);
        let body = Bytes::from(serde_json::to_vec(&members).map_err(Refusal::failed)?);
        let outline = Outline::seeking(&body, |name| REFERENCES.contains(&name));
        Ok(Self { headers, body, outline })
    }

    /// The most that it can use.
    pub(crate) fn most(&self, tariff: &Tariff) -> Usage {
        most("", &self.body, &self.outline, (tariff, ServiceTier::Default))
    }
}

fn raw(value: Value) -> Result<Box<RawValue>, Refusal> {
    to_raw_value(&value).map_err(Refusal::failed)
}

fn read<T: serde::de::DeserializeOwned>(name: &str, value: Option<&RawValue>) -> Result<Option<T>, Refusal> {
    let read = value.map(|value| serde_json::from_str(value.get())).transpose();
    read.map_err(|_| Refusal::validation(format!("body.{name} cannot be read.")))
}

/// The body of an answer as the operation gives it; `None` when it has no shape that is known.
pub(crate) fn answer(operation: Operation, whole: Bytes, usage: Option<Usage>, latency_ms: u64) -> Option<Bytes> {
    if !operation.is_converse() {
        return Some(whole);
    }
    converse_of_claude(&whole, &usage.unwrap_or_default(), latency_ms).map(|converse| converse.to_string().into())
}

/// What InvokeModel says in headers beside the body.
pub(crate) fn counts(usage: &Usage, latency_ms: u64, to: &mut HeaderMap) {
    for (name, count) in [
        ("x-amzn-bedrock-invocation-latency", latency_ms),
        ("x-amzn-bedrock-input-token-count", usage.input.0),
        ("x-amzn-bedrock-output-token-count", usage.output.0),
        ("x-amzn-bedrock-cache-read-input-token-count", usage.cache_read.0),
        ("x-amzn-bedrock-cache-write-input-token-count", usage.cache_write_5m.0 + usage.cache_write_1h.0),
    ] {
        to.insert(name, count.into());
    }
}

/// An error of Anthropic's API.
// Anthropic, API reference, "Errors", read 2026-11-30.
#[derive(Deserialize)]
struct Failed {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
}

/// The endpoint's refusal under AWS's name for it.
pub(crate) fn refusal(status: StatusCode, whole: &[u8]) -> Refusal {
    let said = serde_json::from_slice(whole)
        .map_or_else(|_| "bedrock-mantle refused the call.".to_owned(), |Failed { error }| error.message);
    Refusal::of_status(status, said)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use laneshift_units::TokenClass;

    use super::*;
    use crate::runtime::INPUT_MAX;

    fn of(operation: Operation, body: &Value) -> Result<Messages, Refusal> {
        let parts = http::Request::new(()).into_parts().0;
        Messages::of(operation, &parts, body.to_string().as_bytes(), "anthropic.claude-x")
    }

    #[test]
    fn claudes_body_stays_as_it_was_but_for_what_the_endpoint_has_elsewhere() {
        let body =
            r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":1e1,"anthropic_beta":["a","b"],"messages":[ 1.50 ]}"#;
        let parts = http::Request::new(()).into_parts().0;
        let sent = Messages::of(Operation::InvokeModelWithResponseStream, &parts, body.as_bytes(), "m").expect("taken");
        assert_eq!(&sent.body[..], br#"{"max_tokens":1e1,"messages":[ 1.50 ],"model":"m","stream":true}"#);
        assert_eq!([&sent.headers["anthropic-version"], &sent.headers["anthropic-beta"]], ["2023-06-01", "a,b"]);
        let later = of(Operation::InvokeModel, &json!({ "anthropic_version": "2026-10-21" })).expect("taken");
        assert_eq!(&later.headers["anthropic-version"], "2026-10-21");
    }

    #[test]
    fn what_would_change_model_price_or_safety_is_refused() {
        for name in REFUSED {
            assert!(of(Operation::InvokeModel, &json!({ name: "x" })).is_err_and(|refusal| refusal.to_string().contains(name)));
            let more = json!({ "messages": [], "additionalModelRequestFields": { name: "x" } });
            assert!(of(Operation::Converse, &more).is_err_and(|refusal| refusal.to_string().contains(name)));
        }
        assert!(of(Operation::InvokeModel, &json!({ "anthropic_beta": "x" })).is_err());
        let mut parts = http::Request::new(()).into_parts().0;
        parts.headers.insert(GUARDRAIL, HeaderValue::from_static("g"));
        assert!(Messages::of(Operation::InvokeModel, &parts, b"{}", "m").is_err());
    }

    #[test]
    fn bounds_count_what_is_not_in_the_body() {
        let mut rates = laneshift_core::price::Rates::default();
        for (class, pico) in [(TokenClass::Input, 4), (TokenClass::CacheWrite5m, 5), (TokenClass::CacheWrite1h, 8)] {
            rates.set(class, laneshift_units::Rate::from_pico_per_token(pico));
        }
        let tariff = Tariff::flat(rates);
        let most = |body: Value| of(Operation::InvokeModel, &body).expect("taken").most(&tariff);
        let cached = most(json!({ "messages": [{ "cache_control": {} }] }));
        assert_eq!((cached.input.0, cached.cache_write_1h.0 > 0), (0, true));
        let known = most(json!({ "max_tokens": 10, "messages": "the \"url\": of a file_id" }));
        assert_eq!((known.output.0, known.input.0 < 200), (10, true));
        for name in ["url", "file_id", "max_uses"] {
            assert!(
                most(json!({ "max_tokens": 10, "messages": [{ "content": [{ "source": { name: "x" } }] }] })).input.0 > INPUT_MAX
            );
        }
    }

    #[test]
    fn errors_have_awss_names() {
        let named = |status: u16| {
            refusal(StatusCode::from_u16(status).expect("a status"), b"{\"error\":{\"type\":\"t\",\"message\":\"m\"}}")
                .to_string()
        };
        for (status, name) in [
            (400, "Validation"),
            (404, "ResourceNotFound"),
            (429, "Throttling"),
            (500, "InternalServer"),
            (529, "ServiceUnavailable"),
        ] {
            assert_eq!(named(status), format!("{name}Exception: m"));
        }
    }
}

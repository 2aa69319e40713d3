//! Bodies of OpenAI's API that a server beside Bedrock takes, nearly as they came.
//!
//! The model's name is the server's, a stream is asked for its count, and what is said to this gateway is taken out; everything else
//! stays as it was written.

mod bound;

use std::collections::BTreeMap;

use bytes::Bytes;
use laneshift_units::ServiceTier;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub(crate) use self::bound::outline;
use crate::refusal::Refusal;
use crate::server::Served;

/// Members by which routers and proxies let a client name another model, or another place to call.
// OpenRouter has the first and third, LiteLLM the others.
const ELSEWHERE: [&str; 7] = ["models", "fallbacks", "route", "api_base", "base_url", "api_key", "user_config"];
/// How this gateway's own names in `metadata` begin.
const OWN: &str = "laneshift:";

type Members = BTreeMap<String, Box<RawValue>>;

/// A body as a server takes it.
pub(crate) struct Passed {
    pub(crate) path: &'static str,
    /// The model, as the client named it.
    pub(crate) name: String,
    /// `service_tier`, as it was written.
    pub(crate) tier: Option<String>,
    /// Of `metadata`, all.
    pub(crate) metadata: Map<String, Value>,
    /// Whether the answer is a stream, and whether the client wants its count.
    pub(crate) stream: bool,
    pub(crate) shows_usage: bool,
    /// Answers that are asked for.
    pub(crate) n: u64,
    members: Members,
}

fn read<T: serde::de::DeserializeOwned>(members: &Members, name: &str) -> Option<T> {
    serde_json::from_str(members.get(name)?.get()).ok()
}

fn raw(value: &Value) -> Result<Box<RawValue>, Refusal> {
    serde_json::value::to_raw_value(value).map_err(Refusal::failed)
}

/// How many answers are asked for. What a server may take for a number, and this gateway does not, could cost more than its bound.
fn answers(members: &Members) -> Result<u64, Refusal> {
    match members.get("n").map(|n| serde_json::from_str::<Option<u64>>(n.get())) {
        None | Some(Ok(None)) => Ok(1),
        Some(Ok(Some(n))) => Ok(n),
        Some(Err(_)) => Err(Refusal::validation("body.n: write how many answers are wanted as a whole number, such as 3.")),
    }
}

impl Passed {
    /// Reads a body for a path; `None` where it names no model, or none that `serves` says is there.
    pub(crate) fn read(body: &[u8], path: &'static str, serves: impl Fn(&str) -> bool) -> Result<Option<Self>, Refusal> {
        let Ok(mut members) = serde_json::from_slice::<Members>(body) else { return Ok(None) };
        let Some(name) = read::<String>(&members, "model").filter(|name| serves(name)) else { return Ok(None) };
        let tier: Option<String> = read(&members, "service_tier");
        let mut metadata: Map<String, Value> = read(&members, "metadata").unwrap_or_default();
        let stream = read(&members, "stream").unwrap_or(false);
        let mut shows_usage = false;
        if stream {
            let mut options: Map<String, Value> = read(&members, "stream_options").unwrap_or_default();
            shows_usage = options.insert("include_usage".to_owned(), true.into()) == Some(Value::Bool(true));
            members.insert("stream_options".to_owned(), raw(&options.into())?);
        }
        if metadata.keys().any(|name| name.starts_with(OWN)) {
            let theirs: Map<String, Value> = metadata.clone().into_iter().filter(|(name, _)| !name.starts_with(OWN)).collect();
            members.remove("metadata");
            if !theirs.is_empty() {
                members.insert("metadata".to_owned(), raw(&theirs.into())?);
            }
        }
        // Bedrock's limits of metadata are not the server's; what is no text says nothing here.
        metadata.retain(|_, value| value.is_string());
        if tier.as_deref() == Some("auto") {
            members.remove("service_tier");
        }
        let n = answers(&members)?;
        Ok(Some(Self { path, name, tier, metadata, stream, shows_usage, n, members }))
    }

    /// Whether the gateway chooses the tier.
    pub(crate) fn chooses(&self) -> bool {
        matches!(self.tier.as_deref(), None | Some("auto"))
    }

    /// The body for a model of a server, in a tier where that is not the standard one.
    pub(crate) fn body(&self, served: &Served, tier: ServiceTier) -> Result<Bytes, Refusal> {
        if let Some(name) = ELSEWHERE.into_iter().find(|name| self.members.contains_key(*name)) {
            return Err(Refusal::validation(format!("body.{name}: a call goes to the model that it names, and nowhere else.")));
        }
        let model = raw(&Value::from(served.model.clone()))?;
        let tier = if tier == ServiceTier::Default { None } else { Some(raw(&tier.name().into())?) };
        let mut members: BTreeMap<&str, &RawValue> = self.members.iter().map(|(name, value)| (&**name, &**value)).collect();
        members.insert("model", &model);
        if let Some(tier) = &tier {
            members.insert("service_tier", tier);
        }
        serde_json::to_vec(&members).map(Bytes::from).map_err(Refusal::failed)
    }

    pub(crate) fn operation(&self) -> &'static str {
        if self.path == "/embeddings" { "Embeddings" } else { "ChatCompletions" }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use laneshift_catalog::prices::Tariff;
    use serde_json::json;

    use super::*;

    pub(super) fn passed(body: &Value) -> Passed {
        let read = Passed::read(body.to_string().as_bytes(), "/chat/completions", |_| true);
        read.expect("read").expect("it names a model")
    }

    #[test]
    fn a_body_stays_as_it_was_but_for_what_is_said_here() {
        let body = json!({
            "model": "m", "messages": [{"role": "user", "content": "x"}], "stream": true, "top_k": 5, "service_tier": "auto",
            "metadata": {"laneshift:deadline": "6h", "team": "a"},
        });
        let passed = passed(&body);
        let tariff = Arc::new(Tariff::flat(laneshift_core::price::Rates::default()));
        let served = Served {
            name: "m".to_owned(),
            model: "org/m".to_owned(),
            api: crate::server::Api::OpenAi,
            on: "s".to_owned(),
            tariff,
            wait_s: None,
        };
        let sent: Value = serde_json::from_slice(&passed.body(&served, ServiceTier::Default).expect("written")).expect("JSON");
        let expected = json!({
            "model": "org/m", "messages": [{"role": "user", "content": "x"}], "stream": true, "top_k": 5,
            "metadata": {"team": "a"}, "stream_options": {"include_usage": true},
        });
        assert_eq!((sent, passed.shows_usage), (expected, false));
        assert_eq!(passed.metadata["laneshift:deadline"], "6h");
    }

    #[test]
    fn a_number_of_answers_that_is_no_whole_number_is_refused() {
        for n in [json!(3.0), json!("3"), json!(-1), json!(1e30)] {
            let body = json!({"model": "m", "n": n}).to_string();
            let refused = Passed::read(body.as_bytes(), "/chat/completions", |_| true).err();
            assert_eq!(refused.map(|refusal| refusal.name()), Some("ValidationException"), "{body}");
        }
    }
}

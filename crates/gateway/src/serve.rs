//! Calls of OpenAI's API that a server beside Bedrock takes: nearly as they came, and in the same books.
//!
//! Of a body, the model's name is the server's, a stream is asked for its count, and what is said to this gateway is taken out;
//! everything else stays as it was written. Answers and errors are the server's, but for what it says of the gateway's own key.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use laneshift_aws::sigv4::sha256_hex;
use laneshift_bedrock::Operation;
use laneshift_catalog::prices::Tariff;
use laneshift_core::route::LaneId;
use laneshift_units::{ServiceTier, TokenClass, Tokens, Usage};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::books::{Prices, bound, mode_of};
use crate::gateway::{Caller, Gateway};
use crate::lanes::Ask;
use crate::outline::Outline;
use crate::refusal::Refusal;
use crate::relay::{Events, Relayed, error_name, metered};
use crate::runtime::{ANSWER_BYTES_MAX, Again, Answered, Asked, Came, INPUT_MAX, Tried, keep_to, tier_of};
use crate::server::{Served, Server, passed_back};
use crate::upstream::Target;

/// Members by which routers and proxies let a client name another model, or another place to call.
// OpenRouter has the first and third, LiteLLM the others.
const ELSEWHERE: [&str; 7] = ["models", "fallbacks", "route", "api_base", "base_url", "api_key", "user_config"];
/// The most output of a request that names no limit, for its bound.
// Judgement: what a server allows is not known here.
const OUTPUT_MAX: u64 = 128_000;
/// Members for what is not in the body, beside those whose names end in `_url`: files, and searches whose finds are input.
// OpenAI has the first two, xAI the third, OpenRouter the fourth; read 2026-11-30.
const REFERENCES: [&[u8]; 4] = [b"file_id", b"web_search_options", b"search_parameters", b"plugins"];
/// How this gateway's own names in `metadata` begin.
const OWN: &str = "laneshift:";

type Members = BTreeMap<String, Box<RawValue>>;

/// A body as a server takes it.
pub(crate) struct Passed {
    path: &'static str,
    /// The model, as the client named it.
    pub(crate) name: String,
    /// `service_tier`, as it was written.
    pub(crate) tier: Option<String>,
    /// Of `metadata`, all.
    metadata: Map<String, Value>,
    /// Whether the answer is a stream, and whether the client wants its count.
    stream: bool,
    shows_usage: bool,
    /// Answers that are asked for.
    n: u64,
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

/// The head of a call whose body is JSON.
fn json_head() -> Parts {
    let mut head = http::Request::new(()).into_parts().0;
    head.method = http::Method::POST;
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head
}

/// What a body says beside its content.
fn outline(body: &[u8]) -> Outline {
    Outline::seeking(body, |name| name.ends_with(b"_url") || REFERENCES.contains(&name))
}

impl Passed {
    /// Reads a body for a path; `None` where it names no model, or none that `serves` says is there.
    fn read(body: &[u8], path: &'static str, serves: impl Fn(&str) -> bool) -> Result<Option<Self>, Refusal> {
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
    fn chooses(&self) -> bool {
        matches!(self.tier.as_deref(), None | Some("auto"))
    }

    /// The body for a model of a server, in a tier where that is not the standard one.
    fn body(&self, served: &Served, tier: ServiceTier) -> Result<Bytes, Refusal> {
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

    fn operation(&self) -> &'static str {
        if self.path == "/embeddings" { "Embeddings" } else { "ChatCompletions" }
    }

    /// The most that it can use. A token is at least a byte, but for what lies elsewhere; each may be written to a cache.
    fn most(&self, body: &[u8], tariff: &Tariff, tier: ServiceTier) -> Usage {
        let outline = outline(body);
        let input = Tokens(body.len() as u64 + if outline.refers { INPUT_MAX } else { 0 });
        let each = if self.operation() == "Embeddings" { 0 } else { outline.output_max.unwrap_or(OUTPUT_MAX) };
        let output = Tokens(each.saturating_mul(self.n.max(1)));
        let rates = tariff.rates(mode_of(tier), input);
        if rates.get(TokenClass::CacheWrite5m) > rates.get(TokenClass::Input) {
            return Usage { cache_write_5m: input, output, ..Usage::default() };
        }
        Usage { input, output, ..Usage::default() }
    }
}

impl Gateway {
    /// A body, where it names a model that a server beside Bedrock has.
    pub(crate) fn passed(&self, body: &[u8], path: &'static str) -> Result<Option<Passed>, Refusal> {
        if self.live().servers.is_empty() {
            return Ok(None);
        }
        Passed::read(body, path, |name| !self.live().served(name).is_empty())
    }

    /// Answers a call that only servers beside Bedrock take.
    pub(crate) async fn serve(
        &self,
        caller: &Caller<'_>,
        parts: &Parts,
        body: &[u8],
        passed: &Passed,
    ) -> Result<Response<Body>, Refusal> {
        let key = &*caller.key;
        if !key.allows(&passed.name) {
            return Err(Refusal::denied(format!("This key may not call {}.", passed.name)));
        }
        let unsold = || Refusal::validation(format!("body.service_tier: {} has no price of it here; leave it out.", passed.name));
        let tier = match passed.tier.as_deref().filter(|_| !passed.chooses()) {
            None => None,
            Some(name) => Some(ServiceTier::parse(name).ok_or_else(unsold)?),
        };
        let operation = if passed.stream { Operation::ConverseStream } else { Operation::Converse };
        let (asked, outline) = (Asked::with(passed.metadata.clone()), outline(body));
        let now = self.now();
        let ask = Ask {
            model: &passed.name,
            region: "",
            account: "",
            operation,
            key,
            owner: self.config().owners.get(&key.owner),
            metadata: &passed.metadata,
            headers: &parts.headers,
            body_bytes: body.len(),
            output_max: outline.output_max,
            tier,
        };
        let terms = self.rules().terms(&ask, now)?;
        let mut spots = self.served_to(caller, &passed.name);
        if spots.is_empty() {
            let (owner, name) = (&key.owner, &passed.name);
            return Err(Refusal::denied(match self.live().stays_in(caller.region) {
                None => format!("{owner} has no role in an account that serves {name}."),
                Some(region) => {
                    format!("Nothing in {region} serves {name} to {owner}: the call was signed for there, and stays there.")
                }
            }));
        }
        if let Some(tier) = tier {
            keep_to(&mut spots, tier);
        }
        if spots.is_empty() {
            return Err(unsold());
        }
        let came = Came {
            model: &passed.name,
            operation,
            key,
            parts,
            body: Bytes::copy_from_slice(body),
            body_sha256: "",
            asked: &asked,
            outline,
            tariff: self.tariff(&passed.name, ""),
            now,
            passed: Some(passed),
        };
        Ok(self.tries(&came, (&ask, &terms), &spots).await?.response)
    }

    /// Answers a chat that Bedrock and servers beside it take: `body` is the one that came.
    pub(crate) async fn among(
        &self,
        ((model, operation), target): ((&str, Operation), &Target),
        caller: &Caller<'_>,
        parts: &Parts,
        (converse, hash): (Bytes, &str),
        (passed, body): (&Passed, &[u8]),
    ) -> Result<Answered, Refusal> {
        let key = &*caller.key;
        let outline = Outline::of(&converse);
        let asked = Asked::read(operation, &parts.headers, &converse, &outline);
        let (tariff, now) = (self.tariff(model, &target.region), self.now());
        let ask = self.ask(&asked, (model, operation), key, target, (&parts.headers, body.len(), outline.output_max));
        let terms = self.rules().terms(&ask, now)?;
        let mut spots = Vec::new();
        if key.allows(model) {
            spots = self.spots(&key.owner, &target.region, model);
        }
        if key.allows(&passed.name) {
            spots.extend(self.served_to(caller, &passed.name));
        }
        if spots.is_empty() && key.allows(model) {
            return Err(Refusal::denied(format!("{} has no role in an account of {}.", key.owner, target.region)));
        }
        if spots.is_empty() {
            return Err(Refusal::denied(format!("This key may not call {}.", passed.name)));
        }
        if let Some(tier) = ask.tier {
            keep_to(&mut spots, tier);
        }
        let (asked, passed) = (&asked, Some(passed));
        let came = Came { model, operation, key, parts, body: converse, body_sha256: hash, asked, outline, tariff, now, passed };
        self.tries(&came, (&ask, &terms), &spots).await
    }

    /// One try at a server.
    pub(crate) async fn once_served(
        &self,
        came: &Came<'_>,
        passed: &Passed,
        (server, served): (&Server, Arc<Served>),
        lane: LaneId,
    ) -> Result<Tried, Refusal> {
        let tier = tier_of(lane);
        let body = passed.body(&served, tier)?;
        let signed = match server.signed() {
            None => None,
            Some(target) => match self.keys_of(&came.key.owner, target).await {
                Ok(keys) => Some((target, keys)),
                Err(refusal) => return Ok(Tried { response: refusal.openai(), again: Some(Again::Call) }),
            },
        };
        let most = bound(&served.tariff, tier, &passed.most(&body, &served.tariff, tier));
        let bedrock = self.live().bedrock_named(&passed.name).filter(|_| !self.targets().is_empty());
        let prices = Prices { here: served.tariff.clone(), instead: bedrock.map(|_| came.tariff.clone()) };
        let (place, called) = ((&*server.account, &*server.region, Some(&*server.name)), (passed.operation(), &*served.model));
        let open = self.note_as(came, place, called, (lane, tier), most, prices, None)?;
        let name = &server.name;
        let sending = async {
            match &signed {
                None => server.send(self.wire(), passed.path, body).await,
                Some((target, keys)) => {
                    let hash = sha256_hex(&body);
                    self.send(target, keys, (&json_head(), passed.path), (body, &hash), self.now()).await
                }
            }
        };
        let answer = match self.in_time(sending).await {
            Ok(answer) => answer,
            Err(lost) if lost.sent => {
                drop(open);
                return Err(Refusal::lost(format!("The answer of {name} did not come: {}", lost.why)));
            }
            Err(lost) => {
                open.refused("ServiceUnavailableException");
                let response = Refusal::unreachable(format!("{name} cannot be reached: {}", lost.why)).openai();
                return Ok(Tried { response, again: Some(Again::Upstream) });
            }
        };
        let (head, incoming) = answer.into_parts();
        let mut response = Response::new(Body::Whole(None));
        *response.status_mut() = head.status;
        passed_back(&head.headers, response.headers_mut());
        let kind = head.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if head.status.is_success() && kind.starts_with("text/event-stream") {
            let events = Events::new(passed.shows_usage, passed.n);
            *response.body_mut() = Body::Relayed(Box::new(Relayed::new(incoming, events, served, open, self.idle_max())));
            return Ok(Tried { response, again: None });
        }
        let collecting = tokio::time::timeout(self.answer_max(), Limited::new(incoming, ANSWER_BYTES_MAX).collect());
        let whole = match collecting.await {
            Ok(Ok(whole)) => whole.to_bytes(),
            Ok(Err(error)) => return Err(Refusal::lost(format!("The answer of {name} broke off: {error}"))),
            Err(_) => return Err(Refusal::lost(format!("The answer of {name} did not come to its end in time."))),
        };
        let error = || error_name(&whole).unwrap_or_else(|| head.status.as_str().to_owned());
        let again = match head.status {
            status if status.is_success() => {
                open.answered(served.told(metered(&whole)), None);
                None
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                open.refused(&error());
                Some(Again::Lane)
            }
            // It is this owner's role that may not: others may.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
                if signed.as_ref().is_some_and(|(_, keys)| keys.are_of_session()) =>
            {
                open.refused(&error());
                let owner = &came.key.owner;
                tracing::warn!(upstream = name, status = head.status.as_u16(), owner, "the server refuses the owner's role");
                let response = Refusal::denied(format!("{name} refuses the role of {owner}.")).openai();
                return Ok(Tried { response, again: Some(Again::Call) });
            }
            // It is the gateway's own key, and what is said of it is not the client's to read.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                open.refused(&error());
                tracing::error!(upstream = name, status = head.status.as_u16(), "the server refuses the gateway's key");
                let response = Refusal::unreachable(format!("{name} refuses the gateway's key.")).openai();
                return Ok(Tried { response, again: Some(Again::Lane) });
            }
            // Other errors of a server may come after the work: what it cost is not known, and is booked with its bound.
            status if status.is_server_error() => {
                drop(open);
                Some(Again::Lane)
            }
            status => {
                open.refused(&error());
                // It may be about the tier that was chosen here; it costs nothing to ask.
                let retried = status == StatusCode::BAD_REQUEST && passed.chooses() && lane != LaneId::Standard;
                retried.then_some(Again::Call)
            }
        };
        *response.body_mut() = Body::Whole(Some(whole));
        Ok(Tried { response, again })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passed(body: &Value) -> Passed {
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
        let tariff = Arc::new(laneshift_catalog::prices::Tariff::flat(laneshift_core::price::Rates::default()));
        let served = Served { name: "m".to_owned(), model: "org/m".to_owned(), on: "s".to_owned(), tariff, wait_s: None };
        let sent: Value = serde_json::from_slice(&passed.body(&served, ServiceTier::Default).expect("written")).expect("JSON");
        let expected = json!({
            "model": "org/m", "messages": [{"role": "user", "content": "x"}], "stream": true, "top_k": 5,
            "metadata": {"team": "a"}, "stream_options": {"include_usage": true},
        });
        assert_eq!((sent, passed.shows_usage), (expected, false));
        assert_eq!(passed.metadata["laneshift:deadline"], "6h");
    }

    #[test]
    fn a_bound_counts_every_answer_and_what_lies_elsewhere() {
        let tariff = |rates: [(TokenClass, u64); 2]| {
            let mut all = laneshift_core::price::Rates::default();
            rates.into_iter().for_each(|(class, pico)| all.set(class, laneshift_units::Rate::from_pico_per_token(pico)));
            Tariff::flat(all)
        };
        let most = |body: Value| {
            passed(&body).most(
                body.to_string().as_bytes(),
                &tariff([(TokenClass::Input, 1), (TokenClass::Output, 1)]),
                ServiceTier::Default,
            )
        };
        assert_eq!(most(json!({"model": "m", "n": 3, "max_tokens": 10})).output.0, 30);
        assert_eq!(most(json!({"model": "m", "n": null})).output.0, OUTPUT_MAX);
        let part = |name: &str| json!({"model": "m", "messages": [{"content": [{"type": "x", "x": {name: "y"}}]}]});
        for name in ["image_url", "file_id", "web_search_options"] {
            assert!(most(part(name)).input.0 > INPUT_MAX, "{name}");
        }
        assert!(
            most(json!({"model": "m", "messages": "the \"file_id\": of an image_url"})).input.0 < INPUT_MAX,
            "text is content"
        );
        let escaped = part("file_id").to_string().replace("file_id", "fil\\u0065_id");
        let read = passed(&part("x"));
        let of = |tariff| read.most(escaped.as_bytes(), &tariff, ServiceTier::Default);
        assert!(of(tariff([(TokenClass::Input, 1), (TokenClass::Output, 1)])).input.0 > INPUT_MAX);
        let dearer = of(tariff([(TokenClass::Input, 4), (TokenClass::CacheWrite5m, 5)]));
        assert_eq!((dearer.input.0, dearer.cache_write_5m.0 > INPUT_MAX), (0, true));
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

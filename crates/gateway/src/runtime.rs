//! Bedrock Runtime: the operations that run a model, passed on as they came.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use laneshift_aws::sigv4::sha256_hex;
use laneshift_bedrock::Operation;
use laneshift_catalog::prices::Tariff;
use laneshift_core::route::LaneId;
use laneshift_units::{ModelId, Money, ProfiledModel, ServiceTier, Timestamp, TokenClass, Tokens, Usage};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::books::{Call, Open, Prices, bound, mode_of};
use crate::gateway::{Caller, Gateway};
use crate::keys::Key;
use crate::lanes::{Ask, Terms, lane_of, output_of};
use crate::later;
use crate::market::Spot;
use crate::meter::{Frames, Meter};
use crate::outline::Outline;
use crate::passed::Passed;
use crate::refusal::Refusal;
use crate::room::Hold;
use crate::server::Api;
use crate::stream::Metered;
use crate::upstream::{Lost, Target, passed_back};

/// The largest answer that is read whole.
pub(crate) const ANSWER_BYTES_MAX: usize = 32_000_000;
/// The most input of a call whose content lies elsewhere: the largest context window that AWS sells.
// AWS, model cards of Claude 4 and 5 and Nova 2, read 2026-11-23: 1,000,000 tokens.
pub(crate) const INPUT_MAX: u64 = 1_000_000;
/// The most input of an image, however few bytes it has.
// Anthropic, "Vision", read 2026-11-30: an image is made smaller until it has 4,784 tokens at most; no other family names more.
const IMAGE_MAX: u64 = 5_000;

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
    #[serde(rename = "performanceConfig")]
    performance: Option<Performance>,
}

#[derive(Deserialize)]
struct Performance {
    #[serde(default)]
    latency: String,
}

#[derive(Deserialize)]
pub(crate) struct TierAsked {
    #[serde(rename = "type")]
    name: String,
}

impl Asked {
    /// That it has this metadata, and names nothing else.
    pub(crate) fn with(metadata: Map<String, Value>) -> Self {
        Self { metadata, ..Self::default() }
    }

    /// By the body of Converse, or the headers of InvokeModel.
    pub(crate) fn read(operation: Operation, headers: &HeaderMap, body: &[u8], outline: &Outline) -> Self {
        if operation.is_converse() {
            // Most bodies hold nothing of it, and large ones take long to read. What is no JSON is AWS's to refuse.
            return if outline.is_about_the_call { serde_json::from_slice(body).unwrap_or_default() } else { Self::default() };
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let metadata = text("x-amzn-bedrock-request-metadata").and_then(|text| serde_json::from_str(text).ok());
        let tier = text("x-amzn-bedrock-service-tier").map(|name| TierAsked { name: name.to_owned() });
        let performance =
            text("x-amzn-bedrock-performanceconfig-latency").map(|latency| Performance { latency: latency.to_owned() });
        Self { metadata: metadata.unwrap_or_default(), tier, performance }
    }

    /// What is to be answered faster, at another price, is refused.
    pub(crate) fn refuse_optimized(&self) -> Result<(), Refusal> {
        if self.performance.as_ref().is_some_and(|performance| performance.latency == "optimized") {
            let why = "Latency-optimized calls have a price of their own, which this gateway does not book.";
            return Err(Refusal::validation(why));
        }
        Ok(())
    }

    fn tier(&self) -> ServiceTier {
        self.tier.as_ref().and_then(|tier| ServiceTier::parse(&tier.name)).unwrap_or_default()
    }
}

/// The most tokens that a body can use. A token of text is at least a byte.
pub(crate) fn most(model: &str, body: &[u8], outline: &Outline, (tariff, tier): (&Tariff, ServiceTier)) -> Usage {
    let elsewhere = if outline.refers { INPUT_MAX } else { 0 };
    let input = body.len() as u64 + elsewhere + outline.images * IMAGE_MAX;
    let output = outline.output_max.unwrap_or_else(|| output_of(model));
    dearest((tariff, tier), Tokens(input), Tokens(output), outline.caches)
}

/// Tokens as they cost most: all of the input may be written to a cache, where a body asks for one.
pub(crate) fn dearest((tariff, tier): (&Tariff, ServiceTier), input: Tokens, output: Tokens, caches: bool) -> Usage {
    let rates = tariff.rates(mode_of(tier), input);
    let writes = [TokenClass::CacheWrite5m, TokenClass::CacheWrite1h].into_iter().filter(|_| caches);
    let class = writes.fold(TokenClass::Input, |most, class| if rates.get(class) > rates.get(most) { class } else { most });
    let mut usage = Usage { output, ..Usage::default() };
    *usage.get_mut(class) = input;
    usage
}

/// A call that came, with what every try at it needs.
pub(crate) struct Came<'a> {
    /// As the client named it.
    pub(crate) model: &'a str,
    pub(crate) operation: Operation,
    pub(crate) key: &'a Key,
    pub(crate) parts: &'a Parts,
    pub(crate) body: Bytes,
    pub(crate) body_sha256: &'a str,
    pub(crate) asked: &'a Asked,
    pub(crate) outline: Outline,
    pub(crate) tariff: Arc<Tariff>,
    pub(crate) now: Timestamp,
    /// The same call as a server beside Bedrock takes it.
    pub(crate) passed: Option<&'a Passed>,
}

/// What one try brought.
pub(crate) struct Tried {
    pub(crate) response: Response<Body>,
    /// Another lane may answer.
    pub(crate) again: Option<Again>,
}

/// An answer: Bedrock's, or one of OpenAI's API.
pub(crate) struct Answered {
    pub(crate) response: Response<Body>,
    pub(crate) is_openais: bool,
}

/// Why another lane may answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// This one has no room for the model.
    Lane,
    /// This one does not take the call; others may, and it may take others.
    Call,
    /// Nothing of this upstream can be reached.
    Upstream,
}

impl Gateway {
    /// Sends a call on, and books it.
    pub(crate) async fn run(
        &self,
        (named, operation): (&str, Operation),
        caller: &Caller<'_>,
        target: &Target,
        parts: &Parts,
        (body, body_sha256): (Bytes, &str),
    ) -> Result<Response<Body>, Refusal> {
        let key: &Key = &caller.key;
        let model = self.allowed(key, target, named)?;
        let outline = Outline::of(&body);
        let asked = Asked::read(operation, &parts.headers, &body, &outline);
        asked.refuse_optimized()?;
        let (tariff, now) = (self.tariff(model, &target.region), self.now());
        let place = (&*target.region, &*target.account);
        let ask = self.ask(&asked, (model, operation), key, place, (&parts.headers, body.len(), outline.output_max));
        let terms = self.rules().terms(&ask, now)?;
        if later::is_wanted(&parts.headers) {
            let waits = (terms.due, self.rules().workload(&asked.metadata, key));
            return self.accept_later((model, operation), caller, &parts.headers, &body, waits).await;
        }
        let mut spots = self.spots(&key.owner, &target.region, model);
        if let Some(tier) = ask.tier {
            keep_to(&mut spots, tier);
        }
        if spots.is_empty() {
            return Err(Refusal::denied(format!("{} has no role in an account of {}.", key.owner, target.region)));
        }
        let came = Came { model, operation, key, parts, body, body_sha256, asked: &asked, outline, tariff, now, passed: None };
        Ok(self.tries(&came, (&ask, &terms), &spots).await?.response)
    }

    /// The model that a key's call means, which may name it by the ARN of capacity or of a profile; if the key may call that.
    fn allowed<'a>(&'a self, key: &Key, target: &Target, named: &'a str) -> Result<&'a str, Refusal> {
        let base = self.market().base_of(named).map(ModelId::as_str);
        let model = base.or_else(|| self.model_of_profile(&key.owner, target, named)).unwrap_or(named);
        if named != model && key.allows(model) {
            return Ok(model);
        }
        self.may_call(key, named).map(|()| model)
    }

    /// What of Bedrock may take a call of an owner: with its role, where it has any.
    pub(crate) fn spots(&self, owner: &str, region: &str, model: &str) -> Vec<Spot> {
        let mut spots = self.market().spots(self.targets(), region, &ProfiledModel::parse_id(model));
        spots.retain(|spot| self.serves(owner, &self.targets()[spot.upstream]));
        spots
    }

    /// Tries one spot after the other, the best first, until one answers.
    pub(crate) async fn tries(
        &self,
        came: &Came<'_>,
        (ask, terms): (&Ask<'_>, &Terms<'_>),
        spots: &[Spot],
    ) -> Result<Answered, Refusal> {
        let Came { model, key, parts, .. } = *came;
        self.may_read(&key.owner, &came.body, &came.outline)?;
        self.books().admit(key).map_err(Refusal::held)?;
        self.market().earn();
        let mut tried = Vec::new();
        let mut last: Option<(Answered, LaneId)> = None;
        while let Some(choice) = self.choose((ask, terms), &came.tariff, (spots, &tried)).await? {
            let spot = &spots[choice.ix];
            // Another lane is what a call falls back to; the same lane elsewhere is a retry.
            if last.as_ref().is_some_and(|(_, lane)| *lane == spot.lane && !self.market().spend()) {
                break;
            }
            let (load, now) = (self.rules().load(ask, terms, spot), self.now());
            let waits = self.rules().waits(ask, terms, now);
            if last.is_none() && spot.committed.is_none() && !waits {
                self.missed((ask, terms), spots, now);
            }
            let hold = spot.room.clone().map(|room| Hold::new(room, load, waits, now));
            let Tried { mut response, again } = match self.live().server(spot) {
                Some(server) => self.once_served(came, server, spot.lane, hold).await?,
                None => self.once(came, spot, hold).await?,
            };
            let is_openais = spot.served.as_ref().is_some_and(|served| served.api == Api::OpenAi);
            if parts.headers.get(EXPLAIN_HEADER).is_some_and(|value| value == "true")
                && let Ok(value) = HeaderValue::from_str(&choice.value(spots, &tried).to_string())
            {
                response.headers_mut().insert(DECISION_HEADER, value);
            }
            match again {
                None => {
                    self.market().answered(spot, model);
                    return Ok(Answered { response, is_openais });
                }
                Some(Again::Call) => {}
                Some(Again::Lane) => self.market().refused(spot, Some(model), now),
                Some(Again::Upstream) => self.market().refused(spot, None, now),
            }
            last = Some((Answered { response, is_openais }, spot.lane));
            tried.push(choice.ix);
        }
        last.map(|(answered, _)| answered).ok_or_else(|| Refusal::validation("Nothing that serves this model takes the call."))
    }

    /// Counts tokens: AWS names no price for it, so nothing is booked.
    pub(crate) async fn count(
        &self,
        named: &str,
        caller: &Caller<'_>,
        parts: &Parts,
        body: (Bytes, &str),
    ) -> Result<Response<Body>, Refusal> {
        let (region, owner) = (&self.target(caller.region)?.region, &caller.key.owner);
        let target = self.targets().iter().find(|target| target.region == *region && self.serves(owner, target));
        let target = target.ok_or_else(|| Refusal::denied(format!("{owner} has no role in an account of {region}.")))?;
        self.allowed(&caller.key, target, named)?;
        self.may_read(owner, &body.0, &Outline::of(&body.0))?;
        let keys = self.keys_of(owner, target).await?;
        let sent = self.in_time(self.send(target, &keys, (parts, parts.uri.path()), body, self.now())).await;
        let answer = sent.map_err(|lost| Refusal::unreachable(format!("Bedrock cannot be reached: {}", lost.why)))?;
        let (head, incoming) = answer.into_parts();
        let whole = Limited::new(incoming, ANSWER_BYTES_MAX).collect().await;
        let whole = whole.map_err(|error| Refusal::unreachable(format!("The answer broke off: {error}")))?.to_bytes();
        let mut response = Response::new(Body::Whole(Some(whole)));
        *response.status_mut() = head.status;
        passed_back(&head.headers, response.headers_mut());
        Ok(response)
    }

    /// A call, as far as its lane depends on it.
    pub(crate) fn ask<'a>(
        &'a self,
        asked: &'a Asked,
        (model, operation): (&'a str, Operation),
        key: &'a Key,
        (region, account): (&'a str, &'a str),
        (headers, body_bytes, output_max): (&'a HeaderMap, usize, Option<u64>),
    ) -> Ask<'a> {
        let tier = asked.tier.as_ref().map(|tier| ServiceTier::parse(&tier.name).unwrap_or_default());
        let owner = self.config().owners.get(&key.owner);
        Ask { model, region, account, operation, key, owner, metadata: &asked.metadata, headers, body_bytes, output_max, tier }
    }

    /// One try at one spot. The standard tier changes nothing of the call.
    async fn once(&self, came: &Came<'_>, spot: &Spot, hold: Option<Hold>) -> Result<Tried, Refusal> {
        let Came { operation, parts, .. } = came;
        let target = &self.targets()[spot.upstream];
        let arn = spot.committed.as_ref().and_then(|committed| committed.arn.as_deref());
        let keys = match self.keys_of(&came.key.owner, target).await {
            Ok(keys) => keys,
            Err(refusal) => return Ok(Tried { response: refusal.response(), again: Some(Again::Call) }),
        };
        let chosen = came.asked.tier.is_none();
        let tier = tier_of(spot.lane);
        let open = self.note(came, (target, spot.lane, arn.unwrap_or(came.model)), hold)?;
        let called = arn.or_else(|| self.profile(&came.key.owner, target, came.model)).unwrap_or(came.model);
        let in_tier = if chosen && tier != ServiceTier::Default { in_tier(came, tier) } else { None };
        let path = path_of(parts, called, *operation);
        let sent = match &in_tier {
            None => {
                let body = (came.body.clone(), came.body_sha256);
                self.in_time(self.send(target, &keys, (parts, &path), body, came.now)).await
            }
            Some((parts, body)) => {
                let hash = sha256_hex(body);
                self.in_time(self.send(target, &keys, (parts, &path), (body.clone(), &hash), came.now)).await
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
                let response = Refusal::unreachable(format!("Bedrock cannot be reached: {}", lost.why)).response();
                return Ok(Tried { response, again: Some(Again::Upstream) });
            }
        };
        let (head, incoming) = answer.into_parts();
        let mut response = Response::new(Body::Whole(None));
        *response.status_mut() = head.status;
        passed_back(&head.headers, response.headers_mut());
        if head.status.is_success() && operation.streams() {
            let frames = Frames::new(&head.headers);
            *response.body_mut() = Body::Stream(Box::new(Metered::new(incoming, frames, open, self.idle_max())));
            return Ok(Tried { response, again: None });
        }
        let collecting = tokio::time::timeout(self.answer_max(), Limited::new(incoming, ANSWER_BYTES_MAX).collect());
        let whole = match collecting.await {
            Ok(Ok(whole)) => whole.to_bytes(),
            Ok(Err(error)) => return Err(Refusal::lost(format!("The answer broke off: {error}"))),
            Err(_) => return Err(Refusal::lost("The answer did not come to its end in time.")),
        };
        let again = match head.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(Again::Lane),
            // It may be about the lane that was chosen here; it costs nothing to ask.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND if chosen && spot.lane != LaneId::Standard => Some(Again::Call),
            _ => None,
        };
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
    pub(crate) async fn in_time<T>(&self, sent: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
        let why = "the model did not begin to answer in time".to_owned();
        tokio::time::timeout(self.answer_max(), sent).await.unwrap_or(Err(Lost { why, sent: true }))
    }

    /// Notes a try: only then may it be sent.
    fn note(
        &self,
        came: &Came<'_>,
        (target, lane, called): (&Target, LaneId, &str),
        hold: Option<Hold>,
    ) -> Result<Open, Refusal> {
        let Came { asked, .. } = came;
        let tier = if asked.tier.is_some() { asked.tier() } else { tier_of(lane) };
        let most = match lane {
            // It is paid for by the hour.
            LaneId::Provisioned => Some(Money::ZERO),
            _ => bound(&came.tariff, tier, &most(came.model, &came.body, &came.outline, (&came.tariff, tier))),
        };
        let place = (&*target.account, &*target.region, None);
        let prices = Prices { here: came.tariff.clone(), instead: None };
        self.note_as(came, place, (came.operation.name(), called), (lane, tier), most, prices, hold)
    }

    /// Notes a try, and reserves the most that it can cost.
    #[expect(clippy::too_many_arguments, reason = "each is a part of one row of the ledger")]
    pub(crate) fn note_as(
        &self,
        Came { key, asked, now, .. }: &Came<'_>,
        (account, region, upstream): (&str, &str, Option<&str>),
        (operation, called): (&str, &str),
        (lane, tier): (LaneId, ServiceTier),
        most: Option<Money>,
        prices: Prices,
        hold: Option<Hold>,
    ) -> Result<Open, Refusal> {
        let workload = self.rules().workload(&asked.metadata, key).map(str::to_owned);
        let mut metadata = asked.metadata.clone();
        for (name, value) in [("laneshift:owner", Some(&key.owner)), ("laneshift:workload", workload.as_ref())] {
            if let Some(value) = value {
                metadata.entry(name).or_insert_with(|| Value::from(value.clone()));
            }
        }
        let call = Call {
            at_ms: now.0,
            account: account.to_owned(),
            region: region.to_owned(),
            operation: operation.to_owned(),
            model: called.to_owned(),
            key: key.id.clone(),
            spends_as: key.spends_as().to_owned(),
            owner: key.owner.clone(),
            workload,
            metadata,
            lane: lane.name().to_owned(),
            tier: tier.name().to_owned(),
            upstream: upstream.map(str::to_owned),
            bound_usd: most.map(Money::to_exact_string),
        };
        self.books().reserve(key, most).map_err(Refusal::held)?;
        let open = self.books().begin(call, prices, hold);
        open.map_err(|e| Refusal::internal(format!("The call cannot be noted, so it is not sent: {e}")))
    }
}

/// Leaves the tier that a client has named, of each upstream. What a server has no price in is none of its tiers.
pub(crate) fn keep_to(spots: &mut Vec<Spot>, tier: ServiceTier) {
    let has_it = |spot: &Spot| tier == ServiceTier::Default || spot.served.as_ref().is_none_or(|served| served.sells(tier));
    spots.retain(|spot| spot.lane == LaneId::Standard && spot.committed.is_none() && has_it(spot));
    for spot in spots {
        spot.lane = lane_of(tier);
        // Reserved capacity has quotas of its own.
        spot.room.take_if(|_| tier == ServiceTier::Reserved);
    }
}

/// The tier that a lane is asked for by.
pub(crate) const fn tier_of(lane: LaneId) -> ServiceTier {
    match lane {
        LaneId::Flex => ServiceTier::Flex,
        LaneId::Reserved => ServiceTier::Reserved,
        LaneId::Priority => ServiceTier::Priority,
        LaneId::Provisioned | LaneId::Standard | LaneId::Batch => ServiceTier::Default,
    }
}

/// The path as it came, unless something else is called.
fn path_of<'a>(parts: &'a Parts, called: &str, operation: Operation) -> Cow<'a, str> {
    let path = parts.uri.path();
    let came = Operation::of_path(path).map(|(model, _)| percent_decode_str(model).eq(called.bytes()));
    if came == Some(true) { Cow::Borrowed(path) } else { Cow::Owned(operation.path(called)) }
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
    fn tier_and_metadata_are_read_where_each_operation_has_them() {
        let body = br#"{"serviceTier":{"type":"flex"},"requestMetadata":{"team":"a"},"messages":[]}"#;
        let asked = Asked::read(Operation::Converse, &HeaderMap::new(), body, &Outline::of(body));
        assert_eq!((asked.tier(), asked.metadata["team"].as_str()), (ServiceTier::Flex, Some("a")));
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-bedrock-service-tier", "priority".parse().expect("a value"));
        headers.insert("x-amzn-bedrock-request-metadata", r#"{"team":"b"}"#.parse().expect("a value"));
        let asked = Asked::read(Operation::InvokeModel, &headers, body, &Outline::of(body));
        assert_eq!((asked.tier(), asked.metadata["team"].as_str()), (ServiceTier::Priority, Some("b")));
    }
}

//! Calls of OpenAI's API that a server beside Bedrock takes: nearly as they came, and in the same books.
//!
//! Answers and errors are the server's, but for what it says of the gateway's own key and of an owner's role.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use laneshift_aws::sigv4::sha256_hex;
use laneshift_bedrock::Operation;
use laneshift_core::route::LaneId;
use laneshift_units::ServiceTier;

use crate::body::Body;
use crate::books::{Prices, bound};
use crate::gateway::{Caller, Gateway};
use crate::lanes::Ask;
use crate::outline::Outline;
use crate::passed::{Passed, outline};
use crate::refusal::Refusal;
use crate::relay::{Events, Relayed, error_name, metered};
use crate::runtime::{ANSWER_BYTES_MAX, Again, Answered, Asked, Came, Tried, keep_to, tier_of};
use crate::server::{Served, Server, passed_back};
use crate::upstream::Target;

/// The head of a call whose body is JSON.
fn json_head() -> Parts {
    let mut head = http::Request::new(()).into_parts().0;
    head.method = http::Method::POST;
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head
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

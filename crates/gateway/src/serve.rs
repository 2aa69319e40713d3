//! Calls that a server beside Bedrock's runtime takes: of OpenAI's API nearly as they came, of Bedrock's own as messages for Claude; in
//! the same books.
//!
//! Answers and errors are the server's, but for what it says of the gateway's own key and of an owner's role.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use laneshift_aws::sigv4::sha256_hex;
use laneshift_bedrock::Operation;
use laneshift_core::route::LaneId;
use laneshift_units::ServiceTier;

use crate::body::Body;
use crate::books::{Prices, bound};
use crate::gateway::{Caller, Gateway};
use crate::lanes::Ask;
use crate::later;
use crate::market::Spot;
use crate::outline::Outline;
use crate::passed::{Passed, outline};
use crate::refusal::Refusal;
use crate::relay::error_name;
use crate::room::Hold;
use crate::runtime::{ANSWER_BYTES_MAX, Again, Answered, Asked, Came, Tried, keep_to, tier_of};
use crate::sent::Sent;
use crate::server::{Api, Served, Server};
use crate::upstream::Target;

/// Anthropic's status for what AWS calls 503.
// Anthropic, API reference, "Errors", read 2026-11-30.
const OVERLOADED: u16 = 529;

fn unsold(what: &str, name: &str) -> Refusal {
    Refusal::validation(format!("{what}: {name} has no price of it here; leave it out."))
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
        self.may_call(key, &passed.name)?;
        if self.live().is_claude(&passed.name) {
            return Err(Refusal::validation(format!("{} answers chats, and nothing else.", passed.name)));
        }
        let unsold = || unsold("body.service_tier", &passed.name);
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
            return Err(self.nowhere(caller, &passed.name));
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

    /// Why nothing that serves a name takes the call.
    fn nowhere(&self, Caller { key, region }: &Caller<'_>, name: &str) -> Refusal {
        let owner = &key.owner;
        Refusal::denied(match self.live().stays_in(*region) {
            None => format!("{owner} has no role in an account that serves {name}."),
            Some(region) => {
                format!("Nothing in {region} serves {name} to {owner}: the call was signed for there, and stays there.")
            }
        })
    }

    /// Answers a call of Bedrock's runtime that servers beside it take, and the runtime too where there is a `target`. With `passed` it
    /// came as a chat, and may go to a server of OpenAI's API as well.
    pub(crate) async fn among(
        &self,
        (name, model, operation): (&str, &str, Operation),
        target: Option<&Target>,
        caller: &Caller<'_>,
        parts: &Parts,
        (body, hash): (Bytes, &str),
        passed: Option<&Passed>,
    ) -> Result<Answered, Refusal> {
        let key = &*caller.key;
        let (outline, now) = (Outline::of(&body), self.now());
        let asked = Asked::read(operation, &parts.headers, &body, &outline);
        asked.refuse_optimized()?;
        let (region, account) = target.map_or(("", ""), |target| (&*target.region, &*target.account));
        let tariff = self.tariff(model, region);
        let ask = self.ask(&asked, (model, operation), key, (region, account), (&parts.headers, body.len(), outline.output_max));
        let terms = self.rules().terms(&ask, now)?;
        let mut spots = Vec::new();
        if target.is_some() && key.allows(model) {
            spots = self.spots(&key.owner, region, model);
        }
        if key.allows(name) {
            let speaks =
                |spot: &Spot| passed.is_some() || spot.served.as_ref().is_some_and(|served| served.api == Api::Anthropic);
            spots.extend(self.served_to(caller, name).into_iter().filter(speaks));
        }
        if spots.is_empty() {
            return Err(match target.filter(|_| key.allows(model)) {
                Some(_) => Refusal::denied(format!("{} has no role in an account of {region}.", key.owner)),
                None if key.allows(name) => self.nowhere(caller, name),
                None => Refusal::may_not_call(name),
            });
        }
        if let Some(tier) = ask.tier {
            keep_to(&mut spots, tier);
        }
        if spots.is_empty() {
            return Err(unsold("The service tier", name));
        }
        let asked = &asked;
        let came = Came { model, operation, key, parts, body, body_sha256: hash, asked, outline, tariff, now, passed };
        self.tries(&came, (&ask, &terms), &spots).await
    }

    /// Answers a call of Bedrock's runtime for a model that only servers beside it have: as messages, where it is Claude.
    pub(crate) async fn beside(
        &self,
        (name, operation): (&str, Operation),
        on: &str,
        caller: &Caller<'_>,
        parts: &Parts,
        body: (Bytes, &str),
    ) -> Result<Response<Body>, Refusal> {
        if !self.live().is_claude(name) {
            let why = format!("{name} is served by {on}, which speaks OpenAI's API only: call /v1/chat/completions.");
            return Err(Refusal::validation(why));
        }
        if later::is_wanted(&parts.headers) {
            return Err(Refusal::validation(format!("{name} is answered on demand only.")));
        }
        Ok(self.among((name, name, operation), None, caller, parts, body, None).await?.response)
    }

    /// One try at a server.
    pub(crate) async fn once_served(
        &self,
        came: &Came<'_>,
        (server, served): (&Server, Arc<Served>),
        lane: LaneId,
        hold: Option<Hold>,
    ) -> Result<Tried, Refusal> {
        let tier = tier_of(lane);
        let sent = match Sent::of(came, server, &served, tier) {
            Ok(sent) => sent,
            // Bedrock may take what cannot be carried over.
            Err(refusal) => return Ok(Tried { response: refusal.of_api(served.api), again: Some(Again::Call) }),
        };
        let signed = match server.signed() {
            None => None,
            Some(target) => match self.keys_of(&came.key.owner, target).await {
                Ok(keys) => Some((target, keys)),
                Err(refusal) => return Ok(Tried { response: sent.refused(&refusal), again: Some(Again::Call) }),
            },
        };
        let most = bound(&served.tariff, tier, &sent.most);
        let bedrock = self.live().bedrock_named(&served.name).filter(|_| !self.targets().is_empty());
        let prices = Prices { here: served.tariff.clone(), instead: bedrock.map(|_| came.tariff.clone()) };
        let (place, called) = ((&*server.account, &*server.region, Some(&*server.name)), (sent.operation(), &*served.model));
        let open = self.note_as(came, place, called, (lane, tier), most, prices, hold)?;
        let name = &server.name;
        let sending = async {
            match &signed {
                None => server.send(self.wire(), (&sent.path, sent.head.headers.clone()), sent.body.clone()).await,
                Some((target, keys)) => {
                    let hash = sha256_hex(&sent.body);
                    self.send(target, keys, (&sent.head, &sent.path), (sent.body.clone(), &hash), self.now()).await
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
                let response = sent.refused(&Refusal::unreachable(format!("{name} cannot be reached: {}", lost.why)));
                return Ok(Tried { response, again: Some(Again::Upstream) });
            }
        };
        let (head, incoming) = answer.into_parts();
        let kind = head.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if head.status.is_success() && kind.starts_with("text/event-stream") {
            return Ok(Tried { response: sent.stream(self, (&head, incoming), served, open), again: None });
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
                open.answered(served.told(sent.metered(&whole)), None);
                None
            }
            status if matches!(status.as_u16(), 429 | 503 | OVERLOADED) => {
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
                let response = sent.refused(&Refusal::denied(format!("{name} refuses the role of {owner}.")));
                return Ok(Tried { response, again: Some(Again::Call) });
            }
            // It is the gateway's own key, and what is said of it is not the client's to read.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                open.refused(&error());
                tracing::error!(upstream = name, status = head.status.as_u16(), "the server refuses the gateway's key");
                let response = sent.refused(&Refusal::unreachable(format!("{name} refuses the gateway's key.")));
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
                let retried = status == StatusCode::BAD_REQUEST && sent.chooses() && lane != LaneId::Standard;
                retried.then_some(Again::Call)
            }
        };
        Ok(Tried { response: sent.whole(&head, whole)?, again })
    }
}

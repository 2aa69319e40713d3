//! A call on its way to a server beside Bedrock's runtime, in the API of the model that is called, and its answer for the client.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response};
use http_body_util::BodyExt;
use laneshift_bedrock::Operation;
use laneshift_units::{ServiceTier, Usage};
use tokio::time::Instant;

use crate::body::{Body, Coming};
use crate::books::Open;
use crate::gateway::Gateway;
use crate::messages::{self, Framed, Messages};
use crate::meter::{Frames, Meter};
use crate::passed::Passed;
use crate::refusal::Refusal;
use crate::relay::{Events, Relayed, metered};
use crate::runtime::Came;
use crate::server::{Api, Served, Server, passed_back};
use crate::stream::Metered;
use crate::upstream;

/// See the module.
pub(crate) struct Sent<'a> {
    as_what: As<'a>,
    pub(crate) head: Parts,
    pub(crate) path: String,
    pub(crate) body: Bytes,
    /// The most that it can use.
    pub(crate) most: Usage,
    began: Instant,
}

enum As<'a> {
    /// As it came, and so is its answer.
    Passed(&'a Passed),
    /// As Anthropic's message, whose answer is one of Bedrock's.
    Message(Operation),
}

impl<'a> Sent<'a> {
    /// A call for a model of a server, in a tier.
    pub(crate) fn of(came: &Came<'a>, server: &Server, served: &Served, tier: ServiceTier) -> Result<Self, Refusal> {
        let mut head = http::Request::new(()).into_parts().0;
        head.method = Method::POST;
        let (as_what, path, body, most) = match (served.api, came.passed) {
            (Api::Anthropic, _) => {
                let message = Messages::of(came.operation, came.parts, &came.body, &served.model)?;
                let most = message.most(&served.tariff);
                head.headers = message.headers;
                (As::Message(came.operation), messages::PATH, message.body, most)
            }
            (Api::OpenAi, Some(passed)) => {
                let body = passed.body(served, tier)?;
                let most = passed.most(&body, &served.tariff, tier);
                (As::Passed(passed), passed.path, body, most)
            }
            (Api::OpenAi, None) => return Err(Refusal::failed("a call of Bedrock's runtime came to a server of OpenAI's API")),
        };
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let path = format!("{}{path}", server.path(served.api));
        Ok(Self { as_what, head, path, body, most, began: Instant::now() })
    }

    /// What the books call it.
    pub(crate) fn operation(&self) -> &'static str {
        match self.as_what {
            As::Passed(passed) => passed.operation(),
            As::Message(_) => messages::OPERATION,
        }
    }

    /// Whether the gateway has chosen the tier.
    pub(crate) fn chooses(&self) -> bool {
        matches!(self.as_what, As::Passed(passed) if passed.chooses())
    }

    /// A refusal of the gateway's own.
    pub(crate) fn refused(&self, refusal: &Refusal) -> Response<Body> {
        refusal.of_api(match self.as_what {
            As::Passed(_) => Api::OpenAi,
            As::Message(_) => Api::Anthropic,
        })
    }

    /// What a whole answer used.
    pub(crate) fn metered(&self, whole: &[u8]) -> Meter {
        match self.as_what {
            As::Passed(_) => metered(whole),
            // The tiers that Anthropic's API names are its own.
            As::Message(_) => Meter { tier: None, ..Meter::of_answer(&HeaderMap::new(), whole) },
        }
    }

    /// The answer that is a stream.
    pub(crate) fn stream(
        &self,
        gateway: &Gateway,
        (head, incoming): (&http::response::Parts, Coming),
        served: std::sync::Arc<Served>,
        open: Open,
    ) -> Response<Body> {
        let mut response = Response::new(Body::Whole(None));
        let body = match self.as_what {
            As::Passed(passed) => {
                passed_back(&head.headers, response.headers_mut());
                let events = Events::new(passed.shows_usage, passed.n);
                Body::Relayed(Box::new(Relayed::new(incoming, events, served, open, gateway.idle_max())))
            }
            As::Message(operation) => {
                upstream::passed_back(&head.headers, response.headers_mut());
                messages::stream_headers(response.headers_mut());
                let framed = Framed::new(incoming, operation.is_converse(), self.began);
                let (framed, frames) = (Coming::InProcess(framed.boxed_unsync()), Frames::new(&HeaderMap::new()));
                Body::Stream(Box::new(Metered::new(framed, frames, open, gateway.idle_max())))
            }
        };
        *response.body_mut() = body;
        response
    }

    /// The answer that is none.
    pub(crate) fn whole(&self, head: &http::response::Parts, whole: Bytes) -> Result<Response<Body>, Refusal> {
        let mut response = Response::new(Body::Whole(None));
        *response.status_mut() = head.status;
        let whole = match self.as_what {
            As::Passed(_) => {
                passed_back(&head.headers, response.headers_mut());
                whole
            }
            As::Message(_) if !head.status.is_success() => return Ok(messages::refusal(head.status, &whole).response()),
            As::Message(operation) => {
                upstream::passed_back(&head.headers, response.headers_mut());
                let latency_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
                let usage = self.metered(&whole).usage;
                if let Some(usage) = usage.filter(|_| !operation.is_converse()) {
                    messages::counts(&usage, latency_ms, response.headers_mut());
                }
                let unreadable = || Refusal::lost("The model answered in a shape that cannot be carried over.");
                messages::answer(operation, whole, usage, latency_ms).ok_or_else(unreadable)?
            }
        };
        *response.body_mut() = Body::Whole(Some(whole));
        Ok(response)
    }
}

//! Chat completions over Converse and ConverseStream.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response};
use laneshift_aws::sigv4::sha256_hex;
use laneshift_bedrock::Operation;
use laneshift_dialect::{Answers, ChatCall};
use serde_json::{Map, Value, json};

use super::{as_bedrock, as_refused};
use crate::body::Body;
use crate::gateway::{Caller, Gateway};
use crate::later;
use crate::refusal::Refusal;
use crate::runtime::Asked;

/// The tier that is the batch lane.
const BATCH: &str = "batch";

/// A tier by OpenAI's name: `None` says that the gateway chooses.
fn tier(name: Option<&str>) -> Result<Option<&str>, Refusal> {
    match name {
        // OpenAI's own word for no preference; its `default` is one.
        None | Some("auto" | BATCH) => Ok(None),
        Some(known @ ("default" | "flex" | "priority")) => Ok(Some(known)),
        Some(_) => Err(Refusal::validation("body.service_tier is not auto, default, flex, priority or batch")),
    }
}

impl Gateway {
    pub(super) async fn chat(&self, caller: &Caller<'_>, parts: &Parts, body: &Bytes) -> Result<Response<Body>, Refusal> {
        let passed = self.passed(body, "/chat/completions")?;
        if let Some(passed) = &passed
            && (self.live().bedrock_named(&passed.name).is_none() || self.live().target(caller.region).is_none())
        {
            if later::is_wanted(&parts.headers) || passed.tier.as_deref() == Some(BATCH) {
                return Err(Refusal::validation(format!("{} is answered on demand only.", passed.name)));
            }
            tier(passed.tier.as_deref())?;
            return self.serve(caller, parts, body, passed).await;
        }
        let call = ChatCall::read(body).map_err(Refusal::validation)?;
        let model = self.model_named(&call.model)?;
        let waits = call.service_tier.as_deref() == Some(BATCH);
        if waits || later::is_wanted(&parts.headers) {
            return self.chat_later(caller, parts, (&model, call.metadata), body, waits).await;
        }
        let tier = tier(call.service_tier.as_deref())?.map(str::to_owned);
        let operation = if call.stream { Operation::ConverseStream } else { Operation::Converse };
        let answers = Answers { id: self.id(), model: call.model.clone(), created_s: self.now().0.div_euclid(1_000) };
        let (include_usage, head) = (call.include_usage, as_bedrock(parts, &model, operation)?);
        let converse = Bytes::from(call.converse(tier.as_deref()));
        let hash = sha256_hex(&converse);
        let target = self.target(caller.region)?;
        let what = (&*model, operation);
        let mut response = match &passed {
            Some(passed) => {
                let answered = self.among((what, target), caller, &head, (converse, &hash), (passed, body)).await?;
                if answered.served {
                    return Ok(answered.response);
                }
                answered.response
            }
            None => self.run(what, caller, target, &head, (converse, &hash)).await?,
        };
        let kind = match response.body_mut() {
            Body::Whole(whole) => {
                let answer = whole.take().unwrap_or_default();
                if !response.status().is_success() {
                    return Ok(as_refused(&response, &answer));
                }
                let completion = answers.completion(&answer);
                let unreadable = || Refusal::lost("The model answered in a shape that cannot be carried over.");
                *response.body_mut() = Body::Whole(Some(completion.ok_or_else(unreadable)?.into()));
                "application/json"
            }
            Body::Stream(stream) => {
                stream.translate(answers.stream(include_usage));
                response.headers_mut().insert("cache-control", HeaderValue::from_static("no-cache"));
                "text/event-stream; charset=utf-8"
            }
            Body::Relayed(_) | Body::File(..) => return Ok(response),
        };
        response.headers_mut().insert("content-type", HeaderValue::from_static(kind));
        Ok(response)
    }

    /// Accepts a completion that can wait: until its deadline, or a day where only its tier says so.
    async fn chat_later(
        &self,
        caller: &Caller<'_>,
        parts: &Parts,
        (model, metadata): (&str, Map<String, Value>),
        body: &[u8],
        waits: bool,
    ) -> Result<Response<Body>, Refusal> {
        let target = self.target(caller.region)?;
        let asked = Asked::with(metadata);
        let ask = self.ask(&asked, (model, Operation::Converse), &caller.key, target, (&parts.headers, body.len(), None));
        let due = self.rules().terms(&ask, self.now())?.due.or_else(|| waits.then(|| later::in_a_day(self.now())));
        let later = self.later_in(caller.region)?;
        let most = self.most_later(later, model, body);
        let mut body: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| Refusal::validation("The body is no JSON object."))?;
        body.remove("stream_options");
        let line = json!({ "custom_id": "one", "method": "POST", "url": "/v1/chat/completions", "body": body });
        let (single, due) = self.single(later, &line, model, &caller.key, &parts.headers, due)?;
        self.accept_single(later, single, due, (&caller.key, most)).await
    }
}

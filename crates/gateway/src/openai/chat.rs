//! Chat completions over Converse and ConverseStream, or passed on to a server of OpenAI's API.

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
        let beside = passed
            .as_ref()
            .filter(|passed| self.live().bedrock_named(&passed.name).is_none() || self.live().target(caller.region).is_none());
        if let Some(passed) = beside {
            if later::is_wanted(&parts.headers) || passed.tier.as_deref() == Some(BATCH) {
                return Err(Refusal::validation(format!("{} is answered on demand only.", passed.name)));
            }
            tier(passed.tier.as_deref())?;
            if !self.live().is_claude(&passed.name) {
                return self.serve(caller, parts, body, passed).await;
            }
        }
        let call = ChatCall::read(body).map_err(Refusal::validation)?;
        let model = if beside.is_some() { call.model.clone() } else { self.model_named(&call.model)? };
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
        let target = if beside.is_some() { None } else { Some(self.target(caller.region)?) };
        let mut response = match (&passed, target) {
            (None, Some(target)) => self.run((&model, operation), caller, target, &head, (converse, &hash)).await?,
            _ => {
                let what = (&*answers.model, &*model, operation);
                let answered = self.among(what, target, caller, &head, (converse, &hash), passed.as_ref()).await?;
                if answered.is_openais {
                    return Ok(answered.response);
                }
                answered.response
            }
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
        let place = (&*target.region, &*target.account);
        let ask = self.ask(&asked, (model, Operation::Converse), &caller.key, place, (&parts.headers, body.len(), None));
        let due = self.rules().terms(&ask, self.now())?.due.or_else(|| waits.then(|| later::in_a_day(self.now())));
        let later = self.later_in(caller.region)?;
        let most = self.most_later(later, model, body);
        let mut body: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| Refusal::validation("The body is no JSON object."))?;
        body.remove("stream_options");
        let line = json!({ "custom_id": "one", "method": "POST", "url": "/v1/chat/completions", "body": body });
        let workload = self.rules().workload(&asked.metadata, &caller.key);
        let single = self.single(later, &line, model, &caller.key, &parts.headers, (due, workload))?;
        self.accept_single(later, single, (&caller.key, most)).await
    }
}

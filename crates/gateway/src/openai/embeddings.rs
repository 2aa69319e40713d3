//! Embeddings over InvokeModel: as many calls as the model needs for the texts, a few at a time.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::Response;
use http::request::Parts;
use laneshift_aws::sigv4::sha256_hex;
use laneshift_bedrock::Operation;
use laneshift_dialect::EmbeddingsCall;

use super::{as_bedrock, as_refused};
use crate::body::Body;
use crate::gateway::{Caller, Gateway, json_bytes};
use crate::meter::Meter;
use crate::refusal::Refusal;

/// Calls of one request at one time.
const CALLS_MAX: usize = 8;
/// Texts of one request: as many as OpenAI takes.
const TEXTS_MAX: usize = 2_048;

/// One call's answer, or what Bedrock said instead.
enum Part {
    Answer(Bytes, u64),
    Refused(Box<Response<Body>>),
}

impl Gateway {
    pub(super) async fn embeddings(&self, caller: &Caller<'_>, parts: &Parts, body: &Bytes) -> Result<Response<Body>, Refusal> {
        if let Some(passed) = self.passed(body, "/embeddings")?
            && self.live().bedrock_named(&passed.name).is_none()
        {
            return self.serve(caller, parts, body, &passed).await;
        }
        let call = EmbeddingsCall::read(body).map_err(Refusal::validation)?;
        let model = self.model_named(&call.model)?;
        let bodies = call.bodies(&model).map_err(Refusal::validation)?;
        if bodies.len() > TEXTS_MAX {
            return Err(Refusal::validation(format!("body.input has more than {TEXTS_MAX} texts")));
        }
        let (head, target) = (as_bedrock(parts, &model, Operation::InvokeModel)?, self.target(caller.region)?);
        let one = async |body: String| {
            let body = Bytes::from(body);
            let hash = sha256_hex(&body);
            let what = (&*model, Operation::InvokeModel);
            let mut response = self.run(what, caller, target, &head, (body, &hash)).await?;
            let answer = match response.body_mut() {
                Body::Whole(whole) => whole.take().unwrap_or_default(),
                Body::Stream(_) | Body::Relayed(_) | Body::File(..) => Bytes::new(),
            };
            if !response.status().is_success() {
                return Ok::<_, Refusal>(Part::Refused(Box::new(as_refused(&response, &answer))));
            }
            let tokens = Meter::of_answer(response.headers(), &answer).usage.map_or(0, |usage| usage.input.0);
            Ok(Part::Answer(answer, tokens))
        };
        let parts: Vec<Part> = stream::iter(bodies).map(one).buffered(CALLS_MAX).try_collect().await?;
        let (mut answers, mut tokens) = (Vec::new(), 0);
        for part in parts {
            match part {
                Part::Answer(answer, more) => {
                    answers.push(answer);
                    tokens += more;
                }
                Part::Refused(response) => return Ok(*response),
            }
        }
        let unreadable = || Refusal::lost("The model answered in a shape that cannot be carried over.");
        Ok(json_bytes(call.list(&answers, tokens).ok_or_else(unreadable)?))
    }
}

//! The four operations that run a model.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use laneshift_bedrock::Operation;
use laneshift_provider::answer::{Answer, Counted, converse_events, invoke_chunks, write_converse, write_invoke};
use laneshift_provider::cache::Cached;
use laneshift_provider::event::{Event, LogLine};
use laneshift_provider::faults::Fault;
use laneshift_provider::refusal::{Kind, Refusal};
use laneshift_provider::toy::{self, ToldError};
use laneshift_provider::world::{CallInput, Prepared, usage};
use laneshift_units::{Timestamp, Usage};
use serde_json::{Value, json};

use super::{Struck, mantle, reply, stream};
use crate::body::Body;
use crate::call::{Call, Mantle};
use crate::clock::real_sleep;
use crate::emulator::Emulator;
use crate::logs;

/// The made-up speed of the toy model, for the latencies that answers report.
const FIRST_BYTE_MS: u64 = 180;
const INPUT_TOKENS_PER_MS: u64 = 20;
const MS_PER_OUTPUT_TOKEN: u64 = 8;

/// Logs a refusal, where logging is on.
pub(super) fn log_refusal(emulator: &Emulator, call: &Call, operation: Operation, kind: Kind) -> Result<(), Refusal> {
    let Some(log) = logs::refused(&emulator.inner, call, operation, kind) else { return Ok(()) };
    let (account, region) = (call.caller.account.clone(), call.caller.region.clone());
    let at_ms = emulator.inner.clock.now().0;
    emulator.inner.commit(&[Event::Logged { account, region, at_ms, log: Box::new(log) }])?;
    emulator.wake_for_logs(&call.caller.account, &call.caller.region);
    Ok(())
}

/// Runs a model, or refuses.
pub(super) async fn run(
    emulator: &Emulator,
    call: &Call,
    operation: Operation,
    struck: &Struck,
) -> Result<Response<Body>, Refusal> {
    let inner = &emulator.inner;
    let model_id = call.uri("modelId");
    let resolved = inner.state().world.directory().resolve(model_id, &call.caller.account, &call.caller.region)?;
    // Every model of bedrock-mantle is called there in the region, by its own id.
    let resolved = if call.mantle.is_some() { resolved } else { resolved.on_demand(model_id)? };
    let prepared = Prepared::read(
        resolved,
        &CallInput {
            operation,
            json: &call.params.body,
            bytes: &call.bytes,
            tier: call.header("x-amzn-bedrock-service-tier"),
            latency: call.header("x-amzn-bedrock-performanceconfig-latency"),
            metadata: call.header("x-amzn-bedrock-request-metadata"),
        },
    )?;
    let begin = inner.clock.now();
    let cached = inner.state().world.admit(&prepared, &call.caller, begin)?;
    let answer = match answer(emulator, &prepared).await {
        Ok(answer) => answer,
        Err(refusal) => {
            inner.state().world.settle(&prepared, &call.caller, &Usage::default());
            return Err(refusal);
        }
    };
    if answer.slow_ms > 0 {
        real_sleep(inner.clock.real_length(answer.slow_ms)).await;
    }
    let total_includes_cache = inner.state().world.settings.switches.total_tokens_include_cache;
    let served = Served { total_includes_cache, ..Served::new(call, prepared, cached, answer, inner.clock.now()) };
    let (response, log_body) = served.response(struck);
    let log = logs::served(inner, call, &served.prepared, &served.usage, &log_body);
    let logged = log.is_some();
    served.book(emulator, call, log)?;
    if logged {
        emulator.wake_for_logs(&call.caller.account, &call.caller.region);
    }
    Ok(response)
}

async fn answer(emulator: &Emulator, prepared: &Prepared) -> Result<Answer, Refusal> {
    if let Some(told) = toy::told_error(&prepared.ask) {
        let kind = match told {
            ToldError::Throttling => Kind::Throttling,
            ToldError::Unavailable => Kind::ServiceUnavailable,
            ToldError::Model => Kind::ModelError,
            ToldError::Timeout => Kind::ModelTimeout,
            ToldError::Internal => Kind::InternalServer,
        };
        return Err(Refusal::new(kind, "The toy model was told to fail."));
    }
    match &emulator.inner.upstream {
        // Embeddings have no counterpart in a chat.
        Some(upstream) if prepared.ask.embedding.is_none() => {
            let answered = upstream.answer(prepared.resolved.model, &prepared.ask).await;
            answered.map_err(|why| Refusal::new(Kind::ModelError, why))
        }
        _ => Ok(toy::answer(prepared.resolved.model, &prepared.ask)),
    }
}

/// An answered call on its way out.
struct Served<'a> {
    prepared: Prepared,
    cached: Cached,
    answer: Answer,
    usage: Usage,
    total_includes_cache: bool,
    at: Timestamp,
    latency_ms: u64,
    first_byte_ms: u64,
    request_id: &'a str,
    mantle: Option<Mantle>,
}

impl<'a> Served<'a> {
    fn new(call: &'a Call, prepared: Prepared, cached: Cached, answer: Answer, at: Timestamp) -> Self {
        let usage = usage(&prepared.ask, &cached, &answer);
        let first_byte_ms = FIRST_BYTE_MS + prepared.ask.input_tokens() / INPUT_TOKENS_PER_MS + answer.slow_ms;
        let latency_ms = first_byte_ms + answer.output_tokens * MS_PER_OUTPUT_TOKEN;
        let (request_id, mantle, total_includes_cache) = (&*call.request_id, call.mantle, true);
        Self { prepared, cached, answer, usage, total_includes_cache, at, latency_ms, first_byte_ms, request_id, mantle }
    }

    fn counted(&self) -> Counted<'_> {
        Counted {
            usage: self.usage,
            tier: self.prepared.tier,
            latency_optimized: self.prepared.latency_optimized,
            total_includes_cache: self.total_includes_cache,
            latency_ms: self.latency_ms,
            first_byte_ms: self.first_byte_ms,
            request_id: self.request_id,
            at: self.at,
        }
    }

    /// The answer, and what the log says of its body.
    fn response(&self, struck: &Struck) -> (Response<Body>, Value) {
        let Self { prepared: Prepared { ask, resolved, operation, .. }, answer, .. } = self;
        let counted = self.counted();
        match operation {
            Operation::Converse => {
                let body = write_converse(answer, &counted);
                (reply::json(200, &body), body)
            }
            Operation::InvokeModel => {
                let body = write_invoke(resolved.model, ask, answer, &counted);
                let mut response = reply::json(200, &body);
                self.native_headers(&mut response);
                (response, body)
            }
            Operation::ConverseStream => {
                let events = converse_events(answer, &counted);
                let log = events.iter().map(|(member, payload)| json!({ *member: payload })).collect();
                let frames = events.iter().map(|(member, payload)| stream::event(member, payload)).collect();
                (stream::response(broken(frames, struck)), log)
            }
            Operation::InvokeModelWithResponseStream => {
                let chunks = invoke_chunks(resolved.model, ask, answer, &counted);
                if let Some(api) = self.mantle {
                    return (mantle::events(api, chunks, struck.get(Fault::BrokenStream).is_some()), Value::Null);
                }
                let frames = chunks.iter().map(|chunk| {
                    let bytes = STANDARD.encode(chunk.to_string());
                    stream::event("chunk", &json!({ "bytes": bytes }))
                });
                let mut response = stream::response(broken(frames.collect(), struck));
                reply::set(&mut response, "x-amzn-bedrock-content-type", "application/json");
                self.tier_headers(&mut response);
                (response, Value::Array(chunks))
            }
        }
    }

    /// What InvokeModel says in headers, because the body is the model's own.
    fn native_headers(&self, response: &mut Response<Body>) {
        let counts = [
            ("x-amzn-bedrock-invocation-latency", self.latency_ms),
            ("x-amzn-bedrock-input-token-count", self.usage.input.0),
            ("x-amzn-bedrock-output-token-count", self.usage.output.0),
            ("x-amzn-bedrock-cache-read-input-token-count", self.usage.cache_read.0),
            ("x-amzn-bedrock-cache-write-input-token-count", self.usage.cache_write_5m.0 + self.usage.cache_write_1h.0),
        ];
        for (name, count) in counts {
            reply::set(response, name, &count.to_string());
        }
        self.tier_headers(response);
    }

    /// What served, of whole answers and of streams.
    fn tier_headers(&self, response: &mut Response<Body>) {
        reply::set(response, "x-amzn-bedrock-service-tier", self.prepared.tier.name());
        let latency = if self.prepared.latency_optimized { "optimized" } else { "standard" };
        reply::set(response, "x-amzn-bedrock-performanceconfig-latency", latency);
    }

    /// Booked before the answer leaves: what a client has seen is on the bill.
    fn book(&self, emulator: &Emulator, call: &Call, log: Option<LogLine>) -> Result<(), Refusal> {
        let called = self.prepared.called(&call.caller, &self.usage, &self.cached, log, self.at);
        let mut state = emulator.inner.state();
        state.world.settle(&self.prepared, &call.caller, &self.usage);
        let committed = state.commit(&[Event::Called(Box::new(called))]);
        committed.map_err(|e| Refusal::new(Kind::InternalServer, format!("The journal could not be written: {e}")))
    }
}

/// Cuts a stream after its first half, where a fault says so. The tokens are billed all the same.
fn broken(mut frames: Vec<Bytes>, struck: &Struck) -> Vec<Bytes> {
    if let Some(strike) = struck.get(Fault::BrokenStream) {
        frames.truncate(frames.len().div_ceil(2));
        let kind = Kind::parse(&strike.error).unwrap_or(Kind::ServiceUnavailable);
        frames.push(stream::exception(&Refusal::new(kind, "The stream was cut on purpose.")));
    }
    frames
}

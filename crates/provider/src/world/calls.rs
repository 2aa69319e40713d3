//! On-demand calls: what is checked before an answer is made, and what is booked after.

use laneshift_units::{Profile, QuotaTokens, ServiceTier, Timestamp, Tokens, Usage};
use serde_json::{Map, Value};

use super::{Caller, World};
use crate::admission::{PerMinute, Scope, used};
use crate::answer::Answer;
use crate::ask::{self, Ask};
use crate::cache::Cached;
use crate::event::{Called, LogLine};
use crate::models::{Family, Model};
use crate::quotas;
use crate::refusal::Refusal;
use crate::resolve::Resolved;
use laneshift_bedrock::Operation;

/// Models that have a latency-optimised version.
// AWS, "Optimize model inference for latency", read 2026-11-23.
const LATENCY_OPTIMIZED: [&str; 4] = [
    "amazon.nova-pro-v1:0",
    "anthropic.claude-3-5-haiku-20241022-v1:0",
    "meta.llama3-1-70b-instruct-v1:0",
    "meta.llama3-1-405b-instruct-v1:0",
];

/// A call as it came in.
#[derive(Clone, Copy, Debug)]
pub struct CallInput<'a> {
    /// Which operation.
    pub operation: Operation,
    /// The body, read, for Converse.
    pub json: &'a Value,
    /// The body, as it came.
    pub bytes: &'a [u8],
    /// Header `X-Amzn-Bedrock-Service-Tier`.
    pub tier: Option<&'a str>,
    /// Header `X-Amzn-Bedrock-PerformanceConfig-Latency`.
    pub latency: Option<&'a str>,
    /// Header `X-Amzn-Bedrock-Request-Metadata`.
    pub metadata: Option<&'a str>,
}

/// A call that can be admitted.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Which operation.
    pub operation: Operation,
    /// The model and how it was named.
    pub resolved: Resolved,
    /// The request.
    pub ask: Ask,
    /// The tier that serves.
    pub tier: ServiceTier,
    /// Whether the latency-optimised version serves.
    pub latency_optimized: bool,
    /// `requestMetadata`, for the log.
    pub metadata: Option<Map<String, Value>>,
}

impl Prepared {
    /// Reads and checks a call.
    ///
    /// # Errors
    /// ValidationException.
    pub fn read(resolved: Resolved, input: &CallInput<'_>) -> Result<Self, Refusal> {
        let model = resolved.model;
        let converse = input.operation.is_converse();
        if converse && model.family == Family::TitanEmbed {
            return Err(Refusal::validation(
                "This action doesn't support the model that you provided. Try again with a supported text or chat model.",
            ));
        }
        if input.operation.streams() && !model.streaming {
            return Err(Refusal::validation("The model is unsupported for streaming"));
        }
        let ask = if converse { ask::read_converse(model, input.json) } else { ask::read_invoke(model, input.bytes) };
        let ask = ask.map_err(|refused| Refusal::validation(refused.message))?;
        let asked = match input.tier {
            Some(text) => ServiceTier::parse(text).ok_or_else(|| {
                Refusal::validation(format!("Invalid service tier: {text}. Use one of priority, default, flex, reserved."))
            })?,
            None => ask.tier.unwrap_or_default(),
        };
        let latency = if converse { input.json["performanceConfig"]["latency"].as_str() } else { input.latency };
        Ok(Self {
            operation: input.operation,
            tier: served(model, asked)?,
            latency_optimized: optimized(&resolved, latency)?,
            metadata: metadata(input)?,
            ask,
            resolved,
        })
    }

    /// Tokens that admission reserves: input plus the most that may come out.
    pub fn reserve(&self) -> QuotaTokens {
        QuotaTokens(self.ask.input_tokens() + self.ask.max_tokens)
    }

    /// What a served call is booked as.
    pub fn called(&self, caller: &Caller, usage: &Usage, cached: &Cached, log: Option<LogLine>, at: Timestamp) -> Called {
        let provisioned = self.resolved.provisioned.as_ref();
        Called {
            at_ms: at.0,
            account: caller.account.clone(),
            region: caller.region.clone(),
            principal: caller.principal.clone(),
            model: self.resolved.model.id.clone(),
            profile: self.resolved.profile.name().to_owned(),
            tier: self.tier.name().to_owned(),
            latency_optimized: self.latency_optimized,
            streaming: self.operation.streams(),
            resource: provisioned
                .map(|p| p.arn.clone())
                .or_else(|| self.resolved.application_profile.clone())
                .unwrap_or_default(),
            provisioned: provisioned.is_some(),
            tokens: [usage.input.0, usage.output.0, usage.cache_read.0, usage.cache_write_5m.0, usage.cache_write_1h.0],
            cache: cached.writes.clone(),
            log: log.map(Box::new),
        }
    }
}

/// The tier that serves what was asked for. Without a reservation the reserved tier spills to standard.
fn served(model: &Model, asked: ServiceTier) -> Result<ServiceTier, Refusal> {
    match asked {
        ServiceTier::Default | ServiceTier::Reserved => Ok(ServiceTier::Default),
        tier if model.sells(tier) => Ok(tier),
        // UNVERIFIED: AWS does not document what an unsupported tier answers.
        tier => {
            Err(Refusal::validation(format!("The service tier {} is not supported for the model {}.", tier.name(), model.id)))
        }
    }
}

fn optimized(resolved: &Resolved, latency: Option<&str>) -> Result<bool, Refusal> {
    if latency != Some("optimized") {
        return Ok(false);
    }
    if !LATENCY_OPTIMIZED.contains(&resolved.model.id.as_str()) || resolved.profile == Profile::InRegion {
        let text = format!("Latency performance configuration is not supported for {}", resolved.model.id);
        return Err(Refusal::validation(text));
    }
    Ok(true)
}

fn metadata(input: &CallInput<'_>) -> Result<Option<Map<String, Value>>, Refusal> {
    if input.operation.is_converse() {
        return Ok(input.json["requestMetadata"].as_object().cloned());
    }
    let Some(text) = input.metadata else { return Ok(None) };
    let parsed: Result<Map<String, Value>, _> = serde_json::from_str(text);
    parsed.map(Some).map_err(|_| Refusal::validation("X-Amzn-Bedrock-Request-Metadata is not a JSON object."))
}

fn cache_scope(caller: &Caller, model: &Model) -> String {
    format!("{}|{}|{}", caller.account, caller.region, model.id)
}

impl World {
    fn limit(&self, call: &Prepared) -> (PerMinute, &'static str) {
        match &call.resolved.provisioned {
            Some(unit) => (PerMinute { tokens: unit.tokens_per_minute, requests: u64::from(u32::MAX) }, "Provisioned"),
            None => {
                let Resolved { model, profile, .. } = &call.resolved;
                (quotas::per_minute(&self.settings, model, profile), quotas::admission_kind(profile))
            }
        }
    }

    fn scope(call: &Prepared, caller: &Caller, kind: &'static str) -> Scope {
        let model = call.resolved.provisioned.as_ref().map_or(&call.resolved.model.id, |p| &p.arn).clone();
        Scope { account: caller.account.clone(), region: caller.region.clone(), model, kind }
    }

    /// Admits a call and looks its prompt up in the cache.
    ///
    /// # Errors
    /// ThrottlingException.
    pub fn admit(&mut self, call: &Prepared, caller: &Caller, now: Timestamp) -> Result<Cached, Refusal> {
        let (limit, kind) = self.limit(call);
        self.admission.admit(&Self::scope(call, caller, kind), limit, call.reserve(), now)?;
        // AWS, "Prompt caching": on-demand inference endpoints only. Read 2026-11-23.
        if call.ask.checkpoints.is_empty() || call.resolved.provisioned.is_some() {
            return Ok(Cached::default());
        }
        Ok(self.cache.lookup(&cache_scope(caller, call.resolved.model), call.resolved.model, &call.ask, now))
    }

    /// Gives back what a call reserved and did not use.
    pub fn settle(&mut self, call: &Prepared, caller: &Caller, usage: &Usage) {
        let (_, kind) = self.limit(call);
        let burndown = call.resolved.model.output_burndown;
        self.admission.settle(&Self::scope(call, caller, kind), call.reserve(), used(usage, burndown));
    }
}

/// The tokens of an answered call, by class.
pub fn usage(ask: &Ask, cached: &Cached, answer: &Answer) -> Usage {
    let from_cache = cached.read + cached.write_5m + cached.write_1h;
    Usage {
        input: Tokens(ask.input_tokens() - from_cache),
        output: Tokens(answer.output_tokens),
        cache_read: Tokens(cached.read),
        cache_write_5m: Tokens(cached.write_5m),
        cache_write_1h: Tokens(cached.write_1h),
    }
}

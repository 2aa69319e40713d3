//! The answer's body: usage, latency and tier, of every model family, whole or as stream events.

use std::fmt;

use laneshift_units::{ServiceTier, Tokens, Usage};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::input_body::Tier;
use super::text::Text;

/// What an answer says that it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metered {
    /// Its tokens; `None` when it names none.
    pub usage: Option<Usage>,
    /// The tier that served it, where it says.
    pub tier: Option<ServiceTier>,
}

/// Reads the body of an answer of any family, or an event of a streamed one.
pub fn metered(json: &[u8]) -> Metered {
    let body: OutputBody = serde_json::from_slice(json).unwrap_or_default();
    let counted = body.input.is_some() || body.output.is_some();
    let write = body.cache_write.unwrap_or(0);
    let hour = body.cache_write_1h.unwrap_or(0).min(write);
    let usage = Usage {
        input: Tokens(body.input.unwrap_or(0)),
        output: Tokens(body.output.unwrap_or(0)),
        cache_read: Tokens(body.cache_read.unwrap_or(0)),
        cache_write_5m: Tokens(write - hour),
        cache_write_1h: Tokens(hour),
    };
    Metered { usage: counted.then_some(usage), tier: body.service_tier.as_deref().and_then(ServiceTier::parse) }
}

/// What an answer's body shows; counts that stand in several places are taken once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct OutputBody {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cache_read: Option<u64>,
    pub(super) cache_write: Option<u64>,
    pub(super) cache_write_1h: Option<u64>,
    pub(super) latency_ms: Option<u64>,
    pub(super) service_tier: Option<String>,
    pub(super) blocked: bool,
}

impl OutputBody {
    fn add_usage(&mut self, usage: Counts) {
        for (mine, theirs) in [
            (&mut self.input, usage.input),
            (&mut self.output, usage.output),
            (&mut self.cache_read, usage.cache_read),
            (&mut self.cache_write, usage.cache_write),
            (&mut self.cache_write_1h, usage.cache_write_1h),
        ] {
            // A stream repeats counts as they grow: the last word is the greatest.
            *mine = (*mine).max(theirs);
        }
    }

    fn add_stop_reason(&mut self, reason: &str) {
        self.blocked |= reason == "guardrail_intervened";
    }
}

impl<'de> Deserialize<'de> for OutputBody {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut out = Self::default();
        d.deserialize_any(Into(&mut out))?;
        Ok(out)
    }
}

/// Reads a body, or each event of a streamed one, into the same place.
struct Into<'a>(&'a mut OutputBody);

impl<'de> serde::de::DeserializeSeed<'de> for Into<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer's body")
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Into(self.0))?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let out = self.0;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.as_str() {
                "usage" => out.add_usage(map.next_value()?),
                "metrics" => out.latency_ms = out.latency_ms.max(map.next_value::<Metrics>()?.latency_ms),
                "amazon-bedrock-invocationMetrics" => {
                    let metrics: StreamMetrics = map.next_value()?;
                    out.latency_ms = out.latency_ms.max(metrics.latency_ms);
                    out.add_usage(metrics.counts);
                }
                "amazon-bedrock-guardrailAction" => out.blocked |= map.next_value::<Text<'de>>()?.as_str() == "INTERVENED",
                "stopReason" | "stop_reason" => out.add_stop_reason(map.next_value::<Text<'de>>()?.as_str()),
                "serviceTier" | "service_tier" => out.service_tier = map.next_value::<Tier>()?.0.or(out.service_tier.take()),
                // Events of a stream: Claude's message_start, ConverseStream's metadata and messageStop.
                "message" | "metadata" | "messageStop" => map.next_value_seed(Into(out))?,
                // Llama; Titan and Cohere embeddings.
                "prompt_token_count" | "inputTextTokenCount" => out.input = out.input.max(map.next_value()?),
                "generation_token_count" => out.output = out.output.max(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(rename = "latencyMs")]
    latency_ms: Option<u64>,
}

struct StreamMetrics {
    latency_ms: Option<u64>,
    counts: Counts,
}

/// Token counts in any family's spelling.
#[derive(Default)]
struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    cache_write_1h: Option<u64>,
}

impl Counts {
    /// Takes one entry; says whether the key was known.
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "input_tokens" | "inputTokens" | "inputTokenCount" | "prompt_tokens" => self.input = map.next_value()?,
            "output_tokens" | "outputTokens" | "outputTokenCount" | "completion_tokens" => self.output = map.next_value()?,
            "cache_read_input_tokens" | "cacheReadInputTokens" | "cacheReadInputTokenCount" => {
                self.cache_read = map.next_value()?;
            }
            "cache_creation_input_tokens" | "cacheWriteInputTokens" | "cacheWriteInputTokenCount" => {
                self.cache_write = map.next_value()?;
            }
            "cache_creation" => self.cache_write_1h = map.next_value::<CacheCreation>()?.one_hour,
            "cacheDetails" => {
                let details: Vec<CacheDetail<'de>> = map.next_value()?;
                let hour: u64 = details.iter().filter(|d| d.ttl.as_str() == "1h").map(|d| d.input_tokens).sum();
                self.cache_write_1h = Some(hour);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[derive(Deserialize)]
struct CacheCreation {
    #[serde(rename = "ephemeral_1h_input_tokens")]
    one_hour: Option<u64>,
}

#[derive(Deserialize)]
struct CacheDetail<'a> {
    #[serde(borrow, default)]
    ttl: Text<'a>,
    #[serde(rename = "inputTokens", default)]
    input_tokens: u64,
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(StreamMetrics::deserialize(d)?.counts)
    }
}

impl<'de> Deserialize<'de> for StreamMetrics {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct CountsVisitor;
        impl<'de> Visitor<'de> for CountsVisitor {
            type Value = StreamMetrics;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("token counts")
            }
            fn visit_unit<E: Error>(self) -> Result<StreamMetrics, E> {
                Ok(StreamMetrics { latency_ms: None, counts: Counts::default() })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StreamMetrics, A::Error> {
                let mut out = StreamMetrics { latency_ms: None, counts: Counts::default() };
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    if key.as_str() == "invocationLatency" {
                        out.latency_ms = map.next_value()?;
                    } else if !out.counts.take(key.as_str(), &mut map)? {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(out)
            }
        }
        d.deserialize_any(CountsVisitor)
    }
}

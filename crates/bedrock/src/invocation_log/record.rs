//! One record of the log, from wire to what an audit needs.

use std::borrow::Cow;
use std::fmt;

use laneshift_units::{ServiceTier, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::input_body::{BodyTraits, InputBody};
use super::output_body::OutputBody;
use super::text::{Text, TextMap};

/// One call of a model, without any text of its prompt or answer.
#[derive(Clone, Debug)]
pub struct Invocation<'a> {
    /// When it was made, to the second.
    pub at: Timestamp,
    /// Account.
    pub account: Cow<'a, str>,
    /// Region called.
    pub region: Cow<'a, str>,
    /// Request id; empty if absent.
    pub request_id: Cow<'a, str>,
    /// AWS's operation name.
    pub operation: Cow<'a, str>,
    /// Model id or ARN as called.
    pub model_id: Cow<'a, str>,
    /// Caller; empty if absent.
    pub identity_arn: Cow<'a, str>,
    /// `requestMetadata`, in its order.
    pub metadata: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Error code of a failed call.
    pub error_code: Option<Cow<'a, str>>,
    /// Uncached input tokens; absent is not zero.
    pub input_tokens: Option<u64>,
    /// Output tokens; absent is not zero.
    pub output_tokens: Option<u64>,
    /// Tokens read from the cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the cache, of any time to live.
    pub cache_write_tokens: u64,
    /// Of those, with one hour to live.
    pub cache_write_1h_tokens: u64,
    /// The tier that served, else the tier asked for, if either is known.
    pub service_tier: Option<ServiceTier>,
    /// Latency, where a body has it.
    pub latency_ms: Option<u64>,
    /// A guardrail stopped it.
    pub blocked: bool,
    /// What the request body shows, if it was logged in place.
    pub body: Option<BodyTraits>,
    /// Where Bedrock moved a large request body.
    pub body_s3_path: Option<Cow<'a, str>>,
    /// A body was there but had an unknown shape.
    pub body_unreadable: bool,
}

impl Invocation<'_> {
    /// Whether the answer was streamed.
    pub fn streamed(&self) -> bool {
        matches!(
            self.operation.as_ref(),
            "ConverseStream" | "InvokeModelWithResponseStream" | "InvokeModelWithBidirectionalStream"
        )
    }
}

/// Why a line is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Not JSON, or of another shape. Holds serde's category and column, never text of the line.
    Json {
        /// What kind of fault.
        what: &'static str,
        /// Column in the line.
        column: usize,
    },
    /// JSON without a field that every record has.
    Missing(&'static str),
    /// A timestamp that is no moment.
    Timestamp,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { what, column } => write!(f, "{what} at column {column}"),
            Self::Missing(field) => write!(f, "field {field} is missing"),
            Self::Timestamp => f.write_str("field timestamp is not a moment"),
        }
    }
}

impl std::error::Error for ParseError {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire<'a, I, O> {
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow)]
    account_id: Text<'a>,
    #[serde(borrow)]
    region: Text<'a>,
    #[serde(borrow)]
    request_id: Text<'a>,
    #[serde(borrow)]
    operation: Text<'a>,
    #[serde(borrow)]
    model_id: Text<'a>,
    #[serde(borrow)]
    identity: Option<Identity<'a>>,
    #[serde(borrow)]
    request_metadata: TextMap<'a>,
    #[serde(borrow)]
    error_code: Text<'a>,
    #[serde(borrow)]
    service_tier: Text<'a>,
    #[serde(borrow)]
    input: Option<Input<'a, I>>,
    output: Option<Output<O>>,
}

impl<I, O> Default for Wire<'_, I, O> {
    fn default() -> Self {
        Self {
            timestamp: Text::default(),
            account_id: Text::default(),
            region: Text::default(),
            request_id: Text::default(),
            operation: Text::default(),
            model_id: Text::default(),
            identity: None,
            request_metadata: TextMap::default(),
            error_code: Text::default(),
            service_tier: Text::default(),
            input: None,
            output: None,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Identity<'a> {
    #[serde(borrow)]
    arn: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a, I> {
    input_body_json: Option<I>,
    #[serde(borrow, default, rename = "inputBodyS3Path")]
    input_body_s3_path: Text<'a>,
    input_token_count: Option<u64>,
    #[serde(alias = "cacheReadInputTokens")]
    cache_read_input_token_count: Option<u64>,
    #[serde(alias = "cacheWriteInputTokens", alias = "cacheCreationInputTokenCount")]
    cache_write_input_token_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output<O> {
    output_body_json: Option<O>,
    output_token_count: Option<u64>,
}

/// Parses one JSON object of the log. Trailing white space is fine.
///
/// # Errors
/// [`ParseError`] without any text of the line.
pub fn parse(json: &[u8]) -> Result<Invocation<'_>, ParseError> {
    match serde_json::from_slice::<Wire<'_, InputBody, OutputBody>>(json) {
        Ok(wire) => build(wire, false),
        // A body of an unknown shape costs its traits, not the record.
        Err(error) => match serde_json::from_slice::<Wire<'_, IgnoredAny, IgnoredAny>>(json) {
            Ok(wire) => build(without_bodies(wire), true),
            Err(_) => Err(describe(&error)),
        },
    }
}

fn without_bodies<'a>(wire: Wire<'a, IgnoredAny, IgnoredAny>) -> Wire<'a, InputBody, OutputBody> {
    Wire {
        timestamp: wire.timestamp,
        account_id: wire.account_id,
        region: wire.region,
        request_id: wire.request_id,
        operation: wire.operation,
        model_id: wire.model_id,
        identity: wire.identity,
        request_metadata: wire.request_metadata,
        error_code: wire.error_code,
        service_tier: wire.service_tier,
        input: wire.input.map(|i| Input {
            input_body_json: None,
            input_body_s3_path: i.input_body_s3_path,
            input_token_count: i.input_token_count,
            cache_read_input_token_count: i.cache_read_input_token_count,
            cache_write_input_token_count: i.cache_write_input_token_count,
        }),
        output: wire.output.map(|o| Output { output_body_json: None, output_token_count: o.output_token_count }),
    }
}

fn describe(error: &serde_json::Error) -> ParseError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the JSON ends too early",
        serde_json::error::Category::Data => "not an invocation record",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON",
    };
    ParseError::Json { what, column: error.column() }
}

fn build(wire: Wire<'_, InputBody, OutputBody>, body_unreadable: bool) -> Result<Invocation<'_>, ParseError> {
    if wire.timestamp.as_str().is_empty() {
        return Err(ParseError::Missing("timestamp"));
    }
    if wire.model_id.as_str().is_empty() {
        return Err(ParseError::Missing("modelId"));
    }
    let at = Timestamp::parse(wire.timestamp.as_str()).map_err(|_| ParseError::Timestamp)?;
    let input = wire.input.unwrap_or(Input {
        input_body_json: None,
        input_body_s3_path: Text::default(),
        input_token_count: None,
        cache_read_input_token_count: None,
        cache_write_input_token_count: None,
    });
    let output = wire.output.unwrap_or(Output { output_body_json: None, output_token_count: None });
    let answer = output.output_body_json.unwrap_or_default();
    let body = input.input_body_json.map(|b| b.0);
    let non_empty = |t: Text<'_>| !t.as_str().is_empty();
    let failed = non_empty(wire.error_code.clone());
    let tier_asked = body.as_ref().and_then(|b| b.service_tier.as_deref());
    let tier_field = Some(wire.service_tier.as_str()).filter(|t| !t.is_empty());
    // The tier that served wins over the tier that was asked for.
    let service_tier = answer.service_tier.as_deref().or(tier_field).or(tier_asked).and_then(ServiceTier::parse);
    let counted = input.input_token_count.or(output.output_token_count).is_some();
    let cache_write = input.cache_write_input_token_count.or(answer.cache_write).unwrap_or(0);
    let hour_from_body = body.as_ref().is_some_and(|b| b.cache_1h) && answer.cache_write_1h.is_none();
    let cache_write_1h = answer.cache_write_1h.unwrap_or(if hour_from_body { cache_write } else { 0 });
    Ok(Invocation {
        at,
        account: wire.account_id.0,
        region: wire.region.0,
        request_id: wire.request_id.0,
        operation: wire.operation.0,
        model_id: wire.model_id.0,
        identity_arn: wire.identity.unwrap_or_default().arn.0,
        metadata: wire.request_metadata.0.into_iter().map(|(k, v)| (k.0, v.0)).collect(),
        error_code: failed.then_some(wire.error_code.0),
        // The record's own counts are the metered ones; a body's usage stands in where they are absent.
        input_tokens: input.input_token_count.or(answer.input),
        output_tokens: output.output_token_count.or(answer.output),
        cache_read_tokens: input.cache_read_input_token_count.or(answer.cache_read).unwrap_or(0),
        cache_write_tokens: cache_write,
        cache_write_1h_tokens: cache_write_1h.min(cache_write),
        service_tier,
        latency_ms: answer.latency_ms,
        blocked: answer.blocked && !counted,
        body,
        body_s3_path: non_empty(input.input_body_s3_path.clone()).then_some(input.input_body_s3_path.0),
        body_unreadable,
    })
}

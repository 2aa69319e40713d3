//! One call as the ledger keeps it: counts, names and fingerprints, without text of the prompt or the answer.
//!
//! A row borrows its names from whatever it was read from, so that reading millions of them allocates nothing.

use laneshift_units::{ServiceTier, Timestamp};

/// The request defines tools.
pub const TOOLS: u16 = 1;
/// The request names a guardrail.
pub const GUARDRAIL: u16 = 1 << 1;
/// The request sets a cache point.
pub const CACHE_POINT: u16 = 1 << 2;
/// The request asks for an answer that follows a JSON schema.
pub const STRUCTURED: u16 = 1 << 3;
/// The request asks for embeddings.
pub const EMBEDS: u16 = 1 << 4;
/// The model is named by a prompt ARN of Prompt management.
pub const PROMPT_ARN: u16 = 1 << 5;

/// The most tokens of one class that one call can have; a larger count is a broken record.
pub const TOKENS_MAX: u64 = 1 << 40;

/// One call. An empty text means that the evidence has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// When the call was made.
    pub at: Timestamp,
    /// Account.
    pub account: &'a str,
    /// Region called.
    pub region: &'a str,
    /// Model id or ARN as called.
    pub model_id: &'a str,
    /// AWS's operation name.
    pub operation: &'a str,
    /// Role or user name of the caller.
    pub role: &'a str,
    /// Session name of an assumed role.
    pub session: &'a str,
    /// Value of the first configured key of `requestMetadata` that names a workload.
    pub workload: &'a str,
    /// Value of the first configured key of `requestMetadata` that declares a deadline.
    pub declared: &'a str,
    /// The tier that served, else the tier asked for.
    pub tier: Option<ServiceTier>,
    /// Error code of a failed call.
    pub error_code: &'a str,
    /// The request id: a UUID's bytes, or a hash of any other text; zero if the evidence has none.
    pub request_id: [u8; 16],
    /// The answer was streamed.
    pub streamed: bool,
    /// A guardrail stopped the call before a model was charged.
    pub blocked: bool,
    /// Uncached input tokens; missing is not zero.
    pub input: Option<u64>,
    /// Output tokens; missing is not zero.
    pub output: Option<u64>,
    /// Tokens read from the prompt cache.
    pub cache_read: u64,
    /// Tokens written to the prompt cache with the five-minute (or the model's default) time to live.
    pub cache_write_5m: u64,
    /// Tokens written to the prompt cache for one hour.
    pub cache_write_1h: u64,
    /// Latency, where a body has it.
    pub latency_ms: Option<u32>,
    /// The request body was seen, in the record or beside the log.
    pub body: bool,
    /// Messages of the user.
    pub user_turns: u32,
    /// Earlier answers of the model.
    pub assistant_turns: u32,
    /// Tool results among the messages.
    pub tool_results: u32,
    /// [`TOOLS`], [`GUARDRAIL`], [`CACHE_POINT`], [`STRUCTURED`], [`EMBEDS`], [`PROMPT_ARN`].
    pub flags: u16,
    /// Fingerprint of the system prompt; 0 without one.
    pub system_hash: u64,
    /// Fingerprint of how the first user text begins; 0 without one.
    pub lead_hash: u64,
    /// Hash of all texts of the request; 0 without any.
    pub payload_hash: u64,
    /// Bytes of the request body that was read beside the log, or of the whole record when its body stands in it;
    /// 0 without a body.
    pub body_bytes: u64,
}

impl Default for Row<'_> {
    fn default() -> Self {
        Self {
            at: Timestamp(0),
            account: "",
            region: "",
            model_id: "",
            operation: "",
            role: "",
            session: "",
            workload: "",
            declared: "",
            tier: None,
            error_code: "",
            request_id: [0; 16],
            streamed: false,
            blocked: false,
            input: None,
            output: None,
            cache_read: 0,
            cache_write_5m: 0,
            cache_write_1h: 0,
            latency_ms: None,
            body: false,
            user_turns: 0,
            assistant_turns: 0,
            tool_results: 0,
            flags: 0,
            system_hash: 0,
            lead_hash: 0,
            payload_hash: 0,
            body_bytes: 0,
        }
    }
}

impl Row<'_> {
    /// Whether one of the flags of this module is set.
    pub const fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

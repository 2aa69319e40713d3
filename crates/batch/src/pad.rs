//! Records that fill a job up to the minimum: the smallest request that each family takes.

use laneshift_units::{Tokens, Usage};

use crate::pool::PoolSpec;

/// What one such record is thought to use.
pub(crate) const USAGE: Usage =
    Usage { input: Tokens(16), output: Tokens(1), cache_read: Tokens(0), cache_write_5m: Tokens(0), cache_write_1h: Tokens(0) };

/// The smallest `modelInput` of a pool; `None` for a family whose body is not known here.
// AWS, "Inference request parameters and response fields for foundation models", read 2026-11-23.
pub(crate) fn input(spec: &PoolSpec) -> Option<&'static str> {
    if spec.is_converse() {
        return Some(r#"{"messages":[{"role":"user","content":[{"text":"."}]}],"inferenceConfig":{"maxTokens":1}}"#);
    }
    let model = spec.profiled().model;
    let family = |name: &str| model.as_str().starts_with(name);
    if family("anthropic.") {
        Some(r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":1,"messages":[{"role":"user","content":"."}]}"#)
    } else if family("amazon.nova") {
        Some(
            r#"{"schemaVersion":"messages-v1","messages":[{"role":"user","content":[{"text":"."}]}],"inferenceConfig":{"maxTokens":1}}"#,
        )
    } else if family("amazon.titan-embed") {
        Some(r#"{"inputText":"."}"#)
    } else if family("meta.llama") {
        Some(r#"{"prompt":".","max_gen_len":1}"#)
    } else if family("openai.") {
        Some(r#"{"messages":[{"role":"user","content":"."}],"max_completion_tokens":1}"#)
    } else {
        None
    }
}

/// The id of the n-th filler. All are beyond the last address, so none is a record's.
pub(crate) fn id(n: u64) -> String {
    format!("zzzzz{n:06}")
}

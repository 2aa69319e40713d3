//! What a model answered, from the body of any family that takes a conversation.

use serde_json::Value;

use crate::chat::Part;

/// Why it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    End,
    Length,
    Tools,
    Sequence,
    Filter,
}

impl Stop {
    /// Converse's word.
    pub(crate) fn of_converse(reason: &str) -> Self {
        match reason {
            "max_tokens" | "model_context_window_exceeded" => Self::Length,
            "tool_use" => Self::Tools,
            "stop_sequence" => Self::Sequence,
            "guardrail_intervened" | "content_filtered" => Self::Filter,
            _ => Self::End,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) parts: Vec<Part>,
    pub(crate) stop: Stop,
    /// All of it, cached or not.
    pub(crate) input: u64,
    /// What of it was read from a cache.
    pub(crate) cached: u64,
    pub(crate) output: u64,
}

impl Reply {
    /// Reads `modelOutput`; `None` when it has no shape that is known.
    pub(crate) fn read(output: &Value) -> Option<Self> {
        if output["output"]["message"].is_object() {
            return Self::converse(output);
        }
        if output["choices"].is_array() {
            return Self::openai(output);
        }
        Self::claude(output)
    }

    fn claude(output: &Value) -> Option<Self> {
        let part = |block: &Value| match block["type"].as_str() {
            Some("text") => block["text"].as_str().map(|text| Part::Text(text.to_owned())),
            Some("tool_use") => call(&block["id"], &block["name"], block["input"].clone()),
            // What it thought, and citations of it, are no part of the answer.
            _ => None,
        };
        let blocks = output["content"].as_array()?;
        let stop = match output["stop_reason"].as_str()? {
            "max_tokens" | "model_context_window_exceeded" => Stop::Length,
            "tool_use" => Stop::Tools,
            "stop_sequence" => Stop::Sequence,
            "refusal" => Stop::Filter,
            _ => Stop::End,
        };
        let usage = &output["usage"];
        Some(Self {
            parts: blocks.iter().filter_map(part).collect(),
            stop,
            input: all(usage, &CLAUDE_INPUT),
            cached: all(usage, &["cache_read_input_tokens"]),
            output: all(usage, &["output_tokens"]),
        })
    }

    fn converse(output: &Value) -> Option<Self> {
        let part = |block: &Value| {
            let thought = block["reasoningContent"]["reasoningText"]["text"].as_str();
            match (block["text"].as_str(), thought, &block["toolUse"]) {
                (Some(text), ..) => Some(Part::Text(text.to_owned())),
                (None, Some(thought), _) => Some(Part::Thought(thought.to_owned())),
                (None, None, tool) => call(&tool["toolUseId"], &tool["name"], tool["input"].clone()),
            }
        };
        let blocks = output["output"]["message"]["content"].as_array()?;
        let stop = Stop::of_converse(output["stopReason"].as_str()?);
        let usage = &output["usage"];
        Some(Self {
            parts: blocks.iter().filter_map(part).collect(),
            stop,
            input: all(usage, &CONVERSE_INPUT),
            cached: all(usage, &["cacheReadInputTokens"]),
            output: all(usage, &["outputTokens"]),
        })
    }

    fn openai(output: &Value) -> Option<Self> {
        let choice = output["choices"].get(0)?;
        let message = &choice["message"];
        let mut parts: Vec<Part> = message["content"].as_str().map(|text| Part::Text(text.to_owned())).into_iter().collect();
        for one in message["tool_calls"].as_array().into_iter().flatten() {
            let arguments = one["function"]["arguments"].as_str().unwrap_or("{}");
            let input = serde_json::from_str(arguments).unwrap_or_else(|_| Value::from(arguments));
            parts.extend(call(&one["id"], &one["function"]["name"], input));
        }
        let stop = match choice["finish_reason"].as_str()? {
            "length" => Stop::Length,
            "tool_calls" => Stop::Tools,
            "content_filter" => Stop::Filter,
            _ => Stop::End,
        };
        let usage = &output["usage"];
        let (input, output) = (all(usage, &["prompt_tokens"]), all(usage, &["completion_tokens"]));
        Some(Self { parts, stop, input, cached: all(&usage["prompt_tokens_details"], &["cached_tokens"]), output })
    }
}

/// Input is counted apart by how it was cached.
const CLAUDE_INPUT: [&str; 3] = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
const CONVERSE_INPUT: [&str; 3] = ["inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"];

fn all(usage: &Value, names: &[&str]) -> u64 {
    names.iter().filter_map(|name| usage[*name].as_u64()).fold(0, u64::saturating_add)
}

fn call(id: &Value, name: &Value, input: Value) -> Option<Part> {
    Some(Part::Call { id: id.as_str()?.to_owned(), name: name.as_str()?.to_owned(), input })
}

//! Bedrock's own records.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::{Dialect, Request, Shape};

/// Reads a record; its `modelInput` stays as it is, byte for byte.
pub(crate) fn read<'a>(id: Option<String>, input: &'a RawValue, model: Option<&'a str>) -> Result<Request<'a>, String> {
    let input = input.get();
    let body: Value = serde_json::from_str(input).map_err(|e| format!("modelInput cannot be read: {e}"))?;
    let Value::Object(body) = body else { return Err("modelInput is not a JSON object".to_owned()) };
    for name in ["modelId", "model"] {
        if body.contains_key(name) {
            return Err(format!("modelInput holds {name:?}, which Bedrock refuses; the model is given with --model"));
        }
    }
    let shape = shape_of(&body);
    if shape == Shape::Converse && body.contains_key("toolConfig") {
        return Err("toolConfig does not run in batch in the Converse shape; write the model's own body".to_owned());
    }
    let model = model.ok_or("a Bedrock record names no model; give it with --model")?;
    let (id, output_max) = (id.map(Cow::Owned), output_limit(input));
    Ok(Request { id, dialect: Dialect::Bedrock, model: Cow::Borrowed(model), input: Cow::Borrowed(input), shape, output_max })
}

/// Converse has content blocks without a `type`, or its own configuration; Nova's own body looks alike and says its schema.
fn shape_of(body: &Map<String, Value>) -> Shape {
    if body.contains_key("schemaVersion") || body.contains_key("anthropic_version") {
        return Shape::InvokeModel;
    }
    let own = ["inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields"];
    let blocks = |message: &Value| message["content"].as_array().is_some_and(|c| c.iter().any(|b| b.get("type").is_none()));
    let messages = body.get("messages").and_then(Value::as_array);
    let converse = own.iter().any(|name| body.contains_key(*name)) || messages.is_some_and(|all| all.iter().any(blocks));
    if converse { Shape::Converse } else { Shape::InvokeModel }
}

/// The most output of a request that names no limit: what the largest models give by themselves.
// AWS, model card of Claude Opus 4.6, read 2026-11-30: 128,000 tokens of output at most; no card names more.
pub const MOST_OUTPUT: u64 = 128_000;

/// Whether a model's answers are vectors, which are no output tokens.
// AWS, "Supported foundation models", read 2026-11-30: the ids of Titan's, Cohere's, Nova's and Marengo's.
pub fn gives_vectors(model: &str) -> bool {
    model.contains("embed")
}

/// The most output tokens that a `modelInput` names; 0 for one that makes embeddings.
pub fn output_limit(input: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Limits {
        max_tokens: Option<u64>,
        max_completion_tokens: Option<u64>,
        max_gen_len: Option<u64>,
        #[serde(rename = "inferenceConfig")]
        inference: Option<Inference>,
        #[serde(rename = "inputText", alias = "texts")]
        embeds: Option<serde::de::IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Inference {
        #[serde(rename = "maxTokens", alias = "max_new_tokens")]
        max_tokens: Option<u64>,
    }
    let limits: Limits = serde_json::from_str(input).ok()?;
    let embedding = limits.embeds.map(|_| 0);
    let inference = limits.inference.and_then(|i| i.max_tokens);
    limits.max_tokens.or(limits.max_completion_tokens).or(limits.max_gen_len).or(inference).or(embedding)
}

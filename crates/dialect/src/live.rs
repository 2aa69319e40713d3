//! OpenAI's calls that are answered at once: a chat over Converse, embeddings over the model's own body.
//!
//! Source: OpenAI, API reference, "Create chat completion", "Streaming", "Create embeddings", read 2026-11-30; service model of
//! bedrock-runtime in botocore.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::family::Family;
use crate::fields::Fields;
use crate::reply::{Reply, Stop};
use crate::{converse, embeddings, openai};

/// Names and values of `requestMetadata`.
// Service model of bedrock-runtime in botocore, `RequestMetadataKeyString`, read 2026-11-30.
const METADATA_MAX: usize = 16;
const METADATA_CHARS_MAX: usize = 256;

/// A chat completion that is asked for.
#[derive(Debug)]
pub struct ChatCall {
    /// The model, as it was named.
    pub model: String,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// Whether a stream ends with what was used.
    pub include_usage: bool,
    /// `service_tier`, as it was written.
    pub service_tier: Option<String>,
    /// `metadata`.
    pub metadata: Map<String, Value>,
    /// The body of Converse, without tier and metadata.
    converse: Value,
}

impl ChatCall {
    /// Reads a body. The message says what is wrong and shows nothing of the content.
    ///
    /// # Errors
    /// What is wrong.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else {
            return Err("the body is no JSON object".to_owned());
        };
        let mut take = |name: &str| members.remove(name).filter(|value| !value.is_null());
        let model = text("model", take("model"))?.ok_or("body.model is missing")?;
        let stream = flag("body.stream", take("stream"))?;
        let options = take("stream_options").unwrap_or_default();
        let service_tier = text("service_tier", take("service_tier"))?;
        let metadata = metadata(take("metadata"))?;
        let effort = text("reasoning_effort", take("reasoning_effort"))?;
        let mut extra = match take("additionalModelRequestFields") {
            None => Map::new(),
            Some(Value::Object(extra)) => extra,
            Some(_) => return Err("body.additionalModelRequestFields is not an object".to_owned()),
        };
        if let Some(effort) = effort {
            if Family::of(&model) != Family::OpenAi {
                let instead = "this model's own setting goes into additionalModelRequestFields";
                return Err(format!("body.reasoning_effort cannot be carried over to this model; {instead}"));
            }
            extra.insert("reasoning_effort".to_owned(), effort.into());
        }
        let chat = openai::chat(Value::Object(members))?;
        chat.check()?;
        let mut converse = converse::body(&chat);
        if !extra.is_empty() {
            converse["additionalModelRequestFields"] = extra.into();
        }
        let include_usage = flag("body.stream_options.include_usage", options.get("include_usage").cloned())?;
        Ok(Self { model, stream, include_usage, service_tier, metadata, converse })
    }

    /// The body of Converse in a tier, with what the call says of itself.
    pub fn converse(mut self, tier: Option<&str>) -> String {
        if let Some(tier) = tier {
            self.converse["serviceTier"] = json!({ "type": tier });
        }
        if !self.metadata.is_empty() {
            self.converse["requestMetadata"] = self.metadata.into();
        }
        self.converse.to_string()
    }
}

fn text(name: &str, value: Option<Value>) -> Result<Option<String>, String> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("body.{name} is not a string")),
    }
}

fn flag(name: &str, value: Option<Value>) -> Result<bool, String> {
    match value {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(_) => Err(format!("{name} is neither true nor false")),
    }
}

fn metadata(value: Option<Value>) -> Result<Map<String, Value>, String> {
    let members = match value {
        None => return Ok(Map::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err("body.metadata is not an object".to_owned()),
    };
    let plain = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || ":_@$#=/+,-.".contains(c);
        text.chars().all(fits) && text.chars().count() <= METADATA_CHARS_MAX
    };
    let fits = |(name, value): (&String, &Value)| !name.is_empty() && plain(name) && value.as_str().is_some_and(plain);
    if members.len() > METADATA_MAX || !members.iter().all(fits) {
        return Err(format!(
            "body.metadata has more than Bedrock takes: at most {METADATA_MAX} strings of {METADATA_CHARS_MAX} letters, digits, spaces and :_@$#=/+,-."
        ));
    }
    Ok(members)
}

/// What answers of a call have in common.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The id, without the word before it.
    pub id: String,
    /// The model, as the client named it.
    pub model: String,
    /// In seconds since 1970.
    pub created_s: i64,
}

impl Answers {
    /// An answer of Converse, or of a model's own body, as a chat completion; `None` when it has no shape that is known.
    pub fn completion(&self, output: &[u8]) -> Option<Vec<u8>> {
        let output: Value = serde_json::from_slice(output).ok()?;
        let mut completion = openai::completion(&Reply::read(&output)?, &self.id, &self.model, self.created_s);
        if let Some(tier) = output["serviceTier"]["type"].as_str() {
            completion["service_tier"] = tier.into();
        }
        serde_json::to_vec(&completion).ok()
    }

    /// Chunks of a stream.
    pub fn stream(self, include_usage: bool) -> ChatStream {
        let (tools, blocks, without, ended) = (0, Vec::new(), false, false);
        ChatStream { answers: self, include_usage, tools, blocks, without, ended }
    }
}

/// The events of ConverseStream as server-sent events of chat completion chunks.
#[derive(Debug)]
pub struct ChatStream {
    answers: Answers,
    include_usage: bool,
    /// Tools that were called so far.
    tools: u64,
    /// Content blocks that are calls of tools: the block, and which call it is.
    blocks: Vec<(u64, u64)>,
    /// The call that is under way has no arguments so far.
    without: bool,
    ended: bool,
}

impl ChatStream {
    /// Writes what an event comes to.
    pub fn event(&mut self, kind: &str, payload: &[u8], to: &mut Vec<u8>) {
        let Ok(event) = serde_json::from_slice::<Value>(payload) else { return };
        match kind {
            "messageStart" => self.delta(json!({ "role": "assistant", "content": "", "refusal": null }), to),
            "contentBlockStart" => {
                let tool = &event["start"]["toolUse"];
                if tool.is_object() {
                    let index = self.tools;
                    self.tools += 1;
                    self.without = true;
                    self.blocks.push((event["contentBlockIndex"].as_u64().unwrap_or(0), index));
                    let function = json!({ "name": tool["name"], "arguments": "" });
                    let call = json!({ "index": index, "id": tool["toolUseId"], "type": "function", "function": function });
                    self.delta(json!({ "tool_calls": [call] }), to);
                }
            }
            "contentBlockDelta" => {
                let delta = &event["delta"];
                if let Some(text) = delta["text"].as_str() {
                    self.delta(json!({ "content": text }), to);
                } else if let Some(input) = delta["toolUse"]["input"].as_str() {
                    self.without &= input.is_empty();
                    self.arguments(&event, input, to);
                } else if let Some(text) = delta["reasoningContent"]["text"].as_str() {
                    self.delta(json!({ "reasoning_content": text }), to);
                }
            }
            // A call without arguments is one with an empty object, and not with no JSON.
            "contentBlockStop" if std::mem::take(&mut self.without) => self.arguments(&event, "{}", to),
            "messageStop" => {
                let stop = Stop::of_converse(event["stopReason"].as_str().unwrap_or_default());
                self.choice(json!({ "index": 0, "delta": {}, "logprobs": null, "finish_reason": openai::finish(stop) }), to);
            }
            "metadata" => {
                if self.include_usage {
                    let count = |name: &str| event["usage"][name].as_u64().unwrap_or(0);
                    let cached = count("cacheReadInputTokens");
                    let input = count("inputTokens") + cached + count("cacheWriteInputTokens");
                    let mut chunk = self.chunk(json!([]));
                    chunk["usage"] = openai::usage(input, cached, count("outputTokens"));
                    write(&chunk, to);
                }
                self.ended = true;
            }
            _ => {}
        }
    }

    /// Writes an error, after which nothing comes.
    pub fn error(&mut self, name: &str, message: &str, to: &mut Vec<u8>) {
        write(&json!({ "error": { "message": message, "type": "server_error", "param": null, "code": name } }), to);
        self.ended = false;
    }

    /// Writes the end of a stream that ended well. One that broke off has none, so that no client takes it for whole.
    pub fn end(&mut self, to: &mut Vec<u8>) {
        if self.ended {
            to.extend_from_slice(b"data: [DONE]\n\n");
        }
    }

    fn arguments(&self, event: &Value, text: &str, to: &mut Vec<u8>) {
        let block = event["contentBlockIndex"].as_u64().unwrap_or(0);
        let index = self.blocks.iter().rev().find(|(at, _)| *at == block).map_or(0, |(_, index)| *index);
        self.delta(json!({ "tool_calls": [{ "index": index, "function": { "arguments": text } }] }), to);
    }

    fn delta(&self, delta: Value, to: &mut Vec<u8>) {
        self.choice(json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": null }), to);
    }

    fn choice(&self, choice: Value, to: &mut Vec<u8>) {
        write(&self.chunk(json!([choice])), to);
    }

    fn chunk(&self, choices: Value) -> Value {
        let Answers { id, model, created_s } = &self.answers;
        let mut chunk = json!({
            "id": format!("chatcmpl-{id}"),
            "object": "chat.completion.chunk",
            "created": created_s,
            "model": model,
            "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }
}

fn write(value: &Value, to: &mut Vec<u8>) {
    to.extend_from_slice(b"data: ");
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(&mut *to, value);
    to.extend_from_slice(b"\n\n");
}

/// Embeddings that are asked for.
#[derive(Debug)]
pub struct EmbeddingsCall {
    /// The model, as it was named.
    pub model: String,
    /// Whether vectors come as base64 of 32-bit floats, little end first.
    base64: bool,
    /// The request.
    body: Value,
}

impl EmbeddingsCall {
    /// Reads a body.
    ///
    /// # Errors
    /// What is wrong.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(body).map_err(|_| "the body is no JSON")?;
        let mut fields = Fields::of(body, "body")?;
        let model = fields.needed_text("model")?;
        let base64 = match fields.text("encoding_format")?.as_deref() {
            None | Some("float") => false,
            Some("base64") => true,
            Some(_) => return Err("body.encoding_format is neither float nor base64".to_owned()),
        };
        Ok(Self { model, base64, body: fields.rest() })
    }

    /// The bodies that Bedrock's model takes for it.
    ///
    /// # Errors
    /// What is wrong.
    pub fn bodies(&self, model: &str) -> Result<Vec<String>, String> {
        let (bodies, _) = embeddings::bodies(self.body.clone(), Family::of(model))?;
        Ok(bodies.iter().map(Value::to_string).collect())
    }

    /// The answers to those as one; `None` when one has no shape that is known.
    pub fn list(&self, answers: &[impl AsRef<[u8]>], tokens: u64) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        for answer in answers {
            let answer: Value = serde_json::from_slice(answer.as_ref()).ok()?;
            all.extend(embeddings::vectors(&answer)?.into_iter().cloned());
        }
        if self.base64 {
            for vector in &mut all {
                let numbers = vector.as_array()?.iter().map(|n| n.as_f64().map(|n| (n as f32).to_le_bytes()));
                let bytes = numbers.collect::<Option<Vec<_>>>()?.concat();
                *vector = STANDARD.encode(bytes).into();
            }
        }
        serde_json::to_vec(&embeddings::list_of(all, &self.model, tokens)).ok()
    }
}

//! The request body: what its shape says about the caller. Text is hashed and dropped.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::mask::{LEAD_BYTES, SYSTEM_BYTES, fingerprint};
use super::text::Text;

/// What a request body shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyTraits {
    /// Fingerprint of the system prompt; 0 without one.
    pub system_hash: u64,
    /// Fingerprint of how the first user text begins; 0 without one.
    pub lead_hash: u64,
    /// Hash of all texts of the request; 0 without any.
    pub payload_hash: u64,
    /// Messages of the user.
    pub user_turns: u32,
    /// Earlier answers of the model.
    pub assistant_turns: u32,
    /// Tool results among the messages.
    pub tool_results: u32,
    /// Tool definitions.
    pub tools: bool,
    /// A guardrail configuration.
    pub guardrail: bool,
    /// A cache point, and whether one asks for an hour.
    pub cache_point: bool,
    /// A cache point with a time to live of one hour.
    pub cache_1h: bool,
    /// A JSON schema for the answer.
    pub structured_output: bool,
    /// Service tier asked for.
    pub service_tier: Option<String>,
    /// An embedding request.
    pub embeds: bool,
}

/// Reads a request body on its own, as Bedrock moves large ones beside the log.
///
/// # Errors
/// When the bytes are no JSON.
pub fn read_input_body(json: &[u8]) -> Result<BodyTraits, serde_json::Error> {
    serde_json::from_slice::<InputBody>(json).map(|b| b.0)
}

#[derive(Debug, Default)]
pub(super) struct InputBody(pub(super) BodyTraits);

impl BodyTraits {
    fn add_text(&mut self, text: &str) {
        self.payload_hash = xxh3_64_with_seed(text.as_bytes(), self.payload_hash).max(1);
    }

    fn add_lead(&mut self, text: &str) {
        if self.lead_hash == 0 {
            self.lead_hash = fingerprint(text, LEAD_BYTES);
        }
    }

    fn add_cache_point(&mut self, point: &CachePoint<'_>) {
        self.cache_point = true;
        self.cache_1h |= point.ttl.as_str() == "1h";
    }

    fn add_block(&mut self, block: &Block<'_>, leads: bool) {
        if !block.text.as_str().is_empty() {
            self.add_text(block.text.as_str());
            if leads {
                self.add_lead(block.text.as_str());
            }
        }
        if block.tool_result.is_some() || block.kind.as_str() == "tool_result" {
            self.tool_results += 1;
        }
        for point in [&block.cache_point, &block.cache_control].into_iter().flatten() {
            self.add_cache_point(point);
        }
        self.guardrail |= block.guard_content.is_some();
    }

    fn add_message(&mut self, message: &Message<'_>) {
        let leads = message.role.as_str() == "user";
        match message.role.as_str() {
            "assistant" => self.assistant_turns += 1,
            "tool" => self.tool_results += 1,
            "user" => self.user_turns += 1,
            _ => {}
        }
        match &message.content {
            Content::Text(text) => {
                self.add_text(text.as_str());
                if message.role.as_str() == "system" {
                    self.system_hash = fingerprint(text.as_str(), SYSTEM_BYTES);
                } else if leads {
                    self.add_lead(text.as_str());
                }
            }
            Content::Blocks(blocks) => blocks.iter().for_each(|b| self.add_block(b, leads)),
        }
    }

    fn add_system(&mut self, content: &Content<'_>) {
        match content {
            Content::Text(text) => self.system_hash = fingerprint(text.as_str(), SYSTEM_BYTES),
            Content::Blocks(blocks) => {
                if let Some(first) = blocks.iter().find(|b| !b.text.as_str().is_empty()) {
                    self.system_hash = fingerprint(first.text.as_str(), SYSTEM_BYTES);
                }
                for point in blocks.iter().flat_map(|b| [&b.cache_point, &b.cache_control]).flatten() {
                    self.add_cache_point(point);
                }
            }
        }
    }

    fn add_prompt(&mut self, text: &str) {
        self.user_turns += 1;
        self.add_text(text);
        self.add_lead(text);
    }
}

impl<'de> Deserialize<'de> for InputBody {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = InputBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request body")
    }
    fn visit_unit<E: Error>(self) -> Result<InputBody, E> {
        Ok(InputBody::default())
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<InputBody, E> {
        let mut traits = BodyTraits::default();
        traits.add_prompt(text);
        Ok(InputBody(traits))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<InputBody, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(InputBody::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InputBody, A::Error> {
        let mut t = BodyTraits::default();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.as_str() {
                "messages" => map.next_value::<Vec<Message<'de>>>()?.iter().for_each(|m| t.add_message(m)),
                "system" => t.add_system(&map.next_value::<Content<'de>>()?),
                // Llama, Mistral and older text models; Titan; Titan and Cohere embeddings.
                "prompt" | "inputText" => {
                    t.embeds |= key.as_str() == "inputText";
                    t.add_prompt(map.next_value::<Text<'de>>()?.as_str());
                }
                "texts" => {
                    t.embeds = true;
                    map.next_value::<Vec<Text<'de>>>()?.iter().for_each(|x| t.add_text(x.as_str()));
                }
                // `textGenerationConfig` stands only in Titan text requests, which have `inputText` too.
                "textGenerationConfig" => {
                    map.next_value::<IgnoredAny>()?;
                    t.embeds = false;
                }
                "toolConfig" | "tools" => {
                    map.next_value::<IgnoredAny>()?;
                    t.tools = true;
                }
                "guardrailConfig" | "amazon-bedrock-guardrailConfig" => {
                    map.next_value::<IgnoredAny>()?;
                    t.guardrail = true;
                }
                "outputConfig" | "response_format" | "output_format" => {
                    map.next_value::<IgnoredAny>()?;
                    t.structured_output = true;
                }
                "serviceTier" | "service_tier" => t.service_tier = map.next_value::<Tier>()?.0,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(InputBody(t))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    role: Text<'a>,
    #[serde(borrow)]
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    Text(Text<'a>),
    Blocks(Vec<Block<'a>>),
}

impl Default for Content<'_> {
    fn default() -> Self {
        Self::Text(Text::default())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Block<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(rename = "toolResult")]
    tool_result: Option<IgnoredAny>,
    #[serde(rename = "guardContent")]
    guard_content: Option<IgnoredAny>,
    #[serde(borrow, rename = "cachePoint")]
    cache_point: Option<CachePoint<'a>>,
    #[serde(borrow)]
    cache_control: Option<CachePoint<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CachePoint<'a> {
    #[serde(borrow)]
    ttl: Text<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct ContentVisitor;
        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or content blocks")
            }
            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_borrowed_str<E: Error>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Content::Text(Text(v.into())))
            }
            fn visit_str<E: Error>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Content::Text(Text(v.to_owned().into())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut blocks = Vec::new();
                while let Some(block) = seq.next_element()? {
                    blocks.push(block);
                }
                Ok(Content::Blocks(blocks))
            }
        }
        d.deserialize_any(ContentVisitor)
    }
}

/// `"flex"` or `{"type":"flex"}`.
pub(super) struct Tier(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct TierVisitor;
        impl<'de> Visitor<'de> for TierVisitor {
            type Value = Tier;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a service tier")
            }
            fn visit_unit<E: Error>(self) -> Result<Tier, E> {
                Ok(Tier(None))
            }
            fn visit_str<E: Error>(self, v: &str) -> Result<Tier, E> {
                Ok(Tier(Some(v.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tier, A::Error> {
                let mut tier = None;
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    let value = map.next_value::<Text<'de>>()?;
                    if key.as_str() == "type" {
                        tier = Some(value.0.into_owned());
                    }
                }
                Ok(Tier(tier))
            }
        }
        d.deserialize_any(TierVisitor)
    }
}

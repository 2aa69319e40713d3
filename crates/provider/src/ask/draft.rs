//! An ask while it is read: adds blocks in the order of the cache, and holds what every family limits alike.

use serde_json::Value;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::fields::Fields;
use super::{
    Ask, CHECKPOINTS_MAX, ChatPart, ChatTurn, Checkpoint, Embedding, Refused, Role, STOP_SEQUENCES_MAX, Sampling, Segment, Tool,
    ToolChoice, Ttl,
};
use crate::models::{Modality, Model};
use crate::tokens;

/// An ask while it is read.
pub(super) struct Draft<'m> {
    pub(super) model: &'m Model,
    pub(super) max_tokens: Option<u64>,
    pub(super) stop_sequences: Vec<String>,
    pub(super) tool_choice: ToolChoice,
    pub(super) output_schema: Option<Value>,
    pub(super) embedding: Option<Embedding>,
    pub(super) thinking: bool,
    pub(super) sampling: Sampling,
    pub(super) tier: Option<laneshift_units::ServiceTier>,
    segments: Vec<Segment>,
    checkpoints: Vec<Checkpoint>,
    tools: Vec<Tool>,
    chat: Vec<ChatTurn>,
}

impl<'m> Draft<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        Self {
            model,
            max_tokens: None,
            stop_sequences: Vec::new(),
            tool_choice: ToolChoice::Auto,
            output_schema: None,
            embedding: None,
            thinking: false,
            sampling: Sampling::default(),
            tier: None,
            segments: Vec::new(),
            checkpoints: Vec::new(),
            tools: Vec::new(),
            chat: Vec::new(),
        }
    }

    /// Adds a block of the prompt. `place` tells apart blocks of the same text that stand elsewhere.
    pub(super) fn block(&mut self, place: &str, block: &Value, tokens: u64) {
        let mut hash = Xxh3::new();
        let before = self.segments.last().map_or(0, |segment| segment.hash);
        hash.update(&before.to_le_bytes());
        hash.update(place.as_bytes());
        hash.update(block.to_string().as_bytes());
        self.segments.push(Segment { hash: hash.digest128(), tokens });
    }

    pub(super) fn tool(&mut self, tool: Tool, block: &Value) {
        self.block("tools", block, tokens::of_json(block));
        self.tools.push(tool);
    }

    pub(super) fn turn(&mut self, role: Role) {
        self.chat.push(ChatTurn { role, parts: Vec::new() });
    }

    /// Adds to the last turn.
    pub(super) fn say(&mut self, part: ChatPart) {
        if let Some(turn) = self.chat.last_mut() {
            turn.parts.push(part);
        }
    }

    /// Whether anybody but the system has said something.
    pub(super) fn has_turns(&self) -> bool {
        self.chat.iter().any(|turn| turn.role != Role::System)
    }

    pub(super) fn needs(&self, modality: Modality, block: &str) -> Result<(), Refused> {
        if self.model.input.contains(&modality) {
            return Ok(());
        }
        Err(Refused::because(format!(
            "This model doesn't support the {block} content block that you provided. Remove the block and try again."
        )))
    }

    /// Asks for the prompt to be cached up to here.
    pub(super) fn checkpoint(&mut self, ttl: Option<&str>) -> Result<(), Refused> {
        let ttl = match ttl.map(|text| (text, Ttl::parse(text))) {
            None => Ttl::FiveMinutes,
            Some((_, Some(ttl))) => ttl,
            Some((text, None)) => return Err(Refused::because(format!("{text} is no time to live of a cache checkpoint."))),
        };
        if self.model.cache_min_tokens.is_none() {
            return Err(Refused::because("You invoked a model that does not allow prompt caching."));
        }
        if ttl == Ttl::Hour && !self.model.cache_ttl_1h {
            return Err(Refused::because("The model does not allow a cache checkpoint with a time to live of 1h."));
        }
        if self.checkpoints.len() == CHECKPOINTS_MAX {
            return Err(Refused::because(format!("A maximum of {CHECKPOINTS_MAX} cache checkpoints may be provided.")));
        }
        // Amazon Bedrock User Guide, "Prompt caching": the longer time to live stands first.
        if self.checkpoints.last().is_some_and(|last| last.ttl < ttl) {
            return Err(Refused::because("A cache checkpoint with a time to live of 1h must not come after one of 5m."));
        }
        self.checkpoints.push(Checkpoint { upto: self.segments.len(), ttl });
        Ok(())
    }

    /// Reads how the words are chosen.
    pub(super) fn sample(&mut self, from: &Fields<'_>, temperature: &str, top_p: &str) -> Result<(), Refused> {
        self.sampling = Sampling { temperature: from.share(temperature)?, top_p: from.share(top_p)? };
        Ok(())
    }

    /// The ask, when it is within the limits of the model.
    pub(super) fn finish(self, body: &Value) -> Result<Ask, Refused> {
        let most = self.model.max_output_tokens;
        if self.max_tokens.is_some_and(|asked| asked > most) {
            return Err(Refused::because(format!(
                "The maximum tokens you requested exceeds the model limit of {most}. \
                 Try again with a maximum tokens value that is lower than {most}."
            )));
        }
        if self.stop_sequences.len() > STOP_SEQUENCES_MAX {
            return Err(Refused::because(format!("At most {STOP_SEQUENCES_MAX} stop sequences may be provided.")));
        }
        if let ToolChoice::Tool(name) = &self.tool_choice
            && !self.tools.iter().any(|tool| &tool.name == name)
        {
            return Err(Refused::because(format!("Tool '{name}' not found in provided tools")));
        }
        let last_user = self.chat.iter().rfind(|turn| turn.role == Role::User);
        let parts = last_user.map_or(&[][..], |turn| &turn.parts);
        let texts: Vec<&str> =
            parts.iter().filter_map(|part| if let ChatPart::Text(text) = part { Some(&**text) } else { None }).collect();
        let ask = Ask {
            last_user_text: texts.join("\n"),
            brings_tool_result: parts.iter().any(|part| matches!(part, ChatPart::ToolResult { .. })),
            max_tokens: self.max_tokens.unwrap_or(self.model.default_max_tokens),
            segments: self.segments,
            checkpoints: self.checkpoints,
            stop_sequences: self.stop_sequences.into_iter().filter(|stop| !stop.is_empty()).collect(),
            tools: self.tools,
            tool_choice: self.tool_choice,
            output_schema: self.output_schema,
            chat: self.chat,
            embedding: self.embedding,
            thinking: self.thinking,
            sampling: self.sampling,
            tier: self.tier,
            seed: xxh3_64(body.to_string().as_bytes()),
        };
        if ask.input_tokens() > self.model.context_tokens {
            return Err(Refused::because("Input is too long for requested model."));
        }
        Ok(ask)
    }
}

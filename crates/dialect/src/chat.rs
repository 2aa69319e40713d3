//! A conversation, as all shapes have it.

use serde_json::Value;

/// Output tokens of a request to Claude that names no limit: Claude's body needs one.
pub(crate) const OUTPUT_MAX: u64 = 4_096;

/// A request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chat {
    pub(crate) system: Vec<String>,
    pub(crate) turns: Vec<Turn>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) choice: Option<Choice>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) stop: Vec<String>,
    /// The answer is JSON of this schema.
    pub(crate) schema: Option<Schema>,
}

/// What an answer has to look like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schema {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// A JSON schema.
    pub(crate) schema: Value,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Assistant,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// What one of them says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    pub(crate) role: Role,
    pub(crate) parts: Vec<Part>,
}

/// A part of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Text(String),
    /// The format as Converse names it (`png`), and the bytes in base64.
    Image(String, String),
    /// A file that the model reads.
    Document {
        /// As Converse names it (`pdf`).
        format: &'static str,
        name: String,
        /// In base64.
        data: String,
    },
    /// What a model thought before it answered.
    Thought(String),
    /// A tool is called.
    Call {
        id: String,
        name: String,
        input: Value,
    },
    /// What it gave.
    Result {
        id: String,
        text: String,
        is_error: bool,
    },
}

/// A tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// A JSON schema.
    pub(crate) schema: Value,
    /// Arguments follow the schema to the letter.
    pub(crate) strict: bool,
}

/// Whether a tool is to be called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Choice {
    Auto,
    /// Some tool.
    Any,
    /// This one.
    Tool(String),
}

impl Chat {
    /// Adds what somebody says; twice in a row by the same one is one turn, because the models take turns.
    pub(crate) fn say(&mut self, role: Role, parts: Vec<Part>) {
        match self.turns.last_mut() {
            Some(last) if last.role == role => last.parts.extend(parts),
            _ => self.turns.push(Turn { role, parts }),
        }
    }

    /// What holds for Claude and Converse alike.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.turns.first().is_none_or(|turn| turn.role != Role::User) {
            return Err("the first message after the system's is not the user's".to_owned());
        }
        if self.turns.iter().any(|turn| turn.parts.is_empty()) {
            return Err("a message has no content".to_owned());
        }
        if self.temperature.is_some_and(|t| !(0.0..=1.0).contains(&t)) {
            return Err("temperature is not between 0 and 1, which this model needs".to_owned());
        }
        Ok(())
    }
}

//! What is said in a request, before it takes an API's shape.

use crate::chance::Chance;
use crate::company::Company;
use crate::events::Event;
use crate::part::Turns;
use crate::text::{self, ANSWER_CANARY, CHARS_PER_TOKEN, PROMPT_CANARY};

/// How long texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// As long as the metered tokens say.
    Metered,
    /// A line or two, whatever was metered.
    Short,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    User(String),
    Assistant(String),
    /// The assistant asks for a tool; the text is its argument.
    ToolUse(String, String),
    /// The tool's answer.
    ToolResult(String, String),
}

/// A conversation and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) system: Option<String>,
    pub(crate) messages: Vec<Message>,
    pub(crate) answer: String,
    pub(crate) max_tokens: u64,
    /// Whether a cache point follows the system prompt.
    pub(crate) cached: bool,
    /// The seed of ids inside bodies.
    pub(crate) seed: u64,
}

const SHORT_SYSTEM: usize = 170;
const SHORT_TURN: usize = 64;
const INSTRUCTION: usize = 110;
/// Of the input tokens, what a system prompt takes at most.
const SYSTEM_TOKENS_MAX: u64 = 800;

/// The emulator's count of tokens.
const EMULATED_BYTES_PER_TOKEN: u64 = 4;
/// Of a text that is fitted, what stays at least.
const TOLD_TEXT_MIN: usize = 16;

impl Message {
    fn text(&self) -> &str {
        match self {
            Self::User(text) | Self::Assistant(text) | Self::ToolUse(_, text) | Self::ToolResult(_, text) => text,
        }
    }
}

impl Talk {
    /// What is said in the request of an event. A retry says the same.
    pub(crate) fn new(company: &Company, event: &Event, length: Length) -> Self {
        let part = event.part_of(company);
        let mut chance = Chance::new(event.payload);
        let turns = match part.turns {
            Turns::Template | Turns::Single => 1,
            Turns::Chat(most) | Turns::Tools(most) => chance.between(1, u64::from(most.max(1))),
        };
        let input = event.usage.total_input().0.max(40);
        let system_chars = match length {
            // What is cached is the same each time.
            Length::Metered => chars(part.tokens.cached().unwrap_or_else(|| SYSTEM_TOKENS_MAX.min(input / 3))),
            Length::Short => SHORT_SYSTEM,
        };
        let turn_chars = match length {
            Length::Metered => chars(input).saturating_sub(system_chars) / (2 * turns as usize - 1),
            Length::Short => SHORT_TURN,
        };
        let answer_chars = match length {
            Length::Metered => chars(event.usage.output.0),
            Length::Short => SHORT_TURN,
        };
        let embeds = part.tokens.output.is_none();
        let mut fixed = Chance::of(company.seed, &[event.workload as u64, 0x515]);
        let system = (!embeds).then(|| text::text(PROMPT_CANARY, system_chars, &mut fixed));
        let messages = match part.turns {
            Turns::Template if !embeds => vec![template(turn_chars, &mut fixed_instruction(company, event), &mut chance)],
            Turns::Template | Turns::Single => vec![Message::User(text::text(PROMPT_CANARY, turn_chars, &mut chance))],
            Turns::Chat(_) => chat(turns, turn_chars, &mut chance),
            Turns::Tools(_) => tools(turns, turn_chars, &mut chance),
        };
        Self {
            system,
            messages,
            answer: text::text(ANSWER_CANARY, answer_chars, &mut chance),
            max_tokens: [512, 1024, 4096][chance.below(3) as usize],
            cached: event.usage.cache_read.0 + event.usage.cache_write_5m.0 + event.usage.cache_write_1h.0 > 0,
            seed: event.payload,
        }
    }

    /// Fits the last text, so that all texts together take so many tokens by the emulator's count, and tells its toy model how long
    /// to answer. Where the other texts are too long already, as with tools, they take somewhat more.
    pub(crate) fn tell(&mut self, input: u64, output: u64) {
        self.max_tokens = self.max_tokens.max(output.next_power_of_two());
        let told = if output > 0 { format!(" [[toy: tokens={output}]]") } else { String::new() };
        let Some((Message::User(last) | Message::ToolResult(_, last), others)) = self.messages.split_last_mut() else { return };
        let others = others.iter().map(Message::text).chain(self.system.as_deref());
        let others: u64 = others.map(|text| (text.len() as u64).div_ceil(EMULATED_BYTES_PER_TOKEN)).sum();
        let bytes = usize::try_from(input.saturating_sub(others) * EMULATED_BYTES_PER_TOKEN).unwrap_or(0);
        let room = bytes.saturating_sub(told.len()).max(TOLD_TEXT_MIN);
        last.truncate(room);
        last.extend(std::iter::repeat_n('.', room - last.len()));
        last.push_str(&told);
    }

    /// The first text of the user.
    pub(crate) fn first_text(&self) -> &str {
        match self.messages.first() {
            Some(Message::User(text)) => text,
            _ => "",
        }
    }
}

fn chars(tokens: u64) -> usize {
    (tokens as f64 * CHARS_PER_TOKEN) as usize
}

fn fixed_instruction(company: &Company, event: &Event) -> Chance {
    Chance::of(company.seed, &[event.workload as u64, event.part as u64, 0x7E3])
}

/// The same instruction each time, another item each time.
fn template(turn_chars: usize, fixed: &mut Chance, chance: &mut Chance) -> Message {
    let mut text = text::text(PROMPT_CANARY, INSTRUCTION, fixed);
    text.push_str(&format!(" Item {}: ", chance.below(10_000_000)));
    let to = text.len().max(turn_chars) + SHORT_TURN / 2;
    text::fill(&mut text, to, chance);
    Message::User(text)
}

fn chat(turns: u64, turn_chars: usize, chance: &mut Chance) -> Vec<Message> {
    let mut messages = vec![Message::User(text::text(PROMPT_CANARY, turn_chars, chance))];
    for _ in 1..turns {
        messages.push(Message::Assistant(text::text(PROMPT_CANARY, turn_chars, chance)));
        messages.push(Message::User(text::text(PROMPT_CANARY, turn_chars, chance)));
    }
    messages
}

fn tools(turns: u64, turn_chars: usize, chance: &mut Chance) -> Vec<Message> {
    let mut messages = vec![Message::User(text::text(PROMPT_CANARY, turn_chars, chance))];
    for _ in 1..turns {
        let id = format!("tooluse_{}", chance.hex(12));
        messages.push(Message::ToolUse(id.clone(), text::text(PROMPT_CANARY, SHORT_TURN, chance)));
        messages.push(Message::ToolResult(id, text::text(PROMPT_CANARY, turn_chars, chance)));
    }
    messages
}

//! A stream of OpenAI's chunks from a server, passed on line by line, and booked when it ends. One that says nothing for too
//! long is ended here.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use laneshift_units::{ServiceTier, Tokens, Usage};
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::body::{Broken, Coming};
use crate::books::Open;
use crate::lines::Lines;
use crate::meter::Meter;
use crate::openai::broken_off;
use crate::server::Served;
use crate::stream::{BROKE_OFF, Silence};

/// What an answer or a chunk says beside its content.
// OpenAI, API reference, "The chat completion object" and "Streaming", read 2026-11-30; vLLM and LiteLLM spell it alike.
#[derive(Deserialize)]
struct Said<'a> {
    usage: Option<Counts>,
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    error: Option<Fault>,
    /// The tier that served, where it is a text.
    #[serde(default)]
    service_tier: serde_json::Value,
}

impl Said<'_> {
    fn tier(&self) -> Option<ServiceTier> {
        self.service_tier.as_str().and_then(ServiceTier::parse)
    }
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Counts {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
}

/// Parts of the input.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
    // OpenRouter has the first name, LiteLLM the second.
    #[serde(alias = "cache_creation_tokens")]
    cache_write_tokens: Option<u64>,
}

/// An error's own name for itself: a text, or at some servers a number.
#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    code: serde_json::Value,
    #[serde(default, rename = "type")]
    kind: serde_json::Value,
}

impl Counts {
    /// `prompt_tokens` holds what was read from a cache and written to it; nothing of it is counted twice.
    fn usage(self) -> Option<Usage> {
        let input = self.prompt_tokens?;
        let output = self.completion_tokens.or_else(|| Some(self.total_tokens?.saturating_sub(input)))?;
        let details = self.prompt_tokens_details.unwrap_or_default();
        let cached = details.cached_tokens.unwrap_or(0).min(input);
        let written = details.cache_write_tokens.unwrap_or(0).min(input - cached);
        Some(Usage {
            input: Tokens(input - cached - written),
            output: Tokens(output),
            cache_read: Tokens(cached),
            cache_write_5m: Tokens(written),
            ..Usage::default()
        })
    }
}

impl Fault {
    /// A short word for the books.
    fn name(&self) -> String {
        let word = [&self.code, &self.kind].into_iter().find_map(|value| match value {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Number(n) => Some(n.to_string()),
            _ => None,
        });
        let fits = |word: &String| word.len() <= 64 && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        word.filter(fits).unwrap_or_else(|| "UnknownError".to_owned())
    }
}

/// What a whole answer used.
pub(crate) fn metered(body: &[u8]) -> Meter {
    let Ok(said) = serde_json::from_slice::<Said<'_>>(body) else { return Meter::default() };
    Meter { tier: said.tier(), usage: said.usage.and_then(Counts::usage) }
}

/// The name of the error that a body holds.
pub(crate) fn error_name(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Said<'_>>(body).ok()?.error.map(|fault| fault.name())
}

/// Reads the lines of server-sent events as their bytes go by.
#[derive(Debug)]
pub(crate) struct Events {
    lines: Lines,
    /// The client wants to see what was used.
    shows_usage: bool,
    /// Answers that the stream holds, side by side.
    answers: u64,
    /// The line that ends an event is left out with it.
    hides_end: bool,
    pub(crate) meter: Meter,
    /// The name of the error in it.
    pub(crate) exception: Option<String>,
    /// The count is the last one: nothing that follows costs more.
    pub(crate) complete: bool,
    /// The stream said that it is at its end.
    pub(crate) done: bool,
    /// A line was too long: nothing more is read.
    pub(crate) broken: bool,
}

impl Events {
    pub(crate) fn new(shows_usage: bool, answers: u64) -> Self {
        Self {
            lines: Lines::default(),
            shows_usage,
            answers,
            hides_end: false,
            meter: Meter::default(),
            exception: None,
            complete: false,
            done: false,
            broken: false,
        }
    }

    /// Takes bytes, and gives those that the client reads: whole lines, as they came.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Bytes {
        if self.broken {
            return Bytes::new();
        }
        self.lines.add(bytes);
        let mut passed = BytesMut::new();
        while let Some(line) = self.lines.next() {
            if self.line(&line) {
                passed.extend_from_slice(&line);
            }
        }
        self.broken = self.lines.are_too_long();
        passed.freeze()
    }

    /// What is left at the end: a line without its end.
    pub(crate) fn rest(&mut self) -> Bytes {
        let line = self.lines.rest();
        if self.line(&line) { line.freeze() } else { Bytes::new() }
    }

    /// Reads a line, and says whether the client sees it.
    fn line(&mut self, line: &[u8]) -> bool {
        let Some(data) = line.strip_prefix(b"data:") else {
            // An empty line ends an event.
            let hidden = self.hides_end && line.trim_ascii().is_empty();
            self.hides_end &= !hidden;
            return !hidden;
        };
        self.hides_end = !self.data(data.trim_ascii());
        !self.hides_end
    }

    fn data(&mut self, data: &[u8]) -> bool {
        if data == b"[DONE]" {
            self.done = true;
            // Of several answers, a count beside content may be of one.
            self.complete |= self.answers < 2 && self.meter.usage.is_some();
            return true;
        }
        // Most chunks say nothing beside their content: not every one is read as JSON.
        let names = [&b"\"usage\""[..], b"\"error\""];
        if !names.into_iter().any(|name| memmem::find(data, name).is_some()) {
            return true;
        }
        let Ok(said) = serde_json::from_slice::<Said<'_>>(data) else { return true };
        if let Some(fault) = &said.error {
            self.exception = Some(fault.name());
        }
        let tier = said.tier();
        let Some(usage) = said.usage.and_then(Counts::usage) else { return true };
        self.meter = Meter { usage: Some(usage), tier: tier.or(self.meter.tier) };
        let choices = said.choices.unwrap_or_default();
        // Some servers count in each chunk: only a count beside no content is the last, or beside the end of the only answer.
        let ends = self.answers < 2 && choices.iter().any(|choice| choice.finish_reason.is_some());
        self.complete |= choices.is_empty() || ends;
        self.shows_usage || !choices.is_empty()
    }
}

/// A stream on its way to the client. When the client goes away first, the rest is not read, and what was not counted by then is
/// booked with its bound.
pub struct Relayed {
    inner: Coming,
    events: Events,
    served: Arc<Served>,
    /// Until it is booked.
    call: Option<Open>,
    silence: Silence,
    /// Nothing more comes.
    ended: bool,
}

impl Relayed {
    pub(crate) fn new(inner: Coming, events: Events, served: Arc<Served>, call: Open, idle: Duration) -> Self {
        Self { inner, events, served, call: Some(call), silence: Silence::new(idle), ended: false }
    }

    /// Books it: by what was counted when that is all of it, and with its bound otherwise.
    fn end(&mut self) {
        let Some(call) = self.call.take() else { return };
        if self.events.complete {
            call.answered(self.served.told(self.events.meter), self.events.exception.take());
        }
    }

    /// What a client still hears at the end: that it is none, when the server did not say so.
    fn last(&mut self, why: &str) -> Bytes {
        let rest = self.events.rest();
        // A line that was cut off is none that a client can read.
        if self.events.done || self.events.exception.is_some() { rest } else { broken_off(why).into() }
    }
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        loop {
            if self.ended {
                self.end();
                return Poll::Ready(None);
            }
            let came = if self.events.broken { Poll::Ready(None) } else { Pin::new(&mut self.inner).poll_frame(cx) };
            let data = match came {
                Poll::Pending if !self.silence.is_over(cx) => return Poll::Pending,
                Poll::Pending => {
                    self.ended = true;
                    let why = self.silence.told();
                    self.last(&why)
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        self.silence.heard();
                        self.events.take(&data)
                    }
                    Err(_) => continue,
                },
                Poll::Ready(Some(Err(_)) | None) => {
                    self.ended = true;
                    self.last(BROKE_OFF)
                }
            };
            if self.ended {
                self.end();
            }
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    }
}

impl Drop for Relayed {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LINE_BYTES_MAX;

    const CHUNK: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"usage\"},\"finish_reason\":null}],\"usage\":null}\n\n";
    const LAST: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n";

    fn run(text: &str, size: usize, shows_usage: bool) -> (String, Events) {
        run_of(Events::new(shows_usage, 1), text, size)
    }

    fn run_of(mut events: Events, text: &str, size: usize) -> (String, Events) {
        let mut passed: Vec<u8> = text.as_bytes().chunks(size).flat_map(|part| events.take(part)).collect();
        passed.extend(events.rest());
        (String::from_utf8(passed).expect("text"), events)
    }

    #[test]
    fn the_count_is_read_however_it_is_cut_and_shown_to_whom_asked() {
        let text = format!(": hello\n\n{CHUNK}{LAST}data: [DONE]\n\n");
        for size in [1, 5, 64, text.len()] {
            let (shown, events) = run(&text, size, true);
            assert_eq!(shown, text, "in pieces of {size}");
            let usage = events.meter.usage.expect("counted");
            assert_eq!((usage.input.0, usage.output.0, usage.cache_read.0), (5, 5, 4));
            assert!(events.complete && events.done);
            let (hidden, events) = run(&text, size, false);
            assert_eq!(hidden, text.replace(LAST, ""), "in pieces of {size}");
            assert!(events.complete);
        }
    }

    #[test]
    fn a_count_beside_content_is_not_the_last() {
        let growing = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":null}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\r\n\r\n";
        let (_, cut) = run(growing, 7, false);
        assert!(cut.meter.usage.is_some() && !cut.complete);
        let end = growing.replace("\"finish_reason\":null", "\"finish_reason\":\"stop\"");
        assert!(run(&format!("{growing}{end}"), 7, false).1.complete);
        assert!(run(&format!("{growing}data: [DONE]"), 7, false).1.complete);
        assert!(!run("data: [DONE]\n\n", 7, false).1.complete, "nothing was counted");
        let of_two = |text: &str| run_of(Events::new(false, 2), text, 7).1.complete;
        assert!(!of_two(&format!("{growing}{end}")), "another answer goes on");
        assert!(!of_two(&format!("{growing}{end}data: [DONE]\n\n")), "no count is of both");
        assert!(of_two(&format!("{growing}{end}{LAST}")));
    }

    #[test]
    fn errors_are_named_and_long_lines_end_the_stream() {
        let (shown, events) = run("data: {\"error\":{\"message\":\"m\",\"code\":503}}\n\n", 9, false);
        assert!(shown.contains("503") && events.exception.as_deref() == Some("503"));
        let mut events = Events::new(true, 1);
        assert!(events.take(&vec![b'x'; LINE_BYTES_MAX + 1]).is_empty());
        assert!(events.broken && events.rest().is_empty());
    }

    #[test]
    fn whole_answers_count_what_they_say() {
        let usage =
            |text: &str| metered(text.as_bytes()).usage.map(|usage| (usage.input.0, usage.output.0, usage.cache_write_5m.0));
        assert_eq!(usage(r#"{"usage":{"prompt_tokens":3,"total_tokens":3}}"#), Some((3, 0, 0)));
        assert_eq!(
            usage(r#"{"usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cache_creation_tokens":1}}}"#),
            Some((2, 2, 1))
        );
        assert_eq!(usage(r#"{"usage":{"prompt_tokens":3}}"#), None);
        assert_eq!(usage(r#"{"choices":[]}"#), None);
        assert_eq!(error_name(br#"{"error":{"type":"rate_limit","code":null}}"#).as_deref(), Some("rate_limit"));
    }
}

//! What an answer used, wherever it says so: in its body, its headers, or the events of its stream.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use laneshift_bedrock::invocation_log::{Metered, metered};
use laneshift_units::{ServiceTier, Tokens, Usage};
use memchr::memmem;
use serde::Deserialize;

use crate::frame::{Frame, NoFrame};

/// What is known of an answer's tokens and tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meter {
    /// `None` while nothing was said.
    pub(crate) usage: Option<Usage>,
    pub(crate) tier: Option<ServiceTier>,
}

impl Meter {
    /// Reads a whole answer.
    pub(crate) fn of_answer(headers: &HeaderMap, body: &[u8]) -> Self {
        let mut meter = Self::of_headers(headers);
        meter.add(metered(body));
        meter
    }

    /// What InvokeModel says in headers, because the body is the model's own.
    // The cache counts' names are seen in the wild, not documented.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let count = |name: &str| text(name).and_then(|text| text.parse().ok());
        let tier = text("x-amzn-bedrock-service-tier").and_then(ServiceTier::parse);
        let (input, output) = (count("x-amzn-bedrock-input-token-count"), count("x-amzn-bedrock-output-token-count"));
        let known = input.is_some() || output.is_some();
        let usage = Usage {
            input: Tokens(input.unwrap_or(0)),
            output: Tokens(output.unwrap_or(0)),
            cache_read: Tokens(count("x-amzn-bedrock-cache-read-input-token-count").unwrap_or(0)),
            cache_write_5m: Tokens(count("x-amzn-bedrock-cache-write-input-token-count").unwrap_or(0)),
            ..Usage::default()
        };
        Self { usage: known.then_some(usage), tier }
    }

    /// What a body says; its own word on the cache is the finer one.
    pub(crate) fn add(&mut self, said: Metered) {
        self.tier = said.tier.or(self.tier);
        let Some(new) = said.usage else { return };
        let most = |a: Tokens, b: Tokens| Tokens(a.0.max(b.0));
        let Some(old) = self.usage.replace(new) else { return };
        // Events of a stream count as they grow, and neither headers nor a stream's last count tell writes of an hour apart.
        let writes = |usage: &Usage| Tokens(usage.cache_write_5m.0 + usage.cache_write_1h.0);
        let of_an_hour = most(old.cache_write_1h, new.cache_write_1h);
        self.usage = Some(Usage {
            input: most(old.input, new.input),
            output: most(old.output, new.output),
            cache_read: most(old.cache_read, new.cache_read),
            cache_write_5m: Tokens(most(writes(&old), writes(&new)).0.saturating_sub(of_an_hour.0)),
            cache_write_1h: of_an_hour,
        });
    }
}

/// Reads the frames of an event stream as their bytes go by.
pub(crate) struct Frames {
    /// What has come of a frame that is not whole.
    buffer: Vec<u8>,
    pub(crate) meter: Meter,
    /// The name of the error that ended it.
    pub(crate) exception: Option<String>,
    /// The last count has come: nothing that follows costs more.
    pub(crate) complete: bool,
    /// A frame was none: what follows is not read.
    broken: bool,
}

/// What a frame says.
pub(crate) enum Said<'a> {
    /// An event: its kind, and what it holds.
    Event(&'a str, &'a [u8]),
    /// An error: its name, and what it holds.
    Exception(&'a str, &'a [u8]),
}

/// An event of InvokeModelWithResponseStream.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    bytes: &'a str,
}

impl Frames {
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        Self { buffer: Vec::new(), meter: Meter::of_headers(headers), exception: None, complete: false, broken: false }
    }

    /// Takes bytes of the stream, and shows what they say.
    pub(crate) fn take(&mut self, bytes: &[u8], see: &mut dyn FnMut(Said<'_>)) {
        if self.broken {
            return;
        }
        let mut held = std::mem::take(&mut self.buffer);
        let mut rest = bytes;
        if !held.is_empty() {
            held.extend_from_slice(bytes);
            rest = &held;
        }
        loop {
            match Frame::first(rest) {
                Ok(Some((frame, after))) => {
                    self.frame(&frame, see);
                    rest = after;
                }
                Ok(None) => break,
                Err(NoFrame) => {
                    self.broken = true;
                    return;
                }
            }
        }
        // A long frame is not copied each time that more of it comes.
        self.buffer = if !held.is_empty() && rest.len() == held.len() { held } else { rest.to_vec() };
    }

    /// Whether nothing of a frame has come that is not all of it.
    pub(crate) fn are_whole(&self) -> bool {
        self.buffer.is_empty() && !self.broken
    }

    fn frame(&mut self, frame: &Frame<'_>, see: &mut dyn FnMut(Said<'_>)) {
        let Frame { event: kind, payload, .. } = *frame;
        match kind {
            // The only event of ConverseStream that counts anything.
            Some("metadata") => {
                self.meter.add(metered(payload));
                self.complete = true;
            }
            Some("chunk") => {
                let chunk = serde_json::from_slice::<Chunk<'_>>(payload).ok();
                // Most chunks count nothing: not every one is read as JSON.
                let json = chunk.and_then(|chunk| STANDARD.decode(chunk.bytes).ok());
                if let Some(json) = json.filter(|json| memmem::find(json, b"oken").is_some()) {
                    self.meter.add(metered(&json));
                    self.complete |= memmem::find(&json, b"amazon-bedrock-invocationMetrics").is_some();
                }
            }
            Some(_) => {}
            None => {
                let name = frame.exception.or(frame.error).unwrap_or("UnknownError");
                self.exception = Some(name.to_owned());
                see(Said::Exception(name, payload));
            }
        }
        if let Some(kind) = kind {
            see(Said::Event(kind, payload));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of ConverseStream as AWS writes it.
    fn frame(event: &str, payload: &str) -> Vec<u8> {
        use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
        let message = Message::new(payload.to_owned())
            .add_header(Header::new(":event-type", HeaderValue::String(event.to_owned().into())))
            .add_header(Header::new(":message-type", HeaderValue::String("event".to_owned().into())));
        let mut bytes = Vec::new();
        aws_smithy_eventstream::frame::write_message_to(&message, &mut bytes).expect("a frame");
        bytes
    }

    #[test]
    fn a_stream_is_metered_however_it_is_cut() {
        let usage = r#"{"usage":{"inputTokens":7,"outputTokens":5,"cacheReadInputTokens":3,"cacheWriteInputTokens":0},"serviceTier":{"type":"flex"}}"#;
        let mut bytes = frame("contentBlockDelta", r#"{"delta":{"text":"inputTokens"}}"#);
        bytes.extend(frame("metadata", usage));
        for size in [1, 7, 64, bytes.len()] {
            let mut frames = Frames::new(&HeaderMap::new());
            bytes.chunks(size).for_each(|part| frames.take(part, &mut |_| {}));
            let usage = frames.meter.usage.expect("metered");
            assert_eq!((usage.input.0, usage.output.0, usage.cache_read.0), (7, 5, 3), "in pieces of {size}");
            assert_eq!(frames.meter.tier, Some(ServiceTier::Flex));
        }
    }

    #[test]
    fn writes_to_a_cache_are_counted_once_whoever_tells_their_time_to_live() {
        let start = r#"{"message":{"usage":{"input_tokens":9,"output_tokens":1,"cache_creation_input_tokens":6,"cache_creation":{"ephemeral_1h_input_tokens":4}}}}"#;
        let metrics =
            r#"{"amazon-bedrock-invocationMetrics":{"inputTokenCount":9,"outputTokenCount":5,"cacheWriteInputTokenCount":6}}"#;
        for order in [[start, metrics], [metrics, start]] {
            let mut meter = Meter::default();
            order.into_iter().for_each(|said| meter.add(metered(said.as_bytes())));
            let usage = meter.usage.expect("metered");
            assert_eq!((usage.output.0, usage.cache_write_5m.0, usage.cache_write_1h.0), (5, 2, 4));
        }
    }

    #[test]
    fn bytes_that_are_no_frames_are_passed_by() {
        let mut frames = Frames::new(&HeaderMap::new());
        frames.take(&[0xff; 64], &mut |_| {});
        frames.take(&frame("metadata", r#"{"usage":{"inputTokens":7,"outputTokens":5}}"#), &mut |_| {});
        assert_eq!(frames.meter.usage, None);
        assert!(frames.buffer.is_empty(), "nothing is kept of what cannot be read");
    }

    #[test]
    fn headers_count_what_a_body_does_not() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-amzn-bedrock-input-token-count", "11"), ("x-amzn-bedrock-output-token-count", "3")] {
            headers.insert(name, value.parse().expect("a value"));
        }
        let usage = Meter::of_answer(&headers, br#"{"completion":"hi"}"#).usage.expect("metered");
        assert_eq!((usage.input.0, usage.output.0), (11, 3));
        assert_eq!(Meter::of_answer(&HeaderMap::new(), b"{}").usage, None);
    }
}

//! Anthropic's server-sent events as the frames of Bedrock's event streams, as they come.
//!
//! A stream is whole when Anthropic's says so and has counted what it used; every other end is an error in the stream, so that no
//! client takes it for whole, and no count of it for all.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame};
use laneshift_bedrock::invocation_log::metered;
use laneshift_dialect::{converse_event, converse_metadata};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Failed;
use crate::body::{Broken, Coming};
use crate::framing::{STREAM_ERROR, event, exception};
use crate::lines::Lines;
use crate::meter::Meter;
use crate::stream::BROKE_OFF;

/// See the module.
pub(crate) struct Framed {
    inner: Coming,
    converse: bool,
    lines: Lines,
    meter: Meter,
    /// What came out in the end was counted.
    is_counted: bool,
    began: Instant,
    first_ms: Option<u64>,
    /// The last frame is written.
    done: bool,
}

fn ms_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Framed {
    /// As events of ConverseStream, or of InvokeModelWithResponseStream. The call was sent at `began`.
    pub(crate) fn new(inner: Coming, converse: bool, began: Instant) -> Self {
        let (lines, meter) = (Lines::default(), Meter::default());
        Self { inner, converse, lines, meter, is_counted: false, began, first_ms: None, done: false }
    }

    /// What bytes of the stream come to; nothing, where they are less than an event.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Bytes, Broken> {
        self.lines.add(bytes);
        let mut frames = BytesMut::new();
        while let Some(line) = self.lines.next() {
            if let Some(data) = line.strip_prefix(b"data:").filter(|_| !self.done) {
                frames.extend_from_slice(&self.event(data.trim_ascii())?);
            }
        }
        if self.lines.are_too_long() {
            frames.extend_from_slice(&self.end(BROKE_OFF)?);
        }
        Ok(frames.freeze())
    }

    fn event(&mut self, data: &[u8]) -> Result<Bytes, Broken> {
        let Ok(said) = serde_json::from_slice::<Value>(data) else { return self.end(BROKE_OFF) };
        self.first_ms.get_or_insert_with(|| ms_since(self.began));
        match said["type"].as_str().unwrap_or_default() {
            "ping" => return Ok(Bytes::new()),
            "error" => return self.failed(data),
            "message_start" => self.meter.add(metered(data)),
            "message_delta" => {
                let counts = metered(data);
                self.is_counted |= counts.usage.is_some_and(|_| self.meter.usage.is_some());
                self.meter.add(counts);
            }
            "message_stop" => return self.last(said),
            _ => {}
        }
        if self.converse {
            return converse_event(&said).map_or(Ok(Bytes::new()), |(kind, payload)| event(kind, &payload));
        }
        chunk(data)
    }

    /// The end of a whole stream, with what it used.
    fn last(&mut self, mut said: Value) -> Result<Bytes, Broken> {
        let Some(usage) = self.meter.usage.filter(|_| self.is_counted) else { return self.end("The answer was not counted.") };
        self.done = true;
        let latency_ms = ms_since(self.began);
        if self.converse {
            return event("metadata", &converse_metadata(&usage, latency_ms));
        }
        said["amazon-bedrock-invocationMetrics"] = json!({
            "inputTokenCount": usage.input.0,
            "outputTokenCount": usage.output.0,
            "invocationLatency": latency_ms,
            "firstByteLatency": self.first_ms.unwrap_or(latency_ms),
            "cacheReadInputTokenCount": usage.cache_read.0,
            "cacheWriteInputTokenCount": usage.cache_write_5m.0 + usage.cache_write_1h.0,
        });
        chunk(said.to_string().as_bytes())
    }

    /// An error that the endpoint sent.
    fn failed(&mut self, data: &[u8]) -> Result<Bytes, Broken> {
        self.done = true;
        let Ok(Failed { error }) = serde_json::from_slice(data) else { return exception(STREAM_ERROR, BROKE_OFF) };
        let name = match error.kind.as_str() {
            "overloaded_error" => "serviceUnavailableException",
            "rate_limit_error" => "throttlingException",
            "invalid_request_error" => "validationException",
            "api_error" => "internalServerException",
            _ => STREAM_ERROR,
        };
        exception(name, &error.message)
    }

    /// It ended otherwise.
    fn end(&mut self, why: &str) -> Result<Bytes, Broken> {
        self.done = true;
        exception(STREAM_ERROR, why)
    }
}

/// An event of InvokeModelWithResponseStream.
fn chunk(data: &[u8]) -> Result<Bytes, Broken> {
    event("chunk", &json!({ "bytes": STANDARD.encode(data) }))
}

impl Body for Framed {
    type Data = Bytes;
    type Error = Broken;

    /// Also bytes that come to no frame are told: the stream is not silent.
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let frames = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => self.take(&data),
                Err(_) => Ok(Bytes::new()),
            },
            Some(Err(_)) | None => self.end(BROKE_OFF),
        };
        Poll::Ready(Some(frames.map(Frame::data)))
    }
}

/// Headers of the answer around the frames.
pub(crate) fn headers(to: &mut HeaderMap) {
    to.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/vnd.amazon.eventstream"));
    to.insert("x-amzn-bedrock-content-type", http::HeaderValue::from_static("application/json"));
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;
    use crate::meter::{Frames, Said};

    const START: &str = r#"{"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1,"cache_creation_input_tokens":4,"cache_creation":{"ephemeral_1h_input_tokens":4}}}}"#;
    const DELTA: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}"#;
    const END: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}"#;
    const STOP: &str = r#"{"type":"message_stop"}"#;

    /// Every kind of event that a stream comes to in pieces of a size, with what the meter of Bedrock's streams reads of it.
    async fn run(converse: bool, events: &[&str], size: usize) -> (Vec<String>, Frames) {
        let text: String = events.iter().map(|data| format!("event: x\r\ndata: {data}\r\n\r\n")).collect();
        let nothing = Coming::InProcess(Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync());
        let mut framed = Framed::new(nothing, converse, Instant::now());
        let (mut frames, mut kinds) = (Frames::new(&HeaderMap::new()), Vec::new());
        let mut bytes: Vec<Bytes> = text.as_bytes().chunks(size).map(|part| framed.take(part).expect("framed")).collect();
        bytes.push(framed.collect().await.expect("framed").to_bytes());
        for part in bytes {
            frames.take(&part, &mut |said| match said {
                Said::Event(kind, _) => kinds.push(kind.to_owned()),
                Said::Exception(name, _) => kinds.push(name.to_owned()),
            });
        }
        (kinds, frames)
    }

    #[tokio::test]
    async fn a_whole_stream_is_counted_by_class_however_it_is_cut() {
        for size in [1, 7, 4_096] {
            for (converse, expected) in
                [(true, vec!["messageStart", "contentBlockDelta", "messageStop", "metadata"]), (false, vec!["chunk"; 4])]
            {
                let (kinds, frames) = run(converse, &[START, r#"{"type":"ping"}"#, DELTA, END, STOP, DELTA], size).await;
                assert_eq!((kinds, frames.complete), (expected.into_iter().map(str::to_owned).collect(), true));
                let usage = frames.meter.usage.expect("counted");
                let counts = (usage.input.0, usage.output.0, usage.cache_write_5m.0, usage.cache_write_1h.0);
                assert_eq!(counts, (9, 5, 0, 4));
            }
        }
    }

    #[tokio::test]
    async fn every_other_end_is_an_error_and_no_count_is_all_of_it() {
        let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
        let uncounted = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#;
        for (events, name) in [
            (&[START, DELTA][..], STREAM_ERROR),
            (&[START, DELTA, error, STOP], "serviceUnavailableException"),
            (&[START, uncounted, STOP], STREAM_ERROR),
            (&[START, "no JSON", END, STOP], STREAM_ERROR),
            (&[], STREAM_ERROR),
        ] {
            for converse in [true, false] {
                let (kinds, frames) = run(converse, events, 64).await;
                assert_eq!((kinds.last().map(String::as_str), frames.complete), (Some(name), false), "{events:?}");
                assert_eq!(frames.exception.as_deref(), Some(name));
            }
        }
    }
}

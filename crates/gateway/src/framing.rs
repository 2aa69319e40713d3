//! Frames of Bedrock's event streams, written here.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use aws_smithy_types::str_bytes::StrBytes;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::body::Broken;

/// The name of the error of a stream that breaks off.
pub(crate) const STREAM_ERROR: &str = "modelStreamErrorException";

/// An event.
pub(crate) fn event(kind: &'static str, payload: &Value) -> Result<Bytes, Broken> {
    frame([(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")], payload)
}

/// The error that ends a stream.
pub(crate) fn exception(name: &'static str, message: &str) -> Result<Bytes, Broken> {
    let headers = [(":exception-type", name), (":content-type", "application/json"), (":message-type", "exception")];
    frame(headers, &json!({ "message": message }))
}

fn frame(headers: [(&'static str, &'static str); 3], payload: &Value) -> Result<Bytes, Broken> {
    let text = |value: &'static str| HeaderValue::String(StrBytes::from(value));
    let headers = headers.map(|(name, value)| Header::new(name, text(value)));
    let message = Message::new_from_parts(headers.into(), Bytes::from(payload.to_string()));
    let mut frame = Vec::new();
    write_message_to(&message, &mut frame)?;
    Ok(frame.into())
}

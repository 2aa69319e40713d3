//! Response streams: `application/vnd.amazon.eventstream`.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use aws_smithy_types::str_bytes::StrBytes;
use bytes::Bytes;
use http::Response;
use http_body_util::StreamBody;
use hyper::body::Frame;
use laneshift_provider::refusal::Refusal;
use serde_json::Value;

use super::reply;
use crate::body::Body;

/// An event of a modelled union.
pub(super) fn event(member: &str, payload: &Value) -> Bytes {
    frame(&[(":event-type", member), (":content-type", "application/json"), (":message-type", "event")], payload)
}

/// A modelled error in the middle of a stream.
pub(super) fn exception(refusal: &Refusal) -> Bytes {
    let member = refusal.kind.member();
    let headers = [(":exception-type", &*member), (":content-type", "application/json"), (":message-type", "exception")];
    frame(&headers, &serde_json::json!({ "message": refusal.message }))
}

fn frame(headers: &[(&str, &str)], payload: &Value) -> Bytes {
    let text = |value: &str| HeaderValue::String(StrBytes::copy_from_str(value));
    let headers = headers.iter().map(|(name, value)| Header::new(StrBytes::copy_from_str(name), text(value))).collect();
    let message = Message::new_from_parts(headers, Bytes::from(payload.to_string()));
    let mut buffer = Vec::new();
    write_message_to(&message, &mut buffer).expect("the headers are short and few, and a body is under 24 MiB");
    buffer.into()
}

/// The answer around these frames.
pub(super) fn response(frames: Vec<Bytes>) -> Response<Body> {
    let frames = frames.into_iter().map(|bytes| Ok::<_, std::convert::Infallible>(Frame::data(bytes)));
    let mut response = Response::new(Body::http_body_unsync(StreamBody::new(futures::stream::iter(frames))));
    reply::set(&mut response, "content-type", "application/vnd.amazon.eventstream");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_the_one_that_a_client_accepted() {
        let payload: Value = serde_json::from_str(r#"{"contentBlockIndex":0,"delta":{"text":"Hi"}}"#).expect("JSON");
        let bytes = event("contentBlockDelta", &payload);
        let expected = "0b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e74";
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        // Length of the headers, and the headers, as recorded from a client; the payload's spacing is free.
        assert_eq!(&hex[8..16], "00000057");
        assert_eq!(&hex[24..24 + expected.len()], expected);
        let mut read = &bytes[..];
        let message = aws_smithy_eventstream::frame::read_message_from(&mut read).expect("whole, with right checksums");
        assert_eq!(message.payload(), &Bytes::from(payload.to_string()));
    }
}

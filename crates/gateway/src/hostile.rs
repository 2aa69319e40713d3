//! Anything at all, into every parser of what a client or an upstream sends: nothing panics, and nothing grows without end.
//!
//! A few hundred inputs in every run; `cargo xtask soak gateway` takes ten minutes of them.

use std::collections::BTreeMap;

use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use laneshift_aws::sigv4;
use laneshift_bedrock::Operation;
use laneshift_bedrock::invocation_log::metered;
use laneshift_catalog::prices::Tariff;
use laneshift_core::price::Rates;
use laneshift_dialect::{Answers, ChatCall, EmbeddingsCall};
use laneshift_units::{ServiceTier, Timestamp};
use proptest::prelude::*;
use serde_json::value::RawValue;

use crate::body::Coming;
use crate::messages::{self, Framed, Messages};
use crate::meter::{Frames, Said};
use crate::outline::Outline;
use crate::runtime::{Asked, most};
use crate::{lanes, openai};

/// JSON of some depth, with names and values that mean something here among others.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let names = prop_oneof![
        prop::sample::select(vec![
            "model",
            "messages",
            "role",
            "content",
            "type",
            "text",
            "tools",
            "function",
            "name",
            "stream",
            "usage",
            "inputTokens",
            "outputTokens",
            "delta",
            "toolUse",
            "input",
            "contentBlockIndex",
            "start",
            "stopReason",
            "metadata",
            "requestMetadata",
            "serviceTier",
            "max_tokens",
            "image_url",
            "url",
            "file",
            "filename",
            "file_data",
            "bytes",
            "embedding",
            "output",
            "message",
            "response_format",
            "json_schema",
            "schema",
            "tool_calls",
            "id",
            "arguments",
            "cacheReadInputTokens",
            "system",
            "cachePoint",
            "toolConfig",
            "toolResult",
            "reasoningContent",
            "inferenceConfig",
            "index",
            "content_block",
            "error",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}",
    ];
    let texts = prop_oneof![
        prop::sample::select(vec![
            "user",
            "system",
            "assistant",
            "tool",
            "text",
            "image_url",
            "file",
            "flex",
            "auto",
            "json_schema"
        ])
        .prop_map(str::to_owned),
        Just("data:image/png;base64,QUJD".to_owned()),
        "\\PC{0,20}",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        texts.prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 80, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((names.clone(), inner), 0..8)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A body: JSON, or JSON with a byte changed or cut off, or anything.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let damaged = (json(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(json, at, byte)| {
        let mut bytes = json.to_string().into_bytes();
        let at = at.index(bytes.len());
        if byte < 64 {
            bytes.truncate(at)
        } else {
            bytes[at] = byte
        }
        bytes
    });
    prop_oneof![json().prop_map(|json| json.to_string().into_bytes()), damaged, prop::collection::vec(any::<u8>(), 0..200)]
}

/// Frames of a stream, as they come or damaged.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(vec![
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "messageStop",
        "metadata",
        "chunk",
        "x",
    ]);
    let one = (kind, prop::sample::select(vec!["event", "exception", "error"]), json()).prop_map(|(kind, message, payload)| {
        let header = |name: &'static str, value: &str| Header::new(name, HeaderValue::String(value.to_owned().into()));
        let named = if message == "event" { ":event-type" } else { ":exception-type" };
        let message =
            Message::new(payload.to_string()).add_header(header(named, kind)).add_header(header(":message-type", message));
        let mut bytes = Vec::new();
        aws_smithy_eventstream::frame::write_message_to(&message, &mut bytes).expect("a frame");
        bytes
    });
    (prop::collection::vec(one, 0..6), prop::option::of((any::<prop::sample::Index>(), any::<u8>()))).prop_map(
        |(frames, damage)| {
            let mut bytes = frames.concat();
            if let Some((at, byte)) = damage.filter(|_| !bytes.is_empty()) {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        },
    )
}

/// An event of Anthropic's streams, as it comes or damaged.
fn event() -> impl Strategy<Value = Vec<u8>> {
    let kinds = ["message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop", "error", "ping"];
    let known = (json(), prop::sample::select(kinds.to_vec())).prop_map(|(mut json, kind)| {
        if let Some(members) = json.as_object_mut() {
            members.insert("type".to_owned(), kind.into());
        }
        json.to_string().into_bytes()
    });
    prop_oneof![known, body()].prop_map(|data| [b"data: ", &*data, b"\n\n"].concat())
}

fn answers() -> Answers {
    Answers { id: "1".to_owned(), model: "m".to_owned(), created_s: 0 }
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(bytes in body()) {
        if let Ok(call) = ChatCall::read(&bytes) {
            let converse = call.converse(Some("flex"));
            prop_assert!(serde_json::from_str::<serde_json::Value>(&converse).is_ok(), "{converse}");
        }
        if let Ok(call) = EmbeddingsCall::read(&bytes) {
            let _ = call.bodies("cohere.embed-v4:0");
            let _ = call.list(&[&bytes], 0);
        }
        let _ = answers().completion(&bytes);
        let _ = metered(&bytes);
        let (parts, ()) = Request::new(()).into_parts();
        for operation in Operation::ALL {
            if let Ok(message) = Messages::of(operation, &parts, &bytes, "m") {
                // Numbers beyond what this program holds pass as they were written.
                let members = serde_json::from_slice::<BTreeMap<String, &RawValue>>(&message.body);
                prop_assert!(members.is_ok_and(|members| members["model"].get() == "\"m\""));
            }
            let _ = messages::answer(operation, Bytes::from(bytes.clone()), None, 0);
            let _ = Asked::read(operation, &HeaderMap::new(), &bytes, &Outline::of(&bytes));
        }
        let tariff = Tariff::flat(Rates::default());
        prop_assert!(most("m", &bytes, &Outline::of(&bytes), (&tariff, ServiceTier::Default)).input.0 >= bytes.len() as u64);
    }

    #[test]
    fn any_stream_is_passed_on_and_kept_in_bounds(bytes in frames(), size in 1_usize..400) {
        let (mut frames, mut stream, mut written) = (Frames::new(&HeaderMap::new()), answers().stream(true), Vec::new());
        for part in bytes.chunks(size) {
            frames.take(part, &mut |said| match said {
                Said::Event(kind, payload) => stream.event(kind, payload, &mut written),
                Said::Exception(name, payload) => stream.error(name, &String::from_utf8_lossy(payload), &mut written),
            });
        }
        stream.end(&mut written);
        let text = std::str::from_utf8(&written).expect("what is written is text");
        for event in text.split_terminator("\n\n") {
            let data = event.strip_prefix("data: ").expect("an event");
            prop_assert!(data == "[DONE]" || serde_json::from_str::<serde_json::Value>(data).is_ok(), "{data}");
        }
    }

    #[test]
    fn any_events_of_messages_are_frames_in_the_end(events in prop::collection::vec(event(), 0..6), size in 1_usize..400, converse: bool) {
        let nothing = Coming::InProcess(Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync());
        let mut framed = Framed::new(nothing, converse, tokio::time::Instant::now());
        let mut frames = Frames::new(&HeaderMap::new());
        for part in events.concat().chunks(size) {
            frames.take(&framed.take(part).expect("no frame is too large"), &mut |_| {});
            prop_assert!(frames.are_whole());
        }
    }

    #[test]
    fn any_head_is_read_or_refused(
        path in "(/[\\PC&&[^ #?]]{0,20}){0,6}",
        authorization in prop_oneof!["\\PC{0,80}", "AWS4-HMAC-SHA256 (Credential=[a-z/0-9]{0,30})?,? ?(SignedHeaders=[a-z;:-]{0,20})?,? ?(Signature=[0-9a-f]{0,70})?"],
        date in "[0-9TZ]{0,17}",
        deadline in "\\PC{0,30}",
    ) {
        let _ = Operation::of_path(&path);
        let _ = openai::Route::of(&http::Method::GET, &path);
        let _ = lanes::read(&deadline, Timestamp(1_800_000_000_000));
        let made = Request::post("/model/m/converse").header("authorization", authorization.as_bytes()).header("x-amz-date", date).body(());
        let Ok(request) = made else { return Ok(()) };
        let (parts, ()) = request.into_parts();
        if let Ok(Some(claim)) = sigv4::claim(&parts) {
            prop_assert!(sigv4::verify(&claim, &parts, "", "secret", Timestamp(1_800_000_000_000)).is_err());
        }
    }
}

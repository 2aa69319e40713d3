//! Records read back by the project's reader.

use laneshift_bedrock::invocation_log::{Invocation, parse, read_input_body};
use laneshift_units::{ServiceTier, Tokens};
use serde_json::json;

use super::*;

const USAGE: Usage = Usage {
    input: Tokens(3120),
    output: Tokens(212),
    cache_read: Tokens(7),
    cache_write_5m: Tokens(5),
    cache_write_1h: Tokens(4),
};

/// An account, a region and a body to borrow from.
struct World {
    account: AccountId,
    region: Region,
    body: Box<RawValue>,
}

impl World {
    fn new(body: &str) -> Self {
        Self {
            account: AccountId::new("123456789012"),
            region: Region::new("us-east-1"),
            body: RawValue::from_string(body.to_owned()).expect("JSON"),
        }
    }

    fn call<'a>(&'a self, operation: Operation, output: &'a Value) -> Call<'a> {
        Call {
            at: Timestamp::parse("2026-11-23T05:46:44Z").expect("a moment"),
            account: &self.account,
            region: &self.region,
            request_id: "6c1f0d1e",
            operation,
            model_id: "us.anthropic.claude-sonnet-4-6",
            identity_arn: "arn:aws:sts::123456789012:assumed-role/CaseNotesRole/batch-worker-3",
            inference_region: None,
            request_metadata: None,
            modality: Modality::Text,
            input_body: Some(&self.body),
            output_body: Some(output),
            usage: Some(USAGE),
            error_code: None,
        }
    }
}

const CONVERSE: &str = "{\"messages\":[{\"role\":\"user\",\r\n\"content\":[{\"text\":\"a\\nb\"},{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}]}]}";

fn converse_usage() -> Value {
    json!({"inputTokens": 3120, "outputTokens": 212, "totalTokens": 3348, "cacheReadInputTokens": 7, "cacheWriteInputTokens": 9,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 4}, {"ttl": "5m", "inputTokens": 5}]})
}

fn claude_usage() -> Value {
    json!({"input_tokens": 3120, "output_tokens": 212, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 9,
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 4}})
}

fn classes(read: &Invocation<'_>) -> (Option<u64>, Option<u64>, u64, u64, u64) {
    let hour = read.cache_write_1h_tokens;
    (read.input_tokens, read.output_tokens, read.cache_read_tokens, read.cache_write_tokens - hour, hour)
}

#[test]
fn every_operation_is_read_back_with_its_tokens_by_class_and_its_tier() {
    for (operation, output) in [
        (Operation::Converse, json!({"stopReason": "end_turn", "usage": converse_usage(), "serviceTier": {"type": "flex"}})),
        (
            Operation::ConverseStream,
            json!([{"messageStop": {"stopReason": "end_turn"}}, {"metadata": {"usage": converse_usage(), "serviceTier": {"type": "flex"}}}]),
        ),
        (Operation::InvokeModel, json!({"content": [], "usage": claude_usage(), "service_tier": "flex"})),
        (
            Operation::InvokeModelWithResponseStream,
            json!([{"type": "message_start", "message": {"usage": claude_usage(), "service_tier": "flex"}}, {"type": "message_stop"}]),
        ),
    ] {
        let world = World::new(CONVERSE);
        let record = record(&world.call(operation, &output), Delivery::ALL, None);
        assert!(!record.line.contains(['\n', '\r']) && record.moved.is_empty());
        let read = parse(record.line.as_bytes()).expect("a record");
        assert_eq!(classes(&read), (Some(3120), Some(212), 7, 5, 4), "{}", record.line);
        assert_eq!((read.service_tier, read.operation.as_ref()), (Some(ServiceTier::Flex), operation.name()));
        assert_eq!(read.streamed(), matches!(operation, Operation::ConverseStream | Operation::InvokeModelWithResponseStream));
        assert!(!read.body_unreadable && read.body.expect("a body").cache_1h);
    }
}

#[test]
fn who_called_with_what_metadata_is_read_back() {
    let world = World::new("{}");
    let (output, elsewhere) = (json!({}), Region::new("us-west-2"));
    let metadata = Map::from_iter([("team".to_owned(), json!("claims"))]);
    let call = Call {
        request_metadata: Some(&metadata),
        inference_region: Some(&elsewhere),
        ..world.call(Operation::Converse, &output)
    };
    let line = record(&call, Delivery::ALL, None).line;
    let read = parse(line.as_bytes()).expect("a record");
    assert_eq!(read.at, call.at);
    assert_eq!(
        (read.account.as_ref(), read.region.as_ref(), read.request_id.as_ref()),
        ("123456789012", "us-east-1", "6c1f0d1e")
    );
    assert_eq!((read.model_id.as_ref(), read.identity_arn.as_ref()), (call.model_id, call.identity_arn));
    assert_eq!(read.metadata, [("team".into(), "claims".into())]);
    assert!(line.contains("\"inferenceRegion\":\"us-west-2\""));
}

#[test]
fn a_switch_that_is_off_keeps_bodies_out_and_counts_in() {
    let world = World::new(CONVERSE);
    let output = json!({"usage": converse_usage()});
    let call = world.call(Operation::Converse, &output);
    let off = Delivery { text: false, ..Delivery::ALL };
    let line = record(&call, off, None).line;
    assert!(!line.contains("BodyJson"));
    let read = parse(line.as_bytes()).expect("a record");
    assert_eq!((read.input_tokens, read.output_tokens, read.cache_write_tokens), (Some(3120), Some(212), 9));
    let image = Call { modality: Modality::Image, ..call };
    assert!(record(&image, off, None).line.contains("inputBodyJson"));
}

#[test]
fn a_large_body_gets_an_object_of_its_own() {
    let text = "x".repeat(BODY_BYTES_MAX);
    let world = World::new(&json!({"messages": [{"role": "user", "content": [{"text": text}]}]}).to_string());
    let output = json!({"usage": converse_usage()});
    let call = world.call(Operation::Converse, &output);
    let large = LargeBodies { bucket: "logs", prefix: "p" };
    let written = record(&call, Delivery::ALL, Some(large));
    let [moved] = &written.moved[..] else { panic!("one body is large") };
    let read = parse(written.line.as_bytes()).expect("a record");
    assert_eq!(read.body_s3_path.as_deref(), Some(&*format!("s3://logs/{}", moved.key)));
    assert!(moved.key.ends_with("/2026/11/23/05/data/6c1f0d1e_input.json.gz"));
    assert_eq!(read_input_body(moved.json.as_bytes()).expect("JSON").user_turns, 1);
    assert_eq!(classes(&read), (Some(3120), Some(212), 7, 5, 4));
    let dropped = record(&call, Delivery::ALL, None);
    assert!(dropped.moved.is_empty() && !dropped.line.contains("inputBody"));
}

#[test]
fn a_failed_call_has_its_error_and_no_counts() {
    let world = World::new(CONVERSE);
    let nothing = Value::Null;
    let call = Call {
        output_body: None,
        usage: None,
        error_code: Some("ThrottlingException"),
        ..world.call(Operation::Converse, &nothing)
    };
    let line = record(&call, Delivery::ALL, None).line;
    let read = parse(line.as_bytes()).expect("a record");
    assert_eq!(read.error_code.as_deref(), Some("ThrottlingException"));
    assert_eq!((read.input_tokens, read.output_tokens, read.cache_read_tokens), (None, None, 0));
    assert!(line.contains("\"output\":{}"));
}

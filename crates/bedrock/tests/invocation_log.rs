//! Records of every family's shape, as documented or seen; look-alikes, not real logs.

use laneshift_bedrock::invocation_log::{ParseError, parse, read_input_body};
use laneshift_units::ServiceTier;

fn record(extra: &str) -> String {
    format!(
        r#"{{"schemaType":"ModelInvocationLog","timestamp":"2026-11-23T05:46:44Z","accountId":"123456789012","region":"us-east-1","requestId":"6c1f0d1e-8f0b-4f6e-9a3e-1f6f0c6c9b11","modelId":"m.n","identity":{{"arn":"arn:aws:sts::1:assumed-role/R/s"}},{extra}}}"#
    )
}

#[test]
fn a_converse_record_gives_counts_latency_tier_and_turns() {
    let json = record(
        r#""operation":"Converse","requestMetadata":{"team":"claims","workload":"nightly"},"input":{"inputBodyJson":{"serviceTier":{"type":"priority"},"system":[{"text":"Be \"terse\"."},{"cachePoint":{"type":"default","ttl":"1h"}}],"messages":[{"role":"user","content":[{"text":"a"}]},{"content":[{"toolUse":{"name":"x"}}],"role":"assistant"},{"role":"user","content":[{"toolResult":{"content":[{"text":"r"}]}}]}],"toolConfig":{"tools":[]},"guardrailConfig":{"guardrailIdentifier":"g"}},"inputTokenCount":3120},"output":{"outputBodyJson":{"output":{"message":{"role":"assistant","content":[{"text":"b"}]}},"stopReason":"end_turn","metrics":{"latencyMs":1834},"usage":{"inputTokens":3120,"outputTokens":212,"totalTokens":3332,"cacheReadInputTokens":7,"cacheWriteInputTokens":9,"cacheDetails":[{"ttl":"1h","inputTokens":4},{"ttl":"5m","inputTokens":5}]},"serviceTier":{"type":"flex"}},"outputTokenCount":212}"#,
    );
    let r = parse(json.as_bytes()).expect("a record");
    assert_eq!((r.input_tokens, r.output_tokens, r.cache_read_tokens), (Some(3120), Some(212), 7));
    assert_eq!((r.cache_write_tokens, r.cache_write_1h_tokens), (9, 4));
    assert_eq!(r.latency_ms, Some(1834));
    assert_eq!(r.service_tier, Some(ServiceTier::Flex), "the tier that served wins");
    let body = r.body.expect("a body");
    assert_eq!((body.user_turns, body.assistant_turns, body.tool_results), (2, 1, 1));
    assert!(body.tools && body.guardrail && body.cache_point && body.cache_1h);
    assert!(body.system_hash != 0 && body.lead_hash != 0 && body.payload_hash != 0);
    assert_eq!(r.metadata[1].1, "nightly");
}

#[test]
fn a_streamed_claude_answer_is_an_array_of_events() {
    let json = record(
        r#""operation":"InvokeModelWithResponseStream","input":{"inputBodyJson":{"anthropic_version":"bedrock-2023-05-31","system":"s","messages":[{"role":"user","content":"hi"}]}},"output":{"outputBodyJson":[{"type":"message_start","message":{"usage":{"input_tokens":31,"output_tokens":1}}},{"type":"content_block_delta","delta":{"text":"x"}},{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":12}},{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":31,"outputTokenCount":12,"invocationLatency":2823,"firstByteLatency":300}}]}"#,
    );
    let r = parse(json.as_bytes()).expect("a record");
    assert!(r.streamed());
    assert_eq!((r.input_tokens, r.output_tokens, r.latency_ms), (Some(31), Some(12), Some(2823)));
}

#[test]
fn other_families_usage_is_found() {
    for (body, input, output) in [
        (r#"{"generation":"x","prompt_token_count":5,"generation_token_count":7}"#, Some(5), Some(7)),
        (r#"{"embedding":[0.1,0.2],"inputTextTokenCount":9}"#, Some(9), None),
        (r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#, Some(3), Some(4)),
        (r#"{"output":{},"usage":{"inputTokens":1,"outputTokens":2,"cacheReadInputTokenCount":6}}"#, Some(1), Some(2)),
    ] {
        let json = record(&format!(r#""operation":"InvokeModel","input":{{}},"output":{{"outputBodyJson":{body}}}"#));
        let r = parse(json.as_bytes()).expect("a record");
        assert_eq!((r.input_tokens, r.output_tokens), (input, output), "{body}");
    }
}

#[test]
fn a_blocked_call_and_a_failed_call_keep_their_missing_counts_missing() {
    let json = record(
        r#""operation":"Converse","input":{"inputBodyJson":{}},"output":{"outputBodyJson":{"stopReason":"guardrail_intervened"}}"#,
    );
    let r = parse(json.as_bytes()).expect("a record");
    assert!(r.blocked && r.input_tokens.is_none() && r.output_tokens.is_none());
    let json = record(r#""operation":"Converse","errorCode":"ThrottlingException","input":{},"output":{}"#);
    let r = parse(json.as_bytes()).expect("a record");
    assert_eq!(r.error_code.as_deref(), Some("ThrottlingException"));
    assert!(r.input_tokens.is_none());
}

#[test]
fn a_body_of_an_unknown_shape_costs_only_its_traits() {
    let json = record(
        r#""operation":"Converse","input":{"inputBodyJson":{"messages":{"a":1}},"inputTokenCount":5},"output":{"outputTokenCount":6}"#,
    );
    let r = parse(json.as_bytes()).expect("a record");
    assert!(r.body_unreadable);
    assert_eq!((r.input_tokens, r.output_tokens), (Some(5), Some(6)));
}

#[test]
fn what_is_no_record_is_refused_without_its_text() {
    assert!(matches!(parse(b"{\"timestamp\":\"2026"), Err(ParseError::Json { .. })));
    assert_eq!(parse(b"{}").map(|_| ()), Err(ParseError::Missing("timestamp")));
    assert!(matches!(parse(b"\xff\xfe"), Err(ParseError::Json { .. })));
    let secret = parse(br#"{"timestamp":"SECRET","modelId":"m"}"#).map(|_| ()).expect_err("no moment").to_string();
    assert!(!secret.contains("SECRET"));
    assert!(read_input_body(b"\x00").is_err());
}

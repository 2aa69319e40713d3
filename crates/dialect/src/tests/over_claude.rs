//! Converse where only Claude's own API is.

use laneshift_units::{Tokens, Usage};
use serde_json::{Value, json};

use crate::{claude_of_converse, converse_event, converse_of_claude};

fn claude(body: &Value) -> Result<Value, String> {
    claude_of_converse(body.to_string().as_bytes())
}

#[test]
fn every_block_of_converse_has_its_place_in_claudes_body() {
    let body = json!({
        "system": [{ "text": "be brief" }, { "cachePoint": { "type": "default", "ttl": "1h" } }],
        "messages": [
            { "role": "user", "content": [
                { "text": "look" },
                { "image": { "format": "png", "source": { "bytes": "QUJD" } } },
                { "document": { "format": "txt", "name": "n", "source": { "bytes": "QUJD" } } },
                { "cachePoint": { "type": "default" } },
            ] },
            { "role": "assistant", "content": [
                { "reasoningContent": { "reasoningText": { "text": "hm", "signature": "s" } } },
                { "reasoningContent": { "redactedContent": "QUJD" } },
                { "toolUse": { "toolUseId": "t", "name": "f", "input": { "a": 1 } } },
            ] },
            { "role": "user", "content": [
                { "toolResult": { "toolUseId": "t", "status": "error", "content": [{ "json": { "b": 2 } }] } },
            ] },
        ],
        "inferenceConfig": { "maxTokens": 9, "topP": 0.5, "stopSequences": ["x"] },
        "toolConfig": {
            "tools": [{ "toolSpec": { "name": "f", "inputSchema": { "json": { "type": "object" } }, "strict": true } }],
            "toolChoice": { "tool": { "name": "f" } },
        },
        "outputConfig": { "textFormat": { "type": "json_schema", "structure": { "jsonSchema": { "schema": "{\"type\":\"object\"}" } } } },
        "additionalModelRequestFields": { "top_k": 5 },
        "requestMetadata": { "team": "a" },
        "serviceTier": { "type": "default" },
    });
    let ephemeral = json!({ "type": "ephemeral" });
    let expected = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "system": [{ "type": "text", "text": "be brief", "cache_control": { "type": "ephemeral", "ttl": "1h" } }],
        "messages": [
            { "role": "user", "content": [
                { "type": "text", "text": "look" },
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "QUJD" } },
                { "type": "document", "title": "n", "cache_control": ephemeral,
                  "source": { "type": "text", "media_type": "text/plain", "data": "ABC" } },
            ] },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "hm", "signature": "s" },
                { "type": "redacted_thinking", "data": "QUJD" },
                { "type": "tool_use", "id": "t", "name": "f", "input": { "a": 1 } },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t", "is_error": true, "content": [{ "type": "text", "text": "{\"b\":2}" }] },
            ] },
        ],
        "max_tokens": 9, "top_p": 0.5, "stop_sequences": ["x"], "top_k": 5,
        "tools": [{ "name": "f", "input_schema": { "type": "object" }, "strict": true }],
        "tool_choice": { "type": "tool", "name": "f" },
        "output_config": { "format": { "type": "json_schema", "schema": { "type": "object" } } },
    });
    assert_eq!(claude(&body), Ok(expected));
}

#[test]
fn what_claudes_api_has_no_place_for_is_named() {
    let said = |content: Value| json!({ "messages": [{ "role": "user", "content": [content] }] });
    for (body, words) in [
        (json!({ "messages": [], "guardrailConfig": {} }), "guardrailConfig"),
        (json!({ "messages": [], "promptVariables": {} }), "promptVariables"),
        (json!({ "messages": [], "toolConfig": { "tools": [{ "systemTool": { "name": "x" } }] } }), "systemTool"),
        (json!({ "messages": [], "system": [{ "guardContent": {} }] }), "system"),
        (said(json!({ "video": {} })), "video"),
        (said(json!({ "image": { "format": "png", "source": { "s3Location": { "uri": "s3://b/k" } } } })), "an image"),
        (said(json!({ "document": { "format": "docx", "name": "n", "source": { "bytes": "QQ==" } } })), "pdf nor txt"),
        (said(json!({ "cachePoint": { "type": "default" } })), "cachePoint"),
    ] {
        let why = claude(&body).expect_err(words);
        assert!(why.contains(words), "{words}: {why}");
    }
}

#[test]
fn answers_and_events_come_back_as_converse_says_them() {
    let usage =
        Usage { input: Tokens(5), output: Tokens(3), cache_read: Tokens(2), cache_write_1h: Tokens(7), ..Usage::default() };
    let answer = json!({
        "content": [
            { "type": "thinking", "thinking": "hm", "signature": "s" }, { "type": "text", "text": "Well" },
            { "type": "tool_use", "id": "t", "name": "f", "input": {} }, { "type": "server_tool_use", "id": "u" },
        ],
        "stop_reason": "refusal",
    });
    let converse = converse_of_claude(answer.to_string().as_bytes(), &usage, 4).expect("known");
    let content = &converse["output"]["message"]["content"];
    let thought = json!({ "reasoningContent": { "reasoningText": { "text": "hm", "signature": "s" } } });
    assert_eq!((&content[0], content.as_array().map(Vec::len)), (&thought, Some(3)));
    assert_eq!((&converse["stopReason"], &converse["metrics"]["latencyMs"]), (&json!("content_filtered"), &json!(4)));
    let counts = &converse["usage"];
    assert_eq!((&counts["totalTokens"], &counts["cacheDetails"]), (&json!(17), &json!([{ "ttl": "1h", "inputTokens": 7 }])));
    assert_eq!(converse_of_claude(b"{}", &usage, 4), None);
    let start = json!({ "type": "content_block_start", "index": 1, "content_block": { "type": "tool_use", "id": "t", "name": "f", "input": {} } });
    let tool = json!({ "start": { "toolUse": { "toolUseId": "t", "name": "f" } }, "contentBlockIndex": 1 });
    assert_eq!(converse_event(&start), Some(("contentBlockStart", tool)));
    for quiet in [json!({ "type": "ping" }), json!({ "type": "message_stop" }), json!({ "type": "something_new" }), json!({})] {
        assert_eq!(converse_event(&quiet), None);
    }
}

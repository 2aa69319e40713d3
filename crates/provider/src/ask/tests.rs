//! Bodies as Bedrock's documents show them, and bodies that it refuses.

use serde_json::{Value, json};

use super::*;
use crate::models::Models;

const SONNET: &str = "anthropic.claude-sonnet-4-6";
const NOVA: &str = "amazon.nova-pro-v1:0";
const TITAN: &str = "amazon.titan-embed-text-v2:0";
const LLAMA: &str = "meta.llama3-3-70b-instruct-v1:0";
const OSS: &str = "openai.gpt-oss-120b-1:0";

fn model(id: &str) -> &'static Model {
    Models::shipped().get(id).expect("a shipped model")
}

fn invoke(id: &str, body: &Value) -> Result<Ask, Refused> {
    read_invoke(model(id), body.to_string().as_bytes())
}

fn refusal(asked: Result<Ask, Refused>) -> String {
    asked.expect_err("a refusal").message
}

fn claude(more: Value) -> Value {
    let mut body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Summarize: ..."}]}],
    });
    for (key, value) in more.as_object().cloned().unwrap_or_default() {
        body[key] = value;
    }
    body
}

#[test]
fn the_documented_bodies_of_every_family_are_read() {
    let ask = invoke(SONNET, &claude(json!({}))).expect("a documented body");
    assert_eq!((ask.max_tokens, ask.input_tokens(), &*ask.last_user_text), (1024, 4, "Summarize: ..."));

    let converse = json!({
        "system": [{"text": "Be terse."}],
        "messages": [{"role": "user", "content": [{"text": "Summarize: ..."}]}],
        "inferenceConfig": {"maxTokens": 1024, "temperature": 0, "stopSequences": ["END"]},
        "serviceTier": {"type": "flex"},
    });
    let ask = read_converse(model(NOVA), &converse).expect("a documented body");
    assert_eq!((ask.max_tokens, ask.segments.len(), ask.tier), (1024, 2, Some(ServiceTier::Flex)));
    assert_eq!(ask.stop_sequences, ["END"]);

    let nova = json!({
        "schemaVersion": "messages-v1",
        "system": [{"text": "..."}],
        "messages": [{"role": "user", "content": [{"text": "..."}]}],
        "inferenceConfig": {"maxTokens": 300, "temperature": 0.3, "topP": 0.1},
    });
    assert_eq!(invoke(NOVA, &nova).expect("a documented body").max_tokens, 300);

    let titan = json!({"inputText": "passage", "dimensions": 512, "normalize": true});
    let ask = invoke(TITAN, &titan).expect("a documented body");
    assert_eq!(ask.embedding, Some(Embedding { dimensions: 512, normalize: true }));

    let llama = json!({"prompt": "Roses are red", "max_gen_len": 64, "temperature": 0.5, "top_p": 0.9});
    assert_eq!(invoke(LLAMA, &llama).expect("a documented body").max_tokens, 64);
    assert_eq!(invoke(LLAMA, &json!({"prompt": "Roses"})).expect("a documented body").max_tokens, 512);

    let oss = json!({"messages": [{"role": "user", "content": "..."}], "max_completion_tokens": 256});
    assert_eq!(invoke(OSS, &oss).expect("a documented body").max_tokens, 256);
}

#[test]
fn a_claude_body_is_refused_in_the_words_of_anthropic() {
    let without = |key: &str| {
        let mut body = claude(json!({}));
        body.as_object_mut().expect("an object").remove(key);
        refusal(invoke(SONNET, &body))
    };
    for key in ["anthropic_version", "max_tokens", "messages"] {
        assert_eq!(without(key), format!("{key}: Field required"));
    }
    let with = |more| refusal(invoke(SONNET, &claude(more)));
    assert_eq!(with(json!({"modelId": "x"})), "modelId: Extra inputs are not permitted");
    assert_eq!(with(json!({"messages": []})), "messages: at least one message is required");
    assert_eq!(with(json!({"messages": "hello"})), "messages: Input should be a valid list");
    assert_eq!(
        with(json!({"messages": [{"role": "robot", "content": "x"}]})),
        "messages.0.role: Input should be 'user' or 'assistant'"
    );
}

#[test]
fn more_tokens_than_the_model_can_are_refused_for_output_and_for_input() {
    let asked = refusal(invoke(SONNET, &claude(json!({"max_tokens": 70_000}))));
    assert_eq!(
        asked,
        "The maximum tokens you requested exceeds the model limit of 64000. \
         Try again with a maximum tokens value that is lower than 64000."
    );
    let long = json!({"inputText": "word ".repeat(8000)});
    assert_eq!(refusal(invoke(TITAN, &long)), "Input is too long for requested model.");
}

#[test]
fn what_a_model_cannot_take_is_refused_by_name() {
    let video = json!({"messages": [{"role": "user", "content": [{"video": {"format": "mp4", "source": {"bytes": ""}}}]}]});
    assert!(read_converse(model(NOVA), &video).is_ok());
    assert!(refusal(read_converse(model(SONNET), &video)).contains("video content block"));
    assert!(refusal(read_converse(model(TITAN), &video)).contains("doesn't support the model"));
    assert!(refusal(invoke(TITAN, &json!({"inputText": "x", "dimensions": 300}))).contains("dimensions"));
    assert!(refusal(invoke(NOVA, &json!({"messages": [], "modelId": "x"}))).contains("extraneous key [modelId]"));
    assert!(refusal(read_invoke(model(LLAMA), b"[]")).contains("Malformed input request"));
    let empty = json!({"messages": [{"role": "user", "content": []}]});
    assert!(refusal(read_converse(model(NOVA), &empty)).contains("messages.0 is empty"));
}

#[test]
fn checkpoints_stand_after_the_blocks_before_them_and_do_not_change_the_prompt() {
    let marked = claude(json!({
        "tools": [{"name": "look_up", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "system": [{"type": "text", "text": "Be terse.", "cache_control": {"type": "ephemeral"}}],
    }));
    let plain = claude(json!({
        "tools": [{"name": "look_up", "input_schema": {"type": "object"}}],
        "system": [{"type": "text", "text": "Be terse."}],
    }));
    let (marked, plain) = (invoke(SONNET, &marked).expect("read"), invoke(SONNET, &plain).expect("read"));
    assert_eq!(marked.segments, plain.segments);
    assert_eq!(marked.checkpoints, [Checkpoint { upto: 1, ttl: Ttl::Hour }, Checkpoint { upto: 2, ttl: Ttl::FiveMinutes }]);

    let block = |ttl: &str| json!({"cachePoint": {"type": "default", "ttl": ttl}});
    let text = json!({"text": "x"});
    let converse = |blocks: &[&Value]| read_converse(model(SONNET), &json!({"messages": [{"role": "user", "content": blocks}]}));
    let (five, hour) = (block("5m"), block("1h"));
    assert_eq!(converse(&[&text, &hour, &text, &five]).expect("read").checkpoints.len(), 2);
    assert!(refusal(converse(&[&text, &five, &text, &hour])).contains("must not come after"));
    assert!(refusal(converse(&[&text, &five, &five, &five, &five, &five])).contains("maximum of 4"));
}

#[test]
fn tools_results_and_schemas_are_read_alike_from_every_chat() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let converse = json!({
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "look_up", "inputSchema": {"json": schema}}}],
            "toolChoice": {"tool": {"name": "look_up"}},
        },
        "messages": [
            {"role": "user", "content": [{"text": "Weather?"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "look_up", "input": {"city": "Bern"}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"c": 3}}]}}]},
        ],
        "outputConfig": {"textFormat": {"type": "json_schema",
            "structure": {"jsonSchema": {"schema": schema.to_string(), "name": "a"}}}},
    });
    let claude = claude(json!({
        "tools": [{"name": "look_up", "input_schema": schema}],
        "tool_choice": {"type": "tool", "name": "look_up"},
        "messages": [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look_up", "input": {"city": "Bern"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "{\"c\":3}"}]},
        ],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    }));
    let openai = json!({
        "tools": [{"type": "function", "function": {"name": "look_up", "parameters": schema}}],
        "tool_choice": {"type": "function", "function": {"name": "look_up"}},
        "messages": [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "t1", "type": "function",
                "function": {"name": "look_up", "arguments": "{\"city\":\"Bern\"}"}}]},
            {"role": "tool", "tool_call_id": "t1", "content": "{\"c\":3}"},
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    });
    let asks = [
        read_converse(model(SONNET), &converse).expect("read"),
        invoke(SONNET, &claude).expect("read"),
        invoke(OSS, &openai).expect("read"),
    ];
    for ask in &asks {
        assert_eq!(ask.tools, [Tool { name: "look_up".to_owned(), description: None, schema: schema.clone() }]);
        assert_eq!(ask.tool_choice, ToolChoice::Tool("look_up".to_owned()));
        assert_eq!(ask.output_schema.as_ref(), Some(&schema));
        assert!(ask.brings_tool_result && ask.last_user_text.is_empty());
        assert_eq!(ask.chat, asks[0].chat);
    }
}

#[test]
fn the_same_body_is_the_same_ask_and_a_longer_one_shares_its_beginning() {
    let said = |texts: &[&str]| {
        let blocks: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
        read_converse(model(NOVA), &json!({"messages": [{"role": "user", "content": blocks}]})).expect("read")
    };
    assert_eq!(said(&["a", "b"]), said(&["a", "b"]));
    let (short, long, other) = (said(&["a"]), said(&["a", "b"]), said(&["b", "a"]));
    assert_eq!(short.segments[0], long.segments[0]);
    assert_ne!(long.seed, other.seed);
    assert_ne!(long.segments[1].hash, other.segments[1].hash);
}

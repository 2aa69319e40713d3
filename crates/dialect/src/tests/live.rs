//! Calls that are answered at once: what Converse is asked, and what OpenAI's clients read.

use serde_json::{Value, json};

use crate::{Answers, ChatCall, EmbeddingsCall};

fn asked(body: Value) -> Value {
    let call = ChatCall::read(body.to_string().as_bytes()).expect("carried over");
    serde_json::from_str(&call.converse(None)).expect("JSON")
}

fn refused(body: Value) -> String {
    ChatCall::read(body.to_string().as_bytes()).expect_err("refused")
}

fn with(name: &str, value: Value) -> Value {
    let mut body = json!({ "model": "openai.gpt-oss-120b-1:0", "messages": [{ "role": "user", "content": "hi" }] });
    body[name] = value;
    body
}

fn answers() -> Answers {
    Answers { id: "7".to_owned(), model: "m".to_owned(), created_s: 5 }
}

/// The JSON of every server-sent event, and whether the stream ended as a whole.
fn read(bytes: &[u8]) -> (Vec<Value>, bool) {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    let events: Vec<&str> = text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").expect("an event")).collect();
    let whole = events.last() == Some(&"[DONE]");
    (events.iter().filter(|event| **event != "[DONE]").map(|event| serde_json::from_str(event).expect("JSON")).collect(), whole)
}

#[test]
fn schema_tools_effort_and_files_have_their_place_in_converse() {
    let schema = json!({ "type": "object" });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "s", "strict": true, "schema": schema } });
    let wanted = asked(with("response_format", format))["outputConfig"]["textFormat"].clone();
    assert_eq!(wanted["structure"]["jsonSchema"], json!({ "name": "s", "schema": "{\"type\":\"object\"}" }));
    let tool = json!([{ "type": "function", "function": { "name": "f", "strict": true } }]);
    assert_eq!(asked(with("tools", tool))["toolConfig"]["tools"][0]["toolSpec"]["strict"], true);
    assert_eq!(
        asked(with("reasoning_effort", json!("low")))["additionalModelRequestFields"],
        json!({ "reasoning_effort": "low" })
    );
    assert_eq!(asked(with("metadata", json!({ "team": "a" })))["requestMetadata"], json!({ "team": "a" }));
    let file = json!({ "type": "file", "file": { "filename": "a/b_1.PDF", "file_data": "data:application/pdf;base64,QUJD" } });
    let body = with("messages", json!([{ "role": "user", "content": [{ "type": "text", "text": "read" }, file] }]));
    let document = json!({ "format": "pdf", "name": "a b 1", "source": { "bytes": "QUJD" } });
    assert_eq!(asked(body)["messages"][0]["content"][1]["document"], document);
}

#[test]
fn what_converse_has_no_place_for_is_named() {
    for (name, value) in [
        ("n", json!(2)),
        ("logprobs", json!(true)),
        ("response_format", json!({ "type": "json_object" })),
        ("parallel_tool_calls", json!(false)),
        ("metadata", json!({ "a": 1 })),
        ("stream", json!("yes")),
        ("audio", json!({})),
    ] {
        let why = refused(with(name, value));
        assert!(why.contains(name), "{name}: {why}");
    }
    let mut claude = with("reasoning_effort", json!("low"));
    claude["model"] = "anthropic.claude-haiku-4-5-20251001-v1:0".into();
    assert!(refused(claude).contains("additionalModelRequestFields"));
    let file = json!([{ "type": "file", "file": { "filename": "x.exe", "file_data": "QQ==" } }]);
    assert!(refused(with("messages", json!([{ "role": "user", "content": file }]))).contains("pdf, csv"));
}

#[test]
fn an_answer_tells_thoughts_caches_and_tier() {
    let output = json!({
        "output": { "message": { "content": [
            { "reasoningContent": { "reasoningText": { "text": "hm" } } }, { "text": "Well" },
        ] } },
        "stopReason": "guardrail_intervened",
        "usage": { "inputTokens": 5, "outputTokens": 3, "cacheReadInputTokens": 20, "cacheWriteInputTokens": 1 },
        "serviceTier": { "type": "flex" },
    });
    let bytes = answers().completion(output.to_string().as_bytes()).expect("known");
    let completion: Value = serde_json::from_slice(&bytes).expect("JSON");
    let choice = &completion["choices"][0];
    assert_eq!((&choice["message"]["content"], &choice["message"]["reasoning_content"]), (&json!("Well"), &json!("hm")));
    assert_eq!((&choice["finish_reason"], &completion["service_tier"]), (&json!("content_filter"), &json!("flex")));
    let usage = json!({ "prompt_tokens": 26, "completion_tokens": 3, "total_tokens": 29, "prompt_tokens_details": { "cached_tokens": 20 } });
    assert_eq!(completion["usage"], usage);
    assert!(answers().completion(b"{\"odd\":1}").is_none());
}

#[test]
fn a_stream_of_events_is_a_stream_of_chunks() {
    let mut stream = answers().stream(true);
    let mut bytes = Vec::new();
    for (kind, payload) in [
        ("messageStart", r#"{"role":"assistant"}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":"Well"}}"#),
        ("contentBlockStart", r#"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t1","name":"f"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"a\""}}}"#),
        ("contentBlockStart", r#"{"contentBlockIndex":3,"start":{"toolUse":{"toolUseId":"t2","name":"g"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":3,"delta":{"toolUse":{"input":"{}"}}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":3}"#),
        ("somethingNew", "{}"),
        ("messageStop", r#"{"stopReason":"tool_use"}"#),
    ] {
        stream.event(kind, payload.as_bytes(), &mut bytes);
    }
    let mut cut = bytes.clone();
    stream.end(&mut cut);
    assert!(!read(&cut).1, "without its last event it is not whole");
    stream.event("metadata", br#"{"usage":{"inputTokens":5,"outputTokens":3,"cacheReadInputTokens":2}}"#, &mut bytes);
    stream.end(&mut bytes);
    let (chunks, whole) = read(&bytes);
    assert!(whole);
    let delta = |at: usize| &chunks[at]["choices"][0]["delta"];
    assert_eq!(delta(0)["role"], "assistant");
    assert_eq!((&delta(1)["reasoning_content"], &delta(2)["content"]), (&json!("hm"), &json!("Well")));
    assert_eq!(delta(3)["tool_calls"][0]["id"], "t1");
    assert_eq!(delta(4)["tool_calls"][0]["index"], 0);
    assert_eq!((&delta(5)["tool_calls"][0]["index"], &delta(6)["tool_calls"][0]["index"]), (&json!(1), &json!(1)));
    assert_eq!(chunks[7]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!((&chunks[8]["choices"], &chunks[8]["usage"]["prompt_tokens"]), (&json!([]), &json!(7)));
    assert!(chunks[..8].iter().all(|chunk| chunk["usage"].is_null()));
}

#[test]
fn a_call_without_arguments_is_one_with_an_empty_object() {
    let (mut stream, mut bytes) = (answers().stream(false), Vec::new());
    for (kind, payload) in [
        ("contentBlockStart", r#"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":""}}}"#),
        ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
    ] {
        stream.event(kind, payload.as_bytes(), &mut bytes);
    }
    let arguments =
        |chunk: &Value| chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str().map(str::to_owned);
    let all: String = read(&bytes).0.iter().filter_map(arguments).collect();
    assert_eq!(all, "{}");
    let call = json!({ "id": "t", "type": "function", "function": { "name": "f", "arguments": "" } });
    let said = json!([{ "role": "user", "content": "hi" }, { "role": "assistant", "tool_calls": [call] }]);
    assert_eq!(asked(with("messages", said))["messages"][1]["content"][0]["toolUse"]["input"], json!({}));
}

#[test]
fn embeddings_are_asked_for_as_each_model_takes_them_and_told_as_one_list() {
    let read = |body: Value| EmbeddingsCall::read(body.to_string().as_bytes());
    let texts: Vec<String> = (0..100).map(|i| i.to_string()).collect();
    let call = read(json!({ "model": "m", "input": texts, "encoding_format": "base64" })).expect("taken");
    assert_eq!(call.bodies("amazon.titan-embed-text-v2:0").expect("taken").len(), 100);
    let cohere = call.bodies("cohere.embed-v4:0").expect("taken");
    assert_eq!((cohere.len(), cohere[1].contains(r#""texts":["96","97","98","99"]"#)), (2, true));
    let answers = [r#"{"embeddings":{"float":[[1.0],[0.5]]}}"#, r#"{"embeddings":[[2.0]]}"#];
    let list: Value = serde_json::from_slice(&call.list(&answers, 9).expect("known")).expect("JSON");
    assert_eq!((&list["data"][2]["embedding"], &list["data"][2]["index"]), (&json!("AAAAQA=="), &json!(2)));
    assert_eq!(list["usage"]["prompt_tokens"], 9);
    assert!(call.list(&["{}"], 0).is_none());
    assert!(
        read(json!({ "model": "m", "input": "x", "encoding_format": "int8" })).expect_err("refused").contains("encoding_format")
    );
    let none = read(json!({ "model": "m", "input": [] })).expect("read").bodies("cohere.embed-v4:0");
    assert!(none.expect_err("refused").contains("no text"));
}

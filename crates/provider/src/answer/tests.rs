//! Answers in the shapes that Bedrock's documents show, whole and in pieces.

use laneshift_units::Tokens;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ask::{read_converse, read_invoke};
use crate::models::Models;

const CHATS: [&str; 4] =
    ["anthropic.claude-sonnet-4-6", "amazon.nova-pro-v1:0", "openai.gpt-oss-120b-1:0", "meta.llama3-3-70b-instruct-v1:0"];

fn model(id: &str) -> &'static Model {
    Models::shipped().get(id).expect("a shipped model")
}

fn ask() -> Ask {
    let body =
        json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}], "inferenceConfig": {"stopSequences": ["END"]}});
    read_converse(model(CHATS[0]), &body).expect("a sound body")
}

fn counted(usage: Usage) -> Counted<'static> {
    let tier = ServiceTier::Default;
    Counted {
        usage,
        tier,
        latency_optimized: false,
        total_includes_cache: true,
        latency_ms: 7,
        first_byte_ms: 3,
        request_id: "r-1",
        at: Timestamp(1_000),
    }
}

fn some_usage() -> Usage {
    Usage { input: Tokens(3), output: Tokens(1), ..Usage::default() }
}

fn said(content: Vec<Content>, stop: Stop) -> Answer {
    Answer { output_tokens: content.iter().map(Content::tokens).sum(), content, stop, slow_ms: 0 }
}

fn ok() -> Answer {
    said(vec![Content::Text("ok".to_owned())], Stop::EndTurn)
}

fn a_call() -> Answer {
    let input = json!({"city": "Bern", "days": [1, 2, 3], "note": "with \"quotes\" and ümlauts"});
    let call = Content::ToolUse { id: "t1".to_owned(), name: "look_up".to_owned(), input };
    said(vec![Content::Reasoning("I should look.".to_owned()), Content::Text("Let me look.".to_owned()), call], Stop::ToolUse)
}

#[test]
fn a_converse_response_is_the_documented_one() {
    let expected = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": "ok"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 1, "totalTokens": 4, "cacheReadInputTokens": 0, "cacheWriteInputTokens": 0},
        "metrics": {"latencyMs": 7},
        "serviceTier": {"type": "default"},
    });
    assert_eq!(write_converse(&ok(), &counted(some_usage())), expected);
    let cached = Usage { cache_read: Tokens(50), cache_write_5m: Tokens(20), cache_write_1h: Tokens(10), ..some_usage() };
    let without = Counted { total_includes_cache: false, latency_optimized: true, ..counted(cached) };
    let body = write_converse(&ok(), &without);
    assert_eq!((&body["usage"]["totalTokens"], &body["performanceConfig"]["latency"]), (&json!(4), &json!("optimized")));
    let usage = &write_converse(&ok(), &counted(cached))["usage"];
    assert_eq!(usage["inputTokens"], 3);
    assert_eq!((&usage["cacheReadInputTokens"], &usage["cacheWriteInputTokens"]), (&json!(50), &json!(30)));
    assert_eq!(usage["cacheDetails"], json!([{"ttl": "1h", "inputTokens": 10}, {"ttl": "5m", "inputTokens": 20}]));
}

#[test]
fn converse_events_come_in_the_documented_order() {
    let mut names: Vec<&str> = converse_events(&a_call(), &counted(some_usage())).iter().map(|(name, _)| *name).collect();
    names.dedup();
    let block = ["contentBlockDelta", "contentBlockStop"];
    let expected = [&["messageStart"][..], &block, &block, &["contentBlockStart"], &block, &["messageStop", "metadata"]].concat();
    assert_eq!(names, expected);
}

#[test]
fn every_family_answers_in_its_own_words() {
    let write = |id: &str| write_invoke(model(id), &ask(), &ok(), &counted(some_usage()));
    let claude = write(CHATS[0]);
    assert!(claude["id"].as_str().expect("an id").starts_with("msg_bdrk_"));
    assert_eq!(claude["content"], json!([{"type": "text", "text": "ok"}]));
    assert_eq!(
        (&claude["stop_reason"], &claude["usage"]["input_tokens"], &claude["usage"]["output_tokens"]),
        (&json!("end_turn"), &json!(3), &json!(1))
    );
    let nova = write(CHATS[1]);
    assert_eq!((&nova["stopReason"], &nova["usage"]["totalTokens"]), (&json!("end_turn"), &json!(4)));
    let oss = write(CHATS[2]);
    assert_eq!((&oss["choices"][0]["message"]["content"], &oss["choices"][0]["finish_reason"]), (&json!("ok"), &json!("stop")));
    assert_eq!(
        write(CHATS[3]),
        json!({"generation": "ok", "prompt_token_count": 3, "generation_token_count": 1, "stop_reason": "stop"})
    );
}

#[test]
fn an_embedding_says_how_many_tokens_its_text_had() {
    let titan = model("amazon.titan-embed-text-v2:0");
    let ask = read_invoke(titan, br#"{"inputText":"passage"}"#).expect("a sound body");
    let vector = said(vec![Content::Embedding(vec![0.5, -0.5])], Stop::EndTurn);
    let out = write_invoke(titan, &ask, &vector, &counted(some_usage()));
    assert_eq!(out, json!({"embedding": [0.5, -0.5], "embeddingsByType": {"float": [0.5, -0.5]}, "inputTextTokenCount": 2}));
}

/// The text, the reasoning and the input of a tool that a stream of a family adds up to, and why it stopped.
fn joined(chunks: &[Value], paths: [&str; 3], stop: &str) -> ([String; 3], Option<String>) {
    let join = |path: &str| chunks.iter().filter_map(|chunk| chunk.pointer(path)?.as_str()).collect();
    let stop = chunks.iter().find_map(|chunk| chunk.pointer(stop)?.as_str()).map(str::to_owned);
    (paths.map(join), stop)
}

fn streamed(id: &str, answer: &Answer) -> ([String; 3], Option<String>) {
    let chunks = invoke_chunks(model(id), &ask(), answer, &counted(some_usage()));
    let metrics = chunks.last().and_then(|last| last.get("amazon-bedrock-invocationMetrics"));
    assert_eq!(metrics.and_then(|metrics| metrics["outputTokenCount"].as_u64()), Some(1), "{id}");
    assert_eq!(chunks.iter().filter(|chunk| chunk.get("amazon-bedrock-invocationMetrics").is_some()).count(), 1);
    match model(id).family {
        Family::ClaudeMessages => {
            joined(&chunks, ["/delta/text", "/delta/thinking", "/delta/partial_json"], "/delta/stop_reason")
        }
        Family::Nova => {
            let delta =
                ["/text", "/reasoningContent/text", "/toolUse/input"].map(|path| format!("/contentBlockDelta/delta{path}"));
            joined(&chunks, [&delta[0], &delta[1], &delta[2]], "/messageStop/stopReason")
        }
        Family::OpenAiChat => {
            let delta = ["/content", "/reasoning_content", "/tool_calls/0/function/arguments"]
                .map(|path| format!("/choices/0/delta{path}"));
            joined(&chunks, [&delta[0], &delta[1], &delta[2]], "/choices/0/finish_reason")
        }
        Family::Llama => joined(&chunks, ["/generation", "/none", "/none"], "/stop_reason"),
        Family::TitanEmbed => panic!("Titan does not chat"),
    }
}

proptest! {
    #[test]
    fn the_pieces_of_a_stream_join_to_the_whole_answer(
        text in "\\PC{0,200}",
        reasoning in "[a-zé ]{1,80}",
        note in "\\PC{0,80}",
    ) {
        let input = json!({"note": note});
        let call = Content::ToolUse { id: "t".to_owned(), name: "look_up".to_owned(), input: input.clone() };
        let answer = said(vec![Content::Reasoning(reasoning.clone()), Content::Text(text.clone()), call], Stop::ToolUse);
        for id in CHATS {
            let ([said, thought, called], stop) = streamed(id, &answer);
            prop_assert_eq!(&said, &text, "{}", id);
            if model(id).family != Family::Llama {
                prop_assert_eq!(&thought, &reasoning, "{}", id);
                prop_assert_eq!(serde_json::from_str::<Value>(&called).expect("valid JSON"), input.clone(), "{}", id);
            }
            prop_assert!(stop.is_some());
        }
        let events = converse_events(&answer, &counted(some_usage())).into_iter();
        let events: Vec<Value> = events.map(|(_, payload)| payload).collect();
        let paths = ["/delta/text", "/delta/reasoningContent/text", "/delta/toolUse/input"];
        let ([said, _, called], _) = joined(&events, paths, "/stopReason");
        prop_assert_eq!(said, text);
        prop_assert_eq!(serde_json::from_str::<Value>(&called).expect("valid JSON"), input);
    }
}

#[test]
fn a_claude_stream_opens_and_closes_every_block() {
    let chunks = invoke_chunks(model(CHATS[0]), &ask(), &a_call(), &counted(some_usage()));
    let mut kinds: Vec<&str> = chunks.iter().filter_map(|chunk| chunk["type"].as_str()).collect();
    kinds.dedup();
    let block = ["content_block_start", "content_block_delta", "content_block_stop"];
    assert_eq!(kinds, [&["message_start"][..], &block, &block, &block, &["message_delta", "message_stop"]].concat());
}

#[test]
fn an_upstream_is_asked_and_read_in_openai_s_words() {
    let schema = json!({"type": "object"});
    let body = json!({
        "system": [{"text": "Be terse."}],
        "toolConfig": {"tools": [{"toolSpec": {"name": "look_up", "inputSchema": {"json": schema}}}], "toolChoice": {"any": {}}},
        "messages": [
            {"role": "user", "content": [{"text": "Weather?"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "look_up", "input": {"city": "Bern"}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "3"}]}}, {"text": "And?"}]},
        ],
        "inferenceConfig": {"maxTokens": 50, "stopSequences": ["END"]},
    });
    let ask = read_converse(model(CHATS[0]), &body).expect("a sound body");
    let chat = to_chat(&ask, "tiny");
    assert_eq!(
        (&chat["model"], &chat["max_tokens"], &chat["stop"], &chat["tool_choice"]),
        (&json!("tiny"), &json!(50), &json!(["END"]), &json!("required"))
    );
    let roles: Vec<&str> =
        chat["messages"].as_array().expect("messages").iter().filter_map(|turn| turn["role"].as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "user"]);
    // What is sent upstream is itself a sound body.
    assert!(read_invoke(model(CHATS[2]), chat.to_string().as_bytes()).is_ok());

    let oss = write_invoke(model(CHATS[2]), &ask, &a_call(), &counted(Usage { output: Tokens(9), ..some_usage() }));
    let back = answer_from_chat(&ask, &oss).expect("a sound answer");
    assert_eq!((&back.content, &back.stop, back.output_tokens), (&a_call().content, &Stop::ToolUse, 9));
    let stopped = json!({"choices": [{"message": {"content": "so "}, "finish_reason": "stop", "stop_reason": "END"}]});
    let stopped = answer_from_chat(&ask, &stopped).expect("a sound answer");
    assert_eq!((stopped.stop, stopped.output_tokens), (Stop::StopSequence("END".to_owned()), 1));
    assert!(answer_from_chat(&ask, &json!({"error": "busy"})).is_err());
}

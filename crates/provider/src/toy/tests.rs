//! The toy model keeps its promises.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ask::read_converse;
use crate::models::Models;

fn model() -> &'static Model {
    Models::shipped().get("anthropic.claude-sonnet-4-6").expect("a shipped model")
}

fn ask(text: &str, max_tokens: u64, more: &Value) -> Ask {
    let mut body = json!({
        "messages": [{"role": "user", "content": [{"text": text}]}],
        "inferenceConfig": {"maxTokens": max_tokens},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    read_converse(model(), &body).expect("a sound body")
}

fn told(text: &str, max_tokens: u64) -> Answer {
    answer(model(), &ask(text, max_tokens, &json!({})))
}

fn tools(choice: Value) -> Value {
    let schema = json!({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}});
    let tool = json!({"toolSpec": {"name": "look_up", "inputSchema": {"json": schema}}});
    json!({"toolConfig": {"tools": [tool], "toolChoice": choice}})
}

fn text_of(answer: &Answer) -> &str {
    match answer.content.as_slice() {
        [Content::Text(text)] => text,
        other => panic!("not one text: {other:?}"),
    }
}

#[test]
fn an_answer_grows_with_the_input_and_stops_at_the_most_tokens() {
    let (short, long) = (told("Hello", 4096), told(&"word ".repeat(2000), 4096));
    assert_eq!(short.stop, Stop::EndTurn);
    assert!(short.output_tokens < long.output_tokens && text_of(&short).ends_with('.'));
    let cut = told(&"word ".repeat(2000), 10);
    assert_eq!((cut.stop, cut.output_tokens), (Stop::MaxTokens, 10));
}

#[test]
fn the_directive_is_followed() {
    assert_eq!(told("[[toy: tokens=300]]", 4096).output_tokens, 300);
    assert_eq!(told("[[toy: tokens=300]]", 40).output_tokens, 40);
    assert_eq!(told("[[toy: slow=2s]]", 40).slow_ms, 2000);
    assert_eq!(text_of(&told("[[toy: text=Yes, it is.]]", 40)), "Yes, it is.");
    let empty = told("[[toy: empty]]", 40);
    assert_eq!((empty.content.len(), empty.stop, empty.output_tokens), (0, Stop::EndTurn, 0));
    let json: Value = serde_json::from_str(text_of(&told("[[toy: json]]", 400))).expect("JSON");
    assert!(json.is_object());
    assert_eq!(told_error(&ask("[[toy: error=throttling]]", 40, &json!({}))), Some(ToldError::Throttling));
}

#[test]
fn a_model_told_to_think_burns_every_token_and_says_nothing() {
    let burnt = told("[[toy: think]]", 500);
    assert_eq!((burnt.stop, burnt.output_tokens), (Stop::MaxTokens, 500));
    assert!(matches!(burnt.content.as_slice(), [Content::Reasoning(_)]));
}

#[test]
fn reasoning_comes_before_the_text_when_it_is_asked_for() {
    let more = json!({"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}}});
    let answer = answer(model(), &ask("Why?", 4096, &more));
    assert!(matches!(answer.content.as_slice(), [Content::Reasoning(_), Content::Text(_)]));
}

#[test]
fn a_tool_is_called_when_forced_or_told_and_not_after_its_result() {
    let called = |text: &str, choice: Value| answer(model(), &ask(text, 400, &tools(choice)));
    for answer in [
        called("Go", json!({"any": {}})),
        called("Go", json!({"tool": {"name": "look_up"}})),
        called("[[toy: tool=look_up]]", json!({"auto": {}})),
    ] {
        assert_eq!(answer.stop, Stop::ToolUse);
        let [Content::ToolUse { name, input, .. }] = answer.content.as_slice() else { panic!("no call: {answer:?}") };
        assert!(name == "look_up" && input["city"].is_string());
    }
    assert_eq!(called("Go", json!({"auto": {}})).stop, Stop::EndTurn);
    assert_eq!(called("[[toy: tool=other]]", json!({"auto": {}})).stop, Stop::EndTurn);

    let mut more = tools(json!({"auto": {}}));
    more["messages"] = json!([
        {"role": "user", "content": [{"text": "[[toy: tool=look_up]]"}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "look_up", "input": {}}}]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "t", "content": [{"text": "3"}]}},
            {"text": "[[toy: tool=look_up]]"},
        ]},
    ]);
    assert_eq!(answer(model(), &ask("", 400, &more)).stop, Stop::EndTurn);
}

#[test]
fn a_call_that_does_not_fit_is_not_made() {
    let answer = answer(model(), &ask("Go", 2, &tools(json!({"any": {}}))));
    assert_eq!((answer.stop, answer.output_tokens), (Stop::MaxTokens, 2));
}

#[test]
fn an_answer_fits_the_schema_asked_for() {
    let schema = json!({"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}).to_string();
    let more = json!({"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}}});
    let answer = answer(model(), &ask("Well?", 400, &more));
    let value: Value = serde_json::from_str(text_of(&answer)).expect("JSON");
    assert!(value["ok"].is_boolean());
}

#[test]
fn an_answer_ends_before_a_stop_sequence() {
    let more = json!({"inferenceConfig": {"maxTokens": 400, "stopSequences": ["zz", "the", " "]}});
    let answer = answer(model(), &ask("[[toy: text=Over the sea]]", 400, &more));
    assert_eq!((text_of(&answer), &answer.stop), ("Over", &Stop::StopSequence(" ".to_owned())));
}

#[test]
fn an_embedding_is_the_same_for_the_same_text_and_takes_no_output() {
    let titan = Models::shipped().get("amazon.titan-embed-text-v2:0").expect("a shipped model");
    let ask = crate::ask::read_invoke(titan, br#"{"inputText":"passage","dimensions":256}"#).expect("a sound body");
    let answer = answer(titan, &ask);
    let [Content::Embedding(vector)] = answer.content.as_slice() else { panic!("no vector: {answer:?}") };
    assert_eq!((vector.len(), answer.output_tokens), (256, 0));
    assert_eq!(answer, super::answer(titan, &ask));
}

proptest! {
    #[test]
    fn an_answer_never_has_more_than_the_most_tokens(
        text in "[a-z ]{1,200}",
        told in prop::sample::select(vec!["", "json", "think", "tokens=90", "tool=look_up", "text=a é ü b c d e f g"]),
        max_tokens in 1_u64..120,
        thinks: bool,
    ) {
        let mut more = tools(json!({"auto": {}}));
        if thinks {
            more["additionalModelRequestFields"] = json!({"thinking": {"type": "enabled"}});
        }
        let ask = ask(&format!("x{text} [[toy: {told}]]"), max_tokens, &more);
        let first = answer(model(), &ask);
        prop_assert!(first.output_tokens <= max_tokens);
        prop_assert_eq!(first.output_tokens, first.content.iter().map(Content::tokens).sum::<u64>());
        prop_assert_eq!(&first, &answer(model(), &ask));
    }
}

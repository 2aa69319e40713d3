//! Answers of every family, in the shape that was asked in.

use serde_json::{Value, json};

use crate::{Dialect, Line, Outcome, write_line};

fn written(dialect: Dialect, outcome: &Outcome<'_>) -> Value {
    let line = Line { id: "c".to_owned(), dialect, record: "00000000001".to_owned(), model: "m", input: "{}", created_s: 7 };
    let mut bytes = Vec::new();
    write_line(&mut bytes, &line, outcome).expect("written");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn answered(dialect: Dialect, output: &Value) -> Value {
    written(dialect, &Outcome::Answered(&output.to_string()))
}

fn claude() -> Value {
    json!({
        "type": "message", "role": "assistant", "stop_reason": "tool_use", "usage": { "input_tokens": 5, "output_tokens": 3 },
        "content": [{ "type": "text", "text": "Well" }, { "type": "tool_use", "id": "t", "name": "f", "input": { "a": 1 } }],
    })
}

fn converse() -> Value {
    json!({
        "output": { "message": { "role": "assistant", "content": [{ "text": "Well" }] } },
        "stopReason": "max_tokens", "usage": { "inputTokens": 5, "outputTokens": 3, "totalTokens": 8 },
    })
}

fn openai() -> Value {
    json!({
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Well" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8 },
    })
}

#[test]
fn every_familys_answer_is_a_chat_completion() {
    for (output, finish) in [(claude(), "tool_calls"), (converse(), "length"), (openai(), "stop")] {
        let line = answered(Dialect::OpenAiChat, &output);
        assert_eq!(
            (&line["custom_id"], &line["id"], &line["error"]),
            (&json!("c"), &json!("batch_req_00000000001"), &Value::Null)
        );
        assert_eq!(line["response"]["status_code"], 200);
        let body = &line["response"]["body"];
        assert_eq!((&body["object"], &body["created"], &body["model"]), (&json!("chat.completion"), &json!(7), &json!("m")));
        assert_eq!(body["usage"], json!({ "prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8 }));
        let choice = &body["choices"][0];
        assert_eq!((&choice["finish_reason"], &choice["message"]["content"]), (&json!(finish), &json!("Well")));
    }
    let call = &answered(Dialect::OpenAiChat, &claude())["response"]["body"]["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({ "name": "f", "arguments": "{\"a\":1}" }));
}

#[test]
fn every_familys_answer_is_a_message() {
    for (output, stop) in [(claude(), "tool_use"), (converse(), "max_tokens"), (openai(), "end_turn")] {
        let result = &answered(Dialect::Anthropic, &output)["result"];
        assert_eq!((&result["type"], &result["message"]["stop_reason"]), (&json!("succeeded"), &json!(stop)));
        assert_eq!(result["message"]["content"][0], json!({ "type": "text", "text": "Well" }));
        assert_eq!(
            (&result["message"]["usage"]["input_tokens"], &result["message"]["usage"]["output_tokens"]),
            (&json!(5), &json!(3))
        );
    }
}

#[test]
fn embeddings_are_a_list() {
    let titan = json!({ "embedding": [0.5, 1.0], "inputTextTokenCount": 4 });
    let body = answered(Dialect::OpenAiEmbeddings, &titan)["response"]["body"].clone();
    assert_eq!(body["data"], json!([{ "object": "embedding", "index": 0, "embedding": [0.5, 1.0] }]));
    assert_eq!(body["usage"]["total_tokens"], 4);
    for cohere in [json!({ "embeddings": [[1.0], [2.0]] }), json!({ "embeddings": { "float": [[1.0], [2.0]] } })] {
        assert_eq!(answered(Dialect::OpenAiEmbeddings, &cohere)["response"]["body"]["data"][1]["embedding"], json!([2.0]));
    }
}

#[test]
fn failures_keep_their_code_and_endings_their_name() {
    let error = r#"{"errorCode":400,"errorMessage":"too long"}"#;
    let openai = written(Dialect::OpenAiChat, &Outcome::Failed(error));
    assert_eq!(
        (&openai["response"]["status_code"], &openai["response"]["body"]["error"]["message"]),
        (&json!(400), &json!("too long"))
    );
    let anthropic = written(Dialect::Anthropic, &Outcome::Failed(error));
    assert_eq!(anthropic["result"]["error"]["error"], json!({ "type": "invalid_request_error", "message": "too long" }));
    assert_eq!(written(Dialect::OpenAiChat, &Outcome::Expired)["error"]["code"], "batch_expired");
    assert_eq!(written(Dialect::OpenAiChat, &Outcome::Cancelled)["error"]["code"], "batch_cancelled");
    assert_eq!(written(Dialect::Anthropic, &Outcome::Expired)["result"], json!({ "type": "expired" }));
    assert_eq!(written(Dialect::Anthropic, &Outcome::Cancelled)["result"], json!({ "type": "canceled" }));
    assert_eq!(written(Dialect::Bedrock, &Outcome::Failed(error))["error"]["errorCode"], 400);
}

#[test]
fn an_answer_of_no_known_shape_is_an_error_that_holds_it() {
    let odd = json!({ "generation": "paid for" });
    let openai = answered(Dialect::OpenAiChat, &odd);
    assert_eq!((&openai["response"]["status_code"], &openai["response"]["body"]["model_output"]), (&json!(502), &odd));
    let anthropic = answered(Dialect::Anthropic, &odd);
    assert_eq!((&anthropic["result"]["type"], &anthropic["result"]["model_output"]), (&json!("errored"), &odd));
}

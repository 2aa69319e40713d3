//! Requests of OpenAI's and Anthropic's, in the bodies of the models that run them.

use serde_json::{Value, json};

use crate::{Dialect, Shape, read};

const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const NOVA: &str = "amazon.nova-lite-v1:0";

fn chat(body: Value, model: &str) -> Result<(Shape, Value), String> {
    line(json!({ "custom_id": "c", "method": "POST", "url": "/v1/chat/completions", "body": body }), model)
}

fn messages(params: Value, model: &str) -> Result<(Shape, Value), String> {
    line(json!({ "custom_id": "c", "params": params }), model)
}

fn line(line: Value, model: &str) -> Result<(Shape, Value), String> {
    let text = line.to_string();
    let request = read(text.as_bytes(), Some(model))?;
    Ok((request.shape, serde_json::from_str(&request.input).expect("JSON")))
}

fn talk() -> Value {
    json!({
        "model": "gpt-4o-mini",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": [{ "type": "text", "text": "Hello" }, { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } }] },
        ],
        "max_completion_tokens": 50,
        "temperature": 0.5,
        "stop": "END",
        "user": "u-1",
    })
}

fn with_tools() -> Value {
    json!({
        "messages": [
            { "role": "user", "content": "Weather in Kiel?" },
            { "role": "assistant", "content": null, "tool_calls": [{ "id": "t1", "type": "function", "function": { "name": "weather", "arguments": "{\"city\":\"Kiel\"}" } }] },
            { "role": "tool", "tool_call_id": "t1", "content": "rain" },
        ],
        "tools": [{ "type": "function", "function": { "name": "weather", "parameters": { "type": "object" } } }],
        "tool_choice": "auto",
    })
}

#[test]
fn a_chat_becomes_claudes_own_body() {
    let (shape, input) = chat(talk(), HAIKU).expect("taken");
    assert_eq!(shape, Shape::InvokeModel);
    assert_eq!(
        input,
        json!({
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 50,
            "system": "Be brief.",
            "messages": [{ "role": "user", "content": [
                { "type": "text", "text": "Hello" },
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } },
            ] }],
            "temperature": 0.5,
            "stop_sequences": ["END"],
        })
    );
}

#[test]
fn a_chat_becomes_a_converse_body_for_models_without_one_of_their_own() {
    for model in [
        NOVA,
        "us.meta.llama3-3-70b-instruct-v1:0",
        "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abcdefghijkl",
    ] {
        let (shape, input) = chat(talk(), model).expect("taken");
        assert_eq!(shape, Shape::Converse, "{model}");
        assert_eq!(input["system"], json!([{ "text": "Be brief." }]));
        assert_eq!(input["inferenceConfig"], json!({ "maxTokens": 50, "temperature": 0.5, "stopSequences": ["END"] }));
        assert_eq!(input["messages"][0]["content"][1], json!({ "image": { "format": "png", "source": { "bytes": "AAAA" } } }));
    }
}

#[test]
fn an_openai_model_gets_its_body_as_it_is() {
    let mut body = talk();
    let (shape, input) = chat(body.clone(), "openai.gpt-oss-120b-1:0").expect("taken");
    body.as_object_mut().expect("an object").remove("model");
    assert_eq!((shape, input), (Shape::InvokeModel, body));
}

#[test]
fn tools_go_into_claudes_body_and_novas_own_and_nowhere_else() {
    let (_, claude) = chat(with_tools(), HAIKU).expect("taken");
    assert_eq!(
        claude["messages"][1]["content"][0],
        json!({ "type": "tool_use", "id": "t1", "name": "weather", "input": { "city": "Kiel" } })
    );
    assert_eq!(claude["messages"][2]["content"][0]["tool_use_id"], "t1");
    assert_eq!(claude["tool_choice"], json!({ "type": "auto" }));
    let (shape, nova) = chat(with_tools(), NOVA).expect("taken");
    assert_eq!((shape, &nova["schemaVersion"]), (Shape::InvokeModel, &json!("messages-v1")));
    assert_eq!(nova["toolConfig"]["tools"][0]["toolSpec"]["name"], "weather");
    assert!(chat(with_tools(), "us.meta.llama3-3-70b-instruct-v1:0").expect_err("refused").contains("tools"));
}

#[test]
fn anthropics_parameters_go_to_claude_nearly_as_they_are() {
    let params = json!({ "model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{ "role": "user", "content": "Hi" }], "thinking": { "type": "enabled", "budget_tokens": 5 } });
    let (shape, input) = messages(params, HAIKU).expect("taken");
    assert_eq!(shape, Shape::InvokeModel);
    assert_eq!(
        input,
        json!({ "anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{ "role": "user", "content": "Hi" }], "thinking": { "type": "enabled", "budget_tokens": 5 } })
    );
    let other = json!({ "max_tokens": 9, "system": [{ "type": "text", "text": "S" }], "messages": [{ "role": "user", "content": "Hi" }] });
    let (shape, input) = messages(other, NOVA).expect("taken");
    assert_eq!((shape, &input["system"]), (Shape::Converse, &json!([{ "text": "S" }])));
}

#[test]
fn embeddings_become_titans_and_coheres_bodies() {
    let embed = |body: Value, model: &str| line(json!({ "custom_id": "c", "url": "/v1/embeddings", "body": body }), model);
    let (_, titan) = embed(json!({ "input": "text", "dimensions": 256 }), "amazon.titan-embed-text-v2:0").expect("taken");
    assert_eq!(titan, json!({ "inputText": "text", "dimensions": 256 }));
    assert!(
        embed(json!({ "input": ["a", "b"] }), "amazon.titan-embed-text-v2:0").expect_err("refused").contains("a line for each")
    );
    let (_, cohere) = embed(json!({ "input": ["a", "b"] }), "cohere.embed-multilingual-v3").expect("taken");
    assert_eq!(cohere, json!({ "texts": ["a", "b"], "input_type": "search_document" }));
    assert!(embed(json!({ "input": "a" }), HAIKU).expect_err("refused").contains("no embeddings"));
    assert!(
        embed(json!({ "input": "a", "encoding_format": "base64" }), "cohere.embed-v4:0")
            .expect_err("refused")
            .contains("encoding_format")
    );
}

#[test]
fn a_line_may_name_a_model_of_bedrocks_itself() {
    let text = |model: &str| {
        json!({ "custom_id": "c", "url": "/v1/chat/completions", "body": { "model": model, "messages": [{ "role": "user", "content": "a" }] } }).to_string()
    };
    let good = text(HAIKU);
    let request = read(good.as_bytes(), None).expect("taken");
    assert_eq!((&*request.model, request.dialect, request.id.as_deref()), (HAIKU, Dialect::OpenAiChat, Some("c")));
    for model in ["gpt-4o", "gpt-3.5-turbo"] {
        assert!(read(text(model).as_bytes(), None).expect_err("refused").contains("--model"));
    }
}

#[test]
fn what_cannot_be_carried_over_is_refused_by_name() {
    let with = |name: &str, value: Value| {
        let mut body = talk();
        body[name] = value;
        chat(body, HAIKU).expect_err(name)
    };
    for (name, value) in [
        ("n", json!(2)),
        ("stream", json!(true)),
        ("logprobs", json!(true)),
        ("response_format", json!({ "type": "json_object" })),
        ("audio", json!({})),
        ("web_search_options", json!({})),
        ("max_tokens", json!("many")),
    ] {
        assert!(with(name, value).contains(name), "{name}");
    }
    let mut far = talk();
    far["messages"][1]["content"][1]["image_url"]["url"] = json!("https://secret.example/a.png");
    let told = chat(far, HAIKU).expect_err("refused");
    assert!(told.contains("not fetched") && !told.contains("secret"), "{told}");
    let hot = json!({ "messages": [{ "role": "user", "content": "a" }], "temperature": 1.5 });
    assert!(chat(hot, HAIKU).expect_err("refused").contains("temperature"));
    assert!(messages(json!({ "messages": [] }), HAIKU).expect_err("refused").contains("max_tokens"));
    let other = json!({ "max_tokens": 1, "top_k": 4, "messages": [{ "role": "user", "content": "a" }] });
    assert!(messages(other, NOVA).expect_err("refused").contains("top_k"));
}

//! Whatever comes in, nothing panics, and what goes out is one line of JSON.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Dialect, Line, Outcome, read, write_line};

fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("content".to_owned()),
        Just("messages".to_owned()),
        Just("role".to_owned()),
        Just("type".to_owned()),
        Just("text".to_owned()),
        Just("usage".to_owned()),
        Just("stop_reason".to_owned()),
        Just("output".to_owned()),
        Just("message".to_owned()),
        Just("choices".to_owned()),
        Just("embedding".to_owned()),
        "[a-z]{0,4}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!("user")),
        Just(json!("text")),
        Just(json!("end_turn")),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..5).prop_map(|members| json!(members)),
        ]
    })
}

const MODELS: [&str; 6] = [
    "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "amazon.nova-lite-v1:0",
    "openai.gpt-oss-20b-1:0",
    "amazon.titan-embed-text-v2:0",
    "cohere.embed-v4:0",
    "anything",
];

proptest! {
    #[test]
    fn bytes_are_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&line, Some("m"));
    }

    #[test]
    fn requests_of_any_content_are_read_or_refused(body in any_json(), model in prop::sample::select(&MODELS[..])) {
        for line in [
            json!({ "custom_id": "c", "url": "/v1/chat/completions", "body": body }),
            json!({ "custom_id": "c", "url": "/v1/embeddings", "body": body }),
            json!({ "custom_id": "c", "params": body }),
            json!({ "custom_id": "c", "params": { "max_tokens": 1, "messages": body } }),
            json!({ "custom_id": "c", "url": "/v1/chat/completions", "body": { "messages": body } }),
        ] {
            if let Ok(request) = read(line.to_string().as_bytes(), Some(model)) {
                prop_assert!(!request.input.contains('\n'));
                prop_assert!(serde_json::from_str::<Value>(&request.input).expect("JSON").is_object());
            }
        }
    }

    #[test]
    fn a_bedrock_record_keeps_its_bytes(body in any_json(), spaces in " {0,3}") {
        let input = format!("{{{spaces}\"x\":{body}{spaces}}}");
        let line = format!("{{\"recordId\":\"r\",{spaces}\"modelInput\":{input}}}");
        if let Ok(request) = read(line.as_bytes(), Some("m")) {
            prop_assert_eq!(&*request.input, &input);
        }
    }

    #[test]
    fn an_outcome_of_any_content_is_one_line_of_json(output in any_json(), dialect in prop::sample::select(&Dialect::ALL[..]), id in "\\PC{0,9}") {
        let output = serde_json::to_string_pretty(&output).expect("JSON");
        let error = r#"{"errorCode":429,"errorMessage":"slow\ndown"}"#;
        for outcome in [Outcome::Answered(&output), Outcome::Failed(error), Outcome::Failed(&output), Outcome::Expired, Outcome::Cancelled] {
            let line = Line { id: id.clone(), dialect, record: "r".to_owned(), model: "m", input: "{}", created_s: 0 };
            let mut bytes = Vec::new();
            write_line(&mut bytes, &line, &outcome).expect("written");
            prop_assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), 1);
            let read: Value = serde_json::from_slice(&bytes).expect("JSON");
            let told = if dialect == Dialect::Bedrock { &read["recordId"] } else { &read["custom_id"] };
            prop_assert_eq!(told, &json!(id));
        }
    }
}

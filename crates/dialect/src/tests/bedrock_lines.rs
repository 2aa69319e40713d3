//! Bedrock's own records, and what is wrong with lines of any shape.

use crate::{Shape, read};

#[test]
fn shapes_are_recognised_by_content() {
    let shape = |input: &str| read(format!("{{\"modelInput\":{input}}}").as_bytes(), Some("m")).map(|r| r.shape);
    assert_eq!(shape(r#"{"messages":[{"role":"user","content":[{"text":"a"}]}]}"#), Ok(Shape::Converse));
    assert_eq!(
        shape(r#"{"anthropic_version":"b","messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}"#),
        Ok(Shape::InvokeModel)
    );
    assert_eq!(
        shape(r#"{"schemaVersion":"messages-v1","messages":[{"role":"user","content":[{"text":"a"}]}]}"#),
        Ok(Shape::InvokeModel)
    );
    assert_eq!(shape(r#"{"inputText":"a"}"#), Ok(Shape::InvokeModel));
}

#[test]
fn what_is_wrong_with_a_line_is_said_without_its_content() {
    for (line, word) in [
        (&b"\xef\xbb\xbf{}"[..], "byte order mark"),
        (b"{\"modelInput\":{\"a\":\"\xff\"}}", "UTF-8"),
        (b"secret", "not a JSON object"),
        (b"{\"recordId\":1,\"modelInput\":{}}", "not a string"),
        (b"{\"recordId\":\"\",\"modelInput\":{}}", "recordId is empty"),
        (b"{\"recordId\":\"a\"}", "modelInput is missing"),
        (b"{\"recordId\":\"a\",\"recordId\":\"secret\",\"modelInput\":{}}", "duplicate field"),
        (b"{\"modelInput\":[\"secret\"]}", "not a JSON object"),
        (b"{\"modelInput\":{\"modelId\":\"secret\"}}", "--model"),
        (b"{\"prompt\":\"secret\"}", "neither modelInput"),
        (b"{\"custom_id\":\"a\",\"url\":\"/v1/secret\",\"body\":{}}", "url is neither"),
        (b"{\"custom_id\":\"a\",\"body\":{}}", "url is missing"),
        (b"{\"custom_id\":\"a\",\"method\":\"GET\",\"url\":\"/v1/embeddings\",\"body\":{}}", "method is not POST"),
        (b"{\"url\":\"/v1/embeddings\",\"body\":{}}", "custom_id is missing"),
        (b"{\"params\":{}}", "custom_id is missing"),
    ] {
        let message = read(line, Some("m")).expect_err(word);
        assert!(message.contains(word) && !message.contains("secret"), "{message}");
    }
}

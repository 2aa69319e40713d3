//! The emulator's own count of tokens: four bytes of text are one.
//!
//! Promises: the same text has the same count in a request and in an answer, and what is not empty counts at least one.
//! Leaves out: the tokenizer of any real model; counts differ from a real bill by some tens of percent.

use serde_json::Value;

/// Bytes of text to a token, about what English has with the tokenizers of real models.
pub const BYTES_PER_TOKEN: u64 = 4;
/// Tokens of an image, whatever its size.
pub const IMAGE_TOKENS: u64 = 1500;
/// Tokens of a page of a document.
pub const PAGE_TOKENS: u64 = 1500;
/// Bytes of a document that make a page, since nothing here opens a document.
pub const PAGE_BYTES: u64 = 50_000;
/// Tokens of a video, whatever its length.
pub const VIDEO_TOKENS: u64 = 10_000;
/// Tokens of a sound file, whatever its length.
pub const AUDIO_TOKENS: u64 = 3000;

/// Tokens of a text.
pub const fn of_text(text: &str) -> u64 {
    (text.len() as u64).div_ceil(BYTES_PER_TOKEN)
}

/// Tokens of a JSON value: those of its compact text.
pub fn of_json(value: &Value) -> u64 {
    of_text(&value.to_string())
}

/// Tokens of a document of so many bytes: at least a page.
pub const fn of_document(bytes: u64) -> u64 {
    let pages = bytes.div_ceil(PAGE_BYTES);
    PAGE_TOKENS * if pages == 0 { 1 } else { pages }
}

/// The longest beginning of a text that has at most so many tokens.
pub fn cut(text: &str, tokens: u64) -> &str {
    let bytes = usize::try_from(tokens.saturating_mul(BYTES_PER_TOKEN)).unwrap_or(usize::MAX);
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_a_token_for_four_bytes_begun() {
        assert_eq!((of_text(""), of_text("a"), of_text("four"), of_text("fives")), (0, 1, 1, 2));
        assert_eq!(of_json(&serde_json::json!({"a": 1})), 2);
        assert_eq!((of_document(0), of_document(50_001)), (1500, 3000));
    }

    #[test]
    fn a_cut_text_never_splits_a_character() {
        assert_eq!(cut("aaaé", 1), "aaa");
        assert_eq!(cut("aaaé", 2), "aaaé");
    }
}

//! Cutting a text into the pieces of a stream.

/// Bytes of a piece, unless that makes too many.
const PIECE_BYTES: usize = 24;
/// The most pieces of a text.
const PIECES_MAX: usize = 256;

/// The pieces of a text in order; none when it is empty. No piece splits a character.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let size = PIECE_BYTES.max(text.len().div_ceil(PIECES_MAX));
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(size));
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text_and_are_not_too_many() {
        let long = "añb ".repeat(20_000);
        for text in ["", "short", &long] {
            assert_eq!(pieces(text).collect::<String>(), text);
            assert!(pieces(text).count() <= PIECES_MAX);
        }
        assert!(pieces("a sentence that is longer than one piece of a stream").count() > 1);
    }
}

//! Sentences of plain words, of an exact number of tokens.

use super::chance::Chance;
use crate::tokens::BYTES_PER_TOKEN;

/// Words by their length in bytes, from [`SHORTEST`] on.
const WORDS: [[&str; 8]; 8] = [
    ["it", "we", "is", "of", "in", "to", "as", "at"],
    ["the", "one", "and", "for", "new", "day", "map", "sea"],
    ["then", "each", "with", "from", "work", "plan", "note", "over"],
    ["river", "first", "light", "under", "order", "table", "point", "clear"],
    ["letter", "number", "record", "answer", "before", "little", "change", "second"],
    ["morning", "account", "between", "quarter", "chapter", "general", "harbour", "silence"],
    ["question", "document", "together", "estimate", "building", "distance", "practice", "complete"],
    ["important", "different", "afternoon", "agreement", "following", "knowledge", "northward", "summaries"],
];
const SHORTEST: usize = 2;
const LONGEST: usize = SHORTEST + WORDS.len() - 1;
/// Words of the longest sentence; the shortest has half of them.
const SENTENCE_WORDS: usize = 14;

/// A word.
pub(super) fn word(chance: &mut Chance) -> &'static str {
    let length = SHORTEST + chance.below(WORDS.len());
    of_length(length, chance)
}

/// Prose of exactly so many tokens; it ends with a full stop when `whole`, else where it is cut.
pub(super) fn prose(chance: &mut Chance, tokens: u64, whole: bool) -> String {
    let bytes = usize::try_from(tokens.saturating_mul(BYTES_PER_TOKEN)).unwrap_or(usize::MAX);
    // Bytes that may be missing at the end without a token less.
    let slack = BYTES_PER_TOKEN as usize - 1;
    let end = if whole { "." } else { "" };
    let mut text = String::new();
    if bytes == 0 {
        return text;
    }
    let mut sentence_left = 0;
    loop {
        let starts = text.is_empty() || sentence_left == 0;
        let gap = match (text.is_empty(), sentence_left) {
            (true, _) => "",
            (false, 0) => ". ",
            (false, _) => " ",
        };
        if starts {
            sentence_left = sentence(chance);
        }
        // What follows a word that leaves more than the slack takes at most two bytes, so a word of two still fits.
        let room = bytes - text.len() - gap.len() - end.len();
        let length = if room <= LONGEST { room } else { SHORTEST + chance.below(WORDS.len()) };
        let next = of_length(length, chance);
        text.push_str(gap);
        if starts {
            text.push_str(&next[..1].to_ascii_uppercase());
            text.push_str(&next[1..]);
        } else {
            text.push_str(next);
        }
        sentence_left = sentence_left.saturating_sub(1);
        if room - length <= slack {
            break;
        }
    }
    text.push_str(end);
    text
}

fn sentence(chance: &mut Chance) -> usize {
    SENTENCE_WORDS / 2 + chance.below(SENTENCE_WORDS / 2)
}

/// A word of a length that the table has; the nearest otherwise.
fn of_length(length: usize, chance: &mut Chance) -> &'static str {
    let row = &WORDS[length.clamp(SHORTEST, LONGEST) - SHORTEST];
    row[chance.below(row.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens;

    #[test]
    fn prose_has_exactly_the_tokens_asked_for() {
        for n in 0..400 {
            for whole in [true, false] {
                let text = prose(&mut Chance::new(n, "model"), n, whole);
                assert_eq!(tokens::of_text(&text), n, "{text:?}");
                assert_eq!(text.ends_with('.'), whole && n > 0, "{text:?}");
            }
        }
    }

    #[test]
    fn every_word_stands_in_the_row_of_its_length() {
        for (row, words) in WORDS.iter().enumerate() {
            assert!(words.iter().all(|word| word.len() == row + SHORTEST), "{words:?}");
        }
    }
}

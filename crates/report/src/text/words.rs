//! Names and phrases.

use laneshift_core::route::LaneId;
use laneshift_core::verdict::Class;
use laneshift_units::{Deadline, Profile};

use super::count;

/// Stands under every comparison with a generator's truth.
pub(crate) const NO_PROOF: &str = "The truth here was made by a generator. It shows how the audit works on this example and is no proof of accuracy on other evidence.";

/// Text from evidence without characters that a terminal or a reader could take as commands: control characters
/// and changes of writing direction become a replacement character.
pub(crate) fn clean(text: &str) -> String {
    let unsafe_char = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if unsafe_char(c) { '\u{fffd}' } else { c }).collect()
}

/// `1 job`, `2 jobs`.
pub(crate) fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A phrase as a sentence: a capital at its start, a full stop at its end.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    first.to_uppercase().chain(chars).collect::<String>() + stop
}

/// How long an answer may take, in words.
pub(crate) fn deadline(deadline: Deadline) -> &'static str {
    match deadline {
        Deadline::Seconds => "seconds",
        Deadline::Minutes => "minutes",
        Deadline::Hour => "an hour",
        Deadline::Day => "a day",
        Deadline::Longer => "days",
    }
}

/// How long an answer may take by a verdict of this class; an undetermined one does not know.
pub(crate) fn patience(class: Class, wait: Deadline) -> &'static str {
    match class {
        Class::Undetermined => "not known",
        Class::BatchFit | Class::Hybrid | Class::Stays => deadline(wait),
    }
}

/// A lane, with the profile where it is not the region's own.
pub(crate) fn lane_and_profile(lane: LaneId, profile: &Profile) -> String {
    match profile {
        Profile::InRegion => lane.name().to_owned(),
        Profile::Geo(_) | Profile::Global => format!("{}, {}", lane.name(), profile.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}d"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d");
        assert_eq!(clean("naïve – 東京"), "naïve – 東京");
    }
}

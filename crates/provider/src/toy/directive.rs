//! What a prompt tells the toy model: `[[toy: tokens=300, slow=2s]]`.

/// A prompt cannot hold a call longer than this.
const SLOW_MS_MAX: u64 = 3_600_000;

/// An error that the toy model is told to fail with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldError {
    /// `ThrottlingException`.
    Throttling,
    /// `ServiceUnavailableException`.
    Unavailable,
    /// `ModelErrorException`.
    Model,
    /// `ModelTimeoutException`.
    Timeout,
    /// `InternalServerException`.
    Internal,
}

/// What the toy model is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) json: bool,
    pub(super) empty: bool,
    pub(super) think: bool,
    pub(super) tool: Option<String>,
    pub(super) tokens: Option<u64>,
    pub(super) text: Option<String>,
    pub(super) slow_ms: u64,
    pub(super) error: Option<ToldError>,
}

const OPEN: &str = "[[toy:";
const CLOSE: &str = "]]";

impl Directive {
    /// The last directive of a text; one that says nothing when there is none.
    pub(super) fn find(text: &str) -> Self {
        let mut found = Self::default();
        let Some((_, after)) = text.rsplit_once(OPEN) else { return found };
        let Some((mut inside, _)) = after.split_once(CLOSE) else { return found };
        while !inside.trim().is_empty() {
            if let Some(text) = inside.trim_start().strip_prefix("text=") {
                found.text = Some(text.to_owned());
                return found;
            }
            let (word, rest) = inside.split_once(',').unwrap_or((inside, ""));
            found.hear(word.trim());
            inside = rest;
        }
        found
    }

    fn hear(&mut self, word: &str) {
        match word.split_once('=').unwrap_or((word, "")) {
            ("json", _) => self.json = true,
            ("empty", _) => self.empty = true,
            ("think", _) => self.think = true,
            ("tool", name) => self.tool = Some(name.to_owned()),
            ("tokens", count) => self.tokens = count.parse().ok(),
            ("slow", time) => self.slow_ms = milliseconds(time).unwrap_or(0).min(SLOW_MS_MAX),
            ("error", kind) => self.error = error(kind),
            _ => {}
        }
    }
}

fn error(kind: &str) -> Option<ToldError> {
    Some(match kind {
        "throttling" => ToldError::Throttling,
        "unavailable" => ToldError::Unavailable,
        "model" => ToldError::Model,
        "timeout" => ToldError::Timeout,
        "internal" => ToldError::Internal,
        _ => return None,
    })
}

/// Reads `2s` and `250ms`.
fn milliseconds(time: &str) -> Option<u64> {
    match time.strip_suffix("ms") {
        Some(ms) => ms.parse().ok(),
        None => time.strip_suffix('s')?.parse::<u64>().ok()?.checked_mul(1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_is_heard_word_by_word_and_unknown_words_are_ignored() {
        let told = Directive::find("Hello [[toy: tokens=300, slow=2s, dance, tool=look_up, error=model]] there");
        assert_eq!((told.tokens, told.slow_ms, told.tool.as_deref()), (Some(300), 2000, Some("look_up")));
        assert_eq!(told.error, Some(ToldError::Model));
        assert_eq!(Directive::find("[[toy: slow=250ms, slow=soon]]").slow_ms, 0);
        assert_eq!(Directive::find("[[toy: slow=250ms]]").slow_ms, 250);
        assert_eq!(Directive::find("[[toy: slow=18446744073709551615ms]]").slow_ms, SLOW_MS_MAX);
        assert_eq!(Directive::find("[[toy: json, text=yes, but no]]").text.as_deref(), Some("yes, but no"));
        for none in ["", "toy: json", "[[toy: json", "[[toy:]]", "[[tool: json]]"] {
            assert_eq!(Directive::find(none), Directive::default(), "{none}");
        }
    }
}

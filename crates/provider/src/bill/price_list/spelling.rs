//! Ids of one model that differ in date, version or context size.
//!
//! Promises: two ids with different versions are never one model. Leaves out: names for people.

/// An id, split into what names the model and what dates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spelling<'a> {
    /// The id without date, version and context size.
    pub(super) stem: &'a str,
    /// Major and minor version, when the id says one.
    version: Option<(&'a str, &'a str)>,
}

/// Ids that AWS takes and under which the price file has no row, with the id of the row.
// AWS, "Supported foundation models in Amazon Bedrock", read 2026-11-23.
const LISTED_OTHERWISE: [(&str, &str); 3] = [
    ("amazon.titan-embed-text-v1", "amazon.titan-embed-g1-text-02"),
    ("anthropic.claude-v2", "Claude 2.0"),
    ("cohere.command-r-v1:0", "Cohere Command R"),
];

/// The id under which the price file lists a model, where no rule leads from one to the other.
pub(super) fn listed_id(id: &str) -> &str {
    LISTED_OTHERWISE.iter().find(|(own, _)| *own == id).map_or(id, |(_, listed)| listed)
}

impl<'a> Spelling<'a> {
    /// Splits `anthropic.claude-3-5-sonnet-20240620-v1:0:51k`.
    pub(super) fn of(id: &'a str) -> Self {
        let id = without_context_size(id);
        let (rest, minor) = id.split_once(':').map_or((id, None), |(rest, minor)| (rest, Some(minor)));
        let (rest, version) = match rest.rsplit_once('-') {
            Some((before, last)) if is_version(last, minor.is_some()) => {
                (before, Some((last.trim_start_matches('v'), minor.unwrap_or("0"))))
            }
            _ => (rest, None),
        };
        let stem = match rest.rsplit_once('-') {
            Some((before, last)) if last.len() == 8 && last.starts_with("20") && is_number(last) => before,
            _ => rest,
        };
        Self { stem, version }
    }

    /// Whether both can be the same model.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        self.stem == other.stem && (self.version == other.version || self.version.is_none() || other.version.is_none())
    }
}

fn without_context_size(id: &str) -> &str {
    match id.rsplit_once(':') {
        Some((rest, size)) if size.strip_suffix('k').is_some_and(is_number) => rest,
        _ => id,
    }
}

/// `v1`, or `1` where a minor version follows.
fn is_version(text: &str, has_minor: bool) -> bool {
    match text.strip_prefix('v') {
        Some(digits) => is_number(digits),
        None => has_minor && is_number(text),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::Spelling;

    fn alike(a: &str, b: &str) -> bool {
        Spelling::of(a).may_be(&Spelling::of(b))
    }

    #[test]
    fn ids_that_differ_only_in_date_or_a_version_left_out_are_one_model() {
        assert!(alike("openai.gpt-oss-120b-1:0", "openai.gpt-oss-120b"));
        assert!(alike("amazon.nova-pro-v1:0:24k", "amazon.nova-pro-v1:0"));
        assert!(alike("anthropic.claude-3-7-sonnet-20250219-v1:0", "anthropic.claude-3-7-sonnet-20240620-v1:0"));
        assert!(alike("anthropic.claude-opus-4-6", "anthropic.claude-opus-4-6-v1"));
    }

    #[test]
    fn another_version_is_another_model() {
        assert!(!alike("amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"));
        assert!(!alike("anthropic.claude-v2", "anthropic.claude-v2:1"));
        assert!(!alike("anthropic.claude-sonnet-5", "anthropic.claude-sonnet-5-5"));
        assert!(!alike("anthropic.claude-3-5-sonnet-20240620-v1:0", "anthropic.claude-3-5-sonnet-20241022-v2:0"));
    }
}

//! The many spellings of one model, reduced to one.
//!
//! Promises: an exact id wins; a spelling that two models share answers to none. Leaves out: guessing by likeness.

use std::collections::HashMap;
use std::sync::Arc;

use laneshift_units::ProfiledModel;

use super::{PriceRow, Provider};

/// Vendors as they prefix an id with a point.
const VENDORS: [&str; 20] = [
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "twelvelabs",
    "writer",
    "xai",
    "zai",
];

/// Words that stand before or inside a name in one spelling and are missing in the other.
const FILLERS: [&str; 9] = ["amazon", "anthropic", "cohere", "instruct", "meta", "mistralai", "model", "nvidia", "writer"];

/// Families of Claude, whose number stands before the family in one spelling and behind it in the other.
const CLAUDE_FAMILIES: [&str; 6] = ["fable", "haiku", "instant", "mythos", "opus", "sonnet"];

/// Ids that no row of the catalogue carries.
const EXTRA: [(&str, &str); 9] = [
    // AWS, "Supported foundation models in Amazon Bedrock", read 2026-11-23: the id without a minor version is 2.0.
    ("anthropic.claude-v2", "claude20"),
    ("amazon.titan-embed-text-v1", "titanembedtextv1"),
    ("TitanEmbeddingsG1-Text", "titanembedtextv1"),
    ("TitanTextG1-Premier", "titantextpremier"),
    ("cohere.command-r-v1:0", "commandr"),
    ("DeepSeek-R1", "deepseekr1"),
    ("Titan Text Embeddings V2", "titanembedtextv2"),
    // Usage types end the model where `-text-input-tokens` begins.
    ("TitanEmbeddingV2", "titanembedtextv2"),
    ("TitanEmbeddingsG1", "titanembedtextv1"),
];

/// Every known spelling of every model.
#[derive(Debug, Default)]
pub(super) struct Names {
    exact: HashMap<Arc<str>, Arc<str>>,
    /// `None` marks a spelling that several models share.
    reduced: HashMap<String, Option<Arc<str>>>,
}

impl Names {
    pub(super) fn of(rows: &[PriceRow]) -> Self {
        let mut names = Self::default();
        let bedrock = |row: &&PriceRow| matches!(row.provider, Provider::Bedrock | Provider::BedrockMantle);
        // Bedrock's names win over those of other providers, so they go in first.
        for ours in [true, false] {
            let mut found = HashMap::<String, Option<Arc<str>>>::new();
            for row in rows.iter().filter(|row| bedrock(row) == ours) {
                if names.exact.contains_key(row.model_id.as_str()) && names.exact.contains_key(&row.model_name) {
                    continue;
                }
                names.exact.entry(row.model_id.as_str().into()).or_insert_with(|| row.model_key.clone());
                for spelling in [row.model_id.as_str(), &row.model_name, &row.model_key] {
                    for short in reductions(spelling) {
                        add(&mut found, short, &row.model_key);
                    }
                }
            }
            for (short, key) in found {
                names.reduced.entry(short).or_insert(key);
            }
        }
        for (spelling, key) in EXTRA {
            if let Some(known) = rows.iter().find(|row| &*row.model_key == key) {
                names.exact.entry(spelling.into()).or_insert_with(|| known.model_key.clone());
                for short in reductions(spelling) {
                    names.reduced.entry(short).or_insert_with(|| Some(known.model_key.clone()));
                }
            }
        }
        names
    }

    pub(super) fn key(&self, text: &str) -> Option<&str> {
        if let Some(key) = self.exact.get(text) {
            return Some(key);
        }
        reductions(text).iter().find_map(|short| self.reduced.get(short)).and_then(|key| key.as_deref())
    }
}

fn add(found: &mut HashMap<String, Option<Arc<str>>>, short: String, key: &Arc<str>) {
    if short.is_empty() {
        return;
    }
    found
        .entry(short)
        .and_modify(|known| {
            if known.as_ref() != Some(key) {
                *known = None;
            }
        })
        .or_insert_with(|| Some(key.clone()));
}

/// The short forms of a spelling, the one that keeps most first.
fn reductions(text: &str) -> [String; 2] {
    let bare = without_packaging(text);
    [squeeze(&bare), squeeze(without_version(&bare))]
}

/// Removes what is around a name: an ARN, a profile, a vendor, an edition, a context size, a date.
fn without_packaging(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase();
    let text = text.rsplit('/').next().unwrap_or(&text);
    let text = text.replace("(amazon bedrock edition)", "").replace("+latency-optimized", "");
    let base = ProfiledModel::parse_id(text.trim()).model;
    let mut name = base.as_str();
    if let Some((vendor, rest)) = name.split_once('.')
        && VENDORS.contains(&vendor)
    {
        name = rest;
    }
    name = name.split('@').next().unwrap_or(name);
    if let Some((rest, size)) = name.rsplit_once(':')
        && size.strip_suffix('k').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    {
        name = rest;
    }
    without_date(name)
}

/// Removes `-20250929` and its like.
fn without_date(name: &str) -> String {
    let is_date = |part: &str| part.len() == 8 && part.starts_with("20") && part.bytes().all(|b| b.is_ascii_digit());
    name.split('-').filter(|part| !is_date(part)).collect::<Vec<_>>().join("-")
}

/// Removes `-v1:0`, `-1:0`, `-v1` and `:0`. A second version is another model and stays, as does the number of a model
/// that has no minor version behind it (`claude-opus-4-1`).
fn without_version(name: &str) -> &str {
    let (name, major) = match name.rsplit_once(':') {
        Some((name, "0")) => (name, name.strip_suffix("-1")),
        _ => (name, None),
    };
    name.strip_suffix("-v1").filter(|rest| *rest != "claude").or(major).unwrap_or(name)
}

/// Keeps letters and digits, reads `2.0` as `2`, drops fillers and puts Claude's number behind its family.
fn squeeze(name: &str) -> String {
    let name = without_zero_minor(name);
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !FILLERS.contains(word));
    claude_in_order(&words.collect::<String>())
}

fn without_zero_minor(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut out = String::with_capacity(name.len());
    let mut skip = 0;
    for (i, c) in name.char_indices() {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let digit_before = i > 0 && bytes[i - 1].is_ascii_digit();
        let digit_after = bytes.get(i + 2).is_some_and(|b| b.is_ascii_digit() || *b == b'.');
        if c == '.' && digit_before && bytes.get(i + 1) == Some(&b'0') && !digit_after {
            skip = 1;
            continue;
        }
        out.push(c);
    }
    out
}

fn claude_in_order(name: &str) -> String {
    let Some(rest) = name.strip_prefix("claude") else { return name.to_owned() };
    let Some((at, family)) = CLAUDE_FAMILIES.iter().find_map(|family| rest.find(family).map(|at| (at, *family))) else {
        return name.to_owned();
    };
    let (number, behind) = (&rest[..at], &rest[at + family.len()..]);
    format!("claude{family}{number}{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_model_reduce_to_one_form() {
        for (a, b) in [
            ("anthropic.claude-sonnet-4-6", "Claude4.6Sonnet"),
            ("amazon.nova-2-lite-v1:0", "Nova2.0Lite"),
            ("meta.llama4-maverick-17b-instruct-v1:0", "Llama4-Maverick-17B"),
            ("openai.gpt-oss-120b-1:0", "gpt-oss-120b"),
            ("amazon.nova-pro-v1:0:24k", "NovaPro"),
        ] {
            assert_eq!(reductions(a)[1], reductions(b)[1], "{a} and {b}");
        }
    }

    #[test]
    fn a_second_version_stays_another_model() {
        assert_ne!(
            reductions("anthropic.claude-3-5-sonnet-20241022-v2:0")[1],
            reductions("anthropic.claude-3-5-sonnet-20240620-v1:0")[1]
        );
        assert_eq!(reductions("anthropic.claude-opus-4-1-20250805-v1:0")[1], "claudeopus41");
    }
}

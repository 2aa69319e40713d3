//! The most that a call to a server beside Bedrock can use, by its body.

use laneshift_catalog::prices::Tariff;
use laneshift_dialect::MOST_OUTPUT;
use laneshift_units::{ServiceTier, Tokens, Usage};

use super::Passed;
use crate::outline::Outline;
use crate::runtime::{INPUT_MAX, dearest};

/// Members for what is not in the body, beside those whose names end in `_url`: files, and searches whose finds are input.
// OpenAI has the first two, xAI the third, OpenRouter the fourth; read 2026-11-30.
const REFERENCES: [&[u8]; 4] = [b"file_id", b"web_search_options", b"search_parameters", b"plugins"];

/// What a body says beside its content.
pub(crate) fn outline(body: &[u8]) -> Outline {
    Outline::seeking(body, |name| name.ends_with(b"_url") || REFERENCES.contains(&name))
}

impl Passed {
    /// The most that it can use. A token is at least a byte, but for what lies elsewhere; each may be written to a cache.
    pub(crate) fn most(&self, body: &[u8], tariff: &Tariff, tier: ServiceTier) -> Usage {
        let outline = outline(body);
        let input = Tokens(body.len() as u64 + if outline.refers { INPUT_MAX } else { 0 });
        let each = if self.operation() == "Embeddings" { 0 } else { outline.output_max.unwrap_or(MOST_OUTPUT) };
        let output = Tokens(each.saturating_mul(self.n.max(1)));
        dearest((tariff, tier), input, output, true)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::passed;
    use laneshift_units::TokenClass;

    use super::*;

    #[test]
    fn a_bound_counts_every_answer_and_what_lies_elsewhere() {
        let tariff = |rates: [(TokenClass, u64); 2]| {
            let mut all = laneshift_core::price::Rates::default();
            rates.into_iter().for_each(|(class, pico)| all.set(class, laneshift_units::Rate::from_pico_per_token(pico)));
            Tariff::flat(all)
        };
        let most = |body: Value| {
            passed(&body).most(
                body.to_string().as_bytes(),
                &tariff([(TokenClass::Input, 1), (TokenClass::Output, 1)]),
                ServiceTier::Default,
            )
        };
        assert_eq!(most(json!({"model": "m", "n": 3, "max_tokens": 10})).output.0, 30);
        assert_eq!(most(json!({"model": "m", "n": null})).output.0, MOST_OUTPUT);
        let part = |name: &str| json!({"model": "m", "messages": [{"content": [{"type": "x", "x": {name: "y"}}]}]});
        for name in ["image_url", "file_id", "web_search_options"] {
            assert!(most(part(name)).input.0 > INPUT_MAX, "{name}");
        }
        assert!(
            most(json!({"model": "m", "messages": "the \"file_id\": of an image_url"})).input.0 < INPUT_MAX,
            "text is content"
        );
        let escaped = part("file_id").to_string().replace("file_id", "fil\\u0065_id");
        let read = passed(&part("x"));
        let of = |tariff| read.most(escaped.as_bytes(), &tariff, ServiceTier::Default);
        assert!(of(tariff([(TokenClass::Input, 1), (TokenClass::Output, 1)])).input.0 > INPUT_MAX);
        let dearer = of(tariff([(TokenClass::Input, 4), (TokenClass::CacheWrite5m, 5)]));
        assert_eq!((dearer.input.0, dearer.cache_write_5m.0 > INPUT_MAX), (0, true));
    }
}

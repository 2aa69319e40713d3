//! Every spelling of a model leads to its one key.

use laneshift_catalog::prices::Catalog;
use laneshift_units::ModelId;

/// Spellings from bills, price lists, logs and documents of AWS, read 2026-11-23.
const SPELLINGS: [(&str, &str); 56] = [
    ("NovaLite", "novalite"),
    ("NovaPro", "novapro"),
    ("NovaMicro", "novamicro"),
    ("Nova2.0Lite", "nova2lite"),
    ("Nova 2.0 Lite", "nova2lite"),
    ("Nova2.0Pro", "nova2pro"),
    ("gpt-oss-120b", "gptoss120b"),
    ("openai.gpt-oss-120b-1:0", "gptoss120b"),
    ("openai.gpt-oss-20b-1:0", "gptoss20b"),
    ("Qwen3-32B", "qwen332b"),
    ("qwen.qwen3-32b", "qwen332b"),
    ("qwen.qwen3-32b-v1:0", "qwen332b"),
    ("qwen.qwen3-coder-480b-a35b-v1:0", "qwen3coder480ba35b"),
    ("anthropic.claude-opus-4-8", "claudeopus48"),
    ("Claude4.6Sonnet", "claudesonnet46"),
    ("Claude4.5Sonnet", "claudesonnet45"),
    ("Claude3Sonnet", "claude3sonnet"),
    ("Claude3.5Sonnet", "claude35sonnet"),
    ("ClaudeInstant", "claudeinstant"),
    ("Llama4-Maverick-17B", "llama4maverick17b"),
    ("Llama3-1-70B", "llama3170b"),
    ("Llama3.3-70B", "llama3370b"),
    ("TitanEmbeddingV2-Text", "titanembedtextv2"),
    ("Titan Text Embeddings V2", "titanembedtextv2"),
    ("Mistral7B", "mistral7b"),
    ("Mixtral8x7B", "mixtral8x7b"),
    ("DeepSeek-R1", "deepseekr1"),
    ("moonshotai.kimi-k3", "kimik3"),
    ("Claude Opus 4.6 (Amazon Bedrock Edition)", "claudeopus46"),
    ("Claude Opus 4.6", "claudeopus46"),
    ("Claude Haiku 4.5 (Amazon Bedrock Edition)", "claudehaiku45"),
    ("Claude 3.5 Sonnet v2 (Amazon Bedrock Edition)", "claude35sonnetv2"),
    ("Cohere Command R (Amazon Bedrock Edition)", "commandr"),
    ("GPT-5.6 Terra (Amazon Bedrock Edition)", "gpt56terra"),
    ("anthropic.claude-sonnet-4-6", "claudesonnet46"),
    ("claude-sonnet-4-6", "claudesonnet46"),
    ("global.anthropic.claude-sonnet-4-6", "claudesonnet46"),
    ("anthropic.claude-haiku-4-5", "claudehaiku45"),
    ("anthropic.claude-haiku-4-5-20251001-v1:0", "claudehaiku45"),
    ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "claude37sonnet"),
    ("anthropic.claude-3-5-sonnet-20240620-v1:0", "claude35sonnet"),
    ("anthropic.claude-3-5-sonnet-20241022-v2:0", "claude35sonnetv2"),
    ("anthropic.claude-3-5-sonnet-20241022-v2:0:51k", "claude35sonnetv2"),
    ("anthropic.claude-opus-4-1-20250805-v1:0", "claudeopus41"),
    ("anthropic.claude-v2", "claude20"),
    ("anthropic.claude-v2:1", "claude21"),
    ("amazon.nova-pro-v1:0:24k", "novapro"),
    ("amazon.nova-2-lite-v1:0", "nova2lite"),
    ("amazon.titan-embed-text-v1", "titanembedtextv1"),
    ("amazon.titan-embed-text-v2:0", "titanembedtextv2"),
    ("meta.llama3-2-11b-instruct-v1:0:128k", "llama3211b"),
    ("mistral.mistral-7b-instruct-v0:2", "mistral7b"),
    ("cohere.embed-english-v3", "embedenglishv3"),
    ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "novapro"),
    ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0", "novapro"),
    ("us.amazon.nova-pro-v1:0+latency-optimized", "novapro"),
];

#[test]
fn every_spelling_leads_to_its_model() {
    let catalog = Catalog::shipped().expect("the shipped catalogue is sound");
    let wrong: Vec<_> = SPELLINGS
        .iter()
        .map(|(spelling, key)| (spelling, *key, catalog.model_key(&ModelId::new(spelling))))
        .filter(|(_, key, found)| *found != Some(*key))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_id_of_the_catalogue_leads_to_its_own_key() {
    let catalog = Catalog::shipped().expect("the shipped catalogue is sound");
    for row in catalog.rows() {
        assert_eq!(catalog.model_key(&row.model_id), Some(&*row.model_key), "{}", row.model_id);
    }
}

#[test]
fn a_text_that_names_no_model_has_no_key() {
    let catalog = Catalog::shipped().expect("the shipped catalogue is sound");
    for text in ["", "-", "anthropic.", "anthropic.claude-sonnet-99", "arn:aws:bedrock:us-east-1:123456789012:prompt-router/x"] {
        let found = catalog.model_key(&ModelId::new(text));
        assert!(found.is_none(), "{text:?} is no {found:?}");
    }
}

#[test]
fn a_key_leads_back_to_the_id_and_the_name_on_bedrock() {
    let catalog = Catalog::shipped().expect("the shipped catalogue is sound");
    assert_eq!(catalog.model_id_of("claudesonnet46"), Some(ModelId::new("anthropic.claude-sonnet-4-6")));
    assert_eq!(catalog.display_name("claudesonnet46"), "Claude Sonnet 4.6");
    assert_eq!(catalog.display_name("claudesonnet55"), "anthropic.claude-sonnet-5-5");
    assert_eq!(catalog.model_id_of("nosuchmodel"), None);
}

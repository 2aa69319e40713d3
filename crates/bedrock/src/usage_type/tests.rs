//! Every usage type seen in a public source, and what it must read as.

use laneshift_units::PriceMode::{Batch, Flex, LatencyOptimized, OnDemand, Priority};
use laneshift_units::TokenClass::{CacheRead, CacheWrite1h, CacheWrite5m, Input, Output};
use laneshift_units::{PriceMode, TokenClass};
use proptest::prelude::*;

use super::*;

/// The flags of a row: `g` global, `l` long context, `m` mantle, `c` custom model.
type Row = (&'static str, &'static str, TokenClass, PriceMode, &'static str);

const BILLED_BY_AWS: &[Row] = &[
    ("USE1-NovaLite-input-tokens", "NovaLite", Input, OnDemand, ""),
    ("USE1-NovaPro-output-tokens", "NovaPro", Output, OnDemand, ""),
    ("USE1-NovaPro-cache-read-input-token-count", "NovaPro", CacheRead, OnDemand, ""),
    ("USE1-NovaMicro-input-tokens-batch", "NovaMicro", Input, Batch, ""),
    ("APN1-NovaPro-input-tokens-batch", "NovaPro", Input, Batch, ""),
    ("USE1-Nova2.0Lite-input-tokens-flex", "Nova2.0Lite", Input, Flex, ""),
    ("USE1-Nova2.0Lite-input-tokens-cross-region-global-batch", "Nova2.0Lite", Input, Batch, "g"),
    ("USE1-Nova2.0Pro-text-input-tokens-priority-cross-region-global", "Nova2.0Pro", Input, Priority, "g"),
    ("USE1-Nova2.0Lite-cache-read-input-token-count-cross-region-global", "Nova2.0Lite", CacheRead, OnDemand, "g"),
    ("USE1-Nova2.0Lite-cache-read-input-token-count-custom-model", "Nova2.0Lite", CacheRead, OnDemand, "c"),
    ("USE1-Nova2.0Lite-output-tokens-custom-model", "Nova2.0Lite", Output, OnDemand, "c"),
    ("USE1-NovaPro-output-tokens-latency-optimized", "NovaPro", Output, LatencyOptimized, ""),
    ("USE1-NovaSonic-text-input-tokens", "NovaSonic", Input, OnDemand, ""),
    ("USE1-gpt-oss-120b-output-tokens-priority", "gpt-oss-120b", Output, Priority, ""),
    ("gpt-oss-20b-input-tokens-flex", "gpt-oss-20b", Input, Flex, ""),
    ("USE1-GPT-OSS-Safeguard-20B-output-tokens-batch", "GPT-OSS-Safeguard-20B", Output, Batch, ""),
    ("USE1-Qwen3-32B-input-tokens-priority", "Qwen3-32B", Input, Priority, ""),
    ("USE1-Qwen3-32B-output-tokens-flex", "Qwen3-32B", Output, Flex, ""),
    ("EU-Qwen3-32B-input-tokens-batch", "Qwen3-32B", Input, Batch, ""),
    ("USE1-Llama4-Maverick-17B-input-tokens-batch", "Llama4-Maverick-17B", Input, Batch, ""),
    ("USE1-Llama3-1-405B-output-tokens-batch", "Llama3-1-405B", Output, Batch, ""),
    ("USE1-Claude3Sonnet-input-tokens", "Claude3Sonnet", Input, OnDemand, ""),
    ("USE1-Claude-3.5-Sonnet-Input-Tokens", "Claude-3.5-Sonnet", Input, OnDemand, ""),
    ("USE1-Claude4.6Sonnet-input-tokens", "Claude4.6Sonnet", Input, OnDemand, ""),
    ("APNE1-Claude4.6Sonnet-input-tokens", "Claude4.6Sonnet", Input, OnDemand, ""),
    ("USE1-Claude4.5Sonnet-input-tokens-cross-region-global", "Claude4.5Sonnet", Input, OnDemand, "g"),
    ("USE1-Claude4.5Sonnet-input-tokens-cross-region-geo", "Claude4.5Sonnet", Input, OnDemand, ""),
    ("USE1-Claude4Sonnet-input-tokens-cross-region-global-batch", "Claude4Sonnet", Input, Batch, "g"),
    ("USE1-Claude4Sonnet-output-tokens-long-context-cross-region-global", "Claude4Sonnet", Output, OnDemand, "gl"),
    ("USE1-Claude4.6Opus-cache-read-input-token-count-cross-region-global", "Claude4.6Opus", CacheRead, OnDemand, "g"),
    ("USW2-Claude4.5Haiku-cache-write-input-token-count", "Claude4.5Haiku", CacheWrite5m, OnDemand, ""),
    ("USW2-Claude4.5Haiku-cache-write-input-token-count-1h", "Claude4.5Haiku", CacheWrite1h, OnDemand, ""),
    ("USW2-Claude4.5Haiku-cache-write-1h-input-token-count", "Claude4.5Haiku", CacheWrite1h, OnDemand, ""),
    ("EUW1-claude-sonnet-4-cache-write-tokens", "claude-sonnet-4", CacheWrite5m, OnDemand, ""),
    ("USE1-qwen.qwen3-32b-mantle-input-tokens-standard", "qwen.qwen3-32b", Input, OnDemand, "m"),
    ("USE1-qwen.qwen3-32b-mantle-input-tokens-flex", "qwen.qwen3-32b", Input, Flex, "m"),
    ("USE1-qwen.qwen3-32b-mantle-output-tokens-priority", "qwen.qwen3-32b", Output, Priority, "m"),
    ("USE1-qwen.qwen3-32b-mantle-output-tokens-batch", "qwen.qwen3-32b", Output, Batch, "m"),
    ("USE1-anthropic.claude-opus-4-8-mantle-input-tokens-standard", "anthropic.claude-opus-4-8", Input, OnDemand, "m"),
    ("USW2-moonshotai.kimi-k3-mantle-input-tokens-global-flex", "moonshotai.kimi-k3", Input, Flex, "gm"),
    (
        "USW2-anthropic.claude-opus-4-8-mantle-cache-write-tokens-global-standard",
        "anthropic.claude-opus-4-8",
        CacheWrite5m,
        OnDemand,
        "gm",
    ),
    ("USE1-openai.gpt-5.6-luna-mantle-cache-write-tokens-5m-long-ctx-flex", "openai.gpt-5.6-luna", CacheWrite5m, Flex, "lm"),
    (
        "USE1-openai.gpt-5.6-luna-mantle-cache-write-tokens-30m-global-standard",
        "openai.gpt-5.6-luna",
        CacheWrite5m,
        OnDemand,
        "gm",
    ),
    ("USE1-acme.video-genie-v1-mantle-input-tokens", "acme.video-genie-v1", Input, OnDemand, "m"),
    ("USE1-acme.video-mantle-input-tokens", "acme.video", Input, OnDemand, "m"),
];

const MARKETPLACE: &[Row] = &[
    ("USE1-MP:USE1_InputTokenCount-Units", "", Input, OnDemand, ""),
    ("USE1-MP:USE1_OutputTokenCount-Units", "", Output, OnDemand, ""),
    ("USE1-MP:USE1_CacheReadInputTokenCount-Units", "", CacheRead, OnDemand, ""),
    ("USE1-MP:USE1_CacheWriteInputTokenCount-Units", "", CacheWrite5m, OnDemand, ""),
    ("USE1-MP:USE1_CacheWrite1hInputTokenCount-Units", "", CacheWrite1h, OnDemand, ""),
    ("USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units", "", CacheWrite1h, OnDemand, "g"),
    ("EU-MP:EU_InputTokenCount_Global-Units", "", Input, OnDemand, "g"),
    ("USE1-MP:USE1_InputTokenCount_Batch-Units", "", Input, Batch, ""),
    ("USE1-MP:USE1_InputTokenCount_Global_Batch-Units", "", Input, Batch, "g"),
    ("USE1-MP:USE1_OutputTokenCount_LatencyOptimized-Units", "", Output, LatencyOptimized, ""),
    ("USE1-MP:USE1_InputTokenCount_LCtx-Units", "", Input, OnDemand, "l"),
    ("USE1-MP:USE1_InputTokenCount_LongContext_Global-Units", "", Input, OnDemand, "gl"),
    ("APN1-MP:APN1_MillionBatchInputTokens-Units", "", Input, Batch, ""),
    ("USE1-MP:USE1_MillionBatchOutputTokens-Units", "", Output, Batch, ""),
    ("USE1-MP:USE1_input_tokens_standard-Units", "", Input, OnDemand, ""),
    ("USE1-MP:USE1_input_tokens_global_standard-Units", "", Input, OnDemand, "g"),
    ("USE1-MP:USE1_input_tokens_global_flex-Units", "", Input, Flex, "g"),
    ("APN1-MP:APN1_input_tokens_priority-Units", "", Input, Priority, ""),
    ("USE1-MP:USE1_output_tokens_standard-Units", "", Output, OnDemand, ""),
    ("USE1-MP:USE1_output_tokens_batch-Units", "", Output, Batch, ""),
    ("USE1-MP:USE1_cache_read_tokens_global_standard-Units", "", CacheRead, OnDemand, "g"),
    ("USE1-MP:USE1_cache_write_tokens_standard-Units", "", CacheWrite5m, OnDemand, ""),
    ("USE1-MP:USE1_cache_writes_tokens_long_ctx_standard-Units", "", CacheWrite5m, OnDemand, "l"),
    ("EU-MP:EU_cache_write_tokens_1h_standard-Units", "", CacheWrite1h, OnDemand, ""),
    ("USE1-MP:USE1_cache_write_tokens_1h_global_standard-Units", "", CacheWrite1h, OnDemand, "g"),
    ("USE1-MP:USE1_cache_write_tokens_1h_long_ctx_standard-Units", "", CacheWrite1h, OnDemand, "l"),
    ("USE1-MP:USE1_input_tokens_long_ctx_global_standard-Units", "", Input, OnDemand, "gl"),
    ("USE2_InputTokenCount_Global-Units", "", Input, OnDemand, "g"),
    ("MP:USE1_output_tokens_standard-Units", "", Output, OnDemand, ""),
];

fn flags(read: &UsageType) -> String {
    [(read.global, 'g'), (read.long_context, 'l'), (read.mantle, 'm'), (read.custom_model, 'c')]
        .into_iter()
        .filter_map(|(on, c)| on.then_some(c))
        .collect()
}

#[test]
fn every_token_meter_seen_in_public_is_read() {
    for (text, model, class, mode, expected) in BILLED_BY_AWS {
        let read = parse(text, None).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(read.model.as_deref(), Some(*model), "{text}");
        assert_eq!((read.kind, read.mode, flags(&read)), (Kind::Token(*class), *mode, (*expected).to_owned()), "{text}");
        assert!(!read.marketplace, "{text}");
    }
}

#[test]
fn every_marketplace_meter_is_read_and_named_by_its_product() {
    for (text, _, class, mode, expected) in MARKETPLACE {
        let read = parse(text, Some("Claude Opus 4.6 (Amazon Bedrock Edition)")).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(read.model.as_deref(), Some("Claude Opus 4.6"), "{text}");
        assert_eq!((read.kind, read.mode, flags(&read)), (Kind::Token(*class), *mode, (*expected).to_owned()), "{text}");
        assert!(read.marketplace && read.region.is_some(), "{text}");
        assert_eq!(parse(text, None).expect("still a usage type").model, None, "{text}");
    }
}

#[test]
fn what_is_not_text_tokens_is_never_tokens() {
    let reserved = |output, months| Kind::ReservedTpm { output, months };
    let unit = |commitment_months| Kind::ModelUnit { commitment_months };
    for (text, kind) in [
        ("USE1-MP:USE1_Reserved_1Month_InputTPM_Geo-Units", reserved(false, 1)),
        ("USE1-MP:USE1_Reserved_3Month_OutputTPM_Global-Units", reserved(true, 3)),
        ("EU-Claude4.5Sonnet-reserved-1-month-input-tokens-per-minute-cross-region-global", reserved(false, 1)),
        ("USE1-Nova2.0Lite-reserved-3-month-output-tokens-per-minute-cross-region-geo", reserved(true, 3)),
        ("USE1-Nova2.0Lite-ProvisionedThroughput-NoCommit-ModelUnits", unit(None)),
        ("USE1-Nova2.0Lite-ProvisionedThroughput-1month-ModelUnits", unit(Some(1))),
        ("USE1-MP:USE1_ProvisionedThroughput_NoCommit_ModelUnits_Usage-Units", unit(None)),
        ("USE1-MP:USE1_ProvisionedThroughput_1MonthCommit_ModelUnits_Usage-Units", unit(Some(1))),
        ("USW2-MP:USW2_ProvisionedThroughput_6MonthsCommit_ModelUnits_Usage-Units", unit(Some(6))),
        ("USE1-MP:USE1_search_units-Units", Kind::Search),
        ("USE1-BedrockKnowledgeBase-searchunits-token", Kind::Search),
        ("USE1-MP:USE1_created_image-Units", Kind::Image),
        ("USE1-MP:USE1_InputImageCount-Units", Kind::Image),
        ("USE1-Nova2.0Omni-input-image-token-count-batch", Kind::Image),
        ("USE1-TitanImageGeneratorG1-T2I-1024-Standard", Kind::Image),
        ("USE1-TitanImageGeneratorG1-ProvisionedThroughput-NoCommit-ModelUnits", unit(None)),
        ("USE1-NovaSonic-speech-input-tokens", Kind::Other),
        ("USE1-Nova2.0Omni-input-audio-token-count", Kind::Other),
        ("USE1-MP:USE1_inputVideoSecond-Units", Kind::Other),
        ("USE1-Nova2.0Lite-nova-grounding", Kind::Other),
        ("USE1-Nova2.0Lite-RFT-Training-Hours", Kind::Other),
        ("USE1-Nova2.0Lite-Customization-Storage", Kind::Other),
        ("USE1-Unknown-input-tokens-wat", Kind::Other),
        ("USE1-Unknown-input-tokens-flex-batch", Kind::Other),
        ("USE1-BoxUsage:m5.large", Kind::Other),
    ] {
        assert_eq!(parse(text, None).unwrap_or_else(|| panic!("{text}")).kind, kind, "{text}");
    }
}

#[test]
fn garbage_is_no_usage_type() {
    for text in [
        "",
        " ",
        "hello",
        "BoxUsage:m5.large",
        "DataTransfer-Out-Bytes",
        "-",
        "--",
        "_",
        "input",
        "USE1",
        "use1-",
        "日本-input-tokens",
        "a b-input-tokens",
    ] {
        assert_eq!(parse(text, None), None, "{text:?}");
    }
    assert_eq!(parse(&"A".repeat(10_000), None), None);
}

#[test]
fn a_region_code_is_kept_when_it_is_not_known() {
    let read = parse("APNE1-Claude4.6Sonnet-input-tokens", None).expect("a usage type");
    assert_eq!((read.region, read.region_code.as_str()), (None, "APNE1"));
    for (code, region) in [
        ("EU", "eu-west-1"),
        ("EUW1", "eu-west-1"),
        ("APS3", "ap-south-1"),
        ("APS4", "ap-southeast-3"),
        ("UGW1", "us-gov-west-1"),
    ] {
        let read = parse(&format!("{code}-NovaPro-input-tokens"), None).expect("a usage type");
        assert_eq!(read.region.expect("a known code").as_str(), region);
    }
}

#[test]
fn a_product_name_gives_the_model() {
    assert_eq!(model_of_product(" Claude Sonnet 4.6 (amazon bedrock edition) "), Some("Claude Sonnet 4.6"));
    assert_eq!(model_of_product("Claude Sonnet 4.6"), Some("Claude Sonnet 4.6"));
    assert_eq!(model_of_product("(Amazon Bedrock Edition)"), None);
    assert_eq!(model_of_product(""), None);
    assert_eq!(model_of_product("ééééééééééééééééééé"), Some("ééééééééééééééééééé"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}", name in "\\PC{0,40}") {
        let _ = parse(&text, Some(&name));
    }

    #[test]
    fn no_text_of_the_right_shape_makes_it_panic(
        text in "(USE1|EU|X9|MP:)?[-_]?(MP:)?(USE1_)?[A-Za-z0-9.é]{0,9}([-_](mantle|input|output|tokens|cache|read|write|1h|1|Month|reserved|ProvisionedThroughput|LCtx|batch|)){0,8}(-Units)?"
    ) {
        let _ = parse(&text, None);
    }
}

//! Usage types read back, and those seen at AWS.

use laneshift_bedrock::usage_type::{Kind, parse};

use super::*;

fn sellers() -> [Seller; 4] {
    let product = || "Claude Sonnet 4.6 (Amazon Bedrock Edition)".to_owned();
    [
        Seller::Aws { usage_name: "Nova2.0Lite".to_owned() },
        Seller::MarketplaceCamel { product: product() },
        Seller::MarketplaceSnake { product: product() },
        Seller::unnamed(&ModelId::new("amazon.titan-embed-text-v2:0")),
    ]
}

fn model_name(seller: &Seller) -> &str {
    match seller {
        Seller::Aws { usage_name } => usage_name,
        Seller::MarketplaceCamel { .. } | Seller::MarketplaceSnake { .. } => "Claude Sonnet 4.6",
    }
}

#[test]
fn every_usage_type_is_read_back_as_what_it_was_written_for() {
    let mut seen = std::collections::HashSet::new();
    for (region, _) in REGION_CODES {
        let region = &Region::new(region);
        for seller in sellers() {
            for (class, mode) in TokenClass::ALL.into_iter().flat_map(|class| PriceMode::ALL.map(|mode| (class, mode))) {
                for (global, long_context) in [(false, false), (false, true), (true, false), (true, true)] {
                    let text = seller.usage_type(region, Meter { class, mode, global, long_context });
                    let read = parse(&text, Some(seller.product())).unwrap_or_else(|| panic!("{text}"));
                    assert_eq!((read.kind, read.mode), (Kind::Token(class), mode), "{text}");
                    assert_eq!((read.global, read.long_context), (global, long_context), "{text}");
                    assert_eq!((read.marketplace, read.mantle), (seller.is_marketplace(), false), "{text}");
                    assert_eq!(read.region.as_ref(), Some(region), "{text}");
                    assert_eq!(read.model.as_deref(), Some(model_name(&seller)), "{text}");
                    assert!(seen.insert(text), "two meters share a usage type");
                }
            }
        }
    }
}

#[test]
fn model_units_are_read_back_with_their_commitment() {
    for seller in sellers() {
        for (commitment, commitment_months) in
            [(Commitment::None, None), (Commitment::OneMonth, Some(1)), (Commitment::SixMonths, Some(6))]
        {
            let text = seller.unit_usage_type(&Region::new("us-east-1"), commitment);
            let read = parse(&text, Some(seller.product())).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read.kind, Kind::ModelUnit { commitment_months }, "{text}");
        }
    }
}

#[test]
fn usage_types_are_spelled_as_aws_spells_them() {
    let region = &Region::new("us-east-1");
    let [nova, camel, snake, _] = sellers();
    let meter = |class, mode, global, long_context| Meter { class, mode, global, long_context };
    for (seller, meter, spelled) in [
        (
            &nova,
            meter(TokenClass::Input, PriceMode::Batch, true, false),
            "USE1-Nova2.0Lite-input-tokens-cross-region-global-batch",
        ),
        (&nova, meter(TokenClass::Input, PriceMode::Flex, false, false), "USE1-Nova2.0Lite-input-tokens-flex"),
        (&camel, meter(TokenClass::Input, PriceMode::Batch, true, false), "USE1-MP:USE1_InputTokenCount_Global_Batch-Units"),
        (
            &camel,
            meter(TokenClass::CacheWrite1h, PriceMode::OnDemand, false, false),
            "USE1-MP:USE1_CacheWrite1hInputTokenCount-Units",
        ),
        (
            &snake,
            meter(TokenClass::CacheWrite1h, PriceMode::OnDemand, true, false),
            "USE1-MP:USE1_cache_write_tokens_1h_global_standard-Units",
        ),
        (
            &snake,
            meter(TokenClass::Input, PriceMode::OnDemand, true, true),
            "USE1-MP:USE1_input_tokens_long_ctx_global_standard-Units",
        ),
    ] {
        assert_eq!(seller.usage_type(region, meter), spelled);
    }
}

#[test]
fn a_region_that_nobody_listed_has_a_code_of_the_usual_shape() {
    assert_eq!(region_code(&Region::new("eu-west-9")), "EUW9");
}

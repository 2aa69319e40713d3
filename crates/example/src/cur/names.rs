//! What a bill calls the tokens of a model: usage type, product, unit.
//!
//! Source: AWS, "Understanding your Bedrock CUR data", and usage types seen in public price lists, read 2026-11-23.

use laneshift_units::{PriceMode, Profile, Region, TokenClass};

use super::row::{Row, Unit};
use crate::company::Workload;
use crate::prices::{self, Seller};

/// The seller's opaque product code on Marketplace rows.
const MARKETPLACE_PRODUCT: &str = "prod-examplek2m7q4x9c";

/// Names the row for a class of a workload's tokens.
pub(crate) fn name(row: &mut Row, workload: &Workload, mode: PriceMode, class: TokenClass) {
    let facts = prices::model(&workload.model.model);
    let prefix = region_prefix(&workload.region);
    let global = workload.model.profile == Profile::Global;
    facts.product_name.clone_into(&mut row.product_name);
    let meter = match &facts.seller {
        Seller::Aws(name) => {
            row.usage_type = format!(
                "{prefix}-{name}-{}{}{}",
                first_party(class),
                suffix(mode),
                if global { "-cross-region-global" } else { "" }
            );
            "AmazonBedrock".clone_into(&mut row.product_code);
            "AmazonBedrock".clone_into(&mut row.service_code);
            "1K tokens".clone_into(&mut row.unit);
            "Amazon Bedrock".clone_into(&mut row.family);
            row.counts = Unit::Thousand;
            return;
        }
        Seller::MarketplaceCamel => {
            let batch = if mode == PriceMode::Batch { "_Batch" } else { "" };
            format!("{}{}{batch}", camel(class), if global { "_Global" } else { "" })
        }
        Seller::MarketplaceSnake => {
            let tier = if mode == PriceMode::Batch { "batch" } else { "standard" };
            format!("{}{}_{tier}", snake(class), if global { "_global" } else { "" })
        }
    };
    row.usage_type = format!("{prefix}-MP:{prefix}_{meter}-Units");
    row.entity = "AWS Marketplace";
    row.legal_entity = "Anthropic, PBC";
    MARKETPLACE_PRODUCT.clone_into(&mut row.product_code);
    "Units".clone_into(&mut row.unit);
    row.counts = Unit::Million;
}

/// The bill's short name of a region.
pub(crate) fn region_prefix(region: &Region) -> &'static str {
    match region.as_str() {
        "us-east-1" => "USE1",
        "eu-west-1" => "EU",
        other => panic!("no company here runs in {other}"),
    }
}

const fn first_party(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "input-tokens",
        TokenClass::Output => "output-tokens",
        TokenClass::CacheRead => "cache-read-input-token-count",
        TokenClass::CacheWrite5m | TokenClass::CacheWrite1h => "cache-write-input-token-count",
    }
}

const fn suffix(mode: PriceMode) -> &'static str {
    match mode {
        PriceMode::OnDemand => "",
        PriceMode::Priority => "-priority",
        PriceMode::Flex => "-flex",
        PriceMode::Batch => "-batch",
        PriceMode::LatencyOptimized => "-latency-optimized",
    }
}

const fn camel(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "InputTokenCount",
        TokenClass::Output => "OutputTokenCount",
        TokenClass::CacheRead => "CacheReadInputTokenCount",
        TokenClass::CacheWrite5m => "CacheWriteInputTokenCount",
        TokenClass::CacheWrite1h => "CacheWrite1hInputTokenCount",
    }
}

const fn snake(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "input_tokens",
        TokenClass::Output => "output_tokens",
        TokenClass::CacheRead => "cache_read_tokens",
        TokenClass::CacheWrite5m => "cache_write_tokens_5m",
        TokenClass::CacheWrite1h => "cache_write_tokens_1h",
    }
}

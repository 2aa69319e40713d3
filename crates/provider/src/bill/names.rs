//! What AWS's bill calls tokens and model units: usage types, products, units, region codes.
//!
//! Promises: the project's own reader of usage types reads back class, mode, global profile and long context.
//! Sources, read 2026-11-23: AWS Price List offers AmazonBedrock and
//! AmazonBedrockFoundationModels. Where no usage type of a combination has been seen, the words stand in the order of
//! those that have.

use laneshift_units::{ModelId, PriceMode, Region, TokenClass};

use super::price_list::Commitment;

/// Who sells a model, and what its bill calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seller {
    /// AWS; the usage type names the model: `USE1-NovaPro-input-tokens`.
    Aws {
        /// `NovaPro`.
        usage_name: String,
    },
    /// A vendor through AWS Marketplace, with meters such as `InputTokenCount_Global`.
    MarketplaceCamel {
        /// `Claude Sonnet 4.6 (Amazon Bedrock Edition)`.
        product: String,
    },
    /// A vendor through AWS Marketplace, with meters such as `input_tokens_global_standard`.
    MarketplaceSnake {
        /// `Claude Sonnet 5.5 (Amazon Bedrock Edition)`.
        product: String,
    },
}

impl Seller {
    /// For a model that nobody described: AWS sells it under its id.
    pub fn unnamed(model: &ModelId) -> Self {
        Self::Aws { usage_name: model.as_str().to_owned() }
    }

    /// The product's name in the bill.
    pub fn product(&self) -> &str {
        match self {
            Self::Aws { .. } => "Amazon Bedrock",
            Self::MarketplaceCamel { product } | Self::MarketplaceSnake { product } => product,
        }
    }

    /// Whether it is sold through AWS Marketplace.
    pub const fn is_marketplace(&self) -> bool {
        !matches!(self, Self::Aws { .. })
    }

    /// The usage type of tokens.
    pub fn usage_type(&self, region: &Region, meter: Meter) -> String {
        let code = region_code(region);
        match self {
            Self::Aws { usage_name } => format!("{code}-{usage_name}-{}", meter.of_aws()),
            Self::MarketplaceCamel { .. } => format!("{code}-MP:{code}_{}-Units", meter.camel()),
            Self::MarketplaceSnake { .. } => format!("{code}-MP:{code}_{}-Units", meter.snake()),
        }
    }

    /// The usage type of provisioned model units.
    pub fn unit_usage_type(&self, region: &Region, commitment: Commitment) -> String {
        let code = region_code(region);
        if let Self::Aws { usage_name } = self {
            let term = match commitment {
                Commitment::None => "NoCommit",
                Commitment::OneMonth => "1month",
                Commitment::SixMonths => "6months",
            };
            return format!("{code}-{usage_name}-ProvisionedThroughput-{term}-ModelUnits");
        }
        let term = match commitment {
            Commitment::None => "NoCommit",
            Commitment::OneMonth => "1MonthCommit",
            Commitment::SixMonths => "6MonthsCommit",
        };
        format!("{code}-MP:{code}_ProvisionedThroughput_{term}_ModelUnits_Usage-Units")
    }
}

/// What a usage type says about tokens, beside the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// The class.
    pub class: TokenClass,
    /// How they are bought.
    pub mode: PriceMode,
    /// Through the global profile.
    pub global: bool,
    /// At the price of a long context.
    pub long_context: bool,
}

impl Meter {
    fn of_aws(self) -> String {
        let (stem, hour) = match self.class {
            TokenClass::Input => ("input-tokens", ""),
            TokenClass::Output => ("output-tokens", ""),
            TokenClass::CacheRead => ("cache-read-input-token-count", ""),
            TokenClass::CacheWrite5m => ("cache-write-input-token-count", ""),
            TokenClass::CacheWrite1h => ("cache-write-input-token-count", "-1h"),
        };
        // Batch stands behind the profile, the other modes before it.
        let (before, behind) = match self.mode {
            PriceMode::OnDemand => ("", ""),
            PriceMode::Priority => ("-priority", ""),
            PriceMode::Flex => ("-flex", ""),
            PriceMode::LatencyOptimized => ("-latency-optimized", ""),
            PriceMode::Batch => ("", "-batch"),
        };
        let long = if self.long_context { "-long-context" } else { "" };
        let global = if self.global { "-cross-region-global" } else { "" };
        format!("{stem}{hour}{before}{long}{global}{behind}")
    }

    fn camel(self) -> String {
        let stem = match self.class {
            TokenClass::Input => "InputTokenCount",
            TokenClass::Output => "OutputTokenCount",
            TokenClass::CacheRead => "CacheReadInputTokenCount",
            TokenClass::CacheWrite5m => "CacheWriteInputTokenCount",
            TokenClass::CacheWrite1h => "CacheWrite1hInputTokenCount",
        };
        let mode = match self.mode {
            PriceMode::OnDemand => "",
            PriceMode::Priority => "_Priority",
            PriceMode::Flex => "_Flex",
            PriceMode::Batch => "_Batch",
            PriceMode::LatencyOptimized => "_LatencyOptimized",
        };
        let long = if self.long_context { "_LCtx" } else { "" };
        let global = if self.global { "_Global" } else { "" };
        format!("{stem}{long}{global}{mode}")
    }

    fn snake(self) -> String {
        let stem = match self.class {
            TokenClass::Input => "input_tokens",
            TokenClass::Output => "output_tokens",
            TokenClass::CacheRead => "cache_read_tokens",
            TokenClass::CacheWrite5m => "cache_write_tokens",
            TokenClass::CacheWrite1h => "cache_write_tokens_1h",
        };
        let mode = match self.mode {
            PriceMode::OnDemand => "standard",
            PriceMode::Priority => "priority",
            PriceMode::Flex => "flex",
            PriceMode::Batch => "batch",
            PriceMode::LatencyOptimized => "latency_optimized",
        };
        let long = if self.long_context { "_long_ctx" } else { "" };
        let global = if self.global { "_global" } else { "" };
        format!("{stem}{long}{global}_{mode}")
    }
}

/// The billing code of a region. A region that is not in the table gets the code that most of them would have: two
/// letters of the continent, one of the direction, the number.
pub fn region_code(region: &Region) -> String {
    let known = REGION_CODES.iter().find(|(name, _)| *name == region.as_str());
    known.map_or_else(
        || {
            let mut parts = region.as_str().split('-');
            let continent = parts.next().unwrap_or_default();
            let tail: String = parts.filter_map(|part| part.chars().next()).collect();
            format!("{continent}{tail}").to_ascii_uppercase()
        },
        |(_, code)| (*code).to_owned(),
    )
}

// Prefixes of usage types in AWS cost and usage reports, and public readers of them, read
// 2026-11-23. Asia's numbers follow the order in which the regions opened.
const REGION_CODES: [(&str, &str); 38] = [
    ("us-east-1", "USE1"),
    ("us-east-2", "USE2"),
    ("us-west-1", "USW1"),
    ("us-west-2", "USW2"),
    ("us-gov-east-1", "UGE1"),
    ("us-gov-west-1", "UGW1"),
    ("ca-central-1", "CAN1"),
    ("ca-west-1", "CAN2"),
    ("mx-central-1", "MXC1"),
    ("sa-east-1", "SAE1"),
    ("eu-west-1", "EU"),
    ("eu-west-2", "EUW2"),
    ("eu-west-3", "EUW3"),
    ("eu-central-1", "EUC1"),
    ("eu-central-2", "EUC2"),
    ("eu-north-1", "EUN1"),
    ("eu-south-1", "EUS1"),
    ("eu-south-2", "EUS2"),
    ("il-central-1", "ILC1"),
    ("me-south-1", "MES1"),
    ("me-central-1", "MEC1"),
    ("af-south-1", "AFS1"),
    ("ap-east-1", "APE1"),
    ("ap-east-2", "APE2"),
    ("ap-northeast-1", "APN1"),
    ("ap-northeast-2", "APN2"),
    ("ap-northeast-3", "APN3"),
    ("ap-southeast-1", "APS1"),
    ("ap-southeast-2", "APS2"),
    ("ap-south-1", "APS3"),
    ("ap-southeast-3", "APS4"),
    ("ap-south-2", "APS5"),
    ("ap-southeast-4", "APS6"),
    ("ap-southeast-5", "APS7"),
    ("ap-southeast-6", "APS8"),
    ("ap-southeast-7", "APS9"),
    ("cn-north-1", "CNN1"),
    ("cn-northwest-1", "CNW1"),
];

#[cfg(test)]
mod tests;

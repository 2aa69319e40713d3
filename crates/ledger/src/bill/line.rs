//! One line of a bill that concerns models, in this product's words.

use laneshift_units::{Money, PriceMode, TokenClass, Tokens};

use super::quantity::{count, tokens_per_unit};

/// A line of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    /// The day in UTC on which the usage began, as [`laneshift_units::Timestamp::day_index`].
    pub day: i64,
    /// The account that used, twelve digits.
    pub account: String,
    /// The region, such as `us-east-1`; empty when neither the row nor its usage type names one.
    pub region: String,
    /// What the line is about.
    pub kind: BillKind,
    /// The model as the bill spells it: `Nova2.0Lite`, `qwen.qwen3-32b`, `Claude Sonnet 4.6`.
    pub model: Option<String>,
    /// Whether answers were streamed.
    pub streaming: Streaming,
    /// The role or user that called, as [`super::principal_name`] gives it.
    pub principal: Option<String>,
    /// Tags by key, sorted; of the resource (inference profile) and of the caller, with AWS's prefixes kept.
    pub tags: Vec<(String, String)>,
    /// Tokens used. `None` unless the line is usage of [`BillKind::BedrockTokens`] with a quantity that counts.
    pub tokens: Option<Tokens>,
    /// The quantity as the bill writes it.
    pub amount_text: String,
    /// The unit of the quantity as the bill writes it.
    pub pricing_unit: String,
    /// The public on-demand price of this line, if the bill gives one. Marketplace lines have none, or zero.
    pub list_cost: Option<Money>,
    /// What the line costs before discounts that are lines of their own.
    pub unblended_cost: Money,
    /// What the line costs after discounts, if the bill says.
    pub net_cost: Option<Money>,
    /// The product code: `AmazonBedrock`, `AmazonSageMaker`, or an opaque one of Marketplace.
    pub product_code: String,
    /// The usage type as the bill writes it.
    pub usage_type: String,
    /// The operation as the bill writes it.
    pub operation: String,
    /// Sold through AWS Marketplace.
    pub marketplace: bool,
    /// Usage, discount, credit, tax and so on.
    pub line_item_type: LineItemType,
}

impl BillLine {
    /// Tokens that a correction takes back; `None` for any other line. The unit is that of the quantity, or else the seller's habit.
    pub fn taken_back(&self) -> Option<Tokens> {
        if self.tokens.is_some() || !self.line_item_type.is_usage() || !matches!(self.kind, BillKind::BedrockTokens { .. }) {
            return None;
        }
        let (unit, _) = tokens_per_unit(&self.pricing_unit, "", self.marketplace);
        count(self.amount_text.trim().strip_prefix('-')?, unit).ok().map(|counted| counted.tokens)
    }
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BillKind {
    /// Tokens of a model on Bedrock.
    BedrockTokens {
        /// How the tokens are billed.
        class: TokenClass,
        /// In which mode they were bought.
        mode: PriceMode,
        /// Through the global inference profile.
        global: bool,
        /// At the price of a long prompt.
        long_context: bool,
        /// Through the bedrock-mantle endpoint.
        mantle: bool,
    },
    /// Anything else of Bedrock: reserved and provisioned capacity, images, search, guardrails, agents, taxes.
    BedrockOther,
    /// Another AI or machine learning service of AWS.
    OtherAiMl,
}

/// Whether answers were streamed, from the operation of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Streaming {
    /// `InvokeModelStreamingInference`.
    Yes,
    /// `InvokeModelInference`.
    No,
    /// The operation does not say: lines before 2026 say `Usage`.
    Unknown,
}

impl Streaming {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Yes, Self::No, Self::Unknown];

    /// The name used in files and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }

    /// Reads an operation of a Bedrock line.
    // AWS, "Amazon Bedrock now provides granular usage visibility" (2026-01), read 2026-11-23.
    pub fn of_operation(operation: &str) -> Self {
        let lower = operation.to_ascii_lowercase();
        if lower.contains("stream") {
            Self::Yes
        } else if matches!(lower.as_str(), "invokemodelinference" | "invokemodel" | "converse") {
            Self::No
        } else {
            Self::Unknown
        }
    }
}

/// The type of a line, cut by what it does to the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineItemType {
    /// Usage at its own price.
    Usage,
    /// Usage that a reservation covers.
    DiscountedUsage,
    /// Usage that a Savings Plan covers.
    SavingsPlanCoveredUsage,
    /// Negations and fees of Savings Plans.
    SavingsPlan,
    /// A fee, once or recurring.
    Fee,
    /// The recurring fee of a reservation.
    RiFee,
    /// Tax.
    Tax,
    /// A credit.
    Credit,
    /// A refund.
    Refund,
    /// A discount on a line of its own: enterprise programme, private rate, bundle.
    Discount,
    /// A type not known here. Never counted as usage.
    Other,
}

impl LineItemType {
    /// Every type.
    pub const ALL: [Self; 11] = [
        Self::Usage,
        Self::DiscountedUsage,
        Self::SavingsPlanCoveredUsage,
        Self::SavingsPlan,
        Self::Fee,
        Self::RiFee,
        Self::Tax,
        Self::Credit,
        Self::Refund,
        Self::Discount,
        Self::Other,
    ];

    /// The name used in files and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::DiscountedUsage => "discounted_usage",
            Self::SavingsPlanCoveredUsage => "savings_plan_covered_usage",
            Self::SavingsPlan => "savings_plan",
            Self::Fee => "fee",
            Self::RiFee => "ri_fee",
            Self::Tax => "tax",
            Self::Credit => "credit",
            Self::Refund => "refund",
            Self::Discount => "discount",
            Self::Other => "other",
        }
    }

    /// Reads AWS's spelling, in any capitals.
    // AWS, "Data Exports user guide: line item columns", line_item_line_item_type, read 2026-11-23.
    pub fn of_bill(text: &str) -> Self {
        let lower = text.trim().to_ascii_lowercase();
        match lower.as_str() {
            "usage" => Self::Usage,
            "discountedusage" => Self::DiscountedUsage,
            "savingsplancoveredusage" => Self::SavingsPlanCoveredUsage,
            "fee" => Self::Fee,
            "rifee" => Self::RiFee,
            "tax" => Self::Tax,
            "credit" => Self::Credit,
            "refund" => Self::Refund,
            t if t.starts_with("savingsplan") => Self::SavingsPlan,
            t if t.ends_with("discount") => Self::Discount,
            _ => Self::Other,
        }
    }

    /// Whether the line is usage: only such lines carry tokens.
    pub const fn is_usage(self) -> bool {
        matches!(self, Self::Usage | Self::DiscountedUsage | Self::SavingsPlanCoveredUsage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_tells_streaming() {
        assert_eq!(Streaming::of_operation("InvokeModelStreamingInference"), Streaming::Yes);
        assert_eq!(Streaming::of_operation("InvokeModelInference"), Streaming::No);
        assert_eq!(Streaming::of_operation("Usage"), Streaming::Unknown);
        assert_eq!(Streaming::of_operation(""), Streaming::Unknown);
    }

    #[test]
    fn only_usage_is_usage() {
        let usage = ["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"];
        let rest = [
            ("SavingsPlanNegation", LineItemType::SavingsPlan),
            ("SavingsPlanRecurringFee", LineItemType::SavingsPlan),
            ("EdpDiscount", LineItemType::Discount),
            ("PrivateRateDiscount", LineItemType::Discount),
            ("Credit", LineItemType::Credit),
            ("RIFee", LineItemType::RiFee),
            ("Tax", LineItemType::Tax),
            ("Something", LineItemType::Other),
        ];
        assert!(usage.into_iter().all(|t| LineItemType::of_bill(t).is_usage()));
        for (text, expected) in rest {
            assert_eq!(LineItemType::of_bill(text), expected);
            assert!(!expected.is_usage());
        }
    }
}

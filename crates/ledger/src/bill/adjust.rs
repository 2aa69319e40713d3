//! What is on a bill but is no usage: discounts, credits, taxes, fees.

use super::line::{BillKind, BillLine, LineItemType};

/// The services that a bill is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BillScope {
    /// Amazon Bedrock, whoever sells the model.
    Bedrock,
    /// AWS's other AI and machine learning services.
    OtherAiMl,
}

impl BillScope {
    /// The scope of a kind of line.
    pub const fn of(kind: BillKind) -> Self {
        match kind {
            BillKind::BedrockTokens { .. } | BillKind::BedrockOther => Self::Bedrock,
            BillKind::OtherAiMl => Self::OtherAiMl,
        }
    }
}

/// What lines that are no usage are summed by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdjustmentKey {
    /// The day.
    pub day: i64,
    /// The account.
    pub account: String,
    /// Bedrock or another service.
    pub scope: BillScope,
    /// Sold through AWS Marketplace: private terms treat it apart.
    pub marketplace: bool,
    /// Never a type that is usage.
    pub line_item_type: LineItemType,
}

impl AdjustmentKey {
    pub(super) fn of(line: &BillLine) -> Self {
        Self {
            day: line.day,
            account: line.account.clone(),
            scope: BillScope::of(line.kind),
            marketplace: line.marketplace,
            line_item_type: line.line_item_type,
        }
    }
}

//! Sums of bill lines that do not depend on the order of lines or files.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::AddAssign;

use laneshift_units::{Money, PriceMode, TokenClass, Tokens};

use super::adjust::{AdjustmentKey, BillScope};
use super::line::{BillKind, BillLine, Streaming};

/// What token usage is summed by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenKey {
    /// The day.
    pub day: i64,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The model as the bill spells it.
    pub model: Option<String>,
    /// The class of tokens.
    pub class: TokenClass,
    /// The mode they were bought in.
    pub mode: PriceMode,
    /// Through the global profile.
    pub global: bool,
    /// At the price of a long prompt.
    pub long_context: bool,
    /// Through bedrock-mantle.
    pub mantle: bool,
    /// Sold through AWS Marketplace.
    pub marketplace: bool,
    /// Streamed or not.
    pub streaming: Streaming,
    /// The role or user.
    pub principal: Option<String>,
}

/// What other usage is summed by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherKey {
    /// The day.
    pub day: i64,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// Bedrock or another service.
    pub scope: BillScope,
    /// The product code.
    pub product_code: String,
    /// The usage type; empty outside Bedrock, where only the service matters.
    pub usage_type: String,
}

/// Sums of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BillSum {
    /// Tokens. Zero where lines are not tokens.
    pub tokens: Tokens,
    /// Unblended cost.
    pub cost: Money,
    /// Net cost; a line without one counts its unblended cost.
    pub net_cost: Money,
    /// Public on-demand cost of the lines that have one.
    pub list_cost: Money,
    /// Lines.
    pub lines: u64,
    /// Lines without a public cost, or with one of zero for money paid: Marketplace lines.
    pub lines_without_list: u64,
}

impl BillSum {
    fn of(line: &BillLine) -> Self {
        let has_list = line.list_cost.is_some_and(|c| c != Money::ZERO || line.unblended_cost == Money::ZERO);
        Self {
            tokens: line.tokens.unwrap_or_default(),
            cost: line.unblended_cost,
            net_cost: line.net_cost.unwrap_or(line.unblended_cost),
            list_cost: line.list_cost.unwrap_or_default(),
            lines: 1,
            lines_without_list: u64::from(!has_list),
        }
    }
}

impl AddAssign for BillSum {
    fn add_assign(&mut self, rhs: Self) {
        self.tokens += rhs.tokens;
        self.cost += rhs.cost;
        self.net_cost += rhs.net_cost;
        self.list_cost += rhs.list_cost;
        self.lines += rhs.lines;
        self.lines_without_list += rhs.lines_without_list;
    }
}

/// A bill, summed. Every line is in exactly one of the three maps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BillTable {
    /// Usage of tokens on Bedrock.
    pub tokens: BTreeMap<TokenKey, BillSum>,
    /// Usage of anything else.
    pub other: BTreeMap<OtherKey, BillSum>,
    /// Discounts, credits, taxes, fees: never usage.
    pub adjustments: BTreeMap<AdjustmentKey, BillSum>,
}

impl BillTable {
    /// Adds a line.
    pub fn add(&mut self, line: &BillLine) {
        let sum = BillSum::of(line);
        if !line.line_item_type.is_usage() {
            return add_to(&mut self.adjustments, AdjustmentKey::of(line), sum);
        }
        match line.kind {
            BillKind::BedrockTokens { class, mode, global, long_context, mantle } => {
                let key = TokenKey {
                    day: line.day,
                    account: line.account.clone(),
                    region: line.region.clone(),
                    model: line.model.clone(),
                    class,
                    mode,
                    global,
                    long_context,
                    mantle,
                    marketplace: line.marketplace,
                    streaming: line.streaming,
                    principal: line.principal.clone(),
                };
                add_to(&mut self.tokens, key, sum);
            }
            BillKind::BedrockOther => add_to(&mut self.other, other_key(line, line.usage_type.clone()), sum),
            BillKind::OtherAiMl => add_to(&mut self.other, other_key(line, String::new()), sum),
        }
    }

    /// Adds another table.
    pub fn merge(&mut self, other: Self) {
        other.tokens.into_iter().for_each(|(key, sum)| add_to(&mut self.tokens, key, sum));
        other.other.into_iter().for_each(|(key, sum)| add_to(&mut self.other, key, sum));
        other.adjustments.into_iter().for_each(|(key, sum)| add_to(&mut self.adjustments, key, sum));
    }
}

fn other_key(line: &BillLine, usage_type: String) -> OtherKey {
    OtherKey {
        day: line.day,
        account: line.account.clone(),
        region: line.region.clone(),
        scope: BillScope::of(line.kind),
        product_code: line.product_code.clone(),
        usage_type,
    }
}

fn add_to<K: Ord>(map: &mut BTreeMap<K, BillSum>, key: K, sum: BillSum) {
    match map.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(sum);
        }
        Entry::Occupied(mut entry) => *entry.get_mut() += sum,
    }
}

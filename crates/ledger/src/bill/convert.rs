//! From a row of texts to a line, a count of ignored rows, or a reason.

use laneshift_bedrock::usage_type::{self, Kind, UsageType};
use laneshift_units::{Money, MoneyError, Timestamp, Tokens};

use super::adjust::BillScope;
use super::line::{BillKind, BillLine, LineItemType, Streaming};
use super::principal::principal_name;
use super::product::{is_marketplace, product_name, scope};
use super::quantity::{Counted, QuantityError, count, tokens_per_unit};
use super::row::{Field, RawRow};
use super::stats::BillStats;

/// The most that one row may cost, up or down; more is a broken row.
const ROW_COST_MAX: Money = Money::from_usd(1_000_000_000_000);

/// Reads a row; `None` when it is about something else, which the stats count.
pub(super) fn convert(row: &RawRow<'_>, stats: &mut BillStats) -> Result<Option<BillLine>, String> {
    let currency = row.get(Field::Currency);
    if !currency.is_empty() && currency != "USD" {
        return Err(format!("{} is {currency}, not USD", Field::Currency.name()));
    }
    let unblended_cost = cost(row, Field::Cost, stats)?.ok_or_else(|| format!("{} is empty", Field::Cost.name()))?;
    let Some(scope) = scope(row) else {
        stats.ignored += 1;
        stats.ignored_cost += unblended_cost;
        return Ok(None);
    };
    let line_item_type = LineItemType::of_bill(row.get(Field::LineType));
    let marketplace = is_marketplace(row);
    let usage = read_usage_type(row, scope, marketplace);
    let kind = kind(scope, usage.as_ref());
    let tokens = match kind {
        BillKind::BedrockTokens { .. } if line_item_type.is_usage() => tokens(row, marketplace, stats)?,
        _ => None,
    };
    let line = BillLine {
        day: Timestamp::parse(row.get(Field::Start)).map_err(|e| format!("{} is {e}", Field::Start.name()))?.day_index(),
        account: account(row.get(Field::Account))?,
        region: region(row, usage.as_ref()),
        kind,
        model: usage.and_then(|u| u.model),
        streaming: match scope {
            BillScope::Bedrock => Streaming::of_operation(row.get(Field::Operation)),
            BillScope::OtherAiMl => Streaming::Unknown,
        },
        principal: principal_name(row.get(Field::Principal)).map(str::to_owned),
        tags: row.tags(),
        tokens,
        amount_text: row.get(Field::Amount).to_owned(),
        pricing_unit: row.get(Field::PricingUnit).to_owned(),
        list_cost: cost(row, Field::ListCost, stats)?,
        unblended_cost,
        net_cost: cost(row, Field::NetCost, stats)?,
        product_code: row.get(Field::ProductCode).to_owned(),
        usage_type: row.get(Field::UsageType).to_owned(),
        operation: row.get(Field::Operation).to_owned(),
        marketplace,
        line_item_type,
    };
    stats.kept += 1;
    if line_item_type.is_usage() {
        // AWS, "Data Exports user guide": until a report is final, the invoice id is blank. Read 2026-11-23.
        stats.not_invoiced += u64::from(row.is_blank(Field::Invoice));
        stats.invoice_untold += u64::from(!row.has(Field::Invoice));
    }
    Ok(Some(line))
}

fn cost(row: &RawRow<'_>, field: Field, stats: &mut BillStats) -> Result<Option<Money>, String> {
    let text = row.get(field);
    if text.is_empty() {
        return Ok(None);
    }
    let money = match Money::parse_usd(text) {
        Err(MoneyError::TooFine) => {
            stats.truncated_costs += 1;
            Money::parse_usd_truncating(text)
        }
        exact => exact,
    };
    match money {
        Ok(money) if money > ROW_COST_MAX || money < -ROW_COST_MAX => Err(format!("{} is out of range", field.name())),
        Ok(money) => Ok(Some(money)),
        Err(e) => Err(format!("{} is {e}", field.name())),
    }
}

fn read_usage_type(row: &RawRow<'_>, scope: BillScope, marketplace: bool) -> Option<UsageType> {
    let product = if marketplace && scope == BillScope::Bedrock { product_name(row) } else { None };
    let mut usage = usage_type::parse(row.get(Field::UsageType), product.as_deref())?;
    if usage.model.is_none() && matches!(usage.kind, Kind::Token(_)) {
        usage.model = row.first(&[], &["model"]);
    }
    Some(usage)
}

fn kind(scope: BillScope, usage: Option<&UsageType>) -> BillKind {
    match (scope, usage) {
        (BillScope::OtherAiMl, _) => BillKind::OtherAiMl,
        (BillScope::Bedrock, Some(u)) => match u.kind {
            Kind::Token(class) => {
                BillKind::BedrockTokens { class, mode: u.mode, global: u.global, long_context: u.long_context, mantle: u.mantle }
            }
            Kind::ReservedTpm { .. } | Kind::ModelUnit { .. } | Kind::Image | Kind::Search | Kind::Other => {
                BillKind::BedrockOther
            }
        },
        (BillScope::Bedrock, None) => BillKind::BedrockOther,
    }
}

fn tokens(row: &RawRow<'_>, marketplace: bool, stats: &mut BillStats) -> Result<Option<Tokens>, String> {
    let (unit, assumed) = tokens_per_unit(row.get(Field::PricingUnit), row.get(Field::Description), marketplace);
    match count(row.get(Field::Amount), unit) {
        Ok(Counted { tokens, rounded }) => {
            stats.assumed_units += u64::from(assumed);
            stats.rounded_quantities += u64::from(rounded);
            Ok(Some(tokens))
        }
        Err(QuantityError::Negative) => {
            stats.negative_quantities += 1;
            Ok(None)
        }
        Err(QuantityError::NotANumber) => Err(format!("{} is not a decimal number", Field::Amount.name())),
        Err(QuantityError::TooLarge) => Err(format!("{} is out of range", Field::Amount.name())),
    }
}

/// Twelve digits; a spreadsheet or an integer column has cut the zeros in front.
fn account(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("{} is not up to twelve digits", Field::Account.name()));
    }
    Ok(format!("{text:0>12}"))
}

fn region(row: &RawRow<'_>, usage: Option<&UsageType>) -> String {
    row.first(&[Field::RegionCode, Field::Region], &["region_code", "region"])
        .or_else(|| usage?.region.as_ref().map(ToString::to_string))
        .unwrap_or_default()
}

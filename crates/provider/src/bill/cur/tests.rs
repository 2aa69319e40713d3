//! Exports read back: their sum, their names, their gaps.

use std::collections::HashMap;

use laneshift_units::{PriceMode, ProfiledModel, ServiceTier, Usage};

use super::super::price_list::Commitment;
use super::*;

fn key(id: &str, hour: i64, mode: PriceMode, context: u64) -> Key {
    Key {
        account: AccountId::new("444455556666"),
        region: Region::new("us-east-1"),
        hour,
        model: ProfiledModel::parse_id(id),
        mode,
        tier: ServiceTier::Default,
        streaming: (mode != PriceMode::Batch).then_some(true),
        principal: "arn:aws:sts::444455556666:assumed-role/Writer, and \"reader\"/s".to_owned(),
        resource: "arn:aws:bedrock:us-east-1:444455556666:application-inference-profile/p1".to_owned(),
        context: Tokens(context),
    }
}

fn usage(tokens: u64) -> Usage {
    let tokens = Tokens(tokens);
    Usage { input: tokens, output: tokens, cache_read: tokens, cache_write_5m: tokens, cache_write_1h: tokens }
}

fn bill() -> Bill {
    let mut bill = Bill::default();
    bill.add(key("global.anthropic.claude-sonnet-4-6", 490_000, PriceMode::OnDemand, 0), &usage(1_234_567));
    bill.add(key("global.anthropic.claude-sonnet-4-6", 490_001, PriceMode::OnDemand, 0), &usage(7));
    bill.add(key("global.anthropic.claude-sonnet-4-6", 490_001, PriceMode::Batch, 0), &usage(11));
    bill.add(key("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 490_001, PriceMode::OnDemand, 200_000), &usage(13));
    bill.add(key("amazon.nova-pro-v1:0", 490_001, PriceMode::Flex, 0), &usage(17));
    bill.add(key("vendor.unheard-of-v1:0", 490_030, PriceMode::OnDemand, 0), &usage(19));
    let units = UnitKey {
        account: AccountId::new("444455556666"),
        region: Region::new("us-east-1"),
        hour: 490_000,
        model: ModelId::new("amazon.nova-2-lite-v1:0:256k"),
        commitment: Commitment::OneMonth,
        resource: "arn:aws:bedrock:us-east-1:444455556666:provisioned-model/abcdefghijkl".to_owned(),
    };
    bill.add_unit_hours(units, 2);
    bill
}

fn seller(model: &ModelId) -> Option<Seller> {
    let camel = |product: &str| Some(Seller::MarketplaceCamel { product: format!("{product} (Amazon Bedrock Edition)") });
    match model.as_str() {
        "anthropic.claude-sonnet-4-6" => camel("Claude Sonnet 4.6"),
        "anthropic.claude-sonnet-4-5-20250929-v1:0" => camel("Claude Sonnet 4.5"),
        "amazon.nova-pro-v1:0" => Some(Seller::Aws { usage_name: "NovaPro".to_owned() }),
        _ => None,
    }
}

fn rows(granularity: Granularity) -> Vec<HashMap<String, String>> {
    let text = cur_csv(&bill(), PriceList::shipped(), &seller, granularity, &AccountId::new("111122223333"), "");
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().expect("rows of the header's width")
}

#[test]
fn the_costs_of_an_export_sum_to_the_bill() {
    for granularity in [Granularity::Hour, Granularity::Day] {
        let costs = rows(granularity).into_iter().map(|row| row["line_item_unblended_cost"].clone());
        let sum: Money = costs.filter(|cost| !cost.is_empty()).map(|cost| Money::parse_usd(&cost).expect("exact")).sum();
        assert_eq!(sum, bill().total(PriceList::shipped()).known);
    }
}

#[test]
fn every_rate_times_its_amount_is_its_cost() {
    for row in rows(Granularity::Hour).iter().filter(|row| !row["line_item_unblended_cost"].is_empty()) {
        // A thousand tokens at a rate with six decimals a million stay within a picodollar a token.
        let parse = |column: &str| Money::parse_usd(&row[column]).expect("an exact decimal").pico();
        let product = parse("line_item_usage_amount") * parse("line_item_unblended_rate");
        assert_eq!(product, parse("line_item_unblended_cost") * 1_000_000_000_000, "{row:?}");
    }
}

#[test]
fn days_are_hours_summed_and_stay_within_the_day() {
    let (hours, days) = (rows(Granularity::Hour), rows(Granularity::Day));
    let claude = |row: &&HashMap<String, String>| row["line_item_usage_type"] == "USE1-MP:USE1_InputTokenCount_Global-Units";
    let amounts = |rows: &[HashMap<String, String>]| -> Vec<String> {
        rows.iter().filter(claude).map(|row| row["line_item_usage_amount"].clone()).collect()
    };
    assert_eq!(amounts(&hours), ["1.234567", "0.000007"]);
    assert_eq!(amounts(&days), ["1.234574"]);
    let row = days.iter().find(claude).expect("the row");
    assert_eq!(row["line_item_usage_start_date"], "2025-11-24T00:00:00.000Z");
    assert_eq!(row["line_item_usage_end_date"], "2025-11-25T00:00:00.000Z");
    assert_eq!(row["bill_billing_period_start_date"], "2025-11-01T00:00:00.000Z");
}

#[test]
fn rows_are_named_as_aws_names_them() {
    let rows = rows(Granularity::Day);
    let of = |usage_type: &str| {
        let row = rows.iter().find(|row| row["line_item_usage_type"] == usage_type).unwrap_or_else(|| panic!("{usage_type}"));
        |column: &str| row[column].clone()
    };
    let long = of("USE1-MP:USE1_InputTokenCount_LCtx-Units");
    assert_eq!((long("line_item_unblended_rate"), long("pricing_unit")), ("6.6".to_owned(), "Units".to_owned()));
    assert_eq!((long("bill_billing_entity"), long("product_servicecode")), ("AWS Marketplace".to_owned(), String::new()));
    assert!(long("product").contains("Claude Sonnet 4.5 (Amazon Bedrock Edition)"));
    assert_eq!(long("line_item_operation"), "InvokeModelStreamingInference");
    assert_eq!(of("USE1-MP:USE1_OutputTokenCount_Global_Batch-Units")("line_item_operation"), "InvokeModelInference");
    let flex = of("USE1-NovaPro-output-tokens-flex");
    assert_eq!((flex("line_item_usage_amount"), flex("pricing_unit")), ("0.017".to_owned(), "1K tokens".to_owned()));
    assert_eq!(flex("line_item_iam_principal"), "arn:aws:sts::444455556666:assumed-role/Writer, and \"reader\"/s");
    let units = of("USE1-amazon.nova-2-lite-v1:0:256k-ProvisionedThroughput-1month-ModelUnits");
    assert_eq!((units("line_item_unblended_cost"), units("pricing_unit")), ("110".to_owned(), "hour".to_owned()));
}

#[test]
fn what_has_no_price_has_no_cost() {
    let rows = rows(Granularity::Day);
    let unknown: Vec<_> = rows.iter().filter(|row| row["line_item_usage_type"].contains("vendor.unheard-of")).collect();
    assert_eq!(unknown.len(), TokenClass::ALL.len());
    for row in unknown {
        assert_eq!((&*row["line_item_unblended_rate"], &*row["line_item_unblended_cost"]), ("", ""));
        assert_eq!((&*row["pricing_public_on_demand_cost"], &*row["line_item_usage_amount"]), ("", "0.019"));
    }
}

//! What the shipped file says, and what rows of each kind price.

use laneshift_units::ProfiledModel;

use super::*;

const HEADER: &str = "provider,model_id,scope_type,scope,mode,ctx_min_tokens,dimension,unit,price_usd,as_of,source,note\n";

fn list(rows: &str) -> PriceList {
    PriceList::parse(&format!("{HEADER}{rows}")).expect("a price list")
}

fn usd(list: &PriceList, id: &str, region: &str, mode: PriceMode, class: TokenClass, input: u64) -> Option<String> {
    let id = ProfiledModel::parse_id(id);
    list.price(&id.model, &id.profile, &Region::new(region), mode, class, Tokens(input)).map(Rate::usd_per_million)
}

fn input_usd(list: &PriceList, id: &str, region: &str) -> Option<String> {
    usd(list, id, region, PriceMode::OnDemand, TokenClass::Input, 0)
}

/// `price_usd` of an unscoped, global, ... input row of the model `a.m`.
fn row(scope: &str, mode: &str, ctx: u64, dimension: &str, price: &str, note: &str) -> String {
    format!("bedrock,a.m,{scope},{mode},{ctx},{dimension},usd_per_1m_tokens,{price},2026-11,test,{note}\n")
}

#[test]
fn every_price_of_the_example_is_found_here_too() {
    let mut different = Vec::new();
    for line in include_str!("../../../../example/data/prices.csv").lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [model, scope, mode, class, price, ..] = cells[..] else { panic!("{line}") };
        let (id, region) = match Profile::parse(scope) {
            Some(_) => (format!("{scope}.{model}"), "us-east-1"),
            None => (model.to_owned(), scope),
        };
        let mode = PriceMode::parse(mode).expect("a mode");
        let class = TokenClass::ALL.into_iter().find(|c| c.name() == class).expect("a class");
        let found = usd(PriceList::shipped(), &id, region, mode, class, 1);
        if found.as_deref() != Some(price) {
            different.push(format!("{line}: {found:?}"));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn a_call_is_priced_by_the_most_specific_row_of_its_profile() {
    let list = list(
        &[
            row("global,global", "on_demand", 0, "input", "1", ""),
            row("geo,us", "on_demand", 0, "input", "2", ""),
            row("regional,in-region+geo", "on_demand", 0, "input", "3", ""),
            row("region,us-east-1", "on_demand", 0, "input", "4", ""),
            row("unscoped,default", "on_demand", 0, "input", "5", ""),
        ]
        .concat(),
    );
    for (id, region, price) in [
        ("global.a.m", "us-east-1", "1"),
        ("us.a.m", "us-east-1", "2"),
        ("eu.a.m", "eu-west-1", "3"),
        ("a.m", "us-east-1", "4"),
        ("a.m", "us-west-2", "3"),
    ] {
        assert_eq!(input_usd(&list, id, region).as_deref(), Some(price), "{id} {region}");
    }
}

#[test]
fn an_unscoped_global_rate_prices_nothing_but_the_global_profile() {
    let note = "litellm bare id carries the GLOBAL-profile rate; in-region/geo is 1.10x";
    let noted = list(&row("unscoped,default", "on_demand", 0, "input", "1", note));
    assert_eq!(input_usd(&noted, "global.a.m", "us-east-1").as_deref(), Some("1"));
    assert_eq!(input_usd(&noted, "us.a.m", "us-east-1"), None);
    let equal = list(
        &[
            row("unscoped,default", "on_demand", 0, "input", "1", ""),
            row("global,global", "on_demand", 0, "input", "1", ""),
            row("geo,us", "on_demand", 0, "input", "1.1", ""),
        ]
        .concat(),
    );
    assert_eq!(input_usd(&equal, "a.m", "eu-west-1"), None);
}

#[test]
fn rows_that_contradict_a_rule_or_are_marked_wrong_price_nothing() {
    for rows in [
        row("region,r", "on_demand", 0, "output", "1", "transform artefact: x"),
        row("region,r", "on_demand", 0, "output", "1", "") + &row("region,r", "on_demand", 0, "input", "2", ""),
        row("region,r", "on_demand", 0, "output", "1", "rows visibly mis-keyed")
            + &row("global,global", "flex", 0, "output", "9", ""),
    ] {
        assert_eq!(usd(&list(&rows), "a.m", "r", PriceMode::OnDemand, TokenClass::Output, 0), None, "{rows}");
    }
    let batch = row("region,r", "batch", 0, "input", "3", "") + &row("region,r", "on_demand", 0, "input", "2", "");
    assert_eq!(usd(&list(&batch), "a.m", "r", PriceMode::Batch, TokenClass::Input, 0), None);
    let rescued = batch + &row("unscoped,default", "batch", 0, "input", "1", "");
    assert_eq!(usd(&list(&rescued), "a.m", "r", PriceMode::Batch, TokenClass::Input, 0).as_deref(), Some("1"));
}

#[test]
fn a_long_request_is_priced_as_a_whole_by_the_tier_that_it_reaches() {
    let list = list(
        &[
            row("region,r", "on_demand", 0, "input", "1", ""),
            row("region,r", "on_demand", 0, "cache_read", "0.1", ""),
            row("region,r", "on_demand", 200_000, "input", "2", ""),
            row("region,r", "batch", 0, "input", "0.5", ""),
        ]
        .concat(),
    );
    let at = |mode, class, input| usd(&list, "a.m", "r", mode, class, input);
    assert_eq!(at(PriceMode::OnDemand, TokenClass::Input, 199_999).as_deref(), Some("1"));
    assert_eq!(at(PriceMode::OnDemand, TokenClass::Input, 200_000).as_deref(), Some("2"));
    assert_eq!(at(PriceMode::OnDemand, TokenClass::CacheRead, 200_000), None, "the short tier's price is not this tier's");
    assert_eq!(at(PriceMode::Batch, TokenClass::Input, 200_000), None);
    let tier =
        |input| list.context_tier(&ModelId::new("a.m"), &Profile::InRegion, &Region::new("r"), PriceMode::Batch, Tokens(input)).0;
    assert_eq!((tier(5), tier(900_000), tier(tier(900_000))), (0, 200_000, 200_000));
}

#[test]
fn half_an_hour_of_cache_serves_where_five_minutes_have_no_price() {
    let shipped = PriceList::shipped();
    let write = |id| usd(shipped, id, "us-east-1", PriceMode::OnDemand, TokenClass::CacheWrite5m, 0);
    assert_eq!(write("us.openai.gpt-5.6-terra"), write("openai.gpt-5.6-terra"));
    assert!(write("us.openai.gpt-5.6-terra").is_some());
}

#[test]
fn model_units_cost_what_their_commitment_says() {
    let shipped = PriceList::shipped();
    let hour = |id: &str, region: &str, commitment| {
        shipped.model_unit_hour(&ModelId::new(id), &Region::new(region), commitment).map(Money::to_exact_string)
    };
    assert_eq!(hour("amazon.nova-2-lite-v1:0:256k", "us-east-1", Commitment::None).as_deref(), Some("60.5"));
    assert_eq!(hour("meta.llama3-1-8b-instruct-v1:0:128k", "us-west-2", Commitment::SixMonths).as_deref(), Some("13.08"));
    assert_eq!(hour("meta.llama3-1-8b-instruct-v1:0", "eu-west-1", Commitment::None), None);
    assert_eq!(hour("cohere.command-text-v14", "eu-west-1", Commitment::OneMonth).as_deref(), Some("39.6"));
    assert_eq!(hour("anthropic.claude-sonnet-4-6", "us-east-1", Commitment::None), None);
}

#[test]
fn what_is_not_listed_has_no_price() {
    let shipped = PriceList::shipped();
    assert_eq!(input_usd(shipped, "global.anthropic.claude-zenith-9", "us-east-1"), None);
    assert_eq!(
        usd(shipped, "anthropic.claude-sonnet-5-5", "us-east-1", PriceMode::Batch, TokenClass::Input, 0),
        None,
        "the model is not sold in batch"
    );
}

#[test]
fn ids_that_aws_takes_find_the_row_of_their_model() {
    let shipped = PriceList::shipped();
    for (id, price) in [
        ("openai.gpt-oss-120b-1:0", "0.15"),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", "3"),
        ("amazon.titan-embed-text-v1", "0.1"),
        ("amazon.titan-embed-text-v2:0", "0.02"),
        ("anthropic.claude-v2", "8"),
        ("cohere.command-r-v1:0", "0.5"),
    ] {
        assert_eq!(input_usd(shipped, id, "us-east-1").as_deref(), Some(price), "{id}");
    }
}

#[test]
fn an_error_names_the_line_and_the_field() {
    let fine = row("region,r", "on_demand", 0, "input", "1", "");
    for (bad, field) in [
        (row("region,r", "on_demand", 0, "output", "0.0000001", ""), "price_usd"),
        (row("planet,earth", "on_demand", 0, "output", "1", ""), "scope"),
        (row("region,r", "someday", 0, "output", "1", ""), "mode"),
        (row("region,r", "on_demand", 0, "wisdom", "1", ""), "dimension"),
        (fine.clone(), "price_usd"),
    ] {
        match PriceList::parse(&format!("{HEADER}{fine}{bad}")) {
            Err(PriceListError::Field { line: 3, field: found, .. }) => assert_eq!(found, field),
            other => panic!("{bad}: {other:?}"),
        }
    }
    assert_eq!(PriceList::parse("provider\n").err(), Some(PriceListError::Column("model_id")));
}

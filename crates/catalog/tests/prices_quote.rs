//! Quotes hold the prices that AWS asks, and say so where they are not sure.

use laneshift_catalog::prices::{Catalog, Quote, Scope};
use laneshift_units::{ModelId, PriceMode, Profile, Region, TokenClass, Tokens};

fn catalog() -> Catalog {
    Catalog::shipped().expect("the shipped catalogue is sound")
}

fn quote(catalog: &Catalog, model: &str, profile: &str, region: &str, mode: PriceMode, input: u64) -> Quote {
    let profile = Profile::parse(profile).expect("a profile's name");
    catalog.quote(&ModelId::new(model), &profile, &Region::new(region), mode, Tokens(input))
}

/// Input and output in US dollars a million tokens; `-` where there is no price.
fn in_out(quote: &Quote) -> [String; 2] {
    [TokenClass::Input, TokenClass::Output]
        .map(|class| quote.rates.get(class).map_or_else(|| "-".to_owned(), |rate| rate.usd_per_million()))
}

fn has_doubt(quote: &Quote, rule: &str) -> bool {
    quote.doubts.iter().any(|doubt| doubt.rule == rule)
}

#[test]
fn the_global_profile_of_sonnet_4_6_costs_3_and_15_and_half_in_batch() {
    let catalog = catalog();
    let model = "anthropic.claude-sonnet-4-6";
    assert_eq!(in_out(&quote(&catalog, model, "global", "us-east-1", PriceMode::OnDemand, 0)), ["3", "15"]);
    assert_eq!(in_out(&quote(&catalog, model, "global", "us-east-1", PriceMode::Batch, 0)), ["1.5", "7.5"]);
}

#[test]
fn the_us_profile_of_sonnet_4_6_costs_a_tenth_more() {
    let catalog = catalog();
    let model = "anthropic.claude-sonnet-4-6";
    for profile in ["us", "in-region"] {
        assert_eq!(in_out(&quote(&catalog, model, profile, "us-east-1", PriceMode::OnDemand, 0)), ["3.3", "16.5"]);
        assert_eq!(in_out(&quote(&catalog, model, profile, "us-east-1", PriceMode::Batch, 0)), ["1.65", "8.25"]);
    }
}

#[test]
fn sonnet_5_5_has_no_batch_price_and_the_quote_says_so() {
    let catalog = catalog();
    for profile in ["us", "global", "in-region"] {
        let batch = quote(&catalog, "anthropic.claude-sonnet-5-5", profile, "us-east-1", PriceMode::Batch, 0);
        assert!(batch.absent && batch.rates.is_empty() && batch.rows.is_empty());
        let standard = quote(&catalog, "anthropic.claude-sonnet-5-5", profile, "us-east-1", PriceMode::OnDemand, 0);
        assert!(!standard.absent && !standard.rates.is_empty());
    }
}

#[test]
fn a_price_that_is_not_known_here_is_not_absent() {
    let batch = quote(&catalog(), "anthropic.claude-3-5-haiku-20241022-v1:0", "in-region", "us-east-2", PriceMode::Batch, 0);
    assert!(batch.rates.is_empty() && !batch.absent);
}

#[test]
fn a_longer_context_reprices_the_whole_request() {
    let catalog = catalog();
    let sonnet =
        |input| quote(&catalog, "anthropic.claude-sonnet-4-5-20250929-v1:0", "global", "us-east-1", PriceMode::OnDemand, input);
    assert_eq!(in_out(&sonnet(199_999)), ["3", "15"]);
    assert_eq!(in_out(&sonnet(200_000)), ["6", "22.5"]);
    let gpt = |input| quote(&catalog, "openai.gpt-6.1-sol", "global", "us-east-1", PriceMode::OnDemand, input);
    assert_eq!(in_out(&gpt(271_999)), ["2", "10"]);
    assert_eq!(in_out(&gpt(1_000_000)), ["4", "15"]);
}

#[test]
fn a_mode_without_the_tier_that_a_request_reaches_is_doubted() {
    let long = quote(&catalog(), "openai.gpt-6.1-sol", "global", "us-east-1", PriceMode::Priority, 300_000);
    assert!(has_doubt(&long, "tier_without_price"));
}

#[test]
fn a_known_artefact_prices_nothing_where_another_row_can() {
    let catalog = catalog();
    let nova = quote(&catalog, "amazon.nova-2-lite-v1:0", "in-region", "us-east-1", PriceMode::OnDemand, 0);
    assert_eq!(in_out(&nova), ["0.33", "2.75"]);
    for region in ["us-east-1", "us-east-2", "us-west-2"] {
        let haiku = quote(&catalog, "anthropic.claude-3-5-haiku-20241022-v1:0", "in-region", region, PriceMode::OnDemand, 0);
        assert_eq!(in_out(&haiku), ["0.8", "4"], "{region}");
    }
}

#[test]
fn a_row_that_is_marked_wrong_and_alone_prices_with_a_doubt() {
    let flex = quote(&catalog(), "openai.gpt-6.1-sol", "global", "us-east-1", PriceMode::Flex, 300_000);
    assert!(has_doubt(&flex, "marked_wrong"));
}

#[test]
fn the_global_rate_under_a_bare_id_prices_no_region() {
    let catalog = catalog();
    let priority = |profile| quote(&catalog, "amazon.nova-2-lite-v1:0", profile, "us-east-1", PriceMode::Priority, 0);
    assert_eq!(in_out(&priority("global")), ["0.525", "4.375"]);
    assert_eq!(in_out(&priority("us")), ["0.5775", "4.8125"]);
    let in_region = priority("in-region");
    assert!(in_region.rates.is_empty() && !in_region.absent && has_doubt(&in_region, "global_rate_held_back"));
}

#[test]
fn no_row_for_another_place_prices_a_call() {
    let catalog = catalog();
    for row in catalog.rows().iter().filter(|row| row.provider.name() == "bedrock") {
        let Some(mode) = row.price_mode() else { continue };
        for profile in [Profile::InRegion, Profile::Geo("eu".into()), Profile::Global] {
            let region = Region::new("eu-west-1");
            let quote = catalog.quote(&row.model_id, &profile, &region, mode, Tokens(0));
            for used in &quote.rows {
                let scope = &catalog.rows()[*used].scope;
                let fits = match scope {
                    Scope::Global => profile == Profile::Global,
                    Scope::Region(own) => profile != Profile::Global && *own == region,
                    Scope::Geo(prefix) => profile == Profile::Geo(prefix.clone()),
                    Scope::Regional => profile != Profile::Global,
                    Scope::Unscoped => has_doubt(&quote, "unscoped"),
                    Scope::ExtendedAccess | Scope::DataZone(_) | Scope::Any => false,
                };
                assert!(fits, "{} through {profile} was priced by {scope:?}", row.model_id);
            }
        }
    }
}

#[test]
fn every_rate_has_its_row_and_every_row_its_rate() {
    let catalog = catalog();
    let quote = quote(&catalog, "anthropic.claude-sonnet-4-6", "us", "us-east-1", PriceMode::OnDemand, 0);
    let known: Vec<_> = TokenClass::ALL.into_iter().filter_map(|class| quote.rates.get(class)).collect();
    let rows: Vec<_> = quote.rows.iter().filter_map(|row| catalog.rows()[*row].price.rate()).collect();
    assert_eq!(known, rows);
}

#[test]
fn an_unknown_model_is_absent_and_doubted() {
    let unknown = quote(&catalog(), "example.no-such-model", "global", "us-east-1", PriceMode::OnDemand, 0);
    assert!(unknown.absent && has_doubt(&unknown, "unknown_model"));
}

#[test]
fn extended_access_is_said_where_the_page_lists_it() {
    let catalog = catalog();
    let model = "anthropic.claude-3-5-sonnet-20240620-v1:0";
    assert!(has_doubt(&quote(&catalog, model, "in-region", "us-east-1", PriceMode::OnDemand, 0), "extended_access"));
    assert!(!has_doubt(&quote(&catalog, model, "in-region", "ap-south-1", PriceMode::OnDemand, 0), "extended_access"));
}

#[test]
fn sonnet_5_5_has_a_batch_price_at_three_other_providers() {
    let catalog = catalog();
    let key = catalog.model_key(&ModelId::new("anthropic.claude-sonnet-5-5")).expect("a known model");
    let alternatives = catalog.alternatives(key);
    let names: Vec<_> = alternatives.iter().map(|a| a.provider.name()).collect();
    assert_eq!(names, ["anthropic", "claude_platform_on_aws", "vertex"]);
    for there in alternatives {
        let batch = there.batch.get(TokenClass::Input).map(|rate| rate.usd_per_million());
        assert_eq!(batch.as_deref(), Some("1"), "{}", there.provider.name());
        assert!(!there.source.is_empty() && !there.as_of.is_empty());
    }
}

#[test]
fn mantle_costs_what_the_region_costs_and_what_is_listed_for_it_alone_otherwise() {
    let catalog = catalog();
    let quote = |model: &str, region: &str, mode| {
        in_out(&catalog.mantle_quote(&ModelId::new(model), &Region::new(region), mode, Tokens(0)))
    };
    let gemma = "google.gemma-4-31b";
    assert_eq!(quote(gemma, "us-east-1", PriceMode::OnDemand), ["0.14", "0.4"]);
    assert_eq!(quote(gemma, "eu-central-1", PriceMode::OnDemand), ["0.168", "0.48"]);
    assert_eq!(quote(gemma, "us-east-1", PriceMode::Flex), ["0.07", "0.2"], "only listed for bedrock-mantle");
    assert_eq!(quote("none.such", "us-east-1", PriceMode::Flex), ["-", "-"]);
}

//! The shipped table, and what a table must not say.

use laneshift_units::{Profile, ServiceTier};

use super::*;

#[test]
fn every_shipped_model_can_be_called_billed_and_found_by_its_id() {
    let models = Models::shipped();
    assert!(models.iter().count() >= 30);
    for model in models.iter() {
        assert_eq!(models.get(&model.id), Some(model));
        assert!(model.in_region || !model.profiles.is_empty(), "{} cannot be called", model.id);
        assert!(!model.batch_profiles || !model.profiles.is_empty(), "{} has no profile to run in batch", model.id);
        assert!(model.default_max_tokens <= model.max_output_tokens, "{}", model.id);
        let embeds = model.output == [Modality::Embedding];
        assert_eq!(embeds, model.max_output_tokens == 0, "{}", model.id);
        let (Seller::Aws(name) | Seller::MarketplaceCamel(name) | Seller::MarketplaceSnake(name)) = &model.seller;
        assert!(!name.is_empty(), "{}", model.id);
    }
}

#[test]
fn what_the_user_guide_says_of_a_model_stands_in_the_table() {
    let get = |id| Models::shipped().get(id).expect("a shipped model");
    let sonnet = get("anthropic.claude-sonnet-4-6");
    assert!(!sonnet.in_region && sonnet.batch_profiles && sonnet.profiles.contains(&Profile::Global));
    assert_eq!((sonnet.cache_min_tokens, sonnet.cache_ttl_1h, sonnet.output_burndown), (Some(1024), true, 5));
    assert_eq!(sonnet.quota_name, "Anthropic Claude Sonnet 4.6");
    assert_eq!(get("anthropic.claude-opus-4-8").output_burndown, 15);
    assert!(!get("anthropic.claude-opus-4-8").batch_profiles);
    assert_eq!(get("anthropic.claude-opus-5").cache_min_tokens, Some(512));
    assert!(get("amazon.nova-pro-v1:0").sells(ServiceTier::Flex));
    assert!(!sonnet.sells(ServiceTier::Flex) && sonnet.sells(ServiceTier::Default));
    assert_eq!(get("amazon.nova-pro-v1:0").seller, Seller::Aws("NovaPro".to_owned()));
}

#[test]
fn a_table_that_says_one_id_twice_or_an_unknown_tier_is_refused() {
    let row = |tier: &str| {
        format!(
            "[[model]]\nid = \"a.b\"\nnamed = {{ name = \"B\", provider = \"A\" }}\nfamily = \"llama\"\ntokens = {{ context = 1, output_max = 1 }}\n\
             on_demand = {{ tiers = [\"{tier}\"] }}\nbill = {{ aws = \"B\" }}\n"
        )
    };
    let table = |rows: &str| Models::parse(&format!("version = 1\ndated = \"2026-11-23\"\n{rows}"));
    assert!(table(&row("flex")).is_ok());
    assert!(matches!(table(&(row("flex") + &row("flex"))), Err(ModelsError::Twice(_))));
    assert!(matches!(table(&row("fast")), Err(ModelsError::Value { what: "tier", .. })));
    assert!(matches!(Models::parse("version = 2\ndated = \"\"\nmodel = []\n"), Err(ModelsError::Version(2))));
}

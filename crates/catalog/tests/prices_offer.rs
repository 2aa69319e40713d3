//! AWS's price list becomes rows; what does not is counted.

use laneshift_catalog::prices::{
    Catalog, Change, Offer, OfferError, Price, Provider, RowMode, Scope, diff, merge, read_offer, write,
};
use laneshift_units::{PriceMode, Region};

/// One real answer of the Price List query API, published 2026-09-26.
const GET_PRODUCTS: &[u8] = include_bytes!("fixtures/getproducts-nova2lite.json");
/// A bulk file of the shape of AmazonBedrock, with a few of its products and some of ours.
const BULK: &[u8] = include_bytes!("fixtures/bulk-amazonbedrock.json");
/// A bulk file of the shape of AmazonBedrockFoundationModels.
const MARKETPLACE: &[u8] = include_bytes!("fixtures/bulk-foundationmodels.json");

fn catalog() -> Catalog {
    Catalog::shipped().expect("the shipped catalogue is sound")
}

fn read(json: &[u8]) -> Offer {
    read_offer(json, &catalog(), "2026-11-23").expect("a price list")
}

/// `model scope mode dimension price`, sorted.
fn lines(offer: &Offer) -> Vec<String> {
    let line = |row: &laneshift_catalog::prices::PriceRow| {
        let (_, scope) = row.scope.columns();
        format!(
            "{} {} {scope} {} {} {} {}",
            row.provider.name(),
            row.model_key,
            row.mode.name(),
            row.ctx_min.0,
            row.dimension.name(),
            row.price.usd()
        )
    };
    let mut lines: Vec<_> = offer.rows.iter().map(line).collect();
    lines.sort();
    lines
}

fn reasons(offer: &Offer) -> Vec<(&str, usize)> {
    offer.unmapped.iter().map(|unmapped| (unmapped.reason.as_str(), unmapped.count)).collect()
}

#[test]
fn an_answer_of_get_products_becomes_a_row() {
    let offer = read(GET_PRODUCTS);
    assert_eq!(offer.published, "2026-09-26");
    let [row] = offer.rows.as_slice() else { panic!("one product, not {:?}", offer.rows) };
    assert_eq!((row.provider, &*row.model_key, row.mode), (Provider::Bedrock, "nova2lite", RowMode::Token(PriceMode::Flex)));
    assert_eq!(row.scope, Scope::Region(Region::new("us-east-1")));
    assert_eq!(row.price.usd(), "0.165");
    assert_eq!((&*row.effective_from, &*row.as_of, &*row.retrieved), ("2026-09-01", "2026-09-26", "2026-11-23"));
    assert_eq!(
        (&*row.source, &*row.note),
        ("aws-pricelist AmazonBedrock 20260926004940", "K3X8GZAXPXQXSM37.JRTCKXETXF.6YS6EN2CT7")
    );
    assert!(offer.unmapped.is_empty());
}

#[test]
fn a_bulk_file_of_first_party_models_becomes_rows() {
    let offer = read(BULK);
    assert_eq!(
        lines(&offer),
        [
            "bedrock nova2lite global batch 0 input 0.15",
            "bedrock nova2lite us-east-1 on_demand 0 input 0.33",
            "bedrock nova2lite us-east-1 pt_1_month 0 model_unit 55.0",
            "bedrock novapro eu-west-1 on_demand 0 cache_read 0.2",
            "bedrock_mantle qwen332b us-east-1 flex 0 output 0.3",
        ]
    );
    assert_eq!(
        reasons(&offer),
        [
            ("a customised model", 1),
            ("a second price for the same tokens", 1),
            ("neither tokens nor capacity", 1),
            ("unknown model Nova9.0Giga", 1)
        ]
    );
}

#[test]
fn two_prices_for_the_same_tokens_are_kept_as_a_disagreement() {
    let offer = read(BULK);
    let torn = offer.rows.iter().find(|row| !row.agree).expect("one row disagrees");
    assert_eq!(&*torn.model_key, "novapro");
    assert!(torn.all_values.contains("=0.2") && torn.all_values.contains("=0.21"), "{}", torn.all_values);
}

#[test]
fn a_bulk_file_of_marketplace_models_becomes_rows() {
    let offer = read(MARKETPLACE);
    assert_eq!(
        lines(&offer),
        [
            "bedrock claudeopus46 global batch 0 input 2.5",
            "bedrock claudeopus46 us-east-1 on_demand 0 cache_write_1h 11.0",
            "bedrock claudeopus46 us-east-1 on_demand 0 input 5.5",
            "bedrock claudeopus46 us-east-1 reserved_1_month 0 input_tpm 0.33",
            "bedrock gpt56terra global on_demand 272000 input 5.0",
        ]
    );
    assert!(offer.rows.iter().any(|row| matches!(row.price, Price::PerThousandTpmHour(_))));
    assert_eq!(reasons(&offer), [("search units", 1), ("tokens by the \"Bananas\"", 1)]);
}

#[test]
fn an_update_goes_through_the_file_and_back() {
    let catalog = catalog();
    let offer = read_offer(GET_PRODUCTS, &catalog, "2026-11-23").expect("a price list");
    let merged = merge(catalog.rows(), &offer.rows);
    let changes = diff(catalog.rows(), &merged);
    let [Change::Added(row)] = changes.as_slice() else { panic!("one price is added, not {changes:?}") };
    assert_eq!(row.price.usd(), "0.165");

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("catalog.csv");
    write(&path, &merged).expect("written");
    let again = Catalog::open(&path).expect("sound");
    assert_eq!(again.rows(), merged);
    assert!(diff(again.rows(), &merge(again.rows(), &offer.rows)).is_empty(), "a second update changes nothing");
}

#[test]
fn the_official_price_takes_the_place_of_a_wrong_one() {
    let catalog = catalog();
    let merged = merge(catalog.rows(), &read(BULK).rows);
    let changed = diff(catalog.rows(), &merged).into_iter().find_map(|change| match change {
        Change::Changed { old, new } if &*old.model_key == "nova2lite" => Some((old.price.usd(), new.price.usd())),
        Change::Changed { .. } | Change::Added(_) | Change::Gone(_) => None,
    });
    assert_eq!(changed, Some(("0.3".to_owned(), "0.33".to_owned())));
}

#[test]
fn an_older_list_does_not_take_the_place_of_a_newer_one() {
    let newer = read(GET_PRODUCTS).rows;
    let mut older = newer.clone();
    older[0].as_of = "2025-01-01".into();
    assert_eq!(merge(&newer, &older), newer);
    assert_eq!(merge(&older, &newer), newer);
}

#[test]
fn what_is_gone_is_said() {
    let catalog = catalog();
    let fewer = &catalog.rows()[1..];
    assert_eq!(diff(catalog.rows(), fewer), [Change::Gone(catalog.rows()[0].clone().into())]);
}

#[test]
fn what_is_no_price_list_is_refused() {
    let catalog = catalog();
    assert!(matches!(read_offer(b"{}", &catalog, "2026-11-23"), Err(OfferError::NoProducts)));
    assert!(matches!(read_offer(b"not json", &catalog, "2026-11-23"), Err(OfferError::Json(_))));
    assert!(matches!(read_offer(br#"{"PriceList":["{"]}"#, &catalog, "2026-11-23"), Err(OfferError::Json(_))));
    assert!(matches!(read_offer(&vec![b' '; (64 << 20) + 1], &catalog, "2026-11-23"), Err(OfferError::TooLarge)));
}

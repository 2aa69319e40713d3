//! List prices and the bill's names of models, from `data/prices.csv` and `data/models.csv`.

use std::sync::OnceLock;

use laneshift_units::{ModelId, PriceMode, Profile, ProfiledModel, Rate, Region, TokenClass};

/// The shape of a model's own request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Claude,
    Nova,
    Llama,
    OpenAi,
    TitanEmbedding,
}

/// How a bill names the tokens of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seller {
    /// Sold by AWS; the usage type holds this name.
    Aws(String),
    /// Sold through AWS Marketplace, usage types such as `InputTokenCount_Global`.
    MarketplaceCamel,
    /// Sold through AWS Marketplace, usage types such as `input_tokens_global_standard`.
    MarketplaceSnake,
}

/// What a bill and a body need to know about a model.
#[derive(Clone, Debug)]
pub(crate) struct ModelFacts {
    pub(crate) id: ModelId,
    pub(crate) family: Family,
    pub(crate) seller: Seller,
    pub(crate) product_name: String,
}

/// The facts about a model.
pub(crate) fn model(id: &ModelId) -> &'static ModelFacts {
    static ALL: OnceLock<Vec<ModelFacts>> = OnceLock::new();
    ALL.get_or_init(parse_models).iter().find(|m| m.id == *id).expect("a company names only models of the data file")
}

/// The list price of a class of tokens; `None` when the data file has none.
pub(crate) fn rate(model: &ProfiledModel, region: &Region, mode: PriceMode, class: TokenClass) -> Option<Rate> {
    static ALL: OnceLock<Vec<PriceRow>> = OnceLock::new();
    let scope = match &model.profile {
        Profile::InRegion => region.as_str(),
        profile => profile.name(),
    };
    ALL.get_or_init(parse_prices)
        .iter()
        .find(|row| row.model == model.model && row.scope == scope && row.mode == mode && row.class == class)
        .map(|row| row.rate)
}

struct PriceRow {
    model: ModelId,
    scope: String,
    mode: PriceMode,
    class: TokenClass,
    rate: Rate,
}

fn parse_models() -> Vec<ModelFacts> {
    let rows = include_str!("../data/models.csv").lines().skip(1);
    rows.map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let family = match cells[1] {
            "claude" => Family::Claude,
            "nova" => Family::Nova,
            "llama" => Family::Llama,
            "openai" => Family::OpenAi,
            "titan-embedding" => Family::TitanEmbedding,
            other => panic!("the data file names no family {other}"),
        };
        let seller = match (cells[2], cells[3]) {
            ("aws", name) => Seller::Aws(name.to_owned()),
            ("marketplace", "camel") => Seller::MarketplaceCamel,
            ("marketplace", "snake") => Seller::MarketplaceSnake,
            other => panic!("the data file names no seller {other:?}"),
        };
        ModelFacts { id: ModelId::new(cells[0]), family, seller, product_name: cells[4].to_owned() }
    })
    .collect()
}

fn parse_prices() -> Vec<PriceRow> {
    let rows = include_str!("../data/prices.csv").lines().skip(1);
    rows.map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        PriceRow {
            model: ModelId::new(cells[0]),
            scope: cells[1].to_owned(),
            mode: PriceMode::parse(cells[2]).expect("the data file names modes as the catalogue does"),
            class: TokenClass::ALL.into_iter().find(|c| c.name() == cells[3]).expect("the data file names token classes"),
            rate: Rate::parse_usd_per_million(cells[4]).expect("the data file holds decimal prices"),
        }
    })
    .collect()
}

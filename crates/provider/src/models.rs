//! The models that the emulator serves: what each can do, where it runs and how a bill spells it.
//!
//! Promises: the shipped table is sound (a test reads it) and every id stands once. Leaves out: prices, which the price
//! catalogue holds, and which id a caller may use in which region.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use laneshift_units::{ModelId, Profile, Region, ServiceTier};
use serde::Deserialize;

use crate::bill;

static SHIPPED: LazyLock<Models> =
    LazyLock::new(|| Models::parse(include_str!("../data/models.toml")).expect("the shipped table is sound: a test reads it"));

/// How a model is spoken to in `InvokeModel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Anthropic's Messages API.
    ClaudeMessages,
    /// Amazon Nova's `messages-v1`.
    Nova,
    /// Amazon Titan Text Embeddings V2.
    TitanEmbed,
    /// Meta Llama's `prompt`.
    Llama,
    /// OpenAI's chat completions; also Qwen, DeepSeek and Mistral.
    #[serde(rename = "openai_chat")]
    OpenAiChat,
}

/// What goes into a model or comes out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modality {
    /// Text, and documents read as text.
    Text,
    /// Images.
    Image,
    /// Videos.
    Video,
    /// Speech and other sound.
    Speech,
    /// Vectors.
    Embedding,
}

impl Modality {
    /// AWS's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Image => "IMAGE",
            Self::Video => "VIDEO",
            Self::Speech => "SPEECH",
            Self::Embedding => "EMBEDDING",
        }
    }
}

/// Who sells a model's tokens, and how the bill spells them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum Seller {
    /// AWS; the text is the model in a usage type, such as `NovaPro`.
    #[serde(rename = "aws")]
    Aws(String),
    /// The Marketplace with meters like `InputTokenCount_Global`; the text is the product.
    #[serde(rename = "marketplace_camel")]
    MarketplaceCamel(String),
    /// The Marketplace with meters like `input_tokens_global_standard`; the text is the product.
    #[serde(rename = "marketplace_snake")]
    MarketplaceSnake(String),
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The base id, such as `anthropic.claude-sonnet-4-6`.
    pub id: String,
    /// The name as AWS shows it.
    pub name: String,
    /// Who made it, as AWS shows it.
    pub provider: String,
    /// The name inside the names of Service Quotas.
    pub quota_name: String,
    /// How it is spoken to.
    pub family: Family,
    /// Callable on demand by its base id.
    pub in_region: bool,
    /// The inference profiles it is callable through.
    pub profiles: Vec<Profile>,
    /// The tiers it is sold in; `default` always.
    pub tiers: Vec<ServiceTier>,
    /// Runs in batch by its base id.
    pub batch_in_region: bool,
    /// The only regions for which `batch_in_region` holds; empty for every region.
    pub batch_regions: Vec<Region>,
    /// Runs in batch through its inference profiles.
    pub batch_profiles: bool,
    /// The least tokens of a cached prefix; `None` when the model does not cache.
    pub cache_min_tokens: Option<u64>,
    /// Whether a cache entry can live for an hour.
    pub cache_ttl_1h: bool,
    /// How often an output token counts against the quota.
    pub output_burndown: u64,
    /// The most input tokens.
    pub context_tokens: u64,
    /// The most output tokens of an answer; 0 for embeddings.
    pub max_output_tokens: u64,
    /// The limit of an answer when the request names none.
    pub default_max_tokens: u64,
    /// Whether answers can be streamed.
    pub streaming: bool,
    /// What goes in.
    pub input: Vec<Modality>,
    /// What comes out.
    pub output: Vec<Modality>,
    /// How the bill spells it.
    pub seller: Seller,
    /// Whether a source settles every value.
    pub verified: bool,
}

impl Model {
    /// Whether the model is sold in a tier. Reserved capacity is a contract, so no model has it of itself.
    pub fn sells(&self, tier: ServiceTier) -> bool {
        self.tiers.contains(&tier)
    }

    /// The id without its vendor, such as `claude-sonnet-4-6`.
    pub fn short_id(&self) -> &str {
        self.id.split_once('.').map_or(&*self.id, |(_, rest)| rest)
    }
}

/// The table of models.
#[derive(Clone, Debug)]
pub struct Models {
    models: Vec<Model>,
    by_id: HashMap<String, usize>,
    dated: String,
}

/// Why a table of models cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The text is no such table.
    #[error("read the table of models: {0}")]
    Toml(#[from] toml::de::Error),
    /// A later version of the format.
    #[error("read the table of models: version {0} is unknown, expected 1")]
    Version(u64),
    /// A value that means nothing.
    #[error("read the table of models: {model} has {value:?}, which is no {what}")]
    Value {
        /// The model's id.
        model: String,
        /// The value.
        value: String,
        /// What it should be.
        what: &'static str,
    },
    /// An id that stands twice.
    #[error("read the table of models: {0} stands twice")]
    Twice(String),
}

impl Models {
    /// The table that ships with the emulator.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`ModelsError`] when it is not one.
    pub fn parse(text: &str) -> Result<Self, ModelsError> {
        let table: wire::Table = toml::from_str(text)?;
        if table.version != 1 {
            return Err(ModelsError::Version(table.version));
        }
        let models = table.model.into_iter().map(Model::try_from).collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        if let Some(twice) = models.iter().find(|model| !seen.insert(&model.id)) {
            return Err(ModelsError::Twice(twice.id.clone()));
        }
        let by_id = models.iter().enumerate().map(|(at, model)| (model.id.clone(), at)).collect();
        Ok(Self { models, by_id, dated: table.dated })
    }

    /// Who sells a model of the shipped table, as the bill spells it.
    pub fn seller_of(model: &ModelId) -> Option<bill::Seller> {
        Some(match Self::shipped().get(model.as_str())?.seller.clone() {
            Seller::Aws(usage_name) => bill::Seller::Aws { usage_name },
            Seller::MarketplaceCamel(product) => bill::Seller::MarketplaceCamel { product },
            Seller::MarketplaceSnake(product) => bill::Seller::MarketplaceSnake { product },
        })
    }

    /// The model of a base id.
    pub fn get(&self, id: &str) -> Option<&Model> {
        self.by_id.get(id).and_then(|at| self.models.get(*at))
    }

    /// Every model, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = &Model> {
        self.models.iter()
    }

    /// The day the table describes.
    pub fn dated(&self) -> &str {
        &self.dated
    }
}

mod wire;

#[cfg(test)]
mod tests;

//! One price: who sells what, where, in which mode, from which context size on, for how much, and who says so.

use std::sync::Arc;

use laneshift_units::{ModelId, Money, PriceMode, Rate, Region, TokenClass, Tokens};

/// One row of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// Who sells.
    pub provider: Provider,
    /// The name that joins the same model across providers.
    pub model_key: Arc<str>,
    /// The model's id at this provider; a display name where a retired model never had one here.
    pub model_id: ModelId,
    /// The model's name as its provider prints it; empty when unknown.
    pub model_name: Arc<str>,
    /// Where the price holds.
    pub scope: Scope,
    /// How it is bought.
    pub mode: RowMode,
    /// The price holds for requests with at least this much input; the whole request is priced by it.
    pub ctx_min: Tokens,
    /// What is counted.
    pub dimension: Dimension,
    /// The price of one unit of it.
    pub price: Price,
    /// The first day, `YYYY-MM-DD`; empty when the source says none.
    pub effective_from: Arc<str>,
    /// The month or day for which the source says it.
    pub as_of: Arc<str>,
    /// The day on which it was read.
    pub retrieved: Arc<str>,
    /// Who says so.
    pub source: Arc<str>,
    /// What the collector saw.
    pub note: Arc<str>,
    /// How many sources carry the row.
    pub n_sources: u16,
    /// Whether they agree.
    pub agree: bool,
    /// Where they do not: `source=price | source=price`.
    pub all_values: Arc<str>,
}

/// Who sells a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Anthropic's own API.
    Anthropic,
    /// OpenAI's models on Azure.
    AzureOpenai,
    /// Amazon Bedrock.
    Bedrock,
    /// Amazon Bedrock's second endpoint family, `bedrock-mantle`.
    BedrockMantle,
    /// Anthropic's platform, sold through AWS.
    ClaudePlatformOnAws,
    /// OpenAI's own API.
    Openai,
    /// Google Vertex AI.
    Vertex,
}

impl Provider {
    /// Every provider, in the order of the catalogue.
    pub const ALL: [Self; 7] = [
        Self::Anthropic,
        Self::AzureOpenai,
        Self::Bedrock,
        Self::BedrockMantle,
        Self::ClaudePlatformOnAws,
        Self::Openai,
        Self::Vertex,
    ];

    /// The name in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::AzureOpenai => "azure_openai",
            Self::Bedrock => "bedrock",
            Self::BedrockMantle => "bedrock_mantle",
            Self::ClaudePlatformOnAws => "claude_platform_on_aws",
            Self::Openai => "openai",
            Self::Vertex => "vertex",
        }
    }

    /// Reads [`Provider::name`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == text)
    }
}

/// Where a price holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Calls in this region.
    Region(Region),
    /// Calls in a region and through geographic profiles, wherever they start.
    Regional,
    /// Calls to a model past its end of life, in the regions that the note lists.
    ExtendedAccess,
    /// Calls through the geographic profile with this prefix.
    Geo(Arc<str>),
    /// Calls through the global profile.
    Global,
    /// An Azure data zone.
    DataZone(Arc<str>),
    /// The provider has one price everywhere.
    Any,
    /// The source does not say where.
    Unscoped,
}

impl Scope {
    /// The two columns `scope_type` and `scope`.
    pub fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Region(region) => ("region", region.as_str()),
            Self::Regional => ("regional", "in-region+geo"),
            Self::ExtendedAccess => ("regional", "extended-access-regions"),
            Self::Geo(prefix) => ("geo", prefix),
            Self::Global => ("global", "global"),
            Self::DataZone(zone) => ("datazone", zone),
            Self::Any => ("any", "any"),
            Self::Unscoped => ("unscoped", "default"),
        }
    }

    /// Reads [`Scope::columns`].
    pub fn parse(scope_type: &str, scope: &str) -> Option<Self> {
        Some(match (scope_type, scope) {
            ("region", region) if !region.is_empty() => Self::Region(Region::new(region)),
            ("regional", "in-region+geo") => Self::Regional,
            ("regional", "extended-access-regions") => Self::ExtendedAccess,
            ("geo", prefix) if !prefix.is_empty() => Self::Geo(prefix.into()),
            ("global", "global") => Self::Global,
            ("datazone", zone) if !zone.is_empty() => Self::DataZone(zone.into()),
            ("any", "any") => Self::Any,
            ("unscoped", "default") => Self::Unscoped,
            _ => return None,
        })
    }
}

/// How it is bought: by the token, or ahead of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowMode {
    /// By the token.
    Token(PriceMode),
    /// By the token, on the fastest tier that some models have.
    Ultrafast,
    /// Tokens per minute, reserved for a month.
    Reserved1Month,
    /// Tokens per minute, reserved for three months.
    Reserved3Month,
    /// A provisioned model unit without commitment.
    PtNoCommit,
    /// A provisioned model unit for a month.
    Pt1Month,
    /// A provisioned model unit for six months.
    Pt6Month,
}

impl RowMode {
    /// The ways that are not priced by the token in a [`PriceMode`].
    const OTHERS: [Self; 6] =
        [Self::Ultrafast, Self::Reserved1Month, Self::Reserved3Month, Self::PtNoCommit, Self::Pt1Month, Self::Pt6Month];

    /// The name in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token(mode) => mode.name(),
            Self::Ultrafast => "ultrafast",
            Self::Reserved1Month => "reserved_1_month",
            Self::Reserved3Month => "reserved_3_month",
            Self::PtNoCommit => "pt_no_commit",
            Self::Pt1Month => "pt_1_month",
            Self::Pt6Month => "pt_6_month",
        }
    }

    /// Reads [`RowMode::name`].
    pub fn parse(text: &str) -> Option<Self> {
        PriceMode::parse(text).map(Self::Token).or_else(|| Self::OTHERS.into_iter().find(|m| m.name() == text))
    }
}

/// What a price counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Uncached input tokens.
    Input,
    /// Output tokens.
    Output,
    /// Tokens read from the prompt cache.
    CacheRead,
    /// Tokens written to the prompt cache for five minutes.
    CacheWrite5m,
    /// Tokens written to the prompt cache for thirty minutes, some models' default.
    CacheWrite30m,
    /// Tokens written to the prompt cache for an hour.
    CacheWrite1h,
    /// Tokens written to the prompt cache for twelve hours.
    CacheWrite12h,
    /// Reserved input tokens per minute.
    InputTpm,
    /// Reserved output tokens per minute.
    OutputTpm,
    /// Provisioned model units.
    ModelUnit,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 10] = [
        Self::Input,
        Self::Output,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite30m,
        Self::CacheWrite1h,
        Self::CacheWrite12h,
        Self::InputTpm,
        Self::OutputTpm,
        Self::ModelUnit,
    ];

    /// The name in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite30m => "cache_write_30m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::CacheWrite12h => "cache_write_12h",
            Self::InputTpm => "input_tpm",
            Self::OutputTpm => "output_tpm",
            Self::ModelUnit => "model_unit",
        }
    }

    /// Reads [`Dimension::name`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.name() == text)
    }

    /// The token class that a usage record counts it under; thirty minutes are the default of the models that have them.
    pub const fn token_class(self) -> Option<TokenClass> {
        match self {
            Self::Input => Some(TokenClass::Input),
            Self::Output => Some(TokenClass::Output),
            Self::CacheRead => Some(TokenClass::CacheRead),
            Self::CacheWrite5m | Self::CacheWrite30m => Some(TokenClass::CacheWrite5m),
            Self::CacheWrite1h => Some(TokenClass::CacheWrite1h),
            Self::CacheWrite12h | Self::InputTpm | Self::OutputTpm | Self::ModelUnit => None,
        }
    }
}

/// A price with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// US dollars a million tokens.
    PerToken(Rate),
    /// US dollars a model unit and hour.
    PerModelUnitHour(Money),
    /// US dollars an hour for a thousand tokens per minute.
    PerThousandTpmHour(Money),
}

impl Price {
    /// The unit's name in the catalogue.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::PerToken(_) => "usd_per_1m_tokens",
            Self::PerModelUnitHour(_) => "usd_per_mu_hour",
            Self::PerThousandTpmHour(_) => "usd_per_1k_tpm_hour",
        }
    }

    /// The exact amount of US dollars, one decimal at least: `3.0`, `0.165`.
    pub fn usd(self) -> String {
        let text = match self {
            Self::PerToken(rate) => rate.usd_per_million(),
            Self::PerModelUnitHour(money) | Self::PerThousandTpmHour(money) => money.to_exact_string(),
        };
        if text.contains('.') { text } else { text + ".0" }
    }

    /// The amount of US dollars as money, whatever the unit; comparable only within one unit.
    pub const fn amount(self) -> Money {
        match self {
            Self::PerToken(rate) => Money::from_pico(rate.pico_per_token() as i128 * 1_000_000),
            Self::PerModelUnitHour(money) | Self::PerThousandTpmHour(money) => money,
        }
    }

    /// The rate, when it is priced by the token.
    pub const fn rate(self) -> Option<Rate> {
        match self {
            Self::PerToken(rate) => Some(rate),
            Self::PerModelUnitHour(_) | Self::PerThousandTpmHour(_) => None,
        }
    }
}

impl PriceRow {
    /// Whether the collector marked the row as wrong rather than merely noteworthy.
    pub fn is_marked_wrong(&self) -> bool {
        ["SUSPECT", "transform artefact", "mis-keyed"].iter().any(|mark| self.note.contains(mark))
    }

    /// Whether the row stands under the model's bare id but holds the price of the global profile.
    pub fn is_global_rate_of_bare_id(&self) -> bool {
        self.scope == Scope::Unscoped && self.note.contains("carries the GLOBAL-profile rate")
    }

    /// The mode, when it is priced by the token in one.
    pub const fn price_mode(&self) -> Option<PriceMode> {
        match self.mode {
            RowMode::Token(mode) => Some(mode),
            RowMode::Ultrafast
            | RowMode::Reserved1Month
            | RowMode::Reserved3Month
            | RowMode::PtNoCommit
            | RowMode::Pt1Month
            | RowMode::Pt6Month => None,
        }
    }
}

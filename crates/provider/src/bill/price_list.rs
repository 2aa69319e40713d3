//! The price list, and which of its rows prices a call.
//!
//! Promises: a row that is known to be wrong, or that holds another profile's rate, prices nothing; where no sound row
//! holds, the price is unknown. Leaves out: repairing rows and deriving one price from another.

mod read;
mod spelling;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use laneshift_units::{ModelId, Money, PriceMode, Profile, Rate, Region, TokenClass, Tokens};

pub use read::PriceListError;
use spelling::Spelling;

/// Every price that the emulated Bedrock has.
#[derive(Debug, Default)]
pub struct PriceList {
    models: HashMap<Arc<str>, Model>,
    /// The listed ids of each stem, for ids that are spelled otherwise.
    by_stem: HashMap<String, Vec<Arc<str>>>,
}

/// The price of one token class, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The price of a token.
    pub rate: Rate,
    /// The source of the row.
    pub source: Arc<str>,
    /// The month or day for which the source says it.
    pub as_of: Arc<str>,
}

/// For how long a provisioned model unit is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Commitment {
    /// By the hour.
    None,
    /// One month.
    OneMonth,
    /// Six months.
    SixMonths,
}

impl Commitment {
    /// Every commitment.
    pub const ALL: [Self; 3] = [Self::None, Self::OneMonth, Self::SixMonths];

    /// AWS's spelling of `commitmentDuration`; `NoCommitment` where AWS leaves the field out.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NoCommitment",
            Self::OneMonth => "OneMonth",
            Self::SixMonths => "SixMonths",
        }
    }
}

/// The rows of one model.
#[derive(Debug, Default)]
struct Model {
    rows: HashMap<Place, Row>,
    /// Every `ctx_min` of `rows`, the highest first.
    tiers: Vec<Tokens>,
    unit_hours: HashMap<(Region, Commitment), Money>,
}

/// What a row prices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    scope: Scope,
    mode: PriceMode,
    ctx_min: Tokens,
    dimension: Dimension,
}

/// Where a row holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scope {
    /// Calls in a region.
    Region(Region),
    /// Calls in any region and through any geographic profile.
    Regional,
    /// Calls through the geographic profile with this prefix.
    Geo(Arc<str>),
    /// Calls through the global profile.
    Global,
    /// The source does not say.
    Unscoped,
}

/// What a row counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Dimension {
    Class(TokenClass),
    /// Cache writes for half an hour, the default of models that have no five minutes.
    CacheWrite30m,
}

#[derive(Debug)]
struct Row {
    quote: Quote,
    /// The collector noted that the price is wrong.
    marked_wrong: bool,
    /// The row contradicts what every price list satisfies, or is marked wrong: it prices nothing.
    barred: bool,
    /// The row names no place but holds the rate of the global profile: it prices that profile only.
    global_only: bool,
}

impl PriceList {
    /// Reads the Bedrock rows of a price file.
    ///
    /// # Errors
    /// [`PriceListError`] names the line and the field of a row that cannot be read or prices what another row prices.
    pub fn parse(csv: &str) -> Result<Self, PriceListError> {
        let mut models = read::read(csv)?;
        models.values_mut().for_each(standing::judge);
        let mut by_stem = HashMap::<String, Vec<Arc<str>>>::new();
        for id in models.keys() {
            by_stem.entry(Spelling::of(id).stem.to_owned()).or_default().push(id.clone());
        }
        Ok(Self { models, by_stem })
    }

    /// The price file that this build carries.
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<PriceList> = LazyLock::new(|| {
            PriceList::parse(include_str!("../../../catalog/data/prices/catalog.csv")).expect("a test reads the built-in file")
        });
        &SHIPPED
    }

    /// The price of a token of this class, in a request with so much input in all; `None` when it is unknown.
    pub fn price(
        &self,
        model: &ModelId,
        profile: &Profile,
        region: &Region,
        mode: PriceMode,
        class: TokenClass,
        total_input: Tokens,
    ) -> Option<Rate> {
        self.quote(model, profile, region, mode, class, total_input).map(|quote| quote.rate)
    }

    /// As [`PriceList::price`], with the row's source. The tier of the whole request prices each of its classes; a class
    /// without a price in that tier has none.
    pub fn quote(
        &self,
        model: &ModelId,
        profile: &Profile,
        region: &Region,
        mode: PriceMode,
        class: TokenClass,
        total_input: Tokens,
    ) -> Option<&Quote> {
        let model = self.model(model)?;
        let ctx_min = model.context_tier(profile, region, mode, total_input);
        let places = chain(profile, region).into_iter().flat_map(|scope| {
            dimensions(class).iter().map(move |dimension| Place { scope: scope.clone(), mode, ctx_min, dimension: *dimension })
        });
        let row = places.filter_map(|place| model.rows.get(&place)).find(|row| !row.barred && row.may_price(profile))?;
        Some(&row.quote)
    }

    /// The context tier of a request: the least input of the dearest-context price that its input reaches. Zero for a
    /// model with one price. A mode without a row of its own for a tier of the standard mode has that tier still.
    pub fn context_tier(
        &self,
        model: &ModelId,
        profile: &Profile,
        region: &Region,
        mode: PriceMode,
        total_input: Tokens,
    ) -> Tokens {
        self.model(model).map_or(Tokens(0), |model| model.context_tier(profile, region, mode, total_input))
    }

    /// The price of a provisioned model unit for an hour. A model id may end in a context size (`:24k`).
    pub fn model_unit_hour(&self, model: &ModelId, region: &Region, commitment: Commitment) -> Option<Money> {
        let model = self.model(model)?;
        let places = [Some(region.as_str()), Some(read::ANY_REGION), region.as_str().starts_with("us-").then_some(read::US_PAGE)];
        places.into_iter().flatten().find_map(|place| model.unit_hours.get(&(Region::new(place), commitment)).copied())
    }

    /// The model that an id names: the listed id itself, or the only one that differs in its date or in a version that
    /// one of the two leaves out.
    fn model(&self, id: &ModelId) -> Option<&Model> {
        let id = spelling::listed_id(id.as_str());
        if let Some(model) = self.models.get(id) {
            return Some(model);
        }
        let asked = Spelling::of(id);
        let mut alike = self.by_stem.get(asked.stem)?.iter().filter(|listed| Spelling::of(listed).may_be(&asked));
        let only = alike.next().filter(|_| alike.next().is_none())?;
        self.models.get(only)
    }
}

impl Model {
    fn context_tier(&self, profile: &Profile, region: &Region, mode: PriceMode, total_input: Tokens) -> Tokens {
        if self.tiers.first().is_none_or(|highest| *highest == Tokens(0)) {
            return Tokens(0);
        }
        let chain = chain(profile, region);
        let mut reached = self.tiers.iter().copied().filter(|ctx_min| *ctx_min <= total_input);
        reached.find(|ctx_min| self.has_tier(&chain, profile, mode, *ctx_min)).unwrap_or_default()
    }

    fn has_tier(&self, chain: &[Scope], profile: &Profile, mode: PriceMode, ctx_min: Tokens) -> bool {
        self.rows.iter().any(|(place, row)| {
            place.ctx_min == ctx_min
                && (place.mode == mode || place.mode == PriceMode::OnDemand)
                && row.may_price(profile)
                && chain.contains(&place.scope)
        })
    }
}

impl Row {
    fn may_price(&self, profile: &Profile) -> bool {
        !self.global_only || *profile == Profile::Global
    }
}

/// Where to look for a price, most specific first.
fn chain(profile: &Profile, region: &Region) -> Vec<Scope> {
    let own = Scope::Region(region.clone());
    match profile {
        Profile::Global => vec![Scope::Global, Scope::Unscoped],
        Profile::Geo(prefix) => vec![Scope::Geo(prefix.clone()), Scope::Regional, own, Scope::Unscoped],
        Profile::InRegion => vec![own, Scope::Regional, Scope::Unscoped],
    }
}

const fn dimensions(class: TokenClass) -> &'static [Dimension] {
    match class {
        TokenClass::Input => &[Dimension::Class(TokenClass::Input)],
        TokenClass::Output => &[Dimension::Class(TokenClass::Output)],
        TokenClass::CacheRead => &[Dimension::Class(TokenClass::CacheRead)],
        TokenClass::CacheWrite5m => &[Dimension::Class(TokenClass::CacheWrite5m), Dimension::CacheWrite30m],
        TokenClass::CacheWrite1h => &[Dimension::Class(TokenClass::CacheWrite1h)],
    }
}

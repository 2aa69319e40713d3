//! AWS's own price list: bulk offer files and answers of the query API, read into rows.
//!
//! Promises: a price that finds no place is counted under its reason, with an example; prices stay exact. Leaves out:
//! fetching, and models that the catalogue does not know.
//!
//! Shapes: AWS, "Reading the AWS Price List files" and the Price List query API's `GetProducts`, read 2026-11-23.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use laneshift_bedrock::usage_type::{self, Kind, UsageType};
use laneshift_units::{ModelId, Money, Rate, Region, TokenClass, Tokens};
use serde::Deserialize;

use super::catalog::Place;
use super::{Catalog, Dimension, Price, PriceRow, Provider, RowMode, Scope};

/// The largest price list that is read; AWS's for all regions has 16 MB.
const OFFER_BYTES_MAX: usize = 64 << 20;

/// What a price list says, and what could not be placed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The day of its publication, `YYYY-MM-DD`.
    pub published: String,
    /// The prices that have a place in the catalogue.
    pub rows: Vec<PriceRow>,
    /// The prices that have none, by reason.
    pub unmapped: Vec<Unmapped>,
}

/// Prices that found no place, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// Why.
    pub reason: String,
    /// How many.
    pub count: usize,
    /// The usage type of the first.
    pub example: String,
}

/// A text that is no price list.
#[derive(Debug)]
pub enum OfferError {
    /// More than 64 MB.
    TooLarge,
    /// Not the JSON of a price list.
    Json(serde_json::Error),
    /// JSON without products.
    NoProducts,
}

impl fmt::Display for OfferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("read the price list: larger than 64 MB"),
            Self::Json(error) => write!(f, "read the price list: {error}"),
            Self::NoProducts => f.write_str("read the price list: neither products with terms nor a PriceList"),
        }
    }
}

impl std::error::Error for OfferError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::TooLarge | Self::NoProducts => None,
        }
    }
}

/// Reads a bulk offer file or an answer of `GetProducts`; `catalog` knows the models, `retrieved` is the day of
/// reading, `YYYY-MM-DD`.
///
/// # Errors
/// [`OfferError`] when the text is no price list. Single prices that cannot be read are counted, not errors.
pub fn read_offer(json: &[u8], catalog: &Catalog, retrieved: &str) -> Result<Offer, OfferError> {
    if json.len() > OFFER_BYTES_MAX {
        return Err(OfferError::TooLarge);
    }
    let list: List = serde_json::from_slice(json).map_err(OfferError::Json)?;
    let mut reader = Reader { catalog, retrieved, offer: Offer::default(), places: HashMap::new(), reasons: BTreeMap::new() };
    match list {
        List { price_list: Some(entries), .. } => {
            for entry in entries {
                let entry = match entry {
                    Entry::Text(text) => serde_json::from_str(&text).map_err(OfferError::Json)?,
                    Entry::Object(entry) => *entry,
                };
                let issue = Issue::new(entry.service_code.as_deref(), &entry.publication_date, &entry.version);
                reader.product(&issue, &entry.product, entry.terms.on_demand.values());
            }
        }
        List { products: Some(products), terms: Some(terms), offer_code, publication_date, version, .. } => {
            let issue = Issue::new(offer_code.as_deref(), &publication_date, &version);
            for (sku, product) in &products {
                let none = BTreeMap::new();
                reader.product(&issue, product, terms.on_demand.get(sku).unwrap_or(&none).values());
            }
        }
        List { .. } => return Err(OfferError::NoProducts),
    }
    Ok(reader.finish())
}

/// Either shape of a price list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    #[serde(rename = "PriceList")]
    price_list: Option<Vec<Entry>>,
    offer_code: Option<String>,
    #[serde(default)]
    publication_date: String,
    #[serde(default)]
    version: String,
    products: Option<BTreeMap<String, Product>>,
    terms: Option<Terms<BTreeMap<String, Term>>>,
}

/// An entry of `GetProducts`: a JSON text inside the JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Text(String),
    Object(Box<PriceEntry>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceEntry {
    product: Product,
    service_code: Option<String>,
    terms: Terms<Term>,
    #[serde(default)]
    version: String,
    #[serde(default)]
    publication_date: String,
}

#[derive(Deserialize)]
struct Product {
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    usagetype: String,
    #[serde(default)]
    servicename: String,
    #[serde(rename = "regionCode")]
    region_code: Option<String>,
    model: Option<String>,
    #[serde(rename = "titanModel")]
    titan_model: Option<String>,
}

#[derive(Deserialize)]
struct Terms<T> {
    #[serde(rename = "OnDemand", default = "BTreeMap::new")]
    on_demand: BTreeMap<String, T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    #[serde(default)]
    effective_date: String,
    #[serde(default)]
    price_dimensions: BTreeMap<String, PriceDimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceDimension {
    #[serde(default)]
    unit: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    begin_range: String,
    #[serde(default)]
    price_per_unit: BTreeMap<String, String>,
}

/// Which list of which day a row comes from.
struct Issue {
    source: Arc<str>,
    published: String,
}

impl Issue {
    fn new(code: Option<&str>, published: &str, version: &str) -> Self {
        let source = format!("aws-pricelist {} {version}", code.unwrap_or("AmazonBedrock"));
        Self { source: source.trim_end().into(), published: day(published).to_owned() }
    }
}

/// The date of an RFC 3339 moment.
fn day(moment: &str) -> &str {
    moment.split('T').next().unwrap_or_default()
}

struct Reader<'a> {
    catalog: &'a Catalog,
    retrieved: &'a str,
    offer: Offer,
    places: HashMap<Place, usize>,
    reasons: BTreeMap<String, (usize, String)>,
}

impl Reader<'_> {
    fn product<'t>(&mut self, issue: &Issue, product: &Product, terms: impl Iterator<Item = &'t Term>) {
        if self.offer.published.as_str() < issue.published.as_str() {
            issue.published.clone_into(&mut self.offer.published);
        }
        let usage_type = &product.attributes.usagetype;
        let mut priced = false;
        for term in terms {
            for (rate_code, dimension) in &term.price_dimensions {
                priced = true;
                match self.row(issue, &product.attributes, term, rate_code, dimension) {
                    Ok(row) => self.place(row, usage_type),
                    Err(reason) => self.count(reason, usage_type),
                }
            }
        }
        if !priced {
            self.count("no on-demand term".to_owned(), usage_type);
        }
    }

    fn row(
        &self,
        issue: &Issue,
        attributes: &Attributes,
        term: &Term,
        rate_code: &str,
        dimension: &PriceDimension,
    ) -> Result<PriceRow, String> {
        if !matches!(dimension.begin_range.as_str(), "" | "0") {
            return Err("a volume tier".to_owned());
        }
        let read = usage_type::parse(&attributes.usagetype, Some(&attributes.servicename))
            .ok_or_else(|| "not a usage type of Bedrock".to_owned())?;
        if read.custom_model {
            return Err("a customised model".to_owned());
        }
        let counted = Counted::of(&read)?;
        let key = self.key(&read, attributes)?;
        let provider = if read.mantle { Provider::BedrockMantle } else { Provider::Bedrock };
        let usd = dimension.price_per_unit.get("USD").ok_or_else(|| "no price in US dollars".to_owned())?;
        Ok(PriceRow {
            provider,
            model_id: self.catalog.model_id_of(key).ok_or_else(|| format!("unknown model {key}"))?,
            model_name: self.catalog.display_name(key).into(),
            scope: scope(&read, attributes)?,
            mode: counted.mode,
            ctx_min: self.context(&read, key)?,
            dimension: self.dimension(counted.dimension, key),
            price: price(usd, dimension, counted.dimension, read.marketplace)?,
            effective_from: day(&term.effective_date).into(),
            as_of: issue.published.as_str().into(),
            retrieved: self.retrieved.into(),
            source: issue.source.clone(),
            note: rate_code.into(),
            n_sources: 1,
            agree: true,
            all_values: "".into(),
            model_key: key.into(),
        })
    }

    fn key(&self, read: &UsageType, attributes: &Attributes) -> Result<&str, String> {
        let spelled = [read.model.as_deref(), attributes.model.as_deref(), attributes.titan_model.as_deref()];
        let known = spelled.into_iter().flatten().find_map(|name| self.catalog.model_key(&ModelId::new(name)));
        known.ok_or_else(|| match spelled.into_iter().flatten().next() {
            Some(name) => format!("unknown model {name}"),
            None => "no model is named".to_owned(),
        })
    }

    /// The context tier of a long prompt: price lists say "long", the catalogue knows from where on.
    fn context(&self, read: &UsageType, key: &str) -> Result<Tokens, String> {
        if !read.long_context {
            return Ok(Tokens(0));
        }
        let rows = self.catalog.model_rows(Provider::Bedrock, key).iter().map(|at| self.catalog.rows()[*at].ctx_min);
        rows.filter(|ctx_min| ctx_min.0 > 0).max().ok_or_else(|| "a long context of unknown length".to_owned())
    }

    /// The cache write of the model's default time to live, which is half an hour for some.
    fn dimension(&self, read: Dimension, key: &str) -> Dimension {
        let has = |dimension| {
            let rows = self.catalog.model_rows(Provider::Bedrock, key).iter();
            rows.map(|at| self.catalog.rows()[*at].dimension).any(|known| known == dimension)
        };
        let half_hour = read == Dimension::CacheWrite5m && !has(Dimension::CacheWrite5m) && has(Dimension::CacheWrite30m);
        if half_hour { Dimension::CacheWrite30m } else { read }
    }

    /// Puts a row at its place; a second price for a place is kept on the first row as a disagreement.
    fn place(&mut self, row: PriceRow, usage_type: &str) {
        let place = Place::of(&row);
        let Some(first) = self.places.get(&place).copied() else {
            self.places.insert(place, self.offer.rows.len());
            self.offer.rows.push(row);
            return;
        };
        let first = &mut self.offer.rows[first];
        if first.price == row.price {
            return;
        }
        if first.agree {
            first.agree = false;
            first.all_values = format!("{}={}", first.note, first.price.usd()).into();
        }
        first.n_sources += 1;
        first.all_values = format!("{} | {}={}", first.all_values, row.note, row.price.usd()).into();
        self.count("a second price for the same tokens".to_owned(), usage_type);
    }

    fn count(&mut self, reason: String, usage_type: &str) {
        self.reasons.entry(reason).or_insert_with(|| (0, usage_type.to_owned())).0 += 1;
    }

    fn finish(mut self) -> Offer {
        let reasons = self.reasons.into_iter();
        self.offer.unmapped = reasons.map(|(reason, (count, example))| Unmapped { reason, count, example }).collect();
        self.offer
    }
}

/// What a usage type counts, in the catalogue's words.
struct Counted {
    mode: RowMode,
    dimension: Dimension,
}

impl Counted {
    fn of(read: &UsageType) -> Result<Self, String> {
        let (mode, dimension) = match read.kind {
            Kind::Token(class) => (RowMode::Token(read.mode), of_class(class)),
            Kind::ReservedTpm { output, months } => {
                let mode = match months {
                    1 => RowMode::Reserved1Month,
                    3 => RowMode::Reserved3Month,
                    _ => return Err(format!("a reservation of {months} months")),
                };
                (mode, if output { Dimension::OutputTpm } else { Dimension::InputTpm })
            }
            Kind::ModelUnit { commitment_months } => {
                let mode = match commitment_months {
                    None => RowMode::PtNoCommit,
                    Some(1) => RowMode::Pt1Month,
                    Some(6) => RowMode::Pt6Month,
                    Some(months) => return Err(format!("a commitment of {months} months")),
                };
                (mode, Dimension::ModelUnit)
            }
            Kind::Image => return Err("images".to_owned()),
            Kind::Search => return Err("search units".to_owned()),
            Kind::Other => return Err("neither tokens nor capacity".to_owned()),
        };
        Ok(Self { mode, dimension })
    }
}

const fn of_class(class: TokenClass) -> Dimension {
    match class {
        TokenClass::Input => Dimension::Input,
        TokenClass::Output => Dimension::Output,
        TokenClass::CacheRead => Dimension::CacheRead,
        TokenClass::CacheWrite5m => Dimension::CacheWrite5m,
        TokenClass::CacheWrite1h => Dimension::CacheWrite1h,
    }
}

fn scope(read: &UsageType, attributes: &Attributes) -> Result<Scope, String> {
    if read.global {
        return Ok(Scope::Global);
    }
    // Latency-optimised inference and everything else that is not global is billed by the source region.
    let named = attributes.region_code.as_deref().filter(|code| !code.is_empty()).map(Region::new);
    named.or_else(|| read.region.clone()).map(Scope::Region).ok_or_else(|| format!("unknown region code {}", read.region_code))
}

fn price(usd: &str, listed: &PriceDimension, counted: Dimension, marketplace: bool) -> Result<Price, String> {
    let amount = Money::parse_usd(usd).map_err(|e| format!("a price that is {e}"))?;
    match counted {
        Dimension::ModelUnit => match listed.unit.to_ascii_lowercase().as_str() {
            "hour" | "hours" | "hrs" | "hr" => Ok(Price::PerModelUnitHour(amount)),
            "units" if marketplace => Ok(Price::PerModelUnitHour(amount)),
            _ => Err(format!("model units by the {:?}", listed.unit)),
        },
        // AWS prints "1M TPM Hour" and lists the price of a thousand tokens a minute.
        Dimension::InputTpm | Dimension::OutputTpm => Ok(Price::PerThousandTpmHour(amount)),
        Dimension::Input
        | Dimension::Output
        | Dimension::CacheRead
        | Dimension::CacheWrite5m
        | Dimension::CacheWrite30m
        | Dimension::CacheWrite1h
        | Dimension::CacheWrite12h => {
            let tokens = tokens_a_unit(listed, marketplace).ok_or_else(|| format!("tokens by the {:?}", listed.unit))?;
            per_token(amount, tokens).map(Price::PerToken)
        }
    }
}

/// How many tokens one unit is.
fn tokens_a_unit(listed: &PriceDimension, marketplace: bool) -> Option<u64> {
    match listed.unit.to_ascii_lowercase().as_str() {
        "1k tokens" | "1k token" => Some(1_000),
        "1m tokens" | "1m token" => Some(1_000_000),
        // Marketplace sells "Units" of a million; the description says so in the captures that have one.
        "units" | "unit" if marketplace || listed.description.contains("Million") => Some(1_000_000),
        _ => None,
    }
}

fn per_token(amount: Money, tokens: u64) -> Result<Rate, String> {
    let tokens = i128::from(tokens);
    if amount.pico() % tokens != 0 {
        return Err("a price finer than a picodollar a token".to_owned());
    }
    let pico = u64::try_from(amount.pico() / tokens).map_err(|_| "a price below zero or out of range".to_owned())?;
    Ok(Rate::from_pico_per_token(pico))
}

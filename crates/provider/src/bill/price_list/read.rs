//! The price file, as far as Bedrock bills by it.
//!
//! Promises: a Bedrock row that cannot be read is an error, not a gap. Leaves out: other sellers, the mantle endpoint,
//! the Reserved and ultrafast tiers, and prices of models past their end of life.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use csv::StringRecord;
use laneshift_units::{Money, PriceMode, Rate, Region, TokenClass, Tokens};

use super::{Commitment, Dimension, Model, Place, Quote, Row, Scope};

/// Model units: a price for every region.
pub(super) const ANY_REGION: &str = "any";
/// Model units: the price that AWS's page shows for the United States.
pub(super) const US_PAGE: &str = "page-default(us)";

/// Why a price file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceListError {
    /// The text is no table.
    #[error("read the price list as CSV: {0}")]
    Csv(String),
    /// The header lacks a column.
    #[error("read the price list: column {0} is missing")]
    Column(&'static str),
    /// A field has no meaning here.
    #[error("read the price list, line {line}, field {field}: {reason}")]
    Field {
        /// The line, counted from 1.
        line: u64,
        /// The column.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

const COLUMNS: [&str; 12] = [
    "provider",
    "model_id",
    "scope_type",
    "scope",
    "mode",
    "ctx_min_tokens",
    "dimension",
    "unit",
    "price_usd",
    "as_of",
    "source",
    "note",
];

/// Reads every row that counts, by model.
pub(super) fn read(csv: &str) -> Result<HashMap<Arc<str>, Model>, PriceListError> {
    let no_csv = |error: csv::Error| PriceListError::Csv(error.to_string());
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().map_err(no_csv)?;
    let mut at = [0; COLUMNS.len()];
    for (at, name) in at.iter_mut().zip(COLUMNS) {
        *at = header.iter().position(|column| column == name).ok_or(PriceListError::Column(name))?;
    }
    let mut models = HashMap::<Arc<str>, Model>::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(no_csv)? {
        let fields = Fields { line: record.position().map_or(0, csv::Position::line), record: &record, at: &at };
        if fields.get("provider") == "bedrock" {
            fields.add_to(models.entry(fields.get("model_id").into()).or_default())?;
        }
    }
    models.retain(|_, model| !(model.rows.is_empty() && model.unit_hours.is_empty()));
    Ok(models)
}

struct Fields<'a> {
    line: u64,
    record: &'a StringRecord,
    at: &'a [usize; COLUMNS.len()],
}

impl Fields<'_> {
    fn get(&self, column: &'static str) -> &str {
        let place = COLUMNS.iter().position(|name| *name == column);
        place.and_then(|place| self.record.get(self.at[place])).unwrap_or_default()
    }

    fn wrong(&self, field: &'static str, reason: impl ToString) -> PriceListError {
        PriceListError::Field { line: self.line, field, reason: reason.to_string() }
    }

    fn unknown(&self, field: &'static str) -> PriceListError {
        self.wrong(field, format!("{:?} is not known", self.get(field)))
    }

    fn add_to(&self, model: &mut Model) -> Result<(), PriceListError> {
        match self.get("mode") {
            "ultrafast" | "reserved_1_month" | "reserved_3_month" => Ok(()),
            "pt_no_commit" => self.add_unit_hour(model, Commitment::None),
            "pt_1_month" => self.add_unit_hour(model, Commitment::OneMonth),
            "pt_6_month" => self.add_unit_hour(model, Commitment::SixMonths),
            mode => match PriceMode::parse(mode) {
                Some(mode) => self.add_rate(model, mode),
                None => Err(self.unknown("mode")),
            },
        }
    }

    fn add_rate(&self, model: &mut Model, mode: PriceMode) -> Result<(), PriceListError> {
        let Some(scope) = self.scope()? else { return Ok(()) };
        self.expect_unit("usd_per_1m_tokens")?;
        let ctx_min = self.get("ctx_min_tokens").parse().map_err(|_| self.wrong("ctx_min_tokens", "not a number"))?;
        let place = Place { scope, mode, ctx_min: Tokens(ctx_min), dimension: self.dimension()? };
        let rate = Rate::parse_usd_per_million(self.get("price_usd")).map_err(|error| self.wrong("price_usd", error))?;
        let note = self.get("note");
        let marked_wrong = ["SUSPECT", "transform artefact", "mis-keyed"].iter().any(|mark| note.contains(mark));
        let global_only = place.scope == Scope::Unscoped && note.contains("carries the GLOBAL-profile rate");
        let quote = Quote { rate, source: self.get("source").into(), as_of: self.get("as_of").into() };
        match model.rows.entry(place) {
            Entry::Occupied(_) => Err(self.wrong("price_usd", "an earlier line prices the same")),
            Entry::Vacant(free) => {
                free.insert(Row { quote, marked_wrong, barred: marked_wrong, global_only });
                Ok(())
            }
        }
    }

    fn add_unit_hour(&self, model: &mut Model, commitment: Commitment) -> Result<(), PriceListError> {
        self.expect_unit("usd_per_mu_hour")?;
        let price = Money::parse_usd(self.get("price_usd")).map_err(|error| self.wrong("price_usd", error))?;
        match model.unit_hours.insert((Region::new(self.get("scope")), commitment), price) {
            Some(_) => Err(self.wrong("price_usd", "an earlier line prices the same")),
            None => Ok(()),
        }
    }

    fn expect_unit(&self, unit: &str) -> Result<(), PriceListError> {
        if self.get("unit") == unit { Ok(()) } else { Err(self.unknown("unit")) }
    }

    /// `None` for prices of models past their end of life, which hold where a note says and nowhere else.
    fn scope(&self) -> Result<Option<Scope>, PriceListError> {
        Ok(Some(match (self.get("scope_type"), self.get("scope")) {
            ("region", region) => Scope::Region(Region::new(region)),
            ("regional", "in-region+geo") => Scope::Regional,
            ("regional", "extended-access-regions") => return Ok(None),
            ("geo", prefix) => Scope::Geo(prefix.into()),
            ("global", "global") => Scope::Global,
            ("unscoped", "default") => Scope::Unscoped,
            _ => return Err(self.unknown("scope")),
        }))
    }

    fn dimension(&self) -> Result<Dimension, PriceListError> {
        let name = self.get("dimension");
        let class = TokenClass::ALL.into_iter().find(|class| class.name() == name).map(Dimension::Class);
        class.or((name == "cache_write_30m").then_some(Dimension::CacheWrite30m)).ok_or_else(|| self.unknown("dimension"))
    }
}

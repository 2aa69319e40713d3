//! All rows, and the ways to find them.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use laneshift_units::{ModelId, Tokens};

use super::names::Names;
use super::rules::{self, Doubt};
use super::{CatalogError, Dimension, PriceRow, Provider, RowMode, Scope, file};

const SHIPPED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalog.csv.gz"));

/// Every price that is known, with its doubts.
#[derive(Debug)]
pub struct Catalog {
    rows: Vec<PriceRow>,
    /// Invariant: holds every row of `rows` under its own place; a place is held once.
    by_place: HashMap<Place, usize>,
    by_model: HashMap<(Provider, Arc<str>), Vec<usize>>,
    names: Names,
    doubts: Vec<Vec<Doubt>>,
    barred: Vec<bool>,
}

/// What identifies a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) provider: Provider,
    pub(super) model_key: Arc<str>,
    pub(super) scope: Scope,
    pub(super) mode: RowMode,
    pub(super) ctx_min: Tokens,
    pub(super) dimension: Dimension,
}

impl Place {
    pub(super) fn of(row: &PriceRow) -> Self {
        Self {
            provider: row.provider,
            model_key: row.model_key.clone(),
            scope: row.scope.clone(),
            mode: row.mode,
            ctx_min: row.ctx_min,
            dimension: row.dimension,
        }
    }
}

impl Catalog {
    /// The catalogue that this build carries.
    ///
    /// # Errors
    /// [`CatalogError`] when the file that was built in is damaged.
    pub fn shipped() -> Result<Self, CatalogError> {
        let path = Path::new("crates/catalog/data/prices/catalog.csv");
        let packed = flate2::read::GzDecoder::new(SHIPPED);
        Self::from_rows(path, file::read(path, packed.take(file::FILE_BYTES_MAX + 1))?)
    }

    /// A catalogue from a CSV file with the shipped one's header.
    ///
    /// # Errors
    /// [`CatalogError`] names the file, and where it can, the line and the field: a price finer than six decimals
    /// a million tokens is refused, and so is a second row for the same place.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        Self::from_rows(path, file::read_path(path)?)
    }

    fn from_rows(path: &Path, rows: Vec<PriceRow>) -> Result<Self, CatalogError> {
        let mut by_place = HashMap::with_capacity(rows.len());
        let mut by_model = HashMap::<_, Vec<usize>>::new();
        for (i, row) in rows.iter().enumerate() {
            if let Some(first) = by_place.insert(Place::of(row), i) {
                let reason = format!("prices the same tokens as line {}", line_of(first));
                return Err(CatalogError::Field { path: path.into(), line: line_of(i), field: "price_usd", reason });
            }
            by_model.entry((row.provider, row.model_key.clone())).or_default().push(i);
        }
        let names = Names::of(&rows);
        let mut catalog = Self { rows, by_place, by_model, names, doubts: Vec::new(), barred: Vec::new() };
        let judged: Vec<_> = (0..catalog.rows.len()).map(|row| rules::judge(&catalog, row)).collect();
        catalog.barred = judged.iter().map(|(_, barred)| *barred).collect();
        catalog.doubts = judged.into_iter().map(|(doubts, _)| doubts).collect();
        Ok(catalog)
    }

    /// Every row, in the order of the file.
    pub fn rows(&self) -> &[PriceRow] {
        &self.rows
    }

    /// What the rules hold against a row; empty for a row in good standing.
    pub fn doubts(&self, row: usize) -> &[Doubt] {
        self.doubts.get(row).map_or(&[], Vec::as_slice)
    }

    /// Whether a row may price only where no other row can.
    pub fn is_barred(&self, row: usize) -> bool {
        self.barred.get(row).copied().unwrap_or(false)
    }

    /// The name under which the catalogue joins a model across providers: by its exact id first, then by any way that
    /// logs, bills and price lists spell it. `None` when no model or more than one answers to the text.
    pub fn model_key(&self, id: &ModelId) -> Option<&str> {
        self.names.key(id.as_str())
    }

    /// The model's id on Bedrock, or at the first provider that has it.
    pub fn model_id_of(&self, key: &str) -> Option<ModelId> {
        self.rows_of(key).map(|row| row.model_id.clone()).next()
    }

    /// The model's name for people: as AWS prints it, or else its id.
    pub fn display_name(&self, key: &str) -> String {
        let named = self.rows_of(key).find(|row| !row.model_name.is_empty()).map(|row| row.model_name.to_string());
        named.or_else(|| self.model_id_of(key).map(|id| id.as_str().to_owned())).unwrap_or_else(|| key.to_owned())
    }

    /// What the rules hold against every row: `(row, doubt)` in the order of the rows.
    pub fn all_doubts(&self) -> impl Iterator<Item = (usize, &Doubt)> {
        self.doubts.iter().enumerate().flat_map(|(row, doubts)| doubts.iter().map(move |doubt| (row, doubt)))
    }

    /// The rows of a model at one provider.
    pub(super) fn model_rows(&self, provider: Provider, key: &str) -> &[usize] {
        self.by_model.get(&(provider, key.into())).map_or(&[], Vec::as_slice)
    }

    pub(super) fn at(&self, place: &Place) -> Option<usize> {
        self.by_place.get(place).copied()
    }

    fn rows_of<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a PriceRow> {
        let bedrock_first = [Provider::Bedrock, Provider::BedrockMantle].into_iter().chain(Provider::ALL);
        bedrock_first.flat_map(move |provider| self.model_rows(provider, key)).map(|row| &self.rows[*row])
    }
}

/// The line on which a row stands, when no field holds a line break.
pub(super) const fn line_of(row: usize) -> u64 {
    row as u64 + 2
}

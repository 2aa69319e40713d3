//! The catalogue as a CSV file: one header, one row a line, read strictly and written whole or not at all.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use laneshift_units::{ModelId, Money, Rate, Tokens};

use super::{CatalogError, Dimension, Price, PriceRow, Provider, RowMode, Scope};

/// The largest file that is read.
pub(super) const FILE_BYTES_MAX: u64 = 64 << 20;

const HEADER: [&str; 19] = [
    "provider",
    "model_key",
    "model_id",
    "model_name",
    "scope_type",
    "scope",
    "mode",
    "ctx_min_tokens",
    "dimension",
    "unit",
    "price_usd",
    "effective_from",
    "as_of",
    "retrieved",
    "source",
    "note",
    "n_sources",
    "agree",
    "all_values",
];

/// Reads a catalogue from a file.
pub(super) fn read_path(path: &Path) -> Result<Vec<PriceRow>, CatalogError> {
    let file = File::open(path).map_err(|source| CatalogError::Io { path: path.into(), source })?;
    read(path, file)
}

/// Reads a catalogue; `path` is the name that errors carry.
pub(super) fn read(path: &Path, from: impl Read) -> Result<Vec<PriceRow>, CatalogError> {
    let mut text = Vec::new();
    from.take(FILE_BYTES_MAX + 1).read_to_end(&mut text).map_err(|source| CatalogError::Io { path: path.into(), source })?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(CatalogError::TooLarge { path: path.into() });
    }
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_slice());
    let header = reader.headers().map_err(|e| no_csv(path, &e))?;
    if header.iter().ne(HEADER) {
        let reason = format!("the header is not {}", HEADER.join(","));
        return Err(CatalogError::Header { path: path.into(), reason });
    }
    let mut names = Names::default();
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|e| no_csv(path, &e))? {
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(Fields { path, line, record: &record, names: &mut names }.row()?);
    }
    Ok(rows)
}

/// Writes the rows to `path`: to a file beside it first, which then takes its name.
///
/// # Errors
/// [`CatalogError::Io`] when the file cannot be written; the old file is then untouched.
pub fn write(path: &Path, rows: &[PriceRow]) -> Result<(), CatalogError> {
    let failed = |source| CatalogError::Io { path: path.into(), source };
    let name = path.file_name().ok_or_else(|| failed(io::Error::other("not a file name")))?;
    let mut draft = name.to_owned();
    draft.push(format!(".{}.draft", std::process::id()));
    let draft = path.with_file_name(draft);
    let written = write_draft(&draft, rows).and_then(|()| fs::rename(&draft, path));
    written.map_err(|source| {
        // The draft is worthless without its name; a failure to remove it changes nothing for the caller.
        let _ = fs::remove_file(&draft);
        failed(source)
    })
}

fn write_draft(draft: &PathBuf, rows: &[PriceRow]) -> io::Result<()> {
    let mut file = io::BufWriter::new(File::create(draft)?);
    write_csv(&mut file, rows)?;
    file.flush()?;
    file.get_ref().sync_all()
}

/// Writes the rows as CSV, header first.
///
/// # Errors
/// Those of `out`.
pub fn write_csv<'a>(out: impl Write, rows: impl IntoIterator<Item = &'a PriceRow>) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(HEADER)?;
    for row in rows {
        let (scope_type, scope) = row.scope.columns();
        writer.write_record([
            row.provider.name(),
            &row.model_key,
            row.model_id.as_str(),
            &row.model_name,
            scope_type,
            scope,
            row.mode.name(),
            &row.ctx_min.0.to_string(),
            row.dimension.name(),
            row.price.unit(),
            &row.price.usd(),
            &row.effective_from,
            &row.as_of,
            &row.retrieved,
            &row.source,
            &row.note,
            &row.n_sources.to_string(),
            if row.agree { "yes" } else { "NO" },
            &row.all_values,
        ])?;
    }
    writer.flush()
}

fn no_csv(path: &Path, error: &csv::Error) -> CatalogError {
    CatalogError::Header { path: path.into(), reason: error.to_string() }
}

/// Texts that thousands of rows share are kept once.
#[derive(Default)]
struct Names(HashSet<Arc<str>>);

impl Names {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let fresh: Arc<str> = text.into();
        self.0.insert(fresh.clone());
        fresh
    }
}

/// One record, with what an error must name.
struct Fields<'a> {
    path: &'a Path,
    line: u64,
    record: &'a csv::StringRecord,
    names: &'a mut Names,
}

impl Fields<'_> {
    fn row(mut self) -> Result<PriceRow, CatalogError> {
        let scope = Scope::parse(self.text("scope_type"), self.text("scope"));
        Ok(PriceRow {
            provider: self.parsed("provider", Provider::parse)?,
            model_key: self.filled("model_key")?,
            model_id: ModelId::new(self.text("model_id")),
            model_name: self.name("model_name"),
            scope: scope.ok_or_else(|| self.refuse("scope", "not a known scope"))?,
            mode: self.parsed("mode", RowMode::parse)?,
            ctx_min: Tokens(self.parsed("ctx_min_tokens", |t| t.parse().ok())?),
            dimension: self.parsed("dimension", Dimension::parse)?,
            price: self.price()?,
            effective_from: self.name("effective_from"),
            as_of: self.filled("as_of")?,
            retrieved: self.filled("retrieved")?,
            source: self.filled("source")?,
            note: self.name("note"),
            n_sources: self.parsed("n_sources", |t| t.parse().ok())?,
            agree: self.parsed("agree", |t| match t {
                "yes" => Some(true),
                "NO" => Some(false),
                _ => None,
            })?,
            all_values: self.name("all_values"),
        })
    }

    fn price(&self) -> Result<Price, CatalogError> {
        let text = self.text("price_usd");
        let price = match self.text("unit") {
            "usd_per_1m_tokens" => Rate::parse_usd_per_million(text).map(Price::PerToken),
            "usd_per_mu_hour" => Money::parse_usd(text).map(Price::PerModelUnitHour),
            "usd_per_1k_tpm_hour" => Money::parse_usd(text).map(Price::PerThousandTpmHour),
            other => return Err(self.refuse("unit", &format!("{other:?} is no known unit"))),
        };
        price.map_err(|e| self.refuse("price_usd", &format!("{text:?} is {e}")))
    }

    fn text(&self, field: &'static str) -> &str {
        let at = HEADER.iter().position(|name| *name == field);
        at.and_then(|at| self.record.get(at)).unwrap_or_default()
    }

    fn name(&mut self, field: &'static str) -> Arc<str> {
        let at = HEADER.iter().position(|name| *name == field);
        let text = at.and_then(|at| self.record.get(at)).unwrap_or_default();
        self.names.get(text)
    }

    fn filled(&mut self, field: &'static str) -> Result<Arc<str>, CatalogError> {
        if self.text(field).is_empty() {
            return Err(self.refuse(field, "empty"));
        }
        Ok(self.name(field))
    }

    fn parsed<T>(&self, field: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<T, CatalogError> {
        let text = self.text(field);
        parse(text).ok_or_else(|| self.refuse(field, &format!("{text:?} is not one of its values")))
    }

    fn refuse(&self, field: &'static str, reason: &str) -> CatalogError {
        CatalogError::Field { path: self.path.into(), line: self.line, field, reason: reason.to_owned() }
    }
}

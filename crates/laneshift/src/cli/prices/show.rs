//! `laneshift prices show`: the rows that a filter leaves.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use comfy_table::{CellAlignment, Table};
use laneshift_catalog::prices::{Catalog, PriceRow, Provider, RowMode, Scope, write_csv};
use laneshift_units::ModelId;
use serde_json::json;

use super::{Format, open, place, print_table, table, what};

/// The most rows of a table; longer answers are for programs.
const TEXT_ROWS_MAX: usize = 400;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  laneshift prices show --model anthropic.claude-sonnet-4-6 --provider bedrock
  laneshift prices show --model 'Claude Sonnet 4.6' --mode batch --region us-east-1
  laneshift prices show --model NovaPro --format json
  laneshift prices show --format csv > catalog.csv")]
pub(super) struct ShowArgs {
    /// The model, in any spelling of a log, a bill or a price list.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Who sells: bedrock, bedrock_mantle, anthropic, claude_platform_on_aws, vertex, openai or azure_openai.
    #[arg(long, value_name = "PROVIDER", value_parser = provider)]
    provider: Option<Provider>,
    /// A region or the prefix of a geographic profile; prices that hold everywhere are shown beside its own.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// How it is bought: on_demand, batch, flex, priority, reserved_1_month, pt_no_commit and so on.
    #[arg(long, value_name = "MODE", value_parser = mode)]
    mode: Option<RowMode>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Another catalogue than the shipped one.
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
}

fn provider(text: &str) -> Result<Provider, String> {
    let names = || Provider::ALL.map(Provider::name).join(", ");
    Provider::parse(text).ok_or_else(|| format!("not one of {}", names()))
}

fn mode(text: &str) -> Result<RowMode, String> {
    RowMode::parse(text).ok_or_else(|| "not a mode such as on_demand, batch, flex or priority".to_owned())
}

pub(super) fn run(args: &ShowArgs, out: &mut dyn Write) -> Result<u8, Box<dyn Error>> {
    let catalog = open(args.catalog.as_ref())?;
    let rows = select(args, &catalog)?;
    match args.format {
        Format::Csv => write_csv(out, rows.iter().map(|at| &catalog.rows()[*at]))?,
        Format::Json => {
            let rows: Vec<_> = rows.iter().map(|at| as_json(&catalog, *at)).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
        }
        Format::Text => text(&catalog, &rows, out)?,
    }
    Ok(0)
}

fn select(args: &ShowArgs, catalog: &Catalog) -> Result<Vec<usize>, Box<dyn Error>> {
    let key = match &args.model {
        None => None,
        Some(name) => Some(catalog.model_key(&ModelId::new(name)).ok_or_else(|| {
            format!("find the model {name:?} in the price catalogue\nhint: laneshift prices show --format csv lists every model")
        })?),
    };
    let fits = |row: &PriceRow| {
        key.is_none_or(|key| *row.model_key == *key)
            && args.provider.is_none_or(|provider| row.provider == provider)
            && args.mode.is_none_or(|mode| row.mode == mode)
            && args.region.as_ref().is_none_or(|region| holds_in(row, region))
    };
    Ok((0..catalog.rows().len()).filter(|at| fits(&catalog.rows()[*at])).collect())
}

fn holds_in(row: &PriceRow, region: &str) -> bool {
    match &row.scope {
        Scope::Region(_) | Scope::Geo(_) | Scope::DataZone(_) => place(row) == region,
        Scope::ExtendedAccess | Scope::Regional | Scope::Global | Scope::Any | Scope::Unscoped => true,
    }
}

fn as_json(catalog: &Catalog, at: usize) -> serde_json::Value {
    let row = &catalog.rows()[at];
    let (scope_type, scope) = row.scope.columns();
    let doubts: Vec<_> = catalog
        .doubts(at)
        .iter()
        .map(|doubt| json!({"rule": doubt.rule, "explained": doubt.explained, "explanation": doubt.explanation}))
        .collect();
    json!({
        "provider": row.provider.name(),
        "model_key": &*row.model_key,
        "model_id": row.model_id.as_str(),
        "model_name": &*row.model_name,
        "scope_type": scope_type,
        "scope": scope,
        "mode": row.mode.name(),
        "ctx_min_tokens": row.ctx_min.0,
        "dimension": row.dimension.name(),
        "unit": row.price.unit(),
        "price_usd": row.price.usd(),
        "effective_from": &*row.effective_from,
        "as_of": &*row.as_of,
        "retrieved": &*row.retrieved,
        "source": &*row.source,
        "note": &*row.note,
        "doubts": doubts,
    })
}

fn text(catalog: &Catalog, rows: &[usize], out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    if rows.is_empty() {
        writeln!(out, "No price fits. A price that is not listed is not known; it is not zero.")?;
        return Ok(());
    }
    let shown = &rows[..rows.len().min(TEXT_ROWS_MAX)];
    let same_table = |a: &usize, b: &usize| {
        let (a, b) = (&catalog.rows()[*a], &catalog.rows()[*b]);
        (a.provider, &a.model_key, a.price.unit()) == (b.provider, &b.model_key, b.price.unit())
    };
    for group in shown.chunk_by(same_table) {
        let first = &catalog.rows()[group[0]];
        writeln!(out, "{}: {}, {}", first.provider.name(), catalog.display_name(&first.model_key), first.model_id)?;
        print_table(out, &prices(catalog, group))?;
        writeln!(out)?;
    }
    if shown.iter().any(|at| !catalog.doubts(*at).is_empty()) {
        writeln!(out, "? is doubted; laneshift prices check --all says why.")?;
    }
    if rows.len() > shown.len() {
        writeln!(out, "{} of {} prices. Narrow it with --model, or use --format csv.", shown.len(), rows.len())?;
    }
    Ok(())
}

fn prices(catalog: &Catalog, rows: &[usize]) -> Table {
    let unit = match catalog.rows()[rows[0]].price.unit() {
        "usd_per_mu_hour" => "USD a unit and hour",
        "usd_per_1k_tpm_hour" => "USD an hour for 1k tokens a minute",
        _ => "USD a million",
    };
    let mut table = table(["Where", "Mode", "Tokens", unit, "Source", "As of"]);
    for at in rows {
        let row = &catalog.rows()[*at];
        let doubt = if catalog.doubts(*at).is_empty() { "" } else { "?" };
        let price = format!("{}{doubt}", row.price.usd());
        table.add_row([place(row), row.mode.name(), &what(row), &price, &row.source, &row.as_of]);
    }
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

//! `laneshift prices check`: every rule against every price.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use laneshift_catalog::prices::{Catalog, Doubt, PriceRow, RULES};
use serde_json::json;

use super::{Format, open, place, print_table, table, what};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  laneshift prices check
  laneshift prices check --all
  laneshift prices check --strict --catalog catalog.csv
  laneshift prices check --format csv > doubts.csv

Exit code: 0, or 1 with --strict when a doubt has no explanation.")]
pub(super) struct CheckArgs {
    /// Lists explained doubts too.
    #[arg(long)]
    all: bool,
    /// Fails when a doubt has no explanation.
    #[arg(long)]
    strict: bool,
    /// How to print; json and csv always list every doubt.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Another catalogue than the shipped one.
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
}

pub(super) fn run(args: &CheckArgs, out: &mut dyn Write) -> Result<u8, Box<dyn Error>> {
    let catalog = open(args.catalog.as_ref())?;
    let doubts: Vec<(&PriceRow, &Doubt)> = catalog.all_doubts().map(|(at, doubt)| (&catalog.rows()[at], doubt)).collect();
    match args.format {
        Format::Text => text(&catalog, &doubts, args.all, out)?,
        Format::Json => {
            let doubts: Vec<_> = doubts.iter().map(|(row, doubt)| as_json(row, doubt)).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&doubts)?)?;
        }
        Format::Csv => csv(&doubts, out)?,
    }
    let unexplained = doubts.iter().any(|(_, doubt)| !doubt.explained);
    Ok(u8::from(args.strict && unexplained))
}

fn text(catalog: &Catalog, doubts: &[(&PriceRow, &Doubt)], all: bool, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let mut summary = table(["Rule", "Doubts", "Explained", "Unexplained"]);
    let count = |rule: &str, explained| doubts.iter().filter(|(_, d)| d.rule == rule && d.explained == explained).count();
    for rule in &RULES {
        let (explained, open) = (count(rule.name, true), count(rule.name, false));
        summary.add_row([rule.says.to_owned(), (explained + open).to_string(), explained.to_string(), open.to_string()]);
    }
    print_table(out, &summary)?;
    let open = doubts.iter().filter(|(_, doubt)| !doubt.explained).count();
    let barred = (0..catalog.rows().len()).filter(|at| catalog.is_barred(*at)).count();
    writeln!(
        out,
        "{} prices, {} doubts, {open} of them unexplained.\n{barred} prices are used only where no other can be.",
        catalog.rows().len(),
        doubts.len()
    )?;
    for (explained, title) in [(false, "Unexplained"), (true, "Explained")] {
        let listed: Vec<_> = doubts.iter().filter(|(_, doubt)| doubt.explained == explained).collect();
        if listed.is_empty() || explained && !all {
            continue;
        }
        writeln!(out, "\n{title}")?;
        let mut list = table(["Price", "Doubt"]);
        for (row, doubt) in listed {
            list.add_row([price(row), format!("{}: {}", doubt.rule, doubt.explanation)]);
        }
        print_table(out, &list)?;
    }
    Ok(())
}

/// A row in a few words: who, what, where, how, how much, who says so and when.
fn price(row: &PriceRow) -> String {
    let (provider, mode, usd) = (row.provider.name(), row.mode.name(), row.price.usd());
    let (model, place, what) = (&row.model_id, place(row), what(row));
    format!("{provider} {model} {place} {mode} {what}: {usd} ({}, {})", row.source, row.as_of)
}

fn as_json(row: &PriceRow, doubt: &Doubt) -> serde_json::Value {
    json!({
        "rule": doubt.rule,
        "explained": doubt.explained,
        "explanation": doubt.explanation,
        "provider": row.provider.name(),
        "model_id": row.model_id.as_str(),
        "scope": place(row),
        "mode": row.mode.name(),
        "ctx_min_tokens": row.ctx_min.0,
        "dimension": row.dimension.name(),
        "price_usd": row.price.usd(),
        "unit": row.price.unit(),
        "source": &*row.source,
        "as_of": &*row.as_of,
        "all_values": &*row.all_values,
    })
}

fn csv(doubts: &[(&PriceRow, &Doubt)], out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    const HEADER: [&str; 14] = [
        "rule",
        "explained",
        "explanation",
        "provider",
        "model_id",
        "scope",
        "mode",
        "ctx_min_tokens",
        "dimension",
        "price_usd",
        "unit",
        "source",
        "as_of",
        "all_values",
    ];
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(HEADER)?;
    for (row, doubt) in doubts {
        let record = as_json(row, doubt);
        let field = |name: &&str| match &record[*name] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        writer.write_record(HEADER.iter().map(field))?;
    }
    writer.flush()?;
    Ok(())
}

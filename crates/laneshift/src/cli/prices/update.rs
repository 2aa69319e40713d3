//! `laneshift prices update`: AWS's own list beside the catalogue, and into it.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use laneshift_catalog::prices::{Catalog, Change, Offer, PriceRow, diff, merge, read_offer, write};
use laneshift_units::Timestamp;

use super::{place, print_table, table, what};

/// The largest price list; AWS's for all regions has 16 MB.
const LIST_BYTES_MAX: u64 = 64 << 20;
/// The longest wait for one.
const FETCH_TIMEOUT: Duration = Duration::from_secs(120);
/// The most changes of one kind that are shown.
const CHANGES_SHOWN_MAX: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  laneshift prices update offer.json --catalog catalog.csv
  laneshift prices update offer.json --catalog catalog.csv --yes
  laneshift prices update --catalog catalog.csv --yes \\
    https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonBedrock/current/us-east-1/index.json

A price list is a bulk offer file of AmazonBedrock or AmazonBedrockFoundationModels, or an answer of
`aws pricing get-products`. A price that the list leaves out stays. Without --yes nothing is written.")]
pub(super) struct UpdateArgs {
    /// Price lists, later ones winning: files, or http and https addresses.
    #[arg(required = true, value_name = "FILE|URL")]
    lists: Vec<String>,
    /// The catalogue to update; begun from the shipped one when the file does not exist.
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Writes the catalogue after showing the difference.
    #[arg(long, requires = "catalog")]
    yes: bool,
}

pub(super) fn run(args: &UpdateArgs, now: Timestamp, out: &mut dyn Write) -> Result<u8, Box<dyn Error>> {
    let base = match &args.catalog {
        Some(path) if path.exists() => Catalog::open(path)?,
        Some(_) | None => Catalog::shipped()?,
    };
    let (year, month, day) = now.civil_date();
    let today = format!("{year:04}-{month:02}-{day:02}");
    let mut rows = base.rows().to_vec();
    for list in &args.lists {
        let offer = read_offer(&read(list)?, &base, &today).map_err(|error| format!("{list}: {error}"))?;
        report(list, &offer, out)?;
        rows = merge(&rows, &offer.rows);
    }
    let changes = diff(base.rows(), &rows);
    show(&changes, out)?;
    match &args.catalog {
        Some(path) if args.yes => {
            write(path, &rows)?;
            writeln!(out, "Wrote {} prices to {}.", rows.len(), path.display())?;
        }
        Some(_) => writeln!(out, "Nothing is written.\nhint: add --yes")?,
        None => writeln!(out, "Nothing is written.\nhint: add --catalog catalog.csv --yes")?,
    }
    Ok(0)
}

/// The bytes of a price list.
fn read(list: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let bytes = match list.split_once("://") {
        Some(("http" | "https", _)) => fetch(list).map_err(|error| format!("fetch {list}: {error}"))?,
        Some((scheme, _)) => return Err(format!("fetch {list}: {scheme} is neither http nor https").into()),
        None => read_file(Path::new(list)).map_err(|error| format!("read {list}: {error}"))?,
    };
    if bytes.len() as u64 > LIST_BYTES_MAX {
        return Err(format!("read {list}: larger than 64 MB").into());
    }
    Ok(bytes)
}

fn fetch(url: &str) -> Result<Vec<u8>, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(FETCH_TIMEOUT)).build().into();
    agent.get(url).call()?.body_mut().with_config().limit(LIST_BYTES_MAX).read_to_vec()
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LIST_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a list held, and what found no place.
fn report(list: &str, offer: &Offer, out: &mut dyn Write) -> std::io::Result<()> {
    let left_out: usize = offer.unmapped.iter().map(|unmapped| unmapped.count).sum();
    let (prices, published) = (offer.rows.len(), &offer.published);
    writeln!(out, "{list}: published {published}, {prices} prices read, {left_out} not placed.")?;
    if !offer.unmapped.is_empty() {
        let mut reasons = table(["Not placed because", "Prices", "The first"]);
        for unmapped in &offer.unmapped {
            reasons.add_row([&unmapped.reason, &unmapped.count.to_string(), &unmapped.example]);
        }
        print_table(out, &reasons)?;
    }
    Ok(())
}

fn show(changes: &[Change], out: &mut dyn Write) -> std::io::Result<()> {
    if changes.is_empty() {
        return writeln!(out, "No price changes.");
    }
    let mut list = table(["Price", "Was", "Is", "Source, as of"]);
    for change in changes.iter().take(CHANGES_SHOWN_MAX) {
        let dash = || "-".to_owned();
        let (row, was, is) = match change {
            Change::Added(row) => (row, dash(), row.price.usd()),
            Change::Changed { old, new } => (new, old.price.usd(), new.price.usd()),
            Change::Gone(row) => (row, row.price.usd(), dash()),
        };
        list.add_row([name(row), was, is, format!("{}, {}", row.source, row.as_of)]);
    }
    print_table(out, &list)?;
    let added = changes.iter().filter(|change| matches!(change, Change::Added(_))).count();
    let changed = changes.iter().filter(|change| matches!(change, Change::Changed { .. })).count();
    let gone = changes.len() - added - changed;
    writeln!(out, "{added} added, {changed} changed, {gone} gone.")?;
    if changes.len() > CHANGES_SHOWN_MAX {
        writeln!(out, "The first {CHANGES_SHOWN_MAX} are shown.")?;
    }
    Ok(())
}

fn name(row: &PriceRow) -> String {
    format!("{} {} {} {}", row.model_id, place(row), row.mode.name(), what(row))
}

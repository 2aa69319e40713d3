//! `laneshift prices`: what the catalogue says, whether it can be relied on, and what AWS's own list says today.

mod check;
mod show;
mod update;

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use laneshift_catalog::prices::{Catalog, PriceRow};
use laneshift_units::Timestamp;

/// The width of a table, for terminals and mail alike.
const COLUMNS: u16 = 80;

/// Shows, checks and updates the prices that everything else is computed with.
#[derive(Debug, Args)]
pub(crate) struct PricesArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists prices, each with its source and date.
    Show(show::ShowArgs),
    /// Holds every price to the rules and names what is doubted.
    Check(check::CheckArgs),
    /// Reads AWS's price list, shows what it changes, and writes the catalogue.
    Update(update::UpdateArgs),
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables of 80 columns.
    Text,
    /// One JSON array.
    Json,
    /// CSV with a header.
    Csv,
}

/// Runs the command and returns the exit code. `now` dates what is read.
///
/// # Errors
/// A catalogue or price list that cannot be read or written, a model that is not known, or `out` itself.
pub(crate) fn run(args: &PricesArgs, now: Timestamp, out: &mut dyn Write) -> Result<u8, Box<dyn Error>> {
    match &args.command {
        Command::Show(args) => show::run(args, out),
        Command::Check(args) => check::run(args, out),
        Command::Update(args) => update::run(args, now, out),
    }
}

/// The catalogue of the file, or the shipped one.
fn open(path: Option<&PathBuf>) -> Result<Catalog, Box<dyn Error>> {
    Ok(match path {
        Some(path) => Catalog::open(Path::new(path))?,
        None => Catalog::shipped()?,
    })
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(COLUMNS).set_header(header);
    table
}

/// The table without the blanks that fill its last column.
fn print_table(out: &mut dyn Write, table: &Table) -> std::io::Result<()> {
    table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

/// Where a row holds, in one word.
fn place(row: &PriceRow) -> &str {
    row.scope.columns().1
}

/// What a row prices, in a few words: `input from 200000`.
fn what(row: &PriceRow) -> String {
    match row.ctx_min.0 {
        0 => row.dimension.name().to_owned(),
        from => format!("{} from {from}", row.dimension.name()),
    }
}

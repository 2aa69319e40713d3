//! Writes Acme's month to a folder and prints what it adds up to: `cargo run -p laneshift-example --example write_example -- OUT`.

use std::path::PathBuf;

use laneshift_example::{acme, totals, write_example};
use laneshift_units::Money;

/// The seed of the example that ships.
const SEED: u64 = 20_261_001;

fn main() -> std::io::Result<()> {
    let out = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "acme".to_owned()));
    let company = acme(SEED);
    let written = write_example(&company, &out)?;
    println!("{written:?}\n");
    println!("| workload | key | records | M tokens | list cost | can wait |\n|---|---|---|---|---|---|");
    let (mut records, mut tokens, mut cost, mut tolerant) = (0, 0, Money::ZERO, Money::ZERO);
    for t in totals(&company) {
        let total = t.usage.total().0;
        println!("| {} | {} | {} | {:.1} | {} | {} |", t.name, t.key, t.records, total as f64 / 1e6, t.cost, t.tolerant_cost);
        (records, tokens) = (records + t.records, tokens + total);
        (cost, tolerant) = (cost + t.cost, tolerant + t.tolerant_cost);
    }
    println!("| sum | | {records} | {:.1} | {cost} | {tolerant} |", tokens as f64 / 1e6);
    Ok(())
}

//! What a price list must satisfy, one rule a function, and what a row that does not is doubted for.
//!
//! Promises: every rule looks at one row and its neighbours in the catalogue and at nothing else; a row is kept and
//! flagged, never repaired.

use laneshift_units::{PriceMode, Tokens};

use super::catalog::Place;
use super::{Catalog, Dimension, PriceRow, Provider, RowMode, Scope, conflicts};

/// Why a price is not simply relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The row, as a place in [`Catalog::rows`]; `None` when it is a row that is missing.
    pub row: Option<usize>,
    /// The rule's name.
    pub rule: &'static str,
    /// What was seen, and what resolves it.
    pub explanation: String,
    /// Whether the explanation settles which price is right.
    pub explained: bool,
}

impl Doubt {
    pub(super) fn about_no_row(rule: &'static str, explanation: String) -> Self {
        Self { row: None, rule, explanation, explained: false }
    }
}

/// What a rule found against a row.
struct Found {
    explanation: String,
    explained: bool,
}

/// A rule that every row is held to.
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Whether a row that breaks it may price only where no other row can.
    pub bars: bool,
    broken: fn(&Catalog, &PriceRow) -> Option<Found>,
}

/// Every rule.
pub const RULES: [Rule; 11] = [
    Rule { name: "marked_wrong", says: "the collector did not mark the row as wrong", bars: true, broken: marked_wrong },
    Rule {
        name: "batch_at_most_standard",
        says: "batch costs at most the standard price",
        bars: true,
        broken: batch_at_most_standard,
    },
    Rule {
        name: "flex_at_most_standard",
        says: "flex costs at most the standard price",
        bars: true,
        broken: flex_at_most_standard,
    },
    Rule {
        name: "output_at_least_input",
        says: "output costs at least what input costs",
        bars: true,
        broken: output_at_least_input,
    },
    Rule {
        name: "priority_at_least_standard",
        says: "priority costs at least the standard price",
        bars: false,
        broken: priority_at_least_standard,
    },
    Rule {
        name: "regional_is_global_times_1_1",
        says: "on newer models a region or geography costs 1.1 times the global profile",
        bars: false,
        broken: regional_is_global_times_1_1,
    },
    Rule {
        name: "reserved_is_on_demand",
        says: "a month reserved costs on-demand at full use, three months 0.9 of it",
        bars: false,
        broken: reserved_is_on_demand,
    },
    Rule {
        name: "cache_read_at_most_input",
        says: "reading the cache costs at most uncached input",
        bars: false,
        broken: cache_read_at_most_input,
    },
    Rule {
        name: "cache_write_at_least_input",
        says: "writing the cache costs at least uncached input",
        bars: false,
        broken: cache_write_at_least_input,
    },
    Rule {
        name: "longer_context_is_not_cheaper",
        says: "a longer context costs at least what a shorter one costs",
        bars: false,
        broken: longer_context_is_not_cheaper,
    },
    Rule { name: "sources_agree", says: "the sources agree on the price", bars: false, broken: sources_agree },
];

/// Everything the rules hold against a row, and whether one of them bars it.
pub(super) fn judge(catalog: &Catalog, at: usize) -> (Vec<Doubt>, bool) {
    let row = &catalog.rows()[at];
    let mut barred = false;
    let mut doubts = Vec::new();
    for rule in &RULES {
        if let Some(found) = (rule.broken)(catalog, row) {
            barred |= rule.bars;
            // What a wrong row breaks besides needs no explanation of its own.
            let explained = found.explained || row.is_marked_wrong();
            doubts.push(Doubt { row: Some(at), rule: rule.name, explanation: found.explanation, explained });
        }
    }
    (doubts, barred)
}

fn marked_wrong(_: &Catalog, row: &PriceRow) -> Option<Found> {
    row.is_marked_wrong().then(|| Found { explanation: row.note.to_string(), explained: true })
}

fn batch_at_most_standard(catalog: &Catalog, row: &PriceRow) -> Option<Found> {
    dearer_than_standard(catalog, row, PriceMode::Batch)
}

fn flex_at_most_standard(catalog: &Catalog, row: &PriceRow) -> Option<Found> {
    dearer_than_standard(catalog, row, PriceMode::Flex)
}

fn dearer_than_standard(catalog: &Catalog, row: &PriceRow, mode: PriceMode) -> Option<Found> {
    let standard = standard_of(catalog, row, mode)?;
    (row.price.amount() > standard.price.amount()).then(|| unexplained(row, "is dearer than the standard", standard))
}

fn priority_at_least_standard(catalog: &Catalog, row: &PriceRow) -> Option<Found> {
    let standard = standard_of(catalog, row, PriceMode::Priority)?;
    (row.price.amount() < standard.price.amount()).then(|| unexplained(row, "is cheaper than the standard", standard))
}

fn output_at_least_input(catalog: &Catalog, row: &PriceRow) -> Option<Found> {
    if row.dimension != Dimension::Output || row.price.amount().pico() == 0 {
        return None;
    }
    let input = neighbour(catalog, row, |place| place.dimension = Dimension::Input)?;
    (row.price.amount() < input.price.amount()).then(|| unexplained(row, "is below the input's", input))
}

fn regional_is_global_times_1_1(catalog: &Catalog, row: &PriceRow) -> Option<Found> {
    let uplift = uplift_percent(row)?;
    let global = neighbour(catalog, row, |place| place.scope = Scope::Global)?;
    let wanted = global.price.amount().times(100 + uplift);
    (row.price.amount().times(100) != wanted).then(|| {
        let says = format!("is not 1.{} times the global profile's", uplift / 10);
        unexplained(row, &says, global)
    })
}

/// By how much a place is dearer than the global profile, where the model follows that rule.
// AWS, Claude and GPT rate cards and price list as of 2026-10: 10 % in regions and geographies, 20 % in GovCloud.
fn uplift_percent(row: &PriceRow) -> Option<u64> {
    let newer_claude = row.model_key.starts_with("claude")
        && ["45", "46", "47", "48", "5"].iter().any(|n| row.model_key.contains(&format!("{}{n}", family(&row.model_key))));
    let newer_gpt = ["gpt56", "gpt6"].iter().any(|stem| row.model_key.starts_with(stem));
    // Nova 2 follows the rule at home; other regions have base prices of their own.
    let nova_2 = row.model_key.starts_with("nova2");
    let place = match &row.scope {
        Scope::Region(region) => region.as_str(),
        Scope::Geo(prefix) => prefix,
        Scope::Regional => "",
        Scope::ExtendedAccess | Scope::Global | Scope::DataZone(_) | Scope::Any | Scope::Unscoped => return None,
    };
    if row.provider != Provider::Bedrock || !(newer_claude || newer_gpt || nova_2) {
        return None;
    }
    match place {
        "" | "us" | "us-east-1" | "us-east-2" | "us-west-2" => Some(10),
        _ if nova_2 => None,
        _ if place.starts_with("us-gov") => Some(20),
        _ => Some(10),
    }
}

fn family(key: &str) -> &'static str {
    ["fable", "haiku", "mythos", "opus", "sonnet"].into_iter().find(|f| key.contains(f)).unwrap_or("claude")
}

fn reserved_is_on_demand(catalog: &Catalog, row: &PriceRow) -> Option<Found> {
    // Of on-demand at full use; AWS, "Amazon Bedrock pricing", scraped 2026-07-24.
    let per_mille = match row.mode {
        RowMode::Reserved1Month => 1000,
        RowMode::Reserved3Month => 900,
        RowMode::Token(_) | RowMode::Ultrafast | RowMode::PtNoCommit | RowMode::Pt1Month | RowMode::Pt6Month => {
            return None;
        }
    };
    let counted = match row.dimension {
        Dimension::InputTpm => Dimension::Input,
        Dimension::OutputTpm => Dimension::Output,
        _ => return None,
    };
    let on_demand = neighbour(catalog, row, |place| {
        place.mode = RowMode::Token(PriceMode::OnDemand);
        place.dimension = counted;
    })?;
    // A thousand tokens a minute are 60,000 tokens an hour.
    let full_use = on_demand.price.rate()?.cost(Tokens(60_000)).per_mille(per_mille);
    (row.price.amount() != full_use).then(|| unexplained(row, "is not full use at", on_demand))
}

fn cache_read_at_most_input(catalog: &Catalog, row: &PriceRow) -> Option<Found> {
    if row.dimension != Dimension::CacheRead {
        return None;
    }
    let input = neighbour(catalog, row, |place| place.dimension = Dimension::Input)?;
    (row.price.amount() > input.price.amount()).then(|| unexplained(row, "is above the input's", input))
}

fn cache_write_at_least_input(catalog: &Catalog, row: &PriceRow) -> Option<Found> {
    let write = matches!(
        row.dimension,
        Dimension::CacheWrite5m | Dimension::CacheWrite30m | Dimension::CacheWrite1h | Dimension::CacheWrite12h
    );
    if !write || row.price.amount().pico() == 0 {
        return None;
    }
    let input = neighbour(catalog, row, |place| place.dimension = Dimension::Input)?;
    if row.price.amount() >= input.price.amount() {
        return None;
    }
    let read = neighbour(catalog, row, |place| place.dimension = Dimension::CacheRead);
    let is_read = read.is_some_and(|read| {
        // A cent apart: one of the two is rounded.
        (read.price.amount().pico() - row.price.amount().pico()).abs() < 10_000_000_000
    });
    if is_read {
        let explanation = format!("{} files the price of a cache read as a write", row.source);
        return Some(Found { explanation, explained: true });
    }
    Some(unexplained(row, "is below the input's", input))
}

fn longer_context_is_not_cheaper(catalog: &Catalog, row: &PriceRow) -> Option<Found> {
    if row.ctx_min.0 == 0 {
        return None;
    }
    let short = neighbour(catalog, row, |place| place.ctx_min.0 = 0)?;
    (row.price.amount() < short.price.amount()).then(|| unexplained(row, "is below the short context's", short))
}

fn sources_agree(catalog: &Catalog, row: &PriceRow) -> Option<Found> {
    if row.agree {
        return None;
    }
    Some(match conflicts::explain(catalog, row) {
        Some(explanation) => Found { explanation, explained: true },
        None => Found { explanation: format!("unexplained: priced with a doubt ({})", row.all_values), explained: false },
    })
}

fn standard_of<'a>(catalog: &'a Catalog, row: &PriceRow, mode: PriceMode) -> Option<&'a PriceRow> {
    if row.mode != RowMode::Token(mode) {
        return None;
    }
    neighbour(catalog, row, |place| place.mode = RowMode::Token(PriceMode::OnDemand))
}

/// The row that differs from this one only in what `change` changes; rows marked wrong are no measure.
pub(super) fn neighbour<'a>(catalog: &'a Catalog, row: &PriceRow, change: impl FnOnce(&mut Place)) -> Option<&'a PriceRow> {
    let mut place = Place::of(row);
    change(&mut place);
    catalog.at(&place).map(|at| &catalog.rows()[at]).filter(|other| !other.is_marked_wrong())
}

fn unexplained(row: &PriceRow, says: &str, other: &PriceRow) -> Found {
    let explanation = format!("unexplained: priced with a doubt ({} {says} {})", row.price.usd(), other.price.usd());
    Found { explanation, explained: false }
}

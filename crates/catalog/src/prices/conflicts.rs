//! Why sources name different prices for the same tokens, one reason a function.
//!
//! Promises: a reason is given only when the numbers in the catalogue bear it out. Leaves out: picking another price;
//! the row keeps the one that its collector resolved to.

use laneshift_units::{Money, PriceMode, Region};

use super::rules::neighbour;
use super::{Catalog, Dimension, Price, PriceRow, Provider, RowMode, Scope};

/// A price that a source names beside the row's own.
struct Rival<'a> {
    source: &'a str,
    price: Money,
}

type Reason = fn(&Catalog, &PriceRow, &Rival<'_>) -> Option<String>;

/// The reasons, tried in this order; the first that holds for a rival price is its explanation.
const REASONS: [Reason; 12] = [
    other_profile_rate,
    azure_data_zone_uplift,
    mis_keyed_card,
    per_second_price,
    rounded,
    another_models_rate,
    launch_price,
    gemini_api_price,
    usual_step_of_the_region,
    half_of_a_rival,
    confirmed_by_price_list,
    batch_price,
];

/// The reason for the disagreement over a row; `None` when one of the rival prices has none.
pub(super) fn explain(catalog: &Catalog, row: &PriceRow) -> Option<String> {
    let rivals = rivals(row)?;
    let reasons: Option<Vec<String>> =
        rivals.iter().map(|rival| REASONS.iter().find_map(|reason| reason(catalog, row, rival))).collect();
    reasons.filter(|reasons| !reasons.is_empty()).map(|reasons| reasons.join("; "))
}

/// The prices in `all_values` that are not the row's; `None` when the text cannot be read.
fn rivals(row: &PriceRow) -> Option<Vec<Rival<'_>>> {
    let named = row.all_values.split(" | ").map(|value| {
        let (source, price) = value.rsplit_once('=')?;
        Some(Rival { source, price: Money::parse_usd(price).ok()? })
    });
    let named: Option<Vec<_>> = named.collect();
    named.map(|all| all.into_iter().filter(|rival| rival.price != row.price.amount()).collect())
}

/// Global profiles cost 10 % less than regions and geographies on newer models, and sources mix the two.
fn other_profile_rate(_: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    if row.provider != Provider::Bedrock {
        return None;
    }
    let own = row.price.amount();
    let (usd, theirs) = (row.price.usd(), rival.price.to_exact_string());
    match row.scope {
        Scope::Geo(_) | Scope::Regional if rival.price.times(11) == own.times(10) => {
            Some(format!("{} carries the global rate for a geo row: {theirs} x 1.1 = {usd}", rival.source))
        }
        Scope::Unscoped if own.times(11) == rival.price.times(10) => {
            Some(format!("{} carries the in-region rate: {usd} x 1.1 = {theirs}", rival.source))
        }
        _ => None,
    }
}

fn azure_data_zone_uplift(_: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    let uplifted = row.provider == Provider::AzureOpenai && row.price.amount().times(11) == rival.price.times(10);
    uplifted.then(|| format!("Azure regional uplift 10 %: {} carries {}", rival.source, rival.price.to_exact_string()))
}

/// A rate card whose output row holds the input price of short requests.
fn mis_keyed_card(catalog: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    if !rival.source.starts_with("aws-ratecard") || row.dimension != Dimension::Output {
        return None;
    }
    let input = neighbour(catalog, row, |place| {
        place.dimension = Dimension::Input;
        place.ctx_min.0 = 0;
    })?;
    (input.price.amount() == rival.price)
        .then(|| format!("transposed: the card's output row holds the input price {}", input.price.usd()))
}

/// A price a second, cut to few decimals, times 3600.
fn per_second_price(_: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    if !matches!(row.price, Price::PerModelUnitHour(_)) || !rival.source.starts_with("litellm") {
        return None;
    }
    // litellm keeps five decimals of a dollar a second; half of the last one is 0.018 dollars an hour.
    let cut = differ_by_at_most(row.price.amount(), rival.price, 18_000_000_000);
    cut.then(|| format!("legacy pt price per second x3600: {}", rival.price.to_exact_string()))
}

/// One source prints fewer decimals than the other.
fn rounded(_: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    let own = row.price.amount();
    let unit = match row.price {
        // The pricing page of 2025 prints whole dollars for model units.
        Price::PerModelUnitHour(_) => 1_000_000_000_000,
        // Cents.
        Price::PerToken(_) | Price::PerThousandTpmHour(_) => 10_000_000_000,
    };
    let rounds_to = |fine: Money, coarse: Money| coarse.pico() % unit == 0 && differ_by_at_most(fine, coarse, unit / 2);
    if rounds_to(rival.price, own) {
        Some(format!("{} rounds {}", row.source, rival.price.to_exact_string()))
    } else if rounds_to(own, rival.price) {
        Some(format!("{} rounds to {}", rival.source, rival.price.to_exact_string()))
    } else {
        None
    }
}

/// A source that files the price of a neighbour in the family under this model.
fn another_models_rate(catalog: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    // Neighbours that a source has been seen to mix up.
    const NEIGHBOURS: [(&str, &str); 2] = [("claudeopus46", "claudeopus41"), ("qwen3codernext", "qwen3coder480ba35b")];
    let (_, neighbour_key) = NEIGHBOURS.iter().find(|(own, _)| *own == &*row.model_key)?;
    let rows = catalog.model_rows(Provider::Bedrock, neighbour_key).iter().map(|at| &catalog.rows()[*at]);
    let mut alike = rows.filter(|other| (other.mode, other.dimension) == (row.mode, row.dimension));
    let other = alike.find(|other| {
        let price = other.price.amount();
        price == rival.price || price.times(11) == rival.price.times(10)
    })?;
    Some(format!("{} carries the price of {}", rival.source, other.model_id))
}

/// A source that kept the price of the model's first months.
fn launch_price(_: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    let input = match row.dimension {
        Dimension::Input => true,
        Dimension::Output => false,
        _ => return None,
    };
    match &*row.model_key {
        // Amazon Bedrock, autumn 2023: Claude Instant at 1.63 and 5.51 dollars a million, times the region's factor.
        // Recalled, not fetched: it explains a price of a retired model and prices nothing.
        "claudeinstant" => {
            let launch: i128 = if input { 1_630_000_000_000 } else { 5_510_000_000_000 };
            let half_a_cent = 5_000_000_000;
            let percent = (rival.price.pico() * 100 + launch / 2) / launch;
            let fits = differ_by_at_most(Money::from_pico(launch * percent / 100), rival.price, half_a_cent);
            (fits && (100..=200).contains(&percent)).then(|| {
                format!("{} keeps the price of 2023: {} x {percent} %", rival.source, Money::from_pico(launch).to_exact_string())
            })
        }
        // Anthropic cut Claude 3.5 Haiku from 1 and 5 to 0.80 and 4 dollars a million a month after its launch in 2024.
        "claude35haiku" => (row.price.amount().times(5) == rival.price.times(4))
            .then(|| format!("{} keeps the launch price {}", rival.source, rival.price.to_exact_string())),
        _ => None,
    }
}

/// Gemini has a price on Google's own API and another on Vertex; half of the second is the batch price of the same source.
fn gemini_api_price(catalog: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    if row.provider != Provider::Vertex || !row.model_key.starts_with("gemini") {
        return None;
    }
    let batch = neighbour(catalog, row, |place| place.mode = RowMode::Token(PriceMode::Batch))?;
    (batch.price.amount().times(2) == rival.price && *batch.source == *rival.source)
        .then(|| format!("{} carries the Gemini API's price; {} is Vertex's", row.source, rival.price.to_exact_string()))
}

/// Two SKUs in one region: the rival follows the step that the region adds to other models of the same base price.
fn usual_step_of_the_region(catalog: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    let Scope::Region(region) = &row.scope else { return None };
    let base = neighbour(catalog, row, |place| place.scope = Scope::Unscoped)?;
    let us = Scope::Region(Region::new("us-east-1"));
    let peer = catalog.rows().iter().find(|peer| {
        peer.provider == Provider::Bedrock
            && peer.model_key != row.model_key
            && peer.scope == row.scope
            && peer.price.amount() == rival.price
            && neighbour(catalog, peer, |place| place.scope = us.clone()).is_some_and(|home| home.price == base.price)
    })?;
    Some(format!(
        "two SKUs: {} follows the step of {region}, where {} also goes from {} to {}",
        rival.source,
        peer.model_id,
        base.price.usd(),
        rival.price.to_exact_string()
    ))
}

/// A batch price that is half of the rival's own on-demand price, whose difference is explained by itself.
fn half_of_a_rival(catalog: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    if row.mode != RowMode::Token(PriceMode::Batch) {
        return None;
    }
    let standard = neighbour(catalog, row, |place| place.mode = RowMode::Token(PriceMode::OnDemand))?;
    let its_own = rivals(standard)?.into_iter().find(|standard| standard.source == rival.source)?;
    let half_a_cent = 5_000_000_000;
    let is_half = differ_by_at_most(its_own.price.scaled(1, 2), rival.price, half_a_cent);
    is_half.then(|| explain(catalog, standard)).flatten().map(|reason| format!("half of on-demand; {reason}"))
}

/// A source that does not say where its price holds, against AWS's own list for the first region.
fn confirmed_by_price_list(catalog: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    if row.provider != Provider::Bedrock || row.scope != Scope::Unscoped {
        return None;
    }
    let home = neighbour(catalog, row, |place| place.scope = Scope::Region(Region::new("us-east-1")))?;
    if !home.source.starts_with("aws-pricelist") {
        return None;
    }
    let says = |whose: &str| format!("AWS's price list of {} for us-east-1 says {}, as {whose}", home.as_of, home.price.usd());
    if home.price == row.price {
        Some(format!("{}; {} stands alone with {}", says(&row.source), rival.source, rival.price.to_exact_string()))
    } else if home.price.amount() == rival.price {
        Some(format!("{}; use the region's row", says(rival.source)))
    } else {
        None
    }
}

fn batch_price(catalog: &Catalog, row: &PriceRow, rival: &Rival<'_>) -> Option<String> {
    let batch = neighbour(catalog, row, |place| place.mode = RowMode::Token(PriceMode::Batch))?;
    (batch.price.amount() == rival.price).then(|| format!("{} carries the batch price", rival.source))
}

const fn differ_by_at_most(a: Money, b: Money, pico: i128) -> bool {
    (a.pico() - b.pico()).abs() <= pico
}

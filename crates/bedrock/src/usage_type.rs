//! Reads the usage type of a bill line or of a price list entry: what was metered, of which model, in which mode.
//!
//! Promises: never panics; a usage type with a word it does not know is [`Kind::Other`], never tokens at a guessed
//! price; AWS's spelling of the model is kept. Leaves out: which model id a spelling means, and what it costs.
//!
//! Three families are read:
//! - billed by AWS: `USE1-Nova2.0Lite-input-tokens-cross-region-global-batch`;
//! - bedrock-mantle: `USE1-qwen.qwen3-32b-mantle-output-tokens-flex`;
//! - billed through AWS Marketplace: `USE1-MP:USE1_InputTokenCount_Global_Batch-Units` and
//!   `USE1-MP:USE1_cache_write_tokens_1h_global_standard-Units`, where the model is only in the product name.
//!
//! Sources: AWS Price List offers AmazonBedrock, AmazonBedrockFoundationModels and AmazonBedrockService, as quoted by
//! public readers of them; AWS, "Understanding your Amazon Bedrock CUR data". Read 2026-11-23.

mod meter;
mod region_code;
#[cfg(test)]
mod tests;

pub use region_code::region_of_code;

use laneshift_units::{PriceMode, Region, TokenClass};
use meter::{MODALITIES, Meter, mode_word, read_meter, words};
use region_code::split_code;

/// What a usage type says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageType {
    /// The region that the code stands for; `None` for a code that is not in the table, or none.
    pub region: Option<Region>,
    /// The billing code of the region as written (`USE1`, `EU`); empty when there is none.
    pub region_code: String,
    /// The model as AWS spells it here: `Nova2.0Lite`, `qwen.qwen3-32b`, or `Claude Sonnet 4.6` from a product name.
    pub model: Option<String>,
    /// What was metered.
    pub kind: Kind,
    /// The mode that tokens were bought in. [`PriceMode::OnDemand`] when the kind is not tokens.
    pub mode: PriceMode,
    /// Through the global inference profile.
    pub global: bool,
    /// The dearer price of a long prompt.
    pub long_context: bool,
    /// Through the bedrock-mantle endpoint.
    pub mantle: bool,
    /// A customised model, served on demand.
    pub custom_model: bool,
    /// Sold through AWS Marketplace.
    pub marketplace: bool,
}

/// What a usage type meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Text tokens of one class.
    Token(TokenClass),
    /// Reserved capacity in thousands of tokens a minute, by the hour.
    ReservedTpm {
        /// Output tokens; otherwise input.
        output: bool,
        /// Months committed to.
        months: u8,
    },
    /// Provisioned Throughput in model units, by the hour.
    ModelUnit {
        /// Months committed to; `None` without commitment.
        commitment_months: Option<u8>,
    },
    /// Images, made or read.
    Image,
    /// Search or rerank units.
    Search,
    /// Anything else, and tokens with a qualifier that is not known here.
    Other,
}

/// The longest usage type that is read; AWS's are under 120 bytes.
const USAGE_TYPE_BYTES_MAX: usize = 512;

/// AWS's suffix on the product name of a model sold through Marketplace.
const EDITION: &str = "(Amazon Bedrock Edition)";

/// Reads a usage type. The product name is needed for Marketplace rows only, where it alone names the model.
///
/// `None` when the text carries neither a region code, nor the Marketplace mark, nor a meter known here: it is no
/// usage type of Bedrock. A usage type of another service (`USE1-BoxUsage`) reads as [`Kind::Other`]; the caller
/// knows the service.
///
/// ```
/// use laneshift_bedrock::usage_type::{Kind, parse};
/// use laneshift_units::{PriceMode, TokenClass};
///
/// let read = parse("EU-Nova2.0Lite-input-tokens-cross-region-global-batch", None).expect("a usage type");
/// assert_eq!(read.region.expect("a known code").as_str(), "eu-west-1");
/// assert_eq!((read.kind, read.mode, read.global), (Kind::Token(TokenClass::Input), PriceMode::Batch, true));
/// ```
pub fn parse(usage_type: &str, product_name: Option<&str>) -> Option<UsageType> {
    let text = usage_type.trim();
    if text.is_empty() || text.len() > USAGE_TYPE_BYTES_MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let (outer, rest) = split_code(text, '-');
    if let Some(dimension) = rest.strip_prefix("MP:") {
        return Some(marketplace(outer, dimension, product_name));
    }
    if outer.is_none() && split_code(text, '_').0.is_some() {
        return Some(marketplace(None, text, product_name));
    }
    let (model, meter) = split_model(rest);
    let read = meter.map_or_else(|| Meter::of_kind(other_kind(rest)), |m| read_meter(&words(m)));
    if outer.is_none() && read.kind == Kind::Other {
        return None;
    }
    let model = if meter.is_some() && !model.is_empty() { Some(model.to_owned()) } else { None };
    Some(read.with(outer, model, false))
}

/// The model in a product name: `Claude Opus 4.6 (Amazon Bedrock Edition)` is `Claude Opus 4.6`. A name without the
/// suffix is taken whole; `None` when nothing is left.
pub fn model_of_product(product_name: &str) -> Option<&str> {
    let name = product_name.trim();
    let cut = name.len().saturating_sub(EDITION.len());
    let name = match name.get(cut..) {
        Some(tail) if tail.eq_ignore_ascii_case(EDITION) => name[..cut].trim_end(),
        _ => name,
    };
    (!name.is_empty()).then_some(name)
}

/// The part after `MP:`, `USE1_InputTokenCount_Global-Units`.
fn marketplace(outer: Option<&str>, dimension: &str, product_name: Option<&str>) -> UsageType {
    let dimension = dimension.strip_suffix("-Units").unwrap_or(dimension);
    let (inner, meter) = split_code(dimension, '_');
    let read = match read_meter(&words(meter)) {
        read if read.kind == Kind::Other => Meter::of_kind(other_kind(meter)),
        read => read,
    };
    let model = product_name.and_then(model_of_product).map(str::to_owned);
    read.with(outer.or(inner), model, true)
}

/// Splits `Nova2.0Lite-input-tokens-batch` before the meter; no meter when none is known.
fn split_model(rest: &str) -> (&str, Option<&str>) {
    let parts: Vec<&str> = rest.split('-').collect();
    let lower: Vec<String> = parts.iter().map(|p| p.to_ascii_lowercase()).collect();
    let Some(mut start) = (0..lower.len()).find(|at| starts_meter(&lower[*at..])) else {
        return (rest, None);
    };
    while start > 0 && (MODALITIES.contains(&lower[start - 1].as_str()) || mode_word(&lower[start - 1]).is_some()) {
        start -= 1;
    }
    if start > 0 && lower[start - 1] == "mantle" {
        start -= 1;
    }
    let meter_at: usize = parts[..start].iter().map(|p| p.len() + 1).sum();
    (rest[..meter_at].trim_end_matches('-'), rest.get(meter_at..))
}

/// Whether these parts begin a meter.
fn starts_meter(parts: &[String]) -> bool {
    let at = |i: usize| parts.get(i).map_or("", String::as_str);
    match at(0) {
        "input" | "output" => (1..=2).any(|i| at(i).starts_with("token")),
        "cache" => at(1) == "read" || at(1).starts_with("write"),
        "cacheread" | "cachewrite" | "provisionedthroughput" => true,
        "reserved" => at(1).starts_with(|c: char| c.is_ascii_digit()),
        _ => false,
    }
}

/// What is metered when no meter of this file's grammar is there.
fn other_kind(text: &str) -> Kind {
    let lower = text.to_ascii_lowercase();
    if ["image", "t2i", "i2i"].iter().any(|w| lower.contains(w)) {
        Kind::Image
    } else if ["search_unit", "searchunit", "search-unit", "rerank"].iter().any(|w| lower.contains(w)) {
        Kind::Search
    } else {
        Kind::Other
    }
}

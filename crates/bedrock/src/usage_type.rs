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

use laneshift_units::{PriceMode, Region, TokenClass};

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

/// The region that a billing code stands for.
pub fn region_of_code(code: &str) -> Option<&'static str> {
    REGION_CODES.iter().find(|(c, _)| *c == code).map(|(_, region)| *region)
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

/// Billing codes of regions, `EU` and `EUW1` being the same place.
// Codes of the AWS cost and usage reports, as tabulated by two independent public readers of them, read 2026-11-23.
const REGION_CODES: [(&str, &str); 39] = [
    ("AFS1", "af-south-1"),
    ("APE1", "ap-east-1"),
    ("APE2", "ap-east-2"),
    ("APN1", "ap-northeast-1"),
    ("APN2", "ap-northeast-2"),
    ("APN3", "ap-northeast-3"),
    ("APS1", "ap-southeast-1"),
    ("APS2", "ap-southeast-2"),
    ("APS3", "ap-south-1"),
    ("APS4", "ap-southeast-3"),
    ("APS5", "ap-south-2"),
    ("APS6", "ap-southeast-4"),
    ("APS7", "ap-southeast-5"),
    ("APS8", "ap-southeast-6"),
    ("APS9", "ap-southeast-7"),
    ("CAN1", "ca-central-1"),
    ("CAN2", "ca-west-1"),
    ("CNN1", "cn-north-1"),
    ("CNW1", "cn-northwest-1"),
    ("EU", "eu-west-1"),
    ("EUC1", "eu-central-1"),
    ("EUC2", "eu-central-2"),
    ("EUN1", "eu-north-1"),
    ("EUS1", "eu-south-1"),
    ("EUS2", "eu-south-2"),
    ("EUW1", "eu-west-1"),
    ("EUW2", "eu-west-2"),
    ("EUW3", "eu-west-3"),
    ("ILC1", "il-central-1"),
    ("MEC1", "me-central-1"),
    ("MES1", "me-south-1"),
    ("MXC1", "mx-central-1"),
    ("SAE1", "sa-east-1"),
    ("UGE1", "us-gov-east-1"),
    ("UGW1", "us-gov-west-1"),
    ("USE1", "us-east-1"),
    ("USE2", "us-east-2"),
    ("USW1", "us-west-1"),
    ("USW2", "us-west-2"),
];

/// Splits `CODE<separator>rest`. A code is one of the table, or three to five capitals and one or two digits.
fn split_code(text: &str, separator: char) -> (Option<&str>, &str) {
    match text.split_once(separator) {
        Some((code, rest)) if region_of_code(code).is_some() || has_code_shape(code) => (Some(code), rest),
        _ => (None, text),
    }
}

fn has_code_shape(code: &str) -> bool {
    let letters = code.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = code.len() - letters;
    (3..=5).contains(&letters) && (1..=2).contains(&digits) && code.bytes().skip(letters).all(|b| b.is_ascii_digit())
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

const MODALITIES: [&str; 6] = ["text", "speech", "audio", "image", "video", "document"];

fn mode_word(word: &str) -> Option<PriceMode> {
    match word {
        "batch" => Some(PriceMode::Batch),
        "flex" => Some(PriceMode::Flex),
        "priority" => Some(PriceMode::Priority),
        _ => None,
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

/// Lower-case words of a meter: cut at `-` and `_`, and where CamelCase says so. `CacheWrite1hInputTokenCount` is
/// `cache write 1h input token count`.
fn words(meter: &str) -> Vec<String> {
    let mut out = Vec::new();
    for part in meter.split(['-', '_']) {
        let bytes = part.as_bytes();
        let mut start = 0;
        for i in 1..bytes.len() {
            let (before, here) = (bytes[i - 1], bytes[i]);
            let next_is_lower = bytes.get(i + 1).is_some_and(u8::is_ascii_lowercase);
            let cut = here.is_ascii_uppercase() && (!before.is_ascii_uppercase() || next_is_lower)
                || here.is_ascii_digit() && before.is_ascii_alphabetic();
            if cut {
                out.push(part[start..i].to_ascii_lowercase());
                start = i;
            }
        }
        if start < part.len() {
            out.push(part[start..].to_ascii_lowercase());
        }
    }
    out
}

/// What the words of a meter say.
struct Meter {
    kind: Kind,
    mode: PriceMode,
    global: bool,
    long_context: bool,
    mantle: bool,
    custom_model: bool,
}

impl Meter {
    const fn of_kind(kind: Kind) -> Self {
        Self { kind, mode: PriceMode::OnDemand, global: false, long_context: false, mantle: false, custom_model: false }
    }

    fn with(self, code: Option<&str>, model: Option<String>, marketplace: bool) -> UsageType {
        UsageType {
            region: code.and_then(region_of_code).map(Region::new),
            region_code: code.unwrap_or_default().to_owned(),
            model,
            kind: self.kind,
            mode: self.mode,
            global: self.global,
            long_context: self.long_context,
            mantle: self.mantle,
            custom_model: self.custom_model,
            marketplace,
        }
    }
}

fn read_meter(words: &[String]) -> Meter {
    let has = |word: &str| words.iter().any(|w| w == word);
    let mut meter = Meter::of_kind(Kind::Other);
    meter.global = has("global");
    if has("provisioned") || has("provisionedthroughput") {
        meter.kind = Kind::ModelUnit { commitment_months: months(words) };
    } else if has("reserved") {
        meter.kind = months(words).map_or(Kind::Other, |months| Kind::ReservedTpm { output: has("output"), months });
    } else {
        read_tokens(words, &mut meter);
    }
    meter
}

/// The months in `reserved 1 month`, `1month` or `6 months commit`.
fn months(words: &[String]) -> Option<u8> {
    words.iter().enumerate().find_map(|(i, word)| {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let unit = if digits == word.len() { words.get(i + 1)?.as_str() } else { &word[digits..] };
        unit.starts_with("month").then(|| word[..digits].parse().ok()).flatten()
    })
}

/// Reads a token meter; leaves [`Kind::Other`] when a word is unknown, two words disagree or the direction is missing.
fn read_tokens(words: &[String], meter: &mut Meter) {
    let mut rest = words.iter().map(String::as_str).peekable();
    let (mut output, mut input, mut read, mut write, mut hour, mut tokens) = (false, false, false, false, false, false);
    let mut modes = Vec::new();
    let mut modality = None;
    while let Some(word) = rest.next() {
        match word {
            "input" => input = true,
            "output" => output = true,
            "token" | "tokens" => tokens = true,
            "cacheread" => read = true,
            "cachewrite" => write = true,
            "cache" => match rest.next() {
                Some("read" | "reads") => read = true,
                Some("write" | "writes") => write = true,
                _ => return,
            },
            "1h" => hour = true,
            "1" if rest.next_if(|w| matches!(*w, "h" | "hour")).is_some() => hour = true,
            // Five minutes, or thirty on OpenAI models: the model's default time to live.
            "5m" | "30m" => {}
            "mantle" => meter.mantle = true,
            "global" => meter.global = true,
            "geo" | "regional" | "standard" | "count" | "million" | "units" => {}
            "batch" | "flex" | "priority" => modes.extend(mode_word(word)),
            "latency" if rest.next_if_eq(&"optimized").is_some() => modes.push(PriceMode::LatencyOptimized),
            "cross" if rest.next_if_eq(&"region").is_some() => {}
            "custom" if rest.next_if_eq(&"model").is_some() => meter.custom_model = true,
            "long" | "l" if rest.next_if(|w| matches!(*w, "ctx" | "context")).is_some() => meter.long_context = true,
            other if MODALITIES.contains(&other) => modality = Some(other),
            _ => return,
        }
    }
    if !matches!(modality, None | Some("text")) {
        if modality == Some("image") {
            meter.kind = Kind::Image;
        }
        return;
    }
    modes.dedup();
    let class = match (read, write, output, input) {
        (true, false, false, _) => TokenClass::CacheRead,
        (false, true, false, _) if hour => TokenClass::CacheWrite1h,
        (false, true, false, _) => TokenClass::CacheWrite5m,
        (false, false, true, false) => TokenClass::Output,
        (false, false, false, true) => TokenClass::Input,
        _ => return,
    };
    if tokens && modes.len() <= 1 {
        meter.mode = modes.pop().unwrap_or(PriceMode::OnDemand);
        meter.kind = Kind::Token(class);
    }
}

#[cfg(test)]
mod tests;

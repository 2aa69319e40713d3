//! The grammar of a meter: what `input-tokens-flex` and `CacheWrite1hInputTokenCount_Global` say, word by word.

use laneshift_units::{PriceMode, Region, TokenClass};

use super::{Kind, UsageType, region_of_code};

/// What tokens can be made of, when a meter says it.
pub(super) const MODALITIES: [&str; 6] = ["text", "speech", "audio", "image", "video", "document"];

/// The mode that a word names.
pub(super) fn mode_word(word: &str) -> Option<PriceMode> {
    match word {
        "batch" => Some(PriceMode::Batch),
        "flex" => Some(PriceMode::Flex),
        "priority" => Some(PriceMode::Priority),
        _ => None,
    }
}

/// Lower-case words of a meter: cut at `-` and `_`, and where CamelCase says so. `CacheWrite1hInputTokenCount` is
/// `cache write 1h input token count`.
pub(super) fn words(meter: &str) -> Vec<String> {
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
pub(super) struct Meter {
    pub(super) kind: Kind,
    mode: PriceMode,
    global: bool,
    long_context: bool,
    mantle: bool,
    custom_model: bool,
}

impl Meter {
    pub(super) const fn of_kind(kind: Kind) -> Self {
        Self { kind, mode: PriceMode::OnDemand, global: false, long_context: false, mantle: false, custom_model: false }
    }

    pub(super) fn with(self, code: Option<&str>, model: Option<String>, marketplace: bool) -> UsageType {
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

pub(super) fn read_meter(words: &[String]) -> Meter {
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

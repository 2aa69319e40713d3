//! `laneshift estimate`: the answer without any logs, from a volume, a model and a share that can wait.

use std::io::Write;
use std::num::NonZeroU64;

use clap::Args;
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_core::lanes::LANES;
use laneshift_core::route::{Class, Demand, Features, LaneId, Target, route};
use laneshift_units::{Bytes, Deadline, ModelId, Money, Profile, ProfiledModel, QuotaTokens, Region, Timestamp, Tokens, Usage};
use serde::Serialize;

use super::{Format, print};
use crate::error::Error;
use crate::market::Book;

const EXAMPLES: &str = "Examples:
  laneshift estimate --tokens 2e9 --model global.anthropic.claude-sonnet-4-6 --mix 3:1 --tolerant 60%
  laneshift estimate --tokens 500M --model us.amazon.nova-pro-v1:0 --mix 10:1 --tolerant 40% --compare";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EstimateArgs {
    /// Tokens a month, input and output together: 2e9, 500M, 2B
    #[arg(long)]
    tokens: String,
    /// Model or inference profile id; the prefix says the profile
    #[arg(long)]
    model: String,
    /// Input to output tokens
    #[arg(long, default_value = "3:1")]
    mix: String,
    /// Share of the tokens that can wait a day
    #[arg(long, default_value = "60%")]
    tolerant: String,
    /// Region that is called
    #[arg(long, default_value = "us-east-1", env = "AWS_REGION")]
    region: String,
    /// The same mix on other models, and in flex
    #[arg(long)]
    compare: bool,
    /// Price catalogue to use instead of the shipped one
    #[arg(long, env = "LANESHIFT_CATALOG")]
    catalog: Option<std::path::PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Costs of one model under the mix. `None` means that no price is known.
#[derive(Clone, Debug, Serialize)]
struct Line {
    model: String,
    name: String,
    profile: String,
    on_demand_usd: Option<String>,
    with_batch_usd: Option<String>,
    with_flex_usd: Option<String>,
    saves_per_mille: Option<i64>,
    note: String,
    #[serde(skip)]
    today: Option<Money>,
    #[serde(skip)]
    batch: Option<Money>,
    #[serde(skip)]
    flex: Option<Money>,
}

struct Volume {
    all: Usage,
    tolerant: Usage,
    rest: Usage,
}

pub(crate) fn run(args: &EstimateArgs, out: &mut dyn Write) -> Result<(), Error> {
    let volume = volume(args)?;
    let catalog = crate::audit::load_catalog(args.catalog.as_deref())?;
    let capabilities = Capabilities::shipped().map_err(|e| Error::Data(e.to_string()))?;
    let book = Book { catalog: &catalog, capabilities: &capabilities };
    let asked = ProfiledModel::parse_id(&args.model);
    if catalog.model_key(&asked.model).is_none() {
        return Err(Error::UnknownModel { asked: args.model.clone(), near: near(&catalog, &args.model) });
    }
    let region = Region::new(&args.region);
    let line = estimate(&book, &asked, &region, &volume);
    if line.today.is_none() {
        return Err(Error::NoPrice(format!("{} in {} on demand", args.model, args.region)));
    }
    let others = if args.compare { compare(&book, &asked, &region, &volume) } else { Vec::new() };
    match args.format {
        Format::Json => {
            let doc = serde_json::json!({ "tokens": volume.all.total().0, "tolerant_tokens": volume.tolerant.total().0,
                "input_tokens": volume.all.input.0, "output_tokens": volume.all.output.0, "estimate": line, "compare": others });
            print(out, &format!("{doc:#}\n"))
        }
        Format::Text => print(out, &text(args, &volume, &line, &others)),
    }
}

fn volume(args: &EstimateArgs) -> Result<Volume, Error> {
    let wrong = |what: &str, reason: &str| Error::Argument { what: what.to_owned(), reason: reason.to_owned() };
    let tokens = parse_count(&args.tokens).ok_or_else(|| wrong("--tokens", "write a whole number such as 2e9, 500M or 2B"))?;
    let (i, o) = args
        .mix
        .split_once(':')
        .and_then(|(i, o)| Some((i.trim().parse::<u64>().ok()?, o.trim().parse::<u64>().ok()?)))
        .filter(|(i, o)| i + o > 0 && i + o <= 1_000_000)
        .ok_or_else(|| wrong("--mix", "write input:output as whole numbers, such as 3:1"))?;
    let per_mille = parse_percent(&args.tolerant).ok_or_else(|| wrong("--tolerant", "write a share such as 60% or 0.6"))?;
    let usage = |tokens: u64| {
        let output = (u128::from(tokens) * u128::from(o) / u128::from(i + o)) as u64;
        Usage { input: Tokens(tokens - output), output: Tokens(output), ..Usage::default() }
    };
    let all = usage(tokens);
    let tolerant = usage((u128::from(tokens) * u128::from(per_mille) / 1000) as u64);
    let rest = Usage {
        input: Tokens(all.input.0 - tolerant.input.0.min(all.input.0)),
        output: Tokens(all.output.0 - tolerant.output.0.min(all.output.0)),
        ..Usage::default()
    };
    Ok(Volume { all, tolerant, rest })
}

/// `2e9`, `1.5M`, `500M`, `2B`, `2_000_000`, exactly.
fn parse_count(text: &str) -> Option<u64> {
    let text = text.trim().replace(['_', ','], "");
    let (number, zeros) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 3),
        (at, 'm' | 'M') => (&text[..at], 6),
        (at, 'b' | 'B' | 'g' | 'G') => (&text[..at], 9),
        (at, 't' | 'T') => (&text[..at], 12),
        _ => (text.as_str(), 0),
    };
    let pico = Money::parse_usd(&format!("{number}{}", if zeros > 0 { format!("e{zeros}") } else { String::new() })).ok()?.pico();
    let whole = pico / Money::from_usd(1).pico();
    (pico % Money::from_usd(1).pico() == 0).then(|| u64::try_from(whole).ok()).flatten().filter(|n| *n <= 1 << 60)
}

/// A share in thousandths: `60%`, `62.5%`, `0.6`.
fn parse_percent(text: &str) -> Option<u16> {
    let text = text.trim();
    let (number, scale) = text.strip_suffix('%').map_or((text, 1000), |n| (n.trim(), 10));
    let pico = Money::parse_usd(number).ok()?.pico() * scale;
    let one = Money::from_usd(1).pico();
    (pico >= 0 && pico % one == 0).then(|| u16::try_from(pico / one).ok()).flatten().filter(|p| *p <= 1000)
}

fn estimate(book: &Book<'_>, model: &ProfiledModel, region: &Region, volume: &Volume) -> Line {
    let market: Vec<Target> =
        book.listings(&model.model, region, &model.profile, Tokens(0)).into_iter().map(|l| l.target).collect();
    let cost = |usage: &Usage, deadline: Deadline, lanes: &[LaneId]| -> Option<Money> {
        let market: Vec<Target> = market.iter().filter(|t| lanes.contains(&t.lane)).cloned().collect();
        let class = Class { model: model.model.clone(), context: Tokens(0), needs: Features::NONE, deadline };
        let demand = Demand { class: &class, n: NonZeroU64::MIN, expected: *usage, reserve: QuotaTokens(0), largest: Bytes(0) };
        let decision = route(LANES, &demand, &market, Timestamp(0));
        (decision.unplaced == 0).then(|| decision.marginal())
    };
    let standard = [LaneId::Standard];
    let today = cost(&volume.all, Deadline::Seconds, &standard);
    let rest = cost(&volume.rest, Deadline::Seconds, &standard);
    let with = |lane: LaneId| cost(&volume.tolerant, Deadline::Day, &[lane]).zip(rest).map(|(a, b)| a + b);
    let (batch, flex) = (with(LaneId::Batch), with(LaneId::Flex));
    let best = [batch, flex].into_iter().flatten().min();
    let saves = today.zip(best).map(|(t, b)| t - b);
    let note = match (today, batch, flex) {
        (None, _, _) => "no on-demand price is known here",
        (_, Some(_), Some(_)) => "",
        (_, Some(_), None) => "no flex price",
        (_, None, Some(_)) => "no batch price; flex costs about the same",
        (_, None, None) => "no batch price and no flex price on Bedrock: it saves nothing by waiting",
    };
    Line {
        model: model.to_string(),
        name: book.name(&model.model),
        profile: model.profile.name().to_owned(),
        on_demand_usd: today.map(Money::to_exact_string),
        with_batch_usd: batch.map(Money::to_exact_string),
        with_flex_usd: flex.map(Money::to_exact_string),
        saves_per_mille: saves.zip(today).filter(|(_, t)| t.pico() > 0).map(|(s, t)| (s.pico() * 1000 / t.pico()) as i64),
        note: note.to_owned(),
        today,
        batch,
        flex,
    }
}

/// Every model of Bedrock that sells input and output by the token, through the same profile where it has one.
fn compare(book: &Book<'_>, asked: &ProfiledModel, region: &Region, volume: &Volume) -> Vec<Line> {
    let mut seen = std::collections::BTreeSet::new();
    let mut lines: Vec<Line> = Vec::new();
    for row in book.catalog.rows().iter().filter(|r| r.provider == laneshift_catalog::prices::Provider::Bedrock) {
        if row.model_id == asked.model || !seen.insert(row.model_id.clone()) {
            continue;
        }
        let profiles = [asked.profile.clone(), Profile::Global, Profile::Geo("us".into()), Profile::InRegion];
        let line = profiles
            .into_iter()
            .map(|profile| estimate(book, &ProfiledModel { model: row.model_id.clone(), profile }, region, volume))
            .find(|l| l.today.is_some());
        lines.extend(line);
    }
    let best = |l: &Line| l.batch.or(l.flex).or(l.today);
    lines.sort_by(|a, b| best(a).cmp(&best(b)).then_with(|| a.model.cmp(&b.model)));
    lines
}

fn near(catalog: &Catalog, asked: &str) -> Vec<String> {
    let wanted: Vec<String> = asked
        .to_ascii_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|p| p.len() > 2)
        .map(str::to_owned)
        .collect();
    let mut ids: Vec<(usize, &ModelId)> = catalog
        .rows()
        .iter()
        .filter(|r| r.provider == laneshift_catalog::prices::Provider::Bedrock)
        .map(|r| (wanted.iter().filter(|p| r.model_id.as_str().contains(p.as_str())).count(), &r.model_id))
        .filter(|(hits, _)| *hits > 0)
        .collect();
    ids.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    ids.dedup_by(|a, b| a.1 == b.1);
    ids.into_iter().take(3).map(|(_, id)| id.to_string()).collect()
}

fn text(args: &EstimateArgs, volume: &Volume, line: &Line, others: &[Line]) -> String {
    let mut out = String::new();
    let share = |part: Option<Money>| match (line.today, part) {
        (Some(today), Some(part)) if today != Money::ZERO => {
            format!(
                "{:>14} -> {:<14} saves {:.1} %",
                today.to_string(),
                part.to_string(),
                (today - part).share_of(today).unwrap_or(0.0) * 100.0
            )
        }
        _ => "no price".to_owned(),
    };
    out += &format!("{} ({}) in {}\n", line.name, line.model, args.region);
    out += &format!(
        "{} tokens a month at {} input:output, {} of them can wait a day\n\n",
        grouped(volume.all.total().0),
        args.mix,
        args.tolerant
    );
    out += &format!("  all on demand    {:>14}\n", line.today.map_or_else(|| "unknown".to_owned(), |m| m.to_string()));
    out += &format!(
        "  with batch     {}\n",
        line.batch.map_or_else(|| "no batch price for this model here".to_owned(), |m| share(Some(m)))
    );
    out += &format!(
        "  with flex      {}\n",
        line.flex.map_or_else(|| "no flex price for this model here".to_owned(), |m| share(Some(m)))
    );
    out += "\nList prices before any discount of your own. Batch answers within a day, best\neffort. Source and date of each price:\n";
    out += &format!("  laneshift prices show --model {}\n", line.model);
    if !others.is_empty() {
        out += "\nThe same tokens on other models (quality differs: evaluate before you move):\n";
        out += &format!("  {:<38}{:>13}{:>13}{:>13}\n", "model", "on demand", "with batch", "with flex");
        for other in others {
            let money = |m: Option<Money>| m.map_or_else(|| "no price".to_owned(), |m| format!("{m:.0}"));
            let name: String = other.model.chars().take(37).collect();
            out += &format!("  {name:<38}{:>13}{:>13}{:>13}\n", money(other.today), money(other.batch), money(other.flex));
        }
    }
    out
}

/// A count with thousands separated.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap_or("")).collect();
    groups.join(",")
}

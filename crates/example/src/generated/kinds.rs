//! What a workload of a generated company can be. Records here are shares: its size is drawn beside it.

use super::one_of;
use crate::chance::Chance;
use crate::company::{Truth, Workload};
use crate::draft::{fixed, numbered, part, task, workload};
use crate::part::{Arrival, Days, Operation, Part, Session, Turns};

const ACCOUNT: &str = "111122223333";

const SONNET: &str = "global.anthropic.claude-sonnet-4-6";
const SONNET_US: &str = "us.anthropic.claude-sonnet-4-6";
const HAIKU: &str = "global.anthropic.claude-haiku-4-5-20251001-v1:0";
const HAIKU_US: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const OPUS: &str = "global.anthropic.claude-opus-4-6-v1";
/// Without a batch price.
const SONNET_5_5: &str = "global.anthropic.claude-sonnet-5-5";
const NOVA_LITE: &str = "amazon.nova-lite-v1:0";
const NOVA_PRO: &str = "us.amazon.nova-pro-v1:0";
const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";
const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";
const TITAN: &str = "amazon.titan-embed-text-v2:0";

const CHATTY: &[&str] = &[SONNET, SONNET_US, HAIKU, HAIKU_US, SONNET_5_5, NOVA_PRO];
const WORKING: &[&str] = &[SONNET, SONNET_US, HAIKU, OPUS, SONNET_5_5, NOVA_LITE, NOVA_PRO, GPT_OSS, LLAMA];

/// A kind of workload.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) draw: fn(&str, &mut Chance) -> Workload,
}

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "chat", draw: chat },
    Kind { name: "copilot", draw: copilot },
    Kind { name: "voice", draw: voice },
    Kind { name: "search", draw: search },
    Kind { name: "nightly", draw: nightly },
    Kind { name: "enrichment", draw: enrichment },
    Kind { name: "tagging", draw: tagging },
    Kind { name: "evaluation", draw: evaluation },
    Kind { name: "embedding", draw: embedding },
    Kind { name: "rag", draw: rag },
    Kind { name: "reports", draw: reports },
];

/// Nights included.
fn public(chance: &mut Chance) -> Arrival {
    let client = *one_of(&[5, 26, 31, 41], chance);
    Arrival::Rates { client, first_day: 0, tile: Some((0, 7)), shift_h: 0, weekend: 0.4 + 0.6 * chance.unit() }
}

/// People at desks.
fn desks() -> Arrival {
    Arrival::Rates { client: 13, first_day: 2, tile: Some((2, 7)), shift_h: -1, weekend: 0.1 }
}

fn at_night(chance: &mut Chance) -> Arrival {
    let (hour, minute, minutes) = (small(chance, 0, 5), small(chance, 0, 59), small(chance, 20, 180));
    Arrival::Daily { days: Days::All, hour, minute, minutes }
}

fn small(chance: &mut Chance, from: u64, to: u64) -> u32 {
    u32::try_from(chance.between(from, to)).expect("a small number")
}

/// Tokens around these medians, by up to a factor of two, as widely spread as it comes; output less so, because models limit it.
fn tokens(part: Part, (input, output): (f64, f64), chance: &mut Chance) -> Part {
    let mut around = |median: f64, sigma: f64| (median * (0.5 + 1.5 * chance.unit()), sigma + sigma * chance.unit());
    part.tokens(around(input, 0.3), around(output, 0.15))
}

/// Of the operations that answer as a whole.
fn whole(model: &str, chance: &mut Chance) -> Operation {
    // What a model without a body of its own in a job takes is Converse's.
    if model == LLAMA || model == GPT_OSS || chance.happens(0.5) { Operation::Converse } else { Operation::InvokeModel }
}

/// A workload that somebody waits for; some say which one they are, a few that they are in a hurry.
fn waits(name: &str, model: &str, chance: &mut Chance) -> Workload {
    let made = workload(name, ACCOUNT, &format!("{name}-task"), model).truly(Truth::Interactive, "seconds", "somebody waits");
    named(made, name, ("latency", "realtime"), 0.2, chance)
}

/// One that nobody waits for; about half of them say so.
fn can_wait(name: &str, (model, role): (&str, &str), chance: &mut Chance) -> Workload {
    let made = workload(name, ACCOUNT, &format!("{role}-{name}"), model).truly(Truth::Batch, "24h", "nobody waits");
    named(made, name, ("deadline", "24h"), 0.5, chance)
}

fn named(made: Workload, name: &str, declares: (&str, &str), declared: f64, chance: &mut Chance) -> Workload {
    let made = if chance.happens(0.7) { made.with_bodies() } else { made };
    match chance.unit() {
        at if at < declared => made.meta(&[("workload", name), declares]),
        at if at < declared + 0.3 => made.meta(&[("workload", name)]),
        _ => made,
    }
}

fn chat(name: &str, chance: &mut Chance) -> Workload {
    let part = part(public(chance), 1_000, Operation::ConverseStream, task(4)).turns(Turns::Chat(small(chance, 2, 8)));
    let model = *one_of(CHATTY, chance);
    waits(name, model, chance).part(tokens(part, (1_200.0, 350.0), chance))
}

fn copilot(name: &str, chance: &mut Chance) -> Workload {
    let part = part(desks(), 1_000, Operation::ConverseStream, Session::People(small(chance, 10, 60))).turns(Turns::Chat(3));
    let model = *one_of(CHATTY, chance);
    waits(name, model, chance).part(tokens(part, (2_600.0, 260.0), chance))
}

fn voice(name: &str, chance: &mut Chance) -> Workload {
    let part = part(public(chance), 1_000, Operation::ConverseStream, fixed("voice")).turns(Turns::Chat(6)).fast();
    let model = *one_of(&[HAIKU, HAIKU_US, NOVA_PRO], chance);
    waits(name, model, chance).part(tokens(part, (500.0, 45.0), chance))
}

/// One template, one turn, no stream: nothing but its hours shows that somebody waits.
fn search(name: &str, chance: &mut Chance) -> Workload {
    let part = part(public(chance), 1_000, Operation::Converse, task(4)).fast();
    let model = *one_of(CHATTY, chance);
    waits(name, model, chance).part(tokens(part, (800.0, 60.0), chance))
}

fn nightly(name: &str, chance: &mut Chance) -> Workload {
    let model = *one_of(WORKING, chance);
    let part = part(at_night(chance), 1_000, whole(model, chance), numbered("night")).tolerant();
    can_wait(name, (model, "batch"), chance).part(tokens(part, (2_500.0, 450.0), chance))
}

fn enrichment(name: &str, chance: &mut Chance) -> Workload {
    let model = *one_of(WORKING, chance);
    let arrival = Arrival::Every { hours: *one_of(&[4, 6, 8, 12], chance), minutes: small(chance, 15, 60) };
    let part = part(arrival, 1_000, whole(model, chance), Session::Job).tolerant();
    can_wait(name, (model, "StepFunctions"), chance).part(tokens(part, (1_300.0, 400.0), chance))
}

fn tagging(name: &str, chance: &mut Chance) -> Workload {
    let model = *one_of(&[NOVA_LITE, HAIKU, NOVA_PRO], chance);
    let arrival = Arrival::Cron { minutes: *one_of(&[15, 30, 60], chance), seconds: small(chance, 60, 240) };
    let part = part(arrival, 1_000, whole(model, chance), fixed("tagger")).fast().tolerant();
    can_wait(name, (model, "lambda"), chance).part(tokens(part, (450.0, 20.0), chance))
}

fn evaluation(name: &str, chance: &mut Chance) -> Workload {
    let model = *one_of(&[SONNET, OPUS, SONNET_5_5, LLAMA], chance);
    let arrival = Arrival::Daily { days: Days::Weekdays, hour: small(chance, 18, 21), minute: 10, minutes: 110 };
    let part = part(arrival, 1_000, Operation::Converse, fixed("GitHubActions")).tolerant();
    can_wait(name, (model, "github-ci"), chance).part(tokens(part, (1_500.0, 400.0), chance))
}

/// The archive over a few days, or what is new every night.
fn embedding(name: &str, chance: &mut Chance) -> Workload {
    let backfill = Arrival::Rates { client: 24, first_day: 0, tile: None, shift_h: 0, weekend: 1.0 };
    let arrival = if chance.happens(0.4) { backfill } else { at_night(chance) };
    let input = (300.0 + 300.0 * chance.unit(), 0.3);
    let part = part(arrival, 1_000, Operation::InvokeModel, Session::Job).embeds(input).tolerant();
    can_wait(name, (TITAN, "aws-batch"), chance).part(part)
}

/// Under one key: answers by day, which somebody waits for, and at night the index anew.
fn rag(name: &str, chance: &mut Chance) -> Workload {
    let model = *one_of(CHATTY, chance);
    let share = small(chance, 250, 750);
    let live = part(public(chance), 1_000 - share, Operation::ConverseStream, task(3)).turns(Turns::Chat(2));
    let index = part(at_night(chance), share, Operation::Converse, numbered("reindex")).tolerant();
    both(name, model)
        .part(tokens(live, (1_700.0, 500.0), chance))
        .part(tokens(index, (1_800.0, 500.0), chance))
        .meta(&[("workload", name), ("team", "knowledge")])
}

/// The same without a name: people ask for reports in the office, and the standing ones are written at night.
fn reports(name: &str, chance: &mut Chance) -> Workload {
    let model = *one_of(CHATTY, chance);
    let asked = part(desks(), 500, Operation::ConverseStream, task(2)).turns(Turns::Single);
    let standing = part(at_night(chance), 500, whole(model, chance), numbered("standing-reports")).tolerant();
    both(name, model).part(tokens(asked, (2_600.0, 800.0), chance)).part(tokens(standing, (2_600.0, 800.0), chance))
}

fn both(name: &str, model: &str) -> Workload {
    workload(name, ACCOUNT, &format!("{name}-service"), model).with_bodies().truly(
        Truth::Hybrid,
        "mixed",
        "by day somebody waits, by night nobody",
    )
}

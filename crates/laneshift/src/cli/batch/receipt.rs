//! What a submission came to, for people and for machines.

use laneshift_batch::{Part, Receipt, errors_path};
use laneshift_store::{Cost, Costed, Lane};
use laneshift_units::Money;
use serde_json::{Value, json};

use crate::cli::{Format, plain};

/// Prints a receipt.
pub(crate) fn shown(receipt: &Receipt, format: Format) -> String {
    match format {
        Format::Text => text(receipt),
        Format::Json => format!("{}\n", value(receipt)),
    }
}

/// Records that have no answer.
pub(crate) fn unanswered(receipt: &Receipt) -> u64 {
    let delivered = &receipt.delivered;
    delivered.failed + delivered.expired + delivered.cancelled
}

/// Dollars; small amounts with at least two digits that count, because a hundred records cost cents.
pub(crate) fn usd(money: Money) -> String {
    const PLACES: u32 = 12;
    let pico = money.pico().unsigned_abs();
    if pico == 0 || pico >= Money::from_usd(1).pico().unsigned_abs() {
        return money.to_string();
    }
    let places = (PLACES - pico.ilog10() + 1).clamp(4, PLACES);
    let unit = 10_u128.pow(PLACES - places);
    let rounded = (pico + unit / 2) / unit;
    let (whole, part) = (rounded / 10_u128.pow(places), rounded % 10_u128.pow(places));
    let sign = if money < Money::ZERO { "-" } else { "" };
    format!("{sign}${whole}.{part:0width$}", width = places as usize)
}

fn known(cost: &Cost, amount: Money) -> Option<Money> {
    (cost.costed == Costed::Exact).then_some(amount)
}

fn saved(cost: &Cost) -> Option<Money> {
    known(cost, cost.on_demand - cost.paid)
}

/// The receipt for people.
pub(crate) fn text(receipt: &Receipt) -> String {
    let (delivered, cost) = (&receipt.delivered, &receipt.cost);
    let mut out = format!("{}: {} answered", receipt.id, delivered.answered);
    for (n, what) in [
        (delivered.failed, "failed"),
        (delivered.expired, "expired"),
        (delivered.cancelled, "cancelled"),
        (delivered.erased, "erased"),
    ] {
        if n > 0 {
            out += &format!(", {n} {what}");
        }
    }
    if delivered.cut > 0 {
        out += &format!("; {} answers ended at their limit of tokens", delivered.cut);
    }
    out.push('\n');
    for part in &receipt.parts {
        out += &line(part);
    }
    out += &format!("{} input and {} output tokens\n", cost.usage.input.0, cost.usage.output.0);
    out += &match saved(cost) {
        Some(saved) => {
            let waste =
                if cost.waste > Money::ZERO { format!("; {} was paid for nothing", usd(cost.waste)) } else { String::new() };
            let compared = match saved {
                saved if saved < Money::ZERO => format!("{} more than that was paid", usd(-saved)),
                saved => format!("{} is saved", usd(saved)),
            };
            format!("paid {} by list price; on demand it is {}: {compared}{waste}\n", usd(cost.paid), usd(cost.on_demand))
        }
        None => "a price is not known: `laneshift prices show` lists what is\n".to_owned(),
    };
    if cost.bound > Money::ZERO {
        out += &format!(
            "up to {} more may have been paid: for calls whose answer was lost, and lines that a job's output lacks or repeats\n",
            cost.bound
        );
    }
    out += &format!("answers in {}\n", receipt.output.display());
    if unanswered(receipt) > 0 {
        out += &format!(
            "the others in {}; `laneshift batch retry {}` tries them again\n",
            errors_path(&receipt.output).display(),
            receipt.id
        );
    }
    out
}

fn line(part: &Part) -> String {
    let what = match part.lane {
        Lane::Batch => part.arn.as_deref().map_or_else(|| format!("job {}", part.id), |arn| format!("job {arn}")),
        Lane::Flex => "calls in the flex tier".to_owned(),
        Lane::OnDemand => "calls on demand".to_owned(),
        Lane::Provisioned => "calls on provisioned capacity".to_owned(),
    };
    let cost =
        part.cost.as_ref().and_then(|cost| known(cost, cost.paid)).map_or_else(String::new, |paid| format!(", {}", usd(paid)));
    let why = part.message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
    let fillers = match part.fillers {
        0 => String::new(),
        n => format!(" and {n} that fill the job up"),
    };
    format!("  {what}: {} records{fillers}, {}{cost}{}\n", part.records, part.state, plain(&why))
}

/// The receipt as JSON.
pub(crate) fn value(receipt: &Receipt) -> Value {
    let (delivered, cost) = (&receipt.delivered, &receipt.cost);
    let exact = |cost: &Cost, amount: Money| known(cost, amount).map(Money::to_exact_string);
    let attempt = |part: &Part| {
        json!({
            "id": part.id.to_string(),
            "lane": part.lane.name(),
            "arn": part.arn,
            "state": part.state,
            "message": part.message,
            "records": part.records,
            "fillers": part.fillers,
            "paid_usd": part.cost.as_ref().map(|cost| exact(cost, cost.paid)),
            "wasted_usd": part.cost.as_ref().map(|cost| exact(cost, cost.waste)),
        })
    };
    json!({
        "id": receipt.id,
        "answered": delivered.answered,
        "cut": delivered.cut,
        "failed": delivered.failed,
        "expired": delivered.expired,
        "cancelled": delivered.cancelled,
        "erased": delivered.erased,
        "attempts": receipt.parts.iter().map(attempt).collect::<Vec<_>>(),
        "input_tokens": cost.usage.input.0,
        "output_tokens": cost.usage.output.0,
        "paid_usd": exact(cost, cost.paid),
        "paid_at_most_usd": exact(cost, cost.paid + cost.bound),
        "on_demand_usd": exact(cost, cost.on_demand),
        "saved_usd": saved(cost).map(Money::to_exact_string),
        "wasted_usd": exact(cost, cost.waste),
        "deadline": receipt.deadline.to_string(),
        "promise": receipt.promise.name(),
        "output": receipt.output,
        "errors": (unanswered(receipt) > 0).then(|| errors_path(&receipt.output)),
    })
}

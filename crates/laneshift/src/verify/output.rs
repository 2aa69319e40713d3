//! For machines: amounts as exact text.

use laneshift_core::verify::{Step, Waterfall};
use laneshift_report::verified::{Checked, Invoiced, Side, Verified};
use laneshift_units::Money;
use serde_json::{Value, json};

pub(super) fn json(told: &Verified) -> String {
    let mut value = steps(&told.waterfall);
    value["before"] = side(&told.before);
    value["after"] = side(&told.after);
    value["predicted"] = predicted(told);
    value["invoiced"] = told.invoiced.as_ref().map_or(Value::Null, invoiced);
    value["notes"] = json!(told.notes);
    format!("{value:#}\n")
}

fn side(side: &Side) -> Value {
    json!({
        "source": side.source,
        "kind": side.kind.name(),
        "first_day": side.dates.as_ref().map(|(first, _)| first),
        "last_day": side.dates.as_ref().map(|(_, last)| last),
        "tokens": side.tokens,
        "total_usd": side.total.to_exact_string(),
    })
}

fn steps(found: &Waterfall) -> Value {
    let steps = Step::ALL.map(|step| {
        let saves = found.steps[step].to_exact_string();
        json!({ "step": step.name(), "words": step.words(), "lever": step.is_lever(), "saves_usd": saves })
    });
    json!({
        "waterfall": steps,
        "at_equal_tokens_usd": found.at_equal_tokens.to_exact_string(),
        "tokens_cost_usd": found.tokens_cost.to_exact_string(),
        "saved_usd": found.saved().to_exact_string(),
        "saved_by_lane_usd": found.saved_by_lane().to_exact_string(),
        "tokens_without_before": found.without_before,
        "tokens_of_unknown_price_before": found.price_unknown,
    })
}

fn predicted(told: &Verified) -> Value {
    let Some((made_from, predicted)) = &told.predicted else { return Value::Null };
    let metered = |name: &str| {
        let step = Step::ALL.into_iter().find(|step| step.is_lever() && step.words() == name);
        step.map(|step| told.waterfall.steps[step].to_exact_string())
    };
    let levers = predicted
        .levers
        .iter()
        .map(|(name, saves)| json!({ "lever": name, "predicted_usd": saves.to_exact_string(), "metered_usd": metered(name) }));
    json!({
        "plan_tokens": made_from,
        "at_tokens": predicted.tokens,
        "floor_usd": predicted.savings.floor.to_exact_string(),
        "likely_usd": predicted.savings.likely.to_exact_string(),
        "ceiling_usd": predicted.savings.ceiling.to_exact_string(),
        "standing": predicted.standing(told.waterfall.saved_by_lane()).name(),
        "levers": levers.collect::<Vec<_>>(),
    })
}

fn invoiced(invoiced: &Invoiced) -> Value {
    let mut value = steps(&invoiced.waterfall);
    value["proven"] = json!(invoiced.reasons.is_empty());
    value["reasons"] = json!(invoiced.reasons);
    value["invoice"] = side(&invoiced.side);
    value["tolerance"] = json!(invoiced.tolerance);
    value["tokens"] = checked(&invoiced.tokens, &|tokens| json!(tokens.to_string()));
    value["money"] = checked(&invoiced.money, &|pico| json!(Money::from_pico(pico).to_exact_string()));
    value["unmetered_usd"] = json!(invoiced.unmetered.to_exact_string());
    value
}

fn checked(checked: &Checked, amount: &dyn Fn(i128) -> Value) -> Value {
    let outside = checked.outside.iter().map(|one| {
        json!({
            "day": one.day,
            "usage_type": one.usage_type,
            "what": one.what,
            "metered": one.metered,
            "invoiced": one.invoiced,
        })
    });
    json!({
        "lines": checked.lines,
        "within": amount(checked.within),
        "invoiced": amount(checked.invoiced),
        "outside": outside.collect::<Vec<_>>(),
    })
}

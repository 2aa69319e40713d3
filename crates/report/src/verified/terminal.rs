//! In 80 columns.

use laneshift_core::verify::{Predicted, Standing, Step, Waterfall};
use laneshift_units::Money;

use super::{Checked, Invoiced, Kind, Side, Verified};
use crate::terminal::layout::{Align, Lines, Table};
use crate::text::{percent, ratio, tokens, usd};

/// What was saved, as text of at most 80 columns.
pub fn summary(told: &Verified) -> String {
    let mut lines = Lines::default();
    steps(told, &mut lines);
    if let Some((made_from, predicted)) = &told.predicted {
        compared(&told.waterfall, *made_from, predicted, &mut lines);
    }
    if !told.notes.is_empty() {
        lines.heading("What to know");
        told.notes.iter().for_each(|note| lines.item("-", note));
    }
    match &told.invoiced {
        Some(invoiced) => by_invoice(told, invoiced, &mut lines),
        None => lines.paragraph(unchecked(told.before.kind, told.after.kind)),
    }
    lines.finish()
}

/// What was not done without a second account of the month after.
fn unchecked(before: Kind, after: Kind) -> &'static str {
    match (before, after) {
        (_, Kind::Books) => "This is metered, by the gateway's own books. --cur holds them against AWS's bill.",
        (Kind::Invoice, Kind::Invoice) => {
            "This is by AWS's bills alone. The gateway's folder as --after, and this bill as --cur, hold two accounts of it against \
             each other."
        }
        (Kind::Books, Kind::Invoice) => {
            "The month before is by the gateway's own books, the month after by AWS's bill. The gateway's folder as --after, and this \
             bill as --cur, hold two accounts of it against each other."
        }
    }
}

fn side(name: &str, side: &Side) -> String {
    let days = side.dates.as_ref().map_or_else(|| "no tokens".to_owned(), |(from, to)| format!("{from} to {to}"));
    let kind = match side.kind {
        Kind::Invoice => "bill",
        Kind::Books => "books of a gateway",
    };
    format!("{name}: {kind}, {days}, {} tokens", tokens(side.tokens))
}

fn steps(told: &Verified, lines: &mut Lines) {
    let found = &told.waterfall;
    lines.heading("From one month to the other");
    let mut table = Table::new(&[Align::Flexible, Align::Right]);
    table.row([side("before", &told.before), usd(found.before, 2)]);
    for lever in [false, true] {
        for step in Step::ALL.into_iter().filter(|step| step.is_lever() == lever && found.steps[*step] != Money::ZERO) {
            let mark = if lever { "lever: " } else { "" };
            table.row([format!("  {mark}{}", step.words()), usd(-found.steps[step], 2)]);
        }
    }
    table.row([side("after", &told.after), usd(found.after, 2)]);
    lines.table(&table);
    let how = match told.after.kind {
        Kind::Books => "metered",
        Kind::Invoice => "as billed",
    };
    lines.item("-", &saved(how, found));
    if found.without_before > 0 {
        lines.item(
            "-",
            &format!("{} tokens of models that the month before did not have claim nothing", tokens(found.without_before)),
        );
    }
    if found.price_unknown > 0 {
        let tokens = tokens(found.price_unknown);
        lines.item(
            "-",
            &format!(
                "{tokens} tokens were bought in a way whose price before is not known: a change of it counts with their lever"
            ),
        );
    }
}

fn saved(how: &str, found: &Waterfall) -> String {
    let (equal, cost) = (usd(found.at_equal_tokens, 2), usd(found.tokens_cost, 2));
    let (saved, share) = (usd(found.saved(), 2), percent(found.saved(), found.at_equal_tokens));
    format!(
        "saved at equal tokens, {how}: {saved}, {share} of the {equal} that these tokens cost as they were bought before; they cost {cost}"
    )
}

fn compared(found: &Waterfall, made_from: u64, predicted: &Predicted, lines: &mut Lines) {
    lines.heading("Predicted and metered");
    let mut table = Table::new(&[Align::Flexible, Align::Right, Align::Right]);
    table.row(["lever, at the tokens of the month after".into(), "predicted".into(), "metered".into()]);
    let amount = |money: Option<Money>| money.map_or_else(|| "–".to_owned(), |money| usd(money, 2));
    for step in Step::ALL {
        let planned = predicted.levers.iter().find(|(name, _)| name == step.words()).map(|(_, saves)| *saves);
        let metered = step.is_lever().then(|| found.steps[step]);
        if planned.is_some() || metered.is_some_and(|saves| saves != Money::ZERO) {
            table.row([step.words().into(), amount(planned), amount(metered)]);
        }
    }
    lines.table(&table);
    let bounds = &predicted.savings;
    let (floor, likely, ceiling) = (usd(bounds.floor, 2), usd(bounds.likely, 2), usd(bounds.ceiling, 2));
    let by_lane = found.saved_by_lane();
    let standing = match predicted.standing(by_lane) {
        Standing::BelowFloor => "below the floor",
        Standing::Within => "within that",
        Standing::AboveCeiling => "above the ceiling",
    };
    lines.item(
        "-",
        &format!(
            "the plan said {floor} to {ceiling} by other lanes, likely {likely}; metered are {}, {standing}",
            usd(by_lane, 2)
        ),
    );
    if made_from != predicted.tokens {
        let (from, to) = (tokens(made_from), tokens(predicted.tokens));
        lines.item("-", &format!("the plan was made from {from} tokens; its money is scaled to {to}"));
    }
}

fn by_invoice(told: &Verified, invoiced: &Invoiced, lines: &mut Lines) {
    lines.heading("Against AWS's invoice");
    lines.paragraph(&side("invoice", &invoiced.side));
    let covered = |what: &str, checked: &Checked| {
        let share = if checked.invoiced == 0 { "–".to_owned() } else { ratio(checked.within as f64 / checked.invoiced as f64) };
        let (lines, out) = (checked.lines, checked.outside.len());
        format!(
            "{what}: {lines} lines, {out} outside of the tolerance of {}; {share} of what is invoiced is within",
            invoiced.tolerance
        )
    };
    lines.item("-", &covered("tokens by usage type and day", &invoiced.tokens));
    lines.item("-", &covered("money by model, lane and day", &invoiced.money));
    if invoiced.unmetered != Money::ZERO {
        let money = usd(invoiced.unmetered, 2);
        lines.item(
            "-",
            &format!("{money} of the invoice's Bedrock is no tokens, or by calls that AWS's services make themselves: no gateway meters it, and it is compared with nothing"),
        );
    }
    outside("Tokens outside of the tolerance", &invoiced.tokens, lines);
    outside("Money outside of the tolerance", &invoiced.money, lines);
    lines.heading(if invoiced.reasons.is_empty() { "Proven" } else { "Not proven" });
    invoiced.reasons.iter().for_each(|reason| lines.item("-", reason));
    let word = if invoiced.reasons.is_empty() { "proven by invoice" } else { "by this invoice" };
    lines.item("-", &saved(word, &invoiced.waterfall));
    let differs = invoiced.waterfall.saved() - told.waterfall.saved();
    if differs != Money::ZERO {
        lines.item("-", &format!("that is {} from what was metered", usd(differs, 2)));
    }
}

fn outside(heading: &str, checked: &Checked, lines: &mut Lines) {
    if checked.outside.is_empty() {
        return;
    }
    lines.heading(heading);
    for one in &checked.outside {
        let spelled = one.usage_type.as_deref().unwrap_or("no line on the invoice");
        lines.item("-", &format!("{}, {spelled}: metered {}, invoiced {} ({})", one.day, one.metered, one.invoiced, one.what));
    }
}

//! The books held against AWS's invoice of the same month.

use std::collections::BTreeMap;

use laneshift_core::verify::{Reconciled, Row, Tolerance, reconcile, waterfall};
use laneshift_report::count;
use laneshift_report::verified::{Checked, Difference, Invoiced, Kind};
use laneshift_units::Money;

use super::account::{Account, Line, date};

pub(super) fn held_against(
    before: &Account,
    after: &Account,
    invoice: &Account,
    (tolerance, asked): (Tolerance, &str),
) -> Invoiced {
    let tokens = reconcile(&after.tokens, &invoice.tokens, tolerance);
    let money = reconcile(&after.money, &invoice.money, tolerance);
    let mut reasons = Vec::new();
    let mut because = |holds: bool, reason: String| {
        if holds {
            reasons.push(reason)
        }
    };
    because(before.kind == Kind::Books, "the month before is metered too; a saving is invoiced where both months are".to_owned());
    because(after.days().is_empty(), "nothing was metered".to_owned());
    let both = before.days().intersection(&invoice.days()).count();
    because(both > 0, format!("{both} days are on the invoice and on the bill of the month before: these are not two months"));
    let counted =
        |what: &str, lines: u64, out: usize| format!("{out} of {lines} lines of {what} are outside of the tolerance of {asked}");
    because(!tokens.outside.is_empty(), counted("tokens by usage type and day", tokens.lines, tokens.outside.len()));
    because(!money.outside.is_empty(), counted("money by model, lane and day", money.lines, money.outside.len()));
    let missing: Vec<String> = after.days().difference(&invoice.days()).map(|day| date(*day)).collect();
    because(
        !missing.is_empty(),
        format!("the invoice has nothing on {}: the last days of an export come late", missing.join(", ")),
    );
    for (name, bill) in [("before", before), ("invoice", invoice)] {
        bill.not_final.iter().for_each(|why| because(true, format!("{name}: {why}")));
    }
    because(!after.unpriced.is_empty(), format!("{} lines of the books have no known price", after.unpriced.len()));
    because(
        before.kind == Kind::Invoice && before.month.fees != invoice.month.fees,
        format!(
            "the fees of paid capacity were {} and are {}: what its tokens cost otherwise is on no bill",
            before.month.fees, invoice.month.fees
        ),
    );
    let (was, is) = match before.kind {
        Kind::Invoice => (&before.month, &invoice.month),
        Kind::Books => (&before.month, &invoice.month.of_tokens()),
    };
    let found = waterfall(was, is);
    because(
        found.price_unknown > 0,
        format!("{} tokens were bought in a way whose price before is not known", count(found.price_unknown)),
    );
    Invoiced {
        side: invoice.side(),
        tolerance: asked.to_owned(),
        tokens: checked(tokens, invoice, &|tokens| tokens.to_string()),
        money: checked(money, invoice, &|pico| format!("${}", Money::from_pico(pico).to_exact_string())),
        unmetered: invoice.month.fees + invoice.month.other + invoice.by_aws,
        waterfall: found,
        reasons,
    }
}

fn checked(found: Reconciled<Line>, invoice: &Account, amount: &dyn Fn(i128) -> String) -> Checked {
    let mut usage_types: BTreeMap<Line, Vec<&str>> = BTreeMap::new();
    for (line, spelled) in &invoice.usage_types {
        for line in [line.clone(), line.money()] {
            usage_types.entry(line).or_default().extend(spelled.iter().map(String::as_str));
        }
    }
    let outside = found.outside.into_iter().map(|Row { key, metered, invoiced }| Difference {
        day: date(key.day),
        usage_type: usage_types.get(&key).map(|spelled| spelled.join(", ")),
        what: words(&key),
        metered: amount(metered),
        invoiced: amount(invoiced),
    });
    Checked { lines: found.lines, within: found.within, invoiced: found.invoiced, outside: outside.collect() }
}

fn words(line: &Line) -> String {
    let class = line.class.map_or("", |class| class.name());
    let global = if line.global { "global" } else { "" };
    let all = [&*line.model, &*line.region, global, line.mode.name(), class];
    all.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

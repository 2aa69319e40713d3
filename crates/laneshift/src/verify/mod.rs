//! Two months in; the steps between them, the plan's word and the invoice's out.

mod account;
mod bill;
mod books;
mod invoice;
mod output;

use std::path::Path;

use laneshift_catalog::plan_file::PlanFile;
use laneshift_catalog::profiles::Profiles;
use laneshift_catalog::signals::Signals;
use laneshift_core::plan::Savings;
use laneshift_core::verify::{Predicted, Step, Tolerance, waterfall};
use laneshift_gateway::books::is_gateway;
use laneshift_report::verified::{Kind, Verified, summary};
use laneshift_units::Money;

use crate::audit::load_catalog;
use crate::cli::verify::VerifyArgs;
use crate::error::Error;
use account::Account;
use bill::Known;

/// What a verification prints, and why nothing is proven.
pub(crate) struct Done {
    pub(crate) summary: String,
    pub(crate) json: String,
    pub(crate) reasons: Vec<String>,
}

pub(crate) fn run(args: &VerifyArgs) -> Result<Done, Error> {
    let tolerance = tolerance(&args.tolerance)?;
    let catalog = load_catalog(args.catalog.as_deref())?;
    let profiles = args.profiles.as_deref().map_or_else(|| Ok(Profiles::default()), Profiles::open);
    let profiles = profiles.map_err(|e| Error::Data(e.to_string()))?;
    let signals = Signals::shipped().map_err(|e| Error::Data(e.to_string()))?;
    let known = Known { catalog: &catalog, signals: &signals };
    let read = |named: &str| read(named, args, known, &profiles);
    let mut after = read(&args.after)?;
    if args.cur.is_some() && after.kind == Kind::Invoice {
        let reason = "--after is a bill too, and a bill beside itself shows nothing; give the folder of the gateway as --after, whose \
                      books are another account of the same usage";
        return Err(Error::Argument { what: "--cur".to_owned(), reason: reason.to_owned() });
    }
    let mut before = read(&args.before)?;
    let invoice = args.cur.as_deref().map(|named| bill::read(named, args.s3_endpoint.as_deref(), known)).transpose()?;
    let invoiced = invoice.as_ref().map(|invoice| invoice::held_against(&before, &after, invoice, (tolerance, &args.tolerance)));
    if before.kind == Kind::Books || after.kind == Kind::Books {
        before.leave_out_all_but_tokens();
        after.leave_out_all_but_tokens();
    }
    let found = waterfall(&before.month, &after.month);
    let predicted = args.plan.as_deref().map(predicted).transpose()?;
    let sides = [("before", Some(&before)), ("after", Some(&after)), ("invoice", invoice.as_ref())];
    let mut notes: Vec<String> = sides.into_iter().filter_map(|(name, side)| Some((name, side?))).flat_map(noted).collect();
    if found.steps[Step::Committed] != Money::ZERO {
        let text =
            "tokens on paid capacity are on no line of a bill: they count as fewer tokens, and that capacity as its fee alone";
        notes.push(text.to_owned());
    }
    let predicted = match predicted {
        Some(plan) => plan.at(after.month.tokens()).map(|scaled| (plan.tokens, scaled)),
        None => None,
    };
    let told = Verified { before: before.side(), after: after.side(), waterfall: found, predicted, invoiced, notes };
    let reasons = told.invoiced.as_ref().map_or_else(Vec::new, |invoiced| invoiced.reasons.clone());
    Ok(Done { summary: summary(&told), json: output::json(&told), reasons })
}

fn noted((name, side): (&'static str, &Account)) -> impl Iterator<Item = String> {
    let all: Vec<String> = side.notes.iter().chain(&side.not_final).map(|note| format!("{name}: {note}")).collect();
    all.into_iter()
}

/// A bill, or the folder of a gateway.
fn read(named: &str, args: &VerifyArgs, known: Known<'_>, profiles: &Profiles) -> Result<Account, Error> {
    let folder = Path::new(named);
    if is_gateway(folder) {
        books::read(folder, args.sampling_factor, known.catalog, profiles)
    } else {
        bill::read(named, args.s3_endpoint.as_deref(), known)
    }
}

fn predicted(path: &Path) -> Result<Predicted, Error> {
    let file = if path.is_dir() { path.join("plan.json") } else { path.to_owned() };
    let plan = PlanFile::read(&file).map_err(|e| Error::Data(e.to_string()))?;
    let usage = &plan.scope.usage;
    let tokens = usage.input + usage.output + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h;
    let savings =
        Savings { floor: plan.savings.floor_usd.0, likely: plan.savings.likely_usd.0, ceiling: plan.savings.ceiling_usd.0 };
    let levers = plan.waterfall.into_iter().map(|step| (step.name, step.saves_usd.0)).collect();
    Ok(Predicted { tokens, savings, levers })
}

/// A share in percent, with or without its sign, as millionths.
fn tolerance(text: &str) -> Result<Tolerance, Error> {
    const PICO_PER_MILLIONTH: i128 = 100_000_000;
    let wrong = |reason: &str| Error::Argument { what: format!("--tolerance {text}"), reason: reason.to_owned() };
    let percent = Money::parse_usd(text.trim_end_matches('%').trim_end()).map_err(|e| wrong(&e.to_string()))?;
    let millionths = percent.pico() / PICO_PER_MILLIONTH;
    match u32::try_from(millionths) {
        Ok(share) if share <= 1_000_000 => Ok(Tolerance(share)),
        Ok(_) | Err(_) => Err(wrong("it is a share from 0% to 100%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_percent_with_or_without_its_sign() {
        let read = |text| tolerance(text).map(|t| t.0).map_err(|e| e.to_string());
        assert_eq!([read("1%"), read("0.5 %"), read("0"), read("100")], [Ok(10_000), Ok(5_000), Ok(0), Ok(1_000_000)]);
        for text in ["", "-1%", "101%", "some"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

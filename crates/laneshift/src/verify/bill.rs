//! AWS's invoice as an account.

use std::fs::File;
use std::io::Read;

use laneshift_bedrock::usage_type::{self, Kind as Metered};
use laneshift_catalog::prices::Catalog;
use laneshift_catalog::signals::Signals;
use laneshift_core::verdict::PrincipalKind;
use laneshift_core::verify::{Amount, Cell};
use laneshift_ledger::bill::{BillError, BillKind, BillLine, BillStats, LineItemType, looks_like_bill, read_bill};
use laneshift_ledger::{Input, Location, Objects, resolve};
use laneshift_report::verified::Kind;
use laneshift_units::Tokens;

use super::account::{Account, model_named};
use crate::audit;
use crate::error::Error;

/// What the rows of a bill are understood by.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// Models.
    pub(super) catalog: &'a Catalog,
    /// Which callers are AWS's own services.
    pub(super) signals: &'a Signals,
}

/// How much of a file is looked at to tell whether it is a bill.
const START_BYTES: u64 = 64 << 10;

/// Reads a bill: a file, a folder, a pattern or an `s3://` prefix. A row that is not understood is an error: a sum without it is wrong.
pub(super) fn read(named: &str, s3_endpoint: Option<&str>, known: Known<'_>) -> Result<Account, Error> {
    let objects = Objects::new();
    let open = |bucket: &str| laneshift_aws::s3::open(bucket, s3_endpoint);
    let found = resolve(&[named.to_owned()], &open, &objects).map_err(audit::refused)?;
    let mut account = Account::new(Kind::Invoice, named);
    let (mut stats, mut bills) = (BillStats::default(), 0_u64);
    let mut corrections = Vec::new();
    for input in &found.inputs {
        if !is_bill(input, &objects)? {
            continue;
        }
        bills += 1;
        stats += read_one(input, &objects, &mut |line| take(&mut account, &mut corrections, known, line))?;
    }
    if bills == 0 {
        return Err(Error::NoEvidence(named.to_owned()));
    }
    // Last, because a correction may stand before what it corrects.
    for one in corrections {
        correct(&mut account, one);
    }
    told(&mut account, &stats);
    Ok(account)
}

fn unreadable(input: &Input, error: &dyn std::fmt::Display) -> Error {
    Error::Evidence(format!("{}: {error}", input.uri))
}

fn is_bill(input: &Input, objects: &Objects) -> Result<bool, Error> {
    let mut start = Vec::new();
    let file = input.location.open(objects).map_err(|e| unreadable(input, &e))?;
    file.take(START_BYTES).read_to_end(&mut start).map_err(|e| unreadable(input, &e))?;
    Ok(looks_like_bill(&start).is_some())
}

fn read_one(input: &Input, objects: &Objects, sink: &mut dyn FnMut(BillLine)) -> Result<BillStats, Error> {
    let mut bad = None;
    let mut reject = |one| {
        bad.get_or_insert(one);
    };
    let read = match &input.location {
        Location::Local(path) => {
            let file = File::open(path).map_err(|e| unreadable(input, &e))?;
            read_bill(file, &input.uri, sink, &mut reject)
        }
        Location::Object { .. } => {
            let bytes = input.location.read_up_to(audit::BILL_OBJECT_BYTES_MAX, objects).map_err(|e| unreadable(input, &e))?;
            let bytes = bytes.ok_or_else(|| unreadable(input, &"larger than 4 GiB; download it and give the file"))?;
            read_bill(bytes::Bytes::from(bytes), &input.uri, sink, &mut reject)
        }
    };
    match (read, bad) {
        (Err(BillError::Focus { name }), _) => Err(Error::Focus(name)),
        (Err(error), _) => {
            let source = std::error::Error::source(&error).map(|s| format!(": {s}")).unwrap_or_default();
            Err(Error::Data(format!("{error}{source}")))
        }
        (Ok(stats), Some(first)) => {
            let more = if stats.rejected > 1 { format!("; {} more rows are wrong", stats.rejected - 1) } else { String::new() };
            Err(Error::Data(format!("{}, line {}: {}{more}", input.uri, first.line, first.reason)))
        }
        (Ok(stats), None) => Ok(stats),
    }
}

/// Tokens that a row takes back.
struct Correction {
    day: i64,
    cell: Cell,
    amount: Amount,
    by_aws: bool,
}

fn correct(account: &mut Account, Correction { day, cell, amount, by_aws }: Correction) {
    if by_aws {
        account.by_aws += amount.cost;
        account.month.take_back(&cell, amount);
    } else {
        account.take_back(day, &cell, amount);
    }
}

fn take(account: &mut Account, corrections: &mut Vec<Correction>, known: Known<'_>, line: BillLine) {
    let cost = line.unblended_cost;
    match (line.kind, line.line_item_type) {
        (BillKind::OtherAiMl, _) => {}
        (_, LineItemType::Fee | LineItemType::RiFee) => account.month.fees += cost,
        (_, kind) if !kind.is_usage() => account.month.adjustments += cost,
        (BillKind::BedrockTokens { class, mode, global, long_context, mantle: _ }, _) => {
            let (counted, taken_back) = (line.tokens, line.taken_back().unwrap_or(Tokens(0)));
            let model = line.model.as_deref().map_or_else(|| line.usage_type.clone(), |model| model_named(known.catalog, model));
            let cell = Cell { account: line.account, region: line.region, model, long_context, class, mode, global };
            let by_aws = line.principal.is_some_and(|name| known.signals.principal_kind(&name, "") == PrincipalKind::AwsService);
            let Some(Tokens(tokens)) = counted else {
                corrections.push(Correction { day: line.day, cell, amount: Amount { tokens: taken_back.0, cost }, by_aws });
                return;
            };
            let amount = Amount { tokens, cost };
            if by_aws {
                account.by_aws += cost;
                account.month.add(cell, amount);
                return;
            }
            let at = account.add(line.day, cell, amount);
            account.usage_types.entry(at).or_default().insert(line.usage_type);
        }
        (BillKind::BedrockOther, _) => match usage_type::parse(&line.usage_type, None).map(|read| read.kind) {
            Some(Metered::ReservedTpm { .. } | Metered::ModelUnit { .. }) => account.month.fees += cost,
            Some(Metered::Token(_) | Metered::Image | Metered::Search | Metered::Other) | None => account.month.other += cost,
        },
    }
}

fn told(account: &mut Account, stats: &BillStats) {
    if stats.not_invoiced > 0 {
        account.not_final = Some(format!(
            "{} lines of usage are on no invoice yet (bill_invoice_id is empty): AWS may still change them, and add to their days",
            stats.not_invoiced
        ));
    } else if stats.invoice_untold > 0 {
        account.not_final = Some(
            "the bill has no column bill_invoice_id, so it does not tell whether it is final: export it with that column"
                .to_owned(),
        );
    }
    if stats.negative_quantities > 0 {
        account.notes.push(format!(
            "{} rows take tokens back: they are taken from the lines that they correct",
            stats.negative_quantities
        ));
    }
    if stats.assumed_units > 0 {
        account
            .notes
            .push(format!("{} rows do not say how many tokens a unit is; the seller's habit was taken", stats.assumed_units));
    }
}

//! The bill of the same month: CUR 2.0, a row a day for each account, region, model, principal, operation, tier and class.
//!
//! Column names: AWS, "Cost and Usage Report 2.0 table dictionary", read 2026-11-23. A bill is not sampled: its tokens
//! are those of the logs times the sampling factor.

mod names;
mod others;
mod row;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use laneshift_units::{Money, PriceMode, ServiceTier, TokenClass, Tokens};

use crate::company::{CalledAs, Company, Workload};
use crate::events::EventDays;
use crate::logs::write_gz;
use crate::{identity, prices};
pub(crate) use row::Row;

/// What a bill adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Rows below the header.
    pub rows: u64,
    /// Tokens that the logs sample.
    pub logged_tokens: Tokens,
    /// List cost of those tokens.
    pub logged_cost: Money,
    /// Cost of all rows: batch jobs, other services and tax included.
    pub total_cost: Money,
}

/// What one row adds up, in the order of the file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    day: i64,
    workload: usize,
    principal: String,
    streams: bool,
    mode: PriceMode,
    class: TokenClass,
}

/// Writes `cur2.csv.gz` under `out`, with rows beside the logs' that a bill has: batch jobs, other services, tax.
///
/// # Errors
/// What the file system says.
pub fn write_cur(company: &Company, out: &Path) -> io::Result<Bill> {
    fs::create_dir_all(out)?;
    let mut bill = Bill::default();
    let mut rows = Vec::new();
    for (key, tokens) in tokens(company) {
        let workload = &company.workloads[key.workload];
        let row = logged_row(workload, &key, tokens);
        bill.logged_tokens += tokens;
        bill.logged_cost += row.cost;
        rows.push(row);
    }
    rows.extend(others::rows(company, bill.logged_cost));
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(row::COLUMNS)?;
    for row in &rows {
        bill.total_cost += row.cost;
        bill.rows += 1;
        csv.write_record(row.cells(company))?;
    }
    let text = csv.into_inner().map_err(|e| e.into_error())?;
    write_gz(&out.join("cur2.csv.gz"), &text, 9)?;
    Ok(bill)
}

fn tokens(company: &Company) -> BTreeMap<Key, Tokens> {
    let mut sums: BTreeMap<Key, Tokens> = BTreeMap::new();
    for event in EventDays::new(company).flatten() {
        let usage = event.metered().times(company.sampling_factor);
        for class in TokenClass::ALL {
            if usage.get(class).0 == 0 {
                continue;
            }
            let key = Key {
                day: laneshift_units::Timestamp(event.at_ms).day_index(),
                workload: event.workload,
                principal: identity::arn(company, &event),
                streams: event.part_of(company).operation.streams(),
                mode: mode(event.tier(company)),
                class,
            };
            *sums.entry(key).or_default() += usage.get(class);
        }
    }
    sums
}

pub(crate) const fn mode(tier: ServiceTier) -> PriceMode {
    match tier {
        ServiceTier::Priority => PriceMode::Priority,
        ServiceTier::Flex => PriceMode::Flex,
        ServiceTier::Default | ServiceTier::Reserved => PriceMode::OnDemand,
    }
}

fn logged_row(workload: &Workload, key: &Key, tokens: Tokens) -> Row {
    let rate = prices::rate(&workload.model, &workload.region, key.mode, key.class);
    let rate = rate.expect("a company uses only what the price file prices");
    let mut row = Row::tokens(key.day, &workload.account, &workload.region);
    names::name(&mut row, workload, key.mode, key.class);
    row.price(rate, tokens);
    row.operation = if key.streams { "InvokeModelStreamingInference" } else { "InvokeModelInference" }.to_owned();
    row.principal.clone_from(&key.principal);
    if matches!(workload.called_as, CalledAs::Application(_)) {
        row.resource_id = workload.model_id();
        row.tags = vec![("user_application".to_owned(), workload.name.clone())];
    }
    row
}

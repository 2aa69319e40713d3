//! The demo: a month as it is, its audit, the month again under the audit's policy, both bills, and a slice in real time.

mod output;
mod progress;
mod real_time;

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use laneshift_core::route::LaneId;
use laneshift_example::Company;
use laneshift_provider::bill::{Granularity, PriceList, cur_csv};
use laneshift_provider::models::Models;
use laneshift_provider::settings::Settings;
use laneshift_report::comparison::{self, Comparison, LanePair, Slice, Wait, WorkloadPair};
use laneshift_sim::{Books, Month, Traffic, as_planned, as_today, settings_for};
use laneshift_units::{AccountId, Money, PriceMode, Timestamp};

use crate::audit;
use crate::cli::audit::AuditArgs;
use crate::cli::demo::{DemoArgs, Known};
use crate::clock::Stopwatch;
use crate::error::Error;
pub(crate) use progress::Bar;

const DAY_MS: i64 = 86_400_000;
/// How long before the month as planned the month as it is begins: whole weeks, and more days than it has.
const BEFORE_DAYS: i64 = 35;

/// What a demo prints.
pub(crate) struct Done {
    pub(crate) summary: String,
    pub(crate) json: String,
}

/// The page.
const PAGE: &str = "demo.html";
/// The mark of a folder that a demo has made: only such a one is replaced by another.
const MARK: &str = ".laneshift-demo";

pub(crate) fn run(args: &DemoArgs) -> Result<Done, Error> {
    let begun = Stopwatch::start();
    let known = if args.company.is_empty() { Known::ALL } else { &args.company };
    prepare(&args.out)?;
    let mut compared = Vec::new();
    for company in known {
        let (known, company) = (*company, company.of(args.seed).sampled(args.sample));
        let settings = known.settings(&company);
        compared.push(compare(company.into(), &settings, &args.out)?);
    }
    let page = args.out.join(PAGE);
    let html = comparison::html(&compared).map_err(|e| Error::Report(e.to_string()))?;
    fs::write(&page, html).map_err(|e| unwritten(&page, &e))?;
    let summary = comparison::summary(&compared, &page.display().to_string(), begun.elapsed());
    Ok(Done { summary, json: output::json(&compared) })
}

impl Known {
    /// What the emulated Bedrock is told.
    fn settings(self, company: &Company) -> Settings {
        let mut settings = settings_for(company);
        match self {
            // The worked example knows of no job that takes longer than a day.
            Self::Founding => (settings.turnaround.queue_sigma, settings.turnaround.tail_share) = (0.5, 0.0),
            Self::Acme | Self::Generated => {}
        }
        settings
    }

    fn of(self, seed: u64) -> Company {
        match self {
            Self::Founding => laneshift_example::founding(seed),
            Self::Acme => laneshift_example::acme(seed).in_one_account(),
            Self::Generated => laneshift_example::generated(seed),
        }
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Error {
    Error::Write { path: path.to_owned(), reason: error.to_string() }
}

/// An empty folder: a new one, or one whose demo is removed.
fn prepare(out: &Path) -> Result<(), Error> {
    let failed = |e: std::io::Error| unwritten(out, &e);
    if out.join(MARK).is_file() {
        fs::remove_dir_all(out).map_err(failed)?;
    }
    fs::create_dir_all(out).map_err(failed)?;
    if fs::read_dir(out).map_err(failed)?.next().is_some() {
        return Err(Error::Demo(format!("{} holds something that no demo has written", out.display())));
    }
    // From the beginning: a demo that is stopped half way may be replaced too.
    fs::write(out.join(MARK), "").map_err(failed)
}

fn compare(mut traffic: Traffic, settings: &Settings, out: &Path) -> Result<Comparison, Error> {
    let folder = out.join(traffic.company.name.to_lowercase());
    let name = traffic.company.name.clone();
    let failed = |e: laneshift_sim::SimError| Error::Demo(format!("{name}: {e}"));
    let bar = Bar::new(&format!("{name} as it is"));
    moved(&mut traffic, -BEFORE_DAYS);
    let today = folder.join("today");
    let before = laneshift_sim::run(as_today(&traffic, settings.clone(), &today, &|at| bar.at(at))).map_err(failed)?;
    bar.finish();
    let audited = audit(&traffic.company, &before, &folder)?;
    moved(&mut traffic, BEFORE_DAYS);
    let bar = Bar::new(&format!("{name} as planned"));
    let policy = folder.join("audit").join("policy.toml");
    let planned = folder.join("planned");
    let tell = |at| bar.at(at);
    let run = as_planned(&traffic, settings.clone(), &policy, &planned, &tell);
    let (after, books) = laneshift_sim::run(run).map_err(failed)?;
    bar.finish();
    write_bill(&traffic.company, &after, &planned)?;
    let real_time = real_time::run(&traffic, settings, &planned, &folder.join("real-time"))?;
    told(&traffic.company, (&before, &after), &books, &audited, real_time).map_err(failed)
}

/// Makes the same requests on other days.
fn moved(traffic: &mut Traffic, days: i64) {
    let to = |at: Timestamp| Timestamp(at.0 + days * DAY_MS);
    traffic.company.start = to(traffic.company.start);
    traffic.calls.iter_mut().for_each(|call| call.at = to(call.at));
}

/// Audits the month that was: its invocation logs and its bill.
fn audit(company: &Company, month: &Month, folder: &Path) -> Result<audit::Done, Error> {
    let today = folder.join("today");
    let bill = write_bill(company, month, &today)?;
    laneshift_example::write_evidence(company, &today).map_err(|e| unwritten(&today, &e))?;
    let evidence: [PathBuf; 2] = [folder.join("today/s3/logs"), bill];
    let args = AuditArgs {
        evidence: evidence.map(|path| path.display().to_string()).into(),
        sampling_factor: Some(company.sampling_factor),
        profiles: Some(today.join("profiles.csv")),
        ..AuditArgs::into(folder.join("audit"))
    };
    audit::run(&args)
}

/// Writes what a month was billed, as AWS exports it when it is final.
fn write_bill(company: &Company, month: &Month, folder: &Path) -> Result<PathBuf, Error> {
    let bill = folder.join("cur.csv");
    let payer = company.workloads.first().map_or_else(|| AccountId::new(""), |workload| workload.account.clone());
    let whole = month.bill.times(company.sampling_factor);
    let text = cur_csv(&whole, PriceList::shipped(), &Models::seller_of, Granularity::Hour, &payer, "demo");
    fs::write(&bill, text).map_err(|e| unwritten(&bill, &e))?;
    Ok(bill)
}

fn told(
    company: &Company,
    (before, after): (&Month, &Month),
    books: &Books,
    audited: &audit::Done,
    real_time: Slice,
) -> Result<Comparison, laneshift_sim::SimError> {
    for month in [before, after] {
        if let Some((workload, _)) = month.unanswered.first() {
            let name = &company.workloads[*workload].name;
            return Err(laneshift_sim::SimError::Refused(format!("a call of {name} has no answer")));
        }
    }
    let (was, is) = (before.lanes()?, after.lanes()?);
    let times = |amount: Money| amount.times(company.sampling_factor);
    let lanes = PriceMode::ALL.into_iter().filter_map(|mode| {
        let (was, is) = (was.get(&mode), is.get(&mode));
        (was.is_some() || is.is_some()).then(|| LanePair {
            lane: lane_of(mode),
            before: times(was.map_or(Money::ZERO, |lane| lane.billed)),
            after: times(is.map_or(Money::ZERO, |lane| lane.billed)),
        })
    });
    Ok(Comparison {
        name: company.name.clone(),
        seed: company.seed,
        days: company.days,
        factor: company.sampling_factor,
        requests: before.requests,
        tokens: was.values().map(|lane| lane.tokens).sum::<u64>() * company.sampling_factor,
        lanes: lanes.collect(),
        workloads: workloads(company, (before, after), audited),
        before: times(before.billed()?),
        after: times(after.billed()?),
        accepted: after.deadlines.accepted,
        kept: after.deadlines.kept,
        wait_before: wait_of(before),
        wait_after: wait_of(after),
        real_time,
        predicted: audited.savings,
        booked: times(books.paid),
        booked_at_most: times(books.paid + books.bound),
        beside: times(after.billed()? - books.billed),
        folder: company.name.to_lowercase(),
    })
}

/// What each workload cost in both months, the dearest first.
fn workloads(company: &Company, (before, after): (&Month, &Month), audited: &audit::Done) -> Vec<WorkloadPair> {
    let billed = |month: &Month, role: &str| month.by_role.get(role).copied().unwrap_or_default().times(company.sampling_factor);
    let pairs = company.workloads.iter().map(|workload| WorkloadPair {
        name: workload.name.clone(),
        before: billed(before, &workload.role),
        after: billed(after, &workload.role),
        predicted: audited.saves.get(&workload.key()).copied().unwrap_or_default(),
    });
    let mut pairs: Vec<WorkloadPair> = pairs.collect();
    pairs.sort_by_key(|pair| Reverse(pair.before));
    pairs
}

/// How long who waited did.
pub(crate) fn wait_of(month: &Month) -> Option<Wait> {
    Some(Wait { p50_ms: month.waited(50)?, p99_ms: month.waited(99)? })
}

/// The lane of a column of the price list; answers that are optimised for latency are on demand too.
pub(crate) const fn lane_of(mode: PriceMode) -> LaneId {
    match mode {
        PriceMode::OnDemand | PriceMode::LatencyOptimized => LaneId::Standard,
        PriceMode::Priority => LaneId::Priority,
        PriceMode::Flex => LaneId::Flex,
        PriceMode::Batch => LaneId::Batch,
    }
}

//! The audit's wiring: evidence, data files and price catalogue in; plan, files and summary out.

mod bill;
mod confusion;
mod daily;
mod evidence;
mod mistakes;
mod output;
mod progress;
mod renewal;
mod resolve;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::commitments::Commitments;
use laneshift_catalog::owners::Owners;
use laneshift_catalog::prices::Catalog;
use laneshift_catalog::profiles::Profiles;
use laneshift_catalog::signals::Signals;
use laneshift_core::plan::{Commitment, Inputs, Plan, PriceNote, Savings, Scope, Unresolved, build};
use laneshift_core::route::LaneId;
use laneshift_ledger::workload::zone_offset;
use laneshift_units::{Money, Timestamp, Usage};

use crate::cli::audit::AuditArgs;
use crate::error::Error;
use crate::market::Book;
use evidence::Evidence;
pub(crate) use evidence::{BILL_OBJECT_BYTES_MAX, refused};
use renewal::Volumes;
use resolve::Resolver;

/// What an audit prints.
pub(crate) struct Done {
    pub(crate) summary: String,
    pub(crate) json: String,
    pub(crate) savings: Savings,
    /// What the recommended moves of each workload save, by its key.
    pub(crate) saves: BTreeMap<String, Money>,
}

/// The catalogue at a path, or the shipped one.
pub(crate) fn load_catalog(path: Option<&Path>) -> Result<Catalog, Error> {
    path.map_or_else(Catalog::shipped, Catalog::open).map_err(|e| Error::Catalog(e.to_string()))
}

/// Runs an audit and writes its folder.
pub(crate) fn run(args: &AuditArgs) -> Result<Done, Error> {
    let data = |e: laneshift_catalog::DataError| Error::Data(e.to_string());
    let catalog = load_catalog(args.catalog.as_deref())?;
    let capabilities = Capabilities::shipped().map_err(data)?;
    let signals = args.signals.as_deref().map_or_else(Signals::shipped, Signals::open).map_err(data)?;
    let owners = args.owners.as_deref().map_or_else(|| Ok(Owners::default()), Owners::open).map_err(data)?;
    let commitments = args.commitments.as_deref().map_or_else(|| Ok(Commitments::default()), Commitments::open).map_err(data)?;
    let classify = |role: &str, session: &str| signals.principal_kind(role, session);
    let evidence = evidence::read(args, &signals, &classify)?;
    let profiles = args.profiles.as_ref().or(evidence.profiles.as_ref());
    let profiles = profiles.map_or_else(|| Ok(Profiles::default()), |path| Profiles::open(path)).map_err(data)?;
    let resolver = Resolver {
        book: Book { catalog: &catalog, capabilities: &capabilities },
        profiles: &profiles,
        commitments: &commitments,
        owners: &owners,
        factor: evidence.factor,
        doubts: RefCell::default(),
    };
    let mut plan = plan(&evidence, &resolver, &signals, &classify);
    plan.confusion = evidence.truth.as_ref().map_or_else(Vec::new, |truth| confusion::table(truth, &plan));
    output::write(args, &plan, &owners)
}

fn plan(
    evidence: &Evidence,
    resolver: &Resolver<'_>,
    signals: &Signals,
    classify: &dyn Fn(&str, &str) -> laneshift_core::verdict::PrincipalKind,
) -> Plan {
    let scope = scope(evidence, resolver);
    let days = scope.days;
    let logs = !evidence.grains.is_empty();
    let (mut workloads, unresolved) = if logs {
        let (workloads, unresolved) = laneshift_ledger::workload::workloads(&evidence.grains, &evidence.waits, days, resolver);
        (workloads, unresolved.into_iter().map(|(id, (requests, usage))| Unresolved { id, requests, usage }).collect())
    } else {
        let (workloads, unknown) = bill::workloads(&evidence.bill, resolver, classify, days);
        let unknown: Vec<Unresolved> = unknown.into_iter().map(|(id, usage)| Unresolved { id, requests: 0, usage }).collect();
        (workloads, unknown)
    };
    for workload in &mut workloads {
        workload.owner = resolver.owners.find(&workload.key, &workload.account).and_then(|o| o.owner.clone());
        workload.answer = resolver.owners.answer(&workload.key, &workload.account);
    }
    let volumes = Volumes::of(&workloads);
    let mut plan = build(Inputs { scope, workloads, weights: &signals.weights, unresolved });
    let lines = volumes.lines(&plan, &resolver.book);
    if logs {
        plan.daily = daily::daily(&evidence.grains, resolver);
    }
    if logs && !evidence.bill.tokens.is_empty() {
        plan.coverage = Some(bill::coverage(&evidence.bill, &evidence.grains, resolver));
    }
    plan.other_services = bill::other_services(&evidence.bill);
    plan.adjustments = bill::adjustments(&evidence.bill);
    for model in &mut plan.models {
        model.name = resolver.book.name(&model.model);
    }
    mistakes::add(&mut plan, &lines, resolver);
    plan.renewal = lines.into_iter().map(|(_, line)| line).collect();
    plan.price_notes = price_notes(&plan, resolver);
    plan.commitments = commitments(&plan, resolver);
    plan
}

fn scope(evidence: &Evidence, resolver: &Resolver<'_>) -> Scope {
    let mut from = i64::MAX;
    let mut to = i64::MIN;
    let (mut accounts, mut regions) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    let mut sum = laneshift_ledger::partial::Cell::default();
    for grain in &evidence.grains {
        accounts.insert(grain.key.account.clone());
        regions.insert(grain.key.region.clone());
        for (hour, cell) in &grain.hours {
            from = from.min(hour * 3_600_000);
            to = to.max((hour + 1) * 3_600_000 - 1000);
            sum.merge(cell);
        }
    }
    let mut usage = sum.usage.times(evidence.factor);
    if evidence.grains.is_empty() {
        for (key, line) in &evidence.bill.tokens {
            accounts.insert(key.account.clone());
            regions.insert(key.region.clone());
            from = from.min(Timestamp::from_day_index(key.day).0);
            to = to.max(Timestamp::from_day_index(key.day + 1).0 - 1000);
            *usage.get_mut(key.class) += line.tokens;
        }
    }
    let (from, to) = if from > to { (Timestamp(0), Timestamp(0)) } else { (Timestamp(from), Timestamp(to)) };
    let as_of = resolver.book.catalog.rows().iter().map(|r| r.as_of.as_ref()).max().unwrap_or("").to_owned();
    Scope {
        from,
        to,
        days: u32::try_from(to.day_index() - from.day_index() + 1).unwrap_or(1),
        accounts: accounts.into_iter().collect(),
        regions: regions.into_iter().filter(|r| !r.is_empty()).collect(),
        sampling_factor: evidence.factor,
        sources: evidence.sources.clone(),
        records: evidence.records,
        answered: sum.requests + sum.uncounted,
        failed: sum.failed,
        throttled: sum.throttled,
        blocked: sum.blocked,
        uncounted: sum.uncounted,
        rejected: evidence.rejected.clone(),
        usage,
        zone_offset_h: if evidence.grains.is_empty() { 0 } else { zone_offset(&evidence.grains) },
        catalogue: format!("catalogue of {} rows, newest of {as_of}; list prices", resolver.book.catalog.rows().len()),
        unknowns: unknowns(evidence),
    }
}

/// What each kind of evidence cannot tell.
fn unknowns(evidence: &Evidence) -> Vec<String> {
    let mut out = Vec::new();
    if evidence.bill.tokens.is_empty() && evidence.bill.other.is_empty() {
        out.push("without a bill: batch jobs, bedrock-mantle traffic and other AI/ML spend are not seen, and prices are list, not yours".to_owned());
    }
    if evidence.grains.is_empty() {
        out.push(
            "without invocation logs: no requests, no hours, no prompts; scores stay between .30 and .70 until owners answer, and must-stay is what is streamed"
                .to_owned(),
        );
    } else if evidence.grains.iter().all(|g| g.hours.values().all(|c| c.body_tokens == 0)) {
        out.push("without bodies in the logs: turns, tools and templates are not seen".to_owned());
    }
    if !evidence.grains.is_empty() {
        out.push("invocation logs carry no latency outside some bodies: nobody's waiting time is measured here".to_owned());
    }
    out
}

/// Doubts about prices in use, and what has no price.
fn price_notes(plan: &Plan, resolver: &Resolver<'_>) -> Vec<PriceNote> {
    let mut notes = Vec::new();
    for ((model, profile, lane), doubts) in resolver.doubts.borrow().iter() {
        let mut texts: Vec<String> = doubts.iter().filter(|d| !d.explained).map(|d| d.explanation.clone()).collect();
        texts.dedup();
        let used = plan.models.iter().find(|m| m.model == *model);
        if let (Some(used), false) = (used, texts.is_empty()) {
            notes.push(PriceNote {
                what: format!("{} {profile} {lane}", resolver.book.name(model)),
                text: texts.join("; "),
                spend: used.today,
                tokens: used.usage.total().0,
            });
        }
    }
    for model in plan.models.iter().filter(|m| m.today.is_none()) {
        notes.push(PriceNote {
            what: model.name.clone(),
            text: "part of these tokens has no known price; that part is in no total".to_owned(),
            spend: None,
            tokens: model.usage.total().0,
        });
    }
    notes
}

/// The customer's commitments with what their tokens would have cost on demand.
fn commitments(plan: &Plan, resolver: &Resolver<'_>) -> Vec<Commitment> {
    let hours = u64::from(plan.scope.days) * 24;
    let mut served: BTreeMap<String, Usage> = BTreeMap::new();
    for line in plan.renewal.iter().filter(|l| l.lane == LaneId::Provisioned) {
        *served.entry(line.model.clone()).or_default() += line.usage_today;
    }
    resolver
        .commitments
        .provisioned
        .iter()
        .map(|p| {
            let usage = served.get(&resolver.book.name(&p.model)).copied().unwrap_or_default();
            let model = laneshift_units::ProfiledModel { model: p.model.clone(), profile: laneshift_units::Profile::InRegion };
            let listed = resolver.market(&model, &p.region, laneshift_units::Tokens(0), false);
            let on_demand = listed.iter().find(|t| t.lane == LaneId::Standard).and_then(|t| t.rates.cost(&usage).ok());
            Commitment {
                name: p.name.clone(),
                lane: LaneId::Provisioned,
                model: p.model.clone(),
                fee: p.per_unit_hour.times(p.units * hours),
                on_demand_equivalent: on_demand.unwrap_or(Money::ZERO),
                usage,
            }
        })
        .collect()
}

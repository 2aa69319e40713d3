//! The simulation: recorded traffic as it was, under a policy, and with something otherwise, over several draws of chance.

mod output;
mod read;
mod what_if;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use laneshift_catalog::policy::{Policy, PolicyRule};
use laneshift_catalog::prices::{Catalog, Tariff};
use laneshift_gateway::queues_of;
use laneshift_provider::settings::Settings;
use laneshift_report::simulation::{self, Column, Run, Simulation};
use laneshift_sim::{Conditions, Month, Patience, Progress, SimError, Traffic, WhatIf, as_planned, as_today, settings_for};
use laneshift_units::{Money, PriceMode, Usage};

use crate::cli::simulate::SimulateArgs;
use crate::demo::{Bar, lane_of, wait_of};
use crate::error::Error;
use what_if::Asked;

/// What a simulation prints.
pub(crate) struct Done {
    pub(crate) summary: String,
    pub(crate) json: String,
}

pub(crate) fn run(args: &SimulateArgs) -> Result<Done, Error> {
    let asked = Asked::read(&args.what_if)?;
    let scratch = tempfile::tempdir().map_err(|e| Error::Simulation(format!("make a folder for it: {e}")))?;
    let (policy, rules) = policy(args, scratch.path())?;
    let catalog = crate::audit::load_catalog(None)?;
    let recording = read::read(args, &scratch.path().join("read"))?;
    let left_out = recording.left_out().clone();
    let named = args.ledger.display().to_string();
    let traffic = Arc::new(recording.traffic(1).ok_or(Error::NoEvidence(named))?);

    let settings = settings_for(&traffic.company);
    let conditions = |settings, what_if| Some(Conditions { settings, what_if, ..Conditions::default() });
    let under_the_policy = conditions(settings.clone(), WhatIf::default());
    let mut plans = vec![
        Planned { name: "as recorded", traffic: traffic.clone(), conditions: None },
        Planned { name: "under the policy", traffic: traffic.clone(), conditions: under_the_policy },
    ];
    if asked.is_something() {
        let (other, what_if) = asked.of(&traffic, &Patience::new(&traffic.company, &rules))?;
        let mut settings = settings;
        asked.settle(&mut settings);
        plans.push(Planned { name: "what if", traffic: Arc::new(other), conditions: conditions(settings, what_if) });
    }
    let told = Simulation {
        ledger: traffic.company.name.clone(),
        calls: traffic.calls.len() as u64,
        factor: traffic.company.sampling_factor,
        days: traffic.company.days,
        seeds: args.seeds,
        only_live: queues_of(&args.ledger).is_ok_and(|queues| !queues.is_empty()),
        left_out,
        columns: columns(&plans, args.seeds, (&policy, scratch.path()), &catalog)?,
    };
    Ok(Done { summary: simulation::summary(&told), json: output::json(&told) })
}

/// The policy as a file for the gateway, and its rules. All accounts are one here, so none is asked for.
fn policy(args: &SimulateArgs, scratch: &Path) -> Result<(PathBuf, Vec<PolicyRule>), Error> {
    let given = args.policy.clone().unwrap_or_else(|| args.ledger.join("policy.toml"));
    if !given.is_file() {
        return Err(Error::NotFound(given.display().to_string()));
    }
    let data = |e: laneshift_catalog::DataError| Error::Data(e.to_string());
    let mut policy = Policy::open(&given).map_err(data)?;
    policy.rules.iter_mut().for_each(|rule| rule.matches.account = None);
    let path = scratch.join("policy.toml");
    let written = std::fs::write(&path, policy.to_toml().map_err(data)?);
    written.map_err(|e| Error::Write { path: path.clone(), reason: e.to_string() })?;
    Ok((path, policy.rules))
}

/// What is run.
struct Planned {
    name: &'static str,
    traffic: Arc<Traffic>,
    /// What it runs under; `None` without a policy.
    conditions: Option<Conditions>,
}

/// Runs everything, each as often as chance is drawn for it.
fn columns(plans: &[Planned], seeds: u64, (policy, scratch): (&Path, &Path), catalog: &Catalog) -> Result<Vec<Column>, Error> {
    // What was recorded holds no chance.
    let seeds = |plan: &Planned| if plan.conditions.is_some() { seeds } else { 1 };
    let jobs: Vec<(usize, u64)> =
        plans.iter().enumerate().flat_map(|(at, plan)| (1..=seeds(plan)).map(move |seed| (at, seed))).collect();
    let bar = Bar::new("simulating");
    let done = AtomicU64::new(0);
    let of = jobs.iter().map(|(at, _)| plans[*at].traffic.calls.len() as u64).sum();
    let one = |&(at, seed): &(usize, u64)| {
        let folder = scratch.join(format!("{at}-{seed}"));
        let last = AtomicU64::new(0);
        let tell = |progress: Progress| {
            let before = last.swap(progress.done, Ordering::Relaxed);
            let done = done.fetch_add(progress.done - before, Ordering::Relaxed);
            bar.at(Progress { done, of });
        };
        let run = plans[at].run(seed, (policy, &folder), &tell, catalog);
        // A month's files are not small.
        let _ = std::fs::remove_dir_all(&folder);
        Ok((at, seed, run?))
    };
    let mut runs = side_by_side(&jobs, &one)?;
    bar.finish();
    runs.sort_by_key(|(at, seed, _)| (*at, *seed));
    let columns = plans.iter().enumerate().map(|(at, plan)| Column {
        name: plan.name.to_owned(),
        runs: runs.iter().filter(|(of, ..)| *of == at).map(|(.., run)| run.clone()).collect(),
    });
    Ok(columns.collect())
}

impl Planned {
    fn run(&self, seed: u64, (policy, folder): (&Path, &Path), tell: &dyn Fn(Progress), catalog: &Catalog) -> Result<Run, Error> {
        let failed = |e: SimError| Error::Simulation(format!("{}, seed {seed}: {e}", self.name));
        let month = match self.conditions.clone() {
            None => laneshift_sim::run(as_today(&self.traffic, settings_for(&self.traffic.company), folder, tell)),
            Some(conditions) => {
                let conditions = Conditions { settings: Settings { seed, ..conditions.settings }, ..conditions };
                laneshift_sim::run(as_planned(&self.traffic, conditions, policy, folder, tell)).map(|(month, _)| month)
            }
        };
        month.and_then(|month| told(&month, &self.traffic, catalog)).map_err(failed)
    }
}

fn told(month: &Month, traffic: &Traffic, catalog: &Catalog) -> Result<Run, SimError> {
    let factor = traffic.company.sampling_factor;
    let on_demand = |(workload, usage): &(usize, Usage)| {
        let workload = &traffic.company.workloads[*workload];
        Tariff::of(catalog, &workload.model, &workload.region).of_request(PriceMode::OnDemand, usage)
    };
    let unanswered: Option<Money> = month.unanswered.iter().map(on_demand).sum();
    let mut run = Run {
        accepted: month.deadlines.accepted,
        missed: month.deadlines.accepted - month.deadlines.kept,
        failed: month.failed,
        unanswered: unanswered.map(|cost| cost.times(factor)),
        throttled: month.throttled,
        queue_max: month.queue_max,
        wait: wait_of(month),
        ..Run::default()
    };
    for (mode, lane) in month.lanes()? {
        *run.lanes.entry(lane_of(mode)).or_default() += lane.billed.times(factor);
    }
    Ok(run)
}

/// Runs all jobs, as many at a time as there are processors; the first error counts.
fn side_by_side<J: Sync, T: Send>(jobs: &[J], one: &(impl Fn(&J) -> Result<T, Error> + Sync)) -> Result<Vec<T>, Error> {
    let (next, results) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok().and_then(|at| jobs.get(at)) {
                    let result = one(job);
                    if result.is_err() {
                        next.store(u64::MAX / 2, Ordering::Relaxed);
                    }
                    results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

//! `laneshift explain`: a workload's verdict, signal by signal, from a written plan.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use laneshift_catalog::plan_file::{PlanFile, SliceFile, WorkloadFile};

use super::{Format, print};
use crate::error::Error;

const EXAMPLES: &str = "Examples:
  laneshift explain workload=corpus-summaries
  laneshift explain role/search-api --plan laneshift-out --format json";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// The workload's key, or a part of it that fits only one
    workload: String,
    /// Folder that `audit --out` wrote, or its plan.json
    #[arg(long, default_value = "laneshift-out", env = "LANESHIFT_OUT")]
    plan: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &ExplainArgs, out: &mut dyn Write) -> Result<(), Error> {
    let path = if args.plan.is_dir() { args.plan.join("plan.json") } else { args.plan.clone() };
    if !path.exists() {
        return Err(Error::NotFound(format!("{} (run `laneshift audit` first, or name its folder with --plan)", path.display())));
    }
    let plan = PlanFile::read(&path).map_err(|e| Error::Data(e.to_string()))?;
    let exact: Vec<&WorkloadFile> = plan.workloads.iter().filter(|w| w.key == args.workload).collect();
    let found = if exact.is_empty() { plan.workloads.iter().filter(|w| w.key.contains(&args.workload)).collect() } else { exact };
    if found.is_empty() || (found.len() > 1 && found.iter().any(|w| w.key != found[0].key)) {
        let pool: Vec<&WorkloadFile> = if found.is_empty() { plan.workloads.iter().collect() } else { found };
        let known = pool.iter().take(12).map(|w| w.key.clone()).collect();
        return Err(Error::UnknownWorkload { asked: args.workload.clone(), known });
    }
    match args.format {
        Format::Json => {
            let json = serde_json::to_string_pretty(&found).map_err(|e| Error::Data(e.to_string()))?;
            print(out, &format!("{json}\n"))
        }
        Format::Text => print(out, &found.iter().map(|w| text(w)).collect::<Vec<_>>().join("\n")),
    }
}

fn text(w: &WorkloadFile) -> String {
    let mut out = format!("{} in account {}\n", w.key, w.account);
    out += &format!("  {}, can wait: {}, score .{:03}\n", w.class, w.deadline, w.score);
    out += &format!("  {} requests, ${} now, ${} as planned\n", w.requests, w.today_usd, w.planned_usd);
    if let Some(owner) = &w.owner {
        out += &format!("  owner: {owner}\n");
    }
    for slice in &w.slices {
        out += &slice_text(slice);
    }
    out
}

fn slice_text(s: &SliceFile) -> String {
    let confirmed = if s.confirmed { ", confirmed by the owner" } else { "" };
    let mut out = format!("\n  {}: {} (.{:03}{confirmed}; {}), ${} now\n", s.name, s.class, s.score, s.evidence, s.today_usd);
    for term in &s.terms {
        out +=
            &format!("    {:>+5.1}  {} [{}]\n           would change with: {}\n", term.nats, term.text, term.signal, term.change);
    }
    if s.terms.is_empty() {
        out += "    no signal says anything; the score is the prior\n";
    }
    for limit in &s.limits {
        out += &format!("    limit: {limit}\n");
    }
    for m in &s.moves {
        out += &format!("    moves {} from {} to {}: ${} -> ${}\n", m.model, m.from, m.to, m.before_usd, m.after_usd);
    }
    for blocker in &s.blockers {
        out += &format!("    stays: {} (${})\n", blocker.text, blocker.today_usd);
    }
    out
}

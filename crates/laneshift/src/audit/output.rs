//! The folder an audit writes. Each file is written beside its place and renamed, so that a reader never sees half.

use std::path::Path;

use laneshift_catalog::owners::Owners;
use laneshift_catalog::plan_file::{PlanFile, workloads_csv};
use laneshift_core::plan::Plan;

use super::Done;
use crate::cli::audit::AuditArgs;
use crate::error::Error;

pub(super) fn write(args: &AuditArgs, plan: &Plan, owners: &Owners) -> Result<Done, Error> {
    let dir = &args.out;
    let json = serde_json::to_string_pretty(&PlanFile::from(plan)).map_err(|e| Error::Data(e.to_string()))? + "\n";
    write_file(&dir.join("plan.json"), &json)?;
    let policy = laneshift_catalog::policy::to_toml(plan).map_err(|e| Error::Data(e.to_string()))?;
    write_file(&dir.join("policy.toml"), &policy)?;
    write_file(&dir.join("workloads.csv"), &workloads_csv(plan))?;
    write_file(&dir.join("owners.csv"), &owners.template(plan))?;
    let html = laneshift_report::html(plan).map_err(|e| Error::Report(e.to_string()))?;
    write_file(&dir.join("report.html"), &html)?;
    let saves = plan.workloads.iter().map(|workload| (workload.key.clone(), workload.today - workload.planned)).collect();
    Ok(Done { summary: laneshift_report::summary(plan, &dir.display().to_string()), json, savings: plan.savings, saves })
}

fn write_file(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |e: std::io::Error| Error::Write { path: path.to_owned(), reason: e.to_string() };
    let beside = path.with_extension("tmp");
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}

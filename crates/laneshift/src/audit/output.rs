//! tmp
use laneshift_catalog::owners::Owners;
use laneshift_core::plan::Plan;
use super::Done;
use crate::cli::audit::AuditArgs;
use crate::error::Error;
pub(super) fn write(args: &AuditArgs, plan: &Plan, _owners: &Owners) -> Result<Done, Error> {
    if std::env::var("DBG").is_ok() { eprintln!("{plan:#?}"); }
    Ok(Done { summary: laneshift_report::summary(plan, &args.out.display().to_string()), json: String::new() })
}

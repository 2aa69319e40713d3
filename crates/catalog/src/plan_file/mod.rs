//! `plan.json`: a whole plan for programs.
//!
//! Promises: every field of a plan is here; money is an exact decimal text in US dollars, moments are RFC 3339 in UTC,
//! scores are thousandths. Leaves out: the way back to a plan; a plan is made from evidence only.

mod advice;
mod csv;
mod scope;
mod spend;
mod workload;

use std::path::Path;

use laneshift_core::plan::Plan;
use serde::{Deserialize, Serialize};

use crate::{DataError, file};

pub use crate::wire::{UsageFile, Usd};
pub use advice::{
    AdjustmentFile, CommitmentFile, ConfusionFile, MistakeFile, OtherServiceFile, PriceNoteFile, RenewalFile, UnresolvedFile,
    WalkAwayFile,
};
pub use csv::workloads_csv;
pub use scope::{CoverageDayFile, CoverageFile, CoverageRowFile, RejectedFile, ScopeFile, SourceFile};
pub use spend::{DailyFile, LaneFile, LeverFile, ModelFile, SavingsFile};
pub use workload::{BlockerFile, MoveFile, SliceFile, TermFile, WorkloadFile};

/// The version of the format that is written and read.
pub const SCHEMA_VERSION: u32 = 1;

/// The largest plan that is read, in units of 1,048,576 bytes.
const PLAN_MB_MAX: u64 = 1024;

/// A plan as a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What was read.
    pub scope: ScopeFile,
    /// How much of the bill the logs explain; absent unless both were read.
    pub coverage: Option<CoverageFile>,
    /// Model spend in the period, at list price.
    pub today_usd: Usd,
    /// The same after the recommended moves.
    pub planned_usd: Usd,
    /// Floor, likely, ceiling.
    pub savings: SavingsFile,
    /// Of today's spend: what has a batch price.
    pub has_batch_price_usd: Usd,
    /// Of today's spend: workloads on which the owner must be asked.
    pub undetermined_usd: Usd,
    /// Of today's spend: calls by AWS services.
    pub not_movable_usd: Usd,
    /// Steps from today to planned.
    pub waterfall: Vec<LeverFile>,
    /// Spend by lane.
    pub lanes: Vec<LaneFile>,
    /// Spend by model.
    pub models: Vec<ModelFile>,
    /// Spend by day.
    pub daily: Vec<DailyFile>,
    /// Workloads by spend, largest first.
    pub workloads: Vec<WorkloadFile>,
    /// Common mistakes found.
    pub mistakes: Vec<MistakeFile>,
    /// Lines for the renewal.
    pub renewal: Vec<RenewalFile>,
    /// Other AI/ML spend on the bill.
    pub other_services: Vec<OtherServiceFile>,
    /// Credits, discounts and taxes on the bill.
    pub adjustments: Vec<AdjustmentFile>,
    /// Prices used with a doubt, or unknown.
    pub price_notes: Vec<PriceNoteFile>,
    /// Model ids that resolve to no model.
    pub unresolved: Vec<UnresolvedFile>,
    /// Commitments stated by the customer.
    pub commitments: Vec<CommitmentFile>,
    /// Generated examples only: truth beside verdicts, by cost.
    pub confusion: Vec<ConfusionFile>,
}

#[derive(Deserialize)]
struct OnlyVersion {
    schema_version: u32,
}

impl PlanFile {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read, has another version, or is no plan.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::parse(path, &file::read(path, PLAN_MB_MAX)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, DataError> {
        let hint = "make the plan again with `laneshift audit`";
        let no_plan = |e: serde_json::Error| DataError::format(path, format!("line {}", e.line()), e.to_string(), hint);
        let OnlyVersion { schema_version } = serde_json::from_str(text).map_err(no_plan)?;
        if schema_version != SCHEMA_VERSION {
            let reason = format!("{schema_version} is not {SCHEMA_VERSION}");
            return Err(DataError::field(path, "the head", "schema_version", reason, hint));
        }
        serde_json::from_str(text).map_err(no_plan)
    }
}

/// All elements in their wire form.
fn each<'a, T: 'a, W: From<&'a T>>(list: &'a [T]) -> Vec<W> {
    list.iter().map(W::from).collect()
}

impl From<&Plan> for PlanFile {
    fn from(plan: &Plan) -> Self {
        let Plan {
            scope,
            coverage,
            today,
            planned,
            lanes,
            models,
            daily,
            has_batch_price,
            savings,
            undetermined,
            not_movable,
            waterfall,
            workloads,
            mistakes,
            renewal,
            other_services,
            adjustments,
            price_notes,
            unresolved,
            commitments,
            confusion,
        } = plan;
        Self {
            schema_version: SCHEMA_VERSION,
            scope: scope.into(),
            coverage: coverage.as_ref().map(CoverageFile::from),
            today_usd: Usd(*today),
            planned_usd: Usd(*planned),
            savings: savings.into(),
            has_batch_price_usd: Usd(*has_batch_price),
            undetermined_usd: Usd(*undetermined),
            not_movable_usd: Usd(*not_movable),
            waterfall: each(waterfall),
            lanes: each(lanes),
            models: each(models),
            daily: each(daily),
            workloads: each(workloads),
            mistakes: each(mistakes),
            renewal: each(renewal),
            other_services: each(other_services),
            adjustments: each(adjustments),
            price_notes: each(price_notes),
            unresolved: each(unresolved),
            commitments: each(commitments),
            confusion: each(confusion),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    const GOLDEN: &str = include_str!("../../tests/golden/plan-1.json");

    fn parse(text: &str) -> Result<PlanFile, String> {
        PlanFile::parse(Path::new("plan.json"), text).map_err(|e| e.to_string())
    }

    #[test]
    fn version_one_is_written_and_read_as_kept() {
        let plan = PlanFile::from(&sample::plan());
        let text = serde_json::to_string_pretty(&plan).expect("prints") + "\n";
        assert_eq!(text, GOLDEN);
        assert_eq!(parse(GOLDEN).expect("reads"), plan);
    }

    #[test]
    fn money_keeps_every_picodollar() {
        let plan = parse(GOLDEN).expect("reads");
        let blocker = &plan.workloads[0].slices[0].blockers[0];
        assert_eq!(blocker.today_usd.to_string(), "0.000000000001");
        assert_eq!(plan.adjustments[0].amount_usd.to_string(), "-10");
    }

    #[test]
    fn other_versions_and_unknown_keys_are_refused() {
        for (from, to, expected) in [
            ("\"schema_version\": 1", "\"schema_version\": 2", "field schema_version: 2 is not 1"),
            ("\"today_usd\"", "\"today\"", "unknown field `today`"),
            ("\"today_usd\": \"700.5\"", "\"today_usd\": \"much\"", "\"much\" is not a decimal number"),
            ("\"today_usd\": \"700.5\"", "\"today_usd\": 700.5", "invalid type"),
            ("{", "", "line 2: invalid type"),
        ] {
            let error = parse(&GOLDEN.replacen(from, to, 1)).expect_err(to);
            assert!(error.contains(expected), "{error}");
        }
    }
}

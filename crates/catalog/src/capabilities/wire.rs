//! The capabilities file as it is written, and its checks.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;

use laneshift_core::route::{Features, LaneId};
use laneshift_units::{Region, Timestamp};
use serde::Deserialize;
use toml::Spanned;

use super::{BatchModel, Capabilities, Limits, Switch};
use crate::{DataError, file, wire};

/// The version of the format that is read.
const VERSION: u32 = 1;
/// The longest wait: a year. More is a slip of the unit.
const WAIT_S_MAX: u64 = 366 * 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CapabilitiesFile {
    version: Spanned<u32>,
    dated: String,
    limits: LimitRows,
    facts: FactRows,
    features: Vec<Spanned<FeatureRow>>,
    batch: Vec<Spanned<BatchRow>>,
    burndown: Vec<Spanned<BurndownRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<T> {
    value: Spanned<T>,
    source: String,
    read: String,
    verified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitRows {
    batch_records_min: Row<u64>,
    batch_records_max: Row<u64>,
    batch_file_max_bytes: Row<u64>,
    batch_job_max_bytes: Row<u64>,
    batch_jobs_open_max: Row<u64>,
    batch_body_max_bytes: Row<u64>,
    invoke_body_max_bytes: Row<u64>,
    batch_wait_s: Row<u64>,
    flex_wait_s: Row<u64>,
    invoke_wait_s: Row<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactRows {
    cache_in_batch: Row<bool>,
    global_profile_in_batch: Row<bool>,
    provisioned_in_batch: Row<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureRow {
    lanes: Vec<String>,
    features: Vec<String>,
    supported: bool,
    source: String,
    read: String,
    verified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchRow {
    models: Vec<String>,
    in_region: bool,
    #[serde(default)]
    in_region_only: Vec<String>,
    profiles: bool,
    source: String,
    read: String,
    verified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BurndownRow {
    models: Vec<String>,
    output: u32,
    source: String,
    read: String,
    verified: bool,
}

/// Reads a capabilities file; `path` is the name that errors carry.
pub(super) fn read(path: &Path, text: &str) -> Result<Capabilities, DataError> {
    let rows: CapabilitiesFile = file::toml(path, text)?;
    let mut check = Check { path, text, unverified: Vec::new() };
    let version = *rows.version.get_ref();
    if version != VERSION {
        return Err(check.refuse(
            &rows.version,
            "version",
            format!("{version} is not {VERSION}"),
            "use the shipped file's format",
        ));
    }
    let (l, f) = (&rows.limits, &rows.facts);
    let limits = Limits {
        batch_records_min: check.limit("batch_records_min", &l.batch_records_min, u64::MAX)?,
        batch_records_max: check.limit("batch_records_max", &l.batch_records_max, u64::MAX)?,
        batch_file_max_bytes: check.limit("batch_file_max_bytes", &l.batch_file_max_bytes, u64::MAX)?,
        batch_job_max_bytes: check.limit("batch_job_max_bytes", &l.batch_job_max_bytes, u64::MAX)?,
        batch_jobs_open_max: check.limit("batch_jobs_open_max", &l.batch_jobs_open_max, u64::MAX)?,
        batch_body_max_bytes: check.limit("batch_body_max_bytes", &l.batch_body_max_bytes, u64::MAX)?,
        invoke_body_max_bytes: check.limit("invoke_body_max_bytes", &l.invoke_body_max_bytes, u64::MAX)?,
        batch_wait_s: check.limit("batch_wait_s", &l.batch_wait_s, WAIT_S_MAX)?,
        flex_wait_s: check.limit("flex_wait_s", &l.flex_wait_s, WAIT_S_MAX)?,
        invoke_wait_s: check.limit("invoke_wait_s", &l.invoke_wait_s, WAIT_S_MAX)?,
    };
    let cache_in_batch = check.row("facts.cache_in_batch", &f.cache_in_batch)?;
    let global_profile_in_batch = check.row("facts.global_profile_in_batch", &f.global_profile_in_batch)?;
    if check.row("facts.provisioned_in_batch", &f.provisioned_in_batch)? {
        let hint = "leave it at false; laneshift makes no batch jobs of provisioned models";
        return Err(check.refuse(&f.provisioned_in_batch.value, "provisioned_in_batch", "true is not supported", hint));
    }
    Ok(Capabilities {
        limits,
        cache_in_batch,
        global_profile_in_batch,
        supports: check.features(&rows.features)?,
        batch: check.batch(&rows.batch)?,
        burndown: check.burndown(&rows.burndown)?,
        unverified: check.unverified,
        dated: rows.dated,
    })
}

/// The file that is checked, and what was found unsettled so far.
struct Check<'a> {
    path: &'a Path,
    text: &'a str,
    unverified: Vec<Switch>,
}

impl Check<'_> {
    fn refuse<T>(&self, at: &Spanned<T>, field: &str, reason: impl Into<String>, hint: &str) -> DataError {
        DataError::field(self.path, file::line_of(self.text, at), field, reason, hint)
    }

    fn limit(&mut self, name: &str, row: &Row<u64>, max: u64) -> Result<u64, DataError> {
        let value = self.row(&format!("limits.{name}"), row)?;
        if value == 0 || value > max {
            return Err(self.refuse(&row.value, name, format!("{value} is out of range"), "compare it with the shipped file"));
        }
        Ok(value)
    }

    fn row<T: Copy + Display>(&mut self, name: &str, row: &Row<T>) -> Result<T, DataError> {
        let value = *row.value.get_ref();
        self.note(&row.value, name.to_owned(), &value, (&row.source, &row.read, row.verified))?;
        Ok(value)
    }

    /// Checks where a row comes from, and keeps it if nothing settles it.
    fn note<T>(
        &mut self,
        at: &Spanned<T>,
        name: String,
        value: &dyn Display,
        (source, read, verified): (&str, &str, bool),
    ) -> Result<(), DataError> {
        if source.trim().is_empty() {
            return Err(self.refuse(at, "source", format!("{name} has none"), "say who says so"));
        }
        if read.len() != "YYYY-MM-DD".len() || Timestamp::parse(read).is_err() {
            return Err(self.refuse(at, "read", format!("{read:?} is no day"), "write the day of reading, such as 2026-11-23"));
        }
        if !verified {
            self.unverified.push(Switch { name, value: value.to_string(), source: source.to_owned(), read: read.to_owned() });
        }
        Ok(())
    }

    fn features(&mut self, rows: &[Spanned<FeatureRow>]) -> Result<[Features; LaneId::ALL.len()], DataError> {
        let mut supports = [Features::NONE; LaneId::ALL.len()];
        let mut said = supports;
        for at in rows {
            let row = at.get_ref();
            for lane_name in &row.lanes {
                let Some(lane) = wire::lane(lane_name) else {
                    let hint = format!("write one of {}", LaneId::ALL.map(LaneId::name).join(", "));
                    return Err(self.refuse(at, "lanes", format!("{lane_name:?} is no lane"), &hint));
                };
                for name in &row.features {
                    let Some((feature, _)) = FEATURES.into_iter().find(|(_, n)| n == name) else {
                        let hint = format!("write one of {}", FEATURES.map(|(_, n)| n).join(", "));
                        return Err(self.refuse(at, "features", format!("{name:?} is no feature"), &hint));
                    };
                    if said[lane as usize].has(feature) {
                        let reason = format!("{lane_name} and {name} are said twice");
                        return Err(self.refuse(at, "features", reason, "keep one of the two"));
                    }
                    said[lane as usize] = said[lane as usize].with(feature);
                    if row.supported {
                        supports[lane as usize] = supports[lane as usize].with(feature);
                    }
                }
                let name = format!("features {lane_name}: {}", row.features.join(", "));
                self.note(at, name, &row.supported, (&row.source, &row.read, row.verified))?;
            }
        }
        for lane in LaneId::ALL {
            if let Some((_, name)) = FEATURES.into_iter().find(|(f, _)| !said[lane as usize].has(*f)) {
                let reason = format!("no row says whether {} serves {name}", lane.name());
                return Err(DataError::field(self.path, "[[features]]", "features", reason, "add the pair to a row"));
            }
        }
        Ok(supports)
    }

    fn batch(&mut self, rows: &[Spanned<BatchRow>]) -> Result<HashMap<String, BatchModel>, DataError> {
        let mut found = HashMap::new();
        for at in rows {
            let row = at.get_ref();
            let model = BatchModel {
                in_region: row.in_region,
                in_region_only: row.in_region_only.iter().map(|r| Region::new(r)).collect(),
                profiles: row.profiles,
            };
            self.models(at, &row.models, &mut found, &model)?;
            let name = format!("batch: {}", row.models.join(", "));
            let value = format!("in region {}, through profiles {}", yes(row.in_region), yes(row.profiles));
            self.note(at, name, &value, (&row.source, &row.read, row.verified))?;
        }
        Ok(found)
    }

    fn burndown(&mut self, rows: &[Spanned<BurndownRow>]) -> Result<HashMap<String, u32>, DataError> {
        let mut found = HashMap::new();
        for at in rows {
            let row = at.get_ref();
            if !(1..=1000).contains(&row.output) {
                let reason = format!("{} is out of range", row.output);
                return Err(self.refuse(at, "output", reason, "write how often an output token counts, such as 5"));
            }
            self.models(at, &row.models, &mut found, &row.output)?;
            let name = format!("burndown: {}", row.models.join(", "));
            self.note(at, name, &row.output, (&row.source, &row.read, row.verified))?;
        }
        Ok(found)
    }

    fn models<R, T: Clone>(
        &self,
        at: &Spanned<R>,
        models: &[String],
        found: &mut HashMap<String, T>,
        value: &T,
    ) -> Result<(), DataError> {
        for key in models {
            if found.insert(key.clone(), value.clone()).is_some() {
                return Err(self.refuse(at, "models", format!("{key} is said twice"), "keep one of the two"));
            }
        }
        Ok(())
    }
}

/// Features as the file names them.
const FEATURES: [(Features, &str); 7] = [
    (Features::STREAMING, "streaming"),
    (Features::TOOLS_CONVERSE, "tools_converse"),
    (Features::TOOLS_INVOKE, "tools_invoke"),
    (Features::GUARDRAIL, "guardrail"),
    (Features::PROMPT_ARN, "prompt_arn"),
    (Features::STRUCTURED_OUTPUT, "structured_output"),
    (Features::AWS_SERVICE, "aws_service"),
];

// A feature that `core` gains needs a name here.
const _: () = assert!(FEATURES.len() == Features::ALL.len());

const fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

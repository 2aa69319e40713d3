//! Bedrock's quotas under their names in Service Quotas.
//!
//! Promises: a value that settings name exactly replaces the default; looking one up is by its whole name. Leaves out: the
//! real quota codes, which are not published as a list: a code here is derived from the name.
// Names and batch values: AWS General Reference, "Amazon Bedrock endpoints and quotas", read 2026-11-23. Values of tokens
// and requests a minute differ by model and account there; settings give them.

use std::collections::BTreeMap;

use laneshift_units::Profile;
use serde_json::{Value, json};

use crate::admission::PerMinute;
use crate::chance;
use crate::jobs::Limits;
use crate::models::Model;
use crate::settings::{OnDemand, Settings, Switches};

const GIGABYTE: f64 = 1_000_000_000.0;

/// One quota.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// Its whole name.
    pub name: String,
    /// What holds for the account.
    pub value: f64,
    /// What held before settings changed it.
    pub default: f64,
    /// Whether AWS raises it on request.
    pub adjustable: bool,
}

impl Quota {
    /// The code in Service Quotas.
    pub fn code(&self) -> String {
        format!("L-{:08X}", chance::draw(0, &self.name) >> 32)
    }

    /// As Service Quotas shows it.
    pub fn to_json(&self, account: &str, region: &str, default: bool) -> Value {
        let code = self.code();
        json!({
            "ServiceCode": "bedrock",
            "ServiceName": "Amazon Bedrock",
            "QuotaArn": format!("arn:aws:servicequotas:{region}:{account}:bedrock/{code}"),
            "QuotaCode": code,
            "QuotaName": self.name,
            "Value": if default { self.default } else { self.value },
            "Unit": "None",
            "Adjustable": self.adjustable,
            "GlobalQuota": false,
        })
    }
}

/// The beginnings of the names of a model's on-demand quotas.
fn scope_name(profile: &Profile) -> &'static str {
    match profile {
        Profile::InRegion => "On-demand",
        Profile::Geo(_) => "Cross-region",
        Profile::Global => "Global cross-region",
    }
}

/// The scope of an on-demand quota, for admission.
pub fn admission_kind(profile: &Profile) -> &'static str {
    scope_name(profile)
}

/// The name without its maker, as batch quotas have it.
fn short_name(model: &Model) -> &str {
    let rest = model.quota_name.strip_prefix(&model.provider).and_then(|rest| rest.strip_prefix(' '));
    rest.unwrap_or(&model.quota_name)
}

fn batch_names(model: &Model) -> [(String, f64, bool); 6] {
    let name = short_name(model);
    // Nova Lite and Pro take jobs of 100 GB.
    let job_gb = if matches!(model.id.as_str(), "amazon.nova-lite-v1:0" | "amazon.nova-pro-v1:0") { 100.0 } else { 5.0 };
    [
        (format!("Minimum number of records per batch inference job for {name}"), 100.0, false),
        (format!("Records per batch inference job for {name}"), 100_000.0, true),
        (format!("Records per input file per batch inference job for {name}"), 100_000.0, true),
        (format!("Batch inference input file size (in GB) for {name}"), 1.0, false),
        (format!("Batch inference job size (in GB) for {name}"), job_gb, false),
        (format!("Sum of in-progress and submitted batch inference jobs using a base model for {name}"), 100.0, true),
    ]
}

fn on_demand_names(settings: &Settings, model: &Model, profile: &Profile) -> [(String, f64, bool); 2] {
    let (scope, name) = (scope_name(profile), &model.quota_name);
    let OnDemand { tokens_per_minute, requests_per_minute } = settings.on_demand;
    [
        (format!("{scope} model inference tokens per minute for {name}"), tokens_per_minute, true),
        (format!("{scope} model inference requests per minute for {name}"), requests_per_minute, true),
    ]
}

/// All quotas of these models, by name.
pub fn all<'a>(models: impl Iterator<Item = &'a Model>, settings: &Settings) -> Vec<Quota> {
    let mut found = BTreeMap::new();
    for model in models {
        let mut names: Vec<(String, f64, bool)> = Vec::new();
        if model.batch_in_region || model.batch_profiles {
            names.extend(batch_names(model));
        }
        if model.in_region {
            names.extend(on_demand_names(settings, model, &Profile::InRegion));
        }
        for profile in &model.profiles {
            names.extend(on_demand_names(settings, model, profile));
        }
        for (name, default, adjustable) in names {
            let value = settings.quotas.get(&name).copied().unwrap_or(default);
            found.insert(name.clone(), Quota { name, value, default, adjustable });
        }
    }
    found.into_values().collect()
}

/// Names in settings that no quota has.
pub fn unknown_names<'a>(models: impl Iterator<Item = &'a Model>, settings: &Settings) -> Vec<String> {
    let known = all(models, settings);
    settings.quotas.keys().filter(|name| !known.iter().any(|q| q.name == **name)).cloned().collect()
}

fn value(settings: &Settings, (name, default, _): &(String, f64, bool)) -> f64 {
    settings.quotas.get(name).copied().unwrap_or(*default)
}

/// The limits of on-demand calls.
pub fn per_minute(settings: &Settings, model: &Model, profile: &Profile) -> PerMinute {
    let [tokens, requests] = on_demand_names(settings, model, profile);
    PerMinute { tokens: value(settings, &tokens) as u64, requests: value(settings, &requests) as u64 }
}

/// The limits of a job's files.
pub fn job_limits(settings: &Settings, model: &Model) -> Limits {
    let names = batch_names(model);
    let [records_min, records_max, file_records_max, file_gb, job_gb, _] = &names;
    let Switches { bad_line_fails_job, duplicate_record_ids_fail_job, .. } = settings.switches;
    Limits {
        records_min: value(settings, records_min) as u64,
        records_max: value(settings, records_max) as u64,
        file_records_max: value(settings, file_records_max) as u64,
        file_bytes_max: (value(settings, file_gb) * GIGABYTE) as u64,
        job_bytes_max: (value(settings, job_gb) * GIGABYTE) as u64,
        bad_line_fails: bad_line_fails_job,
        duplicates_fail: duplicate_record_ids_fail_job,
    }
}

/// How many jobs of a model may be open.
pub fn open_jobs_max(settings: &Settings, model: &Model) -> usize {
    value(settings, &batch_names(model)[5]) as usize
}

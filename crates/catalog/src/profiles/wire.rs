//! The three ways in which a list of inference profiles is written.

use std::path::Path;

use laneshift_bedrock::arn::{ModelRef, model_ref};
use laneshift_units::{Profile, ProfiledModel};
use serde::Deserialize;

use super::InferenceProfile;
use crate::{DataError, table};

const COLUMNS: [&str; 3] = ["arn", "model_id", "name"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    arn: String,
    model_id: String,
    #[serde(default)]
    name: String,
}

/// The response of ListInferenceProfiles, with AWS's names; AWS may add others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListInferenceProfiles {
    inference_profile_summaries: Vec<InferenceProfileSummary>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InferenceProfileSummary {
    inference_profile_arn: String,
    #[serde(default)]
    inference_profile_name: String,
    models: Vec<InferenceProfileModel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InferenceProfileModel {
    model_arn: String,
}

/// Reads a list in any of the three ways, each profile with its place in the file.
pub(super) fn read(path: &Path, text: &str) -> Result<Vec<(String, InferenceProfile)>, DataError> {
    match text.trim_start().chars().next() {
        Some('[') => {
            let rows: Vec<Plain> = json(path, text)?;
            rows.into_iter().enumerate().map(|(i, row)| plain(path, entry(i), &row)).collect()
        }
        Some('{') => {
            let list: ListInferenceProfiles = json(path, text)?;
            if list.next_token.is_some() {
                let hint = "list again with `aws bedrock list-inference-profiles`, without --max-items and --no-paginate";
                return Err(DataError::field(path, "the end of the list", "nextToken", "the list is cut off", hint));
            }
            let rows = list.inference_profile_summaries.into_iter().enumerate();
            rows.map(|(i, row)| summary(path, entry(i), &row)).collect()
        }
        Some(_) | None => {
            let rows = table::read(path, text, &COLUMNS, 2)?;
            rows.iter()
                .map(|row| {
                    let [arn, model_id, name] = [0, 1, 2].map(|column| row.get(column).to_owned());
                    plain(path, row.at(), &Plain { arn, model_id, name })
                })
                .collect()
        }
    }
}

fn entry(index: usize) -> String {
    format!("entry {}", index + 1)
}

fn json<'a, T: Deserialize<'a>>(path: &Path, text: &'a str) -> Result<T, DataError> {
    serde_json::from_str(text).map_err(|e| {
        let hint = "give `arn,model_id,name` as CSV, or what `aws bedrock list-inference-profiles` prints";
        DataError::format(path, format!("line {}", e.line()), e.to_string(), hint)
    })
}

fn plain(path: &Path, at: String, row: &Plain) -> Result<(String, InferenceProfile), DataError> {
    let hint = "write a model id such as us.anthropic.claude-sonnet-4-6";
    let refuse = |reason: String| DataError::field(path, &*at, "model_id", reason, hint);
    let model = match model_ref(row.model_id.trim()) {
        ModelRef::Id("") => return Err(refuse("empty".to_owned())),
        ModelRef::Id(id) => ProfiledModel::parse_id(id),
        ModelRef::ApplicationProfile(_) | ModelRef::Provisioned(_) | ModelRef::Prompt(_) | ModelRef::Other(_) => {
            return Err(refuse(format!("{:?} names no model", row.model_id)));
        }
    };
    finished(path, at, &row.arn, model, &row.name)
}

fn summary(path: &Path, at: String, row: &InferenceProfileSummary) -> Result<(String, InferenceProfile), DataError> {
    let arn = &row.inference_profile_arn;
    let model = match model_ref(arn) {
        // The id of a system profile says the profile.
        ModelRef::Id(id) if arn.starts_with("arn:") => ProfiledModel::parse_id(id),
        _ => called_by(&row.models).map_err(|reason| {
            let hint = "name the profile in a CSV of arn,model_id,name, with a model_id such as us.amazon.nova-pro-v1:0";
            DataError::field(path, &*at, "models", reason, hint)
        })?,
    };
    finished(path, at, arn, model, &row.inference_profile_name)
}

fn finished(
    path: &Path,
    at: String,
    arn: &str,
    model: ProfiledModel,
    name: &str,
) -> Result<(String, InferenceProfile), DataError> {
    let arn = arn.trim();
    if !arn.starts_with("arn:") || arn.splitn(6, ':').count() < 6 {
        let hint = "write the whole ARN, such as arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc";
        return Err(DataError::field(path, at, "arn", format!("{arn:?} is no ARN"), hint));
    }
    let mut profile = InferenceProfile { arn: arn.to_owned(), model, name: name.trim().to_owned() };
    if profile.name.is_empty() {
        profile.name = profile.id().to_owned();
    }
    Ok((at, profile))
}

/// The model of an application profile, and the profile that its regions tell: AWS lists the regions, not the profile.
fn called_by(models: &[InferenceProfileModel]) -> Result<ProfiledModel, String> {
    let mut regions = Vec::with_capacity(models.len());
    let mut found: Option<&str> = None;
    for InferenceProfileModel { model_arn } in models {
        let ModelRef::Id(id) = model_ref(model_arn) else { return Err(format!("{model_arn:?} names no base model")) };
        if found.is_some_and(|known| known != id) {
            return Err("it calls several models".to_owned());
        }
        found = Some(id);
        regions.push(model_arn.split(':').nth(3).unwrap_or_default());
    }
    let model = found.ok_or("it calls no model")?;
    let profile = profile_of(&regions).ok_or_else(|| format!("the regions {} tell no profile", regions.join(", ")))?;
    Ok(ProfiledModel { profile, ..ProfiledModel::parse_id(model) })
}

// A geographic profile can hold regions beyond its prefix (`us` called from Canada), so the order of the arms decides.
// AWS publishes the regions of each profile on the model's page; the sets below are conventions, written down 2026-11-23.
fn profile_of(regions: &[&str]) -> Option<Profile> {
    let all = |list: &[&str]| regions.iter().all(|r| list.contains(r));
    let any = |prefix: &str| regions.iter().any(|r| r.starts_with(prefix));
    let geo = |prefix: &str| Profile::parse(prefix);
    match regions {
        // `arn:aws:bedrock:::foundation-model/…` is anywhere.
        _ if regions.contains(&"") => Some(Profile::Global),
        [_] => Some(Profile::InRegion),
        _ if any("us-gov-") => geo("us-gov"),
        _ if any("us-") => geo("us"),
        _ if any("eu-") => geo("eu"),
        _ if all(&["ap-northeast-1", "ap-northeast-3"]) => geo("jp"),
        _ if all(&["ap-southeast-2", "ap-southeast-4", "ap-southeast-6"]) => geo("au"),
        _ if all(&["ap-south-1", "ap-south-2"]) => geo("in"),
        _ if any("ap-") => geo("apac"),
        _ if any("ca-") => geo("ca"),
        _ if any("sa-") => geo("sa"),
        _ => None,
    }
}

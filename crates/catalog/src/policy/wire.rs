//! The policy file as it is written.

use std::path::Path;

use laneshift_core::route::LaneId;
use laneshift_core::verdict::Score;
use laneshift_units::{Deadline, ModelId, Profile, Timestamp};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{MatchBy, Policy, PolicyMatch, PolicyRule};
use crate::{DataError, file, wire};

/// The version that is written and read.
const VERSION: u32 = 1;
const HEADER: &str =
    "# Which requests may take which lanes, made from a plan by laneshift. Rules apply in order; the first that matches
# decides; a request that none matches stays where it is. `lanes` are best first.

";

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile<Rule> {
    version: u32,
    made_from: MadeFrom,
    #[serde(default = "Vec::new", rename = "rule", skip_serializing_if = "Vec::is_empty")]
    rules: Vec<Rule>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct MadeFrom {
    from: String,
    to: String,
    catalogue: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    workload: String,
    slice: String,
    lanes: Vec<String>,
    deadline: String,
    profiles: Vec<String>,
    output_p50: u64,
    output_p95: u64,
    score: u16,
    confirmed: bool,
    note: String,
    r#match: MatchFile,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct MatchFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    models: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streamed: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hours_utc: Vec<u8>,
}

/// Prints a policy; `path` is the name that errors carry.
pub(super) fn print(path: &Path, policy: &Policy) -> Result<String, DataError> {
    let Policy { from, to, catalogue, rules } = policy;
    let made_from = MadeFrom { from: from.to_string(), to: to.to_string(), catalogue: catalogue.clone() };
    let file = PolicyFile { version: VERSION, made_from, rules: rules.iter().map(RuleFile::from).collect() };
    Ok(HEADER.to_owned() + &file::to_toml(path, &file)?)
}

impl From<&PolicyRule> for RuleFile {
    fn from(rule: &PolicyRule) -> Self {
        let PolicyMatch { by, account, models, streamed, hours_utc } = &rule.matches;
        let mut r#match = MatchFile {
            metadata: None,
            application_profile: None,
            role: None,
            principal: None,
            account: account.clone(),
            models: models.iter().map(ToString::to_string).collect(),
            streamed: *streamed,
            hours_utc: hours_utc.clone(),
        };
        match by {
            MatchBy::Metadata(value) => r#match.metadata = Some(value.clone()),
            MatchBy::ApplicationProfile(id) => r#match.application_profile = Some(id.clone()),
            MatchBy::Role(name) => r#match.role = Some(name.clone()),
            MatchBy::Principal(name) => r#match.principal = Some(name.clone()),
        }
        Self {
            workload: rule.workload.clone(),
            slice: rule.slice.clone(),
            lanes: rule.lanes.iter().map(|lane| lane.name().to_owned()).collect(),
            deadline: rule.deadline.name().to_owned(),
            profiles: rule.profiles.iter().map(ToString::to_string).collect(),
            output_p50: rule.output_p50,
            output_p95: rule.output_p95,
            score: rule.score.0,
            confirmed: rule.confirmed,
            note: rule.note.clone(),
            r#match,
        }
    }
}

/// Reads a policy; `path` is the name that errors carry.
pub(super) fn read(path: &Path, text: &str) -> Result<Policy, DataError> {
    let file: PolicyFile<Spanned<RuleFile>> = file::toml(path, text)?;
    if file.version != VERSION {
        let reason = format!("{} is not {VERSION}", file.version);
        return Err(DataError::field(path, "the head", "version", reason, "make the policy again with `laneshift audit`"));
    }
    let moment = |field: &str, text: &str| {
        let refuse = |e| DataError::field(path, "[made_from]", field, format!("{text:?} is {e}"), "write UTC");
        Timestamp::parse(text).map_err(refuse)
    };
    Ok(Policy {
        from: moment("from", &file.made_from.from)?,
        to: moment("to", &file.made_from.to)?,
        catalogue: file.made_from.catalogue,
        rules: file
            .rules
            .into_iter()
            .map(|row| rule(path, file::line_of(text, &row), row.into_inner()))
            .collect::<Result<_, _>>()?,
    })
}

fn rule(path: &Path, at: String, row: RuleFile) -> Result<PolicyRule, DataError> {
    let refuse = |field: &str, reason: String, hint: &str| DataError::field(path, &*at, field, reason, hint);
    let lane = |name: &String| {
        let hint = format!("write one of {}", LaneId::ALL.map(LaneId::name).join(", "));
        wire::lane(name).ok_or_else(|| refuse("lanes", format!("{name:?} is no lane"), &hint))
    };
    let profile = |name: &String| {
        let hint = "write in-region, global, or a geographic prefix such as us";
        Profile::parse(name).ok_or_else(|| refuse("profiles", format!("{name:?} is no profile"), hint))
    };
    let lanes = row.lanes.iter().map(lane).collect::<Result<Vec<_>, _>>()?;
    let profiles = row.profiles.iter().map(profile).collect::<Result<Vec<_>, _>>()?;
    let deadline = Deadline::parse(&row.deadline).map_err(|e| {
        let reason = format!("{:?} is {e}", row.deadline);
        refuse("deadline", reason, "write one of its forms")
    })?;
    if row.score > 1000 {
        return Err(refuse("score", format!("{} is more than 1000", row.score), "write thousandths"));
    }
    let m = row.r#match;
    let by = match (m.metadata, m.application_profile, m.role, m.principal) {
        (Some(value), None, None, None) => MatchBy::Metadata(value),
        (None, Some(id), None, None) => MatchBy::ApplicationProfile(id),
        (None, None, Some(name), None) => MatchBy::Role(name),
        (None, None, None, Some(name)) => MatchBy::Principal(name),
        (None, None, None, None) => return Err(refuse("match", "it names no workload".to_owned(), NAME_ONE)),
        (Some(_) | None, Some(_) | None, Some(_) | None, Some(_) | None) => {
            return Err(refuse("match", "it names a workload in two ways".to_owned(), NAME_ONE));
        }
    };
    if lanes.is_empty() || m.models.is_empty() || profiles.is_empty() {
        return Err(refuse("lanes", "lanes, models or profiles are empty".to_owned(), "name at least one of each"));
    }
    if let Some(hour) = m.hours_utc.iter().find(|h| **h > 23) {
        return Err(refuse("hours_utc", format!("{hour} is no hour of a day"), "write 0 to 23"));
    }
    let models = m.models.iter().map(|id| ModelId::new(id)).collect();
    Ok(PolicyRule {
        workload: row.workload,
        slice: row.slice,
        matches: PolicyMatch { by, account: m.account, models, streamed: m.streamed, hours_utc: m.hours_utc },
        lanes,
        deadline,
        profiles,
        output_p50: row.output_p50,
        output_p95: row.output_p95,
        score: Score(row.score),
        confirmed: row.confirmed,
        note: row.note,
    })
}

const NAME_ONE: &str = "write one of metadata, application_profile, role and principal";

//! One rule: a fault, the calls it is for, how often, and its numbers.

use laneshift_units::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Count, Fault, Level, RULES_MAX, Strike, Target};
use crate::refusal::Kind;

/// The operation at which the faults of a job are chosen.
const CREATE: &str = "CreateModelInvocationJob";

/// Operations a rule can name.
const OPERATIONS: [&str; 25] = [
    CREATE,
    "GetModelInvocationJob",
    "ListModelInvocationJobs",
    "StopModelInvocationJob",
    "ListTagsForResource",
    "TagResource",
    "UntagResource",
    "ListFoundationModels",
    "GetFoundationModel",
    "ListInferenceProfiles",
    "GetInferenceProfile",
    "CreateInferenceProfile",
    "DeleteInferenceProfile",
    "GetModelInvocationLoggingConfiguration",
    "PutModelInvocationLoggingConfiguration",
    "DeleteModelInvocationLoggingConfiguration",
    "GetProvisionedModelThroughput",
    "ListProvisionedModelThroughputs",
    "InvokeModel",
    "InvokeModelWithResponseStream",
    "Converse",
    "ConverseStream",
    "CountTokens",
    "ListServiceQuotas",
    "GetServiceQuota",
];

/// Stories that hold always, with the reason.
const ALWAYS: [(&str, &str); 9] = [
    ("F01", "a job below its quota `Minimum number of records ...` fails in validation always"),
    ("F07", "a clientRequestToken that was used answers with its first job always"),
    ("F08", "output stands under <prefix>/<job id>/, a file for each input, always"),
    ("F19", "every poller sees the end of a job, and the bill counts it once, always"),
    ("F21", "records with toolConfig fail in Converse jobs always"),
    ("F22", "names of quotas contain each other always"),
    ("F23", "a job over `Records per batch inference job ...` fails in validation always"),
    ("F24", "a call sent twice is billed twice always"),
    ("F28", "files that break the rules fail in validation always"),
];

/// Which fault a story stands for.
const STORIES: [(&str, Fault); 18] = [
    ("F02", Fault::QuotaExceeded),
    ("F03", Fault::SlowTurnaround),
    ("F04", Fault::NeverBegins),
    ("F05", Fault::CutShort),
    ("F06", Fault::LostResponse),
    ("F09", Fault::MangledOutput),
    ("F10", Fault::InnerErrors),
    ("F11", Fault::EmptyAnswers),
    ("F12", Fault::RecordsFail),
    ("F13", Fault::NotFound),
    ("F14", Fault::TruncatedOutput),
    ("F15", Fault::AccessDenied),
    ("F16", Fault::Throttled),
    ("F17", Fault::SlowStop),
    ("F18", Fault::ZeroCounters),
    ("F20", Fault::EventsLost),
    ("F25", Fault::Stalled),
    ("F26", Fault::DecodedPath),
];

/// One rule, as it is written in a file or posted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A fault's name, or a story's (`F06`).
    pub fault: String,
    /// Only this operation; each fault has a sensible default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Only models whose id contains this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only this account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only the n-th matching call, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Every n-th matching call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Each matching call with this chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// At most so often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Only for so many minutes of the emulator's time after the rule was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_minutes: Option<f64>,
    /// The length of the effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// The part of all records that is concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// By how much something is slower.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// AWS's name of the error, for `error` and `broken_stream`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    fault: Vec<Rule>,
}

impl Rule {
    /// Reads a JSON list of rules.
    ///
    /// # Errors
    /// [`RuleError`] with the rule's place and field.
    pub fn parse_list(json: &str) -> Result<Vec<Self>, RuleError> {
        checked(serde_json::from_str(json).map_err(|e| RuleError(e.to_string()))?)
    }

    /// Reads a TOML file of `[[fault]]` tables.
    ///
    /// # Errors
    /// [`RuleError`] with line or place and field.
    pub fn parse_file(toml: &str) -> Result<Vec<Self>, RuleError> {
        let file: RuleFile = toml::from_str(toml).map_err(|e| RuleError(e.to_string()))?;
        checked(file.fault)
    }

    fn fault(&self) -> Option<Fault> {
        let story = STORIES.iter().find(|(story, _)| *story == self.fault).map(|(_, fault)| *fault);
        if self.fault == "F27" {
            return Some(Fault::Stuck);
        }
        story.or_else(|| Fault::ALL.iter().copied().find(|fault| fault.name() == self.fault))
    }

    fn check(&self) -> Result<(), String> {
        if let Some((_, why)) = ALWAYS.iter().find(|(story, _)| *story == self.fault) {
            return Err(format!("fault: {} needs no rule: {why}", self.fault));
        }
        let Some(fault) = self.fault() else {
            let names: Vec<&str> = Fault::ALL.iter().map(|f| f.name()).collect();
            return Err(format!("fault: {:?} is none of F01 to F28 and none of {}", self.fault, names.join(", ")));
        };
        if let Some(operation) = &self.operation
            && !OPERATIONS.contains(&operation.as_str())
        {
            return Err(format!("operation: {operation:?} is no operation that is emulated"));
        }
        for (name, value, max) in [
            ("rate", self.rate, 1.0),
            ("share", self.share, 1.0),
            ("for_minutes", self.for_minutes, 1e9),
            ("minutes", self.minutes, 1e9),
            ("factor", self.factor, 1e6),
        ] {
            if value.is_some_and(|v| !(0.0..=max).contains(&v)) {
                return Err(format!("{name}: a number from 0 to {max} is needed"));
            }
        }
        if [self.nth, self.every].contains(&Some(0)) {
            return Err("nth and every count from 1".to_owned());
        }
        let error_known = self.error.as_deref().is_some_and(|name| Kind::parse(name).is_some());
        match fault {
            Fault::Error if !error_known => {
                Err("error: the name of an error is needed, such as ModelTimeoutException".to_owned())
            }
            _ => match &self.error {
                Some(error) if !error_known => Err(format!("error: {error:?} is no error of Bedrock")),
                _ => Ok(()),
            },
        }
    }

    pub(super) fn matches(&self, call: &Target<'_>, set_at: Timestamp, now: Timestamp) -> bool {
        let Some(fault) = self.fault() else { return false };
        let operation = match &self.operation {
            Some(operation) => operation == call.operation,
            None => default_operations(fault, call.operation),
        };
        operation
            && self.model.as_ref().is_none_or(|m| call.model.contains(m.as_str()))
            && self.account.as_ref().is_none_or(|a| a == call.account)
            && self.for_minutes.is_none_or(|m| now.0 < set_at.0 + (m * 60_000.0) as i64)
    }

    pub(super) fn strikes(&self, count: Count, chance: f64) -> bool {
        let times = self.times.or((self.fault() == Some(Fault::NotFound) && self.nth.or(self.every).is_none()).then_some(2));
        times.is_none_or(|t| count.struck < t)
            && self.nth.is_none_or(|n| n == count.seen)
            && self.every.is_none_or(|n| count.seen.is_multiple_of(n))
            && self.rate.is_none_or(|rate| chance < rate)
    }

    pub(super) fn strike(&self) -> Strike {
        let fault = self.fault().expect("rules are checked when they are set");
        let (minutes, share, factor) = match fault {
            // The longest stop and the two turnarounds of one configuration that users reported.
            Fault::SlowStop => (25.0, 0.0, 0.0),
            Fault::SlowTurnaround => (0.0, 0.0, 5.7),
            Fault::CutShort => (0.0, 0.6, 0.0),
            Fault::MangledOutput => (0.0, 0.05, 0.0),
            Fault::InnerErrors | Fault::EmptyAnswers | Fault::RecordsFail => (0.0, 1.0, 0.0),
            Fault::LateResults | Fault::TruncatedOutput | Fault::EventsLate => (10.0, 0.0, 0.0),
            Fault::Stalled => (5.0, 0.0, 0.0),
            _ => (0.0, 0.0, 0.0),
        };
        Strike {
            fault,
            minutes: self.minutes.unwrap_or(minutes),
            share: self.share.unwrap_or(share),
            factor: self.factor.unwrap_or(factor),
            error: self.error.clone().unwrap_or_else(|| Kind::ServiceUnavailable.name().to_owned()),
        }
    }
}

fn checked(rules: Vec<Rule>) -> Result<Vec<Rule>, RuleError> {
    if rules.len() > RULES_MAX {
        return Err(RuleError(format!("{} rules; at most {RULES_MAX} are taken", rules.len())));
    }
    for (at, rule) in rules.iter().enumerate() {
        rule.check().map_err(|why| RuleError(format!("rule {at}: {why}")))?;
    }
    Ok(rules)
}

/// The operations that a fault strikes when its rule names none.
fn default_operations(fault: Fault, operation: &str) -> bool {
    match (fault.level(), fault) {
        (Level::Job, _) | (Level::Call, Fault::QuotaExceeded | Fault::LostResponse | Fault::AccessDenied) => operation == CREATE,
        (Level::Call, Fault::NotFound) => operation == "GetModelInvocationJob",
        (Level::Call, Fault::BrokenStream) => matches!(operation, "ConverseStream" | "InvokeModelWithResponseStream"),
        (Level::Call, _) => true,
    }
}

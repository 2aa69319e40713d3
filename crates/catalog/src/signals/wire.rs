//! The signals file as it is written, and its checks.

use std::collections::BTreeMap;
use std::path::Path;

use laneshift_core::verdict::{Group, PrincipalKind, SignalId, Weights};
use serde::Deserialize;
use toml::Spanned;

use super::Signals;
use super::principal::{PrincipalRule, PrincipalRules, RuleField, RuleMatch, pieces};
use crate::{DataError, file};

/// The version of the format that is read.
const VERSION: u32 = 1;
/// The largest weight or cap, in nats; 10 nats are odds of 22,026 to one.
const NATS_MAX: f64 = 10.0;
/// The longest list of rules or keys.
const LIST_MAX: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignalsFile {
    version: Spanned<u32>,
    dated: String,
    prior: Spanned<f64>,
    thresholds: Thresholds,
    ceilings: Ceilings,
    caps: BTreeMap<String, Spanned<f64>>,
    weights: BTreeMap<String, Spanned<f64>>,
    metadata: Metadata,
    #[serde(default, rename = "rule")]
    rules: Vec<Spanned<RuleRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thresholds {
    fit_min: Spanned<u16>,
    floor_min: Spanned<u16>,
    late_share: Spanned<u16>,
    stay_max: Spanned<u16>,
    requests_min: u64,
    days_min: u32,
    half_requests: Spanned<f64>,
    half_days: Spanned<f64>,
    hybrid_min: Spanned<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ceilings {
    bill: Spanned<(u16, u16)>,
    bill_streaming_min: Spanned<u16>,
    logs: Spanned<(u16, u16)>,
    bodies: Spanned<(u16, u16)>,
    declared: Spanned<(u16, u16)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    workload_keys: Vec<String>,
    deadline_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleRow {
    field: String,
    #[serde(rename = "match")]
    matches: String,
    text: Option<String>,
    kind: String,
}

impl SignalsFile {
    pub(super) fn read(path: &Path, text: &str) -> Result<Signals, DataError> {
        let file: Self = file::toml(path, text)?;
        let check = Check { path, text };
        let version = *file.version.get_ref();
        if version != VERSION {
            return Err(check.refuse(
                &file.version,
                "version",
                format!("{version} is not {VERSION}"),
                "use the shipped file's format",
            ));
        }
        let rules = file.rules.iter().map(|row| check.rule(row)).collect::<Result<Vec<_>, _>>()?;
        check.length("rule", rules.len())?;
        check.keys("workload_keys", &file.metadata.workload_keys)?;
        check.keys("deadline_keys", &file.metadata.deadline_keys)?;
        Ok(Signals {
            weights: check.weights(&file)?,
            dated: file.dated,
            metadata_keys: file.metadata.workload_keys,
            deadline_keys: file.metadata.deadline_keys,
            rules: PrincipalRules(rules),
        })
    }
}

/// The file that is checked, for what errors must name.
struct Check<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Check<'_> {
    fn refuse<T>(&self, value: &Spanned<T>, field: &str, reason: impl Into<String>, hint: &str) -> DataError {
        DataError::field(self.path, file::line_of(self.text, value), field, reason, hint)
    }

    fn weights(&self, file: &SignalsFile) -> Result<Weights, DataError> {
        let (t, c) = (&file.thresholds, &file.ceilings);
        let weights = Weights {
            prior: self.float(&file.prior, "prior", f64::MIN_POSITIVE, 1.0)?,
            signal: self.named(&file.weights, "weights", "signal", SignalId::ALL.map(SignalId::name), -NATS_MAX)?,
            cap: self.named(&file.caps, "caps", "group", Group::ALL.map(Group::name), 0.0)?,
            ceiling_bill: self.pair(&c.bill, "bill")?,
            ceiling_logs: self.pair(&c.logs, "logs")?,
            ceiling_bodies: self.pair(&c.bodies, "bodies")?,
            ceiling_declared: self.pair(&c.declared, "declared")?,
            ceiling_bill_streaming_min: self.score(&c.bill_streaming_min, "bill_streaming_min")?,
            fit_min: self.score(&t.fit_min, "fit_min")?,
            floor_min: self.score(&t.floor_min, "floor_min")?,
            late_share: self.score(&t.late_share, "late_share")?,
            stay_max: self.score(&t.stay_max, "stay_max")?,
            requests_min: t.requests_min,
            days_min: t.days_min,
            half_requests: self.float(&t.half_requests, "half_requests", 0.0, f64::MAX)?,
            half_days: self.float(&t.half_days, "half_days", 0.0, f64::MAX)?,
            hybrid_min: self.score(&t.hybrid_min, "hybrid_min")?,
        };
        if weights.prior >= 1.0 {
            return Err(self.refuse(&file.prior, "prior", "1 leaves no doubt", "write a share between 0 and 1"));
        }
        if weights.floor_min < weights.fit_min {
            return Err(self.refuse(&t.floor_min, "floor_min", "it is below fit_min", "the floor is the stricter of the two"));
        }
        if weights.stay_max >= weights.fit_min {
            return Err(self.refuse(&t.stay_max, "stay_max", "it reaches fit_min", "leave room for undetermined between them"));
        }
        if weights.ceiling_bill_streaming_min > weights.ceiling_bill.1 {
            let hint = "it is the lowest score of a streamed slice; write a lower one";
            return Err(self.refuse(&c.bill_streaming_min, "bill_streaming_min", "it is above the ceiling of a bill", hint));
        }
        Ok(weights)
    }

    /// One number for every name, in the order of `names`.
    fn named<const N: usize>(
        &self,
        values: &BTreeMap<String, Spanned<f64>>,
        table: &str,
        what: &str,
        names: [&'static str; N],
        min: f64,
    ) -> Result<[f64; N], DataError> {
        if let Some((name, value)) = values.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            let hint = format!("use one of {}", names.join(", "));
            return Err(self.refuse(value, name, format!("no {what} has this name"), &hint));
        }
        let mut found = [0.0; N];
        for (slot, name) in found.iter_mut().zip(names) {
            let missing = || {
                DataError::field(self.path, format!("[{table}]"), name, "missing", format!("add `{name} = …`; 0 switches it off"))
            };
            *slot = self.float(values.get(name).ok_or_else(missing)?, name, min, NATS_MAX)?;
        }
        Ok(found)
    }

    fn float(&self, value: &Spanned<f64>, field: &str, min: f64, max: f64) -> Result<f64, DataError> {
        let number = *value.get_ref();
        if number.is_finite() && (min..=max).contains(&number) {
            return Ok(number);
        }
        Err(self.refuse(value, field, format!("{number} is out of range"), "compare it with the shipped file"))
    }

    fn score(&self, value: &Spanned<u16>, field: &str) -> Result<u16, DataError> {
        let score = *value.get_ref();
        if score <= 1000 {
            return Ok(score);
        }
        Err(self.refuse(value, field, format!("{score} is more than 1000"), "write thousandths"))
    }

    fn pair(&self, value: &Spanned<(u16, u16)>, field: &str) -> Result<(u16, u16), DataError> {
        let (low, high) = *value.get_ref();
        if low <= high && high <= 1000 {
            return Ok((low, high));
        }
        let reason = format!("[{low}, {high}] is no range of thousandths");
        Err(self.refuse(value, field, reason, "write the lowest and the highest score, such as [100, 900]"))
    }

    fn rule(&self, row: &Spanned<RuleRow>) -> Result<PrincipalRule, DataError> {
        let RuleRow { field, matches, text, kind } = row.get_ref();
        let refuse = |name: &str, reason: String, hint: &str| Err(self.refuse(row, name, reason, hint));
        let look_at = match field.as_str() {
            "role" => RuleField::Role,
            "session" => RuleField::Session,
            other => return refuse("field", format!("{other:?} is no field"), "write role or session"),
        };
        let text = text.clone().filter(|t| !t.trim().is_empty());
        let matches = match (matches.as_str(), text) {
            ("prefix", Some(text)) => RuleMatch::Prefix(text),
            ("suffix", Some(text)) => RuleMatch::Suffix(text),
            ("contains", Some(text)) => RuleMatch::Contains(text),
            ("equals", Some(text)) => RuleMatch::Equals(text),
            ("word", Some(text)) if !pieces(&text).is_empty() => RuleMatch::Word(pieces(&text)),
            ("email", None) => RuleMatch::Email,
            ("hex32", None) => RuleMatch::Hex32,
            ("email" | "hex32", Some(_)) => return refuse("text", format!("{matches} takes none"), "remove the text"),
            ("prefix" | "suffix" | "contains" | "equals" | "word", _) => {
                return refuse("text", format!("{matches} needs one"), "add the text to look for");
            }
            (other, _) => {
                let hint = "write prefix, suffix, contains, equals, word, email or hex32";
                return refuse("match", format!("{other:?} is no way to match"), hint);
            }
        };
        let Some(kind) = PrincipalKind::ALL.into_iter().find(|k| k.name() == kind.as_str()) else {
            let hint = format!("write one of {}", PrincipalKind::ALL.map(PrincipalKind::name).join(", "));
            return refuse("kind", format!("{kind:?} is no kind of caller"), &hint);
        };
        Ok(PrincipalRule { field: look_at, matches, kind })
    }

    fn keys(&self, field: &str, keys: &[String]) -> Result<(), DataError> {
        self.length(field, keys.len())?;
        if keys.iter().any(|key| key.trim().is_empty()) {
            return Err(DataError::field(self.path, "[metadata]", field, "a key is empty", "remove it"));
        }
        Ok(())
    }

    fn length(&self, field: &str, length: usize) -> Result<(), DataError> {
        if length <= LIST_MAX {
            return Ok(());
        }
        Err(DataError::field(
            self.path,
            "the whole file",
            field,
            format!("{length} entries"),
            format!("keep {LIST_MAX} or fewer"),
        ))
    }
}

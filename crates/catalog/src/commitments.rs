//! `commitments.toml`: capacity that the customer has bought. Its prices are contracts, so they are the customer's to state.

use std::collections::HashSet;
use std::path::Path;

use laneshift_units::{ModelId, Money, Profile, ProfiledModel, Region};
use serde::Deserialize;
use toml::Spanned;

use crate::wire::MoneyText;
use crate::{DataError, file};

/// Commitments by kind, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commitments {
    /// Provisioned Throughput.
    pub provisioned: Vec<Provisioned>,
    /// The Reserved tier.
    pub reserved: Vec<Reserved>,
}

/// Provisioned Throughput for one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// A name for reports.
    pub name: String,
    /// The ARN that calls name.
    pub arn: Option<String>,
    /// The base model.
    pub model: ModelId,
    /// The region.
    pub region: Region,
    /// Model units.
    pub units: u64,
    /// Price of one unit for one hour.
    pub per_unit_hour: Money,
    /// Input tokens that one unit takes in a minute.
    pub input_tpm_per_unit: u64,
    /// Output tokens that one unit gives in a minute.
    pub output_tpm_per_unit: u64,
}

/// The Reserved tier for one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// A name for reports.
    pub name: String,
    /// The base model.
    pub model: ModelId,
    /// The profile it is called through.
    pub profile: Profile,
    /// The region.
    pub region: Region,
    /// Input tokens a minute.
    pub input_tpm: u64,
    /// Output tokens a minute.
    pub output_tpm: u64,
    /// Price of a month.
    pub per_month: Money,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default)]
    provisioned: Vec<Spanned<WireProvisioned>>,
    #[serde(default)]
    reserved: Vec<Spanned<WireReserved>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireProvisioned {
    name: String,
    arn: Option<String>,
    model: String,
    region: String,
    units: u64,
    usd_per_unit_hour: MoneyText,
    input_tpm_per_unit: u64,
    output_tpm_per_unit: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireReserved {
    name: String,
    model: String,
    profile: String,
    region: String,
    input_tpm: u64,
    output_tpm: u64,
    usd_per_month: MoneyText,
}

impl Commitments {
    /// Reads a file.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read, has an unknown key, a name twice, or an amount without a meaning.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Self::parse(path, &file::read(path, file::EDITED_MB_MAX)?)
    }

    /// Whether nothing is committed.
    pub fn is_empty(&self) -> bool {
        self.provisioned.is_empty() && self.reserved.is_empty()
    }

    fn parse(path: &Path, text: &str) -> Result<Self, DataError> {
        let wire: Wire = file::toml(path, text)?;
        let mut names = HashSet::new();
        let mut commitments = Self::default();
        for row in &wire.provisioned {
            let (w, check) = (row.get_ref(), Check { path, at: file::line_of(text, row) });
            check.name(&w.name, &mut names)?;
            commitments.provisioned.push(Provisioned {
                name: w.name.clone(),
                arn: w.arn.clone().filter(|arn| !arn.is_empty()),
                model: check.base_model(&w.model)?,
                region: check.region(&w.region)?,
                units: check.positive("units", w.units)?,
                per_unit_hour: check.price("usd_per_unit_hour", &w.usd_per_unit_hour)?,
                input_tpm_per_unit: check.positive("input_tpm_per_unit", w.input_tpm_per_unit)?,
                output_tpm_per_unit: check.positive("output_tpm_per_unit", w.output_tpm_per_unit)?,
            });
        }
        for row in &wire.reserved {
            let (w, check) = (row.get_ref(), Check { path, at: file::line_of(text, row) });
            check.name(&w.name, &mut names)?;
            let hint = "write in-region, global, or a geographic prefix such as us";
            let profile = Profile::parse(&w.profile)
                .ok_or_else(|| check.refuse("profile", format!("{:?} is no profile", w.profile), hint))?;
            commitments.reserved.push(Reserved {
                name: w.name.clone(),
                model: check.base_model(&w.model)?,
                profile,
                region: check.region(&w.region)?,
                input_tpm: check.positive("input_tpm", w.input_tpm)?,
                output_tpm: check.positive("output_tpm", w.output_tpm)?,
                per_month: check.price("usd_per_month", &w.usd_per_month)?,
            });
        }
        Ok(commitments)
    }
}

/// One row, for what errors must name.
struct Check<'a> {
    path: &'a Path,
    at: String,
}

impl Check<'_> {
    fn refuse(&self, field: &str, reason: impl Into<String>, hint: &str) -> DataError {
        DataError::field(self.path, &*self.at, field, reason, hint)
    }

    fn name<'a>(&self, name: &'a str, names: &mut HashSet<&'a str>) -> Result<(), DataError> {
        if name.trim().is_empty() {
            return Err(self.refuse("name", "empty", "give it a name for reports"));
        }
        if !names.insert(name) {
            return Err(self.refuse("name", format!("{name:?} is there twice"), "give each commitment a name of its own"));
        }
        Ok(())
    }

    fn base_model(&self, id: &str) -> Result<ModelId, DataError> {
        let ProfiledModel { model, profile } = ProfiledModel::parse_id(id);
        if id.is_empty() || profile != Profile::InRegion || id.starts_with("arn:") {
            let hint = "write the base id, such as anthropic.claude-sonnet-4-6";
            return Err(self.refuse("model", format!("{id:?} is no base model id"), hint));
        }
        Ok(model)
    }

    fn region(&self, region: &str) -> Result<Region, DataError> {
        if region.is_empty() {
            return Err(self.refuse("region", "empty", "write a region such as us-east-1"));
        }
        Ok(Region::new(region))
    }

    fn positive(&self, field: &str, n: u64) -> Result<u64, DataError> {
        if n == 0 {
            return Err(self.refuse(field, "it is 0", "write what was bought, or remove the commitment"));
        }
        Ok(n)
    }

    fn price(&self, field: &str, text: &MoneyText) -> Result<Money, DataError> {
        let hint = "write US dollars, such as \"21.18\"";
        let money = Money::parse_usd(&text.0).map_err(|e| self.refuse(field, format!("{:?} is {e}", text.0), hint))?;
        if money < Money::ZERO {
            return Err(self.refuse(field, "it is negative", hint));
        }
        Ok(money)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = r#"
[[provisioned]]
name = "claims"
arn = "arn:aws:bedrock:us-west-2:111122223333:provisioned-model/abc123def456"
model = "meta.llama3-1-70b-instruct-v1:0"
region = "us-west-2"
units = 2
usd_per_unit_hour = 21.18
input_tpm_per_unit = 300_000
output_tpm_per_unit = 30_000

[[reserved]]
name = "chat"
model = "anthropic.claude-sonnet-4-6"
profile = "us"
region = "us-east-1"
input_tpm = 100_000
output_tpm = 10_000
usd_per_month = "21681.000001"
"#;

    fn parse(text: &str) -> Result<Commitments, String> {
        Commitments::parse(Path::new("commitments.toml"), text).map_err(|e| e.to_string())
    }

    #[test]
    fn prices_are_exact_as_text_or_number() {
        let c = parse(BOTH).expect("reads");
        assert_eq!(c.provisioned[0].per_unit_hour.to_exact_string(), "21.18");
        assert_eq!(c.reserved[0].per_month.to_exact_string(), "21681.000001");
        assert_eq!(c.reserved[0].profile, Profile::Geo("us".into()));
        assert!(parse("").expect("nothing").is_empty());
    }

    #[test]
    fn slips_are_refused_with_their_row() {
        for (from, to, expected) in [
            ("units = 2", "units = 0", "line 2, field units: it is 0"),
            ("units = 2", "unit = 2", "field unit: unknown field"),
            ("\"chat\"", "\"claims\"", "line 12, field name: \"claims\" is there twice"),
            ("\"anthropic.", "\"us.anthropic.", "line 12, field model: \"us.anthropic.claude-sonnet-4-6\" is no base model id"),
            ("profile = \"us\"", "profile = \"mars\"", "line 12, field profile: \"mars\" is no profile"),
            ("21.18", "-21.18", "line 2, field usd_per_unit_hour: it is negative"),
            ("\"21681.000001\"", "\"1e-13\"", "line 12, field usd_per_month: \"1e-13\" is finer than a picodollar"),
        ] {
            let error = parse(&BOTH.replace(from, to)).expect_err(to);
            assert!(error.contains(expected), "{error}");
        }
    }
}

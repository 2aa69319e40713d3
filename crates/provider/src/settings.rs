//! What the emulator is told: accounts, profiles, provisioned models, quotas, turnaround, and one switch for each point
//! on which AWS's documents are silent.
//!
//! Promises: an unknown field is an error; every field has a default; a switch says what it decides. Leaves out: reading
//! files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bill::Commitment;
use crate::turnaround::Turnaround;

/// The account of a fresh emulator.
pub const DEFAULT_ACCOUNT: &str = "111122223333";
/// Its access key.
pub const DEFAULT_ACCESS_KEY: &str = "AKIALANESHIFTEMULATE";
/// The secret of that key. It protects nothing: the emulator serves made-up answers.
pub const DEFAULT_SECRET_KEY: &str = "emulated/secret/key/that/protects/nothing";
/// Its Bedrock API key.
pub const DEFAULT_BEARER_KEY: &str = "bedrock-api-key-emulated";

/// The settings file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Begins every decision that chance has a part in.
    pub seed: u64,
    /// The region of calls that name none (bearer keys, `--no-auth`).
    pub region: String,
    /// Callers.
    #[serde(rename = "account")]
    pub accounts: Vec<Account>,
    /// Application inference profiles that exist from the start.
    #[serde(rename = "application_profile")]
    pub application_profiles: Vec<ApplicationProfile>,
    /// Provisioned Throughput that exists from the start.
    #[serde(rename = "provisioned_model")]
    pub provisioned_models: Vec<ProvisionedModel>,
    /// Quota values by their exact name in Service Quotas.
    pub quotas: BTreeMap<String, f64>,
    /// On-demand quotas of every model that `quotas` does not name.
    pub on_demand: OnDemand,
    /// How long jobs take.
    pub turnaround: Turnaround,
    /// Cached prompts live so many times longer than AWS keeps them: for traffic that is a sample.
    pub cache_ttl_factor: f64,
    /// Points that AWS does not document.
    pub switches: Switches,
    /// Where state changes of jobs are posted, as EventBridge would.
    pub events_url: Option<String>,
    /// An OpenAI-compatible server that answers instead of the toy model.
    pub upstream: Option<Upstream>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            region: "us-east-1".to_owned(),
            accounts: vec![Account::default()],
            application_profiles: Vec::new(),
            provisioned_models: Vec::new(),
            quotas: BTreeMap::new(),
            on_demand: OnDemand::default(),
            turnaround: Turnaround::default(),
            cache_ttl_factor: 1.0,
            switches: Switches::default(),
            events_url: None,
            upstream: None,
        }
    }
}

/// The settings table `[on_demand]`. AWS's values differ by model and account; these are the emulator's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OnDemand {
    /// Tokens a minute of each model.
    pub tokens_per_minute: f64,
    /// Requests a minute of each model.
    pub requests_per_minute: f64,
}

impl Default for OnDemand {
    fn default() -> Self {
        Self { tokens_per_minute: 20_000_000.0, requests_per_minute: 100_000.0 }
    }
}

/// Who may call, and with what keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// The ARN that logs and bills show.
    pub principal: String,
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
    /// Bedrock API key.
    pub bearer_key: Option<String>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            id: DEFAULT_ACCOUNT.to_owned(),
            principal: format!("arn:aws:iam::{DEFAULT_ACCOUNT}:user/developer"),
            access_key: DEFAULT_ACCESS_KEY.to_owned(),
            secret_key: DEFAULT_SECRET_KEY.to_owned(),
            bearer_key: Some(DEFAULT_BEARER_KEY.to_owned()),
        }
    }
}

/// An application inference profile.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ApplicationProfile {
    /// Whose.
    pub account: String,
    /// Where.
    pub region: String,
    /// Twelve lower-case letters and digits, the end of its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The model or system profile it was made from, as an id.
    pub model: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// When it was made.
    #[serde(default)]
    pub created_ms: i64,
}

impl ApplicationProfile {
    /// Its ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:bedrock:{}:{}:application-inference-profile/{}", self.region, self.account, self.id)
    }
}

/// A provisioned model.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ProvisionedModel {
    /// Whose.
    pub account: String,
    /// Where.
    pub region: String,
    /// Twelve lower-case letters and digits, the end of its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The base model.
    pub model: String,
    /// Model units.
    pub units: u32,
    /// For how long it was bought; by the hour when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<CommitmentDuration>,
    /// Tokens a minute that one unit serves, input and output together; AWS tells it to customers only.
    #[serde(default = "unit_tokens_per_minute")]
    pub tokens_per_minute: u64,
}

const fn unit_tokens_per_minute() -> u64 {
    100_000
}

/// AWS's `commitmentDuration`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CommitmentDuration {
    OneMonth,
    SixMonths,
}

impl ProvisionedModel {
    /// What its price goes by.
    pub fn commitment(&self) -> Commitment {
        match self.commitment {
            None => Commitment::None,
            Some(CommitmentDuration::OneMonth) => Commitment::OneMonth,
            Some(CommitmentDuration::SixMonths) => Commitment::SixMonths,
        }
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:bedrock:{}:{}:provisioned-model/{}", self.region, self.account, self.id)
    }
}

/// A server that answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Up to and without `/chat/completions`, such as `http://127.0.0.1:8000/v1`.
    pub url: String,
    /// The model to name there; the called model's id when absent.
    #[serde(default)]
    pub model: Option<String>,
    /// A bearer key to send.
    #[serde(default)]
    pub api_key: Option<String>,
}

/// One switch for each point that AWS's documents leave open. The default is what their silence makes likely.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Switches {
    /// Hours for which a `clientRequestToken` is remembered.
    pub token_retention_h: u32,
    /// The same token with another request: `original` answers with the first job, `conflict` with ConflictException.
    pub token_reuse: TokenReuse,
    /// A second open job of the same name is a conflict.
    pub job_name_unique: bool,
    /// `timeoutDurationInHours` when a request has none.
    pub default_timeout_h: u32,
    /// Over the job quota: `refuse` with ServiceQuotaExceededException, or `queue` as Submitted.
    pub over_job_quota: OverJobQuota,
    /// Stopping a finished job: `conflict` or `validation`.
    pub stop_finished: StopFinished,
    /// Records that time ran out for: `absent` from the output, or lines with an `error`.
    pub unprocessed_records: Unprocessed,
    /// A manifest stands beside the output of a job that was cut short.
    pub manifest_when_cut: bool,
    /// A record that failed costs its input.
    pub charge_failed_records: bool,
    /// One line that is no JSON object fails the whole job.
    pub bad_line_fails_job: bool,
    /// The same `recordId` twice fails the job.
    pub duplicate_record_ids_fail_job: bool,
    /// Records with tools run in jobs of type InvokeModel.
    pub tools_in_invoke_batch: bool,
    /// Output of an input in a sub-folder keeps the sub-folder.
    pub nested_output: bool,
    /// `usage.totalTokens` counts cached tokens.
    pub total_tokens_include_cache: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            token_retention_h: 24,
            token_reuse: TokenReuse::Original,
            job_name_unique: false,
            default_timeout_h: 24,
            over_job_quota: OverJobQuota::Refuse,
            stop_finished: StopFinished::Conflict,
            unprocessed_records: Unprocessed::Absent,
            manifest_when_cut: true,
            charge_failed_records: false,
            bad_line_fails_job: true,
            duplicate_record_ids_fail_job: false,
            tools_in_invoke_batch: true,
            nested_output: true,
            total_tokens_include_cache: true,
        }
    }
}

/// See [`Switches::token_reuse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the field says it")]
pub enum TokenReuse {
    Original,
    Conflict,
}

/// See [`Switches::over_job_quota`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the field says it")]
pub enum OverJobQuota {
    Refuse,
    Queue,
}

/// See [`Switches::stop_finished`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the field says it")]
pub enum StopFinished {
    Conflict,
    Validation,
}

/// See [`Switches::unprocessed_records`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the field says it")]
pub enum Unprocessed {
    Absent,
    Error,
}

impl Settings {
    /// Reads a settings file.
    ///
    /// # Errors
    /// The parser's text, which names line and field; or what the accounts lack.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        if settings.accounts.is_empty() {
            return Err("at least one [[account]] is needed".to_owned());
        }
        for (at, account) in settings.accounts.iter().enumerate() {
            if account.id.len() != 12 || !account.id.bytes().all(|b| b.is_ascii_digit()) {
                return Err(format!("account.{at}.id: an account id has twelve digits, not {:?}", account.id));
            }
            if settings.accounts[..at].iter().any(|other| other.access_key == account.access_key) {
                return Err(format!("account.{at}.access_key: {} is used twice", account.access_key));
            }
        }
        settings.turnaround.check()?;
        if !settings.cache_ttl_factor.is_finite() || settings.cache_ttl_factor < 0.0 {
            return Err(format!("cache_ttl_factor: {} is no factor; write 1 for what AWS does", settings.cache_ttl_factor));
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default_and_an_unknown_field_is_named() {
        assert_eq!(Settings::parse("").expect("defaults").accounts[0].id, DEFAULT_ACCOUNT);
        assert!(Settings::parse("[switches]\nstop_finsihed = \"conflict\"").expect_err("a slip").contains("stop_finsihed"));
        assert!(Settings::parse("[[account]]\nid = \"12\"").expect_err("short").contains("account.0.id"));
    }
}

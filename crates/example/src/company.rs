//! What a company is: an account's workloads over a month, and what is true about each.

use laneshift_units::{AccountId, ProfiledModel, Region, Timestamp};

use crate::part::Part;

/// A made-up company and the month its evidence covers.
#[derive(Clone, Debug)]
pub struct Company {
    /// Its name, for headings.
    pub name: String,
    /// Everything random follows from this.
    pub seed: u64,
    /// The first moment of the evidence, at midnight UTC.
    pub start: Timestamp,
    /// Whole UTC days of evidence.
    pub days: u32,
    /// The logs hold one request in this many. Sampled by payload, so a retry stays with its first try.
    pub sampling_factor: u64,
    /// How records are counted out.
    pub counts: Counts,
    /// Hours that local clocks are behind UTC, constant over the month.
    pub hours_behind_utc: u32,
    /// What it runs.
    pub workloads: Vec<Workload>,
}

impl Company {
    /// The first moment after the evidence.
    pub const fn end(&self) -> Timestamp {
        Timestamp(self.start.0 + self.days as i64 * 86_400_000)
    }

    /// The same mix as a sample of one request in so many.
    #[must_use]
    pub fn sampled(mut self, factor: u64) -> Self {
        for part in self.workloads.iter_mut().flat_map(|w| &mut w.parts) {
            let records = u64::from(part.records) * self.sampling_factor / factor.max(1);
            part.records = u32::try_from(records).unwrap_or(u32::MAX);
        }
        self.sampling_factor = factor.max(1);
        self
    }

    /// The same mix, all of it in the account of its first workload.
    #[must_use]
    pub fn in_one_account(mut self) -> Self {
        let Some(account) = self.workloads.first().map(|workload| workload.account.clone()) else { return self };
        self.workloads.iter_mut().for_each(|workload| workload.account = account.clone());
        self
    }

    /// The records that the logs are expected to hold, before chance.
    pub fn expected_records(&self) -> u64 {
        self.workloads.iter().flat_map(|w| &w.parts).map(|p| u64::from(p.records)).sum()
    }

    /// The same mix, with about this many records.
    #[must_use]
    pub fn with_records(mut self, records: u64) -> Self {
        let have = self.expected_records().max(1);
        for part in self.workloads.iter_mut().flat_map(|w| &mut w.parts) {
            let scaled = u64::from(part.records) * records / have;
            part.records = u32::try_from(scaled).expect("a part of a target that fits a disk fits u32").max(1);
        }
        self
    }
}

/// One workload: what an owner would name, and what the audit must find.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The owner's name for it.
    pub name: String,
    /// The account it runs in.
    pub account: AccountId,
    /// The region it calls.
    pub region: Region,
    /// The IAM role.
    pub role: String,
    /// `requestMetadata`, in this order.
    pub metadata: Vec<(String, String)>,
    /// Model and profile.
    pub model: ProfiledModel,
    /// What the caller writes as `modelId`.
    pub called_as: CalledAs,
    /// Whether text delivery is on for it.
    pub bodies_logged: bool,
    /// What is true about it.
    pub truth: Truth,
    /// The deadline its owner would name: `seconds`, `1h`, `24h`, or `mixed`.
    pub tolerance: String,
    /// One sentence for the reader of the truth.
    pub note: String,
    /// Its parts; a hybrid has at least two.
    pub parts: Vec<Part>,
}

impl Workload {
    /// The key under which an audit meets it: metadata `workload`, else the application profile, else the role.
    pub fn key(&self) -> String {
        if let Some((_, name)) = self.metadata.iter().find(|(k, _)| k == "workload") {
            return format!("workload={name}");
        }
        match &self.called_as {
            CalledAs::Application(id) => format!("aip/{id}"),
            CalledAs::Id | CalledAs::ProfileArn => format!("role/{}", self.role),
        }
    }

    /// Whether AWS makes its calls, as for a knowledge base: they pass no gateway.
    // AWS, "Create a service role for Amazon Bedrock Knowledge Bases", read 2026-11-23: the prefix of the roles' names.
    pub fn is_called_by_aws(&self) -> bool {
        self.role.starts_with("AmazonBedrockExecutionRoleFor")
    }

    /// The `modelId` of its records.
    pub fn model_id(&self) -> String {
        let (region, account) = (&self.region, &self.account);
        match &self.called_as {
            CalledAs::Id => self.model.to_string(),
            CalledAs::ProfileArn => format!("arn:aws:bedrock:{region}:{account}:inference-profile/{}", self.model),
            CalledAs::Application(id) => format!("arn:aws:bedrock:{region}:{account}:application-inference-profile/{id}"),
        }
    }
}

/// How the records of a part are counted out over its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// By chance: a part has about as many as it says, and some are throttled, refused or blocked.
    Chance,
    /// A part has exactly as many as it says, and all are answered.
    Exact,
}

/// How a caller writes the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalledAs {
    /// As an id, with the profile's prefix if there is one.
    Id,
    /// As the ARN of a system-defined inference profile.
    ProfileArn,
    /// As the ARN of an application inference profile, which hides the model.
    Application(String),
}

/// Whether somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// Nobody waits.
    Batch,
    /// Somebody or something waits.
    Interactive,
    /// One part waits, another does not.
    Hybrid,
}

impl Truth {
    /// The name used in `truth.csv`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Interactive => "interactive",
            Self::Hybrid => "hybrid",
        }
    }
}

/// Which bodies the logs carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// All of them, as long as the metered tokens say.
    Full,
    /// Those of workloads with text delivery on, and short.
    Sampled,
    /// None: text delivery is off.
    None,
}

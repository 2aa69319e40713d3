//! What a model identifier names: a base model, a profile, an application profile, a provisioned model.

use laneshift_bedrock::arn::{ModelRef, model_ref};
use laneshift_units::{Profile, ProfiledModel, Region};

use crate::models::{Model, Models};
use crate::refusal::{Kind, Refusal};
use crate::settings::{ApplicationProfile, ProvisionedModel};

/// A model that a call may use.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The base model.
    pub model: &'static Model,
    /// The profile that prices and quotas go by.
    pub profile: Profile,
    /// The ARN of the application inference profile that was named, for the bill.
    pub application_profile: Option<String>,
    /// The provisioned model that was named.
    pub provisioned: Option<Provisioned>,
}

/// The part of a provisioned model that calls need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// Its ARN.
    pub arn: String,
    /// Tokens a minute, all units together.
    pub tokens_per_minute: u64,
}

/// What exists besides the models.
#[derive(Clone, Copy, Debug)]
pub struct Directory<'a> {
    /// Application inference profiles of all accounts.
    pub profiles: &'a [ApplicationProfile],
    /// Provisioned models of all accounts.
    pub provisioned: &'a [ProvisionedModel],
}

impl Directory<'_> {
    /// Resolves an identifier for a caller.
    ///
    /// # Errors
    /// AWS's ValidationException or ResourceNotFoundException.
    pub fn resolve(&self, identifier: &str, account: &str, region: &str) -> Result<Resolved, Refusal> {
        match model_ref(identifier) {
            ModelRef::Id(id) => system(id, region),
            ModelRef::ApplicationProfile(id) => {
                let found = self.profiles.iter().find(|p| p.id == id && p.account == account && p.region == region);
                let found = found.ok_or_else(not_found)?;
                let mut resolved = system(&found.model, region)?;
                resolved.application_profile = Some(found.arn());
                Ok(resolved)
            }
            ModelRef::Provisioned(id) => {
                let found = self.provisioned.iter().find(|p| p.id == id && p.account == account && p.region == region);
                let found = found.ok_or_else(not_found)?;
                let model = Models::shipped().get(&found.model).ok_or_else(invalid)?;
                let tokens_per_minute = u64::from(found.units) * found.tokens_per_minute;
                let provisioned = Some(Provisioned { arn: found.arn(), tokens_per_minute });
                Ok(Resolved { model, profile: Profile::InRegion, application_profile: None, provisioned })
            }
            ModelRef::Prompt(_) | ModelRef::Other(_) => Err(not_found()),
        }
    }
}

/// A base model or a system-defined profile.
fn system(id: &str, region: &str) -> Result<Resolved, Refusal> {
    let ProfiledModel { model, profile } = ProfiledModel::parse_id(id);
    let model = Models::shipped().get(model.as_str()).ok_or_else(invalid)?;
    let known = match &profile {
        Profile::InRegion => true,
        Profile::Global => model.profiles.contains(&profile),
        Profile::Geo(prefix) => model.profiles.contains(&profile) && geography(region).contains(&&**prefix),
    };
    if !known {
        return Err(invalid());
    }
    Ok(Resolved { model, profile, application_profile: None, provisioned: None })
}

/// The prefixes of geographic profiles that can be called from a region.
// AWS, "Supported Regions and models for inference profiles", read 2026-11-23; the list is open.
pub fn geography(region: &str) -> &'static [&'static str] {
    match region.split_once('-').map_or(region, |(area, _)| area) {
        "us" if region.starts_with("us-gov") => &["us-gov"],
        "us" => &["us"],
        "ca" => &["us", "ca"],
        "eu" => &["eu"],
        "ap" if region == "ap-northeast-1" || region == "ap-northeast-3" => &["apac", "jp"],
        "ap" if region == "ap-southeast-2" || region == "ap-southeast-4" => &["apac", "au"],
        "ap" if region.starts_with("ap-south-") => &["apac", "in"],
        "ap" => &["apac"],
        "sa" => &["sa"],
        _ => &[],
    }
}

/// Where a profile that is called from a region may compute, the region first; the global one names no region.
// AWS, "Supported Regions and models for inference profiles", read 2026-11-23. The lists differ by model there.
pub fn destinations<'a>(profile: &Profile, region: &'a str) -> Vec<&'a str> {
    let others: &[&str] = match profile {
        Profile::InRegion => &[],
        Profile::Global => &[""],
        Profile::Geo(prefix) => match &**prefix {
            "us" => &["us-east-1", "us-east-2", "us-west-2"],
            "us-gov" => &["us-gov-east-1", "us-gov-west-1"],
            "ca" => &["ca-central-1", "ca-west-1"],
            "eu" => &["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"],
            "apac" => &["ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2"],
            "jp" => &["ap-northeast-1", "ap-northeast-3"],
            "au" => &["ap-southeast-2", "ap-southeast-4"],
            "in" => &["ap-south-1", "ap-south-2"],
            _ => &[],
        },
    };
    [region].into_iter().chain(others.iter().copied().filter(|other| *other != region)).collect()
}

impl Resolved {
    /// Refuses what cannot be called on demand as it was named.
    ///
    /// # Errors
    /// AWS's ValidationException.
    pub fn on_demand(self, identifier: &str) -> Result<Self, Refusal> {
        if self.profile == Profile::InRegion && !self.model.in_region && self.provisioned.is_none() {
            return Err(Refusal::validation(format!(
                "Invocation of model ID {identifier} with on-demand throughput isn\u{2019}t supported. Retry your request with \
                 the ID or ARN of an inference profile that contains this model."
            )));
        }
        Ok(self)
    }

    /// Refuses what does not run in batch as it was named.
    ///
    /// # Errors
    /// ValidationException; its text is not documented.
    pub fn in_batch(self, identifier: &str, region: &str) -> Result<Self, Refusal> {
        let model = self.model;
        let here = || model.batch_regions.is_empty() || model.batch_regions.contains(&Region::new(region));
        let supported = match self.profile {
            Profile::InRegion => model.batch_in_region && here(),
            Profile::Geo(_) | Profile::Global => model.batch_profiles,
        };
        if !supported || self.provisioned.is_some() {
            return Err(Refusal::validation(format!("Batch inference is not supported for the model: {identifier}")));
        }
        Ok(self)
    }
}

fn invalid() -> Refusal {
    Refusal::validation("The provided model identifier is invalid.")
}

fn not_found() -> Refusal {
    Refusal::new(Kind::ResourceNotFound, "Could not resolve the foundation model from the provided model identifier.")
}

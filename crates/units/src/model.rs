//! Model ids and the profile they were called through.

use std::fmt;
use std::sync::Arc;

crate::ids::text_id!(
    /// A base model id such as `anthropic.claude-sonnet-4-6`, without a profile prefix.
    ModelId
);

/// Where a call may be computed: the price list has a price for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// In the region that was called.
    InRegion,
    /// A geographic cross-region inference profile; the text is AWS's prefix (`us`, `eu`, `apac`, `jp`, `au`, …).
    Geo(Arc<str>),
    /// The global cross-region inference profile.
    Global,
}

impl Profile {
    /// The prefixes of geographic profiles seen in AWS's documents.
    // AWS Bedrock user guide, "Supported Regions and models for inference profiles", read 2026-11-23; the list is open.
    const GEO_PREFIXES: [&'static str; 9] = ["us", "eu", "apac", "jp", "au", "ca", "in", "us-gov", "sa"];

    /// The name used in files and on screen: `in-region`, the geographic prefix, or `global`.
    pub fn name(&self) -> &str {
        match self {
            Self::InRegion => "in-region",
            Self::Geo(prefix) => prefix,
            Self::Global => "global",
        }
    }

    /// Reads [`Profile::name`].
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "in-region" => Some(Self::InRegion),
            "global" => Some(Self::Global),
            geo if Self::GEO_PREFIXES.contains(&geo) => Some(Self::Geo(geo.into())),
            _ => None,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A base model and the profile through which it was called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfiledModel {
    /// The base model.
    pub model: ModelId,
    /// The profile.
    pub profile: Profile,
}

impl ProfiledModel {
    /// Splits an id or an ARN as callers write it: `global.anthropic.claude-sonnet-4-6` is the base model through the global profile.
    pub fn parse_id(id: &str) -> Self {
        // An ARN of AWS's own models and profiles ends in their id. What an application inference profile stands for is not in its ARN.
        let named = id.strip_prefix("arn:").and_then(|arn| arn.rsplit_once('/'));
        let id = match named {
            Some((kind, id)) if kind.ends_with(":foundation-model") || kind.ends_with(":inference-profile") => id,
            _ => id,
        };
        if let Some((prefix, rest)) = id.split_once('.')
            && rest.contains('.')
            && let Some(profile @ (Profile::Geo(_) | Profile::Global)) = Profile::parse(prefix)
        {
            return Self { model: ModelId::new(rest), profile };
        }
        Self { model: ModelId::new(id), profile: Profile::InRegion }
    }
}

/// The id as callers write it.
impl fmt::Display for ProfiledModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.profile {
            Profile::InRegion => self.model.fmt(f),
            profile => f.pad(&format!("{profile}.{}", self.model)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_prefix_is_split_off_and_put_back() {
        for id in [
            "global.anthropic.claude-sonnet-4-6",
            "us.amazon.nova-pro-v1:0",
            "amazon.titan-embed-text-v2:0",
            "us-gov.anthropic.claude-3-haiku",
        ] {
            assert_eq!(ProfiledModel::parse_id(id).to_string(), id);
        }
        let arn = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-pro-v1:0";
        assert_eq!(ProfiledModel::parse_id(arn).to_string(), "us.amazon.nova-pro-v1:0");
        let arn = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0";
        assert_eq!(ProfiledModel::parse_id(arn).to_string(), "amazon.nova-pro-v1:0");
        assert_eq!(ProfiledModel::parse_id("deepseek.v3.2").profile, Profile::InRegion);
        assert_eq!(ProfiledModel::parse_id("global.anthropic.claude-sonnet-4-6").model.as_str(), "anthropic.claude-sonnet-4-6");
    }
}

//! The table of models as it stands in its file.

use laneshift_units::{Profile, Region, ServiceTier};
use serde::Deserialize;

use super::{Family, Modality, Model, ModelsError, Seller};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) version: u64,
    pub(super) dated: String,
    pub(super) model: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    id: String,
    named: Named,
    family: Family,
    tokens: Limits,
    #[serde(default)]
    on_demand: OnDemand,
    #[serde(default)]
    batch: Batch,
    cache: Option<Cache>,
    #[serde(default)]
    modalities: Modalities,
    bill: Seller,
    verified: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    provider: String,
    quota: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    context: u64,
    output_max: u64,
    output_default: Option<u64>,
    output_burndown: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OnDemand {
    in_region: bool,
    profiles: Vec<String>,
    tiers: Vec<String>,
    streaming: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Batch {
    in_region: bool,
    only_in: Vec<String>,
    profiles: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cache {
    min_tokens: u64,
    #[serde(default)]
    ttl_1h: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Modalities {
    input: Option<Vec<Modality>>,
    output: Option<Vec<Modality>>,
}

impl TryFrom<Row> for Model {
    type Error = ModelsError;

    fn try_from(row: Row) -> Result<Self, ModelsError> {
        let wrong = |value: &str, what| ModelsError::Value { model: row.id.clone(), value: value.to_owned(), what };
        let profile = |name: &String| Profile::parse(name).ok_or_else(|| wrong(name, "profile"));
        let tier = |name: &String| ServiceTier::parse(name).ok_or_else(|| wrong(name, "tier"));
        let profiles = row.on_demand.profiles.iter().map(profile).collect::<Result<_, _>>()?;
        let mut tiers = vec![ServiceTier::Default];
        for name in &row.on_demand.tiers {
            tiers.push(tier(name)?);
        }
        Ok(Self {
            quota_name: row.named.quota.unwrap_or_else(|| format!("{} {}", row.named.provider, row.named.name)),
            name: row.named.name,
            provider: row.named.provider,
            family: row.family,
            in_region: row.on_demand.in_region,
            profiles,
            tiers,
            batch_in_region: row.batch.in_region,
            batch_regions: row.batch.only_in.iter().map(|name| Region::new(name)).collect(),
            batch_profiles: row.batch.profiles,
            cache_min_tokens: row.cache.as_ref().map(|cache| cache.min_tokens),
            cache_ttl_1h: row.cache.is_some_and(|cache| cache.ttl_1h),
            output_burndown: row.tokens.output_burndown.unwrap_or(1),
            context_tokens: row.tokens.context,
            max_output_tokens: row.tokens.output_max,
            default_max_tokens: row.tokens.output_default.unwrap_or(row.tokens.output_max),
            streaming: row.on_demand.streaming.unwrap_or(true),
            input: row.modalities.input.unwrap_or_else(|| vec![Modality::Text]),
            output: row.modalities.output.unwrap_or_else(|| vec![Modality::Text]),
            seller: row.bill,
            verified: row.verified.unwrap_or(true),
            id: row.id,
        })
    }
}

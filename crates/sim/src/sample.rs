//! What a sample changes: of the limits by number, a sample of one request in fifty gets a fiftieth, so that a job of two records is
//! as good as one of a hundred.

use laneshift_example::{CalledAs, Company, Workload};
use laneshift_provider::models::Models;
use laneshift_provider::quotas;
use laneshift_provider::settings::{ApplicationProfile, Settings};

/// Quotas that count records, tokens or requests, by how their names begin.
const COUNTED: [&str; 2] = ["Minimum number of records", "Records per"];
const A_MINUTE: &str = "per minute";
/// What admission counts for a large call: a sample's quota has room for one.
const TOKENS_A_MINUTE_MIN: f64 = 200_000.0;
/// So many records go into any job and any file: what was put together while no quota could be read fits too.
const RECORDS_MAX_MIN: f64 = 1_000.0;

/// The settings of an emulator for a company's sample.
pub fn settings_for(company: &Company) -> Settings {
    let mut settings = Settings { seed: company.seed, ..Settings::default() };
    let factor = company.sampling_factor.max(1) as f64;
    for quota in quotas::all(Models::shipped().iter(), &settings) {
        if COUNTED.iter().any(|begin| quota.name.starts_with(begin)) || quota.name.contains(A_MINUTE) {
            let least = match &quota.name {
                name if name.contains("tokens") => TOKENS_A_MINUTE_MIN,
                name if name.starts_with("Records per") => RECORDS_MAX_MIN,
                _ => 1.0,
            };
            settings.quotas.insert(quota.name, (quota.value / factor).ceil().max(least.min(quota.value)));
        }
    }
    settings.turnaround.records_per_minute /= factor;
    settings.cache_ttl_factor = factor;
    settings.application_profiles = company.workloads.iter().filter_map(profile_of).collect();
    settings
}

fn profile_of(workload: &Workload) -> Option<ApplicationProfile> {
    let CalledAs::Application(id) = &workload.called_as else { return None };
    Some(ApplicationProfile {
        account: workload.account.as_str().to_owned(),
        region: workload.region.as_str().to_owned(),
        id: id.clone(),
        name: workload.name.clone(),
        model: workload.model.to_string(),
        description: String::new(),
        created_ms: 0,
    })
}

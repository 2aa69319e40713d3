//! What a sample changes: of the limits by number, a sample of one request in fifty gets a fiftieth, so that a job of two records is
//! as good as one of a hundred.

use laneshift_example::{CalledAs, Company, Workload};
use laneshift_provider::models::Models;
use laneshift_provider::quotas;
use laneshift_provider::settings::{ApplicationProfile, Settings};

/// Quotas that count records, tokens or requests, by how their names begin.
const COUNTED: [&str; 2] = ["Minimum number of records", "Records per"];
const A_MINUTE: &str = "per minute";

/// The settings of an emulator for a company's sample.
pub fn settings_for(company: &Company) -> Settings {
    let mut settings = Settings::default();
    let factor = company.sampling_factor.max(1) as f64;
    for quota in quotas::all(Models::shipped().iter(), &settings) {
        if COUNTED.iter().any(|begin| quota.name.starts_with(begin)) || quota.name.contains(A_MINUTE) {
            settings.quotas.insert(quota.name, (quota.value / factor).ceil());
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

//! The quotas that jobs are composed under: read from Service Quotas by exact name, dated defaults otherwise.

use laneshift_catalog::capabilities::Capabilities;
use laneshift_units::Profile;

/// Limits of one model's jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records of a job, at least.
    pub records_min: u64,
    /// Records of a job, at most.
    pub records_max: u64,
    /// Records of a file, at most.
    pub file_records_max: u64,
    /// Bytes of a file, at most.
    pub file_bytes_max: u64,
    /// Bytes of a job, at most.
    pub job_bytes_max: u64,
    /// Jobs that may be open.
    pub open_max: u64,
    /// On demand: quota tokens a minute, where Service Quotas says.
    pub tokens_per_minute: Option<u64>,
    /// On demand: calls a minute.
    pub requests_per_minute: Option<u64>,
}

impl Limits {
    /// What holds for a model. `is_it` says whether a name inside a quota's name, such as `Claude Haiku 4.5`, is the model's.
    ///
    /// A quota is taken by its whole name: "Records per batch inference job for X" is contained in "Minimum number of
    /// records per batch inference job for X", and whoever looks for a part of a name finds the wrong one.
    pub fn of(is_it: &dyn Fn(&str) -> bool, profile: &Profile, quotas: &[(String, f64)], defaults: &Capabilities) -> Self {
        let find = |begin: &str| {
            let mut named = quotas.iter().filter_map(|(name, v)| Some((name.strip_prefix(begin)?.strip_prefix(" for ")?, *v)));
            named.find(|(model, _)| is_it(model)).map(|(_, value)| value)
        };
        let count = |begin: &str, default: u64| find(begin).map_or(default, |v| v as u64);
        let bytes = |begin: &str, default: u64| find(begin).map_or(default, |gb| (gb * 1e9) as u64);
        let d = defaults;
        // AWS General Reference, "Amazon Bedrock quotas", read 2026-11-23.
        let scope = match profile {
            Profile::InRegion => "On-demand",
            Profile::Geo(_) => "Cross-region",
            Profile::Global => "Global cross-region",
        };
        let open_jobs = "Sum of in-progress and submitted batch inference jobs using a base model";
        Self {
            records_min: count("Minimum number of records per batch inference job", d.batch_records_min()),
            records_max: count("Records per batch inference job", d.batch_records_max()),
            file_records_max: count("Records per input file per batch inference job", d.batch_records_max()),
            file_bytes_max: bytes("Batch inference input file size (in GB)", d.batch_file_max().0),
            job_bytes_max: bytes("Batch inference job size (in GB)", d.batch_job_max().0),
            open_max: count(open_jobs, d.batch_jobs_open_max()),
            tokens_per_minute: find(&format!("{scope} model inference tokens per minute")).map(|v| v as u64),
            requests_per_minute: find(&format!("{scope} model inference requests per minute")).map(|v| v as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_found_by_its_whole_name_and_not_by_a_part_of_it() {
        let quotas: Vec<(String, f64)> = [
            ("Minimum number of records per batch inference job for X", 7.0),
            ("Records per batch inference job for X Large", 11.0),
            ("Records per batch inference job for X", 13.0),
            ("Batch inference job size (in GB) for X", 2.0),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let defaults = Capabilities::shipped().expect("shipped");
        let limits = Limits::of(&|name| name == "X", &Profile::InRegion, &quotas, &defaults);
        assert_eq!((limits.records_min, limits.records_max, limits.job_bytes_max), (7, 13, 2_000_000_000));
        assert_eq!(limits.open_max, defaults.batch_jobs_open_max());
    }
}

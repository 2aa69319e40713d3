//! The quotas that jobs are composed under: read from Service Quotas by exact name, dated defaults otherwise.

use laneshift_catalog::capabilities::Capabilities;

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
}

impl Limits {
    /// What holds for a model whose quotas carry this name, such as `Claude Haiku 4.5`.
    ///
    /// A quota is taken by its whole name: "Records per batch inference job for X" is contained in "Minimum number of
    /// records per batch inference job for X", and whoever looks for a part of a name finds the wrong one.
    pub fn of(name: &str, quotas: &[(String, f64)], defaults: &Capabilities) -> Self {
        let find = |text: String| quotas.iter().find(|(n, _)| *n == text).map(|(_, v)| *v);
        let count = |text: String, default: u64| find(text).map_or(default, |v| v as u64);
        let bytes = |text: String, default: u64| find(text).map_or(default, |gb| (gb * 1e9) as u64);
        Self {
            records_min: count(
                format!("Minimum number of records per batch inference job for {name}"),
                defaults.batch_records_min(),
            ),
            records_max: count(format!("Records per batch inference job for {name}"), defaults.batch_records_max()),
            file_records_max: count(
                format!("Records per input file per batch inference job for {name}"),
                defaults.batch_records_max(),
            ),
            file_bytes_max: bytes(format!("Batch inference input file size (in GB) for {name}"), defaults.batch_file_max().0),
            job_bytes_max: bytes(format!("Batch inference job size (in GB) for {name}"), defaults.batch_job_max().0),
            open_max: count(
                format!("Sum of in-progress and submitted batch inference jobs using a base model for {name}"),
                defaults.batch_jobs_open_max(),
            ),
        }
    }
}

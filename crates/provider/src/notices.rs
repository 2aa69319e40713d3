//! State changes of jobs as EventBridge announces them.
// Amazon Bedrock User Guide, "Monitor event changes with Amazon EventBridge", read 2026-11-23. Its times are no ISO times.

use laneshift_units::Timestamp;
use serde_json::{Value, json};

use crate::chance;
use crate::jobs::{self, Job};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// The event for the state that a job is in.
pub fn notice(job: &Job) -> Value {
    let arn = jobs::arn(job);
    json!({
        "version": "0",
        "id": chance::uuid(job.seed, job.status.name()),
        "detail-type": "Batch Inference Job State Change",
        "source": "aws.bedrock",
        "account": job.account,
        "time": unix_style(job.since),
        "region": job.region,
        "resources": [arn],
        "detail": {
            "version": "0.0",
            "accountId": job.account,
            "batchJobName": job.request.job_name,
            "batchJobArn": arn,
            "batchModelId": job.request.model_id,
            "status": job.status.name(),
            "failureMessage": job.message.as_deref().unwrap_or_default(),
            "creationTime": american_style(job.submitted),
        },
    })
}

fn parts(at: Timestamp) -> (i64, usize, u8, i64, i64, i64) {
    let (year, month, day) = at.civil_date();
    let second = at.0.div_euclid(1000).rem_euclid(86_400);
    (year, usize::from(month) - 1, day, second / 3600, second / 60 % 60, second % 60)
}

/// `Wed Aug 28 22:58:30 UTC 2024`.
fn unix_style(at: Timestamp) -> String {
    let (year, month, day, h, m, s) = parts(at);
    let weekday = DAYS[at.day_index().rem_euclid(7) as usize];
    format!("{weekday} {} {day:02} {h:02}:{m:02}:{s:02} UTC {year}", MONTHS[month])
}

/// `Aug 28, 2024, 10:47:53 PM`.
fn american_style(at: Timestamp) -> String {
    let (year, month, day, h, m, s) = parts(at);
    let (hour, half) = (if h % 12 == 0 { 12 } else { h % 12 }, if h < 12 { "AM" } else { "PM" });
    format!("{} {day}, {year}, {hour}:{m:02}:{s:02} {half}", MONTHS[month])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_look_as_in_the_documented_sample() {
        let at = |text: &str| Timestamp::parse(text).expect("a moment");
        assert_eq!(unix_style(at("2024-08-28T22:58:30Z")), "Wed Aug 28 22:58:30 UTC 2024");
        assert_eq!(american_style(at("2024-08-28T22:47:53Z")), "Aug 28, 2024, 10:47:53 PM");
    }
}

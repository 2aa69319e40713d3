//! Where logs lie in a bucket.

use laneshift_units::{AccountId, Region, Timestamp};

/// The key of an object with log lines, gzip of one JSON record a line. `suffix` tells objects of one moment apart.
/// An empty prefix is none.
pub fn key(prefix: &str, account: &AccountId, region: &Region, at: Timestamp, suffix: &str) -> String {
    let compact = at.to_string().replace(['-', ':', 'Z'], "");
    let millis = at.0.rem_euclid(1000);
    format!("{}/{compact}{millis:03}Z_{suffix}.json.gz", folder(prefix, account, region, at))
}

/// The key of a body that is stored beside the log; `side` is `input` or `output`.
pub fn body_key(prefix: &str, account: &AccountId, region: &Region, at: Timestamp, request_id: &str, side: &str) -> String {
    format!("{}/data/{request_id}_{side}.json.gz", folder(prefix, account, region, at))
}

fn folder(prefix: &str, account: &AccountId, region: &Region, at: Timestamp) -> String {
    let prefix = prefix.trim_end_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    let (year, month, day) = at.civil_date();
    let hour = at.hour_index().rem_euclid(24);
    format!("{prefix}{slash}AWSLogs/{account}/BedrockModelInvocationLogs/{region}/{year:04}/{month:02}/{day:02}/{hour:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_lie_in_the_folder_of_their_hour() {
        let (account, region) = (AccountId::new("123456789012"), Region::new("us-east-1"));
        let at = Timestamp::parse("2026-11-03T05:46:44.070Z").expect("a moment");
        assert_eq!(
            key("logs/", &account, &region, at, "a1b2"),
            "logs/AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2026/11/03/05/20261103T054644070Z_a1b2.json.gz"
        );
        assert_eq!(
            body_key("", &account, &region, at, "6c1f", "input"),
            "AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2026/11/03/05/data/6c1f_input.json.gz"
        );
    }
}

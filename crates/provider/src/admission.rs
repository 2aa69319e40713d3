//! Admission of on-demand calls: buckets of tokens and of requests, a minute deep.
//!
//! A call takes its input plus `max_tokens`; when it ends it keeps input, cache writes and output times the model's
//! burn-down, and the rest goes back. Cache reads are free of quota.
// AWS, "Token burndown rates for quotas", read 2026-11-23.

use std::collections::HashMap;

use laneshift_units::{QuotaTokens, Timestamp, Usage};

use crate::refusal::{Kind, Refusal};

const MINUTE_MS: i128 = 60_000;

/// What a bucket belongs to: account, region, model, and the quota's own scope (in-region, cross-region, global).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Whose quota.
    pub account: String,
    /// In which region.
    pub region: String,
    /// The base model, or the ARN of a provisioned one.
    pub model: String,
    /// The first words of the quota's name.
    pub kind: &'static str,
}

/// Limits a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerMinute {
    /// Tokens.
    pub tokens: u64,
    /// Requests.
    pub requests: u64,
}

/// Levels in tokens times [`MINUTE_MS`], so that a millisecond's refill is whole.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: i128,
    requests: i128,
    at: Timestamp,
}

/// All buckets. They begin full and are not kept over a restart.
#[derive(Debug, Default)]
pub struct Admission {
    buckets: HashMap<Scope, Bucket>,
}

impl Admission {
    /// Takes a request and its reserve, or says that there is no room.
    ///
    /// # Errors
    /// ThrottlingException with AWS's text for the limit that was hit.
    pub fn admit(&mut self, scope: &Scope, limit: PerMinute, reserve: QuotaTokens, now: Timestamp) -> Result<(), Refusal> {
        let (full, full_requests) = (i128::from(limit.tokens) * MINUTE_MS, i128::from(limit.requests) * MINUTE_MS);
        let bucket = self.buckets.entry(scope.clone()).or_insert(Bucket { tokens: full, requests: full_requests, at: now });
        let passed = i128::from((now.0 - bucket.at.0).max(0));
        bucket.tokens = (bucket.tokens + passed * i128::from(limit.tokens)).min(full);
        bucket.requests = (bucket.requests + passed * i128::from(limit.requests)).min(full_requests);
        bucket.at = now.max(bucket.at);
        let cost = i128::from(reserve.0) * MINUTE_MS;
        if bucket.requests < MINUTE_MS {
            return Err(Refusal::new(Kind::Throttling, "Too many requests, please wait before trying again."));
        }
        if bucket.tokens < cost {
            return Err(Refusal::new(Kind::Throttling, "Too many tokens, please wait before trying again."));
        }
        bucket.tokens -= cost;
        bucket.requests -= MINUTE_MS;
        Ok(())
    }

    /// Exchanges the reserve for what was used.
    pub fn settle(&mut self, scope: &Scope, reserve: QuotaTokens, used: QuotaTokens) {
        if let Some(bucket) = self.buckets.get_mut(scope) {
            bucket.tokens += (i128::from(reserve.0) - i128::from(used.0)) * MINUTE_MS;
        }
    }
}

/// What a finished call has used of its quota.
pub fn used(usage: &Usage, output_burndown: u64) -> QuotaTokens {
    let writes = usage.cache_write_5m.0 + usage.cache_write_1h.0;
    QuotaTokens(usage.input.0 + writes + usage.output.0 * output_burndown)
}

#[cfg(test)]
mod tests {
    use laneshift_units::Tokens;

    use super::*;

    fn scope() -> Scope {
        Scope { account: "1".into(), region: "r".into(), model: "m".into(), kind: "On-demand" }
    }

    #[test]
    fn max_tokens_are_reserved_and_what_was_not_used_comes_back() {
        let mut admission = Admission::default();
        let limit = PerMinute { tokens: 10_000, requests: 100 };
        let reserve = QuotaTokens(6_000);
        assert_eq!(admission.admit(&scope(), limit, reserve, Timestamp(0)), Ok(()));
        let refused = admission.admit(&scope(), limit, reserve, Timestamp(0)).expect_err("over the limit");
        assert_eq!(refused.kind, Kind::Throttling);
        let usage = Usage { input: Tokens(1_000), output: Tokens(200), cache_read: Tokens(9_999), ..Usage::default() };
        admission.settle(&scope(), reserve, used(&usage, 5));
        assert_eq!(admission.admit(&scope(), limit, QuotaTokens(8_000), Timestamp(0)), Ok(()), "1,000 + 5 x 200 are used");
        assert!(admission.admit(&scope(), limit, QuotaTokens(1), Timestamp(0)).is_err());
        assert_eq!(admission.admit(&scope(), limit, QuotaTokens(5_000), Timestamp(30_000)), Ok(()), "half a minute refills half");
    }

    #[test]
    fn requests_are_counted_too() {
        let mut admission = Admission::default();
        let limit = PerMinute { tokens: 1_000_000, requests: 2 };
        let results: Vec<bool> = (0..3).map(|_| admission.admit(&scope(), limit, QuotaTokens(1), Timestamp(0)).is_ok()).collect();
        assert_eq!(results, [true, true, false]);
    }
}

//! Which lane takes a call: how long it may wait, what is on offer, and the decision that the audit makes too.
//!
//! Here a call stays in the region and the profile that its client named; what is chosen is the service tier. A client that names a
//! tier itself has chosen.

use std::num::NonZeroU64;
use std::time::Duration;

use http::HeaderMap;
use laneshift_bedrock::Operation;
use laneshift_catalog::policy::{MatchBy, Policy, PolicyRule};
use laneshift_catalog::prices::Tariff;
use laneshift_catalog::signals::Signals;
use laneshift_core::lanes::LANES;
use laneshift_core::route::{Class, Decision, Demand, Features, LaneId, Place, Refusal, Target, Wait, route};
use laneshift_units::{
    Bytes, Deadline, PriceMode, ProfiledModel, QuotaTokens, Region, ServiceTier, Timestamp, TokenClass, Tokens, Usage,
};
use serde_json::{Map, Value, json};

use crate::keys::Key;
use crate::refusal;

/// The header in which a client says how long a call may wait.
pub(crate) const DEADLINE_HEADER: &str = "laneshift-deadline";
/// Bytes of text a token, where nothing better is known.
const BYTES_PER_TOKEN: u64 = 4;
/// Output tokens of a call whose workload is not known.
const OUTPUT_TOKENS: u64 = 300;
const HOUR_MS: i64 = 3_600_000;

/// How long answers take by tier, as this deployment dares to promise it.
// AWS publishes no latency of flex, read 2026-11-23: these are settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Waits {
    /// Seconds in the standard tier.
    pub standard_s: u64,
    /// Seconds in the flex tier, with the time to fall back to the standard one.
    pub flex_s: u64,
}

impl Default for Waits {
    fn default() -> Self {
        Self { standard_s: 5, flex_s: 240 }
    }
}

/// What the gateway decides by.
pub(crate) struct Rules {
    pub(crate) policy: Option<Policy>,
    pub(crate) signals: Signals,
    pub(crate) waits: Waits,
}

/// A call, as far as its lane depends on it.
pub(crate) struct Ask<'a> {
    pub(crate) model: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) operation: Operation,
    pub(crate) key: &'a Key,
    pub(crate) metadata: &'a Map<String, Value>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body_bytes: usize,
    /// The tier that the client named.
    pub(crate) tier: Option<ServiceTier>,
}

/// What was decided, and why.
pub(crate) struct Choice {
    pub(crate) tier: ServiceTier,
    pub(crate) deadline: Deadline,
    /// When the answer is due; `None` when nobody said that it may wait.
    pub(crate) due: Option<Timestamp>,
    /// What says so: `tier`, `header`, `metadata`, `policy`, or `silence`.
    by: &'static str,
    refusals: Vec<(LaneId, Refusal)>,
}

impl Choice {
    /// For whoever asked why.
    pub(crate) fn value(&self) -> Value {
        let refusals: Map<String, Value> =
            self.refusals.iter().map(|(lane, refusal)| (lane.name().to_owned(), Value::from(told(refusal)))).collect();
        json!({ "tier": self.tier.name(), "deadline": self.deadline.name(), "by": self.by, "refused": refusals })
    }
}

fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoPrice(class) => format!("no price is known for {} tokens", class_name(*class)),
        Refusal::Unsupported(features) => format!("it does not support {}", features.names().join(", ")),
        Refusal::TooLate { by_ms } => format!("{} s too late", (by_ms + 999) / 1_000),
        Refusal::NoHeadroom => "its quota is short".to_owned(),
        Refusal::TooLarge => "the body is too large".to_owned(),
    }
}

const fn class_name(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "input",
        TokenClass::Output => "output",
        TokenClass::CacheRead => "cache read",
        TokenClass::CacheWrite5m | TokenClass::CacheWrite1h => "cache write",
    }
}

impl Rules {
    /// Decides.
    pub(crate) fn choose(&self, ask: &Ask<'_>, tariff: &Tariff, now: Timestamp) -> Result<Choice, refusal::Refusal> {
        let rule = self.policy.as_ref().and_then(|policy| policy.rules.iter().find(|rule| self.fits(rule, ask, now)));
        let (due, by) = self.due(ask, rule, now)?;
        let deadline = due.map_or(Deadline::Seconds, |due| bucket(due, now));
        if let Some(tier) = ask.tier {
            return Ok(Choice { tier, deadline, due, by: "tier", refusals: Vec::new() });
        }
        let stays = |refusals| Choice { tier: ServiceTier::Default, deadline, due, by, refusals };
        let input = Tokens(ask.body_bytes as u64 / BYTES_PER_TOKEN);
        let output = Tokens(rule.map_or(OUTPUT_TOKENS, |rule| rule.output_p50));
        let model = ProfiledModel::parse_id(ask.model);
        let context = tariff.tier(input);
        let class = Class { model: model.model, context, needs: Features::NONE, deadline };
        let demand = Demand {
            class: &class,
            n: NonZeroU64::MIN,
            expected: Usage { input, output, ..Usage::default() },
            reserve: QuotaTokens(input.0 + output.0),
            largest: Bytes(ask.body_bytes as u64),
        };
        let place = Place { region: Region::new(ask.region), profile: model.profile };
        let target = |lane, mode, wait_s: u64| Target {
            lane,
            place: place.clone(),
            rates: *tariff.rates(mode, input),
            supports: Features(u16::MAX),
            headroom: None,
            wait: Wait { promise_ms: i64::try_from(wait_s.saturating_mul(1_000)).unwrap_or(i64::MAX) },
            body_max: Bytes(u64::MAX),
        };
        let market = [
            target(LaneId::Standard, PriceMode::OnDemand, self.waits.standard_s),
            target(LaneId::Flex, PriceMode::Flex, self.waits.flex_s),
        ];
        let Decision { parts, refusals, .. } = route(LANES, &demand, &market, now);
        let refusals = refusals.into_iter().map(|(ix, refusal)| (market[ix.0].lane, refusal)).collect();
        Ok(match parts.first() {
            Some((ix, _)) if market[ix.0].lane == LaneId::Flex => Choice { tier: ServiceTier::Flex, ..stays(refusals) },
            // Where no price is known, or nothing is in time, a call goes where it would go without this gateway.
            Some(_) | None => stays(refusals),
        })
    }

    /// What a call is for: as its metadata says, or else its key.
    pub(crate) fn workload<'a>(&self, metadata: &'a Map<String, Value>, key: &'a Key) -> Option<&'a str> {
        let stated = self.signals.metadata_keys.iter().find_map(|name| metadata.get(name)?.as_str());
        stated.or(key.workload.as_deref())
    }

    /// When a call is due: by its header, its metadata, its workload's policy; silence means now.
    fn due(
        &self,
        ask: &Ask<'_>,
        rule: Option<&PolicyRule>,
        now: Timestamp,
    ) -> Result<(Option<Timestamp>, &'static str), refusal::Refusal> {
        let wrong = |place: &str| {
            refusal::Refusal::validation(format!("{place}: write now, 30s, 5m, 6h or 2d, or a moment as 2026-12-24T06:00:00Z"))
        };
        if let Some(header) = ask.headers.get(DEADLINE_HEADER) {
            let read = header.to_str().ok().and_then(|text| read(text, now));
            return Ok((Some(read.ok_or_else(|| wrong(DEADLINE_HEADER))?), "header"));
        }
        let stated = self.signals.deadline_keys.iter().find_map(|key| ask.metadata.get(key)?.as_str().map(|text| (key, text)));
        if let Some((key, text)) = stated {
            match read(text, now) {
                Some(due) => return Ok((Some(due), "metadata")),
                // Other names may mean other things to whoever uses them.
                None if key.starts_with("laneshift") => return Err(wrong(key)),
                None => {}
            }
        }
        let by_rule = |rule: &PolicyRule| (Some(Timestamp(now.0.saturating_add(wait_ms(rule.deadline)))), "policy");
        Ok(rule.map_or((None, "silence"), by_rule))
    }

    /// Whether a rule is about a call: all that it names must hold, and only what a gateway sees is named.
    fn fits(&self, rule: &PolicyRule, ask: &Ask<'_>, now: Timestamp) -> bool {
        let matches = &rule.matches;
        let named = match &matches.by {
            MatchBy::Metadata(value) => self.workload(ask.metadata, ask.key) == Some(value),
            MatchBy::ApplicationProfile(id) => ask.model.rsplit('/').next() == Some(id) && ask.model.starts_with("arn:"),
            MatchBy::Role(role) => ask.key.owner == *role,
            // Evidence with pseudonyms says nothing that is seen here.
            MatchBy::Principal(_) => false,
        };
        let hour = u8::try_from(now.0.rem_euclid(24 * HOUR_MS) / HOUR_MS).unwrap_or(0);
        let model = ProfiledModel::parse_id(ask.model).model;
        named
            && matches.account.as_deref().is_none_or(|account| ask.account.is_empty() || account == ask.account)
            && (matches.models.contains(&model) || matches!(matches.by, MatchBy::ApplicationProfile(_)))
            && matches.streamed.is_none_or(|streamed| streamed == ask.operation.streams())
            && (matches.hours_utc.is_empty() || matches.hours_utc.contains(&hour))
    }
}

/// When a call is due that says `6h`, `1h30m`, `now`, `batch`, or a moment.
fn read(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(at) = Timestamp::parse(text) {
        return Some(at);
    }
    let after = |ms: i64| Timestamp(now.0.saturating_add(ms));
    if let Ok(span) = text.parse::<jiff::Span>() {
        let ms = span.total((jiff::Unit::Millisecond, jiff::SpanRelativeTo::days_are_24_hours())).ok()?;
        return (ms >= 0.0).then(|| after(ms as i64));
    }
    // Words, as people write them into metadata.
    Deadline::parse(text).ok().map(|deadline| after(wait_ms(deadline)))
}

fn wait_ms(deadline: Deadline) -> i64 {
    i64::try_from(deadline.wait().as_millis()).unwrap_or(i64::MAX)
}

/// The bucket that a moment falls into.
fn bucket(due: Timestamp, now: Timestamp) -> Deadline {
    Deadline::from_wait(Duration::from_millis(u64::try_from(due.0 - now.0).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_lengths_and_moments() {
        let now = Timestamp::parse("2026-11-25T00:00:00Z").expect("a time");
        let due = |text| read(text, now).map(|due| (bucket(due, now), (due.0 - now.0) / 1_000));
        assert_eq!(due("6h"), Some((Deadline::Hour, 21_600)));
        assert_eq!(due("1h30m"), Some((Deadline::Hour, 5_400)));
        assert_eq!(due("2d"), Some((Deadline::Day, 172_800)));
        assert_eq!(due("now"), Some((Deadline::Seconds, 10)));
        assert_eq!(due("2026-11-26T00:00:00Z"), Some((Deadline::Day, 86_400)));
        assert_eq!(due("2026-11-24T00:00:00Z"), Some((Deadline::Seconds, -86_400)), "what has passed is due now");
        assert_eq!((due("soonish"), due("-6h")), (None, None));
    }
}

//! Which lane takes a call: how long it may wait, what is on offer, and the decision that the audit makes too.
//!
//! Here a call stays in the region and the profile that its client named; what is chosen is what is paid for already, the service
//! tier, and which account's. A client that names a tier itself has chosen it.

use std::num::NonZeroU64;
use std::time::Duration;

use http::HeaderMap;
use laneshift_bedrock::Operation;
use laneshift_catalog::policy::{MatchBy, Policy, PolicyRule};
use laneshift_catalog::prices::Tariff;
use laneshift_catalog::signals::Signals;
use laneshift_core::lanes::LANES;
use laneshift_core::route::{Class, Decision, Demand, Features, LaneId, Place, Refusal, Target, Wait, route};
use laneshift_dialect::{MOST_OUTPUT, gives_vectors};
use laneshift_units::{
    Bytes, Deadline, PriceMode, ProfiledModel, QuotaTokens, Region, ServiceTier, Timestamp, TokenClass, Tokens, Usage,
};
use serde_json::{Map, Value, json};

use crate::config::Owner;
use crate::keys::Key;
use crate::market::{Market, Spot};
use crate::refusal;
use crate::room::Counts;

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

/// The lane of a tier.
pub(crate) const fn lane_of(tier: ServiceTier) -> LaneId {
    match tier {
        ServiceTier::Default => LaneId::Standard,
        ServiceTier::Flex => LaneId::Flex,
        ServiceTier::Priority => LaneId::Priority,
        ServiceTier::Reserved => LaneId::Reserved,
    }
}

/// The most output of a call that names no limit.
pub(crate) fn output_of(model: &str) -> u64 {
    if gives_vectors(model) { 0 } else { MOST_OUTPUT }
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
    /// Whom AWS knows its owner as.
    pub(crate) owner: Option<&'a Owner>,
    pub(crate) metadata: &'a Map<String, Value>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body_bytes: usize,
    /// The limit that it sets to its output.
    pub(crate) output_max: Option<u64>,
    /// The tier that the client named.
    pub(crate) tier: Option<ServiceTier>,
}

/// How long a call may wait, and who says so.
pub(crate) struct Terms<'a> {
    /// The rule of the policy that is about it.
    rule: Option<&'a PolicyRule>,
    /// When the answer is due; `None` when nobody said that it may wait.
    pub(crate) due: Option<Timestamp>,
    deadline: Deadline,
    /// What says so: `header`, `metadata`, `policy`, or `silence`.
    by: &'static str,
}

/// What was decided, and why.
pub(crate) struct Choice {
    /// Which of the spots.
    pub(crate) ix: usize,
    deadline: Deadline,
    /// When the answer is due.
    due: Option<Timestamp>,
    by: &'static str,
    refusals: Vec<(usize, Refusal)>,
    /// Spots whose quota is short, and what is taken of it.
    short: Vec<(usize, String)>,
}

/// Where a call goes.
pub(crate) enum Chosen {
    Here(Choice),
    /// It can wait, and what is left of the quotas is for calls that cannot; says what is taken of one.
    Later(String),
    /// No spot may take it.
    Nowhere,
}

impl Choice {
    /// For whoever asked why; `tried` refused the call itself.
    pub(crate) fn value(&self, spots: &[Spot], tried: &[usize]) -> Value {
        let name = |ix: usize| {
            let spot = &spots[ix];
            if let Some(committed) = &spot.committed {
                return format!("{} {:?}", spot.lane.name(), committed.name);
            }
            if let Some(served) = &spot.served {
                return format!("{} of {}", spot.lane.name(), served.on);
            }
            if spot.upstream == 0 {
                spot.lane.name().to_owned()
            } else {
                format!("{} of upstream {}", spot.lane.name(), spot.upstream + 1)
            }
        };
        let short = |ix: usize| self.short.iter().find(|(of, _)| *of == ix).map(|(_, why)| why.clone());
        let refusals =
            self.refusals.iter().map(|(ix, refusal)| (name(*ix), Value::from(short(*ix).unwrap_or_else(|| told(refusal)))));
        let refusals: Map<String, Value> =
            tried.iter().map(|ix| (name(*ix), Value::from("it refused this call"))).chain(refusals).collect();
        json!({ "lane": name(self.ix), "deadline": self.deadline.name(), "due": self.due.map(|due| due.to_string()), "by": self.by, "refused": refusals })
    }
}

fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoPrice(class) => format!("no price is known for {} tokens", class_name(*class)),
        Refusal::Unsupported(features) => format!("it does not support {}", features.names().join(", ")),
        Refusal::TooLate { by_ms } => format!("{} s too late", (by_ms + 999) / 1_000),
        Refusal::NoHeadroom => "it has no room".to_owned(),
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
    /// Reads how long a call may wait.
    pub(crate) fn terms(&self, ask: &Ask<'_>, now: Timestamp) -> Result<Terms<'_>, refusal::Refusal> {
        let rule = self.policy.as_ref().and_then(|policy| policy.rules.iter().find(|rule| self.fits(rule, ask, now)));
        let (due, by) = self.due(ask, rule, now)?;
        Ok(Terms { rule, due, deadline: due.map_or(Deadline::Seconds, |due| bucket(due, now)), by })
    }

    /// Chooses among the spots that were not tried.
    pub(crate) fn choose(
        &self,
        (ask, terms): (&Ask<'_>, &Terms<'_>),
        tariff: &Tariff,
        (market, spots, tried): (&Market, &[Spot], &[usize]),
        now: Timestamp,
    ) -> Chosen {
        let waits = self.waits(ask, terms, now);
        let has_room = |spot: &Spot| spot.room.as_ref().is_none_or(|room| room.has_room(self.load(ask, terms, spot), waits, now));
        // What has no known price takes a call only where nothing else serves it.
        let alone = spots.iter().all(Spot::is_unpriced);
        let open = |lane: LaneId| {
            let fits = |(ix, spot): &(usize, &Spot)| spot.lane == lane && !tried.contains(ix) && (alone || !spot.is_unpriced());
            let left = spots.iter().enumerate().filter(fits);
            // Where all have just refused, or none has room, the client hears of it from AWS, and tries again as it does today.
            left.min_by_key(|(_, spot)| (market.is_shut(spot, ask.model, now), !has_room(spot))).map(|(ix, _)| ix)
        };
        if let Some(tier) = ask.tier {
            let choice =
                |ix| Choice { ix, deadline: terms.deadline, due: terms.due, by: "tier", refusals: Vec::new(), short: Vec::new() };
            return open(lane_of(tier)).map_or(Chosen::Nowhere, |ix| Chosen::Here(choice(ix)));
        }
        let input = Tokens(ask.body_bytes as u64 / BYTES_PER_TOKEN);
        let output = self.output(terms);
        let model = ProfiledModel::parse_id(ask.model);
        let context = tariff.tier(input);
        let class = Class { model: model.model, context, needs: Features::NONE, deadline: terms.deadline };
        let demand = Demand {
            class: &class,
            n: NonZeroU64::MIN,
            expected: Usage { input, output, ..Usage::default() },
            reserve: QuotaTokens(1),
            largest: Bytes(ask.body_bytes as u64),
        };
        let place = Place { region: Region::new(ask.region), profile: model.profile };
        let allowed = |spot: &Spot| {
            let rule = terms.rule.filter(|_| terms.by == "policy");
            spot.committed.is_some() || spot.lane == LaneId::Standard || rule.is_none_or(|rule| rule.lanes.contains(&spot.lane))
        };
        let rows: Vec<usize> = (0..spots.len()).filter(|ix| !tried.contains(ix) && allowed(&spots[*ix])).collect();
        let mut short = Vec::new();
        let targets: Vec<Target> = rows
            .iter()
            .map(|ix| {
                let spot = &spots[*ix];
                let (tariff, standard_s) = match &spot.served {
                    Some(served) => (&*served.tariff, served.wait_s.unwrap_or(self.waits.standard_s)),
                    None => (tariff, self.waits.standard_s),
                };
                let (mode, wait_s) = match spot.lane {
                    LaneId::Flex => (PriceMode::Flex, self.waits.flex_s),
                    LaneId::Priority => (PriceMode::Priority, standard_s),
                    LaneId::Provisioned | LaneId::Reserved | LaneId::Standard | LaneId::Batch => {
                        (PriceMode::OnDemand, standard_s)
                    }
                };
                let (shut, room) = (market.is_shut(spot, ask.model, now), has_room(spot));
                if let Some(quota) = spot.room.as_ref().filter(|_| !room && spot.committed.is_none()) {
                    short.push((*ix, format!("its quota is short: {}", quota.told(waits, now))));
                }
                // Room is a yes or a no here: its two counts do not add up to one number.
                let headroom = Some(QuotaTokens(u64::from(room && !shut)));
                Target {
                    lane: spot.lane,
                    place: place.clone(),
                    rates: *tariff.rates(mode, input),
                    supports: Features(u16::MAX),
                    headroom,
                    wait: Wait { promise_ms: i64::try_from(wait_s.saturating_mul(1_000)).unwrap_or(i64::MAX) },
                    body_max: Bytes(u64::MAX),
                }
            })
            .collect();
        let Decision { parts, refusals, .. } = route(LANES, &demand, &targets, now);
        let refusals = refusals.into_iter().map(|(ix, refusal)| (rows[ix.0], refusal)).collect();
        let found = parts.first().map(|(ix, _)| rows[ix.0]);
        if found.is_none() && waits && !short.is_empty() {
            return Chosen::Later(short.swap_remove(0).1);
        }
        // Where no price is known, or nothing is in time or has room, a call goes where it would go without this gateway.
        let choice = |ix| Choice { ix, deadline: terms.deadline, due: terms.due, by: terms.by, refusals, short };
        found.or_else(|| open(LaneId::Standard)).map_or(Chosen::Nowhere, |ix| Chosen::Here(choice(ix)))
    }

    /// Whether others may go first: an answer from the standard tier would be in time a while later too.
    pub(crate) fn waits(&self, ask: &Ask<'_>, terms: &Terms<'_>, now: Timestamp) -> bool {
        let standard_ms = i64::try_from(self.waits.standard_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let later = terms.due.is_some_and(|due| due.0.saturating_sub(now.0) > standard_ms && terms.deadline > Deadline::Seconds);
        later || ask.tier == Some(ServiceTier::Flex)
    }

    /// Output tokens that a call is thought to give.
    fn output(&self, terms: &Terms<'_>) -> Tokens {
        Tokens(terms.rule.map_or(OUTPUT_TOKENS, |rule| rule.output_p50))
    }

    /// What a call is thought to take: of committed capacity what it will use, of a quota what AWS reserves for it, which is its
    /// input and the most that may come out; on `bedrock-mantle` each for itself.
    // AWS, "Token burndown rates for quotas", read 2026-11-23.
    pub(crate) fn load(&self, ask: &Ask<'_>, terms: &Terms<'_>, spot: &Spot) -> Counts {
        let input = ask.body_bytes as u64 / BYTES_PER_TOKEN;
        if spot.committed.is_some() {
            return Counts([input, self.output(terms).0]);
        }
        let output = ask.output_max.unwrap_or_else(|| output_of(ask.model));
        if spot.served.is_some() {
            return Counts([input, output]);
        }
        Counts([input.saturating_add(output), 1])
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
            MatchBy::ApplicationProfile(id) => {
                let called = ask.model.rsplit('/').next() == Some(id) && ask.model.starts_with("arn:");
                called || ask.owner.is_some_and(|owner| owner.has_profile(id, ask.model))
            }
            MatchBy::Role(role) => ask.key.owner == *role || ask.owner.is_some_and(|owner| owner.has_role(role)),
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
pub(crate) fn read(text: &str, now: Timestamp) -> Option<Timestamp> {
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

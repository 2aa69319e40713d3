//! The laws that `route` keeps over every lane, for random demands and markets.

use std::num::NonZeroU64;

use laneshift_core::lanes::LANES;
use laneshift_core::price::Rates;
use laneshift_core::route::{Class, Demand, Features, LaneId, Place, Target, Wait, route};
use laneshift_units::{
    Bytes, Deadline, ModelId, Money, Profile, QuotaTokens, Rate, Region, Timestamp, TokenClass, Tokens, Usage,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_790_000_000_000);

fn usage() -> impl Strategy<Value = Usage> {
    (0..1_000_000_u64, 0..1_000_000_u64, 0..1_000_000_u64, 0..1_000_000_u64, 0..1_000_000_u64).prop_map(|(a, b, c, d, e)| Usage {
        input: Tokens(a),
        output: Tokens(b),
        cache_read: Tokens(c),
        cache_write_5m: Tokens(d),
        cache_write_1h: Tokens(e),
    })
}

fn rates() -> impl Strategy<Value = Rates> {
    proptest::array::uniform5(proptest::option::weighted(0.9, 0..100_000_000_u64)).prop_map(|by_class| {
        let mut rates = Rates::default();
        for (class, rate) in TokenClass::ALL.into_iter().zip(by_class) {
            if let Some(pico) = rate {
                rates.set(class, Rate::from_pico_per_token(pico));
            }
        }
        rates
    })
}

fn target() -> impl Strategy<Value = Target> {
    (0..LaneId::ALL.len(), rates(), 0..128_u16, proptest::option::of(0..10_000_000_u64), 0..200_000_000_i64).prop_map(
        |(lane, rates, supports, headroom, promise_ms)| Target {
            lane: LaneId::ALL[lane],
            place: Place { region: Region::new("us-east-1"), profile: Profile::Global },
            rates,
            supports: Features(supports),
            headroom: headroom.map(QuotaTokens),
            wait: Wait { promise_ms },
            body_max: Bytes(25_000_000),
        },
    )
}

fn class() -> impl Strategy<Value = Class> {
    (0..128_u16, 0..Deadline::ALL.len()).prop_map(|(needs, deadline)| Class {
        model: ModelId::new("anthropic.claude-sonnet-4-6"),
        context: Tokens(0),
        needs: Features(needs),
        deadline: Deadline::ALL[deadline],
    })
}

fn demand(class: &Class, n: u64, expected: Usage) -> Demand<'_> {
    let n = NonZeroU64::new(n).expect("tests ask for one or more");
    Demand { class, n, expected, reserve: QuotaTokens(expected.total().0), largest: Bytes(1000) }
}

proptest! {
    #[test]
    fn no_lane_finishes_before_now(class in class(), t in target(), u in usage(), n in 1..1_000_u64) {
        for lane in LANES {
            if let Ok(offer) = (lane.quote)(&demand(&class, n, u), &t, NOW) {
                prop_assert!(offer.finish_by >= NOW);
                prop_assert!(offer.takes.get() <= n);
            }
        }
    }

    #[test]
    fn more_tokens_of_a_class_never_cost_less(class in class(), t in target(), u in usage(), which in 0..5_usize, more in 1..1_000_u64) {
        let mut bigger = u;
        bigger.get_mut(TokenClass::ALL[which]).0 += more;
        for lane in LANES {
            let small = (lane.quote)(&demand(&class, 1, u), &t, NOW);
            let big = (lane.quote)(&demand(&class, 1, bigger), &t, NOW);
            if let (Ok(small), Ok(big)) = (small, big) {
                prop_assert!(big.marginal >= small.marginal, "{:?}", lane.id);
            }
        }
    }

    #[test]
    fn quotes_add_up(class in class(), t in target(), a in usage(), b in usage(), n in 1..1_000_u64, m in 1..1_000_u64) {
        for lane in LANES {
            let parts = ((lane.quote)(&demand(&class, n, a), &t, NOW), (lane.quote)(&demand(&class, m, b), &t, NOW));
            let whole = (lane.quote)(&demand(&class, n + m, a + b), &t, NOW);
            if let ((Ok(a), Ok(b)), Ok(whole)) = (parts, whole) {
                prop_assert_eq!(a.marginal + b.marginal, whole.marginal);
            }
        }
    }

    #[test]
    fn what_is_chosen_is_in_time_and_nothing_timely_is_cheaper(class in class(), market in proptest::collection::vec(target(), 0..8), u in usage(), n in 1..100_u64) {
        let demand = demand(&class, n, u);
        let decision = route(LANES, &demand, &market, NOW);
        let due = NOW.0 + class.deadline.wait().as_millis() as i64;
        let placed: u64 = decision.parts.iter().map(|(_, o)| o.takes.get()).sum();
        prop_assert_eq!(placed + decision.unplaced, n);
        for (ix, offer) in &decision.parts {
            prop_assert!(offer.finish_by.0 <= due);
            prop_assert!(market[ix.0].supports.has(class.needs));
        }
        let timely: Vec<Money> = market
            .iter()
            .filter_map(|t| {
                let lane = LANES.iter().find(|l| l.id == t.lane)?;
                (lane.quote)(&demand, t, NOW).ok().filter(|o| o.finish_by.0 <= due).map(|o| o.marginal)
            })
            .collect();
        match timely.iter().min() {
            Some(best) => {
                prop_assert_eq!(decision.unplaced, 0);
                prop_assert_eq!(decision.marginal(), *best);
            }
            None => prop_assert_eq!(decision.unplaced, n),
        }
        prop_assert_eq!(decision.refusals.len() + timely.len(), market.len());
    }

    #[test]
    fn a_batch_job_never_gets_the_price_of_a_cache(u in usage(), pico in 1..1_000_000_u64) {
        let mut rates = Rates::default();
        TokenClass::ALL.into_iter().for_each(|c| rates.set(c, Rate::from_pico_per_token(if c == TokenClass::CacheRead { 0 } else { pico })));
        let class = Class { model: ModelId::new("m.n"), context: Tokens(0), needs: Features::NONE, deadline: Deadline::Day };
        let place = Place { region: Region::new("us-east-1"), profile: Profile::Global };
        let batch = Target { lane: LaneId::Batch, place, rates, supports: Features(u16::MAX), headroom: None, wait: Wait { promise_ms: 0 }, body_max: Bytes(u64::MAX) };
        let cost = route(LANES, &demand(&class, 1, u), &[batch], NOW).marginal();
        prop_assert_eq!(cost.pico(), i128::from(pico) * i128::from(u.total().0));
    }
}

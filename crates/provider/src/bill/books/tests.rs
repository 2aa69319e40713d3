//! Sums by call against sums by line, whatever the order and the grouping.

use laneshift_units::ProfiledModel;
use proptest::prelude::*;

use super::*;

const MODELS: [&str; 5] = [
    "global.anthropic.claude-sonnet-4-6",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "amazon.nova-pro-v1:0",
    "us.openai.gpt-5.6-terra",
    "vendor.without-a-price",
];

fn key(model: usize, hour: i64, mode: PriceMode, principal: u8, input: u64) -> Key {
    let (model, region) = (ProfiledModel::parse_id(MODELS[model]), Region::new("us-east-1"));
    let context = PriceList::shipped().context_tier(&model.model, &model.profile, &region, mode, Tokens(input));
    Key {
        account: AccountId::new("111122223333"),
        region,
        hour,
        model,
        mode,
        tier: ServiceTier::Default,
        streaming: (mode != PriceMode::Batch).then_some(hour % 2 == 0),
        principal: format!("arn:aws:iam::111122223333:user/u{principal}"),
        resource: String::new(),
        context,
    }
}

type Added = (Key, Usage);

fn calls() -> impl Strategy<Value = Vec<Added>> {
    let mode = prop_oneof![Just(PriceMode::OnDemand), Just(PriceMode::Batch), Just(PriceMode::Flex)];
    let call = (0..MODELS.len(), 490_000_i64..490_050, mode, 0_u8..3, [0_u64..400_000, 0..9_000, 0..9_000, 0..9_000, 0..9_000]);
    let call = call.prop_map(|(model, hour, mode, who, [input, output, read, five, hour_long])| {
        let usage = Usage {
            input: Tokens(input),
            output: Tokens(output),
            cache_read: Tokens(read),
            cache_write_5m: Tokens(five),
            cache_write_1h: Tokens(hour_long),
        };
        (key(model, hour, mode, who, usage.total_input().0), usage)
    });
    proptest::collection::vec(call, 0..40)
}

/// The same calls in two orders.
fn twice() -> impl Strategy<Value = (Vec<Added>, Vec<Added>)> {
    calls().prop_flat_map(|calls| (Just(calls.clone()), Just(calls).prop_shuffle()))
}

fn bill<'a>(calls: impl IntoIterator<Item = &'a Added>) -> Bill {
    let mut bill = Bill::default();
    calls.into_iter().for_each(|(key, usage)| bill.add(key.clone(), usage));
    bill
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn lines_of_any_grouping_sum_to_the_total_in_any_order_of_adds((calls, shuffled) in twice(), unit_hours in 0_u64..9) {
        let list = PriceList::shipped();
        let (mut bill, mut again) = (bill(&calls), bill(&shuffled));
        for bill in [&mut bill, &mut again] {
            bill.add_unit_hours(unit_key("amazon.nova-2-lite-v1:0"), unit_hours);
        }
        prop_assert_eq!(&bill, &again);
        // The cost of each call by itself.
        let mut by_call = Money::from_pico(60_500_000_000_000).times(unit_hours);
        let mut without_price = 0;
        for (key, usage) in &calls {
            for class in TokenClass::ALL {
                let tokens = usage.get(class);
                let rate = list.price(&key.model.model, &key.model.profile, &key.region, key.mode, class, usage.total_input());
                match rate {
                    Some(rate) => by_call += rate.cost(tokens),
                    None => without_price += tokens.0,
                }
            }
        }
        let total = again.total(list);
        prop_assert_eq!(total.known, by_call);
        let unpriced: u64 = total.unpriced.iter().map(|u| match u { Unpriced::Tokens(_, _, t) => t.0, Unpriced::UnitHours(..) => 0 }).sum();
        prop_assert_eq!(unpriced, without_price);
        for by in [By::Model, By::Hour, By::Day, By::Principal] {
            let units: Money = bill.unit_lines(list, by).iter().filter_map(UnitLine::cost).sum();
            let lines: Money = bill.lines(list, by).iter().filter_map(Line::cost).sum();
            prop_assert_eq!(lines + units, by_call, "{:?}", by);
        }
    }
}

fn unit_key(model: &str) -> UnitKey {
    UnitKey {
        account: AccountId::new("111122223333"),
        region: Region::new("us-east-1"),
        hour: 490_000,
        model: ModelId::new(model),
        commitment: Commitment::None,
        resource: String::new(),
    }
}

#[test]
fn a_long_request_costs_its_own_tier_beside_short_ones() {
    let list = PriceList::shipped();
    let of = |input| (key(1, 490_000, PriceMode::OnDemand, 0, input), Usage { input: Tokens(input), ..Usage::default() });
    let lines = bill(&[of(199_999), of(1), of(200_000)]).lines(list, By::Model);
    let costs: Vec<_> = lines.iter().map(|line| (line.group.context.0, line.cost().map(Money::to_exact_string))).collect();
    assert_eq!(costs, [(0, Some("0.66".to_owned())), (200_000, Some("1.32".to_owned()))]);
}

#[test]
fn an_unknown_price_is_listed_and_not_zero() {
    let list = PriceList::shipped();
    let usage = Usage { output: Tokens(7), ..Usage::default() };
    let mut bill = bill(&[(key(4, 490_000, PriceMode::OnDemand, 0, 0), usage)]);
    bill.add_unit_hours(unit_key("vendor.without-a-price"), 3);
    let model = ProfiledModel::parse_id(MODELS[4]);
    let unpriced = vec![
        Unpriced::Tokens(model.clone(), TokenClass::Output, Tokens(7)),
        Unpriced::UnitHours(model.model, Commitment::None, 3),
    ];
    assert_eq!(bill.total(list), Total { known: Money::ZERO, unpriced });
    assert_eq!(bill.lines(list, By::Day)[0].cost(), None);
}

//! The steps between two months add up, whatever the months, and no lever claims what it did not do.

use laneshift_core::verify::{Amount, Cell, Month, Step, Waterfall, waterfall};
use laneshift_units::{Money, PriceMode, TokenClass};
use proptest::prelude::*;

fn cell(model: &str, class: TokenClass, mode: PriceMode) -> Cell {
    let (account, region, model) = ("111122223333".to_owned(), "us-east-1".to_owned(), model.to_owned());
    Cell { account, region, model, long_context: false, class, mode, global: true }
}

/// Tokens at a price in picodollars each.
fn month(rows: &[(&str, TokenClass, PriceMode, u64, i128)]) -> Month {
    let mut month = Month::default();
    for (model, class, mode, tokens, each) in rows {
        let cost = Money::from_pico(i128::from(*tokens) * each);
        month.add(cell(model, *class, *mode), Amount { tokens: *tokens, cost });
    }
    month
}

fn adds_up(found: &Waterfall) {
    assert_eq!(found.before - found.steps.sum(|_| true), found.after);
}

/// Every step but these saved nothing.
fn only(found: &Waterfall, steps: &[Step]) {
    for step in Step::ALL {
        assert!(steps.contains(&step) || found.steps[step] == Money::ZERO, "{}: {}", step.name(), found.steps[step]);
    }
}

fn any_month() -> impl Strategy<Value = Month> {
    let class = prop::sample::select(TokenClass::ALL.to_vec());
    let mode = prop::sample::select(PriceMode::ALL.to_vec());
    let names = (0..3_u8, 0..3_u8, 0..3_u8);
    let tokens = prop_oneof![Just(0_u64), 1..1_000_u64, Just(987_654_321_987)];
    let row = (names, class, mode, any::<(bool, bool)>(), tokens, -1_000_i64..10_000_000_000_000);
    let money = -10_000_000_000_000_i64..10_000_000_000_000;
    (prop::collection::vec(row, 0..30), [money.clone(), money.clone(), money.clone(), money]).prop_map(|(rows, money)| {
        let [fees, other, corrections, adjustments] = money.map(|pico| Money::from_pico(pico.into()));
        let mut month = Month { fees, other, corrections, adjustments, ..Month::default() };
        for ((account, region, model), class, mode, (global, long_context), tokens, cost) in rows {
            let (account, region) = (if account == 0 { String::new() } else { account.to_string() }, region.to_string());
            let cell = Cell { account, region, model: model.to_string(), long_context, class, mode, global };
            month.add(cell, Amount { tokens, cost: Money::from_pico(cost.into()) });
        }
        month
    })
}

proptest! {
    #[test]
    fn the_steps_are_the_difference_to_the_picodollar(before in any_month(), after in any_month()) {
        adds_up(&waterfall(&before, &after));
    }

    #[test]
    fn a_month_against_itself_changes_nothing(one in any_month()) {
        let found = waterfall(&one, &one);
        adds_up(&found);
        only(&found, &[]);
    }

    #[test]
    fn more_of_the_same_saves_nothing(one in any_month(), times in 2_u64..1_000) {
        let mut more = one.clone();
        for amount in more.cells.values_mut() {
            (amount.tokens, amount.cost) = (amount.tokens * times, amount.cost.times(times));
        }
        // Without tokens it is no more of the same, but another correction.
        let found = waterfall(&one, &more);
        adds_up(&found);
        only(&found, &[Step::Tokens, Step::Rest]);
        prop_assert_eq!(found.saved(), Money::ZERO);
    }
}

const IN: TokenClass = TokenClass::Input;
const OUT: TokenClass = TokenClass::Output;
const READ: TokenClass = TokenClass::CacheRead;
const ON_DEMAND: PriceMode = PriceMode::OnDemand;
const BATCH: PriceMode = PriceMode::Batch;
const FLEX: PriceMode = PriceMode::Flex;

#[test]
fn half_of_it_in_batch_saves_a_quarter_and_twice_the_tokens_save_no_more_each() {
    let before = month(&[("a", IN, ON_DEMAND, 1_000, 30), ("a", OUT, ON_DEMAND, 200, 150)]);
    let rows =
        [("a", IN, ON_DEMAND, 500, 30), ("a", IN, BATCH, 500, 15), ("a", OUT, ON_DEMAND, 100, 150), ("a", OUT, BATCH, 100, 75)];
    let found = waterfall(&before, &month(&rows));
    adds_up(&found);
    only(&found, &[Step::Batch]);
    assert_eq!(found.saved(), Money::from_pico(15_000));
    let twice =
        waterfall(&before, &month(&rows.map(|(model, class, mode, tokens, each)| (model, class, mode, tokens * 2, each))));
    adds_up(&twice);
    only(&twice, &[Step::Tokens, Step::Batch]);
    assert_eq!((twice.saved(), twice.steps[Step::Tokens]), (Money::from_pico(30_000), Money::from_pico(-60_000)));
}

#[test]
fn a_price_that_aws_cuts_is_no_lever_even_for_a_lane_that_was_not_used_before() {
    let before = month(&[("a", IN, ON_DEMAND, 1_000, 30)]);
    let after = month(&[("a", IN, ON_DEMAND, 400, 20), ("a", IN, BATCH, 600, 10)]);
    let found = waterfall(&before, &after);
    adds_up(&found);
    only(&found, &[Step::Batch, Step::Prices]);
    // 600 tokens at 30, for half of that; then all of it for two thirds.
    assert_eq!((found.steps[Step::Batch], found.steps[Step::Prices]), (Money::from_pico(9_000), Money::from_pico(7_000)));
    assert_eq!(found.price_unknown, 0);
    let moved_whole = waterfall(&before, &month(&[("a", IN, BATCH, 1_000, 10)]));
    assert_eq!((moved_whole.steps[Step::Batch], moved_whole.price_unknown), (Money::from_pico(20_000), 1_000));
}

#[test]
fn another_mix_of_models_and_a_new_model_are_no_saving() {
    let before = month(&[("dear", IN, ON_DEMAND, 500, 100), ("cheap", IN, ON_DEMAND, 500, 10)]);
    let shifted = waterfall(&before, &month(&[("dear", IN, ON_DEMAND, 100, 100), ("cheap", IN, ON_DEMAND, 900, 10)]));
    adds_up(&shifted);
    only(&shifted, &[Step::Mix]);
    let new = waterfall(&before, &month(&[("new", IN, BATCH, 1_000, 1)]));
    adds_up(&new);
    only(&new, &[Step::Mix]);
    assert_eq!(new.without_before, 1_000);
}

#[test]
fn lanes_that_both_months_have_count_by_what_came_into_them() {
    let before = month(&[("a", IN, ON_DEMAND, 600, 40), ("a", IN, FLEX, 200, 20), ("a", IN, BATCH, 200, 20)]);
    let after = month(&[("a", IN, ON_DEMAND, 100, 40), ("a", IN, FLEX, 500, 20), ("a", IN, BATCH, 400, 20)]);
    let found = waterfall(&before, &after);
    adds_up(&found);
    only(&found, &[Step::Flex, Step::Batch]);
    assert_eq!((found.steps[Step::Flex], found.steps[Step::Batch]), (Money::from_pico(6_000), Money::from_pico(4_000)));
}

#[test]
fn a_cache_counts_as_cache_and_what_batch_loses_of_it_against_the_lanes() {
    let before = month(&[("a", IN, ON_DEMAND, 200, 30), ("a", READ, ON_DEMAND, 800, 3)]);
    let colder = waterfall(&before, &month(&[("a", IN, ON_DEMAND, 200, 30), ("a", IN, BATCH, 800, 15)]));
    adds_up(&colder);
    only(&colder, &[Step::Cache, Step::Batch]);
    assert_eq!((colder.steps[Step::Cache], colder.steps[Step::Batch]), (Money::from_pico(-21_600), Money::from_pico(12_000)));
    assert_eq!(colder.saved_by_lane(), Money::from_pico(-9_600));
    let warmer = waterfall(&before, &month(&[("a", IN, ON_DEMAND, 100, 30), ("a", READ, ON_DEMAND, 900, 3)]));
    only(&warmer, &[Step::Cache]);
    assert_eq!((warmer.saved(), warmer.saved_by_lane()), (Money::from_pico(2_700), Money::ZERO));
}

#[test]
fn a_profile_is_told_apart_from_the_lanes_within_it() {
    let row = |global, mode, tokens: u64, each: i128| {
        (Cell { global, ..cell("a", IN, mode) }, Amount { tokens, cost: Money::from_pico(i128::from(tokens) * each) })
    };
    let month = |rows: Vec<(Cell, Amount)>| Month { cells: rows.into_iter().collect(), ..Month::default() };
    let before = month(vec![row(true, ON_DEMAND, 500, 30), row(false, ON_DEMAND, 500, 33)]);
    let batch = waterfall(&before, &month(vec![row(true, BATCH, 500, 15), row(false, ON_DEMAND, 500, 33)]));
    only(&batch, &[Step::Batch]);
    assert_eq!(batch.saved(), Money::from_pico(7_500));
    let global = waterfall(&before, &month(vec![row(true, ON_DEMAND, 1_000, 30)]));
    only(&global, &[Step::Profile]);
    assert_eq!(global.saved(), Money::from_pico(1_500));
    let regional = month(vec![row(false, ON_DEMAND, 1_000, 33)]);
    let first_time = waterfall(&regional, &month(vec![row(true, ON_DEMAND, 1_000, 30)]));
    adds_up(&first_time);
    only(&first_time, &[Step::Profile, Step::Tier]);
    assert_eq!(first_time.saved(), Money::from_pico(3_000));
}

#[test]
fn books_that_name_no_account_are_held_against_all_of_them() {
    let before = month(&[("a", IN, ON_DEMAND, 1_000, 30)]);
    let mut after = Month::default();
    let unnamed = Cell { account: String::new(), ..cell("a", IN, BATCH) };
    after.add(unnamed, Amount { tokens: 1_000, cost: Money::from_pico(15_000) });
    let found = waterfall(&before, &after);
    only(&found, &[Step::Batch]);
    assert_eq!(found.saved(), Money::from_pico(15_000));
}

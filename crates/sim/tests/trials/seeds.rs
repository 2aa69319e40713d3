//! Nothing is planted, and everything goes wrong: no invariant breaks.

use crate::kills::Deaths;
use crate::trial::{all, conditions, run, seeds};

#[test]
fn no_invariant_breaks_in_fifty_seeds_of_faults_and_deaths() {
    let wrong = all(seeds(), |seed| run(seed, conditions(seed, Deaths::drawn(seed).seams())));
    for (seed, error) in &wrong {
        let again = format!("LANESHIFT_SIM_SEEDS={seed}..{} cargo test -p laneshift-sim --test trials no_invariant", seed + 1);
        eprintln!("seed {seed}: {error}\nrun it again: {again}\n");
    }
    assert!(wrong.is_empty(), "{} seeds went wrong", wrong.len());
}

#[test]
fn a_seed_runs_the_same_way_again() {
    let once = || run(3, conditions(3, Deaths::drawn(3).seams())).expect("it goes well");
    let ((first, first_books), (second, second_books)) = (once(), once());
    assert_eq!((first.bill, first.deadlines, first_books), (second.bill, second.deadlines, second_books));
    assert!(first.deadlines.accepted > 20, "{:?}", first.deadlines);
}

//! The rules find what is wrong with the shipped prices and nothing else.

use std::collections::BTreeMap;

use laneshift_catalog::prices::{Catalog, Provider, RULES};

#[test]
fn every_conflict_has_a_reason_or_the_honest_word() {
    let catalog = Catalog::shipped().expect("the shipped catalogue is sound");
    let conflicts = catalog.rows().iter().filter(|row| !row.agree).count();
    let judged: Vec<_> = catalog.all_doubts().filter(|(_, doubt)| doubt.rule == "sources_agree").collect();
    assert_eq!((conflicts, judged.len()), (129, 129));
    for (row, doubt) in &judged {
        let honest = doubt.explanation.starts_with("unexplained: priced with a doubt");
        assert_ne!(doubt.explained, honest, "row {row}: {}", doubt.explanation);
    }
    let open: Vec<_> = judged.iter().filter(|(_, doubt)| !doubt.explained).map(|(row, _)| &catalog.rows()[*row]).collect();
    assert_eq!(open.len(), 6);
    assert!(open.iter().all(|row| &*row.note == "legacy/EOL"), "only retired models keep an unexplained conflict");
}

#[test]
fn what_the_rules_hold_against_the_shipped_rows() {
    let catalog = Catalog::shipped().expect("the shipped catalogue is sound");
    let mut found = BTreeMap::<_, usize>::new();
    for (_, doubt) in catalog.all_doubts() {
        *found.entry((doubt.rule, doubt.explained)).or_default() += 1;
    }
    let expected = [
        (("cache_write_at_least_input", false), 3),
        (("cache_write_at_least_input", true), 5),
        (("flex_at_most_standard", true), 2),
        (("marked_wrong", true), 12),
        (("output_at_least_input", true), 1),
        (("regional_is_global_times_1_1", false), 10),
        (("regional_is_global_times_1_1", true), 2),
        (("sources_agree", false), 6),
        (("sources_agree", true), 123),
    ];
    assert_eq!(found, BTreeMap::from(expected));
}

#[test]
fn only_rows_that_were_marked_wrong_are_barred_on_bedrock() {
    let catalog = Catalog::shipped().expect("the shipped catalogue is sound");
    for (at, row) in catalog.rows().iter().enumerate() {
        if row.provider == Provider::Bedrock {
            assert_eq!(catalog.is_barred(at), row.is_marked_wrong(), "row {at}");
        }
    }
}

#[test]
fn rules_have_names_of_their_own() {
    let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
}

//! Companies of any mix, from a seed alone: what is predicted about a company should hold for one that nobody has chosen.

mod kinds;

use laneshift_units::Timestamp;

use crate::chance::Chance;
use crate::company::{Company, Counts, Workload};
use crate::part::CachedShare;
use kinds::{KINDS, Kind};

/// Workloads of a company.
const WORKLOADS: (u64, u64) = (2, 8);
/// Records that the largest part of a workload can have more than the smallest, as a power of two.
const SIZES: u64 = 4;
const RECORDS_MIN: u64 = 60;

/// A small company of two to eight workloads: thirty days from Thursday, 1 October 2026, one request in fifty, in one account and
/// one region. Nothing of it is cached: a sample would seldom find a prompt that is still there.
pub fn generated(seed: u64) -> Company {
    let mut chance = Chance::of(seed, &[0x6E4E]);
    let count = chance.between(WORKLOADS.0, WORKLOADS.1);
    let workloads = (0..count).map(|number| drawn(number, &mut chance)).collect();
    Company {
        name: format!("Generated-{seed}"),
        seed,
        start: Timestamp::from_civil(2026, 10, 1, 0, 0, 0),
        days: 30,
        sampling_factor: 50,
        counts: Counts::Chance,
        hours_behind_utc: u32::try_from(chance.below(9)).expect("less than nine"),
        workloads,
    }
}

/// One workload of any kind and size.
fn drawn(number: u64, chance: &mut Chance) -> Workload {
    let Kind { name, draw } = one_of(KINDS, chance);
    let mut workload = draw(&format!("{name}-{}", number + 1), chance);
    let size = (RECORDS_MIN << chance.below(SIZES + 1)) + chance.below(RECORDS_MIN);
    let whole = u64::from(workload.parts.iter().map(|part| part.records).sum::<u32>().max(1));
    for part in &mut workload.parts {
        part.records = u32::try_from(u64::from(part.records) * size / whole).expect("at most a few thousand");
        debug_assert_eq!(part.tokens.cache, CachedShare::None, "see the function above");
    }
    workload
}

/// One of a list, each as likely as the others.
fn one_of<'a, T>(list: &'a [T], chance: &mut Chance) -> &'a T {
    &list[usize::try_from(chance.below(list.len() as u64)).expect("an index")]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::company::Truth;

    #[test]
    fn a_seed_is_one_company_and_another_seed_another() {
        let text = |seed| format!("{:?}", generated(seed));
        assert_eq!(text(3), text(3));
        assert_ne!(text(3), text(4));
    }

    #[test]
    fn fifty_seeds_have_every_kind_every_truth_and_all_that_can_be_declared() {
        let (mut kinds, mut truths, mut declared, mut models) = (BTreeSet::new(), BTreeSet::new(), [0, 0], BTreeSet::new());
        for company in (1..=50).map(generated) {
            assert!((2..=8).contains(&company.workloads.len()));
            let names: BTreeSet<&str> = company.workloads.iter().map(|w| &*w.name).collect();
            let keys: BTreeSet<String> = company.workloads.iter().map(Workload::key).collect();
            assert_eq!((names.len(), keys.len()), (company.workloads.len(), company.workloads.len()));
            for workload in &company.workloads {
                kinds.insert(workload.name.rsplit_once('-').expect("kind and number").0.to_owned());
                truths.insert(workload.truth.name());
                models.insert(workload.model.to_string());
                let says = workload.metadata.iter().any(|(name, _)| name == "deadline");
                declared[usize::from(says)] += usize::from(workload.truth == Truth::Batch);
            }
        }
        assert_eq!((kinds.len(), truths.len()), (KINDS.len(), 3));
        assert!(declared[0] > 20 && declared[1] > 20, "{declared:?}");
        assert!(models.len() > 8, "{models:?}");
    }
}

//! Neither the order nor the cut of files changes a sum.

use proptest::collection::vec;
use proptest::prelude::*;

use super::fixture::{World, expected, gzip, records};

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn files_in_any_order_give_the_same_sums(
        files in vec((vec(0..1_000_000_u64, 0..40), any::<u16>(), any::<bool>()), 1..12),
        threads in 1..4_usize,
    ) {
        let world = World::new();
        for (n, (numbers, name, zipped)) in files.iter().enumerate() {
            let text = records(numbers.iter().copied());
            let bytes = if *zipped { gzip(&text) } else { text.into_bytes() };
            world.write(&format!("{name}/{n}.json"), bytes);
        }
        let (total, outcome) = world.try_run(threads, None).expect("an ingest");
        prop_assert_eq!(total, expected(files.iter().flat_map(|(numbers, ..)| numbers.iter().copied())));
        prop_assert_eq!(outcome.files, files.len() as u64);
    }
}

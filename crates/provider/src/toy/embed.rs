//! Vectors of texts: texts that share words have vectors that are near.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::ask::Embedding;

/// Places of the vector that a word adds to.
const PLACES: u64 = 8;
/// The length of a vector that is not normalised.
const LONG: f64 = 10.0;

/// The vector of a text, of the length asked for and of norm one, unless that is not wanted.
pub(super) fn vector(text: &str, asked: Embedding) -> Vec<f32> {
    let mut sums: Vec<f64> = (0..asked.dimensions).map(|at| noise(text, at)).collect();
    let size = sums.len().max(1) as u64;
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        for place in 0..PLACES {
            let hash = xxh3_64_with_seed(word.as_bytes(), place);
            // A remainder of `size`, which is the length of the vector.
            if let Some(sum) = sums.get_mut(((hash >> 1) % size) as usize) {
                *sum += if hash & 1 == 1 { 1.0 } else { -1.0 };
            }
        }
    }
    let norm = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    let scale = if asked.normalize { 1.0 } else { LONG } / norm;
    sums.iter().map(|sum| (sum * scale) as f32).collect()
}

/// A little of every place, so that no vector is zero.
fn noise(text: &str, at: usize) -> f64 {
    let hash = xxh3_64_with_seed(text.as_bytes(), at as u64 + PLACES);
    ((hash >> 11) as f64 / (1_u64 << 53) as f64 - 0.5) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn a_vector_has_norm_one_and_the_length_asked_for() {
        for dimensions in [256, 512, 1024] {
            let vector = vector("Roses are red", Embedding { dimensions, normalize: true });
            assert_eq!(vector.len(), dimensions);
            assert!((near(&vector, &vector) - 1.0).abs() < 1e-3);
        }
    }

    #[test]
    fn texts_that_share_words_are_nearer_than_those_that_do_not() {
        let of = |text| vector(text, Embedding { dimensions: 256, normalize: true });
        let (rose, roses, ship) = (of("the red rose in bloom"), of("a red rose in winter"), of("ships cross many harbours"));
        assert!(near(&rose, &roses) > near(&rose, &ship) + 0.2);
    }
}

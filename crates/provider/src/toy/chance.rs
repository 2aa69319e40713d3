//! Choices that look like chance and follow from the request.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A sequence of choices that the same request repeats.
pub(super) struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    /// The choices for a request to a model.
    pub(super) fn new(request: u64, model: &str) -> Self {
        Self { seed: xxh3_64_with_seed(model.as_bytes(), request), drawn: 0 }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.drawn += 1;
        xxh3_64_with_seed(&self.drawn.to_le_bytes(), self.seed)
    }

    /// A number below `n`; 0 when `n` is 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        let n = (n as u64).max(1);
        // Below a `usize` that was widened, so it fits again.
        (self.next() % n) as usize
    }

    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}

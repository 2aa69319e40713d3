//! One bit a record of a chunk.

use std::fmt;

/// Records of a chunk, at most.
pub const SLOTS: usize = 8_192;
const BYTES: usize = SLOTS / 8;

/// A set of slots of one chunk.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitmap(Box<[u8; BYTES]>);

impl Default for Bitmap {
    fn default() -> Self {
        Self(Box::new([0; BYTES]))
    }
}

impl fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bitmap({} set)", self.count())
    }
}

impl Bitmap {
    /// The first `n` slots.
    pub fn first(n: usize) -> Self {
        Self::range(0..n.min(SLOTS))
    }

    /// These slots.
    pub fn range(slots: std::ops::Range<usize>) -> Self {
        let mut map = Self::default();
        slots.for_each(|slot| map.set(slot));
        map
    }

    /// The slots of a span.
    pub fn of(span: &crate::Span) -> Self {
        let first = span.first_slot as usize;
        Self::range(first..first + span.records as usize)
    }

    /// Adds a slot. A slot beyond the last is none.
    pub fn set(&mut self, slot: usize) {
        if slot < SLOTS {
            self.0[slot / 8] |= 1 << (slot % 8);
        }
    }

    /// Whether a slot is in it.
    pub fn has(&self, slot: usize) -> bool {
        slot < SLOTS && self.0[slot / 8] & (1 << (slot % 8)) != 0
    }

    /// How many slots.
    pub fn count(&self) -> u64 {
        let words = self.0.as_chunks::<8>().0;
        words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum()
    }

    /// No slot.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// The slots, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        (0..SLOTS).filter(|slot| self.has(*slot))
    }

    fn zip(&self, other: &Self, combine: impl Fn(u8, u8) -> u8) -> Self {
        let mut out = Self::default();
        for ((to, a), b) in out.0.iter_mut().zip(self.0.iter()).zip(other.0.iter()) {
            *to = combine(*a, *b);
        }
        out
    }

    /// In both.
    pub fn and(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    /// In either.
    pub fn or(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    /// In this one only.
    pub fn without(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    /// For a database.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// From a database; `None` when the length is another one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Box::new(bytes.try_into().ok()?)))
    }
}

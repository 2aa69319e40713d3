//! Stand-ins for the names of callers, the same for the same name and key.
//!
//! Leaves out: hiding what else could name a person, such as the values of metadata.

use std::hash::Hasher;
#[expect(deprecated, reason = "the only keyed hash in the standard library; `DefaultHasher` takes no key")]
use std::hash::SipHasher;

/// Gives pseudonyms under a secret key. SipHash-2-4 is a pseudorandom function: without the key, a list of likely names
/// does not help to undo it.
// Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
pub struct Pseudonyms {
    key: (u64, u64),
}

impl Pseudonyms {
    /// Takes the key.
    pub const fn new(key: [u8; 16]) -> Self {
        let key = u128::from_le_bytes(key);
        Self { key: (key as u64, (key >> 64) as u64) }
    }

    /// The pseudonym of a name; none for none.
    pub fn of(&self, name: &str) -> String {
        if name.is_empty() { String::new() } else { format!("p-{:016x}", self.hash(name)) }
    }

    /// What tells one key from another, and does not give it away.
    pub(crate) fn key_check(&self) -> String {
        format!("{:016x}", self.hash("laneshift pseudonyms"))
    }

    #[expect(deprecated, reason = "the only keyed hash in the standard library; `DefaultHasher` takes no key")]
    fn hash(&self, text: &str) -> u64 {
        let mut hasher = SipHasher::new_with_keys(self.key.0, self.key.1);
        hasher.write(text.as_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_pseudonym_under_a_key() {
        let one = Pseudonyms::new([1; 16]);
        assert_eq!(one.of("alice"), one.of("alice"));
        assert_ne!(one.of("alice"), one.of("bob"));
        assert_ne!(one.of("alice"), Pseudonyms::new([2; 16]).of("alice"));
        assert_eq!(one.of(""), "");
    }

    #[test]
    fn the_hash_is_siphash_2_4() {
        // The test vector of the paper's appendix A hashes the bytes 0 to 14 under the key 0 to 15.
        let one = Pseudonyms::new(std::array::from_fn(|i| i as u8));
        let text: String = (0_u8..15).map(char::from).collect();
        assert_eq!(one.hash(&text), 0xa129_ca61_49be_45e5);
    }
}

//! Ids of records. On the wire an id is the record's address, in eleven letters and digits; in public it also carries a proof
//! that its owner may use it.
//!
//! 52 bits of chunk and 13 of slot are 65 bits, less than 62^11; older documents of AWS allow exactly eleven characters. An
//! address can be guessed, so the public id ends in seven characters that follow from the address, the owner and a key of this
//! installation.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use laneshift_store::ChunkId;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH: usize = 11;
const PROOF_LENGTH: usize = 7;
const PREFIX: &str = "req_";
const SLOT_BITS: u32 = 13;
/// Fills with random bytes.
pub type Chance = Arc<dyn Fn(&mut [u8]) -> io::Result<()> + Send + Sync>;

/// The machine's.
pub fn machine_chance() -> Chance {
    Arc::new(|bytes| SystemRandom::new().fill(bytes).map_err(|_| io::Error::other("the machine gives no random bytes")))
}

/// Chunk ids are below this.
pub(crate) const CHUNK_MAX: u64 = 1 << 52;

fn base62(mut n: u128, length: usize) -> String {
    let mut text = vec![b'0'; length];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(n % 62) as usize];
        n /= 62;
    }
    text.into_iter().map(char::from).collect()
}

/// The id of a slot of a chunk.
pub(crate) fn record_id(chunk: ChunkId, slot: usize) -> String {
    base62(u128::from(chunk.0) << SLOT_BITS | slot as u128, LENGTH)
}

/// The address in an id; `None` for an id that is not ours.
pub(crate) fn address(id: &str) -> Option<(ChunkId, usize)> {
    if id.len() != LENGTH {
        return None;
    }
    let digit = |b: u8| ALPHABET.iter().position(|a| *a == b);
    let n = id.bytes().try_fold(0_u128, |n, b| Some(n * 62 + digit(b)? as u128))?;
    let chunk = u64::try_from(n >> SLOT_BITS).ok().filter(|chunk| *chunk < CHUNK_MAX)?;
    Some((ChunkId(chunk), (n & ((1 << SLOT_BITS) - 1)) as usize))
}

/// An id for a new chunk of single requests.
pub(crate) fn fresh_chunk(chance: &Chance) -> io::Result<ChunkId> {
    let mut bytes = [0; 8];
    chance(&mut bytes)?;
    Ok(ChunkId(u64::from_le_bytes(bytes) % CHUNK_MAX))
}

/// Makes and reads public ids.
pub(crate) struct PublicIds {
    key: hmac::Key,
}

impl PublicIds {
    /// The ids of an installation; its key is made when it is missing.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join("id.key");
        let key = match fs::read(&path) {
            Ok(key) if key.len() == 32 => key,
            Ok(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged", path.display()))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let mut key = vec![0; 32];
                machine_chance()(&mut key)?;
                let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
                file.write_all(&key)?;
                file.sync_all()?;
                key
            }
            Err(e) => return Err(e),
        };
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key) })
    }

    /// The id of a chunk of a submission: the same when the submission is read again, and another in every installation, so that
    /// two that are given the same file share neither objects nor a job.
    pub(crate) fn chunk_of(&self, submission: &str, number: u64) -> ChunkId {
        ChunkId(self.first_64_bits(&format!("{submission}/{number}")) % CHUNK_MAX)
    }

    fn first_64_bits(&self, text: &str) -> u64 {
        let tag = hmac::sign(&self.key, text.as_bytes());
        tag.as_ref().iter().take(8).fold(0, |n, byte| n << 8 | u64::from(*byte))
    }

    fn proof(&self, record: &str, owner: &str) -> String {
        let first = self.first_64_bits(&format!("{record}|{owner}"));
        base62(u128::from(first) % 62_u128.pow(PROOF_LENGTH as u32), PROOF_LENGTH)
    }

    /// The public id of a record.
    pub(crate) fn public(&self, chunk: ChunkId, slot: usize, owner: &str) -> String {
        let record = record_id(chunk, slot);
        format!("{PREFIX}{record}{}", self.proof(&record, owner))
    }

    /// The address in a public id, for its owner only: another one's id is as good as none.
    pub(crate) fn address(&self, id: &str, owner: &str) -> Option<(ChunkId, usize)> {
        let (record, proof) = id.strip_prefix(PREFIX)?.split_at_checked(LENGTH)?;
        let known = self.proof(record, owner);
        // Compared whole, so that the time it takes says nothing about where a wrong one differs.
        let differs = known.bytes().zip(proof.bytes()).fold(proof.len() ^ known.len(), |d, (a, b)| d | usize::from(a ^ b));
        if differs == 0 { address(record) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_address_and_back() {
        for (chunk, slot) in [(0, 0), (1, 8_191), (CHUNK_MAX - 1, 8_191), (123_456_789_012_345, 77)] {
            let chunk = ChunkId(chunk);
            let id = record_id(chunk, slot);
            assert_eq!(id.len(), 11);
            assert_eq!(address(&id), Some((chunk, slot)));
        }
        for strange in ["", "short", "zzzzzzzzzzz", "0000000000-", "000000000000"] {
            assert_eq!(address(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_public_id_is_its_owners_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let ids = PublicIds::open(folder.path()).expect("a new key");
        let id = ids.public(ChunkId(7), 12, "me");
        assert_eq!(ids.address(&id, "me"), Some((ChunkId(7), 12)));
        assert_eq!(ids.address(&id, "you"), None);
        let next = format!("{PREFIX}{}{}", record_id(ChunkId(7), 13), &id[PREFIX.len() + LENGTH..]);
        assert_eq!(ids.address(&next, "me"), None, "a guessed neighbour");
        let reopened = PublicIds::open(folder.path()).expect("the same key");
        assert_eq!(reopened.public(ChunkId(7), 12, "me"), id);
        for strange in ["", "req_", "req_ä", &id[..id.len() - 1], &format!("{id}0")] {
            assert_eq!(ids.address(strange, "me"), None, "{strange}");
        }
    }
}

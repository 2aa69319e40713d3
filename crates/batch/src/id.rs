//! The id of a record on the wire: its address, in eleven letters and digits.
//!
//! 52 bits of chunk and 13 of slot are 65 bits, less than 62^11; older documents of AWS allow exactly eleven characters.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH: usize = 11;
const SLOT_BITS: u32 = 13;
/// Chunk ids are below this.
pub(crate) const CHUNK_MAX: u64 = 1 << 52;

/// The id of a slot of a chunk.
pub(crate) fn record_id(chunk: u64, slot: usize) -> String {
    let mut n = u128::from(chunk) << SLOT_BITS | slot as u128;
    let mut text = [b'0'; LENGTH];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(n % 62) as usize];
        n /= 62;
    }
    text.iter().map(|b| *b as char).collect()
}

/// The address in an id; `None` for an id that is not ours.
pub(crate) fn address(id: &str) -> Option<(u64, usize)> {
    if id.len() != LENGTH {
        return None;
    }
    let digit = |b: u8| ALPHABET.iter().position(|a| *a == b);
    let n = id.bytes().try_fold(0_u128, |n, b| Some(n * 62 + digit(b)? as u128))?;
    let chunk = u64::try_from(n >> SLOT_BITS).ok().filter(|chunk| *chunk < CHUNK_MAX)?;
    Some((chunk, (n & ((1 << SLOT_BITS) - 1)) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_address_and_back() {
        for (chunk, slot) in [(0, 0), (1, 8_191), (CHUNK_MAX - 1, 8_191), (123_456_789_012_345, 77)] {
            let id = record_id(chunk, slot);
            assert_eq!(id.len(), 11);
            assert_eq!(address(&id), Some((chunk, slot)));
        }
        for strange in ["", "short", "zzzzzzzzzzz", "0000000000-", "000000000000"] {
            assert_eq!(address(strange), None, "{strange}");
        }
    }
}

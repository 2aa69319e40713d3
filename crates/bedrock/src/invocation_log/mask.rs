//! Template fingerprints: a hash of the start of a text with its digits masked, so that dates and ids do not split
//! a template.

use xxhash_rust::xxh3::xxh3_64;

/// Bytes of a system prompt that identify its template.
pub(super) const SYSTEM_BYTES: usize = 2048;
/// Bytes of the first user text that identify its template.
pub(super) const LEAD_BYTES: usize = 40;

/// Hashes at most `limit` bytes with every digit run masked. Never zero, which means "not seen".
pub(super) fn fingerprint(text: &str, limit: usize) -> u64 {
    let bytes = &text.as_bytes()[..text.len().min(limit)];
    let mut masked = [0_u8; SYSTEM_BYTES];
    let mut len = 0;
    for &b in bytes {
        let b = if b.is_ascii_digit() { b'0' } else { b };
        if b == b'0' && len > 0 && masked[len - 1] == b'0' {
            continue;
        }
        masked[len] = b;
        len += 1;
    }
    xxh3_64(&masked[..len]).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_do_not_split_a_template() {
        assert_eq!(fingerprint("Report of 2026-11-23", 40), fingerprint("Report of 7-1-2", 40));
        assert_ne!(fingerprint("Report of", 40), fingerprint("Summary of", 40));
        assert_ne!(fingerprint("", 40), 0);
    }
}

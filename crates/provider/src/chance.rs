//! Numbers that look random and are a function of a seed and a purpose, so that a run can be repeated.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A 64-bit number for this seed and purpose.
pub fn draw(seed: u64, purpose: &str) -> u64 {
    xxh3_64_with_seed(purpose.as_bytes(), seed)
}

/// A share in [0, 1).
pub fn share(seed: u64, purpose: &str) -> f64 {
    (draw(seed, purpose) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A draw of the standard normal distribution, by the Box-Muller transform.
pub fn normal(seed: u64, purpose: &str) -> f64 {
    let u = share(seed, purpose).max(f64::MIN_POSITIVE);
    let v = share(seed ^ 0x9e37_79b9_7f4a_7c15, purpose);
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Twelve lower-case letters and digits, the shape of AWS's resource ids.
pub fn id12(seed: u64, purpose: &str) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut bits = u128::from(draw(seed, purpose)) << 64 | u128::from(draw(!seed, purpose));
    let mut next = || {
        let digit = (bits % 36) as usize;
        bits /= 36;
        ALPHABET[digit] as char
    };
    (0..12).map(|_| next()).collect()
}

/// A version-4-shaped UUID.
pub fn uuid(seed: u64, purpose: &str) -> String {
    let (a, b) = (draw(seed, purpose), draw(!seed, purpose));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | (b >> 48) & 0x3fff,
        b & 0xffff_ffff_ffff
    )
}

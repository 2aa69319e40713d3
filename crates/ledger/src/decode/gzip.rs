//! Inflates gzip in one go where that is safe.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use libdeflater::{Decompressor, crc32};
use memchr::memmem;

use super::WHOLE_INFLATED_MAX;

/// Header and trailer of a gzip member, without any data.
const MEMBER_BYTES_MIN: usize = 18;

/// Whether bytes begin like gzip.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// As much as can be inflated of the beginning of a gzip stream, up to `limit` bytes.
pub(crate) fn inflate_head(bytes: &[u8], limit: usize) -> Vec<u8> {
    let mut text = Vec::new();
    // An error is where the stream was cut; what came before it is the head.
    let _ = MultiGzDecoder::new(bytes).take(limit as u64).read_to_end(&mut text);
    text
}

/// Inflates whole objects into a buffer that is used again.
pub(crate) struct Inflater {
    decompressor: Decompressor,
    out: Vec<u8>,
}

impl Inflater {
    pub(crate) fn new() -> Self {
        Self { decompressor: Decompressor::new(), out: Vec::new() }
    }

    /// The text of a gzip file of one member. `None` when it is too large, damaged, or has more members: then it is
    /// to be read as a stream.
    pub(crate) fn whole(&mut self, gzip: &[u8]) -> Option<&[u8]> {
        if gzip.len() < MEMBER_BYTES_MIN {
            return None;
        }
        let (_, trailer) = gzip.split_last_chunk::<8>()?;
        let [c0, c1, c2, c3, s0, s1, s2, s3] = *trailer;
        let (crc, size) = (u32::from_le_bytes([c0, c1, c2, c3]), u32::from_le_bytes([s0, s1, s2, s3]) as usize);
        if size > WHOLE_INFLATED_MAX {
            return None;
        }
        if self.out.len() < size {
            self.out.resize(size, 0);
        }
        let inflated = self.decompressor.gzip_decompress(gzip, &mut self.out[..size]).ok()?;
        let text = &self.out[..size];
        // The decompressor stops after the first member. If the first is not the last, either its trailer differs from
        // the file's, or the same trailer stands earlier in the file too.
        let is_only = memmem::find(gzip, trailer) == Some(gzip.len() - trailer.len());
        (inflated == size && crc32(text) == crc && is_only).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("gzip");
        encoder.finish().expect("gzip")
    }

    #[test]
    fn one_member_is_inflated_in_one_go() {
        let mut inflater = Inflater::new();
        assert_eq!(inflater.whole(&gzip(b"a long text\n")), Some(&b"a long text\n"[..]));
        assert_eq!(inflater.whole(&gzip(b"short\n")), Some(&b"short\n"[..]));
    }

    #[test]
    fn several_members_are_left_to_the_stream_even_when_they_are_the_same() {
        let mut inflater = Inflater::new();
        for (first, second) in [("a\n", "b\n"), ("a\n", "a\n"), ("a\n", "bb\n"), ("aaaa\n", "b\n"), ("a\n", "")] {
            let both = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
            assert_eq!(inflater.whole(&both), None, "{first} {second}");
        }
    }

    #[test]
    fn damage_is_left_to_the_stream() {
        let whole = gzip(b"a text that is long enough to be cut\n");
        let mut inflater = Inflater::new();
        for cut in 0..whole.len() {
            assert_eq!(inflater.whole(&whole[..cut]), None, "{cut}");
        }
        for at in 10..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x41;
            assert_eq!(inflater.whole(&damaged), None, "{at}");
        }
    }
}

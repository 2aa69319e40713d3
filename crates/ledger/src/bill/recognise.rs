//! Recognises a bill by its first bytes.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::columns::{HeaderKind, header_kind};

/// What the first bytes of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillFormat {
    /// A cost and usage report in CSV.
    Csv,
    /// A cost and usage report in gzipped CSV.
    CsvGz,
    /// Parquet. Whether it is a bill, only its columns say; reading it does.
    Parquet,
    /// A FOCUS export in CSV, plain or gzipped. Not read.
    Focus,
}

/// Recognises a bill by the first bytes of a file; 64 KiB are enough, fewer may cut the header. `None` for anything
/// else.
pub fn looks_like_bill(first_bytes: &[u8]) -> Option<BillFormat> {
    if first_bytes.starts_with(b"PAR1") {
        return Some(BillFormat::Parquet);
    }
    let is_gzip = first_bytes.starts_with(&[0x1f, 0x8b]);
    let text = if is_gzip { inflate_start(first_bytes) } else { first_bytes.to_vec() };
    let mut header = csv::ByteRecord::new();
    csv::ReaderBuilder::new().has_headers(false).from_reader(&text[..]).read_byte_record(&mut header).ok()?;
    let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
    match header_kind(names.iter().map(AsRef::as_ref)) {
        HeaderKind::Bill if is_gzip => Some(BillFormat::CsvGz),
        HeaderKind::Bill => Some(BillFormat::Csv),
        HeaderKind::Focus => Some(BillFormat::Focus),
        HeaderKind::Neither => None,
    }
}

/// As much as can be inflated of a cut gzip stream, up to a limit.
fn inflate_start(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    // An error is the end of the cut stream: what came before it is the header.
    let _ = MultiGzDecoder::new(bytes).take(super::RECOGNISE_BYTES_MAX as u64).read_to_end(&mut text);
    text
}

//! What an input is, by its first bytes; names and endings do not count.

use memchr::memchr;

use crate::bill::looks_like_bill;

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lines of JSON, or nothing at all.
    Lines,
    /// Text that a mapping may explain.
    Table,
    /// A bill.
    Bill,
    /// Something that is not read, and why.
    Other(&'static str),
}

/// Formats that people pack logs in and that are not read.
const PACKED: [(&[u8], &str); 5] = [
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"),
    (b"\xfd7zXZ\x00", "compressed with xz: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
];

/// Recognises an input by the head of what is stored and the head of its text; they are the same unless it is gzip.
pub(super) fn kind_of(stored: &[u8], text: &[u8], wants_table: bool) -> Kind {
    if stored.starts_with(b"PAR1") {
        return Kind::Bill;
    }
    if let Some((_, reason)) = PACKED.iter().find(|(magic, _)| text.starts_with(magic)) {
        return Kind::Other(reason);
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    // An empty text is read as lines too: a damaged gzip stream then says what is wrong with it.
    match text.iter().find(|b| !b.is_ascii_whitespace()) {
        None | Some(b'{' | b'[') => return Kind::Lines,
        Some(_) => {}
    }
    if memchr(0, text).is_some() {
        return Kind::Other("neither text nor gzip");
    }
    if looks_like_bill(text).is_some() {
        return Kind::Bill;
    }
    if wants_table {
        return Kind::Table;
    }
    // A first line may be broken where the others are not.
    if text.split(|b| *b == b'\n').any(|line| line.starts_with(b"{\"") || line.starts_with(b"[{\"")) {
        return Kind::Lines;
    }
    Kind::Other("neither invocation records nor a bill")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_known_by_their_first_bytes() {
        let kind = |text: &[u8]| kind_of(text, text, false);
        for text in ["", " \n", "{\"a\":1}", "\u{feff}{}", "\n[", "torn\n{\"a\":1}\n"] {
            assert_eq!(kind(text.as_bytes()), Kind::Lines, "{text}");
        }
        assert_eq!(kind(b"PAR1"), Kind::Bill);
        assert_eq!(kind(b"line_item_usage_account_id,line_item_usage_type,line_item_unblended_cost,product,bill_payer_account_id,line_item_usage_start_date,line_item_line_item_type,line_item_product_code,line_item_operation,line_item_usage_amount\n"), Kind::Bill);
        assert!(matches!(kind(b"PK\x03\x04"), Kind::Other(reason) if reason.contains("ZIP")));
        assert!(matches!(kind(b"\x01\x00\n{\"a\":1}"), Kind::Other(_)));
        assert!(matches!(kind(b"at,model\n"), Kind::Other(_)));
        assert_eq!(kind_of(b"at,model\n", b"at,model\n", true), Kind::Table);
    }
}

//! The canonical request: the one text that client and server make of the same request.

use std::borrow::Cow;
use std::fmt::Write;

use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{Claim, Refused};

/// The host's name in HTTP/2.
pub(super) const AUTHORITY: &str = ":authority";
/// Everything but the characters that RFC 3986 never reserves.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As [`RESERVED`], keeping the slashes of a path.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

pub(super) fn canonical_request(claim: &Claim<'_>, parts: &Parts, body_sha256: &str) -> Result<String, Refused> {
    let path = parts.uri.path();
    let path: Cow<'_, str> = if claim.service == "s3" { path.into() } else { utf8_percent_encode(path, RESERVED_IN_PATH).into() };
    let mut text = format!("{}\n{path}\n{}\n", parts.method, canonical_query(parts.uri.query().unwrap_or_default()));
    for name in &claim.signed_headers {
        text.extend([name, ":"]);
        if !push_header(&mut text, parts, name) {
            return Err(Refused::Unsigned((*name).to_owned()));
        }
        text.push('\n');
    }
    write!(text, "\n{}\n{body_sha256}", claim.signed_headers.join(";")).expect("writing to a String does not fail");
    Ok(text)
}

/// Names and values decoded, encoded in AWS's manner, in order.
fn canonical_query(query: &str) -> String {
    if query.is_empty() {
        return String::new();
    }
    let again = |part: &str| -> String {
        let plain = percent_decode_str(part).decode_utf8_lossy();
        utf8_percent_encode(&plain, RESERVED).to_string()
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (again(name), again(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// All values of a header, joined by commas, with runs of spaces as one; whether there are any. In HTTP/2 the host is the URI's
/// authority, and AWS's SDK for JavaScript signs it under its name there.
fn push_header(text: &mut String, parts: &Parts, name: &str) -> bool {
    let mut any = false;
    if name != AUTHORITY {
        for value in parts.headers.get_all(name) {
            if any {
                text.push(',');
            }
            any = true;
            let value = String::from_utf8_lossy(value.as_bytes());
            for (ix, word) in value.split_whitespace().enumerate() {
                if ix > 0 {
                    text.push(' ');
                }
                text.push_str(word);
            }
        }
    }
    if !any && matches!(name, AUTHORITY | "host") {
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        any = authority.is_some();
        text.push_str(authority.unwrap_or_default());
    }
    any
}

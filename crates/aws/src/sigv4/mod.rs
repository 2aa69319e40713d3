//! Signature Version 4 in the `Authorization` header: what it claims, and whether the claim holds.
//!
//! Source: AWS, "Create a signed AWS API request", read 2026-11-25. For every service but S3 the path, which is
//! percent-encoded on the wire, is encoded once more in the canonical request.

mod canonical;
mod claim;

pub use claim::{Claim, claim};

use std::sync::{Mutex, PoisonError};

use http::request::Parts;
use laneshift_units::Timestamp;
use ring::{digest, hmac};

use canonical::{AUTHORITY, canonical_request};

/// How far a client's clock may be off.
// AWS, "Elements of an AWS API request signature": requests are valid for five minutes of their timestamp. Read 2026-11-25.
pub const SKEW_MS_MAX: i64 = 5 * 60_000;

/// Headers that count only when they are signed, besides `host`.
const MUST_BE_SIGNED: [&str; 3] = ["x-amz-date", "x-amz-security-token", "x-amz-target"];
/// Headers of Amazon Bedrock, which refuses them unsigned.
// AWS, "Use request metadata for cost management": must be among the signed headers. Read 2026-11-23.
const BEDROCK_PREFIX: &str = "x-amzn-bedrock-";

/// Why a signed request is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The header cannot be read or lacks a part.
    #[error("{0}")]
    Incomplete(String),
    /// The client's clock is behind by more than [`SKEW_MS_MAX`].
    #[error("Signature expired: {signed} is now earlier than {limit} ({now} - 5 min.)")]
    Expired {
        /// When the request says it was signed.
        signed: String,
        /// The earliest moment that is accepted.
        limit: String,
        /// The server's clock.
        now: String,
    },
    /// The client's clock is ahead by more than [`SKEW_MS_MAX`].
    #[error("Signature not yet current: {signed} is still later than {limit} ({now} + 5 min.)")]
    NotYetCurrent {
        /// When the request says it was signed.
        signed: String,
        /// The latest moment that is accepted.
        limit: String,
        /// The server's clock.
        now: String,
    },
    /// A header that matters is not among the signed ones.
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    Unsigned(String),
    /// The signature is another one: wrong secret, or a request changed on its way.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

/// Checks a claim against the request it came with.
///
/// `body_sha256` is the lower-case hexadecimal SHA-256 of the body as received; `wall` is the server's clock.
///
/// # Errors
/// [`Refused`], in the order AWS checks: time, signed headers, signature.
pub fn verify(claim: &Claim<'_>, parts: &Parts, body_sha256: &str, secret: &str, wall: Timestamp) -> Result<(), Refused> {
    check_time(claim, wall)?;
    check_signed(claim, parts)?;
    let stated = parts.headers.get("x-amz-content-sha256").and_then(|v| v.to_str().ok());
    if stated.is_some_and(|hash| hash != body_sha256 && hash != "UNSIGNED-PAYLOAD") {
        return Err(Refused::Mismatch);
    }
    let request = canonical_request(claim, parts, stated.unwrap_or(body_sha256))?;
    let (key, text) = (signing_key(claim, secret), string_to_sign(claim, &request));
    let given = from_hex(claim.signature).ok_or(Refused::Mismatch)?;
    hmac::verify(&key, text.as_bytes(), &given).map_err(|_| Refused::Mismatch)
}

/// Signs requests for one region and service. The key that it derives of them, a secret and a day is kept until one of these changes.
pub struct Signer {
    region: String,
    service: String,
    last: Mutex<Option<Derived>>,
}

struct Derived {
    date: String,
    secret: String,
    key: hmac::Key,
}

impl Signer {
    /// A signer.
    pub fn new(region: &str, service: &str) -> Self {
        Self { region: region.to_owned(), service: service.to_owned(), last: Mutex::new(None) }
    }

    /// Signs a request that has its `host` and `x-amz-date` headers, and gives the `Authorization` header.
    ///
    /// # Errors
    /// [`Refused::Incomplete`] when one of those headers is missing.
    pub fn authorization(&self, parts: &Parts, body_sha256: &str, access_key: &str, secret: &str) -> Result<String, Refused> {
        let amz_date = claim::amz_date(parts)?;
        let mut signed: Vec<&str> = parts.headers.keys().map(http::HeaderName::as_str).collect();
        signed.retain(|name| !matches!(*name, "authorization" | "user-agent" | "content-length" | "expect" | "connection"));
        signed.sort_unstable();
        let Self { region, service, .. } = self;
        let claim = Claim { access_key, date: &amz_date[..8], region, service, signed_headers: signed, signature: "", amz_date };
        let request = canonical_request(&claim, parts, body_sha256)?;
        let tag = hmac::sign(&self.key(&claim, secret), string_to_sign(&claim, &request).as_bytes());
        let (scope, headers, tag) = (claim.scope(), claim.signed_headers.join(";"), hex(tag.as_ref()));
        Ok(format!("AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={headers}, Signature={tag}"))
    }

    fn key(&self, claim: &Claim<'_>, secret: &str) -> hmac::Key {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(derived) if derived.date == claim.date && derived.secret == secret => derived.key.clone(),
            _ => {
                let key = signing_key(claim, secret);
                *last = Some(Derived { date: claim.date.to_owned(), secret: secret.to_owned(), key: key.clone() });
                key
            }
        }
    }
}

/// Signs one request, as a [`Signer`] does.
///
/// # Errors
/// [`Refused::Incomplete`] when the `host` or `x-amz-date` header is missing.
pub fn authorization(
    parts: &Parts,
    body_sha256: &str,
    access_key: &str,
    secret: &str,
    region: &str,
    service: &str,
) -> Result<String, Refused> {
    Signer::new(region, service).authorization(parts, body_sha256, access_key, secret)
}

/// Lower-case hexadecimal SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn check_time(claim: &Claim<'_>, wall: Timestamp) -> Result<(), Refused> {
    let signed = claim.signed_at().ok_or_else(|| Refused::Incomplete(claim::bad_date(claim.amz_date)))?;
    let (limit_early, limit_late) = (Timestamp(wall.0 - SKEW_MS_MAX), Timestamp(wall.0 + SKEW_MS_MAX));
    let text = |at| claim::basic_format(at);
    if signed < limit_early {
        return Err(Refused::Expired { signed: claim.amz_date.to_owned(), limit: text(limit_early), now: text(wall) });
    }
    if signed > limit_late {
        return Err(Refused::NotYetCurrent { signed: claim.amz_date.to_owned(), limit: text(limit_late), now: text(wall) });
    }
    if !claim.amz_date.starts_with(claim.date) {
        return Err(Refused::Incomplete(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}'.",
            claim.date,
            claim.amz_date.get(..8).unwrap_or_default()
        )));
    }
    Ok(())
}

fn check_signed(claim: &Claim<'_>, parts: &Parts) -> Result<(), Refused> {
    let is_signed = |name: &str| claim.signed_headers.contains(&name);
    if !is_signed("host") && !is_signed(AUTHORITY) {
        return Err(Refused::Unsigned("Host".to_owned()));
    }
    for name in parts.headers.keys().map(http::HeaderName::as_str) {
        if (MUST_BE_SIGNED.contains(&name) || name.starts_with(BEDROCK_PREFIX)) && !is_signed(name) {
            return Err(Refused::Unsigned(name.to_owned()));
        }
    }
    Ok(())
}

fn string_to_sign(claim: &Claim<'_>, canonical_request: &str) -> String {
    ["AWS4-HMAC-SHA256", claim.amz_date, &claim.scope(), &sha256_hex(canonical_request.as_bytes())].join("\n")
}

/// The key of a day, a region and a service.
fn signing_key(claim: &Claim<'_>, secret: &str) -> hmac::Key {
    let step = |key: &[u8], data: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data.as_bytes());
    let date = step(format!("AWS4{secret}").as_bytes(), claim.date);
    let region = step(date.as_ref(), claim.region);
    let service = step(region.as_ref(), claim.service);
    let signing = step(service.as_ref(), "aws4_request");
    hmac::Key::new(hmac::HMAC_SHA256, signing.as_ref())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| (c as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    text.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests;

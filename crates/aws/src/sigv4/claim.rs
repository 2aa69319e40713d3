//! The parts of an `Authorization` header.

use http::request::Parts;
use laneshift_units::Timestamp;

use super::Refused;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who says they signed a request, for which region and service, over which headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The access key id.
    pub access_key: &'a str,
    /// `YYYYMMDD` of the credential scope.
    pub date: &'a str,
    /// The region of the credential scope.
    pub region: &'a str,
    /// The service of the credential scope.
    pub service: &'a str,
    /// Lower-case names in order.
    pub signed_headers: Vec<&'a str>,
    /// Hexadecimal.
    pub signature: &'a str,
    /// `YYYYMMDDThhmmssZ`.
    pub amz_date: &'a str,
}

impl Claim<'_> {
    /// `20261125/us-east-1/bedrock/aws4_request`.
    pub(super) fn scope(&self) -> String {
        [self.date, self.region, self.service, "aws4_request"].join("/")
    }

    /// The moment of signing.
    pub(super) fn signed_at(&self) -> Option<Timestamp> {
        let text = self.amz_date.is_ascii().then_some(self.amz_date)?;
        let (y, mo, d) = (text.get(..4)?, text.get(4..6)?, text.get(6..8)?);
        let (h, mi, s) = (text.get(9..11)?, text.get(11..13)?, text.get(13..15)?);
        (text.len() == 16).then(|| Timestamp::parse(&format!("{y}-{mo}-{d}T{h}:{mi}:{s}Z")).ok()).flatten()
    }
}

/// Reads the claim of a request; `None` when it has no `Authorization` header of Signature Version 4.
///
/// # Errors
/// [`Refused::Incomplete`] when the header names the algorithm and lacks a part.
pub fn claim(parts: &Parts) -> Result<Option<Claim<'_>>, Refused> {
    let Some(header) = parts.headers.get(http::header::AUTHORIZATION) else { return Ok(None) };
    let Some(rest) = header.to_str().ok().and_then(|text| text.trim().strip_prefix(ALGORITHM)) else { return Ok(None) };
    let (mut credential, mut headers, mut signature) = (None, None, None);
    for part in rest.split(',') {
        match part.trim().split_once('=') {
            Some(("Credential", value)) => credential = Some(value),
            Some(("SignedHeaders", value)) => headers = Some(value),
            Some(("Signature", value)) => signature = Some(value),
            _ => {}
        }
    }
    let missing = |name: &str| Refused::Incomplete(format!("Authorization header requires '{name}' parameter."));
    let credential = credential.ok_or_else(|| missing("Credential"))?;
    let signature = signature.ok_or_else(|| missing("Signature"))?;
    let headers = headers.ok_or_else(|| missing("SignedHeaders"))?;
    let mut scope = credential.split('/');
    let mut next = || scope.next().filter(|part| !part.is_empty());
    let (Some(access_key), Some(date), Some(region), Some(service), Some("aws4_request")) =
        (next(), next(), next(), next(), next())
    else {
        return Err(Refused::Incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        )));
    };
    Ok(Some(Claim {
        access_key,
        date,
        region,
        service,
        signed_headers: headers.split(';').collect(),
        signature,
        amz_date: amz_date(parts)?,
    }))
}

/// The `x-amz-date` header.
pub(super) fn amz_date(parts: &Parts) -> Result<&str, Refused> {
    let value = parts.headers.get("x-amz-date").and_then(|v| v.to_str().ok());
    let value = value.ok_or_else(|| {
        Refused::Incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned())
    })?;
    if value.len() == 16 && value.is_ascii() { Ok(value) } else { Err(Refused::Incomplete(bad_date(value))) }
}

pub(super) fn bad_date(value: &str) -> String {
    format!("Date must be in ISO-8601 'basic format'. Got '{value}'. See http://en.wikipedia.org/wiki/ISO_8601")
}

/// `20261125T014748Z`.
pub(super) fn basic_format(at: Timestamp) -> String {
    at.to_string().replace(['-', ':'], "")
}

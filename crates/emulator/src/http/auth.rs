//! Who calls: by signature, by API key, or anybody where signatures are not checked.

use http::request::Parts;
use laneshift_aws::sigv4::{Refused, claim, sha256_hex, verify};
use laneshift_provider::refusal::{Kind, Refusal};
use laneshift_provider::settings::Account;
use laneshift_provider::world::Caller;

use crate::emulator::Inner;
use crate::session::Session;

/// The caller of a request.
pub(super) fn caller(inner: &Inner, parts: &Parts, body: &[u8]) -> Result<Caller, Refusal> {
    let claimed = claim(parts).map_err(refused);
    let token = parts.headers.get("x-amz-security-token").and_then(|v| v.to_str().ok());
    let session = |access_key: &str| token.and_then(|token| Session::of(token, access_key, inner.seed()));
    if !inner.auth {
        let claimed = claimed.ok().flatten();
        if let Some((session, _)) = claimed.as_ref().and_then(|c| session(c.access_key)) {
            let region = claimed.map_or_else(|| region_of_host(inner, parts), |c| c.region.to_owned());
            return Ok(Caller { account: session.account, region, principal: session.principal });
        }
        let account = claimed.as_ref().and_then(|c| inner.account_of_key(c.access_key)).unwrap_or(&inner.accounts()[0]);
        let region = claimed.map_or_else(|| region_of_host(inner, parts), |c| c.region.to_owned());
        return Ok(caller_of(account, region));
    }
    let Some(claimed) = claimed? else { return bearer(inner, parts) };
    let unknown = || Refusal::new(Kind::UnrecognizedClient, "The security token included in the request is invalid.");
    if token.is_some() {
        let (session, secret) = session(claimed.access_key).ok_or_else(unknown)?;
        verify(&claimed, parts, &sha256_hex(body), &secret, inner.clock.wall()).map_err(refused)?;
        if session.until() <= inner.clock.now() {
            return Err(Refusal::new(Kind::ExpiredToken, "The security token included in the request is expired"));
        }
        return Ok(Caller { account: session.account, region: claimed.region.to_owned(), principal: session.principal });
    }
    let account = inner.account_of_key(claimed.access_key).ok_or_else(unknown)?;
    verify(&claimed, parts, &sha256_hex(body), &account.secret_key, inner.clock.wall()).map_err(refused)?;
    Ok(caller_of(account, claimed.region.to_owned()))
}

fn bearer(inner: &Inner, parts: &Parts) -> Result<Caller, Refusal> {
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
    // Anthropic's clients bring it by the second name.
    let key = header("authorization").and_then(|text| text.strip_prefix("Bearer ")).or_else(|| header("x-api-key"));
    let Some(key) = key else {
        return Err(Refusal::new(Kind::MissingAuthenticationToken, "Missing Authentication Token"));
    };
    let holds = |account: &&Account| account.bearer_key.as_deref().is_some_and(|k| same(k.as_bytes(), key.as_bytes()));
    let account = inner
        .accounts()
        .iter()
        .find(holds)
        .ok_or_else(|| Refusal::new(Kind::AccessDenied, "Authentication failed: Please make sure your API Key is valid."))?;
    Ok(caller_of(account, region_of_host(inner, parts)))
}

/// Equal in a time that depends on the lengths only.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

fn caller_of(account: &Account, region: String) -> Caller {
    Caller { account: account.id.clone(), region, principal: account.principal.clone() }
}

/// The region of `bedrock-runtime.us-west-2.amazonaws.com`; the default one for any other host.
fn region_of_host(inner: &Inner, parts: &Parts) -> String {
    let host = parts.headers.get("host").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut labels = host.split('.');
    match (labels.next(), labels.next()) {
        (Some(service), Some(region)) if service.starts_with("bedrock") && region.matches('-').count() >= 2 => region.to_owned(),
        _ => inner.default_region().to_owned(),
    }
}

fn refused(refused: Refused) -> Refusal {
    let kind = match refused {
        Refused::Incomplete(_) => Kind::IncompleteSignature,
        Refused::Expired { .. } | Refused::NotYetCurrent { .. } | Refused::Unsigned(_) | Refused::Mismatch => {
            Kind::InvalidSignature
        }
    };
    Refusal::new(kind, refused.to_string())
}

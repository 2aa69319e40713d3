//! Keys of assumed roles: made from what they stand for, so that nothing has to be kept, and a restart forgets none.
//!
//! Promises: a token says whose session it is and until when; a key that does not belong to its token, or a token that was changed, is
//! none. Leaves out: secrecy from whoever knows the emulator's seed: it protects nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use laneshift_provider::chance;
use laneshift_units::Timestamp;
use serde::{Deserialize, Serialize};

/// A session of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) account: String,
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME`.
    pub(crate) principal: String,
    until_ms: i64,
    /// Another one for each.
    id: String,
}

/// What a caller signs with.
pub(crate) struct Keys {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) token: String,
}

impl Session {
    pub(crate) fn new(account: &str, principal: String, until: Timestamp, id: String) -> Self {
        Self { account: account.to_owned(), principal, until_ms: until.0, id }
    }

    /// When it ends.
    pub(crate) const fn until(&self) -> Timestamp {
        Timestamp(self.until_ms)
    }

    pub(crate) fn keys(&self, seed: u64) -> Keys {
        let token = URL_SAFE_NO_PAD.encode(serde_json::json!(self).to_string());
        let half = |what: &str| chance::uuid(seed, &format!("{what} of session {token}")).replace('-', "");
        let access_key = format!("ASIA{}", half("key").to_uppercase().split_at(16).0);
        Keys { access_key, secret_key: format!("{}{}", half("secret"), half("rest of the secret")), token }
    }

    /// The session of a token that belongs to an access key, with its secret.
    pub(crate) fn of(token: &str, access_key: &str, seed: u64) -> Option<(Self, String)> {
        let session: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let keys = session.keys(seed);
        (keys.token == token && keys.access_key == access_key).then_some((session, keys.secret_key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_belong_to_their_token_and_to_no_other() {
        let session = |name: &str| {
            let arn = format!("arn:aws:sts::111122223333:assumed-role/R/{name}");
            Session::new("111122223333", arn, Timestamp(9), "1".to_owned())
        };
        let (a, b) = (session("a").keys(1), session("b").keys(1));
        assert_eq!(Session::of(&a.token, &a.access_key, 1), Some((session("a"), a.secret_key)));
        assert_eq!((Session::of(&b.token, &a.access_key, 1), Session::of(&a.token, &a.access_key, 2)), (None, None));
        assert_eq!(Session::of("nonsense", &a.access_key, 1), None);
    }
}

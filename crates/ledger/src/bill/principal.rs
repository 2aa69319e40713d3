//! The caller in a bill, without the session.

use laneshift_bedrock::arn::principal;

/// The role or user in an ARN, or in its end as AWS's pages abbreviate it; the same name as the invocation logs give.
///
/// `arn:aws:sts::111122223333:assumed-role/AppRole/i-0abc` is `AppRole`; `…:user/BedrockAPIKey-234s` and
/// `user/team/BedrockAPIKey-234s` are `BedrockAPIKey-234s`. `None` when there is none.
pub fn principal_name(text: &str) -> Option<&str> {
    let name = principal(text.trim().trim_start_matches(['.', '…', ':'])).name;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::principal_name;

    #[test]
    fn a_session_is_its_role_and_a_key_is_its_user() {
        for (text, name) in [
            ("arn:aws:sts::111122223333:assumed-role/AppRole/i-0abc", Some("AppRole")),
            ("arn:aws-us-gov:sts::111122223333:assumed-role/AppRole/user@acme.org", Some("AppRole")),
            ("…assumed-role/AppRole/session", Some("AppRole")),
            ("arn:aws:iam::111122223333:role/service/AppRole", Some("AppRole")),
            ("arn:aws:iam::111122223333:user/team/alice", Some("alice")),
            ("...user/BedrockAPIKey-234s", Some("BedrockAPIKey-234s")),
            ("arn:aws:iam::111122223333:root", Some("root")),
            ("bedrock.amazonaws.com", Some("bedrock.amazonaws.com")),
            ("…:assumed-role/", None),
            ("user/", None),
            ("  ", None),
        ] {
            assert_eq!(principal_name(text), name, "{text}");
        }
    }
}

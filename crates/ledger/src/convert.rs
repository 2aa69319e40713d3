//! From a record of the invocation log to a row: which metadata count, and whose names are hidden.

use std::borrow::Cow;

use laneshift_bedrock::arn::{ModelRef, model_ref, principal};
use laneshift_bedrock::invocation_log::{BodyTraits, Invocation};
use xxhash_rust::xxh3::xxh3_128;

use crate::pseudonym::Pseudonyms;
use crate::row::{CACHE_POINT, EMBEDS, GUARDRAIL, PROMPT_ARN, Row, STRUCTURED, TOKENS_MAX, TOOLS};

/// How records become rows; the same for a whole ledger.
pub(crate) struct Conversion<'a> {
    pub(crate) metadata_keys: &'a [String],
    pub(crate) deadline_keys: &'a [String],
    pub(crate) pseudonyms: Option<&'a Pseudonyms>,
}

impl Conversion<'_> {
    /// Gives the row of a record to `take`; an error is the reason why it has none.
    pub(crate) fn row(
        &self,
        call: &Invocation<'_>,
        body: Option<(&BodyTraits, u64)>,
        take: impl FnOnce(&Row<'_>),
    ) -> Result<(), &'static str> {
        let counts = [call.input_tokens, call.output_tokens, Some(call.cache_read_tokens), Some(call.cache_write_tokens)];
        if counts.into_iter().flatten().any(|n| n > TOKENS_MAX) {
            return Err("a token count is out of range");
        }
        let who = principal(&call.identity_arn);
        let hidden = |name| self.pseudonyms.map_or(Cow::Borrowed(name), |p| Cow::Owned(p.of(name)));
        let (role, session) = (hidden(who.name), hidden(who.session.unwrap_or_default()));
        let prompt = matches!(model_ref(&call.model_id), ModelRef::Prompt(_));
        let mut row = Row {
            at: call.at,
            account: &call.account,
            region: &call.region,
            model_id: &call.model_id,
            operation: &call.operation,
            role: &role,
            session: &session,
            workload: first_value(call, self.metadata_keys),
            declared: first_value(call, self.deadline_keys),
            tier: call.service_tier,
            error_code: call.error_code.as_deref().unwrap_or_default(),
            request_id: request_id_bytes(&call.request_id),
            streamed: call.streamed(),
            blocked: call.blocked,
            input: call.input_tokens,
            output: call.output_tokens,
            cache_read: call.cache_read_tokens,
            cache_write_5m: call.cache_write_tokens.saturating_sub(call.cache_write_1h_tokens),
            cache_write_1h: call.cache_write_1h_tokens,
            latency_ms: call.latency_ms.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX)),
            flags: if prompt { PROMPT_ARN } else { 0 },
            ..Row::default()
        };
        if let Some((traits, bytes)) = body {
            add_body(&mut row, traits, bytes);
        }
        take(&row);
        Ok(())
    }
}

fn add_body(row: &mut Row<'_>, traits: &BodyTraits, bytes: u64) {
    row.body = true;
    row.user_turns = traits.user_turns;
    row.assistant_turns = traits.assistant_turns;
    row.tool_results = traits.tool_results;
    row.system_hash = traits.system_hash;
    row.lead_hash = traits.lead_hash;
    row.payload_hash = traits.payload_hash;
    row.body_bytes = bytes;
    for (is_set, flag) in [
        (traits.tools, TOOLS),
        (traits.guardrail, GUARDRAIL),
        (traits.cache_point, CACHE_POINT),
        (traits.structured_output, STRUCTURED),
        (traits.embeds, EMBEDS),
    ] {
        row.flags |= if is_set { flag } else { 0 };
    }
}

/// The value of the first key that the request has, in the order of the keys.
fn first_value<'a>(call: &'a Invocation<'_>, keys: &[String]) -> &'a str {
    if call.metadata.is_empty() {
        return "";
    }
    let of = |key: &String| call.metadata.iter().find(|(k, v)| k == key && !v.is_empty());
    keys.iter().find_map(of).map_or("", |(_, v)| v)
}

/// A UUID's bytes, or a hash of any other text; zero for none.
pub(crate) fn request_id_bytes(text: &str) -> [u8; 16] {
    if text.is_empty() { [0; 16] } else { uuid_bytes(text).unwrap_or_else(|| xxh3_128(text.as_bytes()).to_be_bytes()) }
}

fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != *b"----" {
        return None;
    }
    let mut bytes = [0; 16];
    // A digit that is none sets bits that two digits cannot.
    let mut all = 0;
    for (byte, at) in bytes.iter_mut().zip(UUID_DIGITS) {
        let (high, low) = (HEX[usize::from(text[at])], HEX[usize::from(text[at + 1])]);
        all |= high | low;
        *byte = high << 4 | low;
    }
    (all <= 0x0f).then_some(bytes)
}

/// Where each byte of a UUID begins in its text.
const UUID_DIGITS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// The value of each hexadecimal digit; 0xff for what is none.
const HEX: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut digit = 0;
    while digit < 16 {
        values[b"0123456789abcdef"[digit] as usize] = digit as u8;
        values[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_bytes_or_hashes() {
        let uuid = request_id_bytes("00112233-4455-6677-8899-aAbBcCdDeEfF");
        assert_eq!(uuid, *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff");
        assert_eq!(request_id_bytes(""), [0; 16]);
        let other = request_id_bytes("00112233-4455-6677-8899-aAbBcCdDeEfG");
        assert_eq!(other, xxh3_128(b"00112233-4455-6677-8899-aAbBcCdDeEfG").to_be_bytes());
    }

    #[test]
    fn keys_are_tried_in_their_order_and_names_are_hidden_on_request() {
        let line = br#"{"timestamp":"2026-10-06T00:00:00Z","modelId":"m","operation":"ConverseStream",
            "identity":{"arn":"arn:aws:sts::1:assumed-role/Role/me@example.com"},
            "requestMetadata":{"team":"b","app":"a","deadline":"1h"},"input":{"inputTokenCount":5}}"#;
        let call = laneshift_bedrock::invocation_log::parse(line).expect("a record");
        let (keys, deadlines) = (["app".to_owned(), "team".to_owned()], ["sla".to_owned(), "deadline".to_owned()]);
        let pseudonyms = Pseudonyms::new([7; 16]);
        for hides in [false, true] {
            let pseudonyms = hides.then_some(&pseudonyms);
            let conversion = Conversion { metadata_keys: &keys, deadline_keys: &deadlines, pseudonyms };
            let check = |row: &Row<'_>| {
                assert_eq!((row.workload, row.declared, row.input, row.output), ("a", "1h", Some(5), None));
                assert!(row.streamed && !row.body);
                assert_eq!((row.role == "Role", row.session == "me@example.com"), (!hides, !hides));
            };
            conversion.row(&call, None, check).expect("a row");
        }
    }
}

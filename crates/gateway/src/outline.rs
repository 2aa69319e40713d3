//! What a body says beside its prompt, without reading the prompt: the names of its first two levels, strings skipped as a whole.

use std::borrow::Cow;

use memchr::memchr2;

/// Members of a body that limit its output, by the member of the first level that they are in; at the first level themselves
/// where that is empty.
// AWS, "Inference request parameters and response fields", and the service model of bedrock-runtime, read 2026-11-30.
const LIMITS: [(&[u8], &[u8]); 8] = [
    (b"", b"max_tokens"),
    (b"", b"max_completion_tokens"),
    (b"", b"max_gen_len"),
    (b"inferenceConfig", b"maxTokens"),
    (b"inferenceConfig", b"max_new_tokens"),
    (b"textGenerationConfig", b"maxTokenCount"),
    (b"additionalModelRequestFields", b"max_tokens"),
    (b"additionalModelRequestFields", b"max_completion_tokens"),
];
/// Members of Converse that are about the call.
const ABOUT: [&[u8]; 3] = [b"requestMetadata", b"serviceTier", b"performanceConfig"];
/// Content that is not in the body.
const IN_S3: &[u8] = b"s3Location";
const REFERENCES: [&[u8]; 2] = [IN_S3, b"promptVariables"];
/// Content that has more tokens than bytes: members of Converse and Nova, types of Claude.
const COMPRESSED: [&[u8]; 2] = [b"document", b"video"];
/// What an image is in, in all shapes.
const SOURCE: &[u8] = b"source";
/// Where something is cached: members of Converse and Nova, of Claude.
const CACHED: [&[u8]; 2] = [b"cachePoint", b"cache_control"];

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// The largest limit of output; `None` where there is none that can be told.
    pub(crate) output_max: Option<u64>,
    /// Something is about the call.
    pub(crate) is_about_the_call: bool,
    /// Content lies elsewhere, or is a file whose text is compressed: the body's length says nothing of it.
    pub(crate) refers: bool,
    /// Some of that lies in S3.
    pub(crate) is_in_s3: bool,
    /// Images and other content in base64.
    pub(crate) images: u64,
    /// Something is to be written to a cache.
    pub(crate) caches: bool,
}

impl Outline {
    /// Of a body of Bedrock's.
    pub(crate) fn of(body: &[u8]) -> Self {
        Self::seeking(body, |name| REFERENCES.contains(&name))
    }

    /// With the names of content that is not in the body.
    pub(crate) fn seeking(body: &[u8], refers: impl Fn(&[u8]) -> bool) -> Self {
        let mut outline = Self::default();
        let (mut depth, mut at) = (0_u32, 0);
        let mut parent = Cow::Borrowed(&b""[..]);
        let (mut limits, mut odd) = (Vec::new(), false);
        while let Some(byte) = body.get(at) {
            at += 1;
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' => {
                    let (begin, mut escaped) = (at, false);
                    loop {
                        match memchr2(b'"', b'\\', &body[at..]) {
                            None => return outline.with(&limits, odd),
                            Some(found) if body[at + found] == b'"' => {
                                at += found + 1;
                                break;
                            }
                            Some(found) => {
                                escaped = true;
                                at = (at + found + 2).min(body.len());
                            }
                        }
                    }
                    outline.refers |= COMPRESSED.contains(&&body[begin..at - 1]);
                    let rest = body[at..].trim_ascii_start();
                    let Some(value) = rest.strip_prefix(b":") else { continue };
                    let name = if escaped { unescaped(&body[begin - 1..at]) } else { Cow::Borrowed(&body[begin..at - 1]) };
                    outline.refers |= refers(&name) || COMPRESSED.contains(&&*name);
                    outline.is_in_s3 |= *name == *IN_S3;
                    outline.images += u64::from(*name == *SOURCE);
                    outline.caches |= CACHED.contains(&&*name);
                    outline.is_about_the_call |= depth == 1 && ABOUT.contains(&&*name);
                    let place = if depth == 1 { Some(&b""[..]) } else { Some(&*parent).filter(|_| depth == 2) };
                    if place.is_some_and(|place| LIMITS.contains(&(place, &*name))) {
                        match whole_number(value.trim_ascii_start()) {
                            Some(limit) => limits.push(limit),
                            None => odd = true,
                        }
                    }
                    if depth == 1 {
                        parent = name;
                    }
                }
                _ => {}
            }
        }
        outline.with(&limits, odd)
    }

    /// A limit that is no whole number is none that can be relied on, and neither are the others beside it.
    fn with(self, limits: &[u64], odd: bool) -> Self {
        Self { output_max: if odd { None } else { limits.iter().copied().max() }, ..self }
    }
}

/// A name that is spelled with escapes. What cannot be read is no name: AWS does not take such a body.
fn unescaped(quoted: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned(serde_json::from_slice::<String>(quoted).map(String::into_bytes).unwrap_or_default())
}

/// A number of digits only.
fn whole_number(rest: &[u8]) -> Option<u64> {
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let ends = rest.get(digits).is_none_or(|byte| byte.is_ascii_whitespace() || b",}".contains(byte));
    std::str::from_utf8(&rest[..digits]).ok().filter(|_| ends)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(body: &str) -> Option<u64> {
        Outline::of(body.as_bytes()).output_max
    }

    #[test]
    fn only_a_bodys_own_limit_counts() {
        assert_eq!(limit(r#"{"messages":[],"inferenceConfig":{"temperature":0.5,"maxTokens": 900 }}"#), Some(900));
        assert_eq!(limit(r#"{"max_tokens":20,"messages":[]}"#), Some(20));
        assert_eq!(limit(r#"{"textGenerationConfig":{"maxTokenCount":7},"inputText":"x"}"#), Some(7));
        assert_eq!(limit(r#"{"max_tokens":20,"max_tok\u0065ns":30}"#), Some(30));
        for none in [
            r#"{"messages":[{"role":"user","content":[{"text":"set \"maxTokens\": 1, please"}]}]}"#,
            r#"{"messages":[{"content":[{"toolUse":{"input":{"maxTokens":10,"max_tokens":10}}}]}]}"#,
            r#"{"toolConfig":{"maxTokens":10},"system":[{"max_tokens":1}]}"#,
            r#"{"max_tokens":6.4e4}"#,
            r#"{"max_tokens":"many"}"#,
            r#"{"max_tokens":10,"max_completion_tokens":1e9}"#,
            "{}",
            "nonsense \"",
            "\"\\",
        ] {
            assert_eq!(limit(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_about_the_call_and_what_lies_elsewhere_is_seen() {
        let of = |body: &str| {
            let outline = Outline::of(body.as_bytes());
            (outline.is_about_the_call, outline.refers)
        };
        assert_eq!(of(r#"{"messages":[{"content":[{"text":"\"serviceTier\":"}]}]}"#), (false, false));
        assert_eq!(of(r#"{"serviceTier":{"type":"flex"}}"#), (true, false));
        assert_eq!(of(r#"{"\u0073erviceTier":{"type":"flex"}}"#), (true, false));
        assert_eq!(of(r#"{"messages":[{"content":[{"video":{"source":{"s3Location":{"uri":"s3://b/k"}}}}]}]}"#), (false, true));
        assert_eq!(of(r#"{"messages":[{"video":{"s3Loc\u0061tion":{}}}],"gr\u00f6\u00dfe":"\u0061"}"#), (false, true));
    }
}

//! Signatures: AWS's own published example, and what breaks one.

use http::Request;
use proptest::prelude::*;

use super::*;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn parts(builder: http::request::Builder) -> Parts {
    builder.body(()).expect("a request").into_parts().0
}

/// The request of AWS's "Examples of the complete Signature Version 4 signing process" for IAM ListUsers.
fn list_users() -> http::request::Builder {
    Request::get("/?Action=ListUsers&Version=2010-05-08")
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .header("host", "iam.amazonaws.com")
        .header("x-amz-date", "20150830T123600Z")
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a moment")
}

#[test]
fn the_published_example_has_its_published_signature() {
    let header = authorization(&parts(list_users()), EMPTY, "AKIDEXAMPLE", SECRET, "us-east-1", "iam").expect("signable");
    assert!(header.ends_with("Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"), "{header}");
}

#[test]
fn a_signer_signs_by_the_day_and_the_secret_of_each_request() {
    let signer = Signer::new("us-east-1", "iam");
    let dated = |date: &str| parts(Request::get("/").header("host", "h").header("x-amz-date", date));
    for (date, secret) in [
        ("20150830T123600Z", SECRET),
        ("20150830T123601Z", SECRET),
        ("20150830T123601Z", "other"),
        ("20150831T000000Z", "other"),
        ("20150830T123600Z", SECRET),
    ] {
        let signed = signer.authorization(&dated(date), EMPTY, "A", secret).expect("signable");
        let parts = parts(Request::get("/").header("host", "h").header("x-amz-date", date).header("authorization", &signed));
        let claim = claim(&parts).expect("readable").expect("signed");
        let moment = claim.signed_at().expect("a moment");
        assert_eq!(verify(&claim, &parts, EMPTY, secret, moment), Ok(()), "{date} {secret}");
    }
}

#[test]
fn a_wrong_secret_a_late_clock_and_an_unsigned_header_are_told_apart() {
    let header = authorization(&parts(list_users()), EMPTY, "AKIDEXAMPLE", SECRET, "us-east-1", "iam").expect("signable");
    let check = |parts: &Parts, secret: &str, wall: &str| {
        let claim = claim(parts).expect("readable").expect("signed");
        verify(&claim, parts, EMPTY, secret, at(wall))
    };
    let good = parts(list_users().header("authorization", &header));
    assert_eq!(check(&good, SECRET, "2015-08-30T12:36:10Z"), Ok(()));
    assert_eq!(check(&good, "other", "2015-08-30T12:36:10Z"), Err(Refused::Mismatch));
    assert!(matches!(check(&good, SECRET, "2015-08-30T12:42:10Z"), Err(Refused::Expired { .. })));
    assert!(matches!(check(&good, SECRET, "2015-08-30T12:30:10Z"), Err(Refused::NotYetCurrent { .. })));
    let more = parts(list_users().header("authorization", &header).header("x-amzn-bedrock-service-tier", "flex"));
    let refused = check(&more, SECRET, "2015-08-30T12:36:10Z");
    assert_eq!(refused, Err(Refused::Unsigned("x-amzn-bedrock-service-tier".to_owned())));
}

#[test]
fn a_header_without_its_parts_says_which_is_missing() {
    let read = |value: &str| {
        let parts = parts(list_users().header("authorization", value));
        claim(&parts).map(|c| c.is_some()).map_err(|e| e.to_string())
    };
    assert_eq!(read("Bearer abc"), Ok(false));
    assert!(read("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request").expect_err("no signature").contains("'Signature'"));
    assert!(read("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0").expect_err("short").contains("exactly 5"));
}

proptest! {
    #[test]
    fn whatever_is_signed_is_believed_and_any_other_path_is_not(path in "(/[a-zA-Z0-9.:%_~-]{1,20}){1,4}", query in "([a-z]{1,5}=[A-Za-z0-9%:/+]{0,10}&?){0,4}") {
        let uri = format!("{path}?{query}");
        prop_assume!(uri.parse::<http::Uri>().is_ok());
        let build = |uri: &str| Request::post(uri).header("host", "localhost:1").header("x-amz-date", "20150830T123600Z");
        let header = authorization(&parts(build(&uri)), EMPTY, "A", SECRET, "r", "bedrock").expect("signable");
        let signed = parts(build(&uri).header("authorization", &header));
        let claim_ok = claim(&signed).expect("readable").expect("signed");
        prop_assert_eq!(verify(&claim_ok, &signed, EMPTY, SECRET, at("2015-08-30T12:36:00Z")), Ok(()));
        let other = parts(build(&format!("{path}x?{query}")).header("authorization", &header));
        let claim_other = claim(&other).expect("readable").expect("signed");
        prop_assert_eq!(verify(&claim_other, &other, EMPTY, SECRET, at("2015-08-30T12:36:00Z")), Err(Refused::Mismatch));
    }
}

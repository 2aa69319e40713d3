//! Every field rule of CreateModelInvocationJob, and the ways in which an input reaches a rule.

use proptest::prelude::*;
use serde_json::json;

use super::check::DEPTH_MAX;
use super::description::Kind;
use super::*;

const JOB_ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijk1";

fn job() -> Value {
    json!({
        "jobName": "j1",
        "roleArn": "arn:aws:iam::123456789012:role/R",
        "modelId": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "inputDataConfig": { "s3InputDataConfig": { "s3Uri": "s3://bkt/in/a.jsonl" } },
        "outputDataConfig": { "s3OutputDataConfig": { "s3Uri": "s3://bkt/out/" } },
    })
}

/// The job with a value at a JSON pointer; objects on the way are made.
fn job_with(pointer: &str, value: Value) -> Value {
    let mut job = job();
    let place = pointer.split('/').skip(1).fold(&mut job, |place, key| &mut place[key]);
    *place = value;
    job
}

fn check_body(operation: &str, body: Value) -> Vec<Violation> {
    Shapes::shipped().check(operation, &Params { body, ..Params::default() })
}

fn check_job(pointer: &str, value: Value) -> Vec<Violation> {
    check_body("CreateModelInvocationJob", job_with(pointer, value))
}

fn converse(body: Value) -> Vec<Violation> {
    let uri = vec![("modelId".to_owned(), "amazon.nova-lite-v1:0".to_owned())];
    Shapes::shipped().check("Converse", &Params { uri, body, ..Params::default() })
}

fn text(found: &[Violation]) -> String {
    validation_message(found).unwrap_or_default()
}

fn paths(found: &[Violation]) -> Vec<&str> {
    let paths = found.iter().map(|violation| match violation {
        Violation::Broken { path, .. } | Violation::NotSerializable { path, .. } => path.as_str(),
    });
    paths.collect()
}

#[test]
fn every_rule_of_a_batch_job_lets_good_values_pass() {
    assert_eq!(check_body("CreateModelInvocationJob", job()), []);
    for (pointer, value) in [
        ("/jobName", json!("a".repeat(63))),
        ("/roleArn", json!("arn:aws-cn:iam::123456789012:role/path/R")),
        ("/modelId", json!("anthropic.claude-3-haiku-20240307-v1:0")),
        ("/modelId", json!("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456")),
        ("/inputDataConfig/s3InputDataConfig/s3InputFormat", json!("JSONL")),
        ("/inputDataConfig/s3InputDataConfig/s3BucketOwner", json!("123456789012")),
        ("/outputDataConfig/s3OutputDataConfig/s3EncryptionKeyId", json!("alias/k")),
        ("/outputDataConfig/s3OutputDataConfig/s3BucketOwner", json!(null)),
        ("/clientRequestToken", json!("27c00fbc-7a4c-49ea-981f-a5263078e865")),
        ("/modelInvocationType", json!("Converse")),
        ("/timeoutDurationInHours", json!(24)),
        ("/timeoutDurationInHours", json!(168)),
        ("/tags", json!([])),
        ("/tags", json!(vec![json!({ "key": "a b", "value": "" }); 200])),
        ("/vpcConfig", json!({ "subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"] })),
        ("/notAMember", json!({ "x": 1 })),
    ] {
        assert_eq!(check_job(pointer, value.clone()), [], "{pointer} {value}");
    }
}

#[test]
fn every_rule_of_a_batch_job_refuses_a_bad_value() {
    let not_null = "Member must not be null";
    let (long_key, pattern) = (json!("k".repeat(129)), "Member must satisfy regular expression pattern: ");
    let tag = |key: &str, value: &str| json!([{ "key": key, "value": value }]);
    for (pointer, value, path, constraint) in [
        ("/jobName", json!(null), "jobName", not_null),
        ("/jobName", json!(""), "jobName", "Member must have length greater than or equal to 1"),
        ("/jobName", json!("a".repeat(64)), "jobName", "Member must have length less than or equal to 63"),
        ("/jobName", json!("ab_c"), "jobName", pattern),
        ("/roleArn", json!(null), "roleArn", not_null),
        ("/roleArn", json!("R"), "roleArn", pattern),
        ("/roleArn", json!("r".repeat(2049)), "roleArn", "Member must have length less than or equal to 2048"),
        ("/modelId", json!(null), "modelId", not_null),
        ("/modelId", json!("arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijk1"), "modelId", pattern),
        ("/modelId", json!("m".repeat(2049)), "modelId", "Member must have length less than or equal to 2048"),
        ("/inputDataConfig", json!(null), "inputDataConfig", not_null),
        ("/inputDataConfig/s3InputDataConfig", json!({}), "inputDataConfig.s3InputDataConfig.s3Uri", not_null),
        ("/inputDataConfig/s3InputDataConfig/s3Uri", json!("s3:/b"), "inputDataConfig.s3InputDataConfig.s3Uri", pattern),
        (
            "/inputDataConfig/s3InputDataConfig/s3InputFormat",
            json!("CSV"),
            "inputDataConfig.s3InputDataConfig.s3InputFormat",
            "Member must satisfy enum value set: [JSONL]",
        ),
        (
            "/inputDataConfig/s3InputDataConfig/s3BucketOwner",
            json!("12345678901"),
            "inputDataConfig.s3InputDataConfig.s3BucketOwner",
            "Member must satisfy regular expression pattern: [0-9]{12}",
        ),
        ("/outputDataConfig", json!(null), "outputDataConfig", not_null),
        ("/outputDataConfig/s3OutputDataConfig/s3Uri", json!(null), "outputDataConfig.s3OutputDataConfig.s3Uri", not_null),
        (
            "/outputDataConfig/s3OutputDataConfig/s3Uri",
            json!(format!("s3://bkt/{}", "a".repeat(1024))),
            "outputDataConfig.s3OutputDataConfig.s3Uri",
            "Member must have length less than or equal to 1024",
        ),
        (
            "/outputDataConfig/s3OutputDataConfig/s3EncryptionKeyId",
            json!("key"),
            "outputDataConfig.s3OutputDataConfig.s3EncryptionKeyId",
            pattern,
        ),
        ("/clientRequestToken", json!("a_b"), "clientRequestToken", pattern),
        ("/clientRequestToken", json!(""), "clientRequestToken", "Member must have length greater than or equal to 1"),
        (
            "/clientRequestToken",
            json!("a".repeat(257)),
            "clientRequestToken",
            "Member must have length less than or equal to 256",
        ),
        (
            "/modelInvocationType",
            json!("Chat"),
            "modelInvocationType",
            "Member must satisfy enum value set: [InvokeModel, Converse]",
        ),
        ("/timeoutDurationInHours", json!(23), "timeoutDurationInHours", "Member must have value greater than or equal to 24"),
        ("/timeoutDurationInHours", json!(169), "timeoutDurationInHours", "Member must have value less than or equal to 168"),
        (
            "/tags",
            json!(vec![json!({ "key": "k", "value": "v" }); 201]),
            "tags",
            "Member must have length less than or equal to 200",
        ),
        ("/tags", json!([{ "value": "v" }]), "tags.1.member.key", not_null),
        ("/tags", tag("", ""), "tags.1.member.key", "Member must have length greater than or equal to 1"),
        (
            "/tags",
            json!([{ "key": "k", "value": "v" }, { "key": long_key, "value": "" }]),
            "tags.2.member.key",
            "Member must have length less than or equal to 128",
        ),
        (
            "/tags",
            tag("k", "!"),
            "tags.1.member.value",
            r"Member must satisfy regular expression pattern: [a-zA-Z0-9\s._:/=+@-]*",
        ),
        ("/tags", tag("k", &"v".repeat(257)), "tags.1.member.value", "Member must have length less than or equal to 256"),
        ("/vpcConfig", json!({ "subnetIds": ["s"] }), "vpcConfig.securityGroupIds", not_null),
        (
            "/vpcConfig",
            json!({ "subnetIds": [], "securityGroupIds": ["s"] }),
            "vpcConfig.subnetIds",
            "Member must have length greater than or equal to 1",
        ),
        (
            "/vpcConfig",
            json!({ "subnetIds": vec!["s"; 17], "securityGroupIds": ["s"] }),
            "vpcConfig.subnetIds",
            "Member must have length less than or equal to 16",
        ),
        (
            "/vpcConfig",
            json!({ "subnetIds": ["s"], "securityGroupIds": vec!["s"; 6] }),
            "vpcConfig.securityGroupIds",
            "Member must have length less than or equal to 5",
        ),
        (
            "/vpcConfig",
            json!({ "subnetIds": ["s", "a_b"], "securityGroupIds": ["s"] }),
            "vpcConfig.subnetIds",
            "Member must satisfy constraint: [Member must have length less than or equal to 32, \
             Member must have length greater than or equal to 0, \
             Member must satisfy regular expression pattern: [-0-9a-zA-Z]+]",
        ),
    ] {
        let found = check_job(pointer, value.clone());
        let wanted = format!("at '{path}' failed to satisfy constraint: {constraint}");
        let met = found.iter().any(|violation| match violation {
            Violation::Broken { path: at, clause } => at == path && clause.contains(&wanted),
            Violation::NotSerializable { .. } => false,
        });
        assert!(met, "{pointer} {value}: {found:?}");
    }
}

#[test]
fn one_broken_rule_reads_as_aws_writes_it() {
    assert_eq!(
        text(&check_job("/timeoutDurationInHours", json!(2))),
        "1 validation error detected: Value '2' at 'timeoutDurationInHours' failed to satisfy constraint: \
         Member must have value greater than or equal to 24"
    );
    assert_eq!(
        text(&check_job("/vpcConfig", json!({ "subnetIds": ["s", "t"], "securityGroupIds": [] }))),
        "1 validation error detected: Value '[]' at 'vpcConfig.securityGroupIds' failed to satisfy constraint: \
         Member must have length greater than or equal to 1"
    );
}

#[test]
fn several_broken_rules_are_counted_and_joined() {
    assert_eq!(
        text(&check_job("/jobName", json!(""))),
        "2 validation errors detected: Value '' at 'jobName' failed to satisfy constraint: \
         Member must have length greater than or equal to 1; Value '' at 'jobName' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\\+\\-\\.]){0,63}"
    );
    let found = check_body("CreateModelInvocationJob", Value::Null);
    assert_eq!(paths(&found), ["inputDataConfig", "jobName", "modelId", "outputDataConfig", "roleArn"]);
    let tags = json!(vec![json!({}); 100]);
    assert_eq!(check_body("TagResource", json!({ "resourceARN": JOB_ARN, "tags": tags })).len(), Violation::COUNT_MAX);
}

#[test]
fn a_value_of_another_type_is_told_apart() {
    for (pointer, value, path, expected) in [
        ("/jobName", json!(1), "jobName", "a string"),
        ("/timeoutDurationInHours", json!("24"), "timeoutDurationInHours", "an integer"),
        ("/timeoutDurationInHours", json!(24.5), "timeoutDurationInHours", "an integer"),
        ("/tags", json!({}), "tags", "an array"),
        ("/tags", json!(["k"]), "tags.1.member", "an object"),
        ("/inputDataConfig", json!([]), "inputDataConfig", "an object"),
        ("/inputDataConfig", json!({}), "inputDataConfig", "exactly one known member of a union"),
        ("/inputDataConfig/other", json!({}), "inputDataConfig", "exactly one known member of a union"),
        ("/vpcConfig", json!({ "subnetIds": [1], "securityGroupIds": ["s"] }), "vpcConfig.subnetIds.1.member", "a string"),
    ] {
        let wanted = Violation::NotSerializable { path: path.to_owned(), expected };
        assert_eq!(check_job(pointer, value), [wanted]);
    }
    let wanted = Violation::NotSerializable { path: String::new(), expected: "an object" };
    assert_eq!(check_body("CreateModelInvocationJob", json!([])), [wanted]);
}

#[test]
fn a_sensitive_value_is_not_repeated() {
    let found = converse(json!({ "requestMetadata": { "team": "{secret}" } }));
    assert_eq!(
        text(&found),
        "1 validation error detected: Value at 'requestMetadata' failed to satisfy constraint: \
         Map value must satisfy constraint: [Member must have length less than or equal to 256, \
         Member must have length greater than or equal to 0, \
         Member must satisfy regular expression pattern: [a-zA-Z0-9\\s:_@$#=/+,-.]{0,256}]"
    );
    assert!(text(&converse(json!({ "requestMetadata": { "a!": "" } }))).contains("Map keys must satisfy constraint: ["));
    assert!(text(&converse(json!({ "requestMetadata": {} }))).contains("greater than or equal to 1"));
}

#[test]
fn the_body_of_a_converse_call_is_walked_to_its_leaves() {
    let message = |block: Value| json!({ "messages": [{ "role": "user", "content": [{ "text": "hi" }, block] }] });
    let image = |bytes: &str| message(json!({ "image": { "format": "png", "source": { "bytes": bytes } } }));
    assert_eq!(converse(image("YQ==")), []);
    let at = "messages.1.member.content.2.member";
    assert_eq!(paths(&converse(image(""))), [format!("{at}.image.source.bytes")]);
    assert_eq!(paths(&converse(image("?"))), [format!("{at}.image.source.bytes")]);
    assert_eq!(paths(&converse(message(json!({ "text": "a", "image": null })))), [""; 0]);
    assert_eq!(paths(&converse(message(json!({ "text": "a", "cachePoint": {} })))), [at]);
    assert_eq!(paths(&converse(message(json!({ "cachePoint": { "type": "x" } })))), [format!("{at}.cachePoint.type")]);
    assert_eq!(converse(json!({ "additionalModelRequestFields": { "any": [1, { "thing": null }] } })), []);
    assert_eq!(converse(json!({ "inferenceConfig": { "temperature": 1, "topP": 0.5, "maxTokens": 1 } })), []);
    let found = converse(json!({ "inferenceConfig": { "temperature": 1.1, "topP": -0.1, "maxTokens": 0 } }));
    assert_eq!(paths(&found), ["inferenceConfig.maxTokens", "inferenceConfig.temperature", "inferenceConfig.topP"]);
    let found = converse(json!({ "promptVariables": { "x": { "text": 1 } } }));
    assert_eq!(paths(&found), ["promptVariables.x.member.text"]);
}

#[test]
fn query_header_and_payload_are_read_by_type() {
    let texts = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
    let list = |name, text| {
        let query = texts(name, text);
        Shapes::shipped().check("ListModelInvocationJobs", &Params { query, ..Params::default() })
    };
    assert_eq!(list("maxResults", "10"), []);
    assert_eq!(list("submitTimeAfter", "2026-11-01T00:00:00Z"), []);
    assert!(text(&list("maxResults", "1001")).contains("Value '1001' at 'maxResults'"));
    let expected = |found: Vec<Violation>| match found.as_slice() {
        [Violation::NotSerializable { expected, .. }] => *expected,
        _ => "nothing",
    };
    assert_eq!(expected(list("maxResults", "ten")), "an integer");
    assert_eq!(expected(list("submitTimeAfter", "yesterday")), "a timestamp");

    let invoke = |header, tier, body_len| {
        let (uri, headers) = (texts("modelId", "amazon.nova-lite-v1:0"), texts(header, tier));
        Shapes::shipped().check("InvokeModel", &Params { uri, headers, body_len, ..Params::default() })
    };
    assert_eq!(invoke("x-amzn-bedrock-service-tier", "flex", 25_000_000), []);
    assert_eq!(paths(&invoke("X-Amzn-Bedrock-Service-Tier", "slow", 0)), ["serviceTier"]);
    let too_long = "1 validation error detected: Value at 'body' failed to satisfy constraint: \
                    Member must have length less than or equal to 25000000";
    assert_eq!(text(&invoke("accept", "*/*", 25_000_001)), too_long);
    assert_eq!(paths(&Shapes::shipped().check("InvokeModel", &Params::default())), ["modelId"]);
}

#[test]
fn a_query_may_repeat_for_a_list() {
    let described = r#"{ "services": { "s": { "protocol": "rest-json",
        "operations": { "Find": { "input": "In", "method": "GET", "requestUri": "/f" } },
        "shapes": {
            "In": { "type": "structure",
                "members": { "ids": { "shape": "Ids", "location": "querystring", "locationName": "id" } } },
            "Ids": { "type": "list", "max": 2, "member": { "shape": "Id" } },
            "Id": { "type": "integer", "min": 1 } } } } }"#;
    let described = Description::read(described).unwrap();
    let find = |ids: &[&str]| {
        let query = ids.iter().map(|id| ("id".to_owned(), (*id).to_owned())).collect();
        let shape = described.operations["Find"].input.unwrap();
        text(&check::input(&described.shapes, shape, &Params { query, ..Params::default() }))
    };
    assert_eq!(find(&["1", "2"]), "");
    assert!(find(&["1", "2", "3"]).contains("Value '[1, 2, 3]' at 'ids'"));
    assert!(find(&["1", "0"]).ends_with("Member must satisfy constraint: [Member must have value greater than or equal to 1]"));
}

#[test]
fn every_pattern_of_the_file_compiles_but_those_named_here() {
    const NOT_READ: [&str; 0] = [];
    let patterns = Shapes::shipped().shapes.iter().filter_map(|shape| match &shape.kind {
        Kind::Text { pattern, .. } => pattern.as_ref(),
        _ => None,
    });
    let all: Vec<_> = patterns.collect();
    assert!(all.len() > 30, "only {} patterns", all.len());
    let not_read: Vec<&str> = all.iter().filter(|pattern| pattern.regex().is_none()).map(|pattern| pattern.as_str()).collect();
    assert_eq!(not_read, NOT_READ);
}

#[test]
fn no_shape_is_as_deep_as_the_limit() {
    fn depth(shapes: &[Shape], id: usize, left: usize) -> usize {
        let below = |id: usize| depth(shapes, id, left.checked_sub(1).expect("a shape lies within itself"));
        1 + match &shapes[id].kind {
            Kind::Structure(structure) => structure.members.iter().map(|member| below(member.shape)).max().unwrap_or(0),
            Kind::List { of, .. } => below(*of),
            Kind::Map { value, .. } => below(*value),
            _ => 0,
        }
    }
    let shapes = Shapes::shipped();
    let inputs = shapes.operations.values().filter_map(|operation| operation.input);
    let deepest = inputs.map(|id| depth(&shapes.shapes, id, DEPTH_MAX)).max();
    assert!(deepest.is_some_and(|deepest| (8..DEPTH_MAX).contains(&deepest)), "{deepest:?}");
}

#[test]
fn the_file_describes_the_emulated_operations() {
    let shapes = Shapes::shipped();
    assert_eq!(shapes.operations().count(), 27);
    assert!(shapes.operations().any(|name| name == "GetServiceQuota"));
    assert!(shapes.check("DeleteEverything", &Params::default()).is_empty());
    assert_eq!(paths(&check_body("GetServiceQuota", json!({ "ServiceCode": "bedrock" }))), ["QuotaCode"]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = "messages|content|text|role|tags|key|value|modelId|jobName|toolConfig|tools|requestMetadata|[a-z]{0,3}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 64, 6, move |inner| {
        let object = prop::collection::btree_map(names, inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            object.prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_input_makes_a_check_panic(body in any_json(), text in ".{0,40}", body_len in any::<usize>()) {
        let shapes = Shapes::shipped();
        let names = ["modelId", "jobIdentifier", "maxResults", "accept", "submitTimeAfter"];
        let texts: Vec<_> = names.map(|name| (name.to_owned(), text.clone())).into();
        let input = Params { uri: texts.clone(), query: texts.clone(), headers: texts, body, body_len };
        for operation in shapes.operations() {
            prop_assert!(shapes.check(operation, &input).len() <= Violation::COUNT_MAX);
        }
        shapes.match_route("bedrock", "GET", &text);
    }
}

//! Which operation a method and a raw path name.
//!
//! A path is cut at its slashes before anything is decoded: an ARN that arrives as `arn%3A..%2Fid` is one segment, one
//! with plain slashes is several and names no operation, as on AWS. Labels over several segments (`{x+}`) are not known
//! here; a test says that the file has none.

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// An operation and the percent-decoded labels of its path.
    Found {
        /// As AWS names it.
        operation: &'a str,
        /// Label and value, for [`super::Params::uri`].
        uri: Vec<(String, String)>,
    },
    /// The path is known, but not with this method.
    WrongMethod,
    /// No operation has this path.
    Unknown,
}

/// The method and path of an operation.
pub(super) struct Template {
    operation: String,
    method: String,
    segments: Vec<Segment>,
}

enum Segment {
    Literal(String),
    Label(String),
}

/// From operation, method and a path with `{labels}`.
pub(super) fn templates(all: Vec<(String, String, String)>) -> Vec<Template> {
    let segment = |text: &str| match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        Some(label) => Segment::Label(label.to_owned()),
        None => Segment::Literal(text.to_owned()),
    };
    let template = |(operation, method, path): (String, String, String)| Template {
        operation,
        method,
        segments: path.split('/').map(segment).collect(),
    };
    all.into_iter().map(template).collect()
}

pub(super) fn find<'a>(templates: &'a [Template], method: &str, raw_path: &str) -> Route<'a> {
    let mut answer = Route::Unknown;
    for template in templates {
        match labels(&template.segments, raw_path) {
            Some(uri) if template.method == method => return Route::Found { operation: &template.operation, uri },
            Some(_) => answer = Route::WrongMethod,
            None => {}
        }
    }
    answer
}

/// `None` where the path is another one.
fn labels(segments: &[Segment], raw_path: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut given = raw_path.split('/');
    for segment in segments {
        let text = given.next()?;
        match segment {
            Segment::Literal(literal) if literal == text => {}
            Segment::Label(label) if !text.is_empty() => found.push((label.clone(), percent_decoded(text)?)),
            Segment::Literal(_) | Segment::Label(_) => return None,
        }
    }
    given.next().is_none().then_some(found)
}

/// `None` where a `%` lacks its two digits or the bytes are no text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{SHIPPED, Shapes};
    use super::*;

    const ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijk1";

    fn found<'a>(operation: &'a str, label: &str, value: &str) -> Route<'a> {
        Route::Found { operation, uri: vec![(label.to_owned(), value.to_owned())] }
    }

    #[test]
    fn an_encoded_arn_is_one_segment() {
        let shapes = Shapes::shipped();
        let encoded = ARN.replace(':', "%3A").replace('/', "%2f");
        for (method, path, operation) in [
            ("GET", format!("/model-invocation-job/{encoded}"), "GetModelInvocationJob"),
            ("POST", format!("/model-invocation-job/{encoded}/stop"), "StopModelInvocationJob"),
        ] {
            assert_eq!(shapes.match_route("bedrock", method, &path), found(operation, "jobIdentifier", ARN));
        }
        let path = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse";
        let id = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
        assert_eq!(shapes.match_route("bedrock-runtime", "POST", path), found("Converse", "modelId", id));
    }

    #[test]
    fn an_arn_with_plain_slashes_names_nothing() {
        let path = format!("/model-invocation-job/{ARN}");
        assert_eq!(Shapes::shipped().match_route("bedrock", "GET", &path), Route::Unknown);
    }

    #[test]
    fn a_known_path_with_another_method_is_told_apart() {
        let shapes = Shapes::shipped();
        assert_eq!(shapes.match_route("bedrock", "PUT", "/model-invocation-job"), Route::WrongMethod);
        assert_eq!(shapes.match_route("bedrock-runtime", "GET", "/model/a/invoke"), Route::WrongMethod);
        assert_eq!(shapes.match_route("bedrock", "POST", "/model/a/invoke"), Route::Unknown);
        assert_eq!(shapes.match_route("s3", "GET", "/"), Route::Unknown);
    }

    #[test]
    fn one_path_may_serve_several_methods() {
        let shapes = Shapes::shipped();
        let named = |method| match shapes.match_route("bedrock", method, "/logging/modelinvocations") {
            Route::Found { operation, .. } => operation,
            Route::WrongMethod | Route::Unknown => "none",
        };
        assert_eq!(named("GET"), "GetModelInvocationLoggingConfiguration");
        assert_eq!(named("PUT"), "PutModelInvocationLoggingConfiguration");
        assert_eq!(named("DELETE"), "DeleteModelInvocationLoggingConfiguration");
        assert_eq!(named("POST"), "none");
    }

    #[test]
    fn an_empty_or_broken_label_names_nothing() {
        for path in
            ["/model//converse", "/model/%/converse", "/model/%zz/converse", "/model/%FF/converse", "/model/a/converse/", ""]
        {
            assert_eq!(Shapes::shipped().match_route("bedrock-runtime", "POST", path), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn every_path_of_the_file_finds_its_operation() {
        let (mut routes, shapes) = (0, Shapes::shipped());
        for (service, all) in super::super::Description::read(SHIPPED).unwrap().routes {
            for (operation, method, path) in all {
                assert!(!path.contains("+}"), "{operation} has a label over several segments");
                let path = path.replace(['{', '}'], "");
                let Route::Found { operation: named, .. } = shapes.match_route(&service, &method, &path) else {
                    panic!("{method} {path} names nothing")
                };
                assert_eq!(named, operation);
                routes += 1;
            }
        }
        assert_eq!(routes, 23);
    }
}

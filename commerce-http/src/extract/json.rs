//! The JSON body of a request, and of an answer.

mod strict;
mod tree;

use axum::{
    body::Body,
    extract::{FromRequest, OptionalFromRequest, Request},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use self::strict::Strict;
use super::{body::whole, invalid};
use crate::problem::{Code, Part, Problem};

/// A JSON body.
///
/// As an extractor it refuses, each with its own [`Code`]: another content type, a compressed body, one that is
/// too large or too slow, what is not well-formed JSON or repeats a key in one object, and last
/// what `T` does not take, with a pointer to it. `T` decides what fields it knows: give it
/// `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match encode(&self.0) {
            Ok(body) => {
                ([(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response()
            }
            Err(problem) => problem.into_response(),
        }
    }
}

/// What most answers have room in, in bytes.
const ANSWER_BYTES: usize = 4 << 10;

/// The body of an answer.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::with_capacity(ANSWER_BYTES);
    serde_json::to_writer(&mut body, value).map_err(Problem::internal)?;
    Ok(body)
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let kind = kind(request.headers());
        let body = whole(request, None).await?;
        kind?;
        parse(&body).map(Self)
    }
}

/// `None` for a request without a body, whatever its type.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Option<Self>, Problem> {
        let kind = kind(request.headers());
        let body = whole(request, None).await?;
        if body.is_empty() {
            return Ok(None);
        }
        kind?;
        parse(&body).map(|value| Some(Self(value)))
    }
}

/// Refuses what does not say that it is JSON, and JSON in disguise.
fn kind(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail| Err(Problem::new(Code::UnsupportedMediaType, detail));
    if !is_json(headers) {
        return refused("The body must be JSON, and Content-Type must say so: application/json.");
    }
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return refused("The body must come as it is, without a Content-Encoding.");
    }
    Ok(())
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(header::CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let tree = tree::read(body)?;
    serde_path_to_error::deserialize(Strict(&tree)).map_err(|error| {
        let message = error.inner().to_string();
        invalid(Part::Body, error, &message)
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is refused matters here")]
    struct Cart {
        lines: Vec<Line>,
        note: Option<String>,
        payment: Option<Payment>,
        brand: Option<Brand>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is refused matters here")]
    struct Line {
        sku: String,
        quantity: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is refused matters here")]
    enum Payment {
        Manual,
        Card { token: String },
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Brand {
        Visa,
    }

    fn refusal(body: &str) -> (Code, String, String) {
        let problem = parse::<Cart>(body.as_bytes()).unwrap_err();
        let error = problem.errors().first();
        (
            problem.code(),
            error.map(|e| e.pointer.clone()).unwrap_or_default(),
            error.map_or_else(|| problem.detail().to_owned(), |e| e.detail.clone()),
        )
    }

    #[test]
    fn invalid_values_are_pointed_at() {
        for (body, pointer, detail) in [
            (r#"{"lines":[{"sku":"a","quantity":1.5}]}"#, "/lines/0/quantity", "whole number"),
            (r#"{"lines":[{"sku":"a","quantity":1e2}]}"#, "/lines/0/quantity", "whole number"),
            (r#"{"lines":[{"sku":"a","quantity":-1}]}"#, "/lines/0/quantity", "whole number"),
            (r#"{"lines":[{"sku":"a","quantity":"1"}]}"#, "/lines/0/quantity", "whole number"),
            (r#"{"lines":[{"sku":"a"}]}"#, "/lines/0/quantity", "missing field"),
            (r#"{"lines":[{"sku":"a","quantity":1,"price":0}]}"#, "/lines/0/price", "unknown"),
            (r#"{"lines":[7]}"#, "/lines/0", "an object"),
            (r#"{"lines":{}}"#, "/lines", "a list"),
            (r#"{"lines":[],"a/b~c":1}"#, "/a~1b~0c", "unknown"),
            (r#"{"lines":[],"payment":{"kind":"card","token":1}}"#, "/payment", "string"),
            (r#"{"lines":[],"payment":{"kind":"cash"}}"#, "/payment/kind", "unknown value"),
            (r#"{"lines":[],"payment":{"kind":0}}"#, "/payment/kind", "one of the values"),
            (r#"{"lines":[],"brand":"visum"}"#, "/brand", "unknown value"),
            (r#"{"lines":[],"brand":{"visa":null}}"#, "/brand", "one of the values"),
            (r#"{"lines":[],"brand":["visa"]}"#, "/brand", "one of the values"),
            (r#"{"lines":[],"brand":0}"#, "/brand", "one of the values"),
            (r#"{"lines":[18446744073709551616]}"#, "/lines/0", "64 bits"),
            (r#"{"lines":[],"note":-1e300}"#, "/note", "64 bits"),
            (r#"[1,2]"#, "", "an object"),
            (r#"[[],null,null]"#, "", "an object"),
            (r#"{"lines":[["a",1]]}"#, "/lines/0", "an object"),
            (r#"{"lines":[],"payment":["card"]}"#, "/payment", "an object"),
            (r#""x""#, "", "an object"),
        ] {
            let (code, at, why) = refusal(body);
            assert_eq!(code, Code::ValidationFailed, "{body}");
            assert_eq!(at, pointer, "{body}: {why}");
            assert!(why.contains(detail), "{body}: {why}");
            assert!(!why.contains("struct") && !why.contains(" line "), "{body}: {why}");
        }
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        let deep = "[".repeat(100_000);
        let deep_objects = r#"{"a":"#.repeat(100_000);
        for body in
            ["", "{", "{}}", "{\"lines\":[],}", "nul", "\u{feff}{}", "1e999", &deep, &deep_objects]
        {
            assert_eq!(refusal(body).0, Code::MalformedRequest, "{body:.40}");
        }
        assert_eq!(parse::<Value>(b"\"\xff\"").map_err(|p| p.code()), Err(Code::MalformedRequest));
    }

    #[test]
    fn a_repeated_key_is_refused_wherever_it_stands() {
        for (body, pointer) in [
            (r#"{"lines":[],"lines":[]}"#, "/lines"),
            (r#"{"lines":[{"sku":"a","quantity":1,"sku":"b"}]}"#, "/lines/0/sku"),
            (r#"{"lines":[],"note":{"x":[0,{"y":1,"\u0079":2}]}}"#, "/note/x/1/y"),
        ] {
            let (code, at, _) = refusal(body);
            assert_eq!((code, at.as_str()), (Code::MalformedRequest, pointer), "{body}");
        }
        assert!(parse::<Value>(br#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    }

    #[test]
    fn content_types() {
        let is = |text: &'static str| {
            is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, text.parse().unwrap())]))
        };
        assert!(is("application/json") && is("Application/JSON; charset=utf-8"));
        assert!(is("application/merge-patch+json"));
        assert!(!is("text/json") && !is("application/jsonp") && !is("text/plain"));
        assert!(!is_json(&HeaderMap::new()));
    }
}

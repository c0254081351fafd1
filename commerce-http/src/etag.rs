//! Entity tags: the version of a resource, as clients hold on to it.
//!
//! A tag is the version in quotes, `"7"`. Where an answer holds more than the versioned record,
//! such as the stock that is available, a fingerprint of the body follows after a dot:
//! `"7.1f0c…"`. `If-None-Match` compares all of it, `If-Match` the version alone. Of an answer that
//! was compressed the tag is weak, `W/"7.1f0c…"`, as it was made of other bytes.

use std::{
    convert::Infallible,
    fmt,
    hash::{DefaultHasher, Hasher},
};

use axum::{
    body::{Body, Bytes},
    extract::FromRequestParts,
    http::{self, HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use commerce_core::{
    access::{Actor, Caller},
    version::Version,
};
use serde::Serialize;

use crate::{
    extract::encode_json,
    problem::{Code, Part, Problem},
};

/// An entity tag (RFC 9110, section 8.8.3).
///
/// ```
/// use commerce_http::etag::ETag;
/// assert_eq!(ETag::version(7).to_string(), "\"7\"");
/// assert_ne!(ETag::content(7, b"{}"), ETag::content(7, b"[]"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of an answer that the version determines.
    pub fn version(version: u64) -> Self {
        Self(format!("\"{version}\""))
    }

    /// The tag of an answer whose body holds more than what the version counts.
    pub fn content(version: u64, body: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(body);
        Self(format!("\"{version}.{:016x}\"", hasher.finish()))
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes the tag of an answer weak that was compressed: one tag of two representations must not be
/// strong (RFC 9110, section 8.8.1).
pub(crate) fn weaken<B>(mut response: http::Response<B>) -> http::Response<B> {
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_ENCODING)
        && let Some(tag) = headers.get_mut(header::ETAG)
        && tag.as_bytes().starts_with(b"\"")
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
    {
        *tag = weak;
    }
    response
}

/// The members of a header that lists entity tags, without quotes and without `W/`.
///
/// Whether a tag is weak does not matter here: versions are compared, and what compresses an
/// answer on its way weakens its tag.
fn tags(headers: &HeaderMap, name: HeaderName) -> Result<Vec<String>, ()> {
    let mut tags = Vec::new();
    for value in headers.get_all(name) {
        let mut rest = value.to_str().map_err(|_| ())?.trim();
        loop {
            if let Some(after) = rest.strip_prefix('*') {
                tags.push("*".to_owned());
                rest = after;
            } else {
                let quoted = rest.strip_prefix("W/").unwrap_or(rest);
                let (tag, after) =
                    quoted.strip_prefix('"').and_then(|q| q.split_once('"')).ok_or(())?;
                tags.push(tag.to_owned());
                rest = after;
            }
            rest = rest.trim_start();
            match rest.strip_prefix(',') {
                Some(after) => rest = after.trim_start(),
                None if rest.is_empty() => break,
                None => return Err(()),
            }
        }
    }
    Ok(tags)
}

/// `If-None-Match`: what the client already has. A header that cannot be read counts as absent.
#[derive(Debug, Clone, Default)]
pub struct IfNoneMatch(Vec<String>);

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(tags(&parts.headers, header::IF_NONE_MATCH).unwrap_or_default()))
    }
}

impl IfNoneMatch {
    /// Whether the client has the answer with this tag.
    pub fn has(&self, etag: &ETag) -> bool {
        self.0.iter().any(|tag| tag == "*" || *tag == etag.0.trim_matches('"'))
    }

    /// As [`Self::answer`], for a read that needs no token. A cache may keep it, and must ask each
    /// time whether it is still so: prices and stock are never shown as they were. With a token
    /// more may be shown, and none of it to others.
    pub fn answer_public<T: Serialize>(
        &self,
        caller: &Caller,
        version: u64,
        value: &T,
    ) -> Response {
        (kept(caller), self.answer(version, value)).into_response()
    }

    /// As [`Self::answer_public`], of what is encoded already and has this tag.
    pub(crate) fn answer_encoded(&self, caller: &Caller, etag: ETag, body: Bytes) -> Response {
        (kept(caller), self.answer_tagged(etag, body)).into_response()
    }

    /// The answer to a read: the value as JSON with the tag of its version and content, or 304
    /// when the client has it.
    pub fn answer<T: Serialize>(&self, version: u64, value: &T) -> Response {
        match encode_json(value) {
            Ok(body) => self.answer_tagged(ETag::content(version, &body), body.into()),
            Err(problem) => problem.into_response(),
        }
    }

    fn answer_tagged(&self, etag: ETag, body: Bytes) -> Response {
        if self.has(&etag) {
            return (StatusCode::NOT_MODIFIED, etag).into_response();
        }
        (etag, [(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response()
    }
}

/// Who may keep what a caller is answered.
fn kept(caller: &Caller) -> [(HeaderName, &'static str); 2] {
    let kept = match caller.actor {
        Actor::Anonymous | Actor::Guest(_) => "public, no-cache",
        _ => "private, no-cache",
    };
    [(header::CACHE_CONTROL, kept), (header::VARY, header::AUTHORIZATION.as_str())]
}

impl axum::response::IntoResponseParts for ETag {
    type Error = Infallible;

    fn into_response_parts(
        self,
        mut parts: axum::response::ResponseParts,
    ) -> Result<axum::response::ResponseParts, Infallible> {
        if let Ok(value) = HeaderValue::try_from(self.0) {
            parts.headers_mut().insert(header::ETAG, value);
        }
        Ok(parts)
    }
}

impl IntoResponse for ETag {
    fn into_response(self) -> Response {
        (self, ()).into_response()
    }
}

/// `If-Match`: the versions that the client's write is meant for; any version when absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfMatch(Option<Vec<u64>>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let tags = tags(&parts.headers, header::IF_MATCH).map_err(|()| {
            Problem::new(Code::ValidationFailed, "The header If-Match is not valid.").error(
                Part::Header,
                "/if-match",
                "must be the ETag of the resource, or *",
            )
        })?;
        if tags.is_empty() || tags.iter().any(|tag| tag == "*") {
            return Ok(Self(None));
        }
        // A tag that is not one of ours is the tag of no version: it matches nothing.
        let version = |tag: &String| tag.split('.').next().and_then(|version| version.parse().ok());
        Ok(Self(Some(tags.iter().filter_map(version).collect())))
    }
}

impl IfMatch {
    /// Whether the header is absent or names this version.
    pub fn allows(&self, version: u64) -> bool {
        self.0.as_ref().is_none_or(|versions| versions.contains(&version))
    }

    /// The version that the write is meant for, if the header names one.
    ///
    /// # Errors
    /// [`Code::VersionMismatch`] for tags of which none is a version's, which match nothing, and
    /// [`Code::ValidationFailed`] for several versions: a write is meant for one.
    pub fn expected(&self) -> Result<Option<Version>, Problem> {
        match self.0.as_deref() {
            None => Ok(None),
            Some([version]) => Ok(Some(Version::new(*version))),
            Some([]) => Err(Problem::stale()),
            Some(_) => {
                Err(Problem::new(Code::ValidationFailed, "The header If-Match is not valid.")
                    .error(Part::Header, "/if-match", "must name one version"))
            }
        }
    }

    /// Refuses a write that is meant for another version than the present one.
    ///
    /// # Errors
    /// [`Code::VersionMismatch`].
    pub fn check(&self, present: u64) -> Result<(), Problem> {
        if self.allows(present) {
            return Ok(());
        }
        Err(Problem::stale())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn if_match(value: &str) -> Result<IfMatch, Code> {
        let request = Request::builder().header("if-match", value).body(()).unwrap();
        let mut parts = request.into_parts().0;
        IfMatch::from_request_parts(&mut parts, &()).await.map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn a_write_names_the_version_it_is_meant_for() {
        let expected = async |value| {
            let version = if_match(value).await.unwrap().expected();
            version.map_err(|problem| problem.code()).map(|version| version.map(Version::get))
        };
        assert_eq!(expected("\"7\"").await, Ok(Some(7)));
        assert_eq!(expected("W/\"7.00ff\"").await, Ok(Some(7)));
        assert_eq!(expected("*").await, Ok(None));
        assert_eq!(expected("\"other\"").await, Err(Code::VersionMismatch));
        assert_eq!(expected("\"7\", \"8\"").await, Err(Code::ValidationFailed));
        assert!(if_match("*").await.unwrap().allows(9));
        let either = if_match("\"7\" , \"8\"").await.unwrap();
        assert!(either.allows(7) && either.allows(8) && !either.allows(9));
        assert_eq!(either.check(9).unwrap_err().code(), Code::VersionMismatch);
        assert!(!if_match("\"other\"").await.unwrap().allows(1));
        for bad in ["7", "\"7", "\"7\" \"8\"", "\"7\",", ""] {
            assert_eq!(if_match(bad).await, Err(Code::ValidationFailed), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_client_that_has_it_is_told_so() {
        let first = IfNoneMatch::default().answer(3, &"text");
        assert_eq!(first.status(), StatusCode::OK);
        let etag = first.headers()[header::ETAG].to_str().unwrap();
        let ask = async |tag: &str| {
            let request = Request::builder().header("if-none-match", tag).body(()).unwrap();
            let mut parts = request.into_parts().0;
            let Ok(known) = IfNoneMatch::from_request_parts(&mut parts, &()).await;
            known.answer(3, &"text").status()
        };
        assert_eq!(ask(etag).await, StatusCode::NOT_MODIFIED);
        assert_eq!(ask(&format!("\"x\", W/{etag}")).await, StatusCode::NOT_MODIFIED);
        assert_eq!(ask("\"3\"").await, StatusCode::OK);
        assert_eq!(ask("nonsense").await, StatusCode::OK);
    }
}

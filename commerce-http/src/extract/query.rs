//! The query string.

use axum::{
    extract::{FromRequestParts, MatchedPath, NestedPath},
    http::request::Parts,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::invalid;
use crate::{
    openapi::takes_parameters,
    problem::{Part, Problem},
};

/// The query string as `T`, which should refuse unknown fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default(), &[]).map(Self)
    }
}

/// Refuses any parameter of an operation that takes none. The others refuse those that they do not know.
pub(crate) fn refuse_unknown(parts: &Parts) -> Result<(), Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    let Some(query) = parts.uri.query() else { return Ok(()) };
    let route = parts.extensions.get().map_or("", MatchedPath::as_str);
    let nested = parts.extensions.get().map_or("", NestedPath::as_str);
    if takes_parameters(&parts.method, route.strip_prefix(nested).unwrap_or(route)) {
        return Ok(());
    }
    parse::<Nothing>(query, &[]).map(drop)
}

/// Reads `a=1&b=2`; a key that stands twice is refused unless `T` takes several. `further` are the
/// parameters that the same address takes besides those of `T`.
pub(crate) fn parse<T: DeserializeOwned>(query: &str, further: &[&str]) -> Result<T, Problem> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let message = error.inner().to_string();
        let message = unknown(&message, further).unwrap_or(message);
        invalid(Part::Query, error, &message)
    })
}

/// What serde says of a field that it does not know, with all that it could have been.
fn unknown(message: &str, further: &[&str]) -> Option<String> {
    let mut names = message.strip_prefix("unknown field `")?.split('`').step_by(2);
    let unknown = names.next()?;
    let known: Vec<_> =
        names.chain(further.iter().copied()).map(|name| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Some(format!("unknown parameter `{unknown}`; the parameters here are {known}"))
}

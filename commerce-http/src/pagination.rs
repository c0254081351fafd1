//! Lists in pages: `limit`, `cursor` and `total` in the query, [`Page`] in the answer.

use std::{borrow::Cow, fmt};

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use commerce_core::store::{self, CursorKey};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    extract::parse_query,
    problem::{Code, Part, Problem},
};

/// The most items that a page holds.
pub const LIMIT_MAX: u32 = 100;
/// The items that a page holds when the client does not say.
pub const LIMIT_DEFAULT: u32 = 20;
/// The longest cursor, in bytes before encoding.
pub const CURSOR_BYTES_MAX: usize = 2048;

/// Where the next page begins: bytes that only the server understands, as unpadded base64url.
///
/// ```
/// use commerce_http::pagination::Cursor;
/// let cursor = Cursor::new(b"2026-01-01/42".to_vec());
/// assert_eq!(cursor.to_string().parse::<Cursor>().unwrap().as_bytes(), b"2026-01-01/42");
/// ```
#[derive(Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, example = "MjAyNi0wMS0wMS80Mg")]
pub struct Cursor(Vec<u8>);

/// Why a text is not a cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next_cursor` of an earlier page")]
pub struct CursorError;

impl Cursor {
    /// Wraps bytes, at most [`CURSOR_BYTES_MAX`] if clients are to send it back.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes. They came from a client: check them like any other input.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Cursor {
    type Err = CursorError;
    fn from_str(text: &str) -> Result<Self, CursorError> {
        match BASE64_URL_SAFE_NO_PAD.decode(text) {
            Ok(bytes) if !bytes.is_empty() && bytes.len() <= CURSOR_BYTES_MAX => Ok(Self(bytes)),
            _ => Err(CursorError),
        }
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(Error::custom)
    }
}

/// Which page a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Pagination {
    /// The most items to return.
    #[serde(default = "limit_default", deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
    /// The `next_cursor` of the page before; absent for the first page.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
    /// Whether to count all items of the list.
    #[serde(default)]
    #[param(default = false)]
    pub total: bool,
}

impl Default for Pagination {
    /// The first page, of the default size and without the total.
    fn default() -> Self {
        Self { limit: LIMIT_DEFAULT, cursor: None, total: false }
    }
}

impl Pagination {
    /// The same as the shop's lists take it that are sorted by a number or a time.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] for a cursor that no page of such a list ended with.
    pub fn request(&self) -> Result<store::PageRequest, Problem> {
        self.request_after(|key| matches!(key, CursorKey::Number(_)))
    }

    /// The same as the shop's lists take it that are sorted by a text.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] for a cursor that no page of such a list ended with.
    pub fn request_by_text(&self) -> Result<store::PageRequest, Problem> {
        self.request_after(|key| matches!(key, CursorKey::Text(_)))
    }

    fn request_after(
        &self,
        fits: impl FnOnce(&CursorKey) -> bool,
    ) -> Result<store::PageRequest, Problem> {
        let after = self.cursor.as_ref().map(|cursor| {
            serde_json::from_slice(&cursor.0)
                .ok()
                .filter(|after: &store::Cursor| fits(&after.key))
                .ok_or_else(|| invalid_query("/cursor", CursorError.to_string()))
        });
        Ok(store::PageRequest {
            limit: usize::try_from(self.limit).unwrap_or(store::PageRequest::LIMIT_MAX),
            after: after.transpose()?,
            total: self.total,
        })
    }
}

/// A parameter of the query that is against a rule.
pub(crate) fn invalid_query(pointer: &str, detail: impl Into<String>) -> Problem {
    let problem = Problem::new(Code::ValidationFailed, "The query string is not valid.");
    problem.error(Part::Query, pointer, detail)
}

fn limit_default() -> u32 {
    LIMIT_DEFAULT
}

fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    match text.parse() {
        Ok(limit @ 1..=LIMIT_MAX) => Ok(limit),
        _ => Err(D::Error::custom("must be a whole number from 1 to 100")),
    }
}

/// The query of a list: which page, and `T`, a filter that refuses fields it does not know.
#[derive(Debug, Clone)]
pub struct List<T> {
    /// The rest of the query.
    pub filter: T,
    /// Which page of it.
    pub page: Pagination,
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for List<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let (page, filter): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| {
            form_urlencoded::parse(pair.as_bytes())
                .any(|(name, _)| matches!(&*name, "limit" | "cursor" | "total"))
        });
        Ok(Self { page: parse_query(&page.join("&"))?, filter: parse_query(&filter.join("&"))? })
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Asks for the page after this one; null at the end.
    #[schema(required = true)]
    pub next_cursor: Option<Cursor>,
    /// How many items the whole list has, when asked for by `total=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// All that there is, in one page.
    pub fn all(items: Vec<T>) -> Self {
        Self { items, next_cursor: None, total: None }
    }
}

impl<T> TryFrom<store::Page<T>> for Page<T> {
    type Error = Problem;

    fn try_from(page: store::Page<T>) -> Result<Self, Problem> {
        let next = page.next.map(|next| serde_json::to_vec(&next)).transpose();
        let next_cursor = next.map_err(Problem::internal)?.map(Cursor::new);
        Ok(Self { items: page.items, next_cursor, total: page.total })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        tag: Option<String>,
        min_price: Option<i64>,
    }

    async fn list(query: &str) -> Result<List<Filter>, Problem> {
        let request = Request::builder().uri(format!("/?{query}")).body(()).unwrap();
        let mut parts = request.into_parts().0;
        List::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn a_query_is_a_page_and_a_filter() {
        let first = list("").await.unwrap();
        assert_eq!(first.page, Pagination::default());
        let cursor = Cursor::new(vec![0, 255, 7]);
        let query = format!("tag=a%26b&l%69mit=100&min_price=0&cursor={cursor}&total=true");
        let List { filter, page } = list(&query).await.unwrap();
        assert_eq!(filter.tag.as_deref(), Some("a&b"));
        assert_eq!(filter.min_price, Some(0));
        assert_eq!(page, Pagination { limit: 100, cursor: Some(cursor), total: true });
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_query_is_pointed_at() {
        for (query, pointer) in [
            ("limit=0", "/limit"),
            ("limit=101", "/limit"),
            ("limit=-1", "/limit"),
            ("limit=", "/limit"),
            ("limit=1&limit=2", ""),
            ("cursor=", "/cursor"),
            ("cursor=%2B%2B", "/cursor"),
            ("total=maybe", "/total"),
            ("min_price=1.5", "/min_price"),
            ("colour=red", "/colour"),
        ] {
            let problem = list(query).await.unwrap_err();
            assert_eq!(problem.code(), Code::ValidationFailed, "{query}");
            let error = problem.errors().first().unwrap();
            assert_eq!((error.part, error.pointer.as_str()), (Part::Query, pointer), "{query}");
        }
    }

    #[test]
    fn a_page_ends_where_the_next_begins() {
        for key in [CursorKey::Number(-5), CursorKey::Text("\u{1f9e6}".repeat(255))] {
            let next = store::Cursor { key, id: Default::default() };
            let page = store::Page { items: vec![1], next: Some(next.clone()), total: Some(2) };
            let page = Page::try_from(page).unwrap();
            let cursor = page.next_cursor.unwrap().to_string().parse().ok();
            assert!(cursor.is_some());
            let page = Pagination { cursor, ..Pagination::default() };
            let (fitting, other) = match next.key {
                CursorKey::Number(_) => (page.request(), page.request_by_text()),
                CursorKey::Text(_) => (page.request_by_text(), page.request()),
            };
            let request = fitting.unwrap();
            assert_eq!((request.limit, request.after), (20, Some(next)));
            assert_eq!(other.unwrap_err().errors().first().unwrap().pointer, "/cursor");
        }
        let cursor = Some(Cursor::new(b"{}".to_vec()));
        let refused = Pagination { cursor, ..Pagination::default() }.request().unwrap_err();
        assert_eq!(refused.errors().first().unwrap().pointer, "/cursor");
    }

    #[test]
    fn the_last_page_says_so() {
        let page = Page::all(vec![1]);
        assert_eq!(
            serde_json::to_value(page).unwrap(),
            serde_json::json!({"items": [1], "next_cursor": null})
        );
    }
}

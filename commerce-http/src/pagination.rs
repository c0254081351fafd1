//! Lists in pages: `limit`, `cursor` and `total` in the query, [`Page`] in the answer.

use std::{borrow::Cow, fmt};

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use commerce_core::{secret::Digest, store};
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
#[derive(Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, example = "MjAyNi0wMS0wMS80Mg")]
pub struct Cursor(Vec<u8>);

/// Why a text is not a cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be the `next_cursor` of an earlier page of this list, with the same filters and order"
)]
pub struct CursorError;

/// Names a list by its address and filters, briefly, so that a cursor of another one is told apart.
/// Whoever makes up a cursor can make up this too, and reads from a place that no page ended with.
type ListName = [u8; 8];

impl Cursor {
    /// Wraps bytes, at most [`CURSOR_BYTES_MAX`] if clients are to send it back.
    ///
    /// ```
    /// use commerce_http::pagination::Cursor;
    /// let cursor = Cursor::new(b"2026-01-01/42".to_vec());
    /// assert_eq!(cursor.to_string().parse::<Cursor>().unwrap().as_bytes(), b"2026-01-01/42");
    /// ```
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
    #[param(
        value_type = Option<String>, min_length = 1, max_length = 2731, pattern = r"^[A-Za-z0-9_\-]+$"
    )]
    pub cursor: Option<Cursor>,
    /// Whether to count all items of the list.
    #[serde(default)]
    #[param(default = false)]
    pub total: bool,
    /// Which list it is a page of.
    #[serde(skip)]
    #[param(ignore)]
    list: ListName,
}

impl Default for Pagination {
    /// The first page, of the default size and without the total.
    fn default() -> Self {
        Self { limit: LIMIT_DEFAULT, cursor: None, total: false, list: ListName::default() }
    }
}

impl Pagination {
    /// Its parameters in a query.
    const PARAMETERS: [&str; 3] = ["limit", "cursor", "total"];

    /// The same as the shop's lists take it.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] for a cursor that no page of this list ended with.
    pub fn request(&self) -> Result<store::PageRequest, Problem> {
        let after = self.cursor.as_ref().map(|cursor| {
            let after = cursor.0.strip_prefix(&self.list);
            after
                .and_then(|after| serde_json::from_slice(after).ok())
                .ok_or_else(|| invalid_query("/cursor", CursorError.to_string()))
        });
        Ok(store::PageRequest {
            limit: usize::try_from(self.limit).unwrap_or(store::PageRequest::LIMIT_MAX),
            after: after.transpose()?,
            total: self.total,
        })
    }

    /// What is answered with a page of the list.
    ///
    /// # Errors
    /// [`Code::Internal`] for a page that cannot be written down.
    pub fn answer<T>(&self, page: store::Page<T>) -> Result<Page<T>, Problem> {
        let next_cursor = page.next.map(|next| {
            let mut bytes = self.list.to_vec();
            serde_json::to_writer(&mut bytes, &next).map_err(Problem::internal)?;
            Ok::<_, Problem>(Cursor::new(bytes))
        });
        Ok(Page { items: page.items, next_cursor: next_cursor.transpose()?, total: page.total })
    }
}

fn name_of(path: &str, filter: &str) -> ListName {
    let mut pairs: Vec<_> = form_urlencoded::parse(filter.as_bytes()).collect();
    pairs.sort();
    let digest = Digest::of(format!("{path} {pairs:?}").as_bytes());
    let mut name = ListName::default();
    name.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
    name
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
                .any(|(name, _)| Pagination::PARAMETERS.contains(&&*name))
        });
        let filter = filter.join("&");
        let page: Pagination = parse_query(&page.join("&"), &[])?;
        let list = name_of(parts.uri.path(), &filter);
        let filter = parse_query(&filter, &Pagination::PARAMETERS)?;
        Ok(Self { page: Pagination { list, ..page }, filter })
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

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use commerce_core::store::CursorKey;

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
        assert_eq!(first.page, Pagination { list: first.page.list, ..Pagination::default() });
        let cursor = Cursor::new(vec![0, 255, 7]);
        let query = format!("tag=a%26b&l%69mit=100&min_price=0&cursor={cursor}&total=true");
        let List { filter, page } = list(&query).await.unwrap();
        assert_eq!(filter.tag.as_deref(), Some("a&b"));
        assert_eq!(filter.min_price, Some(0));
        assert_eq!((page.limit, page.cursor, page.total), (100, Some(cursor), true));
        // As its parameter is documented.
        assert_eq!(Cursor::new(vec![0; CURSOR_BYTES_MAX]).to_string().len(), 2731);
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_query_is_pointed_at() {
        for (query, pointer) in [
            ("limit=0", "/limit"),
            ("limit=101", "/limit"),
            ("limit=-1", "/limit"),
            ("limit=", "/limit"),
            ("limit=1&limit=2", "/limit"),
            ("cursor=", "/cursor"),
            ("cursor=%2B%2B", "/cursor"),
            ("total=maybe", "/total"),
            ("tag=a&tag=b", "/tag"),
            ("min_price=1.5", "/min_price"),
            ("colour=red", "/colour"),
        ] {
            let problem = list(query).await.unwrap_err();
            assert_eq!(problem.code(), Code::ValidationFailed, "{query}");
            let error = problem.errors().first().unwrap();
            assert_eq!((error.part, error.pointer.as_str()), (Part::Query, pointer), "{query}");
            if pointer == "/total" {
                assert_eq!(error.detail, "must be true or false");
            }
        }
    }

    #[tokio::test]
    async fn an_unknown_parameter_is_told_all_that_there_are() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        let detail = |problem: Problem| problem.errors().first().unwrap().detail.clone();
        assert_eq!(
            detail(list("colour=red").await.unwrap_err()),
            "unknown parameter `colour`; the parameters here are `tag`, `min_price`, `limit`, \
             `cursor`, `total`"
        );
        for (further, known) in [(&["limit"][..], "`limit`"), (&[], "none")] {
            assert_eq!(
                detail(parse_query::<Nothing>("tag=a", further).unwrap_err()),
                format!("unknown parameter `tag`; the parameters here are {known}")
            );
        }
    }

    #[tokio::test]
    async fn a_page_ends_where_the_next_begins() {
        for key in [CursorKey::Number(-5), CursorKey::Text("\u{1f9e6}".repeat(255))] {
            let next = store::Cursor { key, id: Default::default() };
            let page = store::Page { items: vec![1], next: Some(next.clone()), total: Some(2) };
            let first = list("tag=a&min_price=1").await.unwrap().page;
            let cursor = first.answer(page).unwrap().next_cursor.unwrap();
            // The order of the parameters and how they are written do not matter.
            for same in ["tag=a&min_price=1", "min_price=1&tag=%61&limit=7&total=true"] {
                let page = list(&format!("{same}&cursor={cursor}")).await.unwrap().page;
                assert_eq!(page.request().unwrap().after, Some(next.clone()), "{same}");
            }
            for other in ["tag=b&min_price=1", "tag=a", ""] {
                let page = list(&format!("{other}&cursor={cursor}")).await.unwrap().page;
                let refused = page.request().unwrap_err();
                assert_eq!(refused.errors().first().unwrap().pointer, "/cursor", "{other}");
            }
        }
    }

    #[test]
    fn a_list_is_named_by_its_address_and_filters() {
        assert_ne!(name_of("/products", "q=a"), name_of("/products/search", "q=a"));
        assert_ne!(name_of("/products", "q=a&tag=b"), name_of("/products", "q=a%26tag=b"));
        assert_eq!(name_of("/products", "q=a&tag=b"), name_of("/products", "tag=b&q=a"));
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

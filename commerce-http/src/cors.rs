//! Which other sites' pages may call the server from a browser; none unless configured.

use std::{fmt, str::FromStr, time::Duration};

use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::frame::REQUEST_ID;

/// A site by its origin, such as `https://shop.example`, or `*` for any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// Why a text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an origin such as https://shop.example, without a path, or *")]
pub struct OriginError;

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let uri = || text.parse::<Uri>().ok();
        let is_origin = |uri: Uri| {
            let scheme = uri.scheme_str().filter(|s| matches!(*s, "http" | "https"));
            let host = uri.authority().filter(|a| !a.as_str().contains('@'));
            // Browsers send exactly this form, and it is compared byte for byte.
            scheme.zip(host).is_some_and(|(s, h)| format!("{s}://{h}") == text)
                && !text.bytes().any(|b| b.is_ascii_uppercase())
        };
        if text != "*" && !uri().is_some_and(is_origin) {
            return Err(OriginError);
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| OriginError)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// How long a browser may keep what it was allowed.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// The layer that answers browsers on behalf of these sites; `None` without any. Tokens travel in
/// headers and never in cookies, so that no site can use another's credentials.
pub(crate) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = if origins.iter().any(|origin| origin.0 == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().map(|origin| origin.0.clone()))
    };
    let idempotency_key = HeaderName::from_static("idempotency-key");
    let cart_token = HeaderName::from_static("cart-token");
    let replayed = HeaderName::from_static("idempotency-replayed");
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::IF_MATCH,
                header::IF_NONE_MATCH,
                cart_token,
                idempotency_key,
                REQUEST_ID,
            ])
            .expose_headers([
                header::ETAG,
                header::LOCATION,
                header::RETRY_AFTER,
                replayed,
                REQUEST_ID,
            ])
            .max_age(MAX_AGE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        for good in ["*", "https://shop.example", "http://localhost:3000"] {
            assert_eq!(good.parse::<Origin>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "shop.example",
            "https://shop.example/",
            "https://a.b/c",
            "ftp://a.b",
            "https://u@a.b",
            "HTTPS://a.b",
            "https://A.b",
            "null",
            "https://*.a.b/",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}

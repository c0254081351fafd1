//! Headers: the idempotency key, and the secrets that say who asks.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use commerce_core::text;

use crate::{
    problem::{Code, Part, Problem},
    secret::Secret,
};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const CART_TOKEN: &str = "cart-token";

/// The value of a header that may stand at most once; `Err` when it stands twice or is not ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        (Ok(_), Some(_)) => Err(invalid(name, "must stand only once")),
        (Err(_), _) => Err(invalid(name, "must be printable ASCII")),
    }
}

fn invalid(name: &str, detail: impl Into<String>) -> Problem {
    Problem::new(Code::ValidationFailed, format!("The header {name} is not valid.")).error(
        Part::Header,
        format!("/{name}"),
        detail,
    )
}

/// `Idempotency-Key`: 1 to 255 printable ASCII characters.
///
/// Taken bare it is required; `Option<IdempotencyKey>` takes a request without.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub text::IdempotencyKey);

impl<S: Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        let Some(key) = single(&parts.headers, IDEMPOTENCY_KEY)? else { return Ok(None) };
        text::IdempotencyKey::new(key)
            .map(|key| Some(Self(key)))
            .map_err(|error| invalid(IDEMPOTENCY_KEY, error.to_string()))
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let key = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        key.ok_or_else(|| {
            Problem::new(
                Code::IdempotencyKeyMissing,
                "This request must carry an Idempotency-Key of 1 to 255 printable ASCII characters.",
            )
        })
    }
}

/// The token of `Authorization: Bearer …`, as sent; who it belongs to is for others to say.
///
/// Taken bare it is required; `Option<Bearer>` takes a request without. A header that is there
/// but is not a bearer token (RFC 6750) is refused either way.
#[derive(Debug, Clone)]
pub struct Bearer(pub Secret);

/// The longest token, in bytes.
const TOKEN_MAX: usize = 4096;

impl<S: Sync> OptionalFromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let token = value
            .to_str()
            .ok()
            .filter(|_| values.next().is_none())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim_start_matches(' '))
            .filter(|token| !token.is_empty() && token.len() <= TOKEN_MAX)
            .filter(|token| token.bytes().all(is_token));
        match token {
            Some(token) => Ok(Some(Self(Secret::new(token)))),
            None => Err(Problem::new(
                Code::Unauthenticated,
                "Authorization must be one bearer token: `Bearer` and the token.",
            )),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let token = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        token.ok_or_else(|| {
            Problem::new(Code::Unauthenticated, "This request must carry a bearer token.")
        })
    }
}

/// `b64token` of RFC 6750, section 2.1.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

/// The secret of a guest's cart, sent as `Cart-Token`.
///
/// Taken bare it is required; `Option<CartToken>` takes a request without.
#[derive(Debug, Clone)]
pub struct CartToken(pub Secret);

impl<S: Sync> OptionalFromRequestParts<S> for CartToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        match single(&parts.headers, CART_TOKEN)? {
            None => Ok(None),
            Some(token) if !token.is_empty() && token.len() <= TOKEN_MAX => {
                Ok(Some(Self(Secret::new(token))))
            }
            Some(_) => Err(invalid(CART_TOKEN, "must be the secret that the cart came with")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for CartToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let token = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        token.ok_or_else(|| {
            Problem::new(Code::Unauthenticated, "This request must carry the cart's Cart-Token.")
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn take<T>(name: &str, value: &str) -> Result<Option<T>, Code>
    where
        T: OptionalFromRequestParts<(), Rejection = Problem>,
    {
        let (mut parts, ()) = Request::builder().header(name, value).body(()).unwrap().into_parts();
        T::from_request_parts(&mut parts, &()).await.map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn bearer_tokens() {
        let token = take::<Bearer>("authorization", "bearer  abc-._~+/=").await.unwrap().unwrap();
        assert_eq!(token.0.expose(), "abc-._~+/=");
        for bad in ["Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer a,b", "abc"] {
            assert_eq!(
                take::<Bearer>("authorization", bad).await.unwrap_err(),
                Code::Unauthenticated,
                "{bad}"
            );
        }
    }

    #[tokio::test]
    async fn idempotency_keys() {
        let longest = "k".repeat(255);
        assert!(take::<IdempotencyKey>(IDEMPOTENCY_KEY, &longest).await.unwrap().is_some());
        assert!(take::<IdempotencyKey>("other", "x").await.unwrap().is_none());
        for bad in ["", &"k".repeat(256)] {
            let refused = take::<IdempotencyKey>(IDEMPOTENCY_KEY, bad).await;
            assert_eq!(refused.unwrap_err(), Code::ValidationFailed);
        }
        let twice = Request::builder()
            .header(IDEMPOTENCY_KEY, "a")
            .header(IDEMPOTENCY_KEY, "b")
            .body(())
            .unwrap();
        let mut parts = twice.into_parts().0;
        let refused =
            <IdempotencyKey as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await;
        assert_eq!(refused.unwrap_err().code(), Code::ValidationFailed);
        let mut parts = Request::new(()).into_parts().0;
        let missing =
            <IdempotencyKey as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await;
        assert_eq!(missing.unwrap_err().code(), Code::IdempotencyKeyMissing);
    }
}

//! Who asks, read from the headers of a request.

use std::ops::Deref;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use commerce_core::{access, access::Actor, secret::Secret};

use crate::{
    app::App,
    extract::{Bearer, CartToken, IdempotencyKey, refuse_unknown},
    problem::{Code, Part, Problem},
};

/// Whoever asks: the bearer of a token, the owner of a guest's cart, or anybody.
///
/// As every operation that is somebody's takes one of these, they also refuse the parameters of a query
/// where it takes none. The key of `Idempotency-Key`, if it is there, is the caller's key. A token that stands for
/// nobody is refused rather than taken for no token.
#[derive(Debug, Clone)]
pub struct Caller(pub access::Caller);

/// As [`Caller`], with an `Idempotency-Key`, without which the request is refused.
#[derive(Debug, Clone)]
pub struct KeyedCaller(pub access::Caller);

/// The back office. Whoever shows no token is answered with 401, anybody else with 403.
#[derive(Debug, Clone)]
pub struct BackOffice(pub access::Caller);

/// As [`BackOffice`], with an `Idempotency-Key`, without which the request is refused.
#[derive(Debug, Clone)]
pub struct KeyedBackOffice(pub access::Caller);

macro_rules! callers {
    ($($name:ident),*) => {$(
        impl Deref for $name {
            type Target = access::Caller;
            fn deref(&self) -> &access::Caller {
                &self.0
            }
        }
    )*};
}

callers!(Caller, KeyedCaller, BackOffice, KeyedBackOffice);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = identify(parts, app).await?;
        with_key_if_any(parts, app, caller).await.map(Self)
    }
}

impl FromRequestParts<App> for KeyedCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = identify(parts, app).await?;
        with_key(parts, app, caller).await.map(Self)
    }
}

impl FromRequestParts<App> for BackOffice {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // Who may not do it hears so first; another request would not help.
        let caller = identify(parts, app).await?;
        require_back_office(&caller)?;
        with_key_if_any(parts, app, caller).await.map(Self)
    }
}

impl FromRequestParts<App> for KeyedBackOffice {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = identify(parts, app).await?;
        require_back_office(&caller)?;
        with_key(parts, app, caller).await.map(Self)
    }
}

/// The caller with the key of a request that may have one.
async fn with_key_if_any(
    parts: &mut Parts,
    app: &App,
    caller: access::Caller,
) -> Result<access::Caller, Problem> {
    refuse_unknown(parts)?;
    let key = <IdempotencyKey as OptionalFromRequestParts<App>>::from_request_parts(parts, app);
    Ok(match key.await? {
        Some(IdempotencyKey(key)) => caller.with_key(key),
        None => caller,
    })
}

/// The caller with the key of a request that must have one.
async fn with_key(
    parts: &mut Parts,
    app: &App,
    caller: access::Caller,
) -> Result<access::Caller, Problem> {
    refuse_unknown(parts)?;
    let key = <IdempotencyKey as FromRequestParts<App>>::from_request_parts(parts, app);
    Ok(caller.with_key(key.await?.0))
}

async fn identify(parts: &mut Parts, app: &App) -> Result<access::Caller, Problem> {
    let bearer = <Bearer as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await?;
    if let Some(Bearer(token)) = bearer {
        let unknown = || Problem::new(Code::Unauthenticated, "The token is not valid.");
        let secret: Secret = token.expose().parse().map_err(|_| unknown())?;
        return app.commerce().caller_of_token(&secret).await?.ok_or_else(unknown);
    }
    let guest = <CartToken as OptionalFromRequestParts<App>>::from_request_parts(parts, app);
    let Some(CartToken(token)) = guest.await? else { return Ok(access::Caller::anonymous()) };
    match token.expose().parse() {
        Ok(secret) => Ok(access::Caller::guest(&secret)),
        Err(_) => Err(Problem::new(Code::ValidationFailed, "The Cart-Token is not one.").error(
            Part::Header,
            "/cart-token",
            "must be the `token` that the cart came with",
        )),
    }
}

/// Refuses everybody but the back office: with 401 whoever shows no token, with 403 anybody else.
pub(crate) fn require_back_office(caller: &access::Caller) -> Result<(), Problem> {
    match caller.actor {
        Actor::Anonymous => {
            Err(Problem::new(Code::Unauthenticated, "This needs a token of the back office."))
        }
        _ => Ok(caller.require_back_office()?),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use commerce_core::{access::Scope, store::ApiTokenRef, text::Label};

    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request =
            headers.iter().fold(Request::builder(), |r, (name, value)| r.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    async fn take<T>(app: &App, headers: &[(&str, &str)]) -> Result<T, Code>
    where
        T: FromRequestParts<App, Rejection = Problem>,
    {
        T::from_request_parts(&mut parts(headers), app).await.map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn headers_say_who_asks() {
        let app = crate::app::tests::app().await;
        let commerce = app.commerce();
        let system = access::Caller::system();
        let label = Label::new("test").unwrap();
        let made = commerce.create_token(&system, &label, Scope::Admin).await.unwrap();
        let bearer = format!("Bearer {}", made.token);
        let staff = [("authorization", bearer.as_str())];
        let guest_secret = "ab".repeat(32);
        let guest = [("cart-token", guest_secret.as_str())];
        let unknown = format!("Bearer {guest_secret}");

        assert_eq!(take::<Caller>(&app, &[]).await.unwrap().actor, Actor::Anonymous);
        assert!(matches!(take::<Caller>(&app, &guest).await.unwrap().actor, Actor::Guest(_)));
        assert!(take::<Caller>(&app, &staff).await.unwrap().is_back_office());
        let both = [staff[0], guest[0]];
        assert!(take::<Caller>(&app, &both).await.unwrap().is_back_office());
        for bad in [unknown.as_str(), "Bearer abc", "Basic YTpi"] {
            let refused = take::<Caller>(&app, &[("authorization", bad)]).await;
            assert_eq!(refused.unwrap_err(), Code::Unauthenticated, "{bad}");
        }
        let refused = take::<Caller>(&app, &[("cart-token", "abc")]).await;
        assert_eq!(refused.unwrap_err(), Code::ValidationFailed);

        assert_eq!(take::<BackOffice>(&app, &[]).await.unwrap_err(), Code::Unauthenticated);
        assert_eq!(take::<BackOffice>(&app, &guest).await.unwrap_err(), Code::Forbidden);
        assert!(take::<BackOffice>(&app, &staff).await.is_ok());

        let missing = Code::IdempotencyKeyMissing;
        assert_eq!(take::<KeyedCaller>(&app, &guest).await.unwrap_err(), missing);
        assert_eq!(take::<KeyedBackOffice>(&app, &staff).await.unwrap_err(), missing);
        assert_eq!(take::<KeyedBackOffice>(&app, &[]).await.unwrap_err(), Code::Unauthenticated);
        let keyed = [staff[0], ("idempotency-key", "k")];
        let key = take::<KeyedBackOffice>(&app, &keyed).await.unwrap().0.key.unwrap();
        assert_eq!(key.as_str(), "k");
        assert!(take::<BackOffice>(&app, &keyed).await.unwrap().key.is_some());

        commerce.revoke_token(&system, &ApiTokenRef::Id(made.id)).await.unwrap();
        assert_eq!(take::<Caller>(&app, &staff).await.unwrap_err(), Code::Unauthenticated);
    }
}

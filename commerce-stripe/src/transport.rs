//! The way of a request to Stripe and of its answer back.
//!
//! Requests are built by the library; they are sent here. Its own client keeps no connection open,
//! tells a connection that was refused and an answer that was lost by one text, and drops the headers by
//! which Stripe says whether and when to try again.

use std::{fmt, time::Duration};

use commerce_core::text::IdempotencyKey;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    HeaderMap, Method, Request,
    body::Bytes,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::de::DeserializeOwned;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_shared::version::VERSION;
use tokio::time::Instant;

use crate::{
    config::{ConfigError, Patience, StripeConfig},
    failure::{Answered, Failure, What},
    object::{ErrorBody, List, Named},
};

/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 8 << 20;
/// The longest that a call may last, which is what the port allows.
const CALL_MAX: Duration = Duration::from_secs(30);
/// How long a connection is kept open without a request.
const IDLE: Duration = Duration::from_secs(60);
/// How many pages of a list are followed.
const PAGES_MAX: usize = 100;

/// Sends requests.
#[derive(Clone)]
pub(crate) struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    api: String,
    authorization: HeaderValue,
    patience: Patience,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("api", &self.api).finish_non_exhaustive()
    }
}

/// One whole answer.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Transport {
    pub(crate) fn new(config: &StripeConfig) -> Result<Self, ConfigError> {
        let (api, patience) = (config.checked_api()?, config.patience.within(CALL_MAX));
        let bearer = format!("Bearer {}", config.secret_key.reveal());
        let mut authorization =
            HeaderValue::try_from(bearer).map_err(|_| ConfigError::SecretKey)?;
        authorization.set_sensitive(true);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(patience.connect));
        tcp.set_nodelay(true);
        // What is in the clear is on this machine: the address was checked.
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client, api, authorization, patience })
    }

    /// Begins a call: what is asked in it has one end together.
    pub(crate) fn call(&self) -> Call<'_> {
        Call { transport: self, ends: Instant::now() + self.patience.call }
    }
}

/// One call of the shop's, of one or more requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    transport: &'a Transport,
    ends: Instant,
}

impl Call<'_> {
    /// Asks for something that changes nothing.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        request: &impl StripeRequest,
    ) -> Result<T, Failure> {
        self.ask(&request.build(), None).await
    }

    /// Asks for a change, under a key that was committed before.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        request: &impl StripeRequest,
        key: &IdempotencyKey,
    ) -> Result<T, Failure> {
        self.ask(&request.build(), Some(key)).await
    }

    /// Asks for an end of something, which needs no key: what is gone cannot go again.
    pub(crate) async fn erase<T: DeserializeOwned>(
        &self,
        request: &impl StripeRequest,
    ) -> Result<T, Failure> {
        self.ask(&request.build(), None).await
    }

    /// Follows a list to its end: `page` asks for what comes after an id.
    pub(crate) async fn list<T, R>(
        &self,
        page: impl Fn(Option<&str>) -> R,
    ) -> Result<Vec<T>, Failure>
    where
        T: DeserializeOwned + Named,
        R: StripeRequest,
    {
        let mut items: Vec<T> = Vec::new();
        for _ in 0..PAGES_MAX {
            let request = page(items.last().map(Named::id));
            let page: List<T> = self.read(&request).await?;
            let is_empty = page.data.is_empty();
            items.extend(page.data);
            if !page.has_more || is_empty {
                return Ok(items);
            }
        }
        Err(Failure::unreadable("the list is longer than can be followed"))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: &RequestBuilder,
        key: Option<&IdempotencyKey>,
    ) -> Result<T, Failure> {
        let (patience, ends) = (self.transport.patience, self.ends);
        let mut lost_before = false;
        let mut tries = 0;
        loop {
            tries += 1;
            let begun = Instant::now();
            let what = match self.transport.attempt(request, key, ends).await {
                Ok(value) => {
                    log(request, tries, begun, None);
                    return Ok(value);
                }
                Err(what) => what,
            };
            log(request, tries, begun, Some(&what));
            let pause = patience.between * 2_u32.saturating_pow(tries - 1);
            let pause = pause.max(what.retry_after().unwrap_or_default());
            // What has no key changes nothing, or nothing more the second time.
            let next = Instant::now().checked_add(pause).filter(|at| *at < ends);
            let again = what.is_worth_retrying() && tries < patience.tries_max && next.is_some();
            if !again {
                return Err(Failure { what, lost_before });
            }
            lost_before |= what.may_have_happened();
            tokio::time::sleep(pause).await;
        }
    }
}

impl Transport {
    /// Makes a request once.
    async fn attempt<T: DeserializeOwned>(
        &self,
        request: &RequestBuilder,
        key: Option<&IdempotencyKey>,
        ends: Instant,
    ) -> Result<T, What> {
        let request = self.request(request, key)?;
        let deadline = ends.min(Instant::now() + self.patience.answer);
        let answer = match tokio::time::timeout_at(deadline, self.send(request)).await {
            Ok(answer) => answer?,
            Err(elapsed) => return Err(What::Lost(elapsed.into())),
        };
        let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = header("request-id").map(str::to_owned);
        if (200..300).contains(&answer.status) {
            return serde_json::from_slice(&answer.body).map_err(|error| What::Unreadable {
                status: answer.status,
                request_id,
                source: error.into(),
            });
        }
        let body: ErrorBody = match serde_json::from_slice(&answer.body) {
            Ok(body) => body,
            Err(error) => {
                let source = error.into();
                return Err(What::Unreadable { status: answer.status, request_id, source });
            }
        };
        let retry_after = header(RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
        Err(What::Answered(Box::new(Answered {
            status: answer.status,
            error: body.error,
            request_id,
            retry_after: retry_after.map(Duration::from_secs),
            should_retry: header("stripe-should-retry").and_then(|text| text.parse().ok()),
        })))
    }

    fn request(
        &self,
        built: &RequestBuilder,
        key: Option<&IdempotencyKey>,
    ) -> Result<Request<Full<Bytes>>, What> {
        let query = built.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        let method = match built.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/v1{}{query}", self.api, built.path))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(USER_AGENT, concat!("commerce-stripe/", env!("CARGO_PKG_VERSION")))
            .header("stripe-version", VERSION.as_str());
        if let Some(key) = key {
            request = request.header("idempotency-key", key.as_str());
        }
        let body = built.body.as_deref().map(in_order).unwrap_or_default();
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        request
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| What::Impossible("the request has a part that no request may have"))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, What> {
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Err(What::NotSent(error.into())),
            Err(error) => return Err(What::Lost(error.into())),
        };
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(What::Lost)?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes() })
    }
}

fn log(request: &RequestBuilder, tries: u32, begun: Instant, what: Option<&What>) {
    let (method, path) = (request.method, &request.path);
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    match what {
        None => tracing::debug!(?method, path, tries, milliseconds, "Stripe answered"),
        Some(What::Answered(answered)) => tracing::info!(
            ?method,
            path,
            tries,
            milliseconds,
            status = answered.status,
            code = answered.error.code.as_deref(),
            decline_code = answered.error.decline_code.as_deref(),
            request_id = answered.request_id.as_deref(),
            "Stripe said no"
        ),
        Some(what) => tracing::warn!(
            ?method,
            path,
            tries,
            milliseconds,
            what = ?what,
            "no answer of Stripe's"
        ),
    }
}

/// A form with its fields in one order, so that the same request is the same to the byte: the library
/// keeps some of them in hash maps.
fn in_order(form: &str) -> String {
    let mut fields: Vec<&str> = form.split('&').filter(|field| !field.is_empty()).collect();
    fields.sort_unstable();
    fields.join("&")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use commerce_core::text::GatewayName;
    use stripe_core::customer::CreateCustomer;

    use super::*;
    use crate::secret::SecretKey;

    #[test]
    fn the_same_request_is_the_same_to_the_byte() {
        let name = GatewayName::new("stripe").unwrap();
        let key = SecretKey::new("sk_test_x").unwrap();
        let transport = Transport::new(&StripeConfig::new(name, key)).unwrap();
        let body = || {
            // Each hash map has an order of its own.
            let metadata: HashMap<String, String> =
                (0..50).map(|n| (format!("key{n}"), n.to_string())).collect();
            let built = CreateCustomer::new().metadata(metadata).build();
            format!("{:?}", transport.request(&built, None).unwrap().into_body())
        };
        let first = body();
        assert!((0..10).all(|_| body() == first));
    }

    #[test]
    fn a_form_has_one_order() {
        assert_eq!(in_order("b=1&a[y]=2&a[x]=3"), in_order("a[x]=3&b=1&a[y]=2"));
        assert_eq!(in_order(""), "");
    }
}

//! What every request passes through, in one layer: its id, the limits, the log line, the
//! metrics and the headers of the answer.
//!
//! One layer rather than one for each concern: a request then costs one boxed future and one look
//! at the clock at each end.

use std::{
    any::Any,
    convert::Infallible,
    error::Error,
    fmt::{self, Write},
    hash::{BuildHasher, Hasher, RandomState},
    iter,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    body::HttpBody,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tower::{Layer, Service};

use crate::{
    extract::{BodyRules, Rest},
    metrics::RequestSeries,
    problem::{self, Cause, Code, Problem},
};

/// The header that names a request in answers and logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a client, in bytes.
const REQUEST_ID_MAX: usize = 128;

/// The longest address of a request, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 8 << 10;

/// The most bytes of a request's headers, names and values together.
pub const HEADERS_BYTES_MAX: usize = 32 << 10;

/// What requests are held to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// The time until an answer is due. A body must arrive in half of it.
    pub request_timeout: Duration,
    /// The most requests that are worked on at a time; one more is told to ask again.
    pub in_flight_max: usize,
}

impl Default for Limits {
    /// Bodies of one mebibyte, 30 seconds, 1,024 requests.
    fn default() -> Self {
        Self {
            body_bytes_max: 1 << 20,
            request_timeout: Duration::from_secs(30),
            in_flight_max: 1024,
        }
    }
}

/// Lays a [`Frame`] around each route of a router.
#[derive(Debug, Clone)]
pub struct FrameLayer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    body: BodyRules,
    in_flight: AtomicUsize,
    series: RequestSeries,
}

impl FrameLayer {
    /// A frame that holds requests to these limits.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared {
            limits,
            body: BodyRules {
                bytes_max: limits.body_bytes_max,
                within: limits.request_timeout / 2,
            },
            in_flight: AtomicUsize::new(0),
            series: RequestSeries::default(),
        }))
    }
}

impl<S> Layer<S> for FrameLayer {
    type Service = Frame<S>;

    fn layer(&self, inner: S) -> Frame<S> {
        Frame { inner, shared: self.0.clone() }
    }
}

/// A service and what every request to it passes through.
#[derive(Debug, Clone)]
pub struct Frame<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request> for Frame<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let shared = self.shared.clone();
        let record = Record {
            shared: self.shared.clone(),
            started: Instant::now(),
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
            id: request_id(request.headers()),
            status: None,
        };
        let until = record.started + shared.body.within;
        let mut rest = None;
        if !request.body().is_end_stream() {
            request.extensions_mut().insert(shared.body);
            rest = Some(Rest::of(&mut request));
        }
        let oversize = oversize(&request);
        let future = self.inner.call(request);
        Box::pin(async move {
            if let Some(problem) = oversize {
                return Ok(record.answer(problem.into_response()));
            }
            let Some(_place) = Place::take(&shared, record.route()) else {
                let busy = Problem::new(
                    Code::Overloaded,
                    "The server is busy. Nothing was done; ask again.",
                );
                return Ok(record.answer(busy.into_response()));
            };
            let guarded = AssertUnwindSafe(future).catch_unwind();
            let response = match tokio::time::timeout(shared.limits.request_timeout, guarded).await
            {
                Ok(Ok(Ok(response))) => response,
                Ok(Err(panic)) => {
                    Problem::internal(format!("panic: {}", panic_text(&*panic))).into_response()
                }
                Err(_) => Problem::new(
                    Code::TimedOut,
                    "The answer took too long. Repeat a write only with its Idempotency-Key.",
                )
                .into_response(),
            };
            let answer = record.answer(response);
            if let Some(rest) = rest {
                rest.discard(until).await;
            }
            Ok(answer)
        })
    }
}

/// Refuses a head that is too large, well before the HTTP implementation does: that one answers
/// without a word.
fn oversize(request: &Request) -> Option<Problem> {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > ADDRESS_BYTES_MAX {
        let detail = format!("The address is longer than {ADDRESS_BYTES_MAX} bytes.");
        return Some(Problem::new(Code::AddressTooLong, detail));
    }
    let headers = request.headers().iter();
    let bytes: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
    (bytes > HEADERS_BYTES_MAX).then(|| {
        let detail = format!("The headers are larger than {HEADERS_BYTES_MAX} bytes.");
        Problem::new(Code::HeadersTooLarge, detail)
    })
}

/// What a panic says.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("of unknown cause")
}

/// A place among the requests that are worked on; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    /// `None` when all are taken; health and metrics always get one.
    fn take(shared: &'a Shared, route: &str) -> Option<Self> {
        let place = Self(&shared.in_flight);
        let before = place.0.fetch_add(1, Ordering::Relaxed);
        let always = matches!(route, "/healthz" | "/readyz" | "/metrics");
        (always || before < shared.limits.in_flight_max).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One request from its head to its answer. Dropped without an answer, it notes that the client
/// hung up.
struct Record {
    shared: Arc<Shared>,
    started: Instant,
    method: Method,
    route: Option<MatchedPath>,
    id: HeaderValue,
    status: Option<u16>,
}

/// What the log says of a client that hung up; no answer carries it.
const HUNG_UP: u16 = 499;

impl Record {
    fn route(&self) -> &str {
        // The path itself would let clients choose the labels of metrics, and may hold secrets.
        self.route.as_ref().map_or("unknown", MatchedPath::as_str)
    }

    /// Completes an answer and notes it.
    fn answer(mut self, response: Response) -> Response {
        let mut response = as_problem(response);
        self.status = Some(response.status().as_u16());
        if let Some(Cause(cause)) = response.extensions_mut().remove() {
            tracing::error!(
                target: "commerce_http::fault",
                method = %self.method,
                route = self.route(),
                status = response.status().as_u16(),
                request_id = self.id.to_str().unwrap_or_default(),
                cause = chain(&*cause),
                "request failed"
            );
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.id.clone());
        for (name, value) in &SECURITY {
            if !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
        response
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        let status = self.status.unwrap_or(HUNG_UP);
        self.shared.series.record(&self.method, self.route(), status, took);
        tracing::info!(
            target: "commerce_http::request",
            method = self.method.as_str(),
            route = self.route(),
            status,
            latency_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            request_id = self.id.to_str().unwrap_or_default(),
            "request"
        );
    }
}

/// An error and its sources on one line, each once: a source that says no more than was said is left out,
/// and one that says it and more takes its place.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for error in iter::successors(Some(error), |&error| error.source()) {
        let part = error.to_string();
        match parts.last_mut() {
            Some(last) if ends_with(last, &part) => {}
            Some(last) if ends_with(&part, last) => *last = part,
            _ => parts.push(part),
        }
    }
    parts.join(": ")
}

/// Whether a text ends with these words, and not in the middle of one.
fn ends_with(text: &str, words: &str) -> bool {
    text.strip_suffix(words).is_some_and(|before| !before.ends_with(char::is_alphanumeric))
}

/// Headers of every answer that does not set them itself.
static SECURITY: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Turns a bare error status, as axum's own extractors and routes answer, into a problem.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.headers().get(header::CONTENT_TYPE) == Some(&problem::MEDIA_TYPE) {
        return response;
    }
    let code = Code::of_status(status);
    let detail = match code {
        Code::NotFound => "There is nothing at this address.",
        Code::MethodNotAllowed => "This address does not take that method.",
        _ => code.about().trim(),
    };
    let mut problem = Problem::new(code, detail).into_response();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    problem.headers_mut().extend(parts.headers);
    problem.extensions_mut().extend(parts.extensions);
    problem
}

/// The client's id for the request if it is harmless in logs, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    match headers.get(REQUEST_ID) {
        Some(id)
            if (1..=REQUEST_ID_MAX).contains(&id.len())
                && id
                    .as_bytes()
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b)) =>
        {
            id.clone()
        }
        _ => new_request_id(),
    }
}

/// Never twice the same in one process, and random across processes. It is no secret: it only
/// must not collide.
fn new_request_id() -> HeaderValue {
    static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    // An odd multiplier permutes the 64-bit numbers, so that ids differ without telling how many
    // there were.
    let bits = count.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ *SEED;
    let mut text = Hex::default();
    let _ = write!(text, "{bits:016x}");
    HeaderValue::from_bytes(&text.0).unwrap_or(HeaderValue::from_static("-"))
}

/// Sixteen digits on the stack.
#[derive(Default)]
struct Hex([u8; 16], usize);

impl fmt::Write for Hex {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.1 + text.len();
        self.0.get_mut(self.1..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.1 = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn request_ids_differ() {
        let ids: HashSet<_> = (0..10_000).map(|_| new_request_id()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.len() == 16));
    }

    #[test]
    fn only_harmless_request_ids_are_taken_over() {
        let of = |id: &[u8]| {
            let id = HeaderValue::from_bytes(id).unwrap();
            request_id(&HeaderMap::from_iter([(REQUEST_ID, id)]))
        };
        assert_eq!(of(b"trace-1_2.3:4"), "trace-1_2.3:4");
        for odd in [&b""[..], b"a b", b"a\"b", b"\xff", &[b'x'; 129]] {
            assert_eq!(of(odd).len(), 16, "{odd:?}");
        }
    }

    #[test]
    fn a_chain_names_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(chain(&Outer(std::io::Error::other("inner"))), "outer: inner");

        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Told(&'static str, #[source] Option<Box<Told>>);
        let told = |texts: &[&'static str]| {
            let innermost_first = texts.iter().rev();
            let told = innermost_first.fold(None, |inner, text| Some(Box::new(Told(text, inner))));
            chain(&*told.unwrap())
        };
        assert_eq!(told(&["a", "b", "b"]), "a: b");
        assert_eq!(told(&["a: b", "b", "c"]), "a: b: c");
        // As rusqlite has it: the cause says what the error says, and a little more.
        assert_eq!(
            told(&["f is damaged", "malformed", "code 11: malformed"]),
            "f is damaged: code 11: malformed"
        );
        assert_eq!(told(&["the disk is full", "full"]), "the disk is full");
        assert_eq!(told(&["wonderful", "full"]), "wonderful: full");
    }
}

//! What a client is told when a request fails: RFC 9457 problem details with a stable code.

mod core;
mod members;

use std::{error::Error, fmt, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

pub use self::members::{Members, Presumed};

/// The media type of a problem, `application/problem+json`.
pub const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

macro_rules! codes {
    ($($(#[doc = $about:literal])+ $name:ident = $text:literal, $status:ident, $title:literal;)*) => {
        /// Names a problem for programs; a code never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $($(#[doc = $about])+ $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as clients see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The status that answers with this code carry.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// A few words for people, the same for each problem of this code.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// When it comes about and what to do.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => concat!($($about),+),)* }
            }
        }
    };
}

codes! {
    /// The request could not be read: it is not well-formed JSON, repeats a key, or breaks HTTP.
    MalformedRequest = "malformed_request", BAD_REQUEST, "Malformed request";
    /// A webhook does not come from the gateway's provider: its signature is absent, wrong or old.
    SignatureInvalid = "signature_invalid", BAD_REQUEST, "Invalid signature";
    /// The request could be read, but values in it are missing, unknown or against a rule;
    /// `errors` names each.
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, "Invalid values";
    /// The request needs a token and has none, or one that is not valid.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Not signed in";
    /// The token is valid but does not permit this.
    Forbidden = "forbidden", FORBIDDEN, "Not permitted";
    /// There is no such thing, or it is someone else's.
    NotFound = "not_found", NOT_FOUND, "Not found";
    /// The address exists, but not with this method; `Allow` lists those it has.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    /// The body of the request came too slowly. Send it again.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "Request too slow";
    /// The request contradicts the present state, such as a slug or SKU that is taken.
    Conflict = "conflict", CONFLICT, "Conflict";
    /// Less stock is available than the request wants.
    InsufficientStock = "insufficient_stock", CONFLICT, "Insufficient stock";
    /// Something in the cart is no longer for sale, or not in the cart's currency.
    NotForSale = "not_for_sale", CONFLICT, "Not for sale";
    /// The cart has no lines, so there is nothing to check out.
    CartEmpty = "cart_empty", CONFLICT, "Cart is empty";
    /// The cart is checked out or expired and no longer changes.
    CartClosed = "cart_closed", CONFLICT, "Cart is closed";
    /// The total is no longer the one that the request expects. Show the new one and ask again.
    PriceChanged = "price_changed", CONFLICT, "Price changed";
    /// The thing is in a state from which this cannot be done.
    InvalidTransition = "invalid_transition", CONFLICT, "Not possible in this state";
    /// `If-Match` names a version that is not the present one. Read again, then decide again.
    VersionMismatch = "version_mismatch", PRECONDITION_FAILED, "Stale version";
    /// This request must carry an `Idempotency-Key`.
    IdempotencyKeyMissing = "idempotency_key_missing", BAD_REQUEST, "Idempotency key missing";
    /// The `Idempotency-Key` was used before with another request.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "Idempotency key reused";
    /// The first request with this `Idempotency-Key` still runs. Ask again after `Retry-After`.
    IdempotencyInFlight = "idempotency_in_flight", CONFLICT, "Request still running";
    /// The payment was declined, or its gateway does not accept it. Pay in another way.
    PaymentDeclined = "payment_declined", PAYMENT_REQUIRED, "Payment declined";
    /// The body is larger than the server takes.
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "Body too large";
    /// The address of the request is longer than the server takes.
    AddressTooLong = "address_too_long", URI_TOO_LONG, "Address too long";
    /// The headers of the request are larger than the server takes.
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "Headers too large";
    /// The body is of a type that this address does not read; send `application/json`.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type";
    /// Too many requests from this client. Ask again after `Retry-After`.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    /// The server runs as many requests as it is set to. Ask again after `Retry-After`.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "Server is busy";
    /// Something that the server needs is out of reach. Ask again after `Retry-After`.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Temporarily unavailable";
    /// It is not known whether the write took effect. Repeat it with the same `Idempotency-Key`,
    /// which tells.
    OutcomeUnknown = "outcome_unknown", SERVICE_UNAVAILABLE, "Outcome unknown";
    /// The answer took too long. What was begun may still finish: repeat a write only with the
    /// same `Idempotency-Key`.
    TimedOut = "timed_out", SERVICE_UNAVAILABLE, "Timed out";
    /// A fault of the server. It is logged under the request's `x-request-id`.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Server fault";
}

impl Code {
    /// The code for a bare status that some other part answered with.
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::Unauthenticated,
            402 => Self::PaymentDeclined,
            403 => Self::Forbidden,
            404 | 410 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            408 => Self::RequestTimeout,
            409 => Self::Conflict,
            412 => Self::VersionMismatch,
            413 => Self::PayloadTooLarge,
            414 => Self::AddressTooLong,
            415 => Self::UnsupportedMediaType,
            422 => Self::ValidationFailed,
            429 => Self::RateLimited,
            431 => Self::HeadersTooLarge,
            503 => Self::Unavailable,
            400..=499 => Self::MalformedRequest,
            _ => Self::Internal,
        }
    }

    /// The address that describes the code, relative to the server.
    pub fn type_uri(self) -> String {
        format!("/problems/{}", self.as_str())
    }

    /// Seconds after which the same request may succeed, where waiting helps.
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::RateLimited
            | Self::Overloaded
            | Self::Unavailable
            | Self::OutcomeUnknown
            | Self::TimedOut
            | Self::IdempotencyInFlight => Some(1),
            _ => None,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part of a request that a value stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The JSON body.
    Body,
    /// The query string.
    Query,
    /// The path.
    Path,
    /// A header.
    Header,
}

/// One value of a request that is against a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where the value stands: an RFC 6901 pointer into the body, or `/` and the name of the
    /// query parameter, path parameter or header.
    #[schema(example = "/lines/0/quantity")]
    pub pointer: String,
    /// The part of the request that `pointer` points into.
    #[serde(rename = "in")]
    pub part: Part,
    /// What is wrong with it.
    #[schema(example = "must be a whole number from 1 to 1,000,000")]
    pub detail: String,
}

/// A failed request, as RFC 9457 problem details.
///
/// ```
/// use commerce_http::problem::{Code, Members, Problem};
/// let problem = Problem::new(Code::InsufficientStock, "Only 2 of A-1 are available.")
///     .with(Members { available: Some(2), ..Members::default() });
/// assert_eq!(problem.code().status(), 409);
/// assert_eq!(serde_json::to_value(&problem)?["code"], "insufficient_stock");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    members: Members,
    retry_after: Option<u32>,
    cause: Option<Cause>,
}

/// Why a problem came about, for the log alone; travels in the extensions of the response.
#[derive(Debug, Clone)]
pub struct Cause(pub Arc<dyn Error + Send + Sync>);

impl Problem {
    /// A problem with a sentence or two for people about this very case.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            members: Members::default(),
            retry_after: code.retry_after(),
            cause: None,
        }))
    }

    /// Values of the body that are against a rule: RFC 6901 pointers and what is wrong.
    pub fn invalid<P, D>(errors: impl IntoIterator<Item = (P, D)>) -> Self
    where
        P: Into<String>,
        D: Into<String>,
    {
        errors.into_iter().fold(
            Self::new(Code::ValidationFailed, "Some values are missing or not valid."),
            |problem, (pointer, detail)| problem.error(Part::Body, pointer, detail),
        )
    }

    /// A fault of ours: clients learn nothing of `cause`, the log all of it.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "The server failed on this request; the fault is logged.")
            .caused_by(cause)
    }

    /// Something that the server needs is out of reach; `cause` goes to the log alone.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let detail = "The shop is out of reach for the moment; nothing was changed.";
        Self::new(Code::Unavailable, detail).caused_by(cause)
    }

    /// Nothing of that kind is here, or it is someone else's.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }

    /// The write is meant for another version than the present one.
    pub fn stale() -> Self {
        let detail = "It was changed since you read it. Read it again, then decide again.";
        Self::new(Code::VersionMismatch, detail)
    }

    /// Adds a value that is against a rule.
    #[must_use]
    pub fn error(
        mut self,
        part: Part,
        pointer: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        self.0.errors.push(FieldError { pointer: pointer.into(), part, detail: detail.into() });
        self
    }

    /// Tells what a client needs to go on, such as the stock that is available.
    #[must_use]
    pub fn with(mut self, members: Members) -> Self {
        self.0.members = members;
        self
    }

    /// Says after how many seconds to ask again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Notes for the log alone why it came about.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Cause(Arc::from(cause.into())));
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence for people.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The values that are against a rule.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }
}

/// Why a request failed (RFC 9457). Problems of some codes tell more, in members whose descriptions begin
/// with those codes.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// Where the code is described, relative to the server.
    #[schema(example = "/problems/validation_failed")]
    r#type: String,
    /// A few words for people, the same for each problem of this code.
    #[schema(example = "Invalid values")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// A sentence for people about this very case.
    #[schema(example = "Some values are missing or not valid.")]
    detail: &'a str,
    /// Which problem it is, for programs. When each comes about stands at the head of this document.
    code: Code,
    /// The values that are missing or against a rule.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
    #[serde(flatten)]
    members: &'a Members,
}

impl Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Parts { code, detail, errors, members, .. } = &*self.0;
        Document {
            r#type: code.type_uri(),
            title: code.title(),
            status: code.status().as_u16(),
            detail,
            code: *code,
            errors,
            members,
        }
        .serialize(serializer)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.detail)
    }
}

impl Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Serialising strings, numbers and maps with text keys into memory cannot fail; were it
        // to, the status still says what happened.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.0.code.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.0.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(cause) = self.0.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_as_it_is_named() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(code.about().trim().ends_with('.'), "{code}");
        }
    }

    #[test]
    fn the_cause_stays_inside() {
        let problem = Problem::internal("disk /dev/sda1 failed");
        assert!(!serde_json::to_string(&problem).unwrap().contains("sda1"));
        let response = problem.into_response();
        assert_eq!(response.status(), 500);
        let cause = response.extensions().get::<Cause>().unwrap();
        assert_eq!(cause.0.to_string(), "disk /dev/sda1 failed");
    }

    #[test]
    fn its_document_has_the_members_of_the_standard() {
        let problem = Problem::invalid([("/lines/0/quantity", "must be at least 1")]);
        assert_eq!(
            serde_json::to_value(problem).unwrap(),
            serde_json::json!({
                "type": "/problems/validation_failed",
                "title": "Invalid values",
                "status": 422,
                "detail": "Some values are missing or not valid.",
                "code": "validation_failed",
                "errors": [{
                    "pointer": "/lines/0/quantity",
                    "in": "body",
                    "detail": "must be at least 1",
                }],
            })
        );
    }
}

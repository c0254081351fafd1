//! The answer to an operation: the same bytes whether it was done now or before under the same
//! key.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use commerce_core::{
    CreatedCart, Done, StockView,
    cart::CartView,
    catalog::{ProductView, VariantView},
    order::OrderView,
    version::Version,
};
use serde::Serialize;

use crate::{etag::ETag, extract::encode_json};

/// Says `true` on an answer that an earlier request with the same `Idempotency-Key` was given.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What an answer shows a client of a record that has a version.
pub trait Entity: Serialize {
    /// The version that the answer's `ETag` names.
    fn version(&self) -> Version;
}

macro_rules! entities {
    ($($name:ty: $($field:ident).+;)*) => {$(
        impl Entity for $name {
            fn version(&self) -> Version {
                self.$($field).+
            }
        }
    )*};
}

entities! {
    CartView: version;
    CreatedCart: cart.version;
    OrderView: version;
    ProductView: version;
    VariantView: version;
}

impl Entity for StockView {
    /// Always the first: nothing counts how often stock moves, so that its content alone tells.
    fn version(&self) -> Version {
        Version::FIRST
    }
}

/// Answers with a record: its JSON, and the `ETag` that a read of it would give.
pub fn entity<T: Entity>(status: StatusCode, done: &Done<T>) -> Response {
    answer(status, done, Some(done.output.version()))
}

/// Answers with something that has no version of its own.
pub fn value<T: Serialize>(status: StatusCode, done: &Done<T>) -> Response {
    answer(status, done, None)
}

/// Answers with nothing but the status.
pub fn empty<T>(done: &Done<T>) -> Response {
    replayed(StatusCode::NO_CONTENT.into_response(), done.replayed)
}

fn answer<T: Serialize>(status: StatusCode, done: &Done<T>, version: Option<Version>) -> Response {
    let body = match encode_json(&done.output) {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let etag = version.map(|version| ETag::content(version.get(), &body));
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    let response = (status, etag, content_type, Body::from(body)).into_response();
    replayed(response, done.replayed)
}

fn replayed(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

//! Where what is.

use std::sync::Arc;

use axum::{
    Router,
    routing::{any, get, post},
};

use crate::{api, control, fake::Shared, page};

/// The API, the pages on which customers pay, and the fake's own levers.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/{*path}", any(api::answer))
        .route("/c/pay/{session}", get(page::checkout).post(page::pay))
        .route("/authenticate/{intent}", get(page::bank).post(page::authenticate))
        .route("/_fake/{lever}", post(control::pull))
        .with_state(shared)
}

//! The cards and accounts that gateways keep for customers, for the back office.

use axum::{extract::State, http::StatusCode, response::Response};
use commerce_core::{
    gateway::{KeptMethod, SaveMethod, Setup},
    id::CustomerId,
    text::Label,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::BackOffice,
    extract::{Json, Path},
    pagination::Page,
    problem::Problem,
    reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(payment_methods, save_method))
        .routes(routes!(remove_method))
}

/// The cards and accounts that a customer can be charged by
///
/// As their gateways keep them: by gateway, the newest first. To charge one, check a draft of the
/// customer's out, or pay an order of theirs, with
/// `"payment": {"gateway": …, "flow": {"kind": "saved", "method": …}}`.
#[utoipa::path(get, path = "/customers/{id}/payment_methods", tag = "payment methods",
    security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer")),
    responses(
        (status = 200, description = "All of them", body = Page<KeptMethod>),
        (status = 503, description = "`unavailable`: a gateway is out of reach"),
    ),
)]
async fn payment_methods(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<CustomerId>,
) -> Result<Json<Page<KeptMethod>>, Problem> {
    let methods = app.commerce().saved_methods(&caller, id).await?;
    Ok(Json(Page::all(methods)))
}

/// Begin to keep a card or an account for a customer
///
/// They enter it on their own device, in the gateway's fields, by the `client_secret` that is answered.
/// It is listed once they have.
#[utoipa::path(post, path = "/customers/{id}/payment_methods", tag = "payment methods",
    security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer")),
    request_body(content = SaveMethod, example = json!({"gateway": "stripe"})),
    responses(
        (status = 201, description = "What the customer's device needs", body = Setup),
        (status = 409, description = "`invalid_transition`: the gateway does not accept what it is told \
            of the customer; `idempotency_in_flight`: it is still being asked for the first request with \
            this key"),
        (status = 422, description = "`validation_failed`: the gateway keeps none"),
        (status = 503, description = "The gateway is out of reach, or did not say what came of it: the same \
            request with the same key goes on (`unavailable`, `outcome_unknown`)"),
    ),
)]
async fn save_method(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<CustomerId>,
    Json(request): Json<SaveMethod>,
) -> Result<Response, Problem> {
    let commerce = app.commerce().clone();
    let work = async move { commerce.save_method(&caller, id, &request).await };
    let done = app.tasks().run_to_end(work).await?;
    Ok(reply::value(StatusCode::CREATED, &done))
}

/// Have a card or an account of a customer's forgotten
///
/// For good: nothing can be charged by it any more.
#[utoipa::path(delete, path = "/customers/{id}/payment_methods/{method_id}", tag = "payment methods",
    security(("bearer" = [])),
    params(
        ("id" = CustomerId, Path, description = "The customer"),
        ("method_id" = inline(Label), Path, description = "What the gateway calls it"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "`invalid_transition`: the gateway does not accept that"),
        (status = 503, description = "`unavailable`: the gateway is out of reach"),
    ),
)]
async fn remove_method(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path((id, method)): Path<(CustomerId, Label)>,
) -> Result<Response, Problem> {
    let commerce = app.commerce().clone();
    let work = async move { commerce.remove_method(&caller, id, &method).await };
    let done = app.tasks().run_to_end(work).await?;
    Ok(reply::empty(&done))
}

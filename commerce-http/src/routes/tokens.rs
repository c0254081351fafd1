//! The tokens of the back office. They are made on the command line, where their secret is shown once.

use axum::{extract::State, http::StatusCode, response::Response};
use commerce_core::{TokenView, id::ApiTokenId, store::ApiTokenRef};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::BackOffice,
    extract::{Json, Path},
    pagination::{List, Page, Pagination},
    problem::Problem,
    reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(tokens)).routes(routes!(revoke_token))
}

/// No filter but the page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {}

/// The tokens of the back office, the newest first
///
/// Withdrawn ones too, and none with its secret.
#[utoipa::path(get, path = "/tokens", tag = "tokens", security(("bearer" = [])),
    params(Pagination),
    responses((status = 200, description = "One page of them", body = Page<TokenView>)),
)]
async fn tokens(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    List { filter: Filter {}, page }: List<Filter>,
) -> Result<Json<Page<TokenView>>, Problem> {
    let tokens = app.commerce().tokens(&caller, &page.request()?).await?;
    Ok(Json(page.answer(tokens)?))
}

/// Withdraw a token of the back office
///
/// It stands for nobody from then on, even the one that the request carries.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", security(("bearer" = [])),
    params(("id" = ApiTokenId, Path, description = "The token")),
    responses((status = 200, description = "The token", body = TokenView)),
)]
async fn revoke_token(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<ApiTokenId>,
) -> Result<Response, Problem> {
    let done = app.commerce().revoke_token(&caller, &ApiTokenRef::Id(id)).await?;
    Ok(reply::value(StatusCode::OK, &done))
}

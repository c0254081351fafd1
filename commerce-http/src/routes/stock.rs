//! Stock.

use axum::{extract::State, http::StatusCode, response::Response};
use commerce_core::{
    StockView,
    id::{LocationId, VariantId},
    inventory::{AdjustStock, Movement, SetStock},
    store::{MovementFilter, StockFilter},
    text::Sku,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::BackOffice,
    etag::IfNoneMatch,
    extract::{Json, Path},
    pagination::{List, Page, Pagination},
    problem::Problem,
    reply::{self, Entity},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(stock))
        .routes(routes!(stock_of, set_stock))
        .routes(routes!(adjust_stock))
        .routes(routes!(stock_movements))
}

/// Which stock is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// At this location; a variant that never was there is left out.
    #[param(inline)]
    location: Option<LocationId>,
    /// With this SKU, to the letter.
    #[param(inline)]
    sku: Option<Sku>,
    /// Only variants of which fewer units than their threshold are available.
    #[serde(default)]
    #[param(default = false)]
    low: bool,
}

/// The stock of all variants that are counted, by SKU
#[utoipa::path(get, path = "/stock", tag = "stock", security(("bearer" = [])),
    params(Filter, Pagination),
    responses((status = 200, description = "One page of it", body = Page<StockView>)),
)]
async fn stock(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    List { filter, page }: List<Filter>,
) -> Result<Json<Page<StockView>>, Problem> {
    let Filter { location, sku, low } = filter;
    let filter = StockFilter { location_id: location, sku, low };
    let stock = app.commerce().stock(&caller, &filter, &page.request()?).await?;
    Ok(Json(page.answer(stock)?))
}

/// The stock of a variant
#[utoipa::path(get, path = "/variants/{id}/stock", tag = "stock", security(("bearer" = [])),
    params(("id" = VariantId, Path, description = "The variant")),
    responses(
        (status = 200, description = "Its stock in every location", body = StockView),
        (status = 304, description = "The client has it"),
    ),
)]
async fn stock_of(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<VariantId>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let stock = app.commerce().stock_of(&caller, id).await?;
    Ok(known.answer(stock.version().get(), &stock))
}

/// Say how many units of a variant a location has
#[utoipa::path(put, path = "/variants/{id}/stock", tag = "stock", security(("bearer" = [])),
    params(("id" = VariantId, Path, description = "The variant")),
    request_body(content = SetStock, example = json!({ "on_hand": 12, "note": "Counted" })),
    responses((status = 200, description = "Its stock in every location", body = StockView)),
)]
async fn set_stock(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<VariantId>,
    Json(request): Json<SetStock>,
) -> Result<Response, Problem> {
    let done = app.commerce().set_stock(&caller, id, &request).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

/// Add units of a variant to a location, or take some away
#[utoipa::path(post, path = "/variants/{id}/stock_adjustments", tag = "stock",
    security(("bearer" = [])),
    params(("id" = VariantId, Path, description = "The variant")),
    request_body(content = AdjustStock, example = json!({ "delta": 20, "reason": "received" })),
    responses(
        (status = 200, description = "Its stock in every location", body = StockView),
        (status = 409, description = "`insufficient_stock`: fewer units are available than are taken"),
    ),
)]
async fn adjust_stock(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<VariantId>,
    Json(request): Json<AdjustStock>,
) -> Result<Response, Problem> {
    let done = app.commerce().adjust_stock(&caller, id, &request).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

/// Which rows of the ledger are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Movements {
    /// At this location.
    #[param(inline)]
    location: Option<LocationId>,
}

/// How the stock of a variant came about, the newest first
#[utoipa::path(get, path = "/variants/{id}/stock_movements", tag = "stock",
    security(("bearer" = [])),
    params(("id" = VariantId, Path, description = "The variant"), Movements, Pagination),
    responses((status = 200, description = "One page of the ledger", body = Page<Movement>)),
)]
async fn stock_movements(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<VariantId>,
    List { filter, page }: List<Movements>,
) -> Result<Json<Page<Movement>>, Problem> {
    let filter = MovementFilter { variant_id: id, location_id: filter.location };
    let movements = app.commerce().stock_movements(&caller, &filter, &page.request()?).await?;
    Ok(Json(page.answer(movements)?))
}

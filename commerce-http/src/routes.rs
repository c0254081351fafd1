//! Every route in one place.

mod carts;
mod categories;
mod images;
mod locations;
mod orders;
mod products;
mod shop;
mod stock;
mod variants;

use utoipa_axum::router::OpenApiRouter;

use crate::{app::App, health, openapi};

/// Where the resources live.
pub const BASE: &str = "/api/v1";

/// All routes that the OpenAPI document describes.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::head())
        .merge(health::routes())
        .merge(openapi::problem_routes())
        .nest(BASE, resources())
}

/// The routes below [`BASE`], one file for each resource.
fn resources() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(openapi::routes())
        .merge(shop::routes())
        .merge(products::routes())
        .merge(variants::routes())
        .merge(images::routes())
        .merge(categories::routes())
        .merge(stock::routes())
        .merge(locations::routes())
        .merge(carts::routes())
        .merge(orders::routes())
}

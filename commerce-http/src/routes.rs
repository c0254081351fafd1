//! Every route in one place.

mod carts;
mod orders;

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
    OpenApiRouter::new().merge(openapi::routes()).merge(carts::routes()).merge(orders::routes())
}

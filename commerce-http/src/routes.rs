//! Every route in one place.

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

/// The routes below [`BASE`].
fn resources() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(openapi::routes())
}

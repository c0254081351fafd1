//! How the server fares: for load balancers, orchestrators and Prometheus.

use axum::{extract::State, response::Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    extract::Json,
    metrics,
    problem::{Code, Problem},
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(prometheus))
}

/// That the server is there.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `ok`: whoever is not well does not answer.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process is alive
///
/// It asks nothing of the store.
#[utoipa::path(get, path = "/healthz", tag = "health", responses(
    (status = 200, description = "Alive", body = Health),
))]
async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether requests can be served
///
/// It asks the store for an answer, and whether it takes writes: a database that follows another one does
/// not. To find out, it writes nothing.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "Ready", body = Health),
    (status = 503, description = "The store is out of reach, or takes no writes (`unavailable`)"),
))]
async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    app.readiness().ask().await.map_err(Problem::unavailable)?;
    Ok(Json(Health { status: "ok" }))
}

/// Metrics in the text format of Prometheus
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "Metrics", body = String, content_type = "text/plain"),
    (status = 404, description = "Metrics are off or served elsewhere (`not_found`)"),
))]
async fn prometheus(State(app): State<App>) -> Result<Response, Problem> {
    let Some(handle) = app.metrics() else {
        return Err(Problem::new(Code::NotFound, "Metrics are not served here."));
    };
    Ok(metrics::answer(handle))
}

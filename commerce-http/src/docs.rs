//! The page at `/docs` to read and try the API; everything it loads comes from this server.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::header,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use utoipa_swagger_ui::{Config, serve};

use crate::problem::Problem;

/// Swagger UI sets styles inline and has its icons in `data:` addresses.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; frame-ancestors 'none'";

pub(crate) fn router() -> Router {
    Router::new()
        .route("/docs", get(async || Redirect::permanent("docs/")))
        .route("/docs/", get(async || file("")))
        .route("/docs/{*file}", get(async |Path(path): Path<String>| file(&path)))
}

fn file(path: &str) -> Response {
    // Relative, so that it holds wherever the router is mounted.
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::new(["../api/v1/openapi.json"])));
    match serve(path, CONFIG.clone()) {
        Ok(Some(file)) => {
            let headers = [
                (header::CONTENT_TYPE, file.content_type.as_str()),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::CACHE_CONTROL, "public, max-age=3600"),
            ];
            (headers, Body::from(file.bytes.into_owned())).into_response()
        }
        Ok(None) => Problem::not_found("page").into_response(),
        Err(error) => Problem::internal(error.to_string()).into_response(),
    }
}

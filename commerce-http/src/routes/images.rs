//! The images of a product. A change of one is a change of the product, which is the answer.

use axum::{extract::State, http::StatusCode, response::Response};
use commerce_core::{
    catalog::{CreateImage, Image, PatchImage, ProductView},
    id::{ImageId, ProductId},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::products;
use crate::{
    app::App,
    caller::{BackOffice, Caller},
    etag::IfMatch,
    extract::{Json, Path},
    pagination::Page,
    problem::Problem,
    reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(images, add_image))
        .routes(routes!(patch_image, remove_image))
}

/// The images of a product, in their order
#[utoipa::path(get, path = "/products/{id}/images", tag = "images",
    security((), ("bearer" = [])),
    params(("id" = String, Path, description = "The product's id or slug")),
    responses((status = 200, description = "All of them", body = Page<Image>)),
)]
async fn images(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(name): Path<String>,
) -> Result<Json<Page<Image>>, Problem> {
    let product = app.commerce().product(&caller, &products::named(&name)?, None).await?;
    Ok(Json(Page::all(product.images)))
}

/// Add an image to a product
#[utoipa::path(post, path = "/products/{id}/images", tag = "images", security(("bearer" = [])),
    params(
        ("id" = ProductId, Path, description = "The product"),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = CreateImage, example = json!({
        "url": "https://example.com/shirt-back.jpg", "alt": "Its back", "position": 1,
    })),
    responses((status = 201, description = "The product", body = ProductView)),
)]
async fn add_image(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<ProductId>,
    version: IfMatch,
    Json(request): Json<CreateImage>,
) -> Result<Response, Problem> {
    let done = app.commerce().add_image(&caller, id, &request, version.expected()?).await?;
    Ok(reply::entity(StatusCode::CREATED, &done))
}

/// Change an image of a product, or move it
///
/// What is absent stays, what is null is cleared.
#[utoipa::path(patch, path = "/products/{id}/images/{image_id}", tag = "images",
    security(("bearer" = [])),
    params(
        ("id" = ProductId, Path, description = "The product"),
        ("image_id" = ImageId, Path, description = "The image"),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = PatchImage, example = json!({ "alt": "Its front", "position": 0 })),
    responses((status = 200, description = "The product", body = ProductView)),
)]
async fn patch_image(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path((id, image_id)): Path<(ProductId, ImageId)>,
    version: IfMatch,
    Json(request): Json<PatchImage>,
) -> Result<Response, Problem> {
    let expected = version.expected()?;
    let done = app.commerce().patch_image(&caller, id, image_id, &request, expected).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

/// Remove an image from a product
///
/// Variants that it showed are shown by the first one.
#[utoipa::path(delete, path = "/products/{id}/images/{image_id}", tag = "images",
    security(("bearer" = [])),
    params(
        ("id" = ProductId, Path, description = "The product"),
        ("image_id" = ImageId, Path, description = "The image"),
        ("If-Match" = Option<String>, Header),
    ),
    responses((status = 200, description = "The product", body = ProductView)),
)]
async fn remove_image(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path((id, image_id)): Path<(ProductId, ImageId)>,
    version: IfMatch,
) -> Result<Response, Problem> {
    let expected = version.expected()?;
    let done = app.commerce().remove_image(&caller, id, image_id, expected).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

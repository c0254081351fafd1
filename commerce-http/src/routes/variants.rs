//! The variants of a product.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use commerce_core::{
    access,
    catalog::{CreateVariant, PatchVariant, VariantView},
    id::{ProductId, VariantId},
    store::VariantRef,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::products::{self, Prices};
use crate::{
    app::App,
    caller::{BackOffice, Caller},
    etag::{IfMatch, IfNoneMatch},
    extract::{Json, Path, Query},
    pagination::Page,
    problem::Problem,
    reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(variants, create_variant)).routes(routes!(
        variant,
        patch_variant,
        deactivate_variant
    ))
}

/// The variants of a product, in their order
///
/// Shop clients see active variants.
#[utoipa::path(get, path = "/products/{id}/variants", tag = "variants",
    security((), ("bearer" = [])),
    params(("id" = String, Path, description = "The product's id or slug"), Prices),
    responses((status = 200, description = "All of them", body = Page<VariantView>)),
)]
async fn variants(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    Query(Prices { currency }): Query<Prices>,
) -> Result<Json<Page<VariantView>>, Problem> {
    let by = products::named(&name)?;
    let product = app.commerce().product(&caller, &by, currency).await?;
    Ok(Json(Page::all(product.variants)))
}

/// A variant
#[utoipa::path(get, path = "/products/{id}/variants/{variant_id}", tag = "variants",
    security((), ("bearer" = [])),
    params(
        ("id" = String, Path, description = "The product's id or slug"),
        ("variant_id" = VariantId, Path, description = "The variant"),
        Prices,
    ),
    responses(
        (status = 200, description = "The variant", body = VariantView),
        (status = 304, description = "The client has it"),
    ),
)]
async fn variant(
    State(app): State<App>,
    Caller(caller): Caller,
    Path((name, id)): Path<(String, VariantId)>,
    Query(Prices { currency }): Query<Prices>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let by = products::named(&name)?;
    let product = app.commerce().product(&caller, &by, currency).await?;
    let variant = product.variants.iter().find(|variant| variant.id == id);
    let variant = variant.ok_or_else(|| Problem::not_found("variant"))?;
    Ok(known.answer_public(&caller, variant.version.get(), variant))
}

/// Add a variant to a product
#[utoipa::path(post, path = "/products/{id}/variants", tag = "variants",
    security(("bearer" = [])),
    params(
        ("id" = ProductId, Path, description = "The product"),
        ("If-Match" = Option<String>, Header, description = "The product's"),
    ),
    request_body(content = CreateVariant, example = json!({
        "sku": "LINEN-XL",
        "options": ["XL"],
        "price": { "amount": 5200, "currency": "EUR" },
        "compare_at_price": { "amount": 5900, "currency": "EUR" },
        "cost": { "amount": 2100, "currency": "EUR" },
        "weight_grams": 260,
    })),
    responses(
        (status = 201, description = "The variant", body = VariantView, headers(
            ("Location" = String, description = "Its address"),
            ("ETag" = String, description = "Its version and content"),
        )),
        (status = 409, description = "`conflict`: the SKU or the options are in use"),
    ),
)]
async fn create_variant(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(product_id): Path<ProductId>,
    version: IfMatch,
    Json(request): Json<CreateVariant>,
) -> Result<Response, Problem> {
    let expected = version.expected()?;
    let made = app.commerce().create_variant(&caller, product_id, &request, expected).await?;
    let location = [(header::LOCATION, format!("variants/{}", made.id))];
    Ok((location, reply::entity(StatusCode::CREATED, &made)).into_response())
}

/// Change a variant
///
/// What is absent stays, what is null is cleared.
#[utoipa::path(patch, path = "/products/{id}/variants/{variant_id}", tag = "variants",
    security(("bearer" = [])),
    params(
        ("id" = ProductId, Path, description = "The product"),
        ("variant_id" = VariantId, Path, description = "The variant"),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = PatchVariant, example = json!({
        "price": { "amount": 4500, "currency": "EUR" }, "compare_at_price": null,
    })),
    responses(
        (status = 200, description = "The variant", body = VariantView),
        (status = 409, description = "`conflict`: the SKU or the options are in use"),
    ),
)]
async fn patch_variant(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path((product_id, id)): Path<(ProductId, VariantId)>,
    version: IfMatch,
    Json(request): Json<PatchVariant>,
) -> Result<Response, Problem> {
    change(&app, &caller, product_id, id, &request, &version).await
}

/// Take a variant out of the shop
///
/// It is no longer active: shop clients see and buy it no more, and orders that have it keep what
/// they need. Set `active` to bring it back.
#[utoipa::path(delete, path = "/products/{id}/variants/{variant_id}", tag = "variants",
    security(("bearer" = [])),
    params(
        ("id" = ProductId, Path, description = "The product"),
        ("variant_id" = VariantId, Path, description = "The variant"),
        ("If-Match" = Option<String>, Header),
    ),
    responses((status = 200, description = "The variant", body = VariantView)),
)]
async fn deactivate_variant(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path((product_id, id)): Path<(ProductId, VariantId)>,
    version: IfMatch,
) -> Result<Response, Problem> {
    let request = PatchVariant { active: Some(false), ..PatchVariant::default() };
    change(&app, &caller, product_id, id, &request, &version).await
}

async fn change(
    app: &App,
    caller: &access::Caller,
    product_id: ProductId,
    id: VariantId,
    request: &PatchVariant,
    version: &IfMatch,
) -> Result<Response, Problem> {
    let expected = version.expected()?;
    // A variant never moves to another product.
    let present = app.commerce().variant(caller, &VariantRef::Id(id)).await?;
    if present.product_id != product_id {
        return Err(Problem::not_found("variant"));
    }
    let done = app.commerce().patch_variant(caller, id, request, expected).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

//! Products.

use std::borrow::Cow;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use commerce_core::{
    access,
    catalog::{CreateProduct, PatchProduct, ProductStatus, ProductView},
    currency::Currency,
    id::{CategoryId, ProductId},
    money::Money,
    store::{CategoryRef, ProductFilter, ProductQuery, ProductRef, ProductSort},
    text::Label,
};
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::{IntoParams, ToSchema, openapi as doc};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{categories, text};
use crate::{
    app::App,
    caller::{BackOffice, Caller, require_back_office},
    etag::{IfMatch, IfNoneMatch},
    extract::{Json, Path, Query},
    pagination::{List, Page, Pagination, invalid_query},
    problem::Problem,
    reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    let mut router = OpenApiRouter::new()
        .routes(routes!(products, create_product))
        .routes(routes!(search_products))
        .routes(routes!(product, patch_product, archive_product));
    let search = router.get_openapi_mut().paths.paths.get_mut("/products/search");
    let parameters = search.and_then(|item| item.get.as_mut()?.parameters.as_mut());
    for parameter in parameters.into_iter().flatten() {
        if let doc::RefOr::T(parameter) = parameter
            && parameter.name == "q"
        {
            parameter.required = doc::Required::True;
        }
    }
    router
}

/// Which products are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// It is in this category, named by id or slug, or in one below it.
    #[param(min_length = 1, max_length = 255)]
    category: Option<String>,
    /// It has this tag, without regard to case.
    #[param(inline)]
    tag: Option<Label>,
    /// Who makes it, without regard to case.
    #[param(inline)]
    vendor: Option<Label>,
    /// What kind of thing it is, without regard to case.
    #[param(inline)]
    product_type: Option<Label>,
    /// It has all of these words, or words that begin so, in its title, SKUs, barcodes, tags,
    /// vendor, type or description.
    #[serde(default, deserialize_with = "text")]
    #[param(min_length = 1, max_length = 255)]
    q: Option<String>,
    /// In a search that finds nothing: whether products with names like the words will do. Only a
    /// shop on PostgreSQL with its extension `pg_trgm` can tell; others find nothing then.
    similar: Option<bool>,
    /// Its lowest price is at least this many minor units of the currency.
    #[serde(default, deserialize_with = "minor_units")]
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    min_price: Option<i64>,
    /// Its lowest price is at most this many minor units of the currency.
    #[serde(default, deserialize_with = "minor_units")]
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    max_price: Option<i64>,
    /// Whether some variant of it can be bought now.
    in_stock: Option<bool>,
    /// Whether the shop shows it off.
    featured: Option<bool>,
    /// Its status. Only the back office may ask: shop clients see active products.
    #[param(inline)]
    status: Option<ProductStatus>,
    /// By what they are sorted; `-` turns the order round.
    #[param(inline)]
    sort: Option<Sort>,
    /// The currency of prices; the shop's if absent.
    #[param(inline, example = "EUR")]
    currency: Option<Currency>,
}

/// By what products are sorted.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
enum Sort {
    #[serde(rename = "created_at")]
    Oldest,
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "price")]
    Cheapest,
    #[serde(rename = "-price")]
    Dearest,
    #[serde(rename = "title")]
    Title,
    #[serde(rename = "-title")]
    TitleDescending,
}

impl Sort {
    fn by(self) -> (ProductSort, bool) {
        match self {
            Self::Oldest => (ProductSort::CreatedAt, false),
            Self::Newest => (ProductSort::CreatedAt, true),
            Self::Cheapest => (ProductSort::Price, false),
            Self::Dearest => (ProductSort::Price, true),
            Self::Title => (ProductSort::Title, false),
            Self::TitleDescending => (ProductSort::Title, true),
        }
    }
}

fn minor_units<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Cow::<str>::deserialize(deserializer)?.parse() {
        Ok(minor @ 0..=Money::MINOR_MAX) => Ok(Some(minor)),
        _ => Err(D::Error::custom("must be a whole number of minor units, from 0")),
    }
}

/// The product that a path names.
pub(super) fn named(name: &str) -> Result<ProductRef, Problem> {
    match name.parse() {
        Ok(id) => Ok(ProductRef::Id(id)),
        Err(_) => {
            let slug = name.parse().map_err(|_| Problem::not_found("product"))?;
            Ok(ProductRef::Slug(slug))
        }
    }
}

/// Products, the newest first unless sorted otherwise
///
/// Shop clients see active products.
#[utoipa::path(get, path = "/products", tag = "products", security((), ("bearer" = [])),
    params(Filter, Pagination),
    responses((status = 200, description = "One page of them", body = Page<ProductView>)),
)]
async fn products(
    State(app): State<App>,
    Caller(caller): Caller,
    List { filter, page }: List<Filter>,
) -> Result<Json<Page<ProductView>>, Problem> {
    let sort = filter.sort.unwrap_or(Sort::Newest);
    listed(&app, &caller, filter, &page, Some(sort)).await
}

/// Products that match a text, the best match first unless sorted otherwise
///
/// Every word must match. A word counts most in the title or a SKU, less in a tag, least in the
/// description; a whole word counts more than a beginning. Shop clients see active products.
#[utoipa::path(get, path = "/products/search", tag = "products", security((), ("bearer" = [])),
    params(Filter, Pagination),
    responses((status = 200, description = "One page of them", body = Page<ProductView>)),
)]
async fn search_products(
    State(app): State<App>,
    Caller(caller): Caller,
    List { filter, page }: List<Filter>,
) -> Result<Json<Page<ProductView>>, Problem> {
    if filter.q.is_none() {
        return Err(invalid_query("/q", "is needed"));
    }
    let sort = filter.sort;
    listed(&app, &caller, filter, &page, sort).await
}

async fn listed(
    app: &App,
    caller: &access::Caller,
    filter: Filter,
    page: &Pagination,
    sort: Option<Sort>,
) -> Result<Json<Page<ProductView>>, Problem> {
    if filter.status.is_some() {
        require_back_office(caller)?;
    }
    let currency = match filter.currency {
        Some(currency) => currency,
        None => app.commerce().shop().await?.currency,
    };
    let categories = match &filter.category {
        Some(name) => Some(within(app, caller, name).await?),
        None => None,
    };
    let (sort, descending) = sort.map(Sort::by).unzip();
    let query = ProductQuery {
        filter: ProductFilter {
            status: filter.status,
            categories,
            tag: filter.tag,
            vendor: filter.vendor,
            product_type: filter.product_type,
            text: filter.q,
            similar: filter.similar.unwrap_or_default(),
            min_price: filter.min_price,
            max_price: filter.max_price,
            in_stock: filter.in_stock,
            featured: filter.featured,
        },
        currency,
        sort,
        descending: descending.unwrap_or_default(),
        page: page.request()?,
    };
    Ok(Json(page.answer(app.commerce().products(caller, &query).await?)?))
}

/// The category of that name and all below it, as far as the caller sees them.
async fn within(
    app: &App,
    caller: &access::Caller,
    name: &str,
) -> Result<Vec<CategoryId>, Problem> {
    let unknown = || invalid_query("/category", "must be the id or slug of a category");
    let by = categories::named(name).map_err(|_| unknown())?;
    let seen = app.commerce().categories(caller).await?;
    let root = seen.iter().find(|category| match &by {
        CategoryRef::Id(id) => category.id == *id,
        CategoryRef::Slug(slug) => category.slug == *slug,
    });
    let below = categories::by_parent(&seen);
    let mut found = vec![root.ok_or_else(unknown)?.id];
    let mut next = 0;
    while let Some(id) = found.get(next) {
        let children = below.get(&Some(*id)).into_iter().flatten();
        found.extend(children.map(|category| category.id).collect::<Vec<_>>());
        next += 1;
    }
    Ok(found)
}

/// In which currency prices are read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Prices {
    /// The currency of prices; the shop's if absent.
    #[param(inline, example = "EUR")]
    pub(super) currency: Option<Currency>,
}

/// A product with its variants
///
/// Shop clients see active products and their active variants.
#[utoipa::path(get, path = "/products/{id}", tag = "products", security((), ("bearer" = [])),
    params(("id" = String, Path, description = "The product's id or slug"), Prices),
    responses(
        (status = 200, description = "The product", body = ProductView),
        (status = 304, description = "The client has it"),
    ),
)]
async fn product(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    Query(Prices { currency }): Query<Prices>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let product = app.commerce().product(&caller, &named(&name)?, currency).await?;
    if caller.is_back_office() {
        return Ok(known.answer_public(&caller, product.version.get(), &product));
    }
    let page = app.pages().page(product, currency)?;
    Ok(known.answer_encoded(&caller, page.etag.clone(), page.body.clone()))
}

/// Make a product, with its variants
#[utoipa::path(post, path = "/products", tag = "products", security(("bearer" = [])),
    request_body(content = CreateProduct, example = json!({
        "title": "Linen shirt",
        "status": "active",
        "vendor": "Acme",
        "product_type": "Shirts",
        "tags": ["summer", "linen"],
        "description": "<p>Light and cool.</p>",
        "options": [{ "name": "Size" }],
        "images": [{ "url": "https://example.com/shirt.jpg", "alt": "A linen shirt" }],
        "variants": [
            { "sku": "LINEN-M", "options": ["M"], "price": { "amount": 4900, "currency": "EUR" } },
            { "sku": "LINEN-L", "options": ["L"], "price": { "amount": 4900, "currency": "EUR" } },
        ],
    })),
    responses(
        (status = 201, description = "The product", body = ProductView, headers(
            ("Location" = String, description = "Its address"),
            ("ETag" = String, description = "Its version and content"),
        )),
        (status = 409, description = "`conflict`: a slug, a SKU or a variant's options are in use"),
    ),
)]
async fn create_product(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Json(request): Json<CreateProduct>,
) -> Result<Response, Problem> {
    let made = app.commerce().create_product(&caller, &request).await?;
    let location = [(header::LOCATION, format!("products/{}", made.id))];
    Ok((location, reply::entity(StatusCode::CREATED, &made)).into_response())
}

/// Change a product
///
/// What is absent stays, what is null is cleared. `options` are all of them, in their order: an
/// option takes its values along when it is moved, or renamed by `from`; a new one gives its `value`
/// to all variants but those that are given other values in `variants`. Everything comes true at once
/// or not at all.
#[utoipa::path(patch, path = "/products/{id}", tag = "products", security(("bearer" = [])),
    params(
        ("id" = ProductId, Path, description = "The product"),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = PatchProduct, example = json!({
        "title": "Linen shirt, washed",
        "featured": true,
        "vendor": null,
        "options": [{ "name": "Cut", "value": "Regular" }],
    })),
    responses(
        (status = 200, description = "The product", body = ProductView),
        (status = 409, description = "`conflict`: the slug or a SKU is in use"),
    ),
)]
async fn patch_product(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<ProductId>,
    version: IfMatch,
    Json(request): Json<PatchProduct>,
) -> Result<Response, Problem> {
    let expected = version.expected()?;
    let done = app.commerce().patch_product(&caller, id, &request, expected).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

/// Take a product out of the shop
///
/// It is archived: shop clients see and buy it no more, and orders that have it keep what they
/// need. Set its `status` to bring it back.
#[utoipa::path(delete, path = "/products/{id}", tag = "products", security(("bearer" = [])),
    params(
        ("id" = ProductId, Path, description = "The product"),
        ("If-Match" = Option<String>, Header),
    ),
    responses((status = 200, description = "The product", body = ProductView)),
)]
async fn archive_product(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<ProductId>,
    version: IfMatch,
) -> Result<Response, Problem> {
    let done = app.commerce().archive_product(&caller, id, version.expected()?).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

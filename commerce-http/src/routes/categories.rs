//! Categories.

use std::collections::HashMap;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use commerce_core::{
    Done,
    catalog::{Category, CreateCategory, PatchCategory},
    id::CategoryId,
    store::CategoryRef,
    version::{Version, Versioned},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::{BackOffice, Caller},
    etag::{IfMatch, IfNoneMatch},
    extract::{Json, Path},
    problem::Problem,
    reply::{self, Entity},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(categories, create_category)).routes(routes!(
        category,
        patch_category,
        remove_category
    ))
}

/// A category as it is seen.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryView {
    #[serde(flatten)]
    category: Category,
    /// How often it was written.
    version: Version,
}

impl From<&Versioned<Category>> for CategoryView {
    fn from(category: &Versioned<Category>) -> Self {
        Self { category: (*category.value).clone(), version: category.version }
    }
}

impl Entity for CategoryView {
    fn version(&self) -> Version {
        self.version
    }
}

/// A category with those below it.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryNode {
    #[serde(flatten)]
    category: CategoryView,
    /// The categories just below it, in their order.
    #[schema(no_recursion)]
    children: Vec<CategoryNode>,
}

/// The tree of categories.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryTree {
    /// The categories at the top, in their order.
    items: Vec<CategoryNode>,
}

/// The category that a path or a query names.
pub(super) fn named(name: &str) -> Result<CategoryRef, Problem> {
    match name.parse() {
        Ok(id) => Ok(CategoryRef::Id(id)),
        Err(_) => {
            let slug = name.parse().map_err(|_| Problem::not_found("category"))?;
            Ok(CategoryRef::Slug(slug))
        }
    }
}

pub(super) type ByParent<'a> = HashMap<Option<CategoryId>, Vec<&'a Versioned<Category>>>;

/// The categories below each one, in their order.
pub(super) fn by_parent(categories: &[Versioned<Category>]) -> ByParent<'_> {
    let mut below = ByParent::new();
    for category in categories {
        below.entry(category.parent_id).or_default().push(category);
    }
    below
}

/// What is below a category, as deep as it goes: [`Category::DEPTH_MAX`] levels.
fn nodes(parent: Option<CategoryId>, below: &ByParent<'_>) -> Vec<CategoryNode> {
    let children = below.get(&parent).into_iter().flatten();
    children
        .map(|child| CategoryNode {
            category: CategoryView::from(*child),
            children: nodes(Some(child.id), below),
        })
        .collect()
}

/// All categories, as a tree
///
/// Shop clients see active categories whose ancestors are active.
#[utoipa::path(get, path = "/categories", tag = "categories", security((), ("bearer" = [])),
    responses(
        (status = 200, description = "The tree", body = CategoryTree),
        (status = 304, description = "The client has it"),
    ),
)]
async fn categories(
    State(app): State<App>,
    Caller(caller): Caller,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let seen = app.commerce().categories(&caller).await?;
    let tree = CategoryTree { items: nodes(None, &by_parent(&seen)) };
    Ok(known.answer_public(&caller, 1, &tree))
}

/// A category
#[utoipa::path(get, path = "/categories/{id}", tag = "categories", security((), ("bearer" = [])),
    params(("id" = String, Path, description = "The category's id or slug")),
    responses(
        (status = 200, description = "The category", body = CategoryView),
        (status = 304, description = "The client has it"),
    ),
)]
async fn category(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let category = app.commerce().category(&caller, &named(&name)?).await?;
    let version = category.version.get();
    Ok(known.answer_public(&caller, version, &CategoryView::from(&category)))
}

/// Make a category
#[utoipa::path(post, path = "/categories", tag = "categories", security(("bearer" = [])),
    request_body(content = CreateCategory, example = json!({
        "title": "Shirts", "description": "All that has buttons.", "position": 1,
    })),
    responses(
        (status = 201, description = "The category", body = CategoryView, headers(
            ("Location" = String, description = "Its address"),
            ("ETag" = String, description = "Its version and content"),
        )),
        (status = 409, description = "`conflict`: the slug is in use"),
    ),
)]
async fn create_category(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Json(request): Json<CreateCategory>,
) -> Result<Response, Problem> {
    let made = app.commerce().create_category(&caller, &request).await?;
    let location = [(header::LOCATION, format!("categories/{}", made.id))];
    Ok((location, answer(StatusCode::CREATED, &made)).into_response())
}

/// Change a category, or move it
///
/// What is absent stays, what is null is cleared.
#[utoipa::path(patch, path = "/categories/{id}", tag = "categories", security(("bearer" = [])),
    params(
        ("id" = CategoryId, Path, description = "The category"),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = PatchCategory, example = json!({ "parent_id": null, "position": 2 })),
    responses(
        (status = 200, description = "The category", body = CategoryView),
        (status = 409, description = "`conflict`: the slug is in use"),
    ),
)]
async fn patch_category(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<CategoryId>,
    version: IfMatch,
    Json(request): Json<PatchCategory>,
) -> Result<Response, Problem> {
    let expected = version.expected()?;
    let done = app.commerce().patch_category(&caller, id, &request, expected).await?;
    Ok(answer(StatusCode::OK, &done))
}

/// Remove a category
///
/// Products that were in it are not any more.
#[utoipa::path(delete, path = "/categories/{id}", tag = "categories", security(("bearer" = [])),
    params(
        ("id" = CategoryId, Path, description = "The category"),
        ("If-Match" = Option<String>, Header),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "`invalid_transition`: others are below it, or too many products are in it"),
    ),
)]
async fn remove_category(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<CategoryId>,
    version: IfMatch,
) -> Result<Response, Problem> {
    let done = app.commerce().remove_category(&caller, id, version.expected()?).await?;
    Ok(reply::empty(&done))
}

fn answer(status: StatusCode, done: &Done<Versioned<Category>>) -> Response {
    let output = CategoryView::from(&done.output);
    reply::entity(status, &Done { output, replayed: done.replayed })
}

//! The places that keep stock.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use commerce_core::{
    Done,
    id::LocationId,
    inventory::{CreateLocation, Location, PatchLocation},
    version::{Version, Versioned},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::BackOffice,
    etag::{IfMatch, IfNoneMatch},
    extract::{Json, Path},
    pagination::Page,
    problem::Problem,
    reply::{self, Entity},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(locations, create_location))
        .routes(routes!(location, patch_location))
}

/// A location as it is seen.
#[derive(Debug, Serialize, ToSchema)]
struct LocationView {
    #[serde(flatten)]
    location: Location,
    /// How often it was written.
    version: Version,
}

impl From<&Versioned<Location>> for LocationView {
    fn from(location: &Versioned<Location>) -> Self {
        Self { location: (*location.value).clone(), version: location.version }
    }
}

impl Entity for LocationView {
    fn version(&self) -> Version {
        self.version
    }
}

/// All locations, in the order in which they give their stock
#[utoipa::path(get, path = "/locations", tag = "locations", security(("bearer" = [])),
    responses((status = 200, description = "All of them", body = Page<LocationView>)),
)]
async fn locations(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
) -> Result<Json<Page<LocationView>>, Problem> {
    let locations = app.commerce().locations(&caller).await?;
    Ok(Json(Page::all(locations.iter().map(LocationView::from).collect())))
}

/// A location
#[utoipa::path(get, path = "/locations/{id}", tag = "locations", security(("bearer" = [])),
    params(("id" = LocationId, Path, description = "The location")),
    responses(
        (status = 200, description = "The location", body = LocationView),
        (status = 304, description = "The client has it"),
    ),
)]
async fn location(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<LocationId>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let locations = app.commerce().locations(&caller).await?;
    let location = locations.iter().find(|location| location.id == id);
    let location = location.ok_or_else(|| Problem::not_found("location"))?;
    Ok(known.answer(location.version.get(), &LocationView::from(location)))
}

/// Make a location
#[utoipa::path(post, path = "/locations", tag = "locations", security(("bearer" = [])),
    request_body(content = CreateLocation, example = json!({ "name": "Shop floor", "priority": 1 })),
    responses((status = 201, description = "The location", body = LocationView, headers(
        ("Location" = String, description = "Its address"),
        ("ETag" = String, description = "Its version and content"),
    ))),
)]
async fn create_location(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Json(request): Json<CreateLocation>,
) -> Result<Response, Problem> {
    let made = app.commerce().create_location(&caller, &request).await?;
    let address = [(header::LOCATION, format!("locations/{}", made.id))];
    Ok((address, answer(StatusCode::CREATED, &made)).into_response())
}

/// Change a location
///
/// What is absent stays. The stock of an inactive location is not available.
#[utoipa::path(patch, path = "/locations/{id}", tag = "locations", security(("bearer" = [])),
    params(
        ("id" = LocationId, Path, description = "The location"),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = PatchLocation, example = json!({ "priority": 2 })),
    responses((status = 200, description = "The location", body = LocationView)),
)]
async fn patch_location(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<LocationId>,
    version: IfMatch,
    Json(request): Json<PatchLocation>,
) -> Result<Response, Problem> {
    let expected = version.expected()?;
    let done = app.commerce().patch_location(&caller, id, &request, expected).await?;
    Ok(answer(StatusCode::OK, &done))
}

fn answer(status: StatusCode, done: &Done<Versioned<Location>>) -> Response {
    let output = LocationView::from(&done.output);
    reply::entity(status, &Done { output, replayed: done.replayed })
}

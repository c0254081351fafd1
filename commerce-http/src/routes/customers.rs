//! Customers and their addresses, for the back office. A change of an address is a change of its
//! customer, who is the answer.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use commerce_core::{
    Done,
    customer::{Address, BookedAddress, CreateCustomer, Customer, PatchCustomer, PutAddress},
    id::{AddressId, CustomerId},
    store::{CustomerQuery, CustomerRef, Page as StorePage},
    version::{Version, Versioned},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::text;
use crate::{
    app::App,
    caller::BackOffice,
    etag::{IfMatch, IfNoneMatch},
    extract::{Json, Path},
    pagination::{List, Page, Pagination},
    problem::Problem,
    reply::{self, Entity},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(customers, create_customer))
        .routes(routes!(customer, patch_customer, erase_customer))
        .routes(routes!(addresses, add_address))
        .routes(routes!(put_address, remove_address))
}

/// A customer as the back office sees them.
#[derive(Debug, Serialize, ToSchema)]
struct CustomerView {
    #[serde(flatten)]
    customer: Customer,
    /// How often they were written.
    version: Version,
}

impl From<&Versioned<Customer>> for CustomerView {
    fn from(customer: &Versioned<Customer>) -> Self {
        Self { customer: (*customer.value).clone(), version: customer.version }
    }
}

impl Entity for CustomerView {
    fn version(&self) -> Version {
        self.version
    }
}

/// Which customers are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// They have all of these words, or words that begin so, in their name, e-mail address,
    /// telephone number or external number.
    #[serde(default, deserialize_with = "text")]
    #[param(min_length = 1, max_length = 255)]
    q: Option<String>,
}

/// Customers, the newest first
#[utoipa::path(get, path = "/customers", tag = "customers", security(("bearer" = [])),
    params(Filter, Pagination),
    responses((status = 200, description = "One page of them", body = Page<CustomerView>)),
)]
async fn customers(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    List { filter, page }: List<Filter>,
) -> Result<Json<Page<CustomerView>>, Problem> {
    let query = CustomerQuery { text: filter.q, page: page.request()? };
    let StorePage { items, next, total } = app.commerce().customers(&caller, &query).await?;
    let items = items.iter().map(CustomerView::from).collect();
    Ok(Json(page.answer(StorePage { items, next, total })?))
}

/// A customer
#[utoipa::path(get, path = "/customers/{id}", tag = "customers", security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer")),
    responses(
        (status = 200, description = "The customer", body = CustomerView),
        (status = 304, description = "The client has it"),
    ),
)]
async fn customer(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<CustomerId>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let customer = app.commerce().customer(&caller, &CustomerRef::Id(id)).await?;
    Ok(known.answer(customer.version.get(), &CustomerView::from(&customer)))
}

/// Enter a customer
#[utoipa::path(post, path = "/customers", tag = "customers", security(("bearer" = [])),
    request_body(content = CreateCustomer, example = json!({
        "email": "ada@example.com", "name": "Ada Lovelace", "external_id": "K-00417",
    })),
    responses(
        (status = 201, description = "The customer", body = CustomerView, headers(
            ("Location" = String, description = "Their address"),
            ("ETag" = String, description = "Their version and content"),
        )),
        (status = 409, description = "`conflict`: another customer has the e-mail address or number"),
    ),
)]
async fn create_customer(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Json(request): Json<CreateCustomer>,
) -> Result<Response, Problem> {
    let made = app.commerce().create_customer(&caller, &request).await?;
    let address = [(header::LOCATION, format!("customers/{}", made.id))];
    Ok((address, answer(StatusCode::CREATED, &made)).into_response())
}

/// Change a customer
///
/// What is absent stays, what is null is cleared. A new e-mail address has yet to be verified.
#[utoipa::path(patch, path = "/customers/{id}", tag = "customers", security(("bearer" = [])),
    params(
        ("id" = CustomerId, Path, description = "The customer"),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = PatchCustomer, example = json!({
        "name": "Ada King", "phone": null, "note": "Calls on Mondays",
    })),
    responses(
        (status = 200, description = "The customer", body = CustomerView),
        (status = 409, description = "`conflict`: another customer has the e-mail address or number"),
    ),
)]
async fn patch_customer(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<CustomerId>,
    version: IfMatch,
    Json(request): Json<PatchCustomer>,
) -> Result<Response, Problem> {
    let expected = version.expected()?;
    let done = app.commerce().patch_customer(&caller, id, &request, expected).await?;
    Ok(answer(StatusCode::OK, &done))
}

/// Erase a customer
///
/// Their profile, their addresses, the cart that they have open and what gateways keep for them are
/// gone, as the law lets a person demand. Their orders stay as they were placed, because the law makes a
/// shop keep them; so do webhooks about their payments, until `webhook_retention` is over.
///
/// Gateways forget them first, and the shop last: what stops on the way leaves the customer here and may
/// have taken cards of theirs. Repeat the request, and it goes on.
#[utoipa::path(delete, path = "/customers/{id}", tag = "customers", security(("bearer" = [])),
    params(
        ("id" = CustomerId, Path, description = "The customer"),
        ("If-Match" = Option<String>, Header),
    ),
    responses(
        (status = 204, description = "They are gone"),
        (status = 409, description = "`invalid_transition`: a gateway that keeps cards of theirs does not \
            accept that. The customer stays; what other gateways kept may be gone"),
        (status = 503, description = "A gateway that keeps cards of theirs is out of reach, or did not say \
            what came of it (`unavailable`, `outcome_unknown`). The customer stays, and cards may be gone: \
            the same request goes on"),
    ),
)]
async fn erase_customer(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<CustomerId>,
    version: IfMatch,
) -> Result<Response, Problem> {
    let (commerce, expected) = (app.commerce().clone(), version.expected()?);
    let work = async move { commerce.erase_customer(&caller, id, expected).await };
    let done = app.tasks().run_to_end(work).await?;
    Ok(reply::empty(&done))
}

/// An address as it is entered in a book.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EnterAddress {
    /// The address.
    address: Address,
    /// Whether orders are sent there from now on.
    #[serde(default)]
    default_shipping: bool,
    /// Whether bills are sent there from now on.
    #[serde(default)]
    default_billing: bool,
}

impl EnterAddress {
    fn over(self, id: Option<AddressId>) -> PutAddress {
        let Self { address, default_shipping, default_billing } = self;
        PutAddress { id, address, default_shipping, default_billing }
    }
}

/// The addresses of a customer, in the order in which they were entered
#[utoipa::path(get, path = "/customers/{id}/addresses", tag = "customers",
    security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer")),
    responses((status = 200, description = "All of them", body = Page<BookedAddress>)),
)]
async fn addresses(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<CustomerId>,
) -> Result<Json<Page<BookedAddress>>, Problem> {
    let customer = app.commerce().customer(&caller, &CustomerRef::Id(id)).await?;
    Ok(Json(Page::all(customer.addresses.clone())))
}

/// Enter an address of a customer
///
/// As long as there is an address, one of them is the default of each kind: the first, if none is
/// named.
#[utoipa::path(post, path = "/customers/{id}/addresses", tag = "customers",
    security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer")),
    request_body(content = EnterAddress, example = json!({
        "address": {
            "name": "Ada Lovelace", "line1": "St James's Square 12", "city": "London",
            "postal_code": "SW1Y 4JH", "country": "GB",
        },
        "default_shipping": true,
    })),
    responses((status = 201, description = "The customer", body = CustomerView)),
)]
async fn add_address(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<CustomerId>,
    Json(request): Json<EnterAddress>,
) -> Result<Response, Problem> {
    let done = app.commerce().put_address(&caller, id, &request.over(None)).await?;
    Ok(answer(StatusCode::CREATED, &done))
}

/// Replace an address of a customer
#[utoipa::path(put, path = "/customers/{id}/addresses/{address_id}", tag = "customers",
    security(("bearer" = [])),
    params(
        ("id" = CustomerId, Path, description = "The customer"),
        ("address_id" = AddressId, Path, description = "The address"),
    ),
    request_body(content = EnterAddress, example = json!({
        "address": {
            "name": "Ada Lovelace", "line1": "Great Cumberland Place 6", "city": "London",
            "country": "GB",
        },
        "default_billing": true,
    })),
    responses((status = 200, description = "The customer", body = CustomerView)),
)]
async fn put_address(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path((id, address_id)): Path<(CustomerId, AddressId)>,
    Json(request): Json<EnterAddress>,
) -> Result<Response, Problem> {
    let request = request.over(Some(address_id));
    let done = app.commerce().put_address(&caller, id, &request).await?;
    Ok(answer(StatusCode::OK, &done))
}

/// Remove an address of a customer
///
/// If it was a default, the first of the others is from now on.
#[utoipa::path(delete, path = "/customers/{id}/addresses/{address_id}", tag = "customers",
    security(("bearer" = [])),
    params(
        ("id" = CustomerId, Path, description = "The customer"),
        ("address_id" = AddressId, Path, description = "The address"),
    ),
    responses((status = 200, description = "The customer", body = CustomerView)),
)]
async fn remove_address(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path((id, address_id)): Path<(CustomerId, AddressId)>,
) -> Result<Response, Problem> {
    let done = app.commerce().remove_address(&caller, id, address_id).await?;
    Ok(answer(StatusCode::OK, &done))
}

fn answer(status: StatusCode, done: &Done<Versioned<Customer>>) -> Response {
    let output = CustomerView::from(&done.output);
    reply::entity(status, &Done { output, replayed: done.replayed })
}

//! Carts and checkout.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use commerce_core::{
    CreatedCart, PlacedView,
    cart::{AddLine, CartView, ChangeLine, CreateCart, PatchCart},
    checkout::PlaceOrder,
    id::{CartId, LineId, ShippingMethodId},
    money::Money,
    pricing::{QuoteShipping, ShippingMethod},
    text::{IdempotencyKey, Label},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::{Caller, KeyedCaller},
    etag::{IfMatch, IfNoneMatch},
    extract::{Json, Path},
    pagination::Page,
    problem::Problem,
    reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_cart))
        .routes(routes!(cart, patch_cart))
        .routes(routes!(add_line, clear_cart))
        .routes(routes!(change_line, remove_line))
        .routes(routes!(shipping_options))
        .routes(routes!(place_order))
}

/// Make a cart
///
/// A guest's cart comes with its `token`, shown this once: send it as `Cart-Token` with every
/// request about the cart, and about the order that is placed from it. What the back office makes
/// is a draft, on whose lines it may set prices.
#[utoipa::path(post, path = "/carts", tag = "carts",
    security((), ("bearer" = []), ("cart_token" = [])),
    request_body(content = Option<CreateCart>, description = "May be left out", example = json!({
        "email": "ada@example.com",
        "shipping_address": {
            "name": "Ada Lovelace", "line1": "St James's Square 12", "city": "London",
            "postal_code": "SW1Y 4JH", "country": "GB",
        },
    })),
    responses(
        (status = 201, description = "The cart", body = CreatedCart, headers(
            ("Location" = String, description = "Its address"),
            ("ETag" = String, description = "Its version and content"),
        )),
        (status = 404, description = "A variant does not exist (`not_found`)"),
        (status = 409, description = "`insufficient_stock`; `not_for_sale`"),
    ),
)]
async fn create_cart(
    State(app): State<App>,
    Caller(caller): Caller,
    body: Option<Json<CreateCart>>,
) -> Result<Response, Problem> {
    let Json(request) = body.unwrap_or_default();
    let made = app.commerce().create_cart(&caller, &request).await?;
    let location = [(header::LOCATION, format!("carts/{}", made.cart.id))];
    Ok((location, reply::entity(StatusCode::CREATED, &made)).into_response())
}

/// A cart at the prices of the moment, with every amount explained
#[utoipa::path(get, path = "/carts/{id}", tag = "carts",
    security(("cart_token" = []), ("bearer" = [])),
    params(("id" = CartId, Path, description = "The cart")),
    responses(
        (status = 200, description = "The cart", body = CartView),
        (status = 304, description = "The client has it"),
    ),
)]
async fn cart(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<CartId>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let cart = app.commerce().cart(&caller, id).await?;
    Ok(known.answer(cart.version.get(), &cart))
}

/// Change what a cart says besides its lines
///
/// What is absent stays, what is null is cleared. `shipping_method` is one of the cart's shipping options.
#[utoipa::path(patch, path = "/carts/{id}", tag = "carts",
    security(("cart_token" = []), ("bearer" = [])),
    params(("id" = CartId, Path, description = "The cart"), ("If-Match" = Option<String>, Header)),
    request_body(content = PatchCart, example = json!({
        "email": "ada@example.com",
        "shipping_address": {
            "name": "Ada Lovelace", "line1": "St James's Square 12", "city": "London",
            "postal_code": "SW1Y 4JH", "country": "GB",
        },
        "billing_address": null,
        "note": "Please ring twice.",
    })),
    responses(
        (status = 200, description = "The cart", body = CartView),
        (status = 409, description = "`cart_closed`"),
    ),
)]
async fn patch_cart(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<CartId>,
    version: IfMatch,
    Json(request): Json<PatchCart>,
) -> Result<Response, Problem> {
    let done = app.commerce().patch_cart(&caller, id, &request, version.expected()?).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

/// Put units of a variant into a cart
///
/// Units of a variant that is in the cart already add up, and their sum is what must be available.
#[utoipa::path(post, path = "/carts/{id}/lines", tag = "carts",
    security(("cart_token" = []), ("bearer" = [])),
    params(("id" = CartId, Path, description = "The cart"), ("If-Match" = Option<String>, Header)),
    request_body(content = AddLine, example = json!({
        "variant_id": "var_019aa5a2f5e07c3c9d3b6f1f0a6c2e11", "quantity": 2,
    })),
    responses(
        (status = 200, description = "The cart", body = CartView),
        (status = 409, description = "`insufficient_stock`; `not_for_sale`; `cart_closed`"),
    ),
)]
async fn add_line(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<CartId>,
    version: IfMatch,
    Json(request): Json<AddLine>,
) -> Result<Response, Problem> {
    let done = app.commerce().add_line(&caller, id, &request, version.expected()?).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

/// Remove all lines from a cart
#[utoipa::path(delete, path = "/carts/{id}/lines", tag = "carts",
    security(("cart_token" = []), ("bearer" = [])),
    params(("id" = CartId, Path, description = "The cart"), ("If-Match" = Option<String>, Header)),
    responses(
        (status = 200, description = "The cart", body = CartView),
        (status = 409, description = "`cart_closed`"),
    ),
)]
async fn clear_cart(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<CartId>,
    version: IfMatch,
) -> Result<Response, Problem> {
    let done = app.commerce().clear_cart(&caller, id, version.expected()?).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

/// Change how many units a line has
#[utoipa::path(patch, path = "/carts/{id}/lines/{line_id}", tag = "carts",
    security(("cart_token" = []), ("bearer" = [])),
    params(
        ("id" = CartId, Path, description = "The cart"),
        ("line_id" = LineId, Path, description = "The line"),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = ChangeLine, example = json!({ "quantity": 3 })),
    responses(
        (status = 200, description = "The cart", body = CartView),
        (status = 409, description = "`insufficient_stock`; `not_for_sale`; `cart_closed`"),
    ),
)]
async fn change_line(
    State(app): State<App>,
    Caller(caller): Caller,
    Path((id, line_id)): Path<(CartId, LineId)>,
    version: IfMatch,
    Json(request): Json<ChangeLine>,
) -> Result<Response, Problem> {
    let done =
        app.commerce().change_line(&caller, id, line_id, &request, version.expected()?).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

/// Remove a line from a cart
#[utoipa::path(delete, path = "/carts/{id}/lines/{line_id}", tag = "carts",
    security(("cart_token" = []), ("bearer" = [])),
    params(
        ("id" = CartId, Path, description = "The cart"),
        ("line_id" = LineId, Path, description = "The line"),
        ("If-Match" = Option<String>, Header),
    ),
    responses(
        (status = 200, description = "The cart", body = CartView),
        (status = 409, description = "`cart_closed`"),
    ),
)]
async fn remove_line(
    State(app): State<App>,
    Caller(caller): Caller,
    Path((id, line_id)): Path<(CartId, LineId)>,
    version: IfMatch,
) -> Result<Response, Problem> {
    let done = app.commerce().remove_line(&caller, id, line_id, version.expected()?).await?;
    Ok(reply::entity(StatusCode::OK, &done))
}

/// A way to send a cart, and what it would come to.
#[derive(Serialize, ToSchema)]
struct ShippingOption {
    /// What `shipping_method` of the cart is set to in order to choose it.
    id: ShippingMethodId,
    /// What the customer reads.
    name: Label,
    /// What it costs, explained; absent when nothing in the cart is sent.
    shipping: Option<QuoteShipping>,
    /// What it costs, after discounts.
    shipping_total: Money,
    /// All taxes of the cart, if it is sent like this.
    tax_total: Money,
    /// What is to be paid for the cart, if it is sent like this.
    total: Money,
}

impl ShippingOption {
    fn new(method: ShippingMethod, cart: CartView) -> Self {
        Self {
            id: method.id,
            name: method.name,
            shipping: cart.shipping,
            shipping_total: cart.shipping_total,
            tax_total: cart.tax_total,
            total: cart.total,
        }
    }
}

/// The ways to send a cart, with what each would cost
#[utoipa::path(get, path = "/carts/{id}/shipping_options", tag = "carts",
    security(("cart_token" = []), ("bearer" = [])),
    params(("id" = CartId, Path, description = "The cart")),
    responses((status = 200, description = "All of them", body = Page<ShippingOption>)),
)]
async fn shipping_options(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<CartId>,
) -> Result<Json<Page<ShippingOption>>, Problem> {
    let options = app.commerce().shipping_options(&caller, id).await?;
    let items = options.into_iter().map(|(method, cart)| ShippingOption::new(method, cart));
    Ok(Json(Page::all(items.collect())))
}

/// Check a cart out: place an order
///
/// Prices are frozen and stock is held. The same request with the same key is answered with the
/// same order. With `expected_total`, nothing is placed when the total is another by now.
///
/// A card is paid for on the customer's side: the payment comes with a `client_secret` for the provider's
/// fields on a page of the shop's, or, with `"flow": {"kind": "hosted", …}`, with a `redirect_url` to send
/// the customer to. The order is paid once its `payment_status` says so, and not when they come back.
#[utoipa::path(post, path = "/carts/{id}/checkout", tag = "carts",
    security(("cart_token" = []), ("bearer" = [])),
    params(
        ("id" = CartId, Path, description = "The cart"),
        ("Idempotency-Key" = inline(IdempotencyKey), Header),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = PlaceOrder, example = json!({ "payment": { "gateway": "manual" } })),
    responses(
        (status = 201, description = "The order and its payment", body = PlacedView, headers(
            ("Location" = String, description = "The address of the order"),
        )),
        (status = 402, description = "`payment_declined`, with `decline_code` and `reason`: the order \
            of `order_id` waits for another payment. The bank says no, or the gateway does not accept it"),
        (status = 409, description = "`insufficient_stock`; `not_for_sale`; `cart_empty`; \
            `cart_closed`; `price_changed`, with `expected` and `actual`; `invalid_transition`: the \
            gateway does not accept what it is told of a customer whose card is to be kept; \
            `idempotency_in_flight`: it is still being asked for the first request with this key"),
        (status = 503, description = "The gateway is out of reach, or did not say what came of it: \
            the same request with the same key goes on (`unavailable`, `outcome_unknown`)"),
    ),
)]
async fn place_order(
    State(app): State<App>,
    KeyedCaller(caller): KeyedCaller,
    Path(id): Path<CartId>,
    version: IfMatch,
    Json(request): Json<PlaceOrder>,
) -> Result<Response, Problem> {
    let (expected, commerce) = (version.expected()?, app.commerce().clone());
    let work = async move { commerce.place_order_at(&caller, id, &request, expected).await };
    let placed = app.tasks().run_to_end(work).await?;
    let location = [(header::LOCATION, format!("../../orders/{}", placed.order.id))];
    Ok((location, reply::value(StatusCode::CREATED, &placed)).into_response())
}

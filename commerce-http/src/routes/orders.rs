//! Orders after checkout.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use commerce_core::{
    Commerce, Done, Error, PlacedView,
    id::{CustomerId, OrderId},
    order::{CancelOrder, Deliver, FulfillOrder, OrderStatus, OrderView},
    payment::{CapturePayment, CreateRefund, PaymentChoice, ReviewPayment, VoidPayment},
    store::{OrderFilter, OrderQuery, OrderRef},
    text::{Email, IdempotencyKey},
    time::Timestamp,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::{BackOffice, Caller, KeyedBackOffice, KeyedCaller},
    etag::{IfMatch, IfNoneMatch},
    extract::{Json, Path},
    pagination::{List, Page, Pagination},
    problem::Problem,
    reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(orders))
        .routes(routes!(order))
        .routes(routes!(cancel_order))
        .routes(routes!(pay_order))
        .routes(routes!(capture))
        .routes(routes!(void))
        .routes(routes!(refund))
        .routes(routes!(review))
        .routes(routes!(fulfill_order))
        .routes(routes!(deliver_order))
}

/// Which orders are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Its status.
    #[param(inline)]
    status: Option<OrderStatus>,
    /// Who placed it.
    #[param(inline)]
    customer_id: Option<CustomerId>,
    /// Where the customer can be reached, without regard to case.
    #[param(inline)]
    email: Option<Email>,
    /// It was placed at this time or later.
    #[param(inline)]
    placed_from: Option<Timestamp>,
    /// It was placed before this time.
    #[param(inline)]
    placed_before: Option<Timestamp>,
    /// Whether a payment of it is in review, which a person must look at and close.
    needs_review: Option<bool>,
}

/// Orders, the newest first
#[utoipa::path(get, path = "/orders", tag = "orders", security(("bearer" = [])),
    params(Filter, Pagination),
    responses((status = 200, description = "One page of them", body = Page<OrderView>)),
)]
async fn orders(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    List { filter, page }: List<Filter>,
) -> Result<Json<Page<OrderView>>, Problem> {
    let Filter { status, customer_id, email, placed_from, placed_before, needs_review } = filter;
    let filter =
        OrderFilter { status, customer_id, email, placed_from, placed_before, needs_review };
    let query = OrderQuery { filter, page: page.request()? };
    let orders = app.commerce().orders(&caller, &query).await?;
    Ok(Json(page.answer(orders)?))
}

/// An order
///
/// A guest reads it with the `Cart-Token` of the cart that it was placed from.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders",
    security(("bearer" = []), ("cart_token" = [])),
    params(("id" = String, Path, description = "The order's id or number")),
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 304, description = "The client has it"),
    ),
)]
async fn order(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let by = match name.parse() {
        Ok(id) => OrderRef::Id(id),
        // People type it as they like.
        Err(_) => OrderRef::Number(
            name.to_ascii_uppercase().parse().map_err(|_| Problem::not_found("order"))?,
        ),
    };
    let order = app.commerce().order(&caller, &by).await?;
    Ok(known.answer(order.version.get(), &order))
}

/// Call off an order, its rest, or some of its units
///
/// What is called off is never sent, and what is held for it is released. Without `lines` it is all
/// that is still to be sent; an order of which nothing was sent is cancelled by that, and must be
/// refunded first if it is paid.
///
/// What is to be paid stays what was agreed. What was paid for units that are called off is given
/// back by a refund of those units. So of an order that waits for its money before it is sent no
/// part can be called off: take the money first, or call off the whole.
#[utoipa::path(post, path = "/orders/{id}/cancel", tag = "orders", security(("bearer" = [])),
    params(("id" = OrderId, Path, description = "The order"), ("If-Match" = Option<String>, Header)),
    request_body(content = Option<CancelOrder>, description = "May be left out", example = json!({
        "reason": "customer", "note": "Ordered twice by mistake",
    })),
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 409, description = "`invalid_transition`: it is cancelled, nothing of it or fewer \
            units are left to send, the whole of it is meant and it is paid, or a part and it waits \
            for its money"),
    ),
)]
async fn cancel_order(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<OrderId>,
    version: IfMatch,
    body: Option<Json<CancelOrder>>,
) -> Result<Response, Problem> {
    let (expected, Json(request)) = (version.expected()?, body.unwrap_or_default());
    let work = move |commerce: Commerce| async move {
        commerce.cancel_order(&caller, id, &request, expected).await
    };
    changed(&app, StatusCode::OK, work).await
}

/// Pays an order in another way.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PayOrder {
    /// How.
    payment: PaymentChoice,
}

/// Pay an order in another way
///
/// After a payment that came to nothing, or in the place of one that was not finished, which is called
/// off first. A guest pays with the `Cart-Token` of the cart that the order was placed from.
#[utoipa::path(post, path = "/orders/{id}/payments", tag = "orders",
    security(("cart_token" = []), ("bearer" = [])),
    params(
        ("id" = OrderId, Path, description = "The order"),
        ("Idempotency-Key" = inline(IdempotencyKey), Header),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = PayOrder, example = json!({ "payment": { "gateway": "manual" } })),
    responses(
        (status = 201, description = "The order and its new payment", body = PlacedView, headers(
            ("Location" = String, description = "The address of the order"),
        )),
        (status = 402, description = "`payment_declined`, with `decline_code` and `reason`: the bank \
            says no, or the gateway does not accept it"),
        (status = 409, description = "`invalid_transition`: it is cancelled, is paid, or may be paid \
            at this moment; `idempotency_in_flight`: the gateway is still being asked for the first \
            request with this key"),
        (status = 503, description = "The gateway is out of reach, or did not say what came of it: \
            the same request with the same key goes on (`unavailable`, `outcome_unknown`)"),
    ),
)]
async fn pay_order(
    State(app): State<App>,
    KeyedCaller(caller): KeyedCaller,
    Path(id): Path<OrderId>,
    version: IfMatch,
    Json(request): Json<PayOrder>,
) -> Result<Response, Problem> {
    let (expected, commerce) = (version.expected()?, app.commerce().clone());
    let work = async move { commerce.pay_order(&caller, id, &request.payment, expected).await };
    let placed = app.tasks().run_to_end(work).await?;
    let location = [(header::LOCATION, format!("../{id}"))];
    Ok((location, reply::value(StatusCode::CREATED, &placed)).into_response())
}

/// Call a payment off
///
/// One that has brought no money yet: what is set aside for it is let go. The order stays, and can be
/// paid in another way.
#[utoipa::path(post, path = "/orders/{id}/void", tag = "orders", security(("bearer" = [])),
    params(
        ("id" = OrderId, Path, description = "The order"),
        ("Idempotency-Key" = inline(IdempotencyKey), Header),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = Option<VoidPayment>,
        description = "May be left out: then the latest that is not over", example = json!({})),
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 409, description = "`invalid_transition`: it has brought money, may at this moment, \
            is over, or its gateway refuses, which it is asked again under another key alone; \
            `idempotency_in_flight`: the gateway is still being asked for the first request with this \
            key"),
        (status = 503, description = "The gateway is out of reach, or did not say what came of it: \
            the same request with the same key goes on (`unavailable`, `outcome_unknown`)"),
    ),
)]
async fn void(
    State(app): State<App>,
    KeyedBackOffice(caller): KeyedBackOffice,
    Path(id): Path<OrderId>,
    version: IfMatch,
    body: Option<Json<VoidPayment>>,
) -> Result<Response, Problem> {
    let (expected, Json(request)) = (version.expected()?, body.unwrap_or_default());
    let work = move |commerce: Commerce| async move {
        commerce.void(&caller, id, &request, expected).await
    };
    changed(&app, StatusCode::OK, work).await
}

/// Take an order's money
///
/// What a gateway has set aside for it, all or a part. For a payment that people operate by hand, such
/// as a bank transfer, note that it came.
#[utoipa::path(post, path = "/orders/{id}/capture", tag = "orders", security(("bearer" = [])),
    params(
        ("id" = OrderId, Path, description = "The order"),
        ("Idempotency-Key" = inline(IdempotencyKey), Header),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = Option<CapturePayment>,
        description = "May be left out: then all that can be taken", example = json!({})),
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 402, description = "`payment_declined`, with `decline_code` and `reason`"),
        (status = 409, description = "`invalid_transition`: it is cancelled, its payment was called \
            off or is not one to capture, less than that can be taken, or its gateway refuses, which it \
            is asked again under another key alone; `idempotency_in_flight`: the gateway is still being \
            asked for the first request with this key"),
        (status = 503, description = "The gateway is out of reach, or did not say what came of it: \
            the same request with the same key goes on (`unavailable`, `outcome_unknown`)"),
    ),
)]
async fn capture(
    State(app): State<App>,
    KeyedBackOffice(caller): KeyedBackOffice,
    Path(id): Path<OrderId>,
    version: IfMatch,
    body: Option<Json<CapturePayment>>,
) -> Result<Response, Problem> {
    let (expected, Json(request)) = (version.expected()?, body.unwrap_or_default());
    let work = move |commerce: Commerce| async move {
        commerce.capture(&caller, id, &request, expected).await
    };
    changed(&app, StatusCode::OK, work).await
}

/// Give money back
///
/// An amount of one payment, or what the customer paid for some units; with neither, all that is left of
/// the payment: the one that is named by `payment_id`, else the latest of which something is left. To give
/// back all that several payments brought, ask once for each.
///
/// Units whose price no payment alone has left cannot be refunded as units (409, which says what each has
/// left): refund an `amount` of each by its `payment_id`, call off those that were not sent, and put
/// those that came back on the shelf with `POST /variants/{id}/stock_adjustments`, reason `returned`. Once all
/// of an order's money is given back, what was not sent is called off by itself.
///
/// Units that are refunded and were neither sent nor called off are called off: they are never sent,
/// and their stock is released. Of a line that was sent in part the units that were sent count
/// first; to refund others, call them off before.
#[utoipa::path(post, path = "/orders/{id}/refunds", tag = "orders", security(("bearer" = [])),
    params(
        ("id" = OrderId, Path, description = "The order"),
        ("Idempotency-Key" = inline(IdempotencyKey), Header),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = CreateRefund, example = json!({ "reason": "It broke on its way" })),
    responses(
        (status = 201, description = "The order with the refund", body = OrderView),
        (status = 402, description = "`payment_declined`, with `decline_code` and `reason`"),
        (status = 409, description = "`invalid_transition`: less than that, or fewer units, are left to \
            refund, or several payments have it left and none alone, or its gateway refuses, which it is asked again under another key alone; \
            `idempotency_in_flight`: the gateway is still being asked for the first request with this \
            key"),
        (status = 503, description = "The gateway is out of reach, or did not say what came of it: \
            the same request with the same key goes on (`unavailable`, `outcome_unknown`)"),
    ),
)]
async fn refund(
    State(app): State<App>,
    KeyedBackOffice(caller): KeyedBackOffice,
    Path(id): Path<OrderId>,
    version: IfMatch,
    Json(request): Json<CreateRefund>,
) -> Result<Response, Problem> {
    let expected = version.expected()?;
    let work = move |commerce: Commerce| async move {
        commerce.refund(&caller, id, &request, expected).await
    };
    changed(&app, StatusCode::CREATED, work).await
}

/// Close the review of a payment
///
/// For what cannot come right by itself: a payment in `needs_review` of which its gateway's provider
/// knows nothing any more, or says what cannot be right. From then on it stands as the books have it, and
/// its order goes on. What the shop has no more of the money, because it was given back in another way, is
/// written off: no gateway is asked for that. The provider is asked once more before, and the review is
/// over without this if the two agree again.
#[utoipa::path(post, path = "/orders/{id}/review", tag = "orders", security(("bearer" = [])),
    params(
        ("id" = OrderId, Path, description = "The order"),
        ("Idempotency-Key" = inline(IdempotencyKey), Header),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = Option<ReviewPayment>,
        description = "May be left out: then the latest that is in review, of which nothing is written \
            off",
        example = json!({
            "written_off": { "amount": 1999, "currency": "EUR" },
            "note": "Given back by a transfer: the account at the provider was closed."
        })),
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 409, description = "`invalid_transition`: it is not in review and was not, its gateway \
            is being asked for something, it can still bring money there and must be voided first, or \
            less of it is left than is written off"),
        (status = 503, description = "The gateway is out of reach (`unavailable`)"),
    ),
)]
async fn review(
    State(app): State<App>,
    KeyedBackOffice(caller): KeyedBackOffice,
    Path(id): Path<OrderId>,
    version: IfMatch,
    body: Option<Json<ReviewPayment>>,
) -> Result<Response, Problem> {
    let (expected, Json(request)) = (version.expected()?, body.unwrap_or_default());
    let work = move |commerce: Commerce| async move {
        commerce.review(&caller, id, &request, expected).await
    };
    changed(&app, StatusCode::OK, work).await
}

/// Send some or all of an order
#[utoipa::path(post, path = "/orders/{id}/fulfillments", tag = "orders", security(("bearer" = [])),
    params(
        ("id" = OrderId, Path, description = "The order"),
        ("Idempotency-Key" = inline(IdempotencyKey), Header),
        ("If-Match" = Option<String>, Header),
    ),
    request_body(content = Option<FulfillOrder>,
        description = "May be left out: then all is sent that still can be",
        example = json!({ "tracking": {
            "carrier": "Royal Mail", "number": "AB123456789GB",
            "url": "https://www.royalmail.com/track-your-item#/AB123456789GB",
        } })),
    responses(
        (status = 201, description = "The order with the fulfillment", body = OrderView),
        (status = 409, description = "`invalid_transition`: it is cancelled, not paid for as its \
            terms ask, or nothing of it or fewer units are left to send; `insufficient_stock` for \
            backordered units"),
    ),
)]
async fn fulfill_order(
    State(app): State<App>,
    KeyedBackOffice(caller): KeyedBackOffice,
    Path(id): Path<OrderId>,
    version: IfMatch,
    body: Option<Json<FulfillOrder>>,
) -> Result<Response, Problem> {
    let (expected, Json(request)) = (version.expected()?, body.unwrap_or_default());
    let work = move |commerce: Commerce| async move {
        commerce.fulfill_order(&caller, id, &request, expected).await
    };
    changed(&app, StatusCode::CREATED, work).await
}

/// Note that what was sent has arrived
#[utoipa::path(post, path = "/orders/{id}/deliver", tag = "orders", security(("bearer" = [])),
    params(("id" = OrderId, Path, description = "The order"), ("If-Match" = Option<String>, Header)),
    request_body(content = Option<Deliver>,
        description = "May be left out: then all that was sent has arrived", example = json!({})),
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 409, description = "`invalid_transition`: nothing of it is on its way"),
    ),
)]
async fn deliver_order(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path(id): Path<OrderId>,
    version: IfMatch,
    body: Option<Json<Deliver>>,
) -> Result<Response, Problem> {
    let (expected, Json(request)) = (version.expected()?, body.unwrap_or_default());
    let work = move |commerce: Commerce| async move {
        commerce.deliver_order(&caller, id, request, expected).await
    };
    changed(&app, StatusCode::OK, work).await
}

/// Answers with an order after `work` on it, which ends even if the client hangs up.
async fn changed<F>(
    app: &App,
    status: StatusCode,
    work: impl FnOnce(Commerce) -> F,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<Done<OrderView>, Error>> + Send + 'static,
{
    let done = app.tasks().run_to_end(work(app.commerce().clone())).await?;
    Ok(reply::entity(status, &done))
}

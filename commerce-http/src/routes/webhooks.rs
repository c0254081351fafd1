//! What the providers of payment gateways tell by themselves.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use commerce_core::{
    Commerce,
    access::Caller,
    gateway::Headers,
    id::WebhookId,
    store::WebhookQuery,
    text::GatewayName,
    version::Versioned,
    webhook::{Webhook, WebhookStatus, WebhookView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::BackOffice,
    etag::IfNoneMatch,
    extract::{Json, Path, Raw},
    frame::chain,
    metrics::WEBHOOKS_HANDLED,
    pagination::{List, Page, Pagination},
    problem::Problem,
    reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(webhooks))
        .routes(routes!(receive_webhook))
        .routes(routes!(webhook))
        .routes(routes!(retry_webhook))
}

/// Which webhooks are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// How far it has come.
    #[param(inline)]
    status: Option<WebhookStatus>,
}

/// Webhooks that were received
///
/// Those that are parked come first: they are about payments that the shop does not know, and a person
/// may have to see to them. They are looked into again for a month, the more seldom the longer that lasts,
/// and left parked after that, with `due_at` null. Of all the newest come first.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", security(("bearer" = [])),
    params(Filter, Pagination),
    responses((status = 200, description = "One page of them", body = Page<WebhookView>)),
)]
async fn webhooks(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    List { filter: Filter { status }, page }: List<Filter>,
) -> Result<Json<Page<WebhookView>>, Problem> {
    let query = WebhookQuery { status, page: page.request()? };
    let webhooks = app.commerce().webhooks(&caller, &query).await?;
    Ok(Json(page.answer(webhooks)?))
}

/// A webhook with what was received.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookDetail {
    #[serde(flatten)]
    webhook: WebhookView,
    /// What was received, as text.
    body: String,
}

/// A webhook that was received
///
/// With its body as the provider sent it, which may name customers. It is forgotten a while after it was
/// looked into (`webhook_retention`); one that is parked is not.
#[utoipa::path(get, path = "/webhooks/{gateway}/{id}", tag = "webhooks", security(("bearer" = [])),
    params(
        ("gateway" = GatewayName, Path, description = "The gateway that it came to"),
        ("id" = WebhookId, Path, description = "The webhook"),
    ),
    responses(
        (status = 200, description = "The webhook", body = WebhookDetail),
        (status = 304, description = "The client has it"),
    ),
)]
async fn webhook(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path((gateway, id)): Path<(GatewayName, WebhookId)>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let found = received(&app, &caller, &gateway, id).await?;
    let body = String::from_utf8_lossy(&found.body).into_owned();
    let detail = WebhookDetail { webhook: WebhookView::from(&*found.value), body };
    Ok(known.answer(found.version.get(), &detail))
}

/// A webhook that came to a gateway.
async fn received(
    app: &App,
    caller: &Caller,
    gateway: &GatewayName,
    id: WebhookId,
) -> Result<Versioned<Webhook>, Problem> {
    let found = app.commerce().webhook(caller, id).await?;
    if found.gateway == *gateway { Ok(found) } else { Err(Problem::not_found("webhook")) }
}

/// Look into a webhook again
///
/// At once, and not when it would be its turn: the provider is asked for the payment that it is about.
/// What keeps that from being of use stands in `failure`.
#[utoipa::path(post, path = "/webhooks/{gateway}/{id}/retry", tag = "webhooks",
    security(("bearer" = [])),
    params(
        ("gateway" = GatewayName, Path, description = "The gateway that it came to"),
        ("id" = WebhookId, Path, description = "The webhook"),
    ),
    responses(
        (status = 200, description = "The webhook as it is then", body = WebhookView),
        (status = 409, description = "`invalid_transition`: nothing of it is left to do"),
    ),
)]
async fn retry_webhook(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    Path((gateway, id)): Path<(GatewayName, WebhookId)>,
) -> Result<Response, Problem> {
    received(&app, &caller, &gateway, id).await?;
    let commerce = app.commerce().clone();
    let work = async move { commerce.retry_webhook(&caller, id).await };
    let done = app.tasks().run_to_end(work).await?;
    Ok(reply::value(StatusCode::OK, &done))
}

/// Tell the shop what happened at a gateway's provider
///
/// For the provider alone, who signs what it tells. It is answered as soon as the event is recorded, and
/// looked into afterwards: what it says is a hint, and the provider is asked how things are. The same
/// event is recorded once, however often it comes.
#[utoipa::path(post, path = "/webhooks/{gateway}", tag = "webhooks",
    params(("gateway" = GatewayName, Path, description = "The gateway, such as `stripe`")),
    request_body(content = String, content_type = "*/*",
        description = "The event as the provider signed it, of at most 262,144 bytes"),
    responses(
        (status = 200, description = "It is recorded"),
        (status = 400, description = "`signature_invalid`"),
        (status = 404, description = "`not_found`: there is no such gateway, or it has no webhooks"),
    ),
)]
async fn receive_webhook(
    State(app): State<App>,
    Path(gateway): Path<GatewayName>,
    headers: HeaderMap,
    Raw(body): Raw<{ Webhook::BODY_MAX }>,
) -> Result<(), Problem> {
    // What is no text signs nothing.
    let headers =
        headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let headers: Headers = headers.collect();
    let (commerce, name) = (app.commerce().clone(), gateway.clone());
    let work = async move { commerce.receive_webhook(&name, &headers, &body).await };
    let receipt = app.tasks().run_to_end(work).await?;
    // Where too many are looked into already, a sweep does it.
    if let (false, Some(place)) = (receipt.repeated, app.place_for_webhook()) {
        let commerce = app.commerce().clone();
        app.tasks().begin(async move {
            look_into(&commerce, &gateway, receipt.id).await;
            drop(place);
        });
    }
    Ok(())
}

async fn look_into(commerce: &Commerce, gateway: &GatewayName, id: WebhookId) {
    let outcome = match commerce.handle_webhook(id).await {
        Ok(true) => "done",
        Ok(false) => "not_due",
        Err(error) => {
            let error = chain(&error);
            tracing::warn!(
                target: "commerce_http::gateway",
                %gateway, webhook = %id, error, "a webhook is to be looked into again"
            );
            "failed"
        }
    };
    metrics::counter!(
        WEBHOOKS_HANDLED, "gateway" => gateway.as_str().to_owned(), "outcome" => outcome
    )
    .increment(1);
}

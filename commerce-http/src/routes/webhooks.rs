//! What the providers of payment gateways tell by themselves.

use axum::{extract::State, http::HeaderMap};
use commerce_core::{
    Commerce, gateway::Headers, id::WebhookId, text::GatewayName, webhook::Webhook,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    extract::{Path, Raw},
    frame::chain,
    metrics::WEBHOOKS_HANDLED,
    problem::Problem,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(receive_webhook))
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

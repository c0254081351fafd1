//! What the shop is configured with, and what of it everybody may know.

use std::collections::BTreeSet;

use axum::{extract::State, http::StatusCode, response::Response};
use commerce_core::{
    Commerce, Done,
    currency::Currency,
    shop::{PatchShop, Shop},
    text::{Country, GatewayName, Label},
    version::{Version, Versioned},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::{BackOffice, Caller},
    cards::warn_of_absent,
    etag::{IfMatch, IfNoneMatch},
    extract::Json,
    problem::Problem,
    reply::{self, Entity},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(shop, patch_shop)).routes(routes!(shop_profile))
}

/// What everybody may know of the shop.
#[derive(Debug, Serialize, ToSchema)]
struct ShopProfile {
    /// Its name for people.
    name: Label,
    /// The currency of carts that name none.
    currency: Currency,
    /// Whether prices include their tax.
    prices_include_tax: bool,
    /// Where it sends goods, in alphabetical order; null for everywhere.
    #[schema(required = true)]
    shipping_countries: Option<BTreeSet<Country>>,
    /// The gateways that can be paid by now.
    payment_gateways: Vec<GatewayName>,
}

impl ShopProfile {
    /// A gateway that is offered counts where the server has it.
    fn new(shop: &Shop, commerce: &Commerce) -> Self {
        let methods = || shop.shipping_methods.iter().filter(|method| method.active);
        // Without a method, what needs shipping is sent free of charge; one without countries goes
        // everywhere.
        let everywhere =
            shop.shipping_methods.is_empty() || methods().any(|method| method.countries.is_empty());
        let countries = methods().flat_map(|method| method.countries.iter().cloned());
        Self {
            name: shop.name.clone(),
            currency: shop.currency,
            prices_include_tax: shop.pricing.prices_include_tax,
            shipping_countries: (!everywhere).then(|| countries.collect()),
            payment_gateways: shop
                .payment_terms
                .keys()
                .filter(|gateway| commerce.has_gateway(gateway))
                .cloned()
                .collect(),
        }
    }
}

/// What everybody may know of the shop
#[utoipa::path(get, path = "/shop/profile", tag = "shop", security((), ("bearer" = [])),
    responses(
        (status = 200, description = "Its name, currency and the like", body = ShopProfile),
        (status = 304, description = "The client has it"),
    ),
)]
async fn shop_profile(
    State(app): State<App>,
    Caller(caller): Caller,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let shop = app.commerce().shop().await?;
    Ok(known.answer_public(&caller, shop.version.get(), &ShopProfile::new(&shop, app.commerce())))
}

/// What the shop is configured with
///
/// Its currency, taxes, ways of shipping, terms of payment and limits.
#[utoipa::path(get, path = "/shop", tag = "shop", security(("bearer" = [])),
    responses(
        (status = 200, description = "The whole configuration", body = Shop),
        (status = 304, description = "The client has it"),
    ),
)]
async fn shop(
    State(app): State<App>,
    BackOffice(_): BackOffice,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let shop = app.commerce().shop().await?;
    Ok(known.answer(shop.version.get(), &*shop.value))
}

/// Change some of what the shop is configured with
///
/// What is absent stays; what is there is replaced whole. `taxes` and `shipping_methods` are all that
/// there are from now on: one that is new has no `id` and is given one. A method is priced in one
/// currency; where any are active, one of them must be in the shop's. Only of `payment_terms` and
/// `capture` the gateways that are named change, and one with null goes: so `stripe` among
/// `payment_terms` is all that it takes to offer cards. A name is not checked, as another server of the
/// shop may have that gateway: `payment_gateways` of `GET /shop/profile` are those that can be paid by
/// here. Carts see it at once, orders keep what they were placed with.
#[utoipa::path(patch, path = "/shop", tag = "shop", security(("bearer" = [])),
    params(("If-Match" = Option<String>, Header)),
    request_body(content = PatchShop, example = json!({
        "home": { "country": "DE" },
        "pricing": { "prices_include_tax": true },
        "taxes": [{ "label": "VAT 19 %", "country": "DE", "rate": "0.19" }],
        "shipping_methods": [
            {
                "name": "Parcel",
                "rate": {
                    "type": "free_from",
                    "price": { "amount": 490, "currency": "EUR" },
                    "threshold": { "amount": 10000, "currency": "EUR" },
                },
                "countries": ["DE", "AT"],
            },
            {
                "name": "Overseas",
                "rate": { "type": "flat", "price": { "amount": 1900, "currency": "USD" } },
                "countries": ["US"],
            },
        ],
        "payment_terms": { "stripe": { "kind": "prepaid", "days": 1 } },
        "capture": { "stripe": "on_fulfillment" },
    })),
    responses((status = 200, description = "The whole configuration", body = Shop)),
)]
async fn patch_shop(
    State(app): State<App>,
    BackOffice(caller): BackOffice,
    version: IfMatch,
    Json(request): Json<PatchShop>,
) -> Result<Response, Problem> {
    let done = app.commerce().patch_shop(&caller, &request, version.expected()?).await?;
    warn_of_absent(&done, app.commerce());
    Ok(answer(&done))
}

fn answer(done: &Done<Versioned<Shop>>) -> Response {
    let output = Configuration(&done.output);
    reply::entity(StatusCode::OK, &Done { output, replayed: done.replayed })
}

/// The configuration without its version, so that what is read can be sent back.
#[derive(Serialize)]
#[serde(transparent)]
struct Configuration<'a>(#[serde(serialize_with = "value")] &'a Versioned<Shop>);

fn value<S: serde::Serializer>(shop: &Versioned<Shop>, serializer: S) -> Result<S::Ok, S::Error> {
    shop.value.serialize(serializer)
}

impl Entity for Configuration<'_> {
    fn version(&self) -> Version {
        self.0.version
    }
}

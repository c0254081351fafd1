//! Every route in one place.

mod carts;
mod categories;
mod customers;
mod images;
mod locations;
mod orders;
mod payment_methods;
mod products;
mod shop;
mod stock;
mod tokens;
mod variants;
mod webhooks;

use std::borrow::Cow;

use commerce_core::search;
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa_axum::router::OpenApiRouter;

use crate::{app::App, health, openapi};

/// Where the resources live.
pub const BASE: &str = "/api/v1";

/// All routes that the OpenAPI document describes.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::head())
        .merge(health::routes())
        .merge(openapi::problem_routes())
        .nest(BASE, resources())
}

/// The routes below [`BASE`], one file for each resource.
fn resources() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(openapi::routes())
        .merge(shop::routes())
        .merge(products::routes())
        .merge(variants::routes())
        .merge(images::routes())
        .merge(categories::routes())
        .merge(stock::routes())
        .merge(locations::routes())
        .merge(carts::routes())
        .merge(orders::routes())
        .merge(customers::routes())
        .merge(payment_methods::routes())
        .merge(tokens::routes())
        .merge(webhooks::routes())
}

/// The longest text that is searched for, in characters.
const TEXT_MAX: usize = 255;

/// Reads a text that is searched for.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    if text.chars().count() > TEXT_MAX {
        return Err(D::Error::custom(format_args!("must have at most {TEXT_MAX} characters")));
    }
    if search::words(&text).next().is_none() {
        return Err(D::Error::custom("must have a letter or a digit"));
    }
    Ok(Some(text.into_owned()))
}

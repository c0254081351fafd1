//! How the core's values look in an OpenAPI document, where serde's derive cannot tell.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, OneOfBuilder, Ref, RefOr,
        schema::{KnownFormat, Schema, SchemaFormat, SchemaType, Type},
    },
};

use crate::{
    currency::Currency, money::Money, pricing::TaxTable, quantity::Quantity, time::Timestamp,
    version::Version,
};

pub(crate) fn text(description: &str, example: &str) -> RefOr<Schema> {
    let mut object = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(description));
    if !example.is_empty() {
        object = object.examples([serde_json::Value::from(example)]);
    }
    object.into()
}

fn integer(description: &str, minimum: i64, maximum: i64) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some(description))
        .minimum(Some(minimum))
        .maximum(Some(maximum))
}

pub(crate) fn terms_by_gateway() -> RefOr<Schema> {
    let about = "The terms of the gateways that are named; with null one is not offered any more.";
    by_gateway(about, "PaymentTerms")
}

pub(crate) fn capture_by_gateway() -> RefOr<Schema> {
    let about = "When the money of payments is taken, by the gateways that are named; with null as \
        soon as the customer has agreed.";
    by_gateway(about, "CapturePolicy")
}

/// Values by the names of gateways, null for those that have none any more.
fn by_gateway(about: &str, value: &str) -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null));
    let value = OneOfBuilder::new().item(null).item(Ref::from_schema_name(value)).build();
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .description(Some(about))
        .additional_properties(Some(Schema::from(value)))
        .into()
}

macro_rules! schemas {
    ($($name:ident => $schema:expr;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

schemas! {
    Timestamp => ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("A time in UTC, to the millisecond (RFC 3339)."))
        .examples([serde_json::Value::from("2026-11-21T10:00:00.000Z")])
        .into();
    Quantity => integer("A number of units.", 1, Quantity::MAX).into();
    Version => integer("How often a record was written.", 1, i64::MAX).into();
    Currency => ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some("An ISO 4217 currency."))
        .enum_values(Some(Currency::iter().map(Currency::code)))
        .examples([serde_json::Value::from("EUR")])
        .into();
    Money => ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .description(Some("An amount in a currency's minor unit: 1999 USD is 19.99 dollars."))
        .property("amount", integer(
            "A whole number of minor units.",
            -Money::MINOR_MAX,
            Money::MINOR_MAX,
        ))
        .required("amount")
        .property("currency", Ref::builder()
            .ref_location_from_schema_name("Currency")
            .description(Some("The currency, whose minor unit that is.")))
        .required("currency")
        .examples([serde_json::json!({ "amount": 1999, "currency": "EUR" })])
        .into();
    TaxTable => utoipa::openapi::ArrayBuilder::new()
        .description(Some("The shop's tax rates."))
        .items(Ref::from_schema_name("TaxRate"))
        .into();
}

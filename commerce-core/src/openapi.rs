//! How the core's values look in an OpenAPI document, where serde's derive cannot tell.

pub(crate) mod forms;

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, OneOfBuilder, Ref, RefOr,
        schema::{AdditionalProperties, KnownFormat, Schema, SchemaFormat, SchemaType, Type},
    },
};

use crate::{
    catalog::AttributeValue, currency::Currency, money::Money, pricing::TaxTable,
    quantity::Quantity, time::Timestamp, version::Version,
};

#[cfg(test)]
pub(crate) use forms::tests::Kind;

/// An id with a prefix.
pub(crate) fn id(prefix: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some("An opaque id."))
        .pattern(Some(format!("^{prefix}_[0-9a-f]{{32}}$")))
        .min_length(Some(prefix.len() + 33))
        .max_length(Some(prefix.len() + 33))
        .examples([format!("{prefix}_019aa5a2f5e07c3c9d3b6f1f0a6c2e11")])
        .into()
}

/// A decimal number: a text, which is exact.
#[derive(Debug)]
pub(crate) struct Decimal;

/// The rate of a tax.
#[derive(Debug)]
pub(crate) struct Rate;

fn decimal(about: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(about))
        .pattern(Some(forms::DECIMAL))
        .examples(["0.19"])
        .into()
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

/// A value beside the word that says of which type it is.
fn attribute(tag: &str, about: &str, value: impl Into<RefOr<Schema>>) -> ObjectBuilder {
    let tag =
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some([tag]));
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .description(Some(about))
        .property("type", tag)
        .required("type")
        .property("value", value)
        .required("value")
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
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
    Decimal => decimal("A decimal number.");
    Rate => decimal("A decimal number from 0 to 10 with at most 6 decimal places.");
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
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .examples([serde_json::json!({ "amount": 1999, "currency": "EUR" })])
        .into();
    AttributeValue => OneOfBuilder::new()
        .description(Some("A typed property of a product."))
        .item(attribute("text", "A text.", Ref::builder()
            .ref_location_from_schema_name("Prose")
            .description(Some("The text."))))
        .item(attribute("number", "A number.", Decimal::schema()))
        .item(attribute("boolean", "Yes or no.", ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Boolean))
            .description(Some("Whether it is so."))))
        .into();
    TaxTable => utoipa::openapi::ArrayBuilder::new()
        .description(Some("The shop's tax rates."))
        .items(Ref::from_schema_name("TaxRate"))
        .into();
}

//! What problems of some codes tell besides the members of the standard.

use commerce_core::{
    id::{OrderId, VariantId},
    money::Money,
    payment::DeclineCode,
    text::{Label, Sku},
    version::Version,
};
use serde::Serialize;
use utoipa::ToSchema;

/// What a client needs to go on. A member stands in problems of the codes that its description begins with,
/// and in no others.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = ProblemMembers)]
pub struct Members {
    /// `insufficient_stock`, `not_for_sale`: the variant that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub variant_id: Option<VariantId>,
    /// `insufficient_stock`, `not_for_sale`: the SKU of that variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sku: Option<Sku>,
    /// `insufficient_stock`: the units that are wanted in all, over every line of that variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wanted: Option<i64>,
    /// `insufficient_stock`: the units that can be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub available: Option<i64>,
    /// `price_changed`, `version_mismatch`: what the request took for granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected: Option<Presumed>,
    /// `price_changed`, `version_mismatch`: what is so instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub actual: Option<Presumed>,
    /// `conflict`: what must be unique, such as `sku` or `slug`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub what: Option<&'static str>,
    /// `conflict`: the value that is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<String>,
    /// `payload_too_large`: the bytes that a body may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bytes_max: Option<usize>,
    /// `payment_declined`: why, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decline_code: Option<DeclineCode>,
    /// `payment_declined`: why, for the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<Label>,
    /// `payment_declined`: the order, which is there all the same and can be paid in another way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub order_id: Option<OrderId>,
}

/// What a request takes for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Presumed {
    /// The version that it is meant for (`version_mismatch`).
    Version(Version),
    /// The total (`price_changed`).
    Total(Money),
}

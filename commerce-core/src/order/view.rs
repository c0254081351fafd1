//! An order as its owner and the back office see it.

use serde::{Deserialize, Serialize};

use super::{
    CancelReason, Fulfillment, FulfillmentStatus, Milestone, Order, OrderLine, OrderStatus,
    PaymentTerms,
};
use crate::{
    currency::Currency,
    customer::Address,
    id::{CartId, CustomerId, LineId, OrderId, ProductId, VariantId},
    money::Money,
    payment::{Payment, PaymentStatus, PaymentView},
    pricing::{Adjustment, PricingPolicy, QuoteShipping, TaxSummary},
    quantity::Quantity,
    text::{Email, Label, Note, OrderNumber, Sku, Url},
    time::Timestamp,
    version::Version,
};

/// An order as its owner and the back office see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderView {
    /// Its id.
    pub id: OrderId,
    /// Its number for people.
    pub number: OrderNumber,
    /// How far it has come, in a word.
    pub status: OrderStatus,
    /// How far its payments have come.
    pub payment_status: PaymentStatus,
    /// How far it has been sent.
    pub fulfillment_status: FulfillmentStatus,
    /// The cart that it was placed from.
    pub cart_id: CartId,
    /// Who placed it.
    pub customer_id: Option<CustomerId>,
    /// Where the customer can be reached.
    pub email: Option<Email>,
    /// The currency of every amount.
    pub currency: Currency,
    /// What was bought.
    pub lines: Vec<OrderLineView>,
    /// What sending it costs.
    pub shipping: Option<QuoteShipping>,
    /// What each tax comes to.
    pub taxes: Vec<TaxSummary>,
    /// The lines at their prices.
    pub subtotal: Money,
    /// What was taken off.
    pub discount_total: Money,
    /// What sending it costs, after discounts.
    pub shipping_total: Money,
    /// All taxes.
    pub tax_total: Money,
    /// Whether the taxes are inside the other amounts.
    pub tax_included: bool,
    /// What rounding to cash added, or took off.
    pub rounding: Money,
    /// What is to be paid.
    pub total: Money,
    /// What was paid.
    pub paid_total: Money,
    /// What was given back.
    pub refunded_total: Money,
    /// What gateways have set aside for it, and can still be taken.
    pub authorized_total: Money,
    /// How it was rounded and split.
    pub pricing: PricingPolicy,
    /// Where it and its bill are sent.
    pub addresses: Addresses,
    /// What the customer noted on it.
    pub note: Option<Note>,
    /// When it is to be paid.
    pub terms: PaymentTerms,
    /// Its payments, oldest first.
    pub payments: Vec<PaymentView>,
    /// What was sent, oldest first.
    pub fulfillments: Vec<Fulfillment>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it lapses if nothing happens.
    pub expires_at: Option<Timestamp>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Why it, or some of it, was called off last.
    pub cancel_reason: Option<CancelReason>,
    /// What was noted when it, or some of it, was called off; only the back office sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_note: Option<Note>,
    /// What happened to it, oldest first.
    pub history: Vec<Milestone>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How often it was written.
    pub version: Version,
}

/// Where an order and its bill are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Addresses {
    /// The order.
    pub shipping: Option<Address>,
    /// The bill.
    pub billing: Option<Address>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderLineView {
    /// Its id.
    pub id: LineId,
    /// What was bought.
    pub variant_id: VariantId,
    /// The product that it is a variant of.
    pub product_id: ProductId,
    /// Its SKU.
    pub sku: Sku,
    /// The product's title.
    pub title: Label,
    /// The values of its options.
    pub options: Vec<Label>,
    /// The picture that showed it.
    pub image: Option<Url>,
    /// How many units.
    pub quantity: Quantity,
    /// The price of a unit, rounded where it was converted for the country that it goes to.
    pub unit_price: Money,
    /// All units at that price, as it was before rounding.
    pub subtotal: Money,
    /// What was taken off.
    pub discount_total: Money,
    /// The taxes.
    pub tax_total: Money,
    /// What is to be paid for the line.
    pub total: Money,
    /// How the total comes about.
    pub adjustments: Vec<Adjustment>,
    /// The units that were sent.
    pub fulfilled: i64,
    /// The units that were called off before they were sent, and never will be.
    pub cancelled: i64,
    /// The units that were sold without being in stock, and are still to be received.
    pub backordered: i64,
    /// The units whose money was given back: each of them was sent or called off.
    pub refunded: i64,
}

impl OrderView {
    /// The order at a version, with its payments, as the back office sees it.
    pub fn for_back_office<'a>(
        order: &Order,
        version: Version,
        payments: impl IntoIterator<Item = &'a Payment>,
    ) -> Self {
        let payments = payments.into_iter().map(PaymentView::for_back_office).collect();
        let cancel_note = order.cancel_note.clone();
        Self { cancel_note, payments, ..Self::new(order, version, []) }
    }

    /// The order at a version, with its payments, as its owner sees it.
    pub fn new<'a>(
        order: &Order,
        version: Version,
        payments: impl IntoIterator<Item = &'a Payment>,
    ) -> Self {
        Self {
            id: order.id,
            number: order.number.clone(),
            status: order.status(),
            payment_status: order.payment_status,
            fulfillment_status: order.fulfillment_status(),
            cart_id: order.cart_id,
            customer_id: order.customer_id,
            email: order.email.clone(),
            currency: order.currency,
            lines: order.lines.iter().map(OrderLineView::new).collect(),
            shipping: order.shipping.clone(),
            taxes: order.taxes.clone(),
            subtotal: order.subtotal,
            discount_total: order.discount_total,
            shipping_total: order.shipping_total,
            tax_total: order.tax_total,
            tax_included: order.tax_included,
            rounding: order.rounding,
            total: order.total,
            paid_total: order.paid_total,
            refunded_total: order.refunded_total,
            authorized_total: order.authorized_total,
            pricing: order.pricing.clone(),
            addresses: Addresses {
                shipping: order.shipping_address.clone(),
                billing: order.billing_address.clone(),
            },
            note: order.note.clone(),
            terms: order.terms,
            payments: payments.into_iter().map(PaymentView::new).collect(),
            fulfillments: order.fulfillments.clone(),
            placed_at: order.placed_at,
            expires_at: order.expires_at,
            cancelled_at: order.cancelled_at,
            cancel_reason: order.cancel_reason,
            cancel_note: None,
            history: order.history.clone(),
            updated_at: order.updated_at,
            version,
        }
    }
}

impl OrderLineView {
    fn new(line: &OrderLine) -> Self {
        Self {
            id: line.id,
            variant_id: line.variant_id,
            product_id: line.product_id,
            sku: line.sku.clone(),
            title: line.title.clone(),
            options: line.options.clone(),
            image: line.image.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            subtotal: line.subtotal,
            discount_total: line.discount_total,
            tax_total: line.tax_total,
            total: line.total,
            adjustments: line.adjustments.clone(),
            fulfilled: line.fulfilled,
            cancelled: line.cancelled,
            backordered: line.backordered,
            refunded: line.refunded,
        }
    }
}

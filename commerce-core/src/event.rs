//! What others are told: every change that matters outside goes to the outbox in the same commit.

use serde::{Deserialize, Serialize};

use crate::{
    id::{
        CartId, CategoryId, CustomerId, FulfillmentId, LocationId, OperationId, OrderId, PaymentId,
        ProductId, RefundId, VariantId,
    },
    money::Money,
    order::CancelReason,
    payment::{DisputeStatus, OperationKind, OperationStatus, PaymentStatus},
    text::OrderNumber,
};

/// Something that happened. Its JSON names it in `type`, in the words below.
///
/// An event says what changed and not all there is to know; who needs more reads the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Event {
    /// `shop.updated`: the shop's configuration or locations changed.
    #[serde(rename = "shop.updated")]
    ShopUpdated,
    /// `product.created`.
    #[serde(rename = "product.created")]
    ProductCreated {
        /// The product.
        product_id: ProductId,
    },
    /// `product.updated`: the product, its images or its variants changed.
    #[serde(rename = "product.updated")]
    ProductUpdated {
        /// The product.
        product_id: ProductId,
    },
    /// `product.archived`: it is no longer for sale.
    #[serde(rename = "product.archived")]
    ProductArchived {
        /// The product.
        product_id: ProductId,
    },
    /// `category.updated`: it was made, changed or removed.
    #[serde(rename = "category.updated")]
    CategoryUpdated {
        /// The category.
        category_id: CategoryId,
    },
    /// `stock.changed`: the level as it is after the change.
    #[serde(rename = "stock.changed")]
    StockChanged {
        /// The variant.
        variant_id: VariantId,
        /// The place.
        location_id: LocationId,
        /// The units that are there.
        on_hand: i64,
        /// Those of them that are promised to orders.
        held: i64,
        /// Those that are not.
        available: i64,
    },
    /// `stock.low`: a move has just left fewer units of a variant available than its threshold.
    #[serde(rename = "stock.low")]
    StockLow {
        /// The variant.
        variant_id: VariantId,
        /// The units that are left in active locations.
        available: i64,
        /// The threshold.
        threshold: i64,
    },
    /// `cart.created`.
    #[serde(rename = "cart.created")]
    CartCreated {
        /// The cart.
        cart_id: CartId,
    },
    /// `cart.updated`.
    #[serde(rename = "cart.updated")]
    CartUpdated {
        /// The cart.
        cart_id: CartId,
    },
    /// `cart.completed`: an order was made of it.
    #[serde(rename = "cart.completed")]
    CartCompleted {
        /// The cart that is closed.
        cart_id: CartId,
        /// The order.
        order_id: OrderId,
    },
    /// `cart.merged`: its lines went into another.
    #[serde(rename = "cart.merged")]
    CartMerged {
        /// The cart that is closed.
        cart_id: CartId,
        /// The cart that has its lines.
        into_cart_id: CartId,
    },
    /// `cart.expired`: nobody touched it for too long.
    #[serde(rename = "cart.expired")]
    CartExpired {
        /// The cart.
        cart_id: CartId,
    },
    /// `order.placed`.
    #[serde(rename = "order.placed")]
    OrderPlaced {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: OrderNumber,
        /// The cart that it was placed from.
        cart_id: CartId,
        /// Who placed it.
        customer_id: Option<CustomerId>,
        /// What is to be paid.
        total: Money,
    },
    /// `order.claimed`: a guest's order became a customer's.
    #[serde(rename = "order.claimed")]
    OrderClaimed {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: OrderNumber,
        /// The customer.
        customer_id: CustomerId,
    },
    /// `order.paid`: all of it.
    #[serde(rename = "order.paid")]
    OrderPaid {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: OrderNumber,
        /// What was paid.
        paid_total: Money,
    },
    /// `order.refunded`: some of its money was given back.
    #[serde(rename = "order.refunded")]
    OrderRefunded {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: OrderNumber,
        /// The refund.
        refund_id: RefundId,
        /// How much.
        amount: Money,
    },
    /// `order.refund_failed`: a refund came to nothing; its amount can be refunded once more.
    #[serde(rename = "order.refund_failed")]
    OrderRefundFailed {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: OrderNumber,
        /// The refund.
        refund_id: RefundId,
        /// How much it was for.
        amount: Money,
    },
    /// `order.reopened`: it had lapsed, was paid after all, and the goods were still there.
    #[serde(rename = "order.reopened")]
    OrderReopened {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: OrderNumber,
    },
    /// `order.fulfilled`: some or all of it was sent.
    #[serde(rename = "order.fulfilled")]
    OrderFulfilled {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: OrderNumber,
        /// What was sent.
        fulfillment_id: FulfillmentId,
        /// Whether all of it is sent now.
        complete: bool,
    },
    /// `order.delivered`: some or all of what was sent has arrived.
    #[serde(rename = "order.delivered")]
    OrderDelivered {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: OrderNumber,
        /// Whether all of the order has arrived.
        complete: bool,
    },
    /// `order.partially_cancelled`: some of what was to be sent never will be, the rest goes on.
    #[serde(rename = "order.partially_cancelled")]
    OrderPartiallyCancelled {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: OrderNumber,
    },
    /// `order.cancelled`: the whole of it.
    #[serde(rename = "order.cancelled")]
    OrderCancelled {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: OrderNumber,
        /// Why.
        reason: CancelReason,
    },
    /// `payment.updated`: the payment's status as it is after the change.
    #[serde(rename = "payment.updated")]
    PaymentUpdated {
        /// The payment.
        payment_id: PaymentId,
        /// The order that it pays.
        order_id: OrderId,
        /// How far it has come.
        status: PaymentStatus,
    },
    /// `payment.operation_ended`: it is known what came of something that its gateway was asked.
    #[serde(rename = "payment.operation_ended")]
    PaymentOperationEnded {
        /// The payment.
        payment_id: PaymentId,
        /// The order that it pays.
        order_id: OrderId,
        /// The operation.
        operation_id: OperationId,
        /// What was asked.
        kind: OperationKind,
        /// Which try of it this was, from 1.
        attempt: u32,
        /// What came of it.
        status: OperationStatus,
    },
    /// `payment.disputed`: a customer's bank takes money back, or has decided about it.
    #[serde(rename = "payment.disputed")]
    PaymentDisputed {
        /// The payment.
        payment_id: PaymentId,
        /// The order that it pays.
        order_id: OrderId,
        /// How much is disputed.
        amount: Money,
        /// How far the dispute has come.
        status: DisputeStatus,
    },
    /// `customer.updated`: they were entered or changed.
    #[serde(rename = "customer.updated")]
    CustomerUpdated {
        /// The customer.
        customer_id: CustomerId,
    },
    /// `customer.erased`: what the shop knew of them is gone. Whoever keeps a copy erases it too.
    #[serde(rename = "customer.erased")]
    CustomerErased {
        /// The customer.
        customer_id: CustomerId,
    },
}

//! Customers, carts, orders and payments.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Make, at, email, eur, label, units, url};
use crate::{
    cart::{Cart, CartLine, CartStatus, Origin},
    catalog::Variant,
    currency::Currency,
    customer::{Address, BookedAddress, Customer},
    id::VariantId,
    inventory::Location,
    money::Money,
    order::{
        CancelReason, FulfillLine, Fulfillment, Hold, Milestone, Order, OrderLine, PaymentTerms,
        Tracking,
    },
    payment::{
        CaptureMode, Decline, DeclineCode, Dispute, DisputeStatus, Operation, OperationKind,
        OperationStatus, Payment, PaymentFlow, PaymentStatus, Refund, RefundStatus, RefundTax,
        RefundedLine, Review, ReviewReason,
    },
    pricing::{Adjustment, AdjustmentKind, PricingPolicy, QuoteShipping, TaxSummary},
    quantity::Quantity,
    secret::Secret,
    text::{Country, GatewayName, Note, OrderNumber, Region},
    time::Timestamp,
};

impl Make {
    pub(in crate::conformance) fn address(&mut self) -> Address {
        Address {
            name: label("Ada"),
            company: None,
            line1: label("Street 1"),
            line2: None,
            city: label("Berlin"),
            region: None,
            postal_code: None,
            country: Country::new("DE").unwrap(),
            phone: None,
        }
    }

    pub(in crate::conformance) fn full_address(&mut self) -> Address {
        Address {
            company: Some(label("Analytical Ltd")),
            line2: Some(label("2. Stock, 左")),
            region: Some(Region::new("BE").unwrap()),
            postal_code: Some(label("01234")),
            phone: Some(label("+49 30 1")),
            ..self.address()
        }
    }

    pub(in crate::conformance) fn customer(&mut self) -> Customer {
        Customer {
            id: self.id(),
            email: None,
            email_verified: false,
            name: None,
            phone: None,
            external_id: None,
            provider_references: BTreeMap::new(),
            addresses: Vec::new(),
            note: None,
            created_at: at(0),
            updated_at: at(0),
        }
    }

    pub(in crate::conformance) fn full_customer(&mut self) -> Customer {
        let name = self.word();
        let booked = |id, address, shipping| BookedAddress {
            id,
            address,
            default_shipping: shipping,
            default_billing: !shipping,
        };
        Customer {
            email: Some(email(&format!("Ädá.{name}@Example.com"))),
            email_verified: true,
            name: Some(label("Ada Lovelace")),
            phone: Some(label("+44 20")),
            external_id: Some(label(&format!("00{name}"))),
            provider_references: ["card", "other"]
                .map(|gateway| (GatewayName::new(gateway).unwrap(), label("cus_ä1")))
                .into(),
            addresses: vec![
                booked(self.id(), self.full_address(), false),
                booked(self.id(), self.address(), true),
            ],
            note: Some(Note::new("nett\naber 😀").unwrap()),
            updated_at: at(99),
            ..self.customer()
        }
    }

    /// An open guest's cart without anything in it.
    pub(in crate::conformance) fn cart(&mut self) -> Cart {
        Cart {
            id: self.id(),
            status: CartStatus::Open,
            origin: Origin::Storefront,
            currency: Currency::EUR,
            customer_id: None,
            secret: None,
            lines: Vec::new(),
            email: None,
            shipping_address: None,
            billing_address: None,
            shipping_method: None,
            discount_codes: Vec::new(),
            note: None,
            order_id: None,
            created_at: at(0),
            updated_at: at(0),
            expires_at: Timestamp::MAX,
        }
    }

    pub(in crate::conformance) fn cart_line(
        &mut self,
        variant_id: VariantId,
        quantity: i64,
    ) -> CartLine {
        CartLine { id: self.id(), variant_id, quantity: units(quantity), set_price: None }
    }

    pub(in crate::conformance) fn full_cart(
        &mut self,
        customer: &Customer,
        variant: &Variant,
    ) -> Cart {
        let line = self.cart_line(variant.id, 1);
        let priced = CartLine {
            quantity: units(Quantity::MAX),
            set_price: Some(eur(1)),
            ..self.cart_line(variant.id, 2)
        };
        Cart {
            status: CartStatus::Completed,
            origin: Origin::BackOffice,
            currency: Currency::JPY,
            customer_id: Some(customer.id),
            secret: Some(Secret::new([3; 32]).digest()),
            lines: vec![priced, line],
            email: Some(email("Guest@Example.com")),
            shipping_address: Some(self.full_address()),
            billing_address: Some(self.address()),
            shipping_method: Some(self.id()),
            discount_codes: vec![label("ZWEI"), label("EINS")],
            note: Some(Note::new("bitte\nklingeln").unwrap()),
            order_id: Some(self.id()),
            updated_at: at(99),
            expires_at: at(500),
            ..self.cart()
        }
    }

    /// An order without lines and payments, placed from a cart that nobody keeps.
    pub(in crate::conformance) fn order(&mut self) -> Order {
        let number = OrderNumber::new(self.word().to_uppercase()).unwrap();
        Order {
            id: self.id(),
            number,
            cart_id: self.id(),
            origin: Origin::Storefront,
            customer_id: None,
            secret: None,
            email: None,
            currency: Currency::EUR,
            lines: Vec::new(),
            shipping: None,
            taxes: Vec::new(),
            subtotal: eur(0),
            discount_total: eur(0),
            shipping_total: eur(0),
            tax_total: eur(0),
            tax_included: false,
            rounding: eur(0),
            total: eur(1_999),
            pricing: PricingPolicy::default(),
            shipping_address: None,
            billing_address: None,
            note: None,
            terms: PaymentTerms::Prepaid { days: 7 },
            payment_status: PaymentStatus::Pending,
            paid_total: eur(0),
            refunded_total: eur(0),
            authorized_total: eur(0),
            fulfillments: Vec::new(),
            placed_at: at(0),
            expires_at: None,
            cancelled_at: None,
            cancel_reason: None,
            cancel_note: None,
            history: Vec::new(),
            updated_at: at(0),
        }
    }

    pub(in crate::conformance) fn order_line(
        &mut self,
        variant: &Variant,
        quantity: i64,
    ) -> OrderLine {
        OrderLine {
            id: self.id(),
            variant_id: variant.id,
            product_id: variant.product_id,
            sku: variant.sku.clone(),
            title: label("Product"),
            options: Vec::new(),
            image: None,
            quantity: units(quantity),
            unit_price: eur(1_999),
            subtotal: eur(1_999),
            discount_total: eur(0),
            tax_total: eur(0),
            total: eur(1_999),
            adjustments: Vec::new(),
            requires_shipping: true,
            track_inventory: true,
            holds: Vec::new(),
            backordered: 0,
            fulfilled: 0,
            cancelled: 0,
            refunded: 0,
        }
    }

    pub(in crate::conformance) fn full_order(
        &mut self,
        customer: &Customer,
        variant: &Variant,
        location: &Location,
    ) -> Order {
        let adjustment = |kind, included| Adjustment {
            kind,
            label: label("Rabatt 10 %"),
            source: label("manual"),
            amount: eur(-200),
            included,
        };
        let line = OrderLine {
            options: vec![label("L"), label("Weiß")],
            image: Some(url("/1.png")),
            discount_total: eur(200),
            tax_total: eur(38),
            adjustments: vec![
                adjustment(AdjustmentKind::Promotion, false),
                adjustment(AdjustmentKind::Manual, false),
                adjustment(AdjustmentKind::Tax, true),
            ],
            requires_shipping: false,
            track_inventory: false,
            holds: vec![Hold { location_id: location.id, quantity: 2 }],
            backordered: 1,
            fulfilled: 3,
            cancelled: 4,
            refunded: 2,
            ..self.order_line(variant, 10)
        };
        let sent = FulfillLine { line_id: line.id, quantity: units(3) };
        let parcel = |id, tracking, delivered_at| Fulfillment {
            id,
            lines: vec![sent],
            tracking,
            fulfilled_at: at(5),
            delivered_at,
        };
        let tracking = Tracking {
            carrier: Some(label("DHL")),
            number: label("JJD 1"),
            url: Some(url("https://example.com/t?n=1")),
        };
        let bare = Tracking { carrier: None, number: label("2"), url: None };
        Order {
            cart_id: self.id(),
            origin: Origin::BackOffice,
            customer_id: Some(customer.id),
            secret: Some(self.digest()),
            email: Some(email("Guest@Example.com")),
            lines: vec![line, self.order_line(variant, 1)],
            shipping: Some(QuoteShipping {
                method: self.id(),
                name: label("Post"),
                subtotal: eur(490),
                discount_total: eur(90),
                tax_total: eur(64),
                total: eur(400),
                adjustments: vec![adjustment(AdjustmentKind::Shipping, false)],
            }),
            taxes: vec![TaxSummary {
                id: self.id(),
                label: label("VAT"),
                rate: Decimal::new(19, 2),
                net: eur(1_680),
                amount: eur(319),
            }],
            subtotal: eur(3_998),
            discount_total: eur(200),
            shipping_total: eur(400),
            tax_total: eur(102),
            tax_included: true,
            rounding: eur(-2),
            total: eur(4_198),
            pricing: self.full_shop().pricing,
            shipping_address: Some(self.full_address()),
            billing_address: Some(self.address()),
            note: Some(Note::new("schnell\nbitte").unwrap()),
            terms: PaymentTerms::OnDelivery { days: 14 },
            payment_status: PaymentStatus::PartiallyRefunded,
            paid_total: eur(4_198),
            refunded_total: eur(100),
            authorized_total: eur(7),
            fulfillments: vec![
                parcel(self.id(), Some(tracking), Some(at(9))),
                parcel(self.id(), Some(bare), None),
                parcel(self.id(), None, None),
            ],
            placed_at: at(1),
            expires_at: Some(at(600)),
            cancelled_at: Some(at(7)),
            cancel_reason: Some(CancelReason::Fraud),
            cancel_note: Some(Note::new("Karte\ngesperrt").unwrap()),
            history: vec![
                Milestone { event: label("order.placed"), at: at(1) },
                Milestone { event: label("order.paid"), at: at(2) },
            ],
            updated_at: at(99),
            ..self.order()
        }
    }

    pub(in crate::conformance) fn payment(&mut self, order: &Order) -> Payment {
        Payment::new(self.id(), order.id, GatewayName::manual(), order.total, at(0))
    }

    pub(in crate::conformance) fn full_payment(&mut self, order: &Order) -> Payment {
        let payment = self.payment(order);
        let refund = |id, status, lines, reason| Refund {
            id,
            amount: eur(50),
            status,
            lines,
            restock_to: None,
            reason,
            reference: None,
            failure: None,
            created_at: at(8),
        };
        let tax = RefundTax { source: label("tax_1"), label: label("MwSt"), amount: eur(8) };
        let line = RefundedLine {
            line_id: self.id(),
            quantity: units(2),
            amount: eur(50),
            taxes: vec![tax],
            restocked: 1,
        };
        let decline =
            Decline { code: DeclineCode::InsufficientFunds, reason: label("Karte abgelehnt") };
        let operation = |id, kind, refund_id, status| Operation {
            id,
            kind,
            attempt: 1,
            amount: eur(50),
            refund_id,
            key: Operation::key_of(payment.id, kind, refund_id, 1),
            status,
            failure: None,
            begun_at: at(3),
            ended_at: None,
        };
        let refund_id = self.id();
        Payment {
            gateway: GatewayName::new("stripe_1").unwrap(),
            status: PaymentStatus::PartiallyRefunded,
            authorized: order.total,
            released: eur(1),
            captured: Money::new(order.total.minor() - 1, order.currency),
            refunded: eur(50),
            capture_before: Some(at(700)),
            captured_at: Some(at(5)),
            refunds: vec![
                Refund {
                    restock_to: Some(self.id()),
                    reference: Some(label("re_1")),
                    ..refund(
                        refund_id,
                        RefundStatus::Succeeded,
                        vec![line],
                        Some(Note::new("kaputt").unwrap()),
                    )
                },
                refund(self.id(), RefundStatus::Pending, Vec::new(), None),
                Refund {
                    failure: Some(label("Konto aufgelöst")),
                    ..refund(self.id(), RefundStatus::Failed, Vec::new(), None)
                },
            ],
            disputes: vec![Dispute {
                reference: label("dp_1"),
                amount: eur(20),
                status: DisputeStatus::Lost,
                reason: Some(label("fraudulent")),
                opened_at: at(20),
            }],
            operations: vec![
                Operation {
                    failure: Some(decline.clone()),
                    ended_at: Some(at(4)),
                    ..operation(self.id(), OperationKind::Create, None, OperationStatus::Declined)
                },
                operation(self.id(), OperationKind::Refund, Some(refund_id), OperationStatus::Open),
            ],
            flow: PaymentFlow::Hosted {
                return_url: url("https://shop.example.com/thanks"),
                cancel_url: url("https://shop.example.com/cart"),
            },
            capture: CaptureMode::Manual,
            customer_reference: Some(label("cus_1")),
            save_method: true,
            references: vec![label("cs_1"), label("pi_1")],
            client_secret: Some(label("pi_1_secret")),
            redirect_url: Some(url("https://pay.example.com/1")),
            failure: Some(decline),
            review: Some(Review {
                reason: ReviewReason::WrongAmount,
                closed_at: Some(at(98)),
                note: Some(Note::new("settled by a transfer").unwrap()),
            }),
            check_at: Some(at(800)),
            updated_at: at(99),
            ..payment
        }
    }
}

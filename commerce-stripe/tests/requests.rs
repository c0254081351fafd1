//! What Stripe is told of an order and its payment: all of it, as the fake has written it down.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use commerce_core::{
    customer::Address,
    gateway::{PaymentGateway as _, ProviderPayment},
    order::Order,
    payment::{Payment, PaymentFlow},
    text::Label,
};
use serde_json::{Value, json};
use support::{Bench, customer, eur, euros, hosted, label, manual, payment, refund};

/// An order to an address that has all that an address may have.
async fn sent_far() -> Order {
    let mut order = euros().await;
    order.shipping_address = Some(Address {
        line2: Some(label("Flat 2")),
        region: Some("CA".parse().unwrap()),
        postal_code: Some(label("94016")),
        phone: Some(label("+1 415 555 0100")),
        ..Address::new("Grace Hopper", "1 Market St", "San Francisco", "US").unwrap()
    });
    order
}

/// These of an object's fields.
fn these(object: &Value, fields: &[&str]) -> Value {
    fields.iter().map(|field| ((*field).to_owned(), object[*field].clone())).collect()
}

/// What was made last.
fn last(mut all: Vec<Value>) -> Value {
    all.pop().unwrap()
}

/// What an intent tells of its order and its payment, however it was made.
fn told(order: &Order, payment: &Payment) -> Value {
    json!({
        "amount": 7_490,
        "currency": "eur",
        "description": format!("Order {}", order.number),
        "metadata": {
            "payment_id": payment.id.to_string(),
            "order_id": order.id.to_string(),
            "order_number": order.number.to_string(),
        },
        "shipping": {
            "name": "Grace Hopper",
            "phone": "+1 415 555 0100",
            "carrier": null,
            "tracking_number": null,
            "address": {
                "line1": "1 Market St",
                "line2": "Flat 2",
                "city": "San Francisco",
                "state": "CA",
                "postal_code": "94016",
                "country": "US",
            },
        },
    })
}

const TOLD: [&str; 5] = ["amount", "currency", "description", "metadata", "shipping"];
const HOW: [&str; 3] = ["capture_method", "customer", "setup_future_usage"];

/// In which ways a payment is made, and what Stripe is told of it.
fn ways(order: &Order, customer: &Label) -> [(Payment, Value); 4] {
    let known = |payment| Payment { customer_reference: Some(customer.clone()), ..payment };
    let kept = |payment| Payment { save_method: true, ..payment };
    let how = |capture: &str, customer: Option<&Label>, usage: Option<&str>| {
        let customer = customer.map(Label::as_str);
        json!({ "capture_method": capture, "customer": customer, "setup_future_usage": usage })
    };
    [
        (payment(order, 1), how("automatic_async", None, None)),
        (manual(payment(order, 2)), how("manual", None, None)),
        (known(payment(order, 3)), how("automatic_async", Some(customer), None)),
        (
            kept(known(manual(payment(order, 4)))),
            how("manual", Some(customer), Some("off_session")),
        ),
    ]
}

#[tokio::test]
async fn an_intent_tells_all_of_its_order_and_payment() {
    let bench = Bench::open().await;
    let order = sent_far().await;
    let vault = bench.gateway.vault().unwrap();
    let ada = vault.create_customer(&customer(), &"customer".parse().unwrap()).await.unwrap();
    for (payment, how) in ways(&order, &ada) {
        bench.made(&order, payment.clone()).await;
        let seen = last(bench.stripe.payment_intents());
        assert_eq!(these(&seen, &TOLD), told(&order, &payment));
        assert_eq!(these(&seen, &HOW), how);
        let methods = json!({ "enabled": true, "allow_redirects": "always" });
        assert_eq!(seen["automatic_payment_methods"], methods);
    }
    let nowhere = Order { shipping_address: None, ..order.clone() };
    bench.made(&nowhere, payment(&order, 5)).await;
    assert_eq!(last(bench.stripe.payment_intents())["shipping"], Value::Null);
}

#[tokio::test]
async fn a_page_tells_all_of_its_order_and_payment() {
    let bench = Bench::open().await;
    let order = sent_far().await;
    let vault = bench.gateway.vault().unwrap();
    let ada = vault.create_customer(&customer(), &"customer".parse().unwrap()).await.unwrap();
    for (payment, how) in ways(&order, &ada) {
        let page = bench.made(&order, hosted(payment.clone())).await;
        let seen = last(bench.stripe.checkout_sessions());
        // Whom Stripe knows tells it their address by that.
        let guest = payment.customer_reference.is_none().then_some("ada@example.com");
        let expected = json!({
            "mode": "payment",
            "amount_total": 7_490,
            "currency": "eur",
            "client_reference_id": order.id.to_string(),
            "metadata": told(&order, &payment)["metadata"],
            "customer": how["customer"],
            "customer_email": guest,
            "adaptive_pricing": { "enabled": false },
            "success_url": "https://shop.example/thanks",
            "cancel_url": "https://shop.example/cart",
        });
        let fields: Vec<_> = expected.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(these(&seen, &fields), expected);
        bench.stripe.pay_session(&page.references[0], "pm_card_visa").unwrap();
        let seen = last(bench.stripe.payment_intents());
        assert_eq!(these(&seen, &TOLD), told(&order, &payment));
        assert_eq!(these(&seen, &HOW), how);
    }
    let nobody = Order { shipping_address: None, email: None, ..order.clone() };
    let page = bench.made(&nobody, hosted(payment(&order, 5))).await;
    assert_eq!(last(bench.stripe.checkout_sessions())["customer_email"], Value::Null);
    bench.stripe.pay_session(&page.references[0], "pm_card_visa").unwrap();
    assert_eq!(last(bench.stripe.payment_intents())["shipping"], Value::Null);
}

#[tokio::test]
async fn a_saved_card_is_charged_by_its_name_with_nobody_there() {
    let bench = Bench::open().await;
    let order = sent_far().await;
    let vault = bench.gateway.vault().unwrap();
    let ada = vault.create_customer(&customer(), &"customer".parse().unwrap()).await.unwrap();
    for (number, card) in ["pm_card_visa", "pm_card_mastercard"].into_iter().enumerate() {
        let key = format!("setup-{number}").parse().unwrap();
        let setup = vault.create_setup(&ada, None, &key).await.unwrap();
        bench.stripe.confirm(&setup.id, card).unwrap();
    }
    for (number, method) in (1..).zip(vault.methods(&ada).await.unwrap()) {
        let by = Payment {
            flow: PaymentFlow::Saved { method: method.id.clone() },
            customer_reference: Some(ada.clone()),
            ..payment(&order, number)
        };
        let paid = bench.create(&order, &by).await.unwrap();
        let seen = last(bench.stripe.payment_intents());
        assert_eq!(these(&seen, &TOLD), told(&order, &by));
        assert_eq!(
            (&seen["payment_method"], &seen["customer"]),
            (&json!(*method.id), &json!(*ada))
        );
        let never = json!({ "enabled": true, "allow_redirects": "never" });
        assert_eq!(seen["automatic_payment_methods"], never);
        assert_eq!(kinds(&paid), ["pi_", "ch_"]);
    }
}

/// The kinds of objects that belong to a payment.
fn kinds(state: &ProviderPayment) -> Vec<&str> {
    state.references.iter().map(|reference| &reference[..3]).collect()
}

/// A dispute and a refund from elsewhere name a charge alone.
#[tokio::test]
async fn whatever_is_done_is_told_with_the_intent_and_the_charge() {
    let bench = Bench::open().await;
    let order = euros().await;
    let visa = "pm_card_visa";
    let taken = bench.paid(&order, manual(payment(&order, 1)), visa).await;
    assert_eq!(kinds(&bench.capture(&taken, eur(100)).await.unwrap()), ["pi_", "ch_"]);
    let let_go = bench.paid(&order, manual(payment(&order, 2)), visa).await;
    assert_eq!(kinds(&bench.void(&let_go).await.unwrap()), ["pi_", "ch_"]);

    let page = bench.made(&order, hosted(manual(payment(&order, 3)))).await;
    bench.stripe.pay_session(&page.references[0], visa).unwrap();
    assert_eq!(kinds(&bench.capture(&page, eur(100)).await.unwrap()), ["cs_", "pi_", "ch_"]);
    let left = bench.made(&order, hosted(manual(payment(&order, 4)))).await;
    bench.stripe.pay_session(&left.references[0], visa).unwrap();
    assert_eq!(kinds(&bench.void(&left).await.unwrap()), ["cs_", "pi_", "ch_"]);
    let closed = bench.made(&order, hosted(payment(&order, 5))).await;
    bench.stripe.pay_session(&closed.references[0], "pm_card_chargeDeclined").unwrap_err();
    assert_eq!(kinds(&bench.void(&closed).await.unwrap()), ["cs_", "pi_"]);

    let given = refund(eur(100), 1);
    bench.refund(&page, &given).await.unwrap();
    let expected = json!({
        "payment_id": page.id.to_string(),
        "refund_id": given.id.to_string(),
    });
    assert_eq!(last(bench.stripe.refunds())["metadata"], expected);
}

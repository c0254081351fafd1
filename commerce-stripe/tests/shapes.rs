//! The fake's objects have the shapes that Stripe describes: the types of the library, which are made
//! from that description, read every one of them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::time::Duration;

use commerce_core::{gateway::PaymentGateway as _, payment::Payment};
use miniserde::Deserialize;
use serde_json::Value;
use stripe_types::List;
use support::{Bench, ask, eur, euros, hosted, manual, payment, refund};

fn reads<T: Deserialize>(text: &str) {
    assert!(miniserde::json::from_str::<T>(text).is_ok(), "{text}");
}

/// Every object of a list, by itself and as a page of the API.
async fn list<T: Deserialize + stripe_types::Object>(bench: &Bench, path: &str, more: &str)
where
    List<T>: Deserialize,
{
    let page = ask(&bench.stripe, &format!("{path}?limit=100{more}"), None).await;
    let value: Value = serde_json::from_str(&page).unwrap();
    let items = value["data"].as_array().unwrap();
    assert!(!items.is_empty(), "{path}");
    for item in items {
        reads::<T>(&item.to_string());
    }
    reads::<List<T>>(&page);
}

#[tokio::test]
async fn the_library_reads_whatever_the_fake_answers() {
    let bench = Bench::open().await;
    let stripe = &bench.stripe;
    let order = euros().await;
    let vault = bench.gateway.vault().unwrap();
    let customer =
        vault.create_customer(&support::customer(), &"customer".parse().unwrap()).await.unwrap();
    let setup = vault.create_setup(&customer, None, &"setup".parse().unwrap()).await.unwrap();
    stripe.confirm(&setup.id, "pm_card_authenticationRequired").unwrap();
    let asked = ask(stripe, &format!("/setup_intents/{}", setup.id), None).await;
    reads::<stripe_shared::SetupIntent>(&asked);
    stripe.authenticate(&setup.id, true).unwrap();
    let refused = vault.create_setup(&customer, None, &"setup-2".parse().unwrap()).await.unwrap();
    stripe.confirm(&refused.id, "pm_card_chargeDeclined").unwrap_err();

    let paid = bench.paid(&order, payment(&order, 1), "pm_card_visa").await;
    bench.refund(&paid, &refund(eur(500), 1)).await.unwrap();
    let held = bench.paid(&order, manual(payment(&order, 2)), "pm_card_amex").await;
    list::<stripe_shared::PaymentIntent>(
        &bench,
        "/payment_intents",
        "&expand[]=data.latest_charge",
    )
    .await;
    bench.capture(&held, eur(500)).await.unwrap();
    let disputed = bench.paid(&order, payment(&order, 3), "pm_card_createDispute").await;
    let dispute = bench.fetch(&disputed).await.disputes[0].reference.to_string();
    list::<stripe_shared::Dispute>(&bench, "/disputes", "").await;
    stripe.decide_dispute(&dispute, true).unwrap();
    let open = bench.made(&order, payment(&order, 4)).await;
    stripe.confirm(&open.references[0], "pm_card_chargeDeclined").unwrap_err();
    stripe.confirm(&open.references[0], "pm_card_authenticationRequired").unwrap();
    let off = bench.made(&order, payment(&order, 5)).await;
    bench.void(&off).await.unwrap();
    let failing = bench.paid(&order, payment(&order, 6), "pm_card_refundFail").await;
    bench.refund(&failing, &refund(eur(500), 2)).await.unwrap();
    stripe.advance(Duration::from_secs(60));
    let dollars = support::order(commerce_core::currency::Currency::USD).await;
    for (number, method) in [(7, "pm_usBankAccount_success"), (8, "pm_usBankAccount_accountClosed")]
    {
        let debit = bench.made(&dollars, hosted(payment(&dollars, number))).await;
        stripe.pay_session(&debit.references[0], method).unwrap();
    }
    list::<stripe_shared::PaymentIntent>(&bench, "/payment_intents", "").await;
    stripe.advance(Duration::from_secs(60));
    let page = bench.made(&order, hosted(payment(&order, 9))).await;
    stripe.pay_session(&page.references[0], "pm_card_visa").unwrap();
    let gone = bench.made(&order, hosted(payment(&order, 10))).await;
    bench.void(&gone).await.unwrap();
    bench
        .made(
            &order,
            hosted(Payment { customer_reference: Some(customer.clone()), ..payment(&order, 11) }),
        )
        .await;

    list::<stripe_shared::PaymentIntent>(
        &bench,
        "/payment_intents",
        "&expand[]=data.latest_charge&expand[]=data.payment_method&expand[]=data.customer",
    )
    .await;
    list::<stripe_shared::Charge>(
        &bench,
        "/charges",
        "&expand[]=data.refunds&expand[]=data.balance_transaction",
    )
    .await;
    list::<stripe_shared::Refund>(&bench, "/refunds", "&expand[]=data.charge").await;
    list::<stripe_shared::Dispute>(&bench, "/disputes", "").await;
    list::<stripe_shared::BalanceTransaction>(
        &bench,
        "/balance_transactions",
        "&expand[]=data.source",
    )
    .await;
    list::<stripe_shared::CheckoutSession>(
        &bench,
        "/checkout/sessions",
        "&expand[]=data.line_items&expand[]=data.payment_intent.latest_charge",
    )
    .await;
    list::<stripe_shared::Customer>(&bench, "/customers", "").await;
    list::<stripe_shared::SetupIntent>(&bench, "/setup_intents", "").await;
    let methods = format!("/customers/{customer}/payment_methods");
    list::<stripe_shared::PaymentMethod>(&bench, &methods, "").await;
    stripe.listen("http://127.0.0.1:1/", &["*"]);
    list::<stripe_shared::Event>(&bench, "/events", "").await;
    let deleted = vault.erase_customer(&customer).await;
    deleted.unwrap();

    for (path, form) in [
        (
            "/payment_intents",
            "amount=1000&currency=eur&payment_method=pm_card_chargeDeclined&confirm=true",
        ),
        ("/payment_intents", "amount=x&currency=eur"),
        ("/payment_intents", "amount=1&currency=eur"),
        ("/refunds", "payment_intent=pi_none"),
        ("/nothing", ""),
    ] {
        reads::<stripe_shared::Error>(&ask(stripe, path, Some(form)).await);
    }
}

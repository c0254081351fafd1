//! Customers and the cards that they keep at Stripe, through a fake one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use commerce_core::{
    customer::Customer,
    gateway::{GatewayError, PaymentGateway as _, ProviderStatus},
    payment::{DeclineCode, Payment, PaymentFlow},
};
use fake_stripe::{Fault, Operation};
use serde_json::Value;
use support::{Bench, customer, eur, euros, hosted, label, manual, payment, word};

#[tokio::test]
async fn stripe_knows_a_customer_by_what_the_shop_does() {
    let bench = Bench::open().await;
    let vault = bench.gateway.vault().unwrap();
    // Stripe takes no longer number than the second.
    for phone in ["+44 20 7946 0958", "+44 20 7946 0958 123", "+44 20 7946 0958 1234"] {
        let ada = Customer { phone: Some(label(phone)), ..customer() };
        let key = format!("customer-{}", phone.len()).parse().unwrap();
        let reference = vault.create_customer(&ada, &key).await.unwrap();
        let seen = support::ask(&bench.stripe, &format!("/customers/{reference}"), None).await;
        let seen: Value = serde_json::from_str(&seen).unwrap();
        assert_eq!(seen["metadata"]["customer_id"], ada.id.to_string());
        assert_eq!(
            (&seen["email"], &seen["name"]),
            (&"ada@example.com".into(), &"Ada Lovelace".into())
        );
        let told = if phone.len() <= 20 { Value::from(phone) } else { Value::Null };
        assert_eq!(seen["phone"], told);
    }
}

#[tokio::test]
async fn a_saved_card_is_charged_at_once() {
    let bench = Bench::open().await;
    let order = euros().await;
    let vault = bench.gateway.vault().unwrap();
    let customer = customer();
    let key = "customer-1".parse().unwrap();
    let reference = vault.create_customer(&customer, &key).await.unwrap();
    assert_eq!(vault.create_customer(&customer, &key).await.unwrap(), reference);
    for (card, number) in [
        ("pm_card_visa", 1),
        ("pm_card_chargeCustomerFail", 2),
        ("pm_card_authenticationRequired", 3),
    ] {
        let setup = vault
            .create_setup(&reference, None, &format!("setup-{number}").parse().unwrap())
            .await
            .unwrap();
        assert!(setup.client_secret.is_some());
        bench.stripe.confirm(&setup.id, card).unwrap();
        if number == 3 {
            bench.stripe.authenticate(&setup.id, true).unwrap();
        }
    }
    let methods = vault.methods(&reference).await.unwrap();
    assert_eq!(methods.len(), 3);
    assert_eq!(methods[2].brand.as_deref(), Some("visa"));
    assert_eq!((methods[2].last4.as_deref(), methods[2].expires), (Some("4242"), Some((12, 2034))));
    let by = |method: usize, number| Payment {
        flow: PaymentFlow::Saved { method: methods[method].id.clone() },
        customer_reference: Some(reference.clone()),
        ..payment(&order, number)
    };
    let paid = bench.create(&order, &by(2, 1)).await.unwrap();
    assert_eq!((paid.status, paid.captured), (ProviderStatus::Captured, eur(7_490)));
    let asked = &bench.stripe.payment_intents()[0]["automatic_payment_methods"];
    assert_eq!(asked["allow_redirects"], "never", "nobody is there to be sent anywhere");
    let held = bench.create(&order, &manual(by(2, 2))).await.unwrap();
    assert_eq!(held.status, ProviderStatus::Authorized);
    for (method, number, code) in
        [(1, 3, DeclineCode::Declined), (0, 4, DeclineCode::AuthenticationRequired)]
    {
        let Err(GatewayError::Declined { decline, state }) =
            bench.create(&order, &by(method, number)).await
        else {
            panic!("it should have been declined")
        };
        assert_eq!(decline.code, code);
        // It is there, and can be called off.
        let declined = Payment { references: state.unwrap().references, ..by(method, number) };
        assert_eq!(bench.fetch(&declined).await.status, ProviderStatus::RequiresAction);
        assert_eq!(bench.void(&declined).await.unwrap().status, ProviderStatus::Voided);
    }
    // Without the customer nobody pays by their card.
    let stolen = Payment { customer_reference: None, ..by(2, 5) };
    assert_eq!(word(&bench.create(&order, &stolen).await), "unsupported");

    let stranger = vault.create_customer(&customer, &"customer-2".parse().unwrap()).await.unwrap();
    let theirs = methods[2].id.clone();
    assert!(!vault.remove_method(&stranger, &theirs).await.unwrap());
    for nonsense in ["pm_none", "../customers", "pm_1/detach?x", "cus_1"] {
        assert!(!vault.remove_method(&reference, &label(nonsense)).await.unwrap(), "{nonsense}");
    }
    assert!(vault.remove_method(&reference, &theirs).await.unwrap());
    assert!(!vault.remove_method(&reference, &theirs).await.unwrap());
    assert_eq!(vault.methods(&reference).await.unwrap().len(), 2);
    vault.erase_customer(&reference).await.unwrap();
    vault.erase_customer(&reference).await.unwrap();
    assert!(vault.methods(&reference).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_card_is_kept_when_the_customer_pays() {
    let bench = Bench::open().await;
    let order = euros().await;
    let vault = bench.gateway.vault().unwrap();
    let reference = vault.create_customer(&customer(), &"customer".parse().unwrap()).await.unwrap();
    let keep = |payment| Payment {
        customer_reference: Some(reference.clone()),
        save_method: true,
        ..payment
    };
    bench.paid(&order, keep(payment(&order, 1)), "pm_card_visa").await;
    let page = bench.made(&order, hosted(keep(payment(&order, 2)))).await;
    bench.stripe.pay_session(&page.references[0], "pm_card_mastercard").unwrap();
    let kept: Vec<_> =
        vault.methods(&reference).await.unwrap().into_iter().map(|kept| kept.brand).collect();
    assert_eq!(kept, [Some(label("mastercard")), Some(label("visa"))]);
}

#[tokio::test]
async fn however_many_cards_are_kept_all_are_listed() {
    let bench = Bench::open().await;
    let vault = bench.gateway.vault().unwrap();
    let reference = vault.create_customer(&customer(), &"customer".parse().unwrap()).await.unwrap();
    for number in 0..=100 {
        let key = format!("setup-{number}").parse().unwrap();
        let setup = vault.create_setup(&reference, None, &key).await.unwrap();
        bench.stripe.confirm(&setup.id, "pm_card_visa").unwrap();
    }
    assert_eq!(vault.methods(&reference).await.unwrap().len(), 101, "more than a page of Stripe's");
}

#[tokio::test]
async fn what_is_forgotten_without_an_answer_is_forgotten() {
    let bench = Bench::open().await;
    let vault = bench.gateway.vault().unwrap();
    let reference = vault.create_customer(&customer(), &"customer".parse().unwrap()).await.unwrap();
    let setup = vault.create_setup(&reference, None, &"setup".parse().unwrap()).await.unwrap();
    bench.stripe.confirm(&setup.id, "pm_card_visa").unwrap();
    let card = vault.methods(&reference).await.unwrap()[0].id.clone();
    let lost = Fault::DropAfter { bytes: 0 };
    bench.stripe.fail(Operation::DetachPaymentMethod, lost, 1);
    assert!(vault.remove_method(&reference, &card).await.unwrap());
    assert!(vault.methods(&reference).await.unwrap().is_empty());
    bench.stripe.fail(Operation::DeleteCustomer, lost, 1);
    vault.erase_customer(&reference).await.unwrap();
}

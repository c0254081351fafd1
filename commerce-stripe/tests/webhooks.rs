//! Webhooks as the fake sends them, in the gateway's hands.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use commerce_core::{
    currency::Currency,
    gateway::{Headers, Notice, PaymentGateway as _, ProviderStatus, WebhookError},
    time::Timestamp,
};
use commerce_stripe::{StripeGateway, WebhookSecret};
use support::{
    Bench, NOW, config, endpoint, eur, euros, hosted, listening, manual, payment, refund,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000).unwrap()
}

#[tokio::test]
async fn every_event_of_a_payment_leads_to_it() {
    let bench = Bench::open().await;
    let order = euros().await;
    let (received, url) = endpoint().await;
    let listening = bench.stripe.listen(&url, &["*"]);
    let mut config = config(&bench.stripe);
    config.webhook_secrets = vec![
        WebhookSecret::new("whsec_another").unwrap(),
        WebhookSecret::new(&listening.secret).unwrap(),
    ];
    let gateway = StripeGateway::new(config).unwrap();

    let mut page = bench.made(&order, hosted(payment(&order, 1))).await;
    bench.stripe.pay_session(&page.references[0], "pm_card_authenticationRequired").unwrap();
    let intent = bench.fetch(&page).await.references[1].to_string();
    bench.stripe.authenticate(&intent, true).unwrap();
    page.references = bench.fetch(&page).await.references;
    bench.refund(&page, &refund(eur(100), 1)).await.unwrap();
    let dispute = bench.stripe.dispute(&page.references[2]).unwrap();
    bench.stripe.decide_dispute(&dispute, false).unwrap();
    bench.stripe.webhooks_sent().await;

    let received = received.lock().unwrap().clone();
    let mut kinds = Vec::new();
    for (headers, body) in &received {
        let told: Notice = gateway.notice(headers, body, at(NOW)).await.unwrap();
        let subject = told.subject.unwrap();
        assert!(
            subject.references.iter().any(|reference| page.references.contains(reference)),
            "{} {subject:?}",
            told.kind
        );
        assert!(!told.account.livemode);
        if !told.kind.starts_with("charge.dispute") {
            assert_eq!(subject.payment_id, Some(page.id), "{}", told.kind);
        }
        kinds.push(told.kind.to_string());
        // By its bytes, for five minutes, and not by a secret of somebody else's.
        let other = [&body[..], b" "].concat();
        for refused in [
            gateway.notice(headers, &other, at(NOW)).await,
            gateway.notice(headers, body, at(NOW + 301)).await,
            gateway.notice(&Headers::default(), body, at(NOW)).await,
            bench.gateway.notice(headers, body, at(NOW)).await,
        ] {
            assert!(matches!(refused, Err(WebhookError::Unverified(_))));
        }
    }
    assert_eq!(
        kinds,
        [
            "payment_intent.created",
            "payment_intent.requires_action",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed",
            "refund.created",
            "charge.refunded",
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.closed",
        ]
    );
    assert_eq!(bench.fetch(&page).await.status, ProviderStatus::Captured);
}

#[tokio::test]
async fn whatever_a_shop_waits_for_is_told_of_its_payment() {
    let bench = Bench::open().await;
    let (received, gateway) = listening(&bench).await;
    let (order, dollars) = (euros().await, support::order(Currency::USD).await);

    let off = bench.made(&order, payment(&order, 1)).await;
    bench.stripe.confirm(&off.references[0], "pm_card_chargeDeclined").unwrap_err();
    bench.void(&off).await.unwrap();
    let held = bench.paid(&order, manual(payment(&order, 2)), "pm_card_visa").await;
    let back = bench.paid(&order, payment(&order, 3), "pm_card_refundFail").await;
    bench.refund(&back, &refund(eur(100), 1)).await.unwrap();
    bench.stripe.fail_refund(bench.fetch(&back).await.refunds[0].reference.as_str());
    let disputed = bench.paid(&order, payment(&order, 4), "pm_card_createDispute").await;
    let dispute = &bench.fetch(&disputed).await.disputes[0];
    bench.stripe.decide_dispute(&dispute.reference, true).unwrap();
    let closed = bench.made(&order, hosted(payment(&order, 5))).await;
    bench.void(&closed).await.unwrap();
    let mut debits = Vec::new();
    for (number, account) in [(6, "success"), (7, "accountClosed")] {
        let debit = bench.made(&dollars, hosted(payment(&dollars, number))).await;
        let method = format!("pm_usBankAccount_{account}");
        bench.stripe.pay_session(&debit.references[0], &method).unwrap();
        assert!(bench.stripe.settle(&bench.fetch(&debit).await.references[1]));
        debits.push(debit);
    }
    bench.stripe.webhooks_sent().await;

    let mut told = Vec::new();
    let received = received.lock().unwrap().clone();
    for (headers, body) in &received {
        told.push(gateway.notice(headers, body, at(NOW)).await.unwrap());
    }
    for (kind, payment) in [
        ("payment_intent.payment_failed", &off),
        ("payment_intent.canceled", &off),
        ("payment_intent.amount_capturable_updated", &held),
        ("payment_intent.succeeded", &back),
        ("charge.refunded", &back),
        ("refund.updated", &back),
        ("refund.failed", &back),
        ("charge.dispute.created", &disputed),
        ("charge.dispute.closed", &disputed),
        ("checkout.session.expired", &closed),
        ("payment_intent.processing", &debits[0]),
        ("checkout.session.completed", &debits[0]),
        ("checkout.session.async_payment_succeeded", &debits[0]),
        ("checkout.session.async_payment_failed", &debits[1]),
    ] {
        let leads = |notice: &Notice| {
            let subject = notice.subject.as_ref().unwrap();
            subject.payment_id == Some(payment.id)
                || subject.references.iter().any(|it| payment.references.contains(it))
        };
        let mut its = told.iter().filter(|notice| notice.kind.as_str() == kind);
        assert!(its.any(leads), "{kind}");
    }
}

#[tokio::test]
async fn a_secret_is_replaced_without_losing_a_webhook() {
    let bench = Bench::open().await;
    let order = euros().await;
    let (received, url) = endpoint().await;
    let old = bench.stripe.listen(&url, &["payment_intent.created"]);
    let new = bench.stripe.roll_secret(&old.id).unwrap();
    bench.made(&order, payment(&order, 1)).await;
    bench.stripe.webhooks_sent().await;
    let (headers, body) = received.lock().unwrap()[0].clone();
    for secret in [old.secret, new] {
        let mut config = config(&bench.stripe);
        config.webhook_secrets = vec![WebhookSecret::new(secret).unwrap()];
        let gateway = StripeGateway::new(config).unwrap();
        gateway.notice(&headers, &body, at(NOW)).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_prints_a_secret() {
    let bench = Bench::open().await;
    let config = config(&bench.stripe);
    let order = euros().await;
    bench.made(&order, payment(&order, 1)).await;
    let declined = bench.stripe.payment_intents()[0]["client_secret"].as_str().unwrap().to_owned();
    let printed = format!("{config:?} {:?} {:?}", bench.gateway, bench.gateway.vault());
    for secret in [bench.stripe.secret_key(), "whsec_test", declined.as_str()] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

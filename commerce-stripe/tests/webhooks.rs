//! Webhooks as the fake sends them, in the gateway's hands.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use commerce_core::{
    gateway::{Headers, Notice, PaymentGateway as _, ProviderStatus, WebhookError},
    time::Timestamp,
};
use commerce_stripe::{StripeGateway, WebhookSecret};
use support::{Bench, NOW, config, endpoint, eur, euros, hosted, payment, refund};

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

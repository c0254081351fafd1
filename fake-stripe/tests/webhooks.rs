//! Webhooks: signed, and twice, late, in any order or never.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::time::Duration;

use fake_stripe::{FakeStripe, WebhookFault, signature};
use support::{Shop, get, pay};

#[tokio::test]
async fn events_arrive_in_order_and_are_signed() {
    let stripe = FakeStripe::builder().clock_at(1_700_000_000).start().await.unwrap();
    let (shop, url) = Shop::open().await;
    let listening = stripe.listen(&url, &["*"]);
    pay(&stripe, 1000, "pm_card_visa", "").await.ok();
    stripe.webhooks_sent().await;
    assert_eq!(
        shop.kinds(),
        ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    );
    for received in shop.received() {
        let expected = signature(received.body.as_bytes(), &[&listening.secret], 1_700_000_000);
        assert_eq!(received.signature, expected);
    }
    let events = get(&stripe, "/events?type=payment_intent.succeeded").await.json();
    assert_eq!(events["data"][0]["pending_webhooks"], 0);
    assert_eq!(events["data"][0]["data"]["object"]["amount"], 1000);
}

#[tokio::test]
async fn an_endpoint_hears_what_it_asked_for_and_is_asked_again() {
    let stripe = FakeStripe::start().await.unwrap();
    let (shop, url) = Shop::open().await;
    stripe.listen(&url, &["payment_intent.succeeded"]);
    shop.refuse(true);
    pay(&stripe, 1000, "pm_card_visa", "").await.ok();
    stripe.webhooks_sent().await;
    assert_eq!(shop.kinds().len(), 1);
    assert_eq!(stripe.pending_webhooks()[0].attempts, 1);
    shop.refuse(false);
    stripe.advance(Duration::from_secs(60));
    stripe.webhooks_sent().await;
    let received = shop.received();
    // The same event, though the count of those that wait may differ.
    let id = |at: usize| {
        serde_json::from_str::<serde_json::Value>(&received[at].body).unwrap()["id"].clone()
    };
    assert_eq!((received.len(), id(0)), (2, id(1)));
    assert!(stripe.pending_webhooks().is_empty());
}

#[tokio::test]
async fn twice_late_and_never() {
    let stripe = FakeStripe::start().await.unwrap();
    let (shop, url) = Shop::open().await;
    stripe.listen(&url, &["*"]);
    stripe.fail_webhook("payment_intent.succeeded", WebhookFault::Twice, 1);
    stripe.fail_webhook("payment_intent.created", WebhookFault::Late { seconds: 3600 }, 1);
    stripe.fail_webhook("charge.succeeded", WebhookFault::Never, 1);
    pay(&stripe, 1000, "pm_card_visa", "").await.ok();
    stripe.webhooks_sent().await;
    assert_eq!(shop.kinds(), ["payment_intent.succeeded", "payment_intent.succeeded"]);
    stripe.advance(Duration::from_secs(3600));
    stripe.webhooks_sent().await;
    assert_eq!(shop.kinds()[2..], ["payment_intent.created"]);
    assert!(stripe.pending_webhooks().is_empty());
}

#[tokio::test]
async fn held_webhooks_are_delivered_as_a_test_likes() {
    let stripe = FakeStripe::start().await.unwrap();
    let (shop, url) = Shop::open().await;
    stripe.listen(&url, &["*"]);
    stripe.hold_webhooks(true);
    pay(&stripe, 1000, "pm_card_visa", "").await.ok();
    stripe.webhooks_sent().await;
    assert!(shop.received().is_empty());
    let pending = stripe.pending_webhooks();
    for webhook in pending.iter().rev().chain(&pending) {
        assert_eq!(stripe.deliver(&webhook.event).await, [Some(200)]);
    }
    let kinds = shop.kinds();
    let mut reversed = kinds[..3].to_vec();
    reversed.reverse();
    assert_eq!(reversed, kinds[3..]);
    assert!(stripe.pending_webhooks().is_empty());
    stripe.hold_webhooks(false);
    stripe.webhooks_sent().await;
    assert_eq!(shop.received().len(), 6);
}

#[tokio::test]
async fn for_a_day_a_new_secret_signs_beside_the_old_one() {
    let stripe = FakeStripe::builder().clock_at(1_700_000_000).start().await.unwrap();
    let (shop, url) = Shop::open().await;
    let old = stripe.listen(&url, &["payment_intent.succeeded"]);
    let new = stripe.roll_secret(&old.id).unwrap();
    pay(&stripe, 1000, "pm_card_visa", "").await.ok();
    stripe.webhooks_sent().await;
    stripe.advance(Duration::from_secs(24 * 60 * 60));
    pay(&stripe, 1000, "pm_card_visa", "").await.ok();
    stripe.webhooks_sent().await;
    let received = shop.received();
    let both = signature(received[0].body.as_bytes(), &[&old.secret, &new], 1_700_000_000);
    assert_eq!(received[0].signature, both);
    let one = signature(received[1].body.as_bytes(), &[&new], 1_700_086_400);
    assert_eq!(received[1].signature, one);
}

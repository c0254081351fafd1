//! Keys, as Stripe treats them, and what can go wrong with a request.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::time::{Duration, Instant};

use fake_stripe::{FakeStripe, Fault, Operation};
use futures_util::future::Either;
use support::{create, get, post_with, text, try_post};

const FORM: &str = "amount=1000&currency=eur&payment_method=pm_card_visa&confirm=true";

#[tokio::test]
async fn a_key_is_one_request_for_a_day() {
    let stripe = FakeStripe::builder().clock_at(1_700_000_000).start().await.unwrap();
    let first = post_with(&stripe, "/payment_intents", FORM, "key").await.ok();
    assert_eq!(first.header("idempotent-replayed"), None);
    let again = post_with(&stripe, "/payment_intents", FORM, "key").await.ok();
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_eq!(first.text, again.text);
    // Another request, by its parameters or by its address, is refused.
    let other = post_with(&stripe, "/payment_intents", "amount=1&currency=eur", "key").await;
    assert_eq!((other.status, other.text("/error/type")), (400, "idempotency_error".into()));
    let other = post_with(&stripe, "/customers", FORM, "key").await;
    assert_eq!((other.status, other.text("/error/type")), (400, "idempotency_error".into()));
    // The order of the parameters is none of it.
    let shuffled = "confirm=true&currency=eur&payment_method=pm_card_visa&amount=1000";
    assert_eq!(post_with(&stripe, "/payment_intents", shuffled, "key").await.ok().id(), first.id());

    stripe.advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert_eq!(post_with(&stripe, "/payment_intents", FORM, "key").await.ok().id(), first.id());
    stripe.advance(Duration::from_secs(1));
    let after = post_with(&stripe, "/payment_intents", FORM, "key").await.ok();
    assert_ne!(after.id(), first.id());
    assert_eq!(stripe.kept("eur"), 2000);
}

#[tokio::test]
async fn a_refused_card_is_remembered_and_a_mistake_is_not() {
    let stripe = FakeStripe::start().await.unwrap();
    let declined = FORM.replace("pm_card_visa", "pm_card_chargeDeclined");
    let first = post_with(&stripe, "/payment_intents", &declined, "declined").await;
    let again = post_with(&stripe, "/payment_intents", &declined, "declined").await;
    assert_eq!((first.status, again.status), (402, 402));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(stripe.payment_intents().len(), 1);
    // What is found wrong before anything is tried leaves the key unused.
    assert_eq!(
        post_with(&stripe, "/payment_intents", "amount=x&currency=eur", "free").await.status,
        400
    );
    post_with(&stripe, "/payment_intents", FORM, "free").await.ok();
}

#[tokio::test]
async fn a_request_that_still_goes_on_has_its_key() {
    let stripe = FakeStripe::start().await.unwrap();
    stripe.fail(Operation::CreatePaymentIntent, Fault::Hold, 1);
    // Whichever comes first is held; the other finds the key in use.
    let request = || Box::pin(post_with(&stripe, "/payment_intents", FORM, "key"));
    let (in_use, held) = match futures_util::future::select(request(), request()).await {
        Either::Left(one) | Either::Right(one) => one,
    };
    assert_eq!(in_use.status, 409);
    assert_eq!(in_use.text("/error/code"), "idempotency_key_in_use");
    assert_eq!(in_use.header("stripe-should-retry"), Some("true"));
    assert!(stripe.payment_intents().is_empty());
    stripe.release();
    let id = held.await.ok().id();
    assert_eq!(post_with(&stripe, "/payment_intents", FORM, "key").await.ok().id(), id);
}

/// What a request and its repetition come to under a fault, and how many intents there are then.
async fn twice(fault: Fault) -> (Option<u16>, u16, Option<String>, usize) {
    let stripe = FakeStripe::start().await.unwrap();
    stripe.fail(Operation::CreatePaymentIntent, fault, 1);
    let waits = Duration::from_millis(300);
    let first =
        tokio::time::timeout(waits, try_post(&stripe, "/payment_intents", FORM, Some("key")));
    let first = first.await.ok().and_then(Result::ok).map(|answer| answer.status);
    let second = post_with(&stripe, "/payment_intents", FORM, "key").await;
    let replayed = second.header("idempotent-replayed").map(str::to_owned);
    (first, second.status, replayed, stripe.payment_intents().len())
}

#[tokio::test]
async fn every_fault_does_what_it_says() {
    let replayed = || Some("true".to_owned());
    // The first answer, the second one, whether that is the first again, and what there is then.
    assert_eq!(twice(Fault::Unavailable).await, (Some(503), 200, None, 1));
    assert_eq!(twice(Fault::RateLimited).await, (Some(429), 200, None, 1));
    assert_eq!(twice(Fault::Forbidden).await, (Some(403), 200, None, 1));
    assert_eq!(twice(Fault::FailBefore).await, (Some(500), 500, replayed(), 0));
    assert_eq!(twice(Fault::FailAfter).await, (Some(500), 500, replayed(), 1));
    assert_eq!(twice(Fault::HangBefore).await, (None, 200, None, 1));
    assert_eq!(twice(Fault::HangAfter).await, (None, 200, replayed(), 1));
    assert_eq!(twice(Fault::DropBefore).await, (None, 200, None, 1));
    assert_eq!(twice(Fault::DropAfter { bytes: 0 }).await, (None, 200, replayed(), 1));
    assert_eq!(twice(Fault::Delay { milliseconds: 1 }).await, (Some(200), 200, replayed(), 1));
}

#[tokio::test]
async fn an_answer_cut_at_any_byte_had_its_effect_once() {
    let stripe = FakeStripe::start().await.unwrap();
    let whole = create(&stripe, "/customers", "name=x").await.ok();
    let (mut cut, most) = (0, whole.text.len() + 400);
    for bytes in 0..most {
        let key = format!("key-{bytes}");
        stripe.fail(Operation::CreateCustomer, Fault::DropAfter { bytes }, 1);
        let first = try_post(&stripe, "/customers", "name=x", Some(&key)).await;
        cut += usize::from(first.is_err());
        let again = post_with(&stripe, "/customers", "name=x", &key).await.ok();
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }
    // Some bytes of its head, all of its body, and none beyond.
    assert!((whole.text.len()..most).contains(&cut), "{cut} of {most}");
    let calls = stripe.calls();
    let made = calls.iter().filter(|call| !call.replayed && call.idempotency_key.is_some());
    assert_eq!((made.count(), calls.len()), (most, 1 + 2 * most));
}

#[tokio::test]
async fn a_caller_who_hangs_up_stops_nothing() {
    let stripe = FakeStripe::start().await.unwrap();
    stripe.fail(Operation::CreatePaymentIntent, Fault::Delay { milliseconds: 200 }, 1);
    let begun = Instant::now();
    let gone = tokio::time::timeout(
        Duration::from_millis(50),
        try_post(&stripe, "/payment_intents", FORM, Some("key")),
    );
    assert!(gone.await.is_err());
    // It is asked again until it is through: late, and once.
    let intent = loop {
        let again = post_with(&stripe, "/payment_intents", FORM, "key").await;
        match again.status {
            409 => assert!(begun.elapsed() < Duration::from_secs(10)),
            _ => break again.ok(),
        }
    };
    assert_eq!(intent.header("idempotent-replayed"), Some("true"));
    assert_eq!(stripe.kept("eur"), 1000);
}

#[tokio::test]
async fn faults_wait_for_their_operation_and_can_be_taken_back() {
    let stripe = FakeStripe::start().await.unwrap();
    stripe.fail(Operation::CreateRefund, Fault::RateLimited, 2);
    let intent = create(&stripe, "/payment_intents", FORM).await.ok();
    let form = format!("payment_intent={}", intent.id());
    assert_eq!(create(&stripe, "/refunds", &form).await.error(), (429, "rate_limit".into()));
    stripe.heal();
    create(&stripe, "/refunds", &form).await.ok();
    stripe.fail_any(Fault::Unavailable, 1);
    assert_eq!(get(&stripe, "/refunds").await.status, 503);
    let statuses: Vec<_> = stripe.calls().iter().map(|call| call.status.unwrap()).collect();
    assert_eq!(statuses, [200, 429, 200, 503]);
    assert_eq!(text(&stripe.refunds()[0], "/amount"), "1000");
}

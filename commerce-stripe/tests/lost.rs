//! Answers that are lost, late, cut or wrong: what is known of the outcome is said, and nothing is done
//! twice.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode, serve::ListenerExt as _};
use commerce_core::{
    gateway::{PaymentGateway as _, ProviderStatus},
    order::Order,
    payment::{OperationKind, Payment},
    text::Url,
};
use commerce_stripe::Patience;
use fake_stripe::{Fault, Operation};
use support::{Bench, config, eur, euros, hosted, manual, operation, payment, refund, word};
use tokio::net::TcpListener;

/// What a shop asks, and what Stripe is asked for it.
const ASKED: [(&str, Operation); 7] = [
    ("create", Operation::CreatePaymentIntent),
    ("create hosted", Operation::CreateCheckoutSession),
    ("capture", Operation::CapturePaymentIntent),
    ("void", Operation::CancelPaymentIntent),
    ("void hosted", Operation::ExpireCheckoutSession),
    ("void held", Operation::CancelPaymentIntent),
    ("refund", Operation::CreateRefund),
];

/// A payment that is ready for what is asked.
async fn ready(bench: &Bench, order: &Order, asked: &str) -> Payment {
    match asked {
        "create" => payment(order, 1),
        "create hosted" => hosted(payment(order, 1)),
        "capture" | "void held" => {
            bench.paid(order, manual(payment(order, 1)), "pm_card_visa").await
        }
        "void" => bench.made(order, payment(order, 1)).await,
        "void hosted" => bench.made(order, hosted(payment(order, 1))).await,
        "refund" => bench.paid(order, payment(order, 1), "pm_card_visa").await,
        other => panic!("{other}"),
    }
}

/// Asks, in some attempt; answers the word of what came of it.
async fn ask(
    bench: &Bench,
    order: &Order,
    payment: &Payment,
    asked: &str,
    attempt: u32,
) -> &'static str {
    let refund = refund(eur(1_000), 1);
    let of = |kind, amount, refund| operation(payment, kind, attempt, amount, refund);
    let whole = payment.amount;
    match asked.split(' ').next().unwrap() {
        "create" => {
            let create = of(OperationKind::Create, whole, None);
            word(&bench.gateway.create(order, payment, &create).await)
        }
        "capture" => {
            let capture = of(OperationKind::Capture, whole, None);
            word(&bench.gateway.capture(payment, &capture).await)
        }
        "void" => {
            let void = of(OperationKind::Void, whole, None);
            word(&bench.gateway.void(payment, &void).await)
        }
        _ => {
            let back = of(OperationKind::Refund, refund.amount, Some(refund.id));
            word(&bench.gateway.refund(payment, &refund, &back).await)
        }
    }
}

/// Whether it was done, as Stripe tells.
async fn is_done(bench: &Bench, payment: &Payment, asked: &str) -> bool {
    let Some(state) = bench.gateway.fetch(payment).await.unwrap() else { return false };
    match asked {
        "create" | "create hosted" => true,
        "capture" => state.status == ProviderStatus::Captured,
        "refund" => !state.refunds.is_empty(),
        _ => state.status == ProviderStatus::Voided,
    }
}

/// Nothing was done twice.
fn once(bench: &Bench, asked: &str) {
    let made = bench.stripe.payment_intents().len() + bench.stripe.checkout_sessions().len();
    assert_eq!(made, 1, "{asked}");
    let given = bench.stripe.refunds();
    assert!(given.len() <= 1, "{asked}");
    let kept = if asked == "refund" && !given.is_empty() {
        6_490
    } else if asked == "refund" || asked == "capture" {
        7_490
    } else {
        0
    };
    assert!(bench.stripe.kept("eur") == kept || asked == "capture", "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_request() {
    let order = euros().await;
    // The fault; what is said if only the first try meets it, and if every one does; whether it may
    // be done by then.
    let faults = [
        (Fault::Unavailable, "done", "unknown", false),
        (Fault::RateLimited, "done", "unavailable", false),
        (Fault::HangBefore, "done", "unknown", false),
        (Fault::HangAfter, "done", "unknown", true),
        (Fault::DropBefore, "done", "unknown", false),
        (Fault::DropAfter { bytes: 0 }, "done", "unknown", true),
        (Fault::DropAfter { bytes: 20 }, "done", "unknown", true),
        (Fault::DropAfter { bytes: 700 }, "done", "unknown", true),
    ];
    for (asked, met) in ASKED {
        for (fault, first, every, done) in faults {
            let told = format!("{asked} {fault:?}");
            let bench = Bench::open().await;
            let payment = ready(&bench, &order, asked).await;
            bench.stripe.fail(met, fault, 1);
            assert_eq!(ask(&bench, &order, &payment, asked, 1).await, first, "{told}");
            assert!(is_done(&bench, &payment, asked).await, "{told}");
            once(&bench, asked);

            let bench = Bench::open().await;
            let payment = ready(&bench, &order, asked).await;
            bench.stripe.fail(met, fault, 3);
            assert_eq!(ask(&bench, &order, &payment, asked, 1).await, every, "{told}");
            assert_eq!(is_done(&bench, &payment, asked).await, done, "{told}");
            // The same again, under the same key.
            assert_eq!(ask(&bench, &order, &payment, asked, 1).await, "done", "{told}");
            assert!(is_done(&bench, &payment, asked).await, "{told}");
            once(&bench, asked);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_500_is_remembered_under_its_key_and_the_state_tells() {
    let order = euros().await;
    for (asked, met) in ASKED {
        for (fault, done) in [(Fault::FailBefore, false), (Fault::FailAfter, true)] {
            let told = format!("{asked} {fault:?}");
            let bench = Bench::open().await;
            let payment = ready(&bench, &order, asked).await;
            bench.stripe.fail(met, fault, 1);
            assert_eq!(ask(&bench, &order, &payment, asked, 1).await, "unknown", "{told}");
            assert_eq!(is_done(&bench, &payment, asked).await, done, "{told}");
            if !done {
                // The key gets the 500 again; the next attempt has another key.
                assert_eq!(ask(&bench, &order, &payment, asked, 1).await, "unknown", "{told}");
                assert_eq!(ask(&bench, &order, &payment, asked, 2).await, "done", "{told}");
            }
            assert!(is_done(&bench, &payment, asked).await, "{told}");
            once(&bench, asked);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cut_at_any_byte_is_asked_for_again() {
    let bench = Bench::open().await;
    let order = euros().await;
    let payment = bench.paid(&order, payment(&order, 1), "pm_card_visa").await;
    let asked_again = || bench.stripe.calls().iter().filter(|call| call.replayed).count();
    let mut bytes = 0;
    // Until so many are all of an answer.
    loop {
        bench.stripe.fail(Operation::CreateRefund, Fault::DropAfter { bytes }, 1);
        let back = refund(eur(1), u32::try_from(bytes).unwrap());
        bench.refund(&payment, &back).await.unwrap();
        if asked_again() == bytes {
            break;
        }
        bytes += 1;
    }
    assert!(bytes > 500, "{bytes}");
    let given = bytes + 1;
    assert_eq!(bench.stripe.refunds().len(), given);
    assert_eq!(bench.stripe.kept("eur"), 7_490 - i64::try_from(given).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_ask_for_the_same_at_once() {
    let bench = Bench::open().await;
    let order = euros().await;
    let payment = bench.paid(&order, manual(payment(&order, 1)), "pm_card_visa").await;
    bench.stripe.fail(Operation::CapturePaymentIntent, Fault::Delay { milliseconds: 100 }, 1);
    let (one, other) =
        tokio::join!(bench.capture(&payment, eur(7_490)), bench.capture(&payment, eur(7_490)));
    let words = [word(&one), word(&other)];
    // The second is told that the first goes on, until it does not any more or gives up.
    assert!(words.contains(&"done"), "{words:?}");
    assert!(words.iter().all(|word| matches!(*word, "done" | "in flight")), "{words:?}");
    assert_eq!(word(&bench.capture(&payment, eur(7_490)).await), "done");
    assert_eq!(bench.stripe.kept("eur"), 7_490);
}

#[tokio::test]
async fn what_is_read_is_unavailable_whatever_the_cause() {
    let bench = Bench::open().await;
    let order = euros().await;
    let payment = bench.made(&order, payment(&order, 1)).await;
    for fault in [
        Fault::Unavailable,
        Fault::RateLimited,
        Fault::FailBefore,
        Fault::HangBefore,
        Fault::DropBefore,
        Fault::DropAfter { bytes: 300 },
    ] {
        bench.stripe.fail_any(fault, 3);
        assert_eq!(word(&bench.gateway.fetch(&payment).await), "unavailable", "{fault:?}");
        bench.stripe.heal();
        assert_eq!(word(&bench.gateway.fetch(&payment).await), "done", "{fault:?}");
    }
}

#[tokio::test]
async fn stripe_is_not_there() {
    let order = euros().await;
    // A port that somebody had a moment ago.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bench = Bench::with(|config| {
        config.api = Some(Url::new(format!("http://{gone}")).unwrap());
    })
    .await;
    let mut payment = payment(&order, 1);
    assert_eq!(ask(&bench, &order, &payment, "create", 1).await, "unavailable");
    payment.references = vec![support::label("pi_1")];
    for asked in ["capture", "void", "refund"] {
        assert_eq!(ask(&bench, &order, &payment, asked, 1).await, "unavailable", "{asked}");
    }
    assert_eq!(word(&bench.gateway.fetch(&payment).await), "unavailable");
}

#[tokio::test]
async fn however_long_stripe_wants_to_be_left_alone_a_call_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let busy = async || {
        let for_ever = [("retry-after", u64::MAX.to_string())];
        (StatusCode::TOO_MANY_REQUESTS, for_ever, r#"{"error":{}}"#)
    };
    let router = Router::new().fallback(busy);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let bench = Bench::with(|config| {
        config.api = Some(Url::new(url).unwrap());
        let Patience { connect, answer, call, between, .. } = &mut config.patience;
        for time in [connect, answer, call, between] {
            *time = Duration::MAX;
        }
    })
    .await;
    let payment = payment(&euros().await, 1);
    assert_eq!(word(&bench.gateway.fetch(&payment).await), "unavailable");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let listener = listener.tap_io(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let router = Router::new().fallback(async || r#"{"id":"cus_1"}"#);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let bench = Bench::with(|config| config.api = Some(Url::new(url).unwrap())).await;
    let vault = bench.gateway.vault().unwrap();
    for _ in 0..20 {
        vault.create_customer(&support::customer(), &"customer".parse().unwrap()).await.unwrap();
    }
    // The next request may come before the connection of the last one is known to be free.
    assert!(made.load(Ordering::SeqCst) <= 2);
}

/// The ways in which a customer pays: on the shop's page, and on one of Stripe's.
const WAYS: [fn(Payment) -> Payment; 2] = [|payment| payment, hosted];

#[tokio::test]
async fn what_was_made_and_never_heard_of_is_found_among_many() {
    let order = euros().await;
    for way in WAYS {
        let bench = Bench::open().await;
        for number in 10..130 {
            bench.create(&order, &way(payment(&order, number))).await.unwrap();
        }
        let lost = way(payment(&order, 1));
        assert_eq!(bench.gateway.fetch(&lost).await.unwrap(), None);
        bench.stripe.fail_any(Fault::FailAfter, 1);
        assert_eq!(ask(&bench, &order, &lost, "create", 1).await, "unknown");
        for number in 130..250 {
            bench.create(&order, &way(payment(&order, number))).await.unwrap();
        }
        let found = bench.fetch(&lost).await;
        assert_eq!(found.status, ProviderStatus::RequiresAction);
        let called = &found.references[0];
        if called.starts_with("cs_") {
            bench.stripe.pay_session(called, "pm_card_visa").unwrap();
        } else {
            bench.stripe.confirm(called, "pm_card_visa").unwrap();
        }
        // It is captured by somebody who still does not know what it is called.
        assert_eq!(bench.fetch(&lost).await.captured, eur(7_490));
        assert_eq!(word(&bench.void(&lost).await), "stale");
        bench.refund(&lost, &refund(eur(7_490), 1)).await.unwrap();
        assert_eq!(bench.stripe.kept("eur"), 0);
    }
}

#[tokio::test]
async fn what_was_never_heard_of_is_found_whenever_it_was_made() {
    let order = euros().await;
    let minutes = |count: u64| Duration::from_secs(60 * count);
    // The shop's clock is ahead of Stripe's; the request was repeated as long as Stripe knows its key.
    for (ahead, late) in [(minutes(9), minutes(0)), (minutes(0), minutes(23 * 60))] {
        for way in WAYS {
            let bench = Bench::open().await;
            let created_at = support::now().saturating_add(ahead);
            let lost = Payment { created_at, ..way(payment(&order, 1)) };
            bench.stripe.advance(late);
            bench.create(&order, &lost).await.unwrap();
            assert_eq!(bench.fetch(&lost).await.status, ProviderStatus::RequiresAction);
        }
    }
}

#[tokio::test]
async fn what_was_never_heard_of_is_called_off() {
    let bench = Bench::open().await;
    let order = euros().await;
    for (number, way) in (1..).zip(WAYS) {
        let lost = way(payment(&order, number));
        bench.create(&order, &lost).await.unwrap();
        let off = bench.void(&lost).await.unwrap();
        assert_eq!(off.status, ProviderStatus::Voided);
        assert!(!off.references.is_empty(), "and it is known what it was called");
    }
}

#[tokio::test]
async fn a_key_protects_for_a_day_and_a_request_is_the_same_to_the_byte() {
    let bench = Bench::open().await;
    let order = euros().await;
    let first = bench.create(&order, &hosted(payment(&order, 1))).await.unwrap();
    // Another server, with hash maps of its own, a while later.
    bench.stripe.advance(Duration::from_secs(22 * 60 * 60));
    let other = commerce_stripe::StripeGateway::new(config(&bench.stripe)).unwrap();
    let again = operation(&payment(&order, 1), OperationKind::Create, 1, order.total, None);
    let second = other.create(&order, &hosted(payment(&order, 1)), &again).await.unwrap();
    assert_eq!(first.references, second.references);
    assert!(other.abilities().keys_kept <= Duration::from_secs(24 * 60 * 60));
    // Another request under the key is not made, and it is not known what became of the first.
    let changed = Payment { amount: eur(1_000), ..hosted(payment(&order, 1)) };
    assert_eq!(word(&other.create(&order, &changed, &again).await), "unknown");
    assert_eq!(bench.stripe.checkout_sessions().len(), 1);
}

#[tokio::test]
async fn a_decline_after_a_lost_answer_is_a_decline() {
    let bench = Bench::open().await;
    let order = euros().await;
    let vault = bench.gateway.vault().unwrap();
    let customer =
        vault.create_customer(&support::customer(), &"customer".parse().unwrap()).await.unwrap();
    let setup = vault.create_setup(&customer, None, &"setup".parse().unwrap()).await.unwrap();
    bench.stripe.confirm(&setup.id, "pm_card_chargeCustomerFail").unwrap();
    let method = vault.methods(&customer).await.unwrap()[0].id.clone();
    let saved = Payment {
        flow: commerce_core::payment::PaymentFlow::Saved { method },
        customer_reference: Some(customer),
        ..payment(&order, 1)
    };
    bench.stripe.fail(Operation::CreatePaymentIntent, Fault::HangAfter, 1);
    assert_eq!(ask(&bench, &order, &saved, "create", 1).await, "declined");
    assert_eq!(bench.stripe.charges().len(), 1);
}

#[tokio::test]
async fn after_a_lost_answer_a_busy_stripe_says_nothing_of_the_outcome() {
    let order = euros().await;
    for (lost, after) in [(Fault::HangAfter, true), (Fault::HangBefore, false)] {
        let bench = Bench::open().await;
        let payment = bench.paid(&order, payment(&order, 1), "pm_card_visa").await;
        bench.stripe.fail(Operation::CreateRefund, lost, 1);
        bench.stripe.fail(Operation::CreateRefund, Fault::RateLimited, 2);
        assert_eq!(ask(&bench, &order, &payment, "refund", 1).await, "unknown");
        assert_eq!(is_done(&bench, &payment, "refund").await, after);
    }
}

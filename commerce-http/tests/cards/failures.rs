//! Stripe is away, or does not say what came of it.

use std::time::Duration;

use fake_stripe::{FakeStripe, Fault, Operation};
use serde_json::{Value, json};

use super::{CardShop, RUNTIME, TOTAL, eur, gateway, hosted, path, pay_on_page};

#[test]
fn a_checkout_goes_on_where_it_was_when_stripe_was_away() {
    let cards = CardShop::open();
    let guest = cards.guest();
    // Too busy, and nothing has happened; out of order, and nobody can say. The longer it lasts, the less
    // it helps to come back at once.
    for (fault, code, pause) in
        [(Fault::RateLimited, "unavailable", "1"), (Fault::Unavailable, "outcome_unknown", "90")]
    {
        cards.stripe.fail(Operation::CreateCheckoutSession, fault, 3);
        let away = guest.check_out("buy on a page", &hosted());
        away.problem(503, code);
        assert_eq!(away.header("retry-after"), pause);
        cards.shop.clock.advance(Duration::from_secs(90));
    }
    let placed = guest.check_out("buy on a page", &hosted());
    assert_eq!(placed.status, 201, "{}", placed.text());
    let orders = cards.shop.office("GET", "/orders?total=true", None).json();
    assert_eq!(orders["total"], 1);
    assert_eq!(cards.stripe.checkout_sessions().len(), 1);
    let page = placed.json()["payment"]["redirect_url"].as_str().unwrap().to_owned();
    assert_eq!(pay_on_page(&page, "4242424242424242").status, 303);
    cards.settled();
    assert_eq!(cards.order(&guest, &placed.json())["payment_status"], "paid");
    cards.in_step(TOTAL);
}

#[test]
fn a_page_whose_answer_was_lost_is_made_once() {
    let cards = CardShop::open();
    let guest = cards.guest();
    cards.stripe.fail(Operation::CreateCheckoutSession, Fault::DropAfter { bytes: 20 }, 3);
    guest.check_out("buy on a page", &hosted()).problem(503, "outcome_unknown");
    let placed = guest.check_out("buy on a page", &hosted());
    assert_eq!(placed.status, 201, "{}", placed.text());
    assert_eq!(cards.stripe.checkout_sessions().len(), 1);
}

#[test]
fn a_checkout_that_nobody_comes_back_to_ends() {
    let cards = CardShop::open();
    let guest = cards.guest();
    cards.stripe.fail_any(Fault::RateLimited, 100);
    guest.check_out("buy on a page", &hosted()).problem(503, "unavailable");
    assert_eq!(cards.shop.stock(cards.shirt), (10, 2, 8));
    cards.stripe.heal();
    cards.wait(Duration::from_secs(25 * 3_600));
    assert_eq!(cards.shop.stock(cards.shirt), (10, 0, 10), "it holds no stock for ever");
    let orders = cards.shop.office("GET", "/orders", None).json();
    assert_eq!(orders["items"][0]["status"], "cancelled");
    cards.in_step(0);
}

#[test]
fn a_refund_whose_answer_was_lost_is_made_once() {
    let cards = CardShop::open();
    let guest = cards.guest();
    let order = cards.paid(&guest);
    let refunds = format!("{}/refunds", path(&order));
    let headers =
        [("authorization", cards.shop.bearer.as_str()), ("idempotency-key", "half of it")];
    let half = json!({ "amount": eur(TOTAL / 2) });
    let refund = || cards.shop.call("POST", &refunds, &headers, Some(&half));
    cards.stripe.fail(Operation::CreateRefund, Fault::DropAfter { bytes: 0 }, 3);
    refund().problem(503, "outcome_unknown");
    let done = refund();
    assert_eq!(done.status, 201, "{}", done.text());
    assert_eq!(done.json()["refunded_total"], eur(TOTAL / 2));
    cards.settled();
    assert_eq!(cards.stripe.refunds().len(), 1);
    cards.in_step(TOTAL - TOTAL / 2);
}

#[test]
fn money_is_taken_and_let_go_once_stripe_is_back() {
    let cards = CardShop::capturing(&json!({ "stripe": "manual" }));
    for (operation, what, kept) in [
        (Operation::CapturePaymentIntent, "capture", TOTAL),
        (Operation::CancelPaymentIntent, "void", TOTAL),
    ] {
        let guest = cards.guest();
        let order = cards.paid(&guest);
        let path = format!("{}/{what}", path(&order));
        let headers = [("authorization", cards.shop.bearer.as_str()), ("idempotency-key", what)];
        cards.stripe.fail(operation, Fault::RateLimited, 3);
        let away = cards.shop.call("POST", &path, &headers, None);
        away.problem(503, "unavailable");
        let done = cards.shop.call("POST", &path, &headers, None);
        assert_eq!(done.status, 200, "{}", done.text());
        cards.settled();
        cards.in_step(kept);
    }
}

#[test]
fn what_stripe_has_forgotten_waits_for_a_person() {
    let mut cards = CardShop::open();
    let guest = cards.guest();
    let (placed, token) = (cards.placed(&guest), guest.token.clone());
    // Another Stripe takes its place, as when a demo is started again.
    let other = RUNTIME.block_on(FakeStripe::start()).unwrap();
    cards.shop.restart(|commerce| commerce.with_gateway(gateway("stripe", &other)));
    let sweep = || drop(RUNTIME.block_on(cards.shop.commerce.sweep(100)));
    for _ in 0..30 {
        cards.shop.clock.advance(Duration::from_secs(3_600));
        sweep();
    }
    let path = path(&placed);
    let order = cards.shop.office("GET", &path, None).json();
    assert_eq!(order["payment_status"], "needs_review", "{order}");
    let reviewed = &order["payments"][0]["review"];
    assert_eq!(*reviewed, json!({ "reason": "missing", "closed_at": null, "note": null }));
    assert_eq!(order["status"], "pending", "its money may have been taken");
    let in_review = || {
        let found = cards.shop.office("GET", "/orders?needs_review=true", None).json();
        found["items"].as_array().unwrap().len()
    };
    assert_eq!(in_review(), 1);

    // Whoever looks at it says what became of it, and the order lapses like any that is not paid.
    let headers = [("authorization", cards.shop.bearer.as_str()), ("idempotency-key", "seen")];
    let close =
        |body: &Value| cards.shop.call("POST", &format!("{path}/review"), &headers, Some(body));
    close(&json!({ "written_off": 5 })).problem(422, "validation_failed");
    let note = json!({ "note": "The demo began anew." });
    let closed = close(&note);
    assert_eq!(closed.status, 200, "{}", closed.text());
    let order = closed.json();
    assert_eq!(order["payment_status"], "voided");
    assert_eq!(order["payments"][0]["review"]["note"], note["note"]);
    assert_eq!(close(&note).text(), closed.text());
    sweep();
    assert_eq!(cards.shop.office("GET", &path, None).json()["status"], "cancelled");
    assert_eq!(cards.shop.stock(cards.shirt), (10, 0, 10));
    assert_eq!(in_review(), 0);
    let seen = cards.shop.call("GET", &path, &[("cart-token", &token)], None).json();
    assert!(seen["payments"][0].get("review").is_none(), "it is the back office's business");
}

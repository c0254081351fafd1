//! What Stripe does not take or does not accept, and what it is still being asked.

use fake_stripe::{Fault, Operation};
use serde_json::{Value, json};

use super::{
    CardShop, TOTAL, direct, eur, hosted, path,
    support::{Answer, agent, shop::manual},
};

/// What a request is answered with, at first and ever after.
#[track_caller]
fn refused_for_good(status: u16, code: &str, ask: impl Fn() -> Answer) -> Value {
    let first = ask();
    let problem = first.problem(status, code);
    for _ in 0..2 {
        assert_eq!(ask().body, first.body, "the answer is the first one: {}", first.text());
    }
    problem
}

impl CardShop {
    /// Sends a request of the back office's under this key.
    #[track_caller]
    fn keyed(&self, path: &str, key: &str, body: Option<&Value>) -> Answer {
        let headers = [("authorization", self.shop.bearer.as_str()), ("idempotency-key", key)];
        self.shop.call("POST", path, &headers, body)
    }

    /// A draft of one shirt at a price, sent nowhere; the path to check it out.
    #[track_caller]
    fn draft_at(&self, cents: i64) -> String {
        let line = json!({ "variant_id": self.shirt, "quantity": 1, "unit_price": eur(cents) });
        let made = self.shop.keyed_office("/carts", Some(&json!({ "lines": [line] })));
        assert_eq!(made.status, 201, "{}", made.text());
        format!("/carts/{}/checkout", made.json()["id"].as_str().unwrap())
    }

    #[track_caller]
    fn orders(&self) -> Value {
        self.shop.office("GET", "/orders", None).json()["items"].clone()
    }
}

#[test]
fn an_order_that_is_too_small_for_stripe_is_not_placed() {
    for body in [direct(), hosted()] {
        let cards = CardShop::open();
        let check_out = cards.draft_at(30);
        let problem = refused_for_good(422, "validation_failed", || {
            cards.keyed(&check_out, "tiny", Some(&body))
        });
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], "/payment/gateway");
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains("0.50 EUR or more") && detail.contains("0.30 EUR"), "{detail}");
        assert_eq!(cards.orders(), json!([]), "nothing was placed");
        // It can be paid in another way.
        let placed = cards.keyed(&check_out, "tiny", Some(&manual()));
        assert_eq!(placed.status, 201, "{}", placed.text());
        let payments = format!("{}/payments", path(&placed.json()));
        let problem =
            cards.keyed(&payments, "by card", Some(&body)).problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/payment/gateway");
        assert_eq!(cards.orders()[0]["payments"].as_array().unwrap().len(), 1);
        cards.in_step(0);
    }
}

#[test]
fn an_order_that_is_too_large_for_stripe_waits_for_another_payment() {
    for body in [direct(), hosted()] {
        let cards = CardShop::open();
        let check_out = cards.draft_at(100_980_000);
        let ask = || cards.keyed(&check_out, "a yacht", Some(&body));
        let problem = refused_for_good(402, "payment_declined", ask);
        assert_eq!(problem["reason"], "The amount is more than Stripe takes in this currency.");
        assert_eq!(problem["decline_code"], "not_supported");
        let order = cards.orders()[0].clone();
        assert_eq!((&order["id"], &order["status"]), (&problem["order_id"], &json!("pending")));
        let payment = &order["payments"][0];
        assert_eq!(
            (&payment["status"], &payment["failure"]["code"]),
            (&json!("failed"), &json!("not_supported"))
        );
        let paid = cards.keyed(&format!("{}/payments", path(&order)), "by bank", Some(&manual()));
        assert_eq!(paid.status, 201, "{}", paid.text());
        cards.in_step(0);
    }
}

#[test]
fn an_order_that_stripe_does_not_accept_from_the_shop_waits_for_another_payment() {
    for (body, operation) in
        [(direct(), Operation::CreatePaymentIntent), (hosted(), Operation::CreateCheckoutSession)]
    {
        let cards = CardShop::open();
        let guest = cards.guest();
        cards.stripe.fail(operation, Fault::Forbidden, 1);
        let problem = refused_for_good(402, "payment_declined", || guest.check_out("buy", &body));
        let [order] = cards.orders().as_array().unwrap().clone().try_into().unwrap();
        assert_eq!(order["id"], problem["order_id"]);
        assert_eq!(order["payments"][0]["status"], "failed");
        assert_eq!(cards.shop.stock(cards.shirt), (10, 2, 8), "its goods are held");
        let payments = format!("{}/payments", path(&order));
        let pay = |key: &str| {
            let headers = [("cart-token", guest.token.as_str()), ("idempotency-key", key)];
            cards.shop.call("POST", &payments, &headers, Some(&body))
        };
        cards.stripe.fail(operation, Fault::Forbidden, 1);
        let again = refused_for_good(402, "payment_declined", || pay("again, to no avail"));
        assert_eq!(again["order_id"], order["id"]);
        let begun = pay("once it is mended");
        assert_eq!(begun.status, 201, "{}", begun.text());
        assert_eq!(begun.json()["order"]["payment_status"], "requires_action");
        cards.in_step(0);
    }
}

#[test]
fn what_stripe_does_not_accept_of_a_payment_is_told_again_until_another_key_comes() {
    let cards = CardShop::capturing(&json!({ "stripe": "manual" }));
    let half = json!({ "amount": eur(TOTAL / 2) });
    let order = cards.paid(&cards.guest());
    let other = cards.paid(&cards.guest());
    for (operation, what, order, body) in [
        (Operation::CapturePaymentIntent, "capture", &order, None),
        (Operation::CreateRefund, "refunds", &order, Some(&half)),
        (Operation::CancelPaymentIntent, "void", &other, None),
    ] {
        let path = format!("{}/{what}", path(order));
        cards.stripe.fail(operation, Fault::Forbidden, 1);
        let ask = || cards.keyed(&path, what, body);
        let problem = refused_for_good(409, "invalid_transition", ask);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("its gateway refused to"), "{detail}");
        let done = cards.keyed(&path, &format!("{what} once it is mended"), body);
        assert!((200..300).contains(&done.status), "{}", done.text());
        cards.settled();
    }
    cards.in_step(TOTAL - TOTAL / 2);
}

/// Sends a request twice under one key, the second time while Stripe has not answered the first.
fn while_it_is_asked(
    cards: &CardShop,
    operation: Operation,
    path: &str,
    body: Option<&Value>,
    headers: &[(&str, &str)],
) {
    let url = cards.shop.server.url(&format!("/api/v1{path}"));
    let ask = || {
        let request =
            headers.iter().fold(agent().post(&url), |it, (name, value)| it.header(*name, *value));
        Answer::of(match body {
            Some(body) => request.header("content-type", "application/json").send(body.to_string()),
            None => request.send_empty(),
        })
    };
    let is_open = |it: &Value| it["status"] == "open";
    let asked = || {
        let orders = cards.orders();
        let payments = orders.as_array().unwrap().iter().flat_map(|it| it["payments"].as_array());
        payments.flatten().any(|it| it["operations"].as_array().unwrap().iter().any(is_open))
    };
    assert!(!asked());
    cards.stripe.fail(operation, Fault::Hold, 1);
    let first = std::thread::scope(|scope| {
        let first = scope.spawn(ask);
        while !asked() {
            std::thread::yield_now();
        }
        let second = cards.shop.call("POST", path, headers, body);
        second.problem(409, "idempotency_in_flight");
        assert!(!second.header("retry-after").is_empty());
        cards.stripe.release();
        first.join().unwrap()
    });
    let after = loop {
        cards.stripe.release();
        let after = cards.shop.call("POST", path, headers, body);
        if after.status != 409 {
            break after;
        }
        after.problem(409, "idempotency_in_flight");
    };
    assert!((200..300).contains(&after.status), "{}", after.text());
    // The shop waited for so long, or the first is told the same.
    if first.status == 409 {
        first.problem(409, "idempotency_in_flight");
    } else {
        assert_eq!((first.status, &first.body), (after.status, &after.body));
        assert_eq!(after.header("idempotency-replayed"), "true");
    }
}

#[test]
fn who_comes_again_while_stripe_is_asked_is_told_to_wait() {
    let cards = CardShop::capturing(&json!({ "stripe": "manual" }));
    let office = cards.shop.bearer.clone();
    let office = |key| [("authorization", office.as_str()), ("idempotency-key", key)];
    let order = cards.paid(&cards.guest());
    let below = |of: &Value, what: &str| format!("{}/{what}", path(of));
    let capture = below(&order, "capture");
    while_it_is_asked(&cards, Operation::CapturePaymentIntent, &capture, None, &office("c"));
    let half = json!({ "amount": eur(TOTAL / 2) });
    let refund = below(&order, "refunds");
    while_it_is_asked(&cards, Operation::CreateRefund, &refund, Some(&half), &office("r"));
    let void = below(&cards.paid(&cards.guest()), "void");
    while_it_is_asked(&cards, Operation::CancelPaymentIntent, &void, None, &office("v"));
    let (guest, body) = (cards.guest(), hosted());
    let check_out = format!("{}/checkout", guest.path);
    let headers = [("cart-token", guest.token.as_str()), ("idempotency-key", "buy on a page")];
    while_it_is_asked(&cards, Operation::CreateCheckoutSession, &check_out, Some(&body), &headers);
    cards.settled();
    assert_eq!(cards.stripe.checkout_sessions().len(), 1);
    cards.in_step(TOTAL - TOTAL / 2);
}

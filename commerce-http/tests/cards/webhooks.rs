//! What Stripe tells, and what others say that it does.

use std::time::Duration;

use commerce_core::webhook::Webhook;
use fake_stripe::WebhookFault;
use serde_json::{Value, json};

use super::support::{Answer, agent, contract::Contract, raw};
use super::{CardShop, SECRET, TOTAL, intent};

/// Sends a webhook, whose answer must be documented.
#[track_caller]
fn send(cards: &CardShop, gateway: &str, signed: Option<&str>, body: &[u8]) -> Answer {
    let path = format!("/api/v1/webhooks/{gateway}");
    let request = agent().post(cards.shop.server.url(&path));
    let request = match signed {
        Some(signed) => request.header("stripe-signature", signed),
        None => request,
    };
    let answer = Answer::of(request.send(body));
    Contract::of_server().check("POST", &path, &answer);
    answer
}

/// Signs a body as Stripe does.
fn sign(secret: &str, at: i64, body: &[u8]) -> String {
    fake_stripe::signature(body, &[secret], at)
}

/// The time of the shop and of Stripe, in seconds.
fn now(cards: &CardShop) -> i64 {
    cards.stripe.now()
}

/// The event that says that an order was paid, although it was held back.
fn held(cards: &CardShop) -> Value {
    cards.stripe.hold_webhooks(true);
    let guest = cards.guest();
    let placed = cards.placed(&guest);
    cards.stripe.confirm(intent(&placed), "pm_card_visa").unwrap();
    let events = cards.stripe.events();
    let paid = events.iter().find(|event| event["type"] == "payment_intent.succeeded");
    assert_eq!(cards.order(&guest, &placed)["payment_status"], "requires_action");
    paid.unwrap().clone()
}

fn payment_status(cards: &CardShop) -> Value {
    let orders = cards.shop.office("GET", "/orders", None).json();
    orders["items"][0]["payment_status"].clone()
}

#[test]
fn only_what_stripe_has_signed_is_believed() {
    let cards = CardShop::open();
    let event = held(&cards).to_string();
    let body = event.as_bytes();
    let at = now(&cards);
    let good = sign(SECRET, at, body);
    let tampered = event.replace("succeeded", "failed");
    for (signed, body) in [
        (None, body),
        (Some(""), body),
        (Some("t=1"), body),
        (Some(&*sign("whsec_other", at, body)), body),
        (Some(&*sign(SECRET, at - 301, body)), body),
        (Some(&*good), tampered.as_bytes()),
        (Some(&*good), b""),
    ] {
        send(&cards, "stripe", signed, body).problem(400, "signature_invalid");
    }
    let odd = b"not JSON";
    let signed = sign(SECRET, at, odd);
    send(&cards, "stripe", Some(&signed), odd).problem(400, "malformed_request");
    for gateway in ["manual", "other", "STRIPE", "%20"] {
        send(&cards, gateway, Some(&good), body).problem(404, "not_found");
    }
    let large = vec![b' '; Webhook::BODY_MAX + 1];
    let signed = sign(SECRET, at, &large);
    send(&cards, "stripe", Some(&signed), &large).problem(413, "payload_too_large");
    let got = cards.shop.server.get("/api/v1/webhooks/stripe");
    got.problem(405, "method_not_allowed");
    let broken = b"POST /api/v1/webhooks/stripe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
        transfer-encoding: chunked\r\n\r\nxyz\r\n";
    assert!(raw(cards.shop.server.address, broken).starts_with("HTTP/1.1 400"));
    cards.settled();
    assert_eq!(payment_status(&cards), "requires_action");

    // The same body, signed as it should be, does, whatever is added to the address.
    let address = cards.shop.server.url("/api/v1/webhooks/stripe?account=7");
    let sent = agent().post(address).header("stripe-signature", &good).send(body);
    assert_eq!(Answer::of(sent).status, 200);
    cards.settled();
    assert_eq!(payment_status(&cards), "paid");
}

#[test]
fn an_event_is_looked_into_once_however_often_it_comes() {
    let cards = CardShop::open();
    let event = held(&cards).to_string();
    let signed = sign(SECRET, now(&cards), event.as_bytes());
    assert_eq!(send(&cards, "stripe", Some(&signed), event.as_bytes()).status, 200);
    cards.settled();
    let orders = || cards.shop.office("GET", "/orders", None).body;
    let (before, asked) = (orders(), cards.stripe.calls().len());
    for _ in 0..3 {
        let again = send(&cards, "stripe", Some(&signed), event.as_bytes());
        assert_eq!(again.status, 200);
    }
    cards.settled();
    assert_eq!((orders(), cards.stripe.calls().len()), (before, asked));
    // All the others come late, and in the wrong order.
    let mut pending = cards.stripe.pending_webhooks();
    pending.reverse();
    for webhook in pending {
        let told = super::RUNTIME.block_on(cards.stripe.deliver(&webhook.event));
        assert_eq!(told, [Some(200)], "{webhook:?}");
    }
    cards.settled();
    assert_eq!(payment_status(&cards), "paid");
    cards.in_step(TOTAL);
}

#[test]
fn what_is_never_told_is_looked_up() {
    let cards = CardShop::open();
    cards.stripe.fail_webhook("*", WebhookFault::Never, 100);
    let guest = cards.guest();
    let placed = cards.placed(&guest);
    cards.stripe.confirm(intent(&placed), "pm_card_visa").unwrap();
    cards.settled();
    assert_eq!(cards.order(&guest, &placed)["payment_status"], "requires_action");
    cards.wait(Duration::from_secs(3_600));
    let order = cards.order(&guest, &placed);
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
    cards.in_step(TOTAL);
}

#[test]
fn events_about_nothing_of_the_shops_are_taken_and_change_nothing() {
    let cards = CardShop::open();
    let event = json!({
        "id": "evt_1", "object": "event", "type": "customer.created", "livemode": false,
        "data": { "object": { "id": "cus_1", "object": "customer" } },
    });
    let event = event.to_string();
    let signed = sign(SECRET, now(&cards), event.as_bytes());
    assert_eq!(send(&cards, "stripe", Some(&signed), event.as_bytes()).status, 200);
    // A payment that another program makes with the same account.
    let foreign = json!({
        "id": "evt_2", "object": "event", "type": "payment_intent.succeeded", "livemode": false,
        "data": { "object": { "id": "pi_foreign", "object": "payment_intent", "metadata": {} } },
    });
    let foreign = foreign.to_string();
    let signed = sign(SECRET, now(&cards), foreign.as_bytes());
    assert_eq!(send(&cards, "stripe", Some(&signed), foreign.as_bytes()).status, 200);
    cards.settled();
    assert_eq!(cards.shop.office("GET", "/orders?total=true", None).json()["total"], 0);
}

#[test]
fn the_back_office_sees_what_was_told_and_has_it_looked_into_again() {
    let cards = CardShop::open();
    let (known, at) = (held(&cards).to_string(), now(&cards));
    let foreign = json!({
        "id": "evt_2", "object": "event", "type": "payment_intent.succeeded", "livemode": false,
        "data": { "object": { "id": "pi_foreign", "object": "payment_intent", "metadata": {} } },
    });
    let foreign = foreign.to_string();
    for event in [&foreign, &known] {
        let signed = sign(SECRET, at, event.as_bytes());
        assert_eq!(send(&cards, "stripe", Some(&signed), event.as_bytes()).status, 200);
        cards.settled();
    }
    let list = |query: &str| cards.shop.office("GET", &format!("/webhooks{query}"), None).json();
    let first = list("?limit=1&total=true");
    assert_eq!((&first["total"], &first["items"][0]["event_id"]), (&json!(2), &json!("evt_2")));
    assert_eq!(first["items"][0]["failure"], "unknown_payment");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = list(&format!("?limit=1&cursor={cursor}"));
    let status = |webhook: &Value| webhook["status"].as_str().unwrap().to_owned();
    assert_eq!(
        (status(&first["items"][0]), status(&second["items"][0])),
        ("parked".into(), "handled".into())
    );
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(list("?status=parked")["items"], first["items"]);
    assert_eq!(list("?status=received")["items"], json!([]));
    cards.shop.office("GET", "/webhooks?status=lost", None).problem(422, "validation_failed");

    let parked = format!("/webhooks/stripe/{}", first["items"][0]["id"].as_str().unwrap());
    let shown = cards.shop.office("GET", &parked, None);
    let (tag, read) = (shown.header("etag"), shown.json());
    let known = [("authorization", cards.shop.bearer.as_str()), ("if-none-match", tag)];
    assert_eq!(cards.shop.call("GET", &parked, &known, None).status, 304);
    assert_eq!((&read["body"], &read["references"]), (&json!(foreign), &json!(["pi_foreign"])));
    let retried = cards.shop.office("POST", &format!("{parked}/retry"), None);
    assert_eq!(retried.status, 200, "{}", retried.text());
    assert_eq!(
        (&retried.json()["attempts"], &retried.json()["status"]),
        (&json!(2), &json!("parked"))
    );
    assert_eq!(cards.shop.call("GET", &parked, &known, None).status, 200);
    let done = format!("/webhooks/stripe/{}/retry", second["items"][0]["id"].as_str().unwrap());
    cards.shop.office("POST", &done, None).problem(409, "invalid_transition");
    let elsewhere = parked.replace("stripe", "manual");
    cards.shop.office("GET", &elsewhere, None).problem(404, "not_found");
    cards.shop.office("POST", &format!("{elsewhere}/retry"), None).problem(404, "not_found");
    for path in ["/webhooks", &parked] {
        cards.shop.call("GET", path, &[], None).problem(401, "unauthenticated");
    }
}

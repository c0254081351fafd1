//! A guest pays by card.

use serde_json::{Value, json};

use super::support::{Answer, agent, shop::TestShop};
use super::{CardShop, TOTAL, direct, eur, hosted, intent, path, pay_on_page};

#[test]
fn a_guest_pays_on_a_page_of_stripes() {
    let cards = CardShop::open();
    let profile = cards.shop.call("GET", "/shop/profile", &[], None).json();
    assert_eq!(profile["payment_gateways"], json!(["manual", "stripe"]));
    let guest = cards.guest();
    let answer = guest.check_out("buy on a page", &hosted());
    assert_eq!(answer.status, 201, "{}", answer.text());
    let placed = answer.json();
    assert_eq!(placed["payment"]["status"], "requires_action");
    assert_eq!(placed["payment"]["client_secret"], Value::Null);
    assert_eq!(placed["payment"]["amount"], eur(TOTAL));
    assert_eq!(cards.shop.stock(cards.shirt), (10, 2, 8));

    let page = placed["payment"]["redirect_url"].as_str().unwrap();
    assert!(Answer::of(agent().get(page).call()).text().contains("115.00 EUR"));
    let declined = pay_on_page(page, "4000000000000002");
    assert!(declined.status == 402 && declined.text().contains("declined"), "{declined:?}");
    cards.settled();
    let order = cards.order(&guest, &placed);
    assert_eq!(order["payment_status"], "requires_action", "another card may do");
    let paid = pay_on_page(page, "4242424242424242");
    assert_eq!((paid.status, paid.header("location")), (303, "https://shop.example/thanks?x=1"));
    cards.settled();

    let order = cards.order(&guest, &placed);
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
    assert_eq!(order["paid_total"], eur(TOTAL));
    let payment = &order["payments"][0];
    assert_eq!((&payment["status"], &payment["captured"]), (&json!("paid"), &eur(TOTAL)));
    assert_eq!(payment["redirect_url"], Value::Null, "there is nothing left to pay");
    assert!(payment.get("operations").is_none() && payment.get("references").is_none());
    let again = guest.check_out("buy on a page", &hosted());
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &answer.body));
    cards.in_step(TOTAL);
}

#[test]
fn a_guest_pays_on_the_shops_page() {
    let cards = CardShop::open();
    let guest = cards.guest();
    let placed = cards.placed(&guest);
    assert_eq!(placed["payment"]["redirect_url"], Value::Null);
    assert!(cards.stripe.confirm(intent(&placed), "pm_card_chargeDeclined").is_err());
    cards.settled();
    let order = cards.order(&guest, &placed);
    assert_eq!(order["payments"][0]["failure"]["code"], "declined");
    assert_eq!(order["payment_status"], "requires_action");
    cards.stripe.confirm(intent(&placed), "pm_card_authenticationRequired").unwrap();
    cards.stripe.authenticate(intent(&placed), true).unwrap();
    cards.settled();
    let order = cards.order(&guest, &placed);
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
    assert_eq!(order["payments"][0]["client_secret"], Value::Null);
    assert_eq!(order["payments"][0]["failure"], Value::Null);
    cards.in_step(TOTAL);
}

#[test]
fn an_order_is_paid_in_another_way() {
    let cards = CardShop::open();
    let guest = cards.guest();
    let placed = guest.check_out("buy on a page", &hosted()).json();
    let page = placed["payment"]["redirect_url"].as_str().unwrap();
    let path = format!("{}/payments", path(&placed));
    let pay = |key: &str, token: &str, body: &Value| {
        let headers = [("cart-token", token), ("idempotency-key", key)];
        cards.shop.call("POST", &path, &headers, Some(body))
    };
    let another = pay("another way", &guest.token, &direct());
    assert_eq!(another.status, 201, "{}", another.text());
    let paying = another.json();
    assert_eq!(paying["order"]["payments"].as_array().unwrap().len(), 2);
    let payments = paying["order"]["payments"].as_array().unwrap();
    let first = payments.iter().find(|payment| payment["id"] == placed["payment"]["id"]).unwrap();
    assert_eq!(first["status"], "voided");
    assert_ne!(paying["payment"]["id"], first["id"]);
    // The page that was left open takes nothing any more.
    assert_ne!(pay_on_page(page, "4242424242424242").status, 303);
    let again = pay("another way", &guest.token, &direct());
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &another.body));
    cards.stripe.confirm(intent(&paying), "pm_card_visa").unwrap();
    cards.settled();
    assert_eq!(cards.order(&guest, &placed)["payment_status"], "paid");
    pay("once more", &guest.token, &direct()).problem(409, "invalid_transition");
    cards.in_step(TOTAL);
}

#[test]
fn what_cannot_be_paid_is_pointed_at() {
    let cards = CardShop::open();
    let guest = cards.guest();
    let relative = |field: &str| {
        let mut body = hosted();
        body["payment"]["flow"][field] = json!("/thanks");
        body
    };
    let wrong = [
        ("/payment/gateway", json!({ "payment": { "gateway": "cash" } })),
        ("/payment/gateway", json!({ "payment": {} })),
        ("/payment/flow/return_url", relative("return_url")),
        ("/payment/flow/cancel_url", relative("cancel_url")),
        (
            "/payment/flow/method",
            json!({ "payment": { "gateway": "stripe", "flow": { "kind": "saved", "method": "pm_1" } } }),
        ),
        (
            "/payment/save_method",
            json!({ "payment": { "gateway": "stripe", "save_method": true } }),
        ),
        ("/payment/amount", json!({ "payment": { "gateway": "stripe", "amount": 1 } })),
        (
            "/payment/flow",
            json!({ "payment": { "gateway": "manual", "flow": hosted()["payment"]["flow"] } }),
        ),
    ];
    for (pointer, body) in &wrong {
        let refused = guest.check_out("wrong", body).problem(422, "validation_failed");
        assert!(
            refused["errors"][0]["pointer"].as_str().unwrap().starts_with(pointer),
            "{refused}"
        );
    }
    assert_eq!(cards.shop.stock(cards.shirt), (10, 0, 10), "nothing was placed");
    let placed = cards.placed(&guest);
    let path = format!("{}/payments", path(&placed));
    let key = ("idempotency-key", "pay in another way");
    for (pointer, body) in &wrong {
        let headers = [("cart-token", guest.token.as_str()), key];
        let refused = cards.shop.call("POST", &path, &headers, Some(body));
        let refused = refused.problem(422, "validation_failed");
        assert!(
            refused["errors"][0]["pointer"].as_str().unwrap().starts_with(pointer),
            "{refused}"
        );
    }
    let stranger = cards.shop.guest();
    for (headers, status, code) in [
        (vec![("cart-token", guest.token.as_str())], 400, "idempotency_key_missing"),
        (vec![("cart-token", stranger.token.as_str()), key], 404, "not_found"),
        (vec![key], 404, "not_found"),
    ] {
        cards.shop.call("POST", &path, &headers, Some(&direct())).problem(status, code);
    }
    let order = cards.order(&guest, &placed);
    assert_eq!(order["payments"].as_array().unwrap().len(), 1, "none was called off for that");
    let cancelled = cards.shop.office("POST", &path.replace("/payments", "/cancel"), None);
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    let headers = [("cart-token", guest.token.as_str()), key];
    let late = cards.shop.call("POST", &path, &headers, Some(&direct()));
    late.problem(409, "invalid_transition");
    assert_eq!(cards.shop.stock(cards.shirt), (10, 0, 10));
    cards.in_step(0);
}

#[test]
fn a_card_that_is_declined_at_once_is_told_with_a_code() {
    use commerce_core::{
        gateway::{Reply, ScriptedGateway},
        text::{GatewayName, Label},
    };
    let gateway = ScriptedGateway::new(GatewayName::new("card").unwrap());
    gateway.script([Reply::Decline { reason: Label::new("Your card has no money.").unwrap() }]);
    let mut settings = serde_json::to_value(super::support::shop::settings()).unwrap();
    settings["payment_terms"]["card"] = json!({ "kind": "prepaid", "days": 1 });
    let settings = serde_json::from_value(settings).unwrap();
    let shop = TestShop::with(settings, |commerce| commerce.with_gateway(gateway.clone()));
    let shirt = shop.sell("SHIRT", 5_000, 10);
    let guest = shop.guest();
    guest.add(shirt, 1);
    guest.complete();
    let body = json!({ "payment": { "gateway": "card" } });
    let declined = guest.check_out("buy", &body).problem(402, "payment_declined");
    assert_eq!(declined["decline_code"], "declined");
    assert_eq!(declined["reason"], "Your card has no money.");
    guest.check_out("buy", &body).problem(402, "payment_declined");
    let path = format!("/orders/{}/payments", declined["order_id"].as_str().unwrap());
    let headers = [("cart-token", guest.token.as_str()), ("idempotency-key", "again")];
    let paid = shop.call("POST", &path, &headers, Some(&body));
    assert_eq!(paid.status, 201, "{}", paid.text());
    assert_eq!(paid.json()["order"]["payment_status"], "paid");
}

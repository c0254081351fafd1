//! Cards that Stripe keeps for customers: the back office has them saved, and charges them.

use fake_stripe::{FakeStripe, Fault, Operation};
use serde_json::{Value, json};

use super::{CardShop, RUNTIME, eur, gateway, intent, support::shop::destination};

fn id(of: &Value) -> &str {
    of["id"].as_str().unwrap()
}

/// A customer that the shop knows.
fn customer(cards: &CardShop, email: &str) -> String {
    let made = cards.shop.office("POST", "/customers", Some(&json!({ "email": email })));
    assert_eq!(made.status, 201, "{}", made.text());
    format!("/customers/{}", id(&made.json()))
}

/// Where the methods of a customer are, one of which is entered now.
fn keep(cards: &CardShop, customer: &str, card: &str) -> (String, String) {
    let methods = format!("{customer}/payment_methods");
    let begun = cards.shop.office("POST", &methods, Some(&json!({ "gateway": "stripe" })));
    assert_eq!(begun.status, 201, "{}", begun.text());
    assert!(begun.json()["client_secret"].is_string());
    cards.stripe.confirm(id(&begun.json()), card).unwrap();
    let listed = cards.shop.office("GET", &methods, None).json();
    assert_eq!(listed["items"][0]["gateway"], "stripe");
    let method = id(&listed["items"][0]).to_owned();
    (methods, method)
}

/// A draft of a customer's with two shirts: 115.00.
fn draft(cards: &CardShop, customer: &str) -> String {
    let mut body = destination();
    body["customer_id"] = json!(customer.strip_prefix("/customers/"));
    body["lines"] = json!([{ "variant_id": cards.shirt, "quantity": 2 }]);
    let made = cards.shop.office("POST", "/carts", Some(&body));
    assert_eq!(made.status, 201, "{}", made.text());
    format!("/carts/{}/checkout", id(&made.json()))
}

fn saved(method: &str) -> Value {
    json!({ "payment": { "gateway": "stripe", "flow": { "kind": "saved", "method": method } } })
}

#[test]
fn a_draft_is_paid_by_a_card_that_its_customer_saved() {
    let cards = CardShop::open();
    let ada = customer(&cards, "ada@example.com");
    let (methods, method) = keep(&cards, &ada, "pm_card_visa");
    let listed = cards.shop.office("GET", &methods, None).json();
    let shown = &listed["items"][0];
    assert_eq!((&shown["brand"], &shown["last4"]), (&json!("visa"), &json!("4242")));
    let known = cards.shop.office("GET", &ada, None).json();
    assert!(known["provider_references"]["stripe"].is_string(), "{known}");

    let check_out = draft(&cards, &ada);
    let strange = cards.shop.keyed_office(&check_out, Some(&saved("pm_none")));
    assert_eq!(
        strange.problem(422, "validation_failed")["errors"][0]["pointer"],
        "/payment/flow/method"
    );
    let placed = cards.shop.keyed_office(&check_out, Some(&saved(&method)));
    assert_eq!(placed.status, 201, "{}", placed.text());
    let order = &placed.json()["order"];
    assert_eq!(order["payment_status"], "paid");
    let total = order["total"]["amount"].as_i64().unwrap();
    assert_eq!(order["paid_total"], eur(total));
    cards.settled();
    cards.in_step(total);
}

#[test]
fn a_saved_card_that_is_declined_leaves_an_order_that_can_be_paid() {
    let cards = CardShop::open();
    let ada = customer(&cards, "ada@example.com");
    let (_, bad) = keep(&cards, &ada, "pm_card_chargeCustomerFail");
    let check_out = draft(&cards, &ada);
    let declined = cards.shop.keyed_office(&check_out, Some(&saved(&bad)));
    let problem = declined.problem(402, "payment_declined");
    assert_eq!(problem["decline_code"], "declined");
    let orders = cards.shop.office("GET", "/orders", None).json();
    let payments = format!("/orders/{}/payments", id(&orders["items"][0]));
    let begun = cards.shop.keyed_office(&payments, Some(&super::direct()));
    assert_eq!(begun.status, 201, "{}", begun.text());
    cards.stripe.confirm(intent(&begun.json()), "pm_card_visa").unwrap();
    cards.settled();
    cards.in_step(begun.json()["order"]["total"]["amount"].as_i64().unwrap());
}

#[test]
fn a_saved_card_that_the_shop_may_not_charge_leaves_an_order_that_can_be_paid() {
    let cards = CardShop::open();
    let ada = customer(&cards, "ada@example.com");
    let (_, card) = keep(&cards, &ada, "pm_card_visa");
    let check_out = draft(&cards, &ada);
    let office = ("authorization", cards.shop.bearer.as_str());
    let charge = |path: &str, key: &str| {
        let headers = [office, ("idempotency-key", key)];
        cards.shop.call("POST", path, &headers, Some(&saved(&card)))
    };
    cards.stripe.fail(Operation::CreatePaymentIntent, Fault::Forbidden, 1);
    let refused = charge(&check_out, "charge");
    let problem = refused.problem(402, "payment_declined");
    assert_eq!(charge(&check_out, "charge").body, refused.body);
    let payments = format!("/orders/{}/payments", problem["order_id"].as_str().unwrap());
    let paid = charge(&payments, "charge once it may");
    assert_eq!(paid.status, 201, "{}", paid.text());
    assert_eq!(paid.json()["order"]["payment_status"], "paid");
    assert_eq!(charge(&check_out, "charge").body, refused.body, "whatever became of the order");
    cards.settled();
    cards.in_step(paid.json()["order"]["total"]["amount"].as_i64().unwrap());
}

#[test]
fn a_card_is_its_customers_until_it_is_forgotten() {
    let cards = CardShop::open();
    let (ada, bo) = (customer(&cards, "ada@example.com"), customer(&cards, "bo@example.com"));
    let (methods, method) = keep(&cards, &ada, "pm_card_visa");
    let check_out = draft(&cards, &bo);
    let not_his = cards.shop.keyed_office(&check_out, Some(&saved(&method)));
    not_his.problem(422, "validation_failed");
    let others = format!("{bo}/payment_methods");
    assert_eq!(cards.shop.office("GET", &others, None).json()["items"], json!([]));
    cards.shop.office("DELETE", &format!("{others}/{method}"), None).problem(404, "not_found");
    let gone = cards.shop.office("DELETE", &format!("{methods}/{method}"), None);
    assert_eq!(gone.status, 204, "{}", gone.text());
    assert_eq!(cards.shop.office("GET", &methods, None).json()["items"], json!([]));
    cards.shop.office("DELETE", &format!("{methods}/{method}"), None).problem(404, "not_found");

    for (body, pointer) in [
        (json!({ "gateway": "manual" }), "/gateway"),
        (json!({ "gateway": "other" }), "/gateway"),
        (json!({}), "/gateway"),
        (json!({ "gateway": "stripe", "card": "4242" }), "/card"),
    ] {
        let refused = cards.shop.office("POST", &methods, Some(&body));
        let problem = refused.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    cards.shop.call("GET", &methods, &[], None).problem(401, "unauthenticated");
}

#[test]
fn who_is_erased_is_gone_at_stripe_first() {
    let cards = CardShop::open();
    let ada = customer(&cards, "ada@example.com");
    let (methods, _) = keep(&cards, &ada, "pm_card_visa");
    cards.stripe.fail_any(Fault::RateLimited, 100);
    cards.shop.office("DELETE", &ada, None).problem(503, "unavailable");
    cards.shop.office("GET", &methods, None).problem(503, "unavailable");
    assert_eq!(cards.shop.office("GET", &ada, None).status, 200);
    cards.stripe.heal();
    let erased = cards.shop.office("DELETE", &ada, None);
    assert_eq!(erased.status, 204, "{}", erased.text());
    cards.shop.office("GET", &methods, None).problem(404, "not_found");
}

#[test]
fn an_erasure_whose_answer_is_lost_at_stripe_goes_on_when_it_is_repeated() {
    let cards = CardShop::open();
    let ada = customer(&cards, "ada@example.com");
    let (methods, _) = keep(&cards, &ada, "pm_card_visa");
    cards.stripe.fail(Operation::DeleteCustomer, Fault::DropAfter { bytes: 0 }, 100);
    cards.shop.office("DELETE", &ada, None).problem(503, "outcome_unknown");
    assert_eq!(cards.shop.office("GET", &methods, None).json()["items"], json!([]));
    assert_eq!(cards.shop.office("GET", &ada, None).status, 200);
    cards.stripe.heal();
    let erased = cards.shop.office("DELETE", &ada, None);
    assert_eq!(erased.status, 204, "{}", erased.text());
    cards.shop.office("GET", &ada, None).problem(404, "not_found");
}

#[test]
fn an_erasure_that_a_second_gateway_fails_goes_on_when_it_is_repeated() {
    let mut cards = CardShop::open();
    let other = RUNTIME.block_on(FakeStripe::builder().seed(2).start()).unwrap();
    let second = gateway("stripe_too", &other);
    cards.shop.restart(|commerce| commerce.with_gateway(second));
    let ada = customer(&cards, "ada@example.com");
    let (methods, _) = keep(&cards, &ada, "pm_card_visa");
    let begun = cards.shop.office("POST", &methods, Some(&json!({ "gateway": "stripe_too" })));
    other.confirm(id(&begun.json()), "pm_card_mastercard").unwrap();
    other.fail(Operation::DeleteCustomer, Fault::RateLimited, 100);
    cards.shop.office("DELETE", &ada, None).problem(503, "unavailable");
    let left = cards.shop.office("GET", &methods, None).json()["items"].clone();
    let left: Vec<_> = left.as_array().unwrap().iter().map(|it| &it["gateway"]).collect();
    assert_eq!(left, ["stripe_too"]);
    other.heal();
    let erased = cards.shop.office("DELETE", &ada, None);
    assert_eq!(erased.status, 204, "{}", erased.text());
    cards.shop.office("GET", &ada, None).problem(404, "not_found");
}

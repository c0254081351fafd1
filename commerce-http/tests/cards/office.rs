//! The back office takes money, lets it go and gives it back.

use serde_json::{Value, json};

use super::{CardShop, TOTAL, eur, intent, path};

#[test]
fn money_that_is_set_aside_is_taken_in_part_and_the_rest_let_go() {
    let cards = CardShop::capturing(&json!({ "stripe": "manual" }));
    let guest = cards.guest();
    let order = cards.paid(&guest);
    assert_eq!(order["payment_status"], "authorized");
    assert_eq!(order["authorized_total"], eur(TOTAL));
    let capture = format!("{}/capture", path(&order));
    let too_much = json!({ "amount": eur(TOTAL + 1) });
    cards.shop.keyed_office(&capture, Some(&too_much)).problem(409, "invalid_transition");
    let taken = cards.shop.keyed_office(&capture, Some(&json!({ "amount": eur(4_000) })));
    assert_eq!(taken.status, 200, "{}", taken.text());
    assert_eq!(taken.json()["paid_total"], eur(4_000));
    let operations = &taken.json()["payments"][0]["operations"];
    assert_eq!(operations[1]["kind"], "capture", "{operations}");
    cards.settled();
    cards.in_step(4_000);
}

#[test]
fn what_was_called_off_cannot_be_taken() {
    let cards = CardShop::capturing(&json!({ "stripe": "manual" }));
    let guest = cards.guest();
    let order = cards.paid(&guest);
    let below = |what: &str| format!("{}/{what}", path(&order));
    let voided = cards.shop.keyed_office(&below("void"), None);
    assert_eq!(voided.status, 200, "{}", voided.text());
    assert_eq!(voided.json()["payments"][0]["status"], "voided");
    cards.shop.keyed_office(&below("capture"), None).problem(409, "invalid_transition");
    cards.shop.keyed_office(&below("void"), None).problem(409, "invalid_transition");
    let refund = cards.shop.keyed_office(&below("refunds"), Some(&json!({})));
    refund.problem(409, "invalid_transition");
    cards.settled();
    let read = cards.order(&guest, &order);
    assert_eq!((&read["status"], &read["payment_status"]), (&json!("pending"), &json!("voided")));
    cards.in_step(0);
}

#[test]
fn the_doors_of_the_back_office_are_closed_to_others() {
    let cards = CardShop::capturing(&json!({ "stripe": "manual" }));
    let guest = cards.guest();
    let order = cards.paid(&guest);
    let path = format!("{}/void", path(&order));
    let (office, key) = (("authorization", cards.shop.bearer.as_str()), ("idempotency-key", "v"));
    let call = |headers: &[(&str, &str)], body: Option<Value>| {
        cards.shop.call("POST", &path, headers, body.as_ref())
    };
    call(&[key], None).problem(401, "unauthenticated");
    call(&[("cart-token", &guest.token), key], None).problem(403, "forbidden");
    call(&[office], None).problem(400, "idempotency_key_missing");
    let unknown = json!({ "payment_id": "pay_0190a000000070008000000000000001" });
    call(&[office, key], Some(unknown)).problem(404, "not_found");
    call(&[office, key], Some(json!({ "payment": 1 }))).problem(422, "validation_failed");
    call(&[office, key, ("if-match", "\"1\"")], None).problem(412, "version_mismatch");
    assert_eq!(cards.order(&guest, &order)["payment_status"], "authorized");
}

#[test]
fn money_is_taken_when_the_goods_are_sent() {
    let cards = CardShop::capturing(&json!({ "stripe": "on_fulfillment" }));
    let order = cards.paid(&cards.guest());
    assert_eq!(order["payment_status"], "authorized");
    let sent = cards.shop.keyed_office(&format!("{}/fulfillments", path(&order)), None);
    assert_eq!(sent.status, 201, "{}", sent.text());
    assert_eq!(sent.json()["payment_status"], "paid");
    assert_eq!(sent.json()["fulfillment_status"], "fulfilled");
    cards.settled();
    cards.in_step(TOTAL);
}

#[test]
fn money_is_given_back_once_and_never_more_than_was_taken() {
    let cards = CardShop::open();
    let guest = cards.guest();
    let order = cards.paid(&guest);
    let refunds = format!("{}/refunds", path(&order));
    let office = ("authorization", cards.shop.bearer.as_str());
    let half = json!({ "amount": eur(TOTAL / 2), "reason": "A stain" });
    let refund = |key: &str| {
        cards.shop.call("POST", &refunds, &[office, ("idempotency-key", key)], Some(&half))
    };
    let first = refund("half");
    assert_eq!(first.status, 201, "{}", first.text());
    let again = refund("half");
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    cards.settled();
    let read = cards.order(&guest, &order);
    assert_eq!(read["payment_status"], "partially_refunded");
    assert_eq!(read["refunded_total"], eur(TOTAL / 2));
    let history = &read["payments"][0]["refunds"];
    assert_eq!(history[0]["status"], "succeeded", "the owner sees it: {history}");
    assert_eq!(history[0]["reason"], "A stain");
    cards.in_step(TOTAL - TOTAL / 2);
    let too_much = json!({ "amount": eur(TOTAL / 2 + 1) });
    cards.shop.keyed_office(&refunds, Some(&too_much)).problem(409, "invalid_transition");
    let rest = cards.shop.keyed_office(&refunds, Some(&json!({})));
    assert_eq!(rest.json()["payment_status"], "refunded");
    cards.settled();
    cards.in_step(0);
}

#[test]
fn what_was_sent_is_given_back_for_with_its_tax_and_goes_on_the_shelf_if_it_came_back() {
    let cards = CardShop::open();
    let order = cards.paid(&cards.guest());
    let below = |what: &str| format!("{}/{what}", path(&order));
    assert_eq!(cards.shop.keyed_office(&below("fulfillments"), None).status, 201);
    assert_eq!(cards.shop.stock(cards.shirt), (8, 0, 8));
    let one = |restock: bool| {
        let line = json!({ "line_id": order["lines"][0]["id"], "quantity": 1 });
        let body = json!({ "lines": [line], "restock": restock });
        cards.shop.keyed_office(&below("refunds"), Some(&body))
    };
    for (restock, on_hand, kept) in [(true, 9, TOTAL / 2), (false, 9, 0)] {
        let done = one(restock);
        assert_eq!(done.status, 201, "{}", done.text());
        let refunds = done.json()["payments"][0]["refunds"].clone();
        let refund = &refunds.as_array().unwrap().last().unwrap();
        assert_eq!(refund["amount"], eur(5_750));
        assert_eq!(refund["lines"][0]["taxes"][0]["amount"], eur(750), "{refund}");
        assert_eq!(refund["lines"][0]["restocked"], i64::from(restock), "{refund}");
        cards.settled();
        assert_eq!(cards.shop.stock(cards.shirt), (on_hand, 0, on_hand));
        cards.in_step(kept);
    }
    let refused = one(true).problem(409, "invalid_transition");
    assert_eq!(refused["detail"], "Order: only 0 of SHIRT are left to refund.");
    assert_eq!(cards.shop.stock(cards.shirt), (9, 0, 9));
}

#[test]
fn a_refund_that_comes_back_can_be_made_again() {
    let cards = CardShop::open();
    let guest = cards.guest();
    let placed = cards.placed(&guest);
    cards.stripe.confirm(intent(&placed), "pm_card_visa").unwrap();
    cards.settled();
    let refunds = format!("{}/refunds", path(&placed));
    assert_eq!(cards.shop.keyed_office(&refunds, Some(&json!({}))).status, 201);
    let refund = cards.stripe.refunds()[0]["id"].as_str().unwrap().to_owned();
    cards.stripe.fail_refund(&refund);
    cards.settled();
    let order = cards.order(&guest, &placed);
    assert_eq!(order["payment_status"], "paid");
    assert_eq!(order["payments"][0]["refunds"][0]["status"], "failed");
    assert_eq!(cards.shop.keyed_office(&refunds, Some(&json!({}))).status, 201);
    cards.settled();
    assert_eq!(cards.order(&guest, &placed)["payment_status"], "refunded");
    cards.in_step(0);
}

#[test]
fn the_back_office_begins_a_payment_for_a_customer() {
    let cards = CardShop::open();
    let guest = cards.guest();
    let placed = guest.check_out("by bank transfer", &super::support::shop::manual());
    assert_eq!(placed.status, 201, "{}", placed.text());
    let payments = format!("{}/payments", path(&placed.json()));
    let begun = cards.shop.keyed_office(&payments, Some(&super::direct()));
    assert_eq!(begun.status, 201, "{}", begun.text());
    cards.stripe.confirm(intent(&begun.json()), "pm_card_visa").unwrap();
    cards.settled();
    assert_eq!(cards.order(&guest, &placed.json())["payment_status"], "paid");
    cards.in_step(TOTAL);
}

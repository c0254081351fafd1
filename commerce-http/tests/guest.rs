//! A guest's way through the shop, over real connections: from the empty cart to the order.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::Barrier;

use commerce_core::access::Caller;
use pollster::block_on;
use serde_json::{Value, json};
use support::shop::{Guest, PARCEL, TestShop, destination, manual};

fn minor(money: &Value) -> i64 {
    money["amount"].as_i64().unwrap()
}

/// What adjustments add to a price: those that are not inside it.
fn added(adjustments: &Value) -> i64 {
    let adjustments = adjustments.as_array().unwrap().iter();
    adjustments.filter(|a| a["included"] == false).map(|a| minor(&a["amount"])).sum()
}

/// Checks that every amount of a cart or order is the sum of what explains it.
fn check_sums(quote: &Value) {
    let lines = quote["lines"].as_array().unwrap();
    for line in lines {
        let quantity = line["quantity"].as_i64().unwrap();
        assert_eq!(minor(&line["subtotal"]), minor(&line["unit_price"]) * quantity);
        assert_eq!(minor(&line["total"]), minor(&line["subtotal"]) + added(&line["adjustments"]));
    }
    let shipping = &quote["shipping"];
    if shipping.is_object() {
        assert_eq!(minor(&shipping["total"]), added(&shipping["adjustments"]));
    }
    let sum = |field: &str| -> i64 { lines.iter().map(|line| minor(&line[field])).sum() };
    let of_shipping = |field: &str| shipping.get(field).map_or(0, minor);
    assert_eq!(minor(&quote["subtotal"]), sum("subtotal"));
    assert_eq!(minor(&quote["discount_total"]), sum("discount_total"));
    assert_eq!(minor(&quote["tax_total"]), sum("tax_total") + of_shipping("tax_total"));
    assert_eq!(minor(&quote["total"]), sum("total") + of_shipping("total"));
    let taxes: i64 =
        quote["taxes"].as_array().unwrap().iter().map(|tax| minor(&tax["amount"])).sum();
    assert_eq!(minor(&quote["tax_total"]), taxes);
}

#[test]
fn a_cart_that_has_changed_meanwhile_is_not_changed_by_whoever_says_so() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let guest = shop.guest();
    let line = guest.add(shirt, 1)["lines"][0]["id"].clone();
    let line = format!("{}/lines/{}", guest.path, line.as_str().unwrap());
    let read = guest.call("GET", "", None);
    let change = |quantity: u32, etag: &str| {
        let headers = [("cart-token", guest.token.as_str()), ("if-match", etag)];
        shop.call("PATCH", &line, &headers, Some(&json!({ "quantity": quantity })))
    };
    let changed = change(2, read.header("etag"));
    assert_eq!(changed.json()["lines"][0]["quantity"], 2);
    let stale = change(3, read.header("etag")).problem(412, "version_mismatch");
    assert_eq!(stale["actual"], changed.json()["version"]);
    assert_eq!(guest.call("GET", "", None).json(), changed.json());
    assert_eq!(change(3, changed.header("etag")).status, 200);
}

#[test]
fn a_guest_buys() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let socks = shop.sell("SOCKS", 333, 50);
    let guest = shop.guest();
    guest.add(shirt, 1);
    let cart = guest.add(shirt, 1);
    assert_eq!(cart["lines"].as_array().unwrap().len(), 1, "the same variant adds up");
    assert_eq!(cart["lines"][0]["quantity"], 2);
    let cart = guest.add(socks, 3);
    check_sums(&cart);
    let line = cart["lines"][1]["id"].as_str().unwrap();
    let changed = guest.call("PATCH", &format!("/lines/{line}"), Some(&json!({"quantity": 7})));
    assert_eq!(changed.json()["lines"][1]["quantity"], 7);

    let options = guest.call("GET", "/shipping_options", None).json();
    assert_eq!(options["next_cursor"], Value::Null);
    assert_eq!(minor(&options["items"][0]["shipping_total"]), 1000);
    assert_eq!(options["items"][0]["id"], PARCEL);
    let cart = guest.complete();
    check_sums(&cart);
    // 2 × 19.99 + 7 × 3.33 = 63.29, and 10.00 for the parcel; 15 % by line: 6.00, 3.50, 1.50.
    assert_eq!(minor(&cart["subtotal"]), 6329);
    assert_eq!(minor(&cart["shipping_total"]), 1000);
    assert_eq!(minor(&cart["tax_total"]), 1100);
    assert_eq!(minor(&cart["total"]), 8429);
    assert_eq!(cart["problems"], json!([]));
    let options = guest.call("GET", "/shipping_options", None).json();
    assert_eq!(options["items"].as_array().unwrap().len(), 1, "Iceland is not Berlin");
    assert_eq!(options["items"][0]["total"], cart["total"]);

    let request = json!({ "payment": { "gateway": "manual" }, "expected_total": cart["total"] });
    let placed = guest.check_out("order-1", &request);
    assert_eq!(placed.status, 201, "{}", placed.text());
    assert_eq!(placed.header("idempotency-replayed"), "");
    let order = &placed.json()["order"];
    check_sums(order);
    assert_eq!(order["total"], cart["total"]);
    assert_eq!(order["status"], "pending");
    assert_eq!(placed.json()["payment"]["status"], "pending");
    assert_eq!(placed.json()["payment"]["amount"], cart["total"]);
    assert_eq!(shop.stock(shirt), (5, 2, 3));

    let again = guest.check_out("order-1", &request);
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.body, placed.body, "byte for byte");
    assert_eq!(again.header("location"), placed.header("location"));
    guest.check_out("order-1", &manual()).problem(422, "idempotency_key_reused");
    assert_eq!(shop.stock(shirt), (5, 2, 3));

    let id = order["id"].as_str().unwrap();
    let number = order["number"].as_str().unwrap();
    let location = placed.header("location");
    assert_eq!(location, format!("../../orders/{id}"));
    for name in [id, number] {
        let path = format!("/orders/{name}");
        let read = shop.call("GET", &path, &[("cart-token", &guest.token)], None);
        assert_eq!(read.json(), *order);
        let etag = read.header("etag");
        let known = [("cart-token", guest.token.as_str()), ("if-none-match", etag)];
        assert_eq!(shop.call("GET", &path, &known, None).status, 304);
        shop.call("GET", &path, &[], None).problem(404, "not_found");
        let other = shop.guest();
        let refused = shop.call("GET", &path, &[("cart-token", &other.token)], None);
        refused.problem(404, "not_found");
        assert_eq!(shop.office("GET", &path, None).json()["id"], id);
    }
}

#[test]
fn a_closed_cart_stays_as_it_is() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let guest = shop.guest();
    let order = guest.buy(shirt, 1);
    let line = format!("/lines/{}", order["lines"][0]["id"].as_str().unwrap());
    let add = json!({ "variant_id": shirt, "quantity": 1 });
    guest.call("POST", "/lines", Some(&add)).problem(409, "cart_closed");
    guest.call("PATCH", &line, Some(&json!({"quantity": 2}))).problem(409, "cart_closed");
    guest.call("DELETE", &line, None).problem(409, "cart_closed");
    guest.call("DELETE", "/lines", None).problem(409, "cart_closed");
    guest.call("PATCH", "", Some(&json!({"note": "x"}))).problem(409, "cart_closed");
    guest.check_out("another key", &manual()).problem(409, "cart_closed");
    let cart = guest.call("GET", "", None).json();
    assert_eq!((&cart["status"], &cart["order_id"]), (&json!("completed"), &order["id"]));
}

#[test]
fn a_cart_is_nobody_elses_business() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let guest = shop.guest();
    let cart = guest.add(shirt, 1);
    let stranger = shop.guest();
    let line = format!("/lines/{}", cart["lines"][0]["id"].as_str().unwrap());
    let prying = Guest { path: guest.path.clone(), ..stranger };
    let add = json!({ "variant_id": shirt, "quantity": 1 });
    prying.call("GET", "", None).problem(404, "not_found");
    prying.call("PATCH", "", Some(&json!({"note": "x"}))).problem(404, "not_found");
    prying.call("POST", "/lines", Some(&add)).problem(404, "not_found");
    prying.call("PATCH", &line, Some(&json!({"quantity": 9}))).problem(404, "not_found");
    prying.call("DELETE", &line, None).problem(404, "not_found");
    prying.call("DELETE", "/lines", None).problem(404, "not_found");
    prying.call("GET", "/shipping_options", None).problem(404, "not_found");
    prying.check_out("k", &manual()).problem(404, "not_found");
    shop.call("GET", &guest.path, &[], None).problem(404, "not_found");
    let garbled = [("cart-token", "no such token")];
    shop.call("GET", &guest.path, &garbled, None).problem(422, "validation_failed");
    for path in ["/carts/cart_0", "/carts/ord_0190a000000070008000000000000001", "/carts/%00"] {
        shop.call("GET", path, &[], None).problem(404, "not_found");
    }
    assert_eq!(guest.call("GET", "", None).json(), cart);
    assert_eq!(shop.office("GET", &guest.path, None).json()["id"], cart["id"]);
}

#[test]
fn a_shop_client_sets_no_price_and_no_owner() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let guest = shop.guest();
    let cheap = json!({
        "variant_id": shirt, "quantity": 1, "unit_price": { "amount": 1, "currency": "EUR" },
    });
    guest.call("POST", "/lines", Some(&cheap)).problem(403, "forbidden");
    let lines = json!({ "lines": [cheap] });
    shop.call("POST", "/carts", &[], Some(&lines)).problem(403, "forbidden");
    let owner = json!({ "customer_id": "cus_0190a000000070008000000000000001" });
    shop.call("POST", "/carts", &[], Some(&owner)).problem(403, "forbidden");
    for field in ["total", "price", "discount_total", "status", "token", "version"] {
        let body = json!({ field: 1 });
        let refused = guest.call("PATCH", "", Some(&body)).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], format!("/{field}"));
    }
    // The back office drafts orders at prices of its own.
    let draft = shop.office("POST", "/carts", Some(&lines));
    assert_eq!(draft.status, 201, "{}", draft.text());
    assert_eq!(minor(&draft.json()["subtotal"]), 1);
    assert!(draft.json().get("token").is_none());
}

#[test]
fn what_cannot_be_is_pointed_at() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let guest = shop.guest();
    let cart = guest.add(shirt, 1);
    let line = format!("/lines/{}", cart["lines"][0]["id"].as_str().unwrap());
    for quantity in ["0", "-1", "1.5", "1e2", "\"1\"", "null", "9223372036854775808", "1000000001"]
    {
        let quantity: Value = serde_json::from_str(quantity).unwrap();
        let add = json!({ "variant_id": shirt, "quantity": quantity });
        let refused = guest.call("POST", "/lines", Some(&add)).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/quantity", "{quantity}");
        let change = json!({ "quantity": quantity });
        let refused = guest.call("PATCH", &line, Some(&change)).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/quantity", "{quantity}");
        let create = json!({ "lines": [add] });
        let refused = shop.call("POST", "/carts", &[], Some(&create));
        let refused = refused.problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/lines/0/quantity", "{quantity}");
    }
    for amount in ["1.5", "1e2", "\"1\"", "9223372036854775808", "-9223372036854775808"] {
        let amount: Value = serde_json::from_str(amount).unwrap();
        let total = json!({ "expected_total": { "amount": amount, "currency": "EUR" } });
        let refused = guest.check_out("k", &total).problem(422, "validation_failed");
        let pointer = refused["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with("/expected_total"), "{amount}: {pointer}");
    }
    let total = json!({ "expected_total": { "amount": 1, "currency": "EUX" } });
    let refused = guest.check_out("k", &total).problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/expected_total/currency");
    for (body, pointer) in [
        (json!({ "email": "nobody" }), "/email"),
        (json!({ "shipping_address": { "name": "x" } }), "/shipping_address/line1"),
        (json!({ "shipping_method": "ship_0190a000000070008000000000000009" }), "/shipping_method"),
        (json!({ "shipping_method": "post" }), "/shipping_method"),
        (json!({ "discount_codes": vec!["x"; 21] }), "/discount_codes"),
        (json!({ "note": "x".repeat(5001) }), "/note"),
    ] {
        let refused = guest.call("PATCH", "", Some(&body)).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    let unknown = json!({ "variant_id": "var_0190a000000070008000000000000001", "quantity": 1 });
    guest.call("POST", "/lines", Some(&unknown)).problem(404, "not_found");
    let short = guest.call("PATCH", &line, Some(&json!({"quantity": 6})));
    let short = short.problem(409, "insufficient_stock");
    assert_eq!(
        (&short["sku"], &short["wanted"], &short["available"]),
        (&json!("SHIRT"), &json!(6), &json!(5))
    );
    let more = json!({ "variant_id": shirt, "quantity": 5 });
    let short = guest.call("POST", "/lines", Some(&more)).problem(409, "insufficient_stock");
    assert_eq!(short["wanted"], 6, "the sum counts, not what is added");
    assert_eq!(guest.call("GET", "", None).json(), cart, "nothing of it was done");
}

#[test]
fn a_cart_that_is_not_ready_is_not_checked_out() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let guest = shop.guest();
    let bare = [("cart-token", guest.token.as_str())];
    let path = format!("{}/checkout", guest.path);
    shop.call("POST", &path, &bare, Some(&manual())).problem(400, "idempotency_key_missing");
    guest.check_out("k", &manual()).problem(409, "cart_empty");
    guest.add(shirt, 1);
    let refused = guest.check_out("k", &manual()).problem(422, "validation_failed");
    let pointers: Vec<_> =
        refused["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, ["/email", "/shipping_address", "/shipping_method"]);
    guest.complete();
    let card = json!({ "payment": { "gateway": "stripe" } });
    let refused = guest.check_out("k", &card).problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/payment/gateway");
    let expected = json!({ "amount": 1, "currency": "EUR" });
    let body = json!({ "payment": { "gateway": "manual" }, "expected_total": expected });
    let changed = guest.check_out("k", &body).problem(409, "price_changed");
    assert_eq!(changed["expected"], expected);
    let body = json!({ "payment": { "gateway": "manual" }, "expected_total": changed["actual"] });
    assert_eq!(guest.check_out("k2", &body).status, 201);
    assert_eq!(shop.stock(shirt), (5, 1, 4));
}

#[test]
fn a_cart_may_come_whole_and_be_emptied() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let mut body = destination();
    body["lines"] = json!([{ "variant_id": shirt, "quantity": 6 }]);
    shop.call("POST", "/carts", &[], Some(&body)).problem(409, "insufficient_stock");
    body["lines"][0]["quantity"] = json!(5);
    let key = [("idempotency-key", "0123456789abcdef")];
    let made = shop.call("POST", "/carts", &key, Some(&body));
    assert_eq!(made.status, 201, "{}", made.text());
    check_sums(&made.json());
    let again = shop.call("POST", "/carts", &key, Some(&body));
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &made.body));
    let short = [("idempotency-key", "short")];
    let refused =
        shop.call("POST", "/carts", &short, Some(&body)).problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["in"], "header");
    let cart = made.json();
    assert_eq!(made.header("location"), format!("carts/{}", cart["id"].as_str().unwrap()));
    let guest = Guest {
        shop: &shop,
        path: format!("/carts/{}", cart["id"].as_str().unwrap()),
        token: cart["token"].as_str().unwrap().to_owned(),
    };
    // What was done shows the tag that a read of it shows.
    let cleared = guest.call("DELETE", "/lines", None);
    assert_eq!(cleared.json()["lines"], json!([]));
    let read = guest.call("GET", "", None);
    assert_eq!(read.header("etag"), cleared.header("etag"));
    assert!(read.json().get("token").is_none(), "it is shown once");
}

#[test]
fn the_last_unit_is_sold_once() {
    let shop = TestShop::open();
    let last = shop.sell("LAST", 1999, 1);
    let guests: Vec<_> = (0..32)
        .map(|_| {
            let guest = shop.guest();
            guest.add(last, 1);
            guest.complete();
            guest
        })
        .collect();
    let start = Barrier::new(guests.len());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let begun: Vec<_> = guests
            .iter()
            .map(|guest| {
                scope.spawn(|| {
                    start.wait();
                    let answer = guest.check_out("mine", &manual());
                    if answer.status != 201 {
                        answer.problem(409, "insufficient_stock");
                    }
                    answer.status
                })
            })
            .collect();
        begun.into_iter().map(|guest| guest.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
    assert_eq!(shop.stock(last), (1, 1, 0));
}

#[test]
fn a_request_that_is_sent_twice_at_once_is_done_once() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 50);
    let guest = shop.guest();
    guest.add(shirt, 1);
    guest.complete();
    let start = Barrier::new(8);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let begun: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    guest.check_out("mine", &manual())
                })
            })
            .collect();
        begun.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    let replayed = |answer: &&support::Answer| answer.header("idempotency-replayed") == "true";
    assert_eq!(answers.iter().filter(replayed).count(), 7);
    let query = commerce_core::store::OrderQuery {
        filter: Default::default(),
        page: commerce_core::store::PageRequest::first(100),
    };
    assert_eq!(block_on(shop.commerce.orders(&Caller::system(), &query)).unwrap().items.len(), 1);
}

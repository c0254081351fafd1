//! The back office at work on orders, over real connections.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::shop::TestShop;

fn path(order: &Value) -> String {
    format!("/orders/{}", order["id"].as_str().unwrap())
}

fn statuses(order: &Value) -> [&str; 3] {
    ["status", "payment_status", "fulfillment_status"].map(|field| order[field].as_str().unwrap())
}

#[test]
fn an_order_is_paid_sent_in_parts_and_delivered() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let order = shop.guest().buy(shirt, 3);
    let at = path(&order);
    assert_eq!(statuses(&order), ["pending", "pending", "unfulfilled"]);
    let send = format!("{at}/fulfillments");
    shop.keyed_office(&send, None).problem(409, "invalid_transition");

    let paid = shop.keyed_office(&format!("{at}/capture"), None);
    assert_eq!(paid.status, 200, "{}", paid.text());
    assert_eq!(statuses(&paid.json()), ["confirmed", "paid", "unfulfilled"]);
    assert_eq!(paid.json()["paid_total"], order["total"]);
    shop.keyed_office(&format!("{at}/capture"), None).problem(409, "invalid_transition");

    let line = order["lines"][0]["id"].clone();
    let part = json!({
        "lines": [{ "line_id": line, "quantity": 2 }],
        "tracking": { "carrier": "Post", "number": "X1" },
    });
    let sent = shop.keyed_office(&send, Some(&part));
    assert_eq!(sent.status, 201, "{}", sent.text());
    assert_eq!(statuses(&sent.json()), ["processing", "paid", "partial"]);
    assert_eq!(shop.stock(shirt), (3, 1, 2));
    let refused = shop.keyed_office(&send, Some(&part)).problem(409, "invalid_transition");
    assert_eq!(refused["detail"], "Order: only 1 of SHIRT are left to send.");

    let first = json!({ "fulfillment_id": sent.json()["fulfillments"][0]["id"] });
    let arrived = shop.office("POST", &format!("{at}/deliver"), Some(&first));
    assert_eq!(statuses(&arrived.json()), ["processing", "paid", "partial"]);
    let sent = shop.keyed_office(&send, None);
    assert_eq!(statuses(&sent.json()), ["shipped", "paid", "fulfilled"]);
    shop.keyed_office(&send, None).problem(409, "invalid_transition");
    let arrived = shop.office("POST", &format!("{at}/deliver"), None);
    assert_eq!(statuses(&arrived.json()), ["delivered", "paid", "fulfilled"]);
    shop.office("POST", &format!("{at}/deliver"), None).problem(409, "invalid_transition");
    assert_eq!(shop.stock(shirt), (2, 0, 2));
    let read = shop.office("GET", &at, None);
    assert_eq!(read.json(), arrived.json());
    assert_eq!(read.header("etag"), arrived.header("etag"));
}

#[test]
fn an_order_that_is_cancelled_gives_its_stock_back() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let order = shop.guest().buy(shirt, 3);
    assert_eq!(shop.stock(shirt), (5, 3, 2));
    let cancel = format!("{}/cancel", path(&order));
    let why = json!({ "reason": "customer", "note": "changed their mind" });
    let cancelled = shop.office("POST", &cancel, Some(&why));
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    assert_eq!(statuses(&cancelled.json()), ["cancelled", "voided", "unfulfilled"]);
    assert_eq!(shop.stock(shirt), (5, 0, 5));
    shop.office("POST", &cancel, None).problem(409, "invalid_transition");
    let capture = format!("{}/capture", path(&order));
    shop.keyed_office(&capture, None).problem(409, "invalid_transition");
    // What is paid is refunded first.
    let order = shop.guest().buy(shirt, 3);
    shop.keyed_office(&format!("{}/capture", path(&order)), None);
    let cancel = format!("{}/cancel", path(&order));
    shop.office("POST", &cancel, None).problem(409, "invalid_transition");
    shop.keyed_office(&format!("{}/refunds", path(&order)), Some(&json!({})));
    assert_eq!(shop.office("POST", &cancel, None).status, 200);
    assert_eq!(shop.stock(shirt), (5, 0, 5));
}

#[test]
fn what_is_not_sent_is_called_off_and_its_money_given_back() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 9);
    let guest = shop.guest();
    let order = guest.buy(shirt, 5);
    let at = path(&order);
    let line = order["lines"][0]["id"].clone();
    let some = |n: i64| json!({ "lines": [{ "line_id": line, "quantity": n }] });
    let post = |below: &str, body: Value| shop.keyed_office(&format!("{at}/{below}"), Some(&body));
    post("cancel", some(1)).problem(409, "invalid_transition");
    shop.keyed_office(&format!("{at}/capture"), None);
    for (body, pointer) in [
        (some(6), "/lines/0/quantity"),
        (some(0), "/lines/0/quantity"),
        (json!({ "lines": [] }), "/lines"),
        (json!({ "lines": [{ "line_id": "line_1", "quantity": 1 }] }), "/lines/0/line_id"),
        (json!({ "lines": [{ "line_id": line }] }), "/lines/0/quantity"),
        (json!({ "lines": [{ "line_id": line, "quantity": 1, "why": "" }] }), "/lines/0/why"),
        (json!({ "reason": "weather" }), "/reason"),
    ] {
        let refused = post("cancel", body.clone()).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
    }
    let less = post("cancel", some(1));
    assert_eq!(less.status, 200, "{}", less.text());
    assert_eq!(statuses(&less.json()), ["confirmed", "paid", "unfulfilled"]);
    assert_eq!(shop.stock(shirt), (9, 4, 5));
    // Units that are refunded before they are sent are called off, too.
    assert_eq!(post("refunds", some(2)).json()["lines"][0]["cancelled"], 2);
    assert_eq!(shop.stock(shirt), (9, 3, 6));
    let none = post("fulfillments", json!({ "lines": [] })).problem(422, "validation_failed");
    assert_eq!(none["errors"][0]["pointer"], "/lines");
    post("fulfillments", some(1));
    post("cancel", some(3)).problem(409, "invalid_transition");
    let note = "The last one broke";
    let rest = post("cancel", json!({ "reason": "shop", "note": note })).json();
    assert_eq!(statuses(&rest), ["shipped", "partially_refunded", "fulfilled"]);
    let counts = ["quantity", "fulfilled", "cancelled", "refunded"].map(|n| &rest["lines"][0][n]);
    assert_eq!(counts, [5, 1, 4, 2].map(|n| json!(n)).each_ref());
    assert_eq!(shop.stock(shirt), (8, 0, 8));
    assert_eq!((&rest["cancel_note"], &rest["cancelled_at"]), (&json!(note), &Value::Null));
    let token = [("cart-token", guest.token.as_str())];
    let theirs = shop.call("GET", &at, &token, None);
    assert!(!theirs.text().contains(note), "{}", theirs.text());
    post("cancel", json!({})).problem(409, "invalid_transition");
    let paid_for_four = post("refunds", some(2)).json()["refunded_total"]["amount"].clone();
    let total = order["lines"][0]["total"]["amount"].as_i64().unwrap();
    assert_eq!(paid_for_four, total * 4 / 5);
}

#[test]
fn money_is_given_back_once_and_never_more_than_was_taken() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let order = shop.guest().buy(shirt, 3);
    let refunds = format!("{}/refunds", path(&order));
    let euros = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    shop.keyed_office(&refunds, Some(&json!({}))).problem(409, "invalid_transition");
    shop.keyed_office(&format!("{}/capture", path(&order)), None);
    let headers = [("authorization", shop.bearer.as_str()), ("idempotency-key", "refund-1")];
    let some = json!({ "amount": euros(100), "reason": "a stain" });
    let first = shop.call("POST", &refunds, &headers, Some(&some));
    assert_eq!(first.status, 201, "{}", first.text());
    let again = shop.call("POST", &refunds, &headers, Some(&some));
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    assert_eq!(again.header("etag"), first.header("etag"));
    let other = json!({ "amount": euros(101) });
    let refused = shop.call("POST", &refunds, &headers, Some(&other));
    refused.problem(422, "idempotency_key_reused");
    assert_eq!(shop.office("GET", &path(&order), None).json()["refunded_total"], euros(100));

    let line = order["lines"][0]["id"].clone();
    for (body, pointer) in [
        (json!({ "amount": euros(0) }), "/amount"),
        (json!({ "amount": euros(-1) }), "/amount"),
        (json!({ "amount": { "amount": 1, "currency": "USD" } }), "/amount"),
        (json!({ "amount": { "amount": 1.5, "currency": "EUR" } }), "/amount/amount"),
        (json!({ "amount": euros(1), "lines": [{ "line_id": line, "quantity": 1 }] }), "/lines"),
        (json!({ "lines": [] }), "/lines"),
        (json!({ "amounts": euros(1) }), "/amounts"),
    ] {
        let refused = shop.keyed_office(&refunds, Some(&body)).problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
    }
    for more in [
        json!({ "amount": order["total"] }),
        json!({ "lines": [{ "line_id": line, "quantity": 4 }] }),
    ] {
        shop.keyed_office(&refunds, Some(&more)).problem(409, "invalid_transition");
    }
    let rest = shop.keyed_office(&refunds, Some(&json!({}))).json();
    assert_eq!(rest["refunded_total"], order["total"]);
    assert_eq!(rest["status"], "refunded");
}

#[test]
fn a_stale_write_is_refused() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let order = shop.guest().buy(shirt, 3);
    let at = path(&order);
    let first = shop.office("GET", &at, None);
    let etag = first.header("etag");
    let write = |below: &str, etag: &str, key: &str| {
        let headers =
            [("authorization", shop.bearer.as_str()), ("idempotency-key", key), ("if-match", etag)];
        shop.call("POST", &format!("{at}/{below}"), &headers, None)
    };
    assert_eq!(write("capture", etag, "a").status, 200);
    for below in ["fulfillments", "deliver", "cancel"] {
        let stale = write(below, etag, below).problem(412, "version_mismatch");
        assert_eq!((&stale["expected"], &stale["actual"]), (&json!(1), &json!(2)));
    }
    write("fulfillments", "\"other\"", "b").problem(412, "version_mismatch");
    write("fulfillments", "\"1\", \"2\"", "b").problem(422, "validation_failed");
    write("fulfillments", "2", "b").problem(422, "validation_failed");
    let etag = shop.office("GET", &at, None).header("etag").to_owned();
    let sent = write("fulfillments", &etag, "b");
    assert_eq!(sent.status, 201, "{}", sent.text());
    // The first answer is given again although the version has moved on.
    let again = write("fulfillments", &etag, "b");
    assert_eq!((again.status, &again.body), (201, &sent.body));
    assert_eq!(write("deliver", "*", "c").status, 200);
}

#[test]
fn only_the_back_office_works_on_orders() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 5);
    let guest = shop.guest();
    let order = guest.buy(shirt, 3);
    let at = path(&order);
    let key = ("idempotency-key", "0123456789abcdef");
    let body = json!({});
    for below in ["/cancel", "/capture", "/refunds", "/fulfillments", "/deliver"] {
        let at = format!("{at}{below}");
        let anonymous = shop.call("POST", &at, &[key], Some(&body));
        anonymous.problem(401, "unauthenticated");
        assert_eq!(anonymous.header("www-authenticate"), "Bearer");
        let owner = [("cart-token", guest.token.as_str()), key];
        shop.call("POST", &at, &owner, Some(&body)).problem(403, "forbidden");
        let forged = format!("Bearer {}", guest.token);
        let forged = [("authorization", forged.as_str()), key];
        shop.call("POST", &at, &forged, Some(&body)).problem(401, "unauthenticated");
    }
    for below in ["/capture", "/refunds", "/fulfillments"] {
        let unkeyed = shop.office("POST", &format!("{at}{below}"), Some(&body));
        unkeyed.problem(400, "idempotency_key_missing");
    }
    shop.call("GET", "/orders", &[], None).problem(401, "unauthenticated");
    let owner = [("cart-token", guest.token.as_str())];
    shop.call("GET", "/orders", &owner, None).problem(403, "forbidden");
    let nobodys = "/orders/ord_0190a000000070008000000000000001";
    shop.office("GET", nobodys, None).problem(404, "not_found");
    shop.office("GET", "/orders/NO-SUCH", None).problem(404, "not_found");
    shop.office("GET", "/orders/no%20such", None).problem(404, "not_found");
    shop.office("POST", &format!("{nobodys}/cancel"), None).problem(404, "not_found");
    let of =
        |amount, currency: &str| json!({ "amount": { "amount": amount, "currency": currency } });
    let capture = |body| shop.keyed_office(&format!("{at}/capture"), Some(&body));
    capture(of(0, "EUR")).problem(422, "validation_failed");
    capture(of(1, "USD")).problem(422, "validation_failed");
    capture(of(1_000_000, "EUR")).problem(409, "invalid_transition");
    assert_eq!(shop.office("GET", &at, None).json()["version"], 1, "nothing of it was done");
}

#[test]
fn orders_are_listed_and_filtered() {
    let shop = TestShop::open();
    let shirt = shop.sell("SHIRT", 1999, 100);
    let mut numbers = Vec::new();
    for _ in 0..5 {
        let order = shop.guest().buy(shirt, 1);
        numbers.push(order["number"].as_str().unwrap().to_owned());
        shop.clock.advance(std::time::Duration::from_secs(60));
    }
    numbers.reverse();
    let list = |query: &str| {
        let answer = shop.office("GET", &format!("/orders?{query}"), None);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let numbers_of = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|order| order["number"].as_str().unwrap().to_owned()).collect()
    };
    let first = list("limit=2&total=true");
    assert_eq!(first["total"], 5);
    let (mut seen, mut page) = (numbers_of(&first), first);
    while let Some(cursor) = page["next_cursor"].as_str() {
        page = list(&format!("limit=2&cursor={cursor}"));
        assert!(page.get("total").is_none());
        seen.extend(numbers_of(&page));
    }
    assert_eq!(seen, numbers, "the newest first, each once");

    let at = format!("/orders/{}", list("limit=1")["items"][0]["id"].as_str().unwrap());
    shop.office("POST", &format!("{at}/cancel"), None);
    assert_eq!(numbers_of(&list("status=cancelled")), [numbers[0].clone()]);
    assert_eq!(list("status=pending&total=true")["total"], 4);
    assert_eq!(list("email=GUEST@example.com&total=true")["total"], 5);
    assert_eq!(list("email=other@example.com")["items"], json!([]));
    let from = "placed_from=2026-11-21T10:01:00Z&placed_before=2026-11-21T10:03:00Z";
    assert_eq!(numbers_of(&list(from)), [numbers[2].clone(), numbers[3].clone()]);
    assert_eq!(list("needs_review=true")["items"], json!([]));
    assert_eq!(list("needs_review=false&total=true")["total"], 5);
    let customer = "customer_id=cus_0190a000000070008000000000000001";
    assert_eq!(list(customer)["items"], json!([]));
    for (query, pointer) in [
        ("status=lost", "/status"),
        ("customer_id=7", "/customer_id"),
        ("email=nobody", "/email"),
        ("placed_from=today", "/placed_from"),
        ("needs_review=maybe", "/needs_review"),
        ("limit=0", "/limit"),
        ("cursor=e30", "/cursor"),
        ("colour=red", "/colour"),
    ] {
        let refused = shop.office("GET", &format!("/orders?{query}"), None);
        let refused = refused.problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{query}");
    }
}

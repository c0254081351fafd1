//! Stock and locations.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Fixture, id, pointers, support::shop::manual};

fn variant(product: &Value) -> String {
    format!("/variants/{}", id(&product["variants"][0]))
}

#[test]
fn stock_is_counted_adjusted_and_accounted_for() {
    let shop = Fixture::open();
    let product = shop.sell("Shirt", 1999, 0, json!({}));
    let variant = variant(&product);
    let counted = shop.staff("PUT", &format!("{variant}/stock"), json!({ "on_hand": 10 }));
    assert_eq!((counted.status, &counted.json()["available"]), (200, &json!(10)));
    shop.tick();
    let adjust = |body: Value| shop.staff("POST", &format!("{variant}/stock_adjustments"), body);
    let taken = adjust(json!({ "delta": -3, "reason": "damaged", "note": "Moths" }));
    assert_eq!((taken.status, &taken.json()["on_hand"]), (200, &json!(7)));
    assert_eq!(shop.staff_get(&format!("{variant}/stock")).json(), taken.json());
    let short = adjust(json!({ "delta": -8, "reason": "adjusted" }));
    let short = short.problem(409, "insufficient_stock");
    assert_eq!((&short["wanted"], &short["available"]), (&json!(8), &json!(7)));
    for (body, pointer) in [
        (json!({ "delta": 0, "reason": "counted" }), "/delta"),
        (json!({ "delta": 1.5, "reason": "counted" }), "/delta"),
        (json!({ "delta": i64::MIN, "reason": "counted" }), "/delta"),
        (json!({ "delta": 1_000_000_000_000_i64, "reason": "counted" }), "/delta"),
        (json!({ "delta": 1 }), "/reason"),
        (json!({ "delta": 1, "reason": "magic" }), "/reason"),
        (json!({ "delta": 1, "reason": "counted", "order_id": "x" }), "/order_id"),
    ] {
        assert_eq!(pointers(&adjust(body.clone())), [pointer], "{body}");
    }
    for on_hand in [json!(-1), json!(1e2), json!("5"), json!(null), json!(1_000_000_000_001_i64)] {
        let answer = shop.staff("PUT", &format!("{variant}/stock"), json!({ "on_hand": on_hand }));
        assert_eq!(pointers(&answer), ["/on_hand"], "{on_hand}");
    }
    let ledger = shop.staff_get(&format!("{variant}/stock_movements?total=true")).json();
    let deltas: Vec<_> = ledger["items"].as_array().unwrap().iter().map(|m| &m["delta"]).collect();
    assert_eq!((deltas, &ledger["total"]), (vec![&json!(-3), &json!(10)], &json!(2)));
    assert_eq!(ledger["items"][0]["note"], "Moths");
    let first = shop.staff_get(&format!("{variant}/stock_movements?limit=1")).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = shop.staff_get(&format!("{variant}/stock_movements?limit=1&cursor={cursor}")).json();
    assert_eq!(rest["items"][0]["delta"], 10);
    assert_eq!(shop.get("/products/shirt").json()["variants"][0]["available"], 7);
}

#[test]
fn the_tag_of_stock_changes_with_whatever_it_shows() {
    let shop = Fixture::open();
    let main = shop.staff_get("/locations").json()["items"][0].clone();
    let product = shop.sell("Shirt", 1999, 4, json!({}));
    let variant = variant(&product);
    let stock = format!("{variant}/stock");
    let tag = || shop.staff_get(&stock).header("etag").to_owned();
    let mut seen = BTreeSet::from([tag()]);
    let mut changes = |what: &str| assert!(seen.insert(tag()), "{what}");

    let answer = shop.staff("PUT", &stock, json!({ "on_hand": 5 }));
    assert_eq!(answer.header("etag"), tag());
    changes("counted");
    let adjusted = json!({ "delta": 3, "reason": "received" });
    let answer = shop.staff("POST", &format!("{variant}/stock_adjustments"), adjusted);
    assert_eq!(answer.header("etag"), tag());
    changes("adjusted");
    let line = json!({ "variant_id": id(&product["variants"][0]), "quantity": 2 });
    let address = json!({ "name": "Ada", "line1": "Street 1", "city": "Town", "country": "GB" });
    let cart = shop.create(
        "/carts",
        json!({
            "lines": [line], "email": "ada@example.com", "shipping_address": address,
        }),
    );
    let check_out = format!("/carts/{}/checkout", id(&cart));
    let placed = shop.staff_with(("idempotency-key", "buy"), "POST", &check_out, manual());
    assert_eq!(placed.status, 201, "{}", placed.text());
    changes("held");
    let change = |path: &str, body: Value| assert_eq!(shop.staff("PATCH", path, body).status, 200);
    let below = format!("/products/{}{variant}", id(&product));
    change(&below, json!({ "low_stock_threshold": 2 }));
    changes("the threshold");
    change(&below, json!({ "sku": "SHIRT-1" }));
    changes("the SKU");
    shop.staff("POST", "/locations", json!({ "name": "Cellar" }));
    change(&format!("/locations/{}", id(&main)), json!({ "active": false }));
    changes("the location is closed");
    let known = ("if-none-match", &*tag());
    assert_eq!(shop.staff_with(known, "GET", &stock, None).status, 304);
}

#[test]
fn stock_is_kept_in_places() {
    let shop = Fixture::open();
    let main = shop.staff_get("/locations").json()["items"][0].clone();
    let answer = shop.staff("POST", "/locations", json!({ "name": "Cellar", "priority": 5 }));
    let cellar = answer.json();
    assert_eq!(answer.header("location"), format!("locations/{}", id(&cellar)));
    let product = shop.sell("Shirt", 1999, 4, json!({}));
    let variant = variant(&product);
    let body = json!({ "location": id(&cellar), "on_hand": 6 });
    let stock = shop.staff("PUT", &format!("{variant}/stock"), body).json();
    assert_eq!((&stock["available"], stock["levels"].as_array().unwrap().len()), (&json!(10), 2));
    // What lies in a closed place cannot be bought.
    let address = format!("/locations/{}", id(&cellar));
    let read = shop.staff_get(&address);
    assert_eq!((read.json(), read.header("etag")), (cellar.clone(), answer.header("etag")));
    let etag = ("if-match", read.header("etag"));
    let closed = shop.staff_with(etag, "PATCH", &address, json!({ "active": false }));
    assert_eq!((&closed.json()["active"], &closed.json()["version"]), (&json!(false), &json!(2)));
    shop.staff_with(etag, "PATCH", &address, json!({ "active": true }))
        .problem(412, "version_mismatch");
    assert_eq!(shop.get("/products/shirt").json()["variants"][0]["available"], 4);
    let names = |list: Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(shop.staff_get("/locations").json()), ["Main", "Cellar"]);
    shop.staff("PATCH", &address, json!({ "priority": -1 }));
    assert_eq!(names(shop.staff_get("/locations").json()), ["Cellar", "Main"]);
    let moved = format!("{variant}/stock_movements?location={}", id(&main));
    assert_eq!(shop.staff_get(&moved).json()["items"].as_array().unwrap().len(), 1);
    let nowhere = "loc_019aa5a2f5e07c3c9d3b6f1f0a6c2e11";
    let body = json!({ "location": nowhere, "on_hand": 6 });
    shop.staff("PUT", &format!("{variant}/stock"), body).problem(404, "not_found");
    shop.staff_get(&format!("/locations/{nowhere}")).problem(404, "not_found");
    assert_eq!(pointers(&shop.staff("POST", "/locations", json!({}))), ["/name"]);
    assert_eq!(
        pointers(&shop.staff("PATCH", &address, json!({ "priority": 1_u64 << 33 }))),
        ["/priority"]
    );
}

#[test]
fn stock_is_listed_by_sku() {
    let shop = Fixture::open();
    let cellar = shop.create("/locations", json!({ "name": "Cellar" }));
    for (title, units) in [("c", 100), ("a", 5), ("b", 4), ("d", 0)] {
        shop.sell(title, 1, units, json!({}));
    }
    let untracked = json!([{ "sku": "E", "track_inventory": false }]);
    shop.create("/products", json!({ "title": "e", "variants": untracked }));
    let a = shop.staff_get("/products/a").json();
    let body = json!({ "location": id(&cellar), "on_hand": 1 });
    shop.staff("PUT", &format!("{}/stock", variant(&a)), body);
    let skus = |query: &str| -> Vec<String> {
        let page = shop.staff_get(&format!("/stock?{query}")).json();
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["sku"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(skus(""), ["A", "B", "C", "D"]);
    assert_eq!(skus("low=false"), ["A", "B", "C", "D"]);
    assert_eq!(skus("low=true"), ["B", "D"]);
    assert_eq!(skus(&format!("location={}", id(&cellar))), ["A"]);
    assert_eq!(skus("sku=B"), ["B"]);
    assert_eq!(skus("sku=A&low=true"), Vec::<String>::new());
    assert_eq!(skus("sku=b"), Vec::<String>::new());
    assert_eq!(skus("sku=E"), Vec::<String>::new(), "it is not counted");
    let first = shop.staff_get("/stock?limit=3&total=true").json();
    assert_eq!(first["total"], 4);
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(skus(&format!("limit=3&cursor={cursor}")), ["D"]);
    for (query, pointer) in [
        ("low=maybe", "/low"),
        ("location=x", "/location"),
        ("sku=", "/sku"),
        ("skus=A", "/skus"),
        ("cursor=e30", "/cursor"),
    ] {
        assert_eq!(pointers(&shop.staff_get(&format!("/stock?{query}"))), [pointer]);
    }
}

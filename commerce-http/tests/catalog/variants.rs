//! The variants of a product.

use serde_json::{Value, json};

use super::{Fixture, eur, id, pointers};

fn shirt(shop: &Fixture) -> Value {
    let variant = |size: &str| json!({ "sku": format!("S-{size}"), "options": [size], "price": eur(1999), "cost": eur(5) });
    let body = json!({
        "title": "Shirt",
        "status": "active",
        "options": [{ "name": "Size" }],
        "images": [{ "url": "/a.jpg" }],
        "variants": [variant("M"), variant("L")],
    });
    shop.create("/products", body)
}

#[test]
fn a_variant_is_added_read_changed_and_taken_out() {
    let shop = Fixture::open();
    let product = shirt(&shop);
    let address = format!("/products/{}/variants", id(&product));
    let body = json!({
        "sku": "S-XL",
        "options": ["XL"],
        "price": eur(2499),
        "compare_at_price": eur(2999),
        "weight_grams": 300,
        "dimensions": { "length_mm": 300, "width_mm": 200, "height_mm": 20 },
        "barcode": "4006381333931",
        "image": 0,
        "metadata": { "shelf": "B7" },
    });
    let answer = shop.staff("POST", &address, body);
    assert_eq!(answer.status, 201);
    let made = answer.json();
    assert_eq!(made["position"], 2);
    assert_eq!(made["title"], "XL");
    assert_eq!(made["image_id"], product["images"][0]["id"]);
    let one = format!("{address}/{}", id(&made));
    let read = shop.staff_get(&one);
    assert_eq!((read.json(), read.header("etag")), (made.clone(), answer.header("etag")));
    let list = shop.get("/products/shirt/variants").json();
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    assert_eq!(list["next_cursor"], Value::Null);
    assert!(!list.to_string().contains("cost"));
    assert!(shop.get(&one).json().get("cost").is_none());

    let cheaper = json!({ "price": eur(2000), "compare_at_price": null });
    let changed = shop.staff_with(("if-match", read.header("etag")), "PATCH", &one, cheaper);
    assert_eq!(changed.json()["price"], eur(2000));
    assert_eq!(changed.json()["compare_at_price"], Value::Null);
    let stale = ("if-match", read.header("etag"));
    shop.staff_with(stale, "PATCH", &one, json!({ "price": eur(1) }))
        .problem(412, "version_mismatch");
    shop.staff_with(stale, "DELETE", &one, None).problem(412, "version_mismatch");

    let gone = shop.staff("DELETE", &one, None);
    assert_eq!((gone.status, &gone.json()["active"]), (200, &json!(false)));
    shop.get(&one).problem(404, "not_found");
    assert_eq!(shop.staff_get(&one).json()["active"], false);
    assert_eq!(shop.get("/products/shirt").json()["variants"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_wrong_with_a_variant_is_pointed_at() {
    let shop = Fixture::open();
    let product = shirt(&shop);
    let address = format!("/products/{}/variants", id(&product));
    let one = format!("{address}/{}", id(&product["variants"][0]));
    let other = "img_019aa5a2f5e07c3c9d3b6f1f0a6c2e11";
    for (field, value) in [
        ("price", json!({ "amount": -1, "currency": "EUR" })),
        ("cost", json!({ "amount": -1, "currency": "EUR" })),
        ("weight_grams", json!(-1)),
        ("weight_grams", json!(1.5)),
        ("weight_grams", json!(100_000_001)),
        ("low_stock_threshold", json!(-1)),
        ("options", json!([])),
        ("options", json!(["A", "B"])),
        ("sku", json!("")),
        ("sku", json!("x".repeat(256))),
        ("backorder", json!("maybe")),
        ("active", json!("yes")),
        ("metadata", json!({ "a": "x".repeat(65_536) })),
        ("prices", json!([{ "amount": eur(1) }, { "amount": eur(2) }])),
    ] {
        let mut body = json!({});
        body[field] = value;
        let pointer = [format!("/{field}")];
        assert_eq!(pointers(&shop.staff("PATCH", &one, body.clone())), pointer, "{body}");
        let mut create = json!({ "sku": "NEW", "options": ["New"] });
        create[field] = body[field].take();
        assert_eq!(pointers(&shop.staff("POST", &address, create.clone())), pointer, "{create}");
    }
    assert_eq!(pointers(&shop.staff("PATCH", &one, json!({ "image_id": other }))), ["/image_id"]);
    let beside = json!({ "sku": "NEW", "options": ["New"], "compare_at_price": eur(2) });
    assert_eq!(pointers(&shop.staff("POST", &address, beside)), ["/compare_at_price"]);
    let unknown = json!({ "id": id(&product) });
    assert_eq!(pointers(&shop.staff("PATCH", &one, unknown)), ["/id"]);
    let taken = json!({ "sku": "S-L" });
    shop.staff("PATCH", &one, taken).problem(409, "conflict");
    let taken = json!({ "sku": "NEW", "options": ["L"] });
    assert_eq!(shop.staff("POST", &address, taken).problem(409, "conflict")["what"], "options");
}

#[test]
fn a_variant_is_found_below_its_own_product_alone() {
    let shop = Fixture::open();
    let product = shirt(&shop);
    let other = shop.sell("Other", 1, 0, json!({}));
    let wrong = format!("/products/{}/variants/{}", id(&other), id(&product["variants"][0]));
    shop.staff_get(&wrong).problem(404, "not_found");
    shop.staff("PATCH", &wrong, json!({ "active": false })).problem(404, "not_found");
    shop.staff("DELETE", &wrong, None).problem(404, "not_found");
    let cost = shop.staff_get("/products/shirt").json()["variants"][0]["cost"].clone();
    assert_eq!(cost, eur(5));
    shop.staff_get("/products/shirt/variants/nothing").problem(404, "not_found");
}

//! One product: made, read, changed, archived.

use serde_json::{Value, json};

use super::{Fixture, Sent, eur, id, pointers};

#[test]
fn a_product_is_made_read_changed_and_archived() {
    let shop = Fixture::open();
    let body = json!({
        "title": "Linen shirt",
        "status": "active",
        "options": [{ "name": "Size" }],
        "images": [{ "url": "/a.jpg" }],
        "attributes": { "washable": { "type": "boolean", "value": true } },
        "metadata": { "erp": { "row": 7 } },
        "variants": [
            { "sku": "L-M", "options": ["M"], "price": eur(4900), "cost": eur(2100) },
            { "sku": "L-L", "options": ["L"], "price": eur(5200), "active": false },
        ],
    });
    let answer = shop.staff("POST", "/products", body);
    assert_eq!(answer.status, 201);
    let made = answer.json();
    assert_eq!(answer.header("location"), format!("products/{}", id(&made)));
    let address = format!("/products/{}", id(&made));
    let read = shop.staff_get(&address);
    assert_eq!((read.json(), read.header("etag")), (made.clone(), answer.header("etag")));
    assert_eq!(made["variants"][0]["cost"], eur(2100));
    assert_eq!(made["slug"], "linen-shirt");

    // Anybody sees it by id and slug, without cost and without what is not for sale.
    let seen = shop.get("/products/linen-shirt");
    assert_eq!(seen.body, shop.get(&address).body);
    let variants = seen.json()["variants"].clone();
    assert_eq!(variants.as_array().unwrap().len(), 1);
    assert!(variants[0].get("cost").is_none());
    assert_eq!(seen.json()["price_range"], json!({ "min": eur(4900), "max": eur(4900) }));
    assert_eq!(seen.header("cache-control"), "public, no-cache");
    assert!(seen.header("vary").contains("authorization"));
    assert_eq!(read.header("cache-control"), "private, no-cache");

    let change = json!({ "title": "Shirt", "description": "<b>New</b>", "featured": true });
    let changed = shop.staff_with(("if-match", read.header("etag")), "PATCH", &address, change);
    assert_eq!((changed.status, changed.json()["version"].as_u64()), (200, Some(2)));
    let stale = json!({ "title": "Blouse" });
    let refused = shop.staff_with(("if-match", read.header("etag")), "PATCH", &address, stale);
    assert_eq!(refused.problem(412, "version_mismatch")["actual"], 2);
    shop.staff_with(("if-match", "\"1\""), "DELETE", &address, None)
        .problem(412, "version_mismatch");

    let archived = shop.staff("DELETE", &address, None);
    assert_eq!(archived.json()["status"], "archived");
    shop.get(&address).problem(404, "not_found");
    shop.get("/products/linen-shirt").problem(404, "not_found");
    assert_eq!(shop.slugs("/products"), [""; 0]);
    assert_eq!(shop.slugs("/products/search?q=linen"), [""; 0]);
    assert_eq!(shop.staff_get(&address).json()["status"], "archived");
    // Nobody can put it into a cart.
    let cart = shop.send("POST", "/carts", Sent::default()).json();
    let token = [("cart-token", cart["token"].as_str().unwrap())];
    let line = json!({ "variant_id": made["variants"][0]["id"], "quantity": 1 });
    let lines = format!("/carts/{}/lines", id(&cart));
    let refused = shop.send("POST", &lines, Sent { headers: &token, body: Some(line) });
    refused.problem(404, "not_found");
    // It can come back.
    shop.staff("PATCH", &address, json!({ "status": "active" }));
    assert_eq!(shop.slugs("/products"), ["linen-shirt"]);
}

#[test]
fn a_draft_is_for_the_back_office() {
    let shop = Fixture::open();
    let draft = shop.create("/products", json!({ "title": "Draft" }));
    let address = format!("/products/{}", id(&draft));
    for below in ["", "/variants", "/images"] {
        shop.get(&format!("{address}{below}")).problem(404, "not_found");
        assert_eq!(shop.staff_get(&format!("{address}{below}")).status, 200);
    }
    assert_eq!(shop.slugs("/products"), [""; 0]);
}

#[test]
fn a_client_that_has_it_is_told_so_until_it_changes() {
    let shop = Fixture::open();
    let product = shop.sell("Shirt", 1999, 3, json!({}));
    let first = shop.get("/products/shirt");
    let ask = || {
        let known = [("if-none-match", first.header("etag"))];
        shop.send("GET", "/products/shirt", Sent { headers: &known, body: None })
    };
    let same = ask();
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(same.header("etag"), first.header("etag"));
    assert_eq!(same.header("cache-control"), "public, no-cache");
    // Stock is not the product's, but clients see it there.
    let stock = format!("/variants/{}/stock", id(&product["variants"][0]));
    shop.staff("PUT", &stock, json!({ "on_hand": 2 }));
    assert_eq!(ask().json()["variants"][0]["available"], 2);
    // The back office sees more: it is another answer.
    let staff = [("authorization", shop.bearer()), ("if-none-match", first.header("etag"))];
    let answer = shop.send("GET", "/products/shirt", Sent { headers: &staff, body: None });
    assert_eq!(answer.status, 200);
}

#[test]
fn prices_are_read_in_the_currency_asked_for() {
    let shop = Fixture::open();
    let prices = json!([{ "amount": { "amount": 2500, "currency": "USD" } }]);
    let variant = json!({ "sku": "A", "price": eur(1999), "prices": prices });
    shop.create("/products", json!({ "title": "A", "status": "active", "variants": [variant] }));
    let price = |query: &str| {
        shop.get(&format!("/products/a{query}")).json()["variants"][0]["price"]["amount"].clone()
    };
    assert_eq!(price(""), 1999);
    assert_eq!(price("?currency=USD"), 2500);
    assert_eq!(price("?currency=GBP"), Value::Null);
    assert_eq!(pointers(&shop.get("/products/a?currency=XYZ")), ["/currency"]);
    assert_eq!(pointers(&shop.get("/products/a?colour=red")), ["/colour"]);
}

#[test]
fn only_the_back_office_writes() {
    let shop = Fixture::open();
    let product = shop.sell("Shirt", 1999, 1, json!({}));
    let address = format!("/products/{}", id(&product));
    let guest = shop.send("POST", "/carts", Sent::default()).json();
    let guest = [("cart-token", guest["token"].as_str().unwrap())];
    let nobody = [("authorization", "Bearer cafe")];
    for (method, path, body) in [
        ("POST", "/products", Some(json!({ "title": "A" }))),
        ("PATCH", &address, Some(json!({ "title": "A" }))),
        ("DELETE", &address, None),
        ("POST", &format!("{address}/images"), Some(json!({ "url": "/a" }))),
        ("POST", &format!("{address}/variants"), Some(json!({ "sku": "B" }))),
        ("POST", "/categories", Some(json!({ "title": "A" }))),
        ("POST", "/locations", Some(json!({ "name": "A" }))),
        ("GET", "/locations", None),
        ("GET", "/stock", None),
        ("GET", "/shop", None),
        ("GET", "/products?status=draft", None),
    ] {
        let send = |headers| shop.send(method, path, Sent { headers, body: body.clone() });
        send(&[]).problem(401, "unauthenticated");
        send(&guest).problem(403, "forbidden");
        let answer = send(&nobody);
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    assert_eq!(shop.get(&address).json()["title"], "Shirt");
    let drafts = shop.staff_get("/products?status=draft");
    assert_eq!(drafts.json()["items"], json!([]));
}

#[test]
fn money_is_a_whole_number_within_bounds() {
    let shop = Fixture::open();
    for (price, pointer) in [
        (json!({ "amount": 19.99, "currency": "EUR" }), "/variants/0/price/amount"),
        (json!({ "amount": 1e3, "currency": "EUR" }), "/variants/0/price/amount"),
        (json!({ "amount": "1999", "currency": "EUR" }), "/variants/0/price/amount"),
        (json!({ "amount": u64::MAX, "currency": "EUR" }), "/variants/0/price/amount"),
        (json!({ "amount": 1_i64 << 53, "currency": "EUR" }), "/variants/0/price"),
        (json!({ "amount": -1, "currency": "EUR" }), "/variants/0/price"),
        (json!({ "amount": 1, "currency": "EUX" }), "/variants/0/price/currency"),
        (json!({ "amount": 1, "currency": "eur" }), "/variants/0/price/currency"),
        (json!({ "amount": 1 }), "/variants/0/price/currency"),
        (json!({ "amount": 1, "currency": "EUR", "x": 1 }), "/variants/0/price/x"),
        (json!(1999), "/variants/0/price"),
    ] {
        let body = json!({ "title": "A", "variants": [{ "sku": "A", "price": price }] });
        assert_eq!(pointers(&shop.staff("POST", "/products", body)), [pointer], "{price}");
    }
    let mixed = json!({
        "sku": "A",
        "price": eur(1),
        "compare_at_price": { "amount": 2, "currency": "USD" },
    });
    let body = json!({ "title": "A", "variants": [mixed] });
    assert_eq!(pointers(&shop.staff("POST", "/products", body)), ["/variants/0/compare_at_price"]);
    assert_eq!(shop.staff_get("/products").json()["items"], json!([]));
}

#[test]
fn too_much_of_anything_is_refused() {
    let shop = Fixture::open();
    let variants = |count: usize| {
        let variant = |n| json!({ "sku": format!("S-{n}"), "options": [format!("{n}")] });
        let variants: Vec<_> = (0..count).map(variant).collect();
        json!({ "title": "Many", "options": [{ "name": "N" }], "variants": variants })
    };
    assert_eq!(pointers(&shop.staff("POST", "/products", variants(2_049))), ["/variants"]);
    let made = shop.create("/products", variants(2_048));
    assert_eq!(made["variants"].as_array().unwrap().len(), 2_048);
    let more = format!("/products/{}/variants", id(&made));
    let one = json!({ "sku": "one-more", "options": ["one more"] });
    assert_eq!(pointers(&shop.staff("POST", &more, one)), [""]);
    for (field, value) in [
        ("metadata", json!({ "a": "x".repeat(65_536) })),
        ("tags", json!((0..251).map(|n| n.to_string()).collect::<Vec<_>>())),
        ("images", json!(vec![json!({ "url": "/a" }); 251])),
        ("options", json!((0..9).map(|n| json!({ "name": n.to_string() })).collect::<Vec<_>>())),
        ("title", json!("x".repeat(256))),
        ("title", json!(" x")),
        ("title", json!("")),
        ("slug", json!("Not A Slug")),
        ("description", json!("x".repeat(524_289))),
        ("status", json!("sold")),
        ("tax_class", json!("A B")),
    ] {
        let mut body = json!({ "title": "A" });
        body[field] = value;
        let answer = shop.staff("POST", "/products", body);
        assert_eq!(pointers(&answer), [format!("/{field}")], "{field}");
    }
    let body = json!({ "title": "…" });
    assert_eq!(pointers(&shop.staff("POST", "/products", body)), ["/slug"]);
}

#[test]
fn names_in_use_are_refused() {
    let shop = Fixture::open();
    shop.sell("Shirt", 1999, 0, json!({}));
    let again = json!({ "title": "Other", "slug": "shirt" });
    let refused = shop.staff("POST", "/products", again).problem(409, "conflict");
    assert_eq!((&refused["what"], &refused["value"]), (&json!("slug"), &json!("shirt")));
    let again = json!({ "title": "Other", "variants": [{ "sku": "SHIRT" }] });
    assert_eq!(shop.staff("POST", "/products", again).problem(409, "conflict")["what"], "sku");
    let options = json!([{ "name": "Size" }]);
    let twice = json!({ "title": "Twice", "options": options, "variants": [
        { "sku": "T", "options": ["S"] }, { "sku": "T", "options": ["M"] },
        { "sku": "U", "options": ["S"] },
    ] });
    let answer = shop.staff("POST", "/products", twice);
    assert_eq!(pointers(&answer), ["/variants/1/sku", "/variants/2/options"]);
    assert_eq!(shop.slugs("/products"), ["shirt"]);
}

#[test]
fn a_repeated_request_is_answered_the_same() {
    let shop = Fixture::open();
    let key = ("idempotency-key", "make-a-shirt");
    let body = json!({ "title": "Shirt", "variants": [{ "sku": "A", "cost": eur(5) }] });
    let first = shop.staff_with(key, "POST", "/products", body.clone());
    let again = shop.staff_with(key, "POST", "/products", body);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.body, again.body);
    for header in ["etag", "location"] {
        assert_eq!(first.header(header), again.header(header));
    }
    assert_eq!(
        (first.header("idempotency-replayed"), again.header("idempotency-replayed")),
        ("", "true")
    );
    let other = json!({ "title": "Other" });
    shop.staff_with(key, "POST", "/products", other).problem(422, "idempotency_key_reused");
}

#[test]
fn names_that_name_nothing() {
    let shop = Fixture::open();
    let nobody = "prod_019aa5a2f5e07c3c9d3b6f1f0a6c2e11";
    for path in ["/products/nothing", "/products/Not%20A%20Slug", &format!("/products/{nobody}")] {
        shop.get(path).problem(404, "not_found");
        shop.staff("PATCH", path, json!({ "title": "A" })).problem(404, "not_found");
        shop.staff("DELETE", path, None).problem(404, "not_found");
    }
    shop.get("/products/%ff").problem(400, "malformed_request");
}

#[test]
fn images_are_added_moved_and_removed() {
    let shop = Fixture::open();
    let product = shop.sell("Shirt", 1999, 0, json!({ "images": [{ "url": "/a.jpg" }] }));
    let address = format!("/products/{}/images", id(&product));
    let body = json!({ "url": "https://example.com/b.jpg", "alt": "B", "position": 0 });
    let added = shop.staff("POST", &address, body);
    assert_eq!(added.status, 201);
    let product = added.json();
    let images = |answer: &Value| {
        let images = answer["images"].as_array().unwrap().iter();
        images.map(|image| image["url"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(images(&product), ["https://example.com/b.jpg", "/a.jpg"]);
    assert_eq!(shop.get(&address).json()["items"], product["images"]);
    let one = format!("{address}/{}", id(&product["images"][0]));
    let moved = shop.staff_with(
        ("if-match", added.header("etag")),
        "PATCH",
        &one,
        json!({ "position": 1, "alt": null }),
    );
    assert_eq!(images(&moved.json()), ["/a.jpg", "https://example.com/b.jpg"]);
    assert_eq!(moved.json()["images"][1]["alt"], Value::Null);
    shop.staff_with(("if-match", added.header("etag")), "DELETE", &one, None)
        .problem(412, "version_mismatch");
    assert_eq!(images(&shop.staff("DELETE", &one, None).json()), ["/a.jpg"]);
    shop.staff("DELETE", &one, None).problem(404, "not_found");
    for url in ["", "ftp://a", "javascript:alert(1)", "a.jpg", "/a b"] {
        assert_eq!(pointers(&shop.staff("POST", &address, json!({ "url": url }))), ["/url"]);
    }
    assert_eq!(pointers(&shop.staff("POST", &address, json!({}))), ["/url"]);
    let negative = json!({ "url": "/b", "position": -1 });
    assert_eq!(pointers(&shop.staff("POST", &address, negative)), ["/position"]);
}

//! The tree of categories.

use serde_json::{Value, json};

use super::{Fixture, Sent, id, pointers};

fn child(shop: &Fixture, title: &str, parent: Option<&Value>) -> Value {
    shop.create("/categories", json!({ "title": title, "parent_id": parent.map(id) }))
}

/// The tree as titles: `A[B,C[D]]`.
fn shape(nodes: &Value) -> String {
    let nodes = nodes.as_array().unwrap().iter().map(|node| {
        let title = node["title"].as_str().unwrap();
        match shape(&node["children"]) {
            below if below.is_empty() => title.to_owned(),
            below => format!("{title}[{below}]"),
        }
    });
    nodes.collect::<Vec<_>>().join(",")
}

#[test]
fn categories_make_a_tree() {
    let shop = Fixture::open();
    let tree = |answer: super::Answer| shape(&answer.json()["items"]);
    assert_eq!(tree(shop.get("/categories")), "");
    let a = child(&shop, "A", None);
    let c = child(&shop, "C", Some(&a));
    let b = child(&shop, "B", Some(&a));
    child(&shop, "D", Some(&c));
    child(&shop, "Z", None);
    assert_eq!(tree(shop.get("/categories")), "A[B,C[D]],Z");
    let address = |category: &Value| format!("/categories/{}", id(category));
    shop.staff("PATCH", &address(&b), json!({ "position": 1 }));
    assert_eq!(tree(shop.get("/categories")), "A[C[D],B],Z");
    // Hidden with all that is below it.
    shop.staff("PATCH", &address(&c), json!({ "active": false }));
    assert_eq!(tree(shop.get("/categories")), "A[B],Z");
    assert_eq!(tree(shop.staff_get("/categories")), "A[C[D],B],Z");
    shop.get("/categories/d").problem(404, "not_found");
    assert_eq!(shop.staff_get("/categories/d").status, 200);
    // Moved to the top.
    shop.staff("PATCH", &address(&c), json!({ "active": true, "parent_id": null }));
    assert_eq!(tree(shop.get("/categories")), "A[B],C[D],Z");
    let first = shop.get("/categories");
    let known = [("if-none-match", first.header("etag"))];
    let again = shop.send("GET", "/categories", Sent { headers: &known, body: None });
    assert_eq!(again.status, 304);
}

#[test]
fn a_category_is_made_read_changed_and_removed() {
    let shop = Fixture::open();
    let body =
        json!({ "title": "Summer wear", "image": { "url": "/a.jpg" }, "metadata": { "a": 1 } });
    let answer = shop.staff("POST", "/categories", body);
    assert_eq!(answer.status, 201);
    let made = answer.json();
    assert_eq!(answer.header("location"), format!("categories/{}", id(&made)));
    let address = format!("/categories/{}", id(&made));
    let read = shop.staff_get("/categories/summer-wear");
    assert_eq!((read.json(), read.header("etag")), (made.clone(), answer.header("etag")));
    let seen = shop.get("/categories/summer-wear").json();
    assert_eq!((&made["metadata"], &seen["metadata"]), (&json!({ "a": 1 }), &json!({})));
    let etag = ("if-match", read.header("etag"));
    let changed = shop.staff_with(etag, "PATCH", &address, json!({ "title": "Summer" }));
    assert_eq!(
        (&changed.json()["title"], &changed.json()["version"]),
        (&json!("Summer"), &json!(2))
    );
    shop.staff_with(etag, "PATCH", &address, json!({ "title": "A" }))
        .problem(412, "version_mismatch");
    shop.staff_with(etag, "DELETE", &address, None).problem(412, "version_mismatch");
    let product = shop.sell("Shirt", 1, 0, json!({ "categories": [id(&made)] }));
    let below = child(&shop, "Below", Some(&made));
    shop.staff("DELETE", &address, None).problem(409, "invalid_transition");
    assert_eq!(shop.staff("DELETE", &format!("/categories/{}", id(&below)), None).status, 204);
    let removed = shop.staff("DELETE", &address, None);
    assert_eq!((removed.status, removed.body.len()), (204, 0));
    shop.get(&address).problem(404, "not_found");
    shop.staff("DELETE", &address, None).problem(404, "not_found");
    let product = shop.get(&format!("/products/{}", id(&product))).json();
    assert_eq!(product["categories"], json!([]));
}

#[test]
fn a_tree_has_no_circle_and_an_end() {
    let shop = Fixture::open();
    let top = child(&shop, "0", None);
    let mut deepest = top.clone();
    for level in 1..32 {
        deepest = child(&shop, &level.to_string(), Some(&deepest));
    }
    let address = format!("/categories/{}", id(&top));
    for parent in [&top, &deepest] {
        let body = json!({ "parent_id": id(parent) });
        assert_eq!(pointers(&shop.staff("PATCH", &address, body)), ["/parent_id"]);
    }
    let deeper = json!({ "title": "33", "parent_id": id(&deepest) });
    assert_eq!(pointers(&shop.staff("POST", "/categories", deeper)), ["/parent_id"]);
    // Nor can what has something below it be moved too deep.
    let other = child(&shop, "Other", None);
    let body = json!({ "parent_id": id(&other) });
    assert_eq!(pointers(&shop.staff("PATCH", &address, body)), ["/parent_id"]);
    let nowhere = "cat_019aa5a2f5e07c3c9d3b6f1f0a6c2e11";
    for parent in [json!(nowhere), json!("shirts"), json!(7)] {
        let body = json!({ "title": "A", "parent_id": parent });
        assert_eq!(pointers(&shop.staff("POST", "/categories", body)), ["/parent_id"]);
    }
    assert_eq!(shop.get("/categories").json()["items"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_wrong_with_a_category_is_pointed_at() {
    let shop = Fixture::open();
    let made = child(&shop, "Shirts", None);
    child(&shop, "Hats", None);
    let address = format!("/categories/{}", id(&made));
    shop.staff("PATCH", &address, json!({ "slug": "hats" })).problem(409, "conflict");
    shop.staff("POST", "/categories", json!({ "title": "Shirts" })).problem(409, "conflict");
    for (field, value) in [
        ("title", json!("")),
        ("slug", json!("A B")),
        ("position", json!(1.5)),
        ("position", json!(1_i64 << 40)),
        ("image", json!({})),
        ("active", json!(null)),
        ("metadata", json!({ "a": "x".repeat(65_536) })),
        ("colour", json!("red")),
    ] {
        let mut body = json!({ "title": "A" });
        body[field] = value;
        let answer = shop.staff("POST", "/categories", body.clone());
        let pointer = if field == "image" { "/image/url".to_owned() } else { format!("/{field}") };
        assert_eq!(pointers(&answer), [pointer], "{body}");
    }
}

//! Lists of products: filters, sorting, pages and search.

use std::collections::BTreeSet;

use base64::Engine;
use proptest::prelude::*;
use serde_json::json;

use super::{Fixture, eur, id, pointers, slugs};

fn shop() -> Fixture {
    let shop = Fixture::open();
    let tops = shop.create("/categories", json!({ "title": "Tops" }));
    let shirts = json!({ "title": "Shirts", "parent_id": id(&tops) });
    let shirts = shop.create("/categories", shirts);
    shop.sell("Free sample", 0, 1, json!({ "tags": ["Gift"], "vendor": "Acme" }));
    shop.sell(
        "Red shirt",
        1999,
        3,
        json!({ "categories": [id(&shirts)], "tags": ["summer"], "vendor": "acme", "featured": true }),
    );
    shop.sell(
        "Top hat",
        9900,
        0,
        json!({ "categories": [id(&tops)], "product_type": "Hats", "description": "<p>Not a shirt</p>" }),
    );
    shop
}

#[test]
fn each_filter() {
    let shop = shop();
    for (query, found) in [
        ("", &["top-hat", "red-shirt", "free-sample"][..]),
        ("min_price=0&max_price=0", &["free-sample"]),
        ("max_price=0", &["free-sample"]),
        ("min_price=0", &["top-hat", "red-shirt", "free-sample"]),
        ("min_price=1", &["top-hat", "red-shirt"]),
        ("min_price=1999&max_price=1999", &["red-shirt"]),
        ("max_price=1998", &["free-sample"]),
        ("in_stock=true", &["red-shirt", "free-sample"]),
        ("in_stock=false", &["top-hat"]),
        ("featured=true", &["red-shirt"]),
        ("featured=false", &["top-hat", "free-sample"]),
        ("tag=gift", &["free-sample"]),
        ("vendor=ACME", &["red-shirt", "free-sample"]),
        ("product_type=hats", &["top-hat"]),
        ("category=tops", &["top-hat", "red-shirt"]),
        ("category=shirts", &["red-shirt"]),
        ("category=tops&max_price=5000&vendor=acme", &["red-shirt"]),
        ("q=shirt", &["top-hat", "red-shirt"]),
        ("q=shirt&featured=true", &["red-shirt"]),
        ("vendor=nobody", &[]),
        ("currency=USD&min_price=0", &[]),
        ("sort=created_at", &["free-sample", "red-shirt", "top-hat"]),
        ("sort=-created_at", &["top-hat", "red-shirt", "free-sample"]),
        ("sort=price", &["free-sample", "red-shirt", "top-hat"]),
        ("sort=-price", &["top-hat", "red-shirt", "free-sample"]),
        ("sort=title", &["free-sample", "red-shirt", "top-hat"]),
        ("sort=-title", &["top-hat", "red-shirt", "free-sample"]),
    ] {
        assert_eq!(shop.slugs(&format!("/products?{query}")), found, "{query}");
    }
    let tops = shop.get("/categories/tops").json();
    assert_eq!(shop.slugs(&format!("/products?category={}", id(&tops))).len(), 2);
    // What is in a hidden category is found, but not by it.
    let hide = format!("/categories/{}", id(&tops));
    shop.staff("PATCH", &hide, json!({ "active": false }));
    assert_eq!(pointers(&shop.get("/products?category=shirts")), ["/category"]);
    assert_eq!(shop.slugs("/products").len(), 3);
    let staff = shop.staff_get("/products?category=shirts&status=active").json();
    assert_eq!(slugs(&staff), ["red-shirt"]);
}

#[test]
fn a_category_that_is_moved_takes_its_products_along_at_once() {
    let shop = shop();
    let found = || shop.slugs("/products?category=tops");
    let tops = shop.get("/categories/tops").json();
    let shirts = format!("/categories/{}", id(&shop.get("/categories/shirts").json()));
    for (parent, below) in [
        (json!(null), &["top-hat"][..]),
        (json!(id(&tops)), &["top-hat", "red-shirt"]),
        (json!(null), &["top-hat"]),
    ] {
        let moved = shop.staff("PATCH", &shirts, json!({ "parent_id": parent }));
        assert_eq!(moved.status, 200, "{}", moved.text());
        assert_eq!(found(), below);
    }
}

#[test]
fn queries_that_make_no_sense_are_refused() {
    let shop = shop();
    for (query, pointer) in [
        ("min_price=1.5", "/min_price"),
        ("min_price=-1", "/min_price"),
        ("max_price=ten", "/max_price"),
        ("max_price=9007199254740992", "/max_price"),
        ("max_price=", "/max_price"),
        ("in_stock=maybe", "/in_stock"),
        ("featured=1", "/featured"),
        ("sort=colour", "/sort"),
        ("sort=", "/sort"),
        ("currency=XXL", "/currency"),
        ("status=sold", "/status"),
        ("category=nothing", "/category"),
        ("category=", "/category"),
        ("tag=", "/tag"),
        ("q=", "/q"),
        ("q=%21%21", "/q"),
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("cursor=x", "/cursor"),
        ("cursor=e30", "/cursor"),
        ("page=2", "/page"),
    ] {
        for path in ["/products", "/products/search"] {
            // Without `q`, that would be what is wrong with a search.
            let q = if path.ends_with("search") && !query.starts_with("q=") { "&q=a" } else { "" };
            let answer = shop.staff_get(&format!("{path}?{query}{q}"));
            assert_eq!(pointers(&answer), [pointer], "{path}?{query}");
            assert_eq!(answer.json()["errors"][0]["in"], "query");
        }
    }
    assert_eq!(pointers(&shop.get("/products/search")), ["/q"]);
    let long = "a".repeat(256);
    assert_eq!(pointers(&shop.get(&format!("/products/search?q={long}"))), ["/q"]);
}

#[test]
fn a_search_ranks() {
    let shop = Fixture::open();
    shop.sell("Scarf", 900, 0, json!({ "description": "<p>Goes with a lamp</p>" }));
    shop.sell("Lampshade", 2900, 0, json!({}));
    shop.sell("Lamp", 5900, 0, json!({}));
    shop.sell("Candle", 100, 0, json!({ "tags": ["lamp"] }));
    let found = |query: &str| shop.slugs(&format!("/products/search?{query}"));
    // The title weighs more than a tag, that more than the description; a whole word more than
    // its beginning. Equal ones: the newest first.
    assert_eq!(found("q=lamp"), ["lamp", "candle", "lampshade", "scarf"]);
    assert_eq!(found("q=LAMP&sort=price"), ["candle", "scarf", "lampshade", "lamp"]);
    assert_eq!(found("q=lamp+shade"), [""; 0]);
    assert_eq!(found("q=lamps"), ["lampshade"]);
    assert_eq!(found("q=lamp&max_price=1000"), ["candle", "scarf"]);
    let first = shop.get("/products/search?q=lamp&limit=2&total=true").json();
    assert_eq!((slugs(&first), &first["total"]), (vec!["lamp".into(), "candle".into()], &json!(4)));
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(found(&format!("q=lamp&limit=2&cursor={cursor}")), ["lampshade", "scarf"]);
}

/// Every page of a list, each item once.
fn paged(shop: &Fixture, query: &str, limit: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = shop.get(&format!("/products?{query}&limit={limit}{cursor}")).json();
        let slugs = slugs(&page);
        assert!(slugs.len() <= limit);
        all.extend(slugs);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break all,
        }
    }
}

#[test]
fn paging_gives_each_product_once_in_every_order() {
    let shop = Fixture::open();
    for n in 0..23 {
        // Many share a price, and titles are as long as they may be.
        let title = format!("{}{n:02}", "\u{1f9e6}".repeat(253));
        let variant = json!([{ "sku": n.to_string(), "price": eur(n % 3) }]);
        let body = json!({ "title": title, "slug": format!("p{n:02}"), "status": "active", "variants": variant });
        if n % 4 == 0 {
            shop.create("/products", body);
        } else {
            assert_eq!(shop.staff("POST", "/products", body).status, 201);
        }
    }
    for sort in ["created_at", "-created_at", "price", "-price", "title", "-title"] {
        let query = format!("sort={sort}");
        let whole = paged(&shop, &query, 100);
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 23);
        for limit in [1, 4, 22, 23, 24] {
            assert_eq!(paged(&shop, &query, limit), whole, "{sort} by {limit}");
        }
        if let Some(sort) = sort.strip_prefix('-') {
            let turned: Vec<_> =
                paged(&shop, &format!("sort={sort}"), 5).into_iter().rev().collect();
            assert_eq!(turned, whole);
        }
    }
    let page = shop.get("/products?limit=5&total=true").json();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["total"]), (5, &json!(23)));
}

#[test]
fn a_cursor_belongs_to_its_query() {
    let shop = shop();
    let cursor = |sort: &str| {
        let page = shop.get(&format!("/products?limit=1&sort={sort}")).json();
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    for of in ["title", "price", "-price", "created_at"] {
        let same = format!("/products?cursor={}&sort={of}&limit=2", cursor(of));
        assert_eq!(shop.get(&same).status, 200);
        for sort in ["title", "price", "-price", "created_at"].into_iter().filter(|s| *s != of) {
            let answer = shop.get(&format!("/products?sort={sort}&cursor={}", cursor(of)));
            assert_eq!(pointers(&answer), ["/cursor"], "{of} {sort}");
        }
        let other = shop.get(&format!("/products?sort={of}&in_stock=true&cursor={}", cursor(of)));
        assert_eq!(pointers(&other), ["/cursor"]);
    }
    let answer = shop.staff_get(&format!("/stock?cursor={}", cursor("price")));
    assert_eq!(pointers(&answer), ["/cursor"]);
    // Whoever makes up the rest of one reads from some place or other.
    let name = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(cursor("title")).unwrap();
    let made_up = br#"{"key":5,"id":"00000000-0000-0000-0000-000000000000"}"#;
    let made_up = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode([&name[..8], made_up].concat());
    assert_eq!(shop.get(&format!("/products?sort=title&cursor={made_up}")).status, 200);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_query_is_answered_or_refused(
        pairs in prop::collection::vec((name(), value()), 0..6),
        search in any::<bool>(),
    ) {
        thread_local!(static SHOP: Fixture = shop());
        SHOP.with(|shop| {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&pairs)
                .finish();
            let path = if search { "/products/search" } else { "/products" };
            // The fixture checks that the answer is documented.
            let answer = shop.staff_get(&format!("{path}?{query}"));
            prop_assert!([200, 422].contains(&answer.status), "{query}");
            if answer.status == 200 && let Some(cursor) = answer.json()["next_cursor"].as_str() {
                let next = shop.staff_get(&format!("{path}?{query}&cursor={cursor}"));
                let first = pairs.iter().all(|(name, _)| name != "cursor");
                prop_assert_eq!(next.status, if first { 200 } else { 422 }, "{}", query);
            }
            Ok(())
        })?;
    }
}

fn name() -> impl Strategy<Value = String> {
    let known = [
        "category",
        "tag",
        "vendor",
        "product_type",
        "q",
        "min_price",
        "max_price",
        "in_stock",
        "featured",
        "sort",
        "currency",
        "status",
        "limit",
        "cursor",
        "total",
    ];
    prop_oneof![20 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => ".{0,10}"]
}

fn value() -> impl Strategy<Value = String> {
    let known = [
        "true",
        "false",
        "0",
        "1",
        "1999",
        "price",
        "-title",
        "EUR",
        "active",
        "shirts",
        "red",
        "e30",
        "eyJrZXkiOjEsImlkIjoiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIn0",
    ];
    prop_oneof![8 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => ".{0,40}"]
}

//! The shop's configuration.

use serde_json::{Value, json};

use super::{Fixture, Sent, eur, pointers};

#[test]
fn the_configuration_is_read_changed_and_sent_back() {
    let shop = Fixture::open();
    let read = shop.staff_get("/shop");
    let mut body = read.json();
    assert_eq!(body["currency"], "EUR");
    body["name"] = json!("Linen & Co.");
    let parcel = json!({
        "name": "Parcel",
        "rate": { "type": "flat", "price": eur(490) },
        "countries": ["DE", "AT"],
    });
    body["shipping_methods"] = json!([parcel]);
    body["taxes"] = json!([{ "label": "VAT 19 %", "country": "DE", "rate": "0.19" }]);
    let etag = ("if-match", read.header("etag"));
    let done = shop.staff_with(etag, "PATCH", "/shop", body.clone());
    assert_eq!((done.status, &done.json()["name"]), (200, &body["name"]));
    let again = shop.staff_get("/shop");
    assert_eq!((again.json(), again.header("etag")), (done.json(), done.header("etag")));
    shop.staff_with(etag, "PATCH", "/shop", body).problem(412, "version_mismatch");

    // What has an id keeps it, what is new is given one.
    let mut body = done.json();
    body["shipping_methods"].as_array_mut().unwrap().push(parcel);
    let done = shop.staff("PATCH", "/shop", body.clone()).json();
    let given = done["shipping_methods"][1]["id"].clone();
    assert!(given.as_str().is_some_and(|id| id.starts_with("ship_")), "{done}");
    assert_ne!(given, body["shipping_methods"][0]["id"]);
    body["shipping_methods"][1] = done["shipping_methods"][1].clone();
    assert_eq!(done, body);

    let now = shop.staff_get("/shop");
    let known = [("authorization", shop.bearer()), ("if-none-match", now.header("etag"))];
    assert_eq!(shop.send("GET", "/shop", Sent { headers: &known, body: None }).status, 304);
}

#[test]
fn everybody_may_know_a_little() {
    let shop = Fixture::open();
    let profile = shop.get("/shop/profile").json();
    assert_eq!(
        profile,
        json!({
            "name": "Test",
            "currency": "EUR",
            "prices_include_tax": false,
            "shipping_countries": null,
            "payment_gateways": ["manual"],
        })
    );
    let mut body = shop.staff_get("/shop").json();
    let method = |id: &str, countries: Value, active: bool| {
        let id = format!("ship_019aa5a2f5e07c3c9d3b6f1f0a6c2e{id}");
        let rate = json!({ "type": "flat", "price": eur(490) });
        json!({ "id": id, "name": "P", "rate": rate, "countries": countries, "active": active })
    };
    body["shipping_methods"] = json!([
        method("11", json!(["DE", "AT"]), true),
        method("12", json!(["CH", "DE"]), true),
        method("13", json!([]), false),
    ]);
    assert_eq!(shop.staff("PATCH", "/shop", body).status, 200);
    let profile = shop.get("/shop/profile").json();
    assert_eq!(profile["shipping_countries"], json!(["AT", "CH", "DE"]));
}

#[test]
fn what_is_on_offer_can_be_sent_in_the_shops_currency() {
    let shop = Fixture::open();
    let method = |currency: &str| {
        let rate = json!({ "type": "flat", "price": { "amount": 490, "currency": currency } });
        json!({ "name": "Parcel", "rate": rate })
    };
    let with = |methods: Value| {
        let answer = shop.staff("PATCH", "/shop", json!({ "shipping_methods": methods }));
        (answer.status == 422).then(|| answer.problem(422, "validation_failed")["errors"].clone())
    };
    let before = shop.staff_get("/shop").json();
    let refused = json!([{
        "in": "body",
        "pointer": "/shipping_methods",
        "detail": "must have an active method priced in EUR, the shop's currency",
    }]);
    assert_eq!(with(json!([method("USD")])), Some(refused));
    assert_eq!(shop.staff_get("/shop").json(), before);
    assert_eq!(with(json!([method("USD"), method("EUR")])), None);
}

#[test]
fn what_is_wrong_with_a_configuration_is_pointed_at() {
    let shop = Fixture::open();
    let good = shop.staff_get("/shop").json();
    let tax = |rate: Value| json!([{ "label": "VAT", "rate": rate }]);
    for (pointer, value) in [
        ("/name", json!("")),
        ("/currency", json!("EUX")),
        ("/limits/lines_max", json!(0)),
        ("/limits/lines_max", json!(2_001)),
        ("/limits/cart_idle_days", json!(-1)),
        ("/payment_terms", json!({ "manual": null })),
        ("/home", json!({ "country": "de" })),
        ("/taxes", json!([{ "rate": 0.19 }])),
        ("/taxes/0/rate", tax(json!(0.19))),
        ("/taxes/0/rate", tax(json!("19 %"))),
        ("/taxes/0", tax(json!("19"))),
        ("/taxes/0/id", json!([{ "id": "ship_1", "label": "VAT", "rate": "0.19" }])),
    ] {
        let field = pointer.split("/0").next().unwrap();
        let mut body = good.clone();
        *body.pointer_mut(field).unwrap() = value;
        let found = pointers(&shop.staff("PATCH", "/shop", body));
        assert!(found[0].starts_with(pointer), "{pointer}: {found:?}");
    }
    assert_eq!(shop.staff_get("/shop").json(), good);
}

#[test]
fn a_part_of_the_configuration_is_changed() {
    let shop = Fixture::open();
    let before = shop.staff_get("/shop");
    let cards = json!({
        "payment_terms": { "stripe": { "kind": "prepaid", "days": 1 } },
        "capture": { "stripe": "on_fulfillment" },
    });
    let done = shop.staff("PATCH", "/shop", cards.clone());
    let mut expected = before.json();
    expected["payment_terms"]["stripe"] = cards["payment_terms"]["stripe"].clone();
    expected["capture"] = cards["capture"].clone();
    assert_eq!((done.status, done.json()), (200, expected.clone()));
    assert_eq!(shop.staff_get("/shop").json(), expected);
    // What is offered and this server cannot take is not shown to customers.
    assert_eq!(shop.get("/shop/profile").json()["payment_gateways"], json!(["manual"]));

    let stale = ("if-match", before.header("etag"));
    shop.staff_with(stale, "PATCH", "/shop", cards).problem(412, "version_mismatch");
    for (pointer, body) in [
        ("/name", json!({ "name": null })),
        ("/nmae", json!({ "nmae": "x" })),
        (
            "/payment_terms/stripe/days",
            json!({ "payment_terms": { "stripe": { "kind": "prepaid" } } }),
        ),
        ("/payment_terms", json!({ "payment_terms": { "manual": null, "stripe": null } })),
        ("/capture/card", json!({ "capture": { "card": "manual" } })),
        ("/limits/lines_max", json!({ "limits": { "lines_max": 0 } })),
    ] {
        let refused = shop.staff("PATCH", "/shop", body);
        assert_eq!(pointers(&refused), [pointer]);
    }
    shop.send("PATCH", "/shop", Sent::default()).problem(401, "unauthenticated");
    assert_eq!(shop.staff_get("/shop").json(), expected);
    let without = json!({ "payment_terms": { "stripe": null } });
    assert_eq!(shop.staff("PATCH", "/shop", without).json(), before.json());
}

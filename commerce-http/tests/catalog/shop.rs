//! The shop's configuration.

use serde_json::{Value, json};

use super::{Fixture, Sent, eur, pointers};

#[test]
fn the_configuration_is_read_and_replaced() {
    let shop = Fixture::open();
    let read = shop.staff_get("/shop");
    let mut body = read.json();
    assert_eq!(body["currency"], "EUR");
    body["name"] = json!("Linen & Co.");
    body["shipping_methods"] = json!([{
        "id": "ship_019aa5a2f5e07c3c9d3b6f1f0a6c2e11",
        "name": "Parcel",
        "rate": { "type": "flat", "price": eur(490) },
        "countries": ["DE", "AT"],
    }]);
    let etag = ("if-match", read.header("etag"));
    let put = shop.staff_with(etag, "PUT", "/shop", body.clone());
    assert_eq!((put.status, &put.json()["name"]), (200, &body["name"]));
    let again = shop.staff_get("/shop");
    assert_eq!((again.json(), again.header("etag")), (put.json(), put.header("etag")));
    shop.staff_with(etag, "PUT", "/shop", body).problem(412, "version_mismatch");
    let known = [("authorization", shop.bearer()), ("if-none-match", put.header("etag"))];
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
    assert_eq!(shop.staff("PUT", "/shop", body).status, 200);
    let profile = shop.get("/shop/profile").json();
    assert_eq!(profile["shipping_countries"], json!(["AT", "CH", "DE"]));
}

#[test]
fn what_is_wrong_with_a_configuration_is_pointed_at() {
    let shop = Fixture::open();
    let good = shop.staff_get("/shop").json();
    let id = "tax_0190a000000070008000000000000001";
    let tax = |rate: Value| json!([{ "id": id, "label": "VAT", "rate": rate }]);
    for (pointer, value) in [
        ("/name", json!("")),
        ("/currency", json!("EUX")),
        ("/limits/lines_max", json!(0)),
        ("/limits/lines_max", json!(2_001)),
        ("/limits/cart_idle_days", json!(-1)),
        ("/payment_terms", json!({})),
        ("/home", json!({ "country": "de" })),
        ("/taxes", json!([{ "rate": 0.19 }])),
        ("/taxes/0/rate", tax(json!(0.19))),
        ("/taxes/0/rate", tax(json!("19 %"))),
    ] {
        let field = pointer.trim_end_matches("/0/rate");
        let mut body = good.clone();
        *body.pointer_mut(field).unwrap() = value;
        let found = pointers(&shop.staff("PUT", "/shop", body));
        assert!(found[0].starts_with(pointer), "{pointer}: {found:?}");
    }
    assert_eq!(shop.staff_get("/shop").json(), good);
}

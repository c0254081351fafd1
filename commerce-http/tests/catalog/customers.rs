//! Customers and tokens, for the back office.

use serde_json::{Value, json};

use super::{Fixture, id, pointers};

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

fn home(country: &str) -> Value {
    json!({ "name": "Ada", "line1": "Street 1", "city": "Town", "country": country })
}

#[test]
fn a_customer_is_entered_read_changed_and_erased() {
    let shop = Fixture::open();
    let fields = json!({ "email": "Ada@Example.com", "name": "Ada King", "external_id": "K-1" });
    let made = shop.staff("POST", "/customers", fields.clone());
    assert_eq!(made.status, 201);
    let customer = made.json();
    let path = format!("/customers/{}", id(&customer));
    assert_eq!(made.header("location"), &path[1..]);
    assert_eq!(customer["email_verified"], false);
    let read = shop.staff_get(&path);
    assert_eq!((read.json(), read.header("etag")), (customer.clone(), made.header("etag")));
    let same = shop.staff("POST", "/customers", json!({ "email": "ADA@example.com" }));
    same.problem(409, "conflict");

    let change = json!({ "name": null, "external_id": "K-2", "note": "Calls on Mondays" });
    let stale = shop.staff_with(("if-match", "\"9-x\""), "PATCH", &path, change.clone());
    stale.problem(412, "version_mismatch");
    let etag = made.header("etag").to_owned();
    let changed = shop.staff_with(("if-match", &etag), "PATCH", &path, change);
    assert_eq!(changed.json()["name"], Value::Null);
    assert_eq!(
        (&changed.json()["external_id"], &changed.json()["version"]),
        (&json!("K-2"), &json!(2))
    );
    let wrong = shop.staff("PATCH", &path, json!({ "email": "nobody", "colour": 1 }));
    assert!(!pointers(&wrong).is_empty());

    let stale = shop.staff_with(("if-match", &etag), "DELETE", &path, None);
    stale.problem(412, "version_mismatch");
    assert_eq!(shop.staff("DELETE", &path, None).status, 204);
    shop.staff_get(&path).problem(404, "not_found");
    shop.staff("DELETE", &path, None).problem(404, "not_found");
    assert_eq!(shop.staff("POST", "/customers", fields).status, 201, "they may come again");
}

#[test]
fn customers_are_found_by_words_page_by_page() {
    let shop = Fixture::open();
    for name in ["Ada King", "Bo King", "Cy Smith"] {
        let email = format!("{}@example.com", name[..2].to_lowercase());
        shop.create("/customers", json!({ "name": name, "email": email }));
    }
    let page = shop.staff_get("/customers?limit=2&total=true").json();
    assert_eq!((names(&page), &page["total"]), (vec!["Cy Smith", "Bo King"], &json!(3)));
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = shop.staff_get(&format!("/customers?cursor={cursor}")).json();
    assert_eq!(names(&next), ["Ada King"]);
    let other = shop.staff_get(&format!("/customers?q=king&cursor={cursor}"));
    assert_eq!(pointers(&other), ["/cursor"]);
    assert_eq!(names(&shop.staff_get("/customers?q=KIN").json()), ["Bo King", "Ada King"]);
    assert_eq!(names(&shop.staff_get("/customers?q=ad%40example.com").json()), ["Ada King"]);
    assert_eq!(pointers(&shop.staff_get("/customers?q=%2A")), ["/q"]);
    shop.get("/customers").problem(401, "unauthenticated");
}

#[test]
fn addresses_are_entered_replaced_and_removed() {
    let shop = Fixture::open();
    let customer = shop.create("/customers", json!({ "name": "Ada" }));
    let path = format!("/customers/{}/addresses", id(&customer));
    let with_one = shop.create(&path, json!({ "address": home("DE") }));
    assert_eq!(with_one["addresses"][0]["address"], {
        let mut full = home("DE");
        for absent in ["company", "line2", "region", "postal_code", "phone"] {
            full[absent] = Value::Null;
        }
        full
    });
    assert_eq!(with_one["addresses"][0]["default_billing"], true);
    let second = json!({ "address": home("FR"), "default_shipping": true });
    let with_two = shop.create(&path, second);
    let of_second = format!("{path}/{}", id(&with_two["addresses"][1]));
    let replaced = shop.staff("PUT", &of_second, json!({ "address": home("IT") })).json();
    assert_eq!(replaced["addresses"][1]["address"]["country"], "IT");
    assert_eq!(replaced["addresses"][0]["default_shipping"], true, "the other one is, again");
    let wrong = shop.staff("PUT", &of_second, json!({ "address": home("Italy") }));
    assert_eq!(pointers(&wrong), ["/address/country"]);
    assert_eq!(shop.staff_get(&path).json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        shop.staff("DELETE", &of_second, None).json()["addresses"].as_array().unwrap().len(),
        1
    );
    shop.staff("DELETE", &of_second, None).problem(404, "not_found");
    shop.get(&path).problem(401, "unauthenticated");
}

#[test]
fn tokens_are_listed_and_withdrawn() {
    let shop = Fixture::open();
    let listed = shop.staff_get("/tokens").json();
    let own = listed["items"][0].clone();
    assert_eq!(
        (&own["label"], &own["scope"], &own["revoked_at"]),
        (&json!("tests"), &json!("admin"), &Value::Null)
    );
    let secret = shop.bearer().strip_prefix("Bearer ").unwrap();
    assert!(!listed.to_string().contains(secret) && own.get("digest").is_none());
    shop.get("/tokens").problem(401, "unauthenticated");
    shop.staff("DELETE", "/tokens/tok_00000000000000000000000000000007", None)
        .problem(404, "not_found");
    let path = format!("/tokens/{}", id(&own));
    shop.send("DELETE", &path, super::Sent::default()).problem(401, "unauthenticated");
    let revoked = shop.staff("DELETE", &path, None);
    assert_eq!(revoked.status, 200);
    assert!(revoked.json()["revoked_at"].is_string());
    shop.staff_get("/tokens").problem(401, "unauthenticated");
}

//! The document against the server: every example works, and nothing that it allows or forbids
//! makes the server fail.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU32, Ordering},
};

use commerce_core::{catalog::Product, gateway::ScriptedGateway, text::GatewayName};
use commerce_http::problem::Code;
use pollster::block_on;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{
    Fixture, Sent, id,
    support::{
        Answer,
        contract::{Contract, Operation, is_parameter, nonsense},
        shop::manual,
    },
};

/// A shop with one of each, by the name of the parameter that names it.
fn furnished() -> (Fixture, BTreeMap<&'static str, String>) {
    let shop = Fixture::open();
    let category = shop.create("/categories", json!({ "title": "Tops" }));
    let product = shop.sell(
        "Shirt",
        1999,
        50,
        json!({ "categories": [id(&category)], "images": [{ "url": "/a.jpg" }] }),
    );
    let location = shop.staff_get("/locations").json()["items"][0].clone();
    let customer = shop.create("/customers", json!({ "name": "Ada" }));
    let address = json!({ "name": "Ada", "line1": "Street 1", "city": "Town", "country": "GB" });
    let addresses = format!("/customers/{}/addresses", id(&customer));
    let customer = shop.create(&addresses, json!({ "address": address }));
    let line = json!({ "variant_id": id(&product["variants"][0]), "quantity": 1 });
    let cart = shop.create("/carts", json!({ "lines": [line] }));
    let bought = shop.create("/carts", json!({ "lines": [line], "email": "ada@example.com" }));
    let placed = send(&shop, "POST", &format!("/carts/{}/checkout", id(&bought)), manual());
    assert_eq!(placed.status, 201, "{}", placed.text());
    let names = BTreeMap::from([
        ("products", id(&product).to_owned()),
        ("variants", id(&product["variants"][0]).to_owned()),
        ("images", id(&product["images"][0]).to_owned()),
        ("categories", id(&category).to_owned()),
        ("locations", id(&location).to_owned()),
        ("customers", id(&customer).to_owned()),
        ("addresses", id(&customer["addresses"][0]).to_owned()),
        ("carts", id(&cart).to_owned()),
        ("lines", id(&cart["lines"][0]).to_owned()),
        ("orders", id(&placed.json()["order"]).to_owned()),
    ]);
    (shop, names)
}

/// What the back office sends, under a key of its own, which some operations need.
#[track_caller]
pub(super) fn send(
    shop: &Fixture,
    method: &str,
    address: &str,
    body: impl Into<Option<Value>>,
) -> Answer {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let key = format!("contract-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    shop.staff_with(("idempotency-key", &key), method, address, body)
}

/// Brings the order as far as an operation on it needs.
fn prepare(shop: &Fixture, names: &BTreeMap<&str, String>, operation: Operation<'_>) {
    let before: &[&str] = match operation.template.rsplit('/').next() {
        Some("refunds" | "fulfillments") => &["capture"],
        Some("deliver") => &["capture", "fulfillments"],
        _ => &[],
    };
    for step in before {
        let address = format!("/orders/{}/{step}", names["orders"]);
        let answer = send(shop, "POST", &address, None);
        assert!(answer.status < 300, "{address}: {}", answer.text());
    }
}

/// An order that was paid, and of whose payment its provider then says what cannot be.
fn in_review(shop: &mut Fixture, variant: &str) -> String {
    let card = GatewayName::new("card").unwrap();
    let gateway = ScriptedGateway::new(card.clone());
    shop.0.restart(|commerce| commerce.with_gateway(gateway.clone()));
    let terms = json!({ "payment_terms": { "card": { "kind": "prepaid", "days": 1 } } });
    assert_eq!(shop.staff("PATCH", "/shop", terms).status, 200);
    let line = json!({ "variant_id": variant, "quantity": 1 });
    let cart = shop.create("/carts", json!({ "lines": [line], "email": "ada@example.com" }));
    let choice = json!({ "payment": { "gateway": "card" } });
    let placed = send(shop, "POST", &format!("/carts/{}/checkout", id(&cart)), choice).json();
    let payment = id(&placed["payment"]).parse().unwrap();
    assert!(gateway.change(payment, |it| it.account.livemode = !it.account.livemode));
    let (headers, body) = gateway.webhook(gateway.webhooks() - 1).unwrap();
    let commerce = &shop.0.commerce;
    let receipt = block_on(commerce.receive_webhook(&card, &headers, &body)).unwrap();
    assert!(block_on(commerce.handle_webhook(receipt.id)).unwrap());
    id(&placed["order"]).to_owned()
}

/// The address of an operation below the base path, with parameters filled in.
fn address(operation: Operation<'_>, names: &BTreeMap<&str, String>) -> Option<String> {
    let path = operation.template.strip_prefix("/api/v1")?;
    let mut before = "";
    let mut address = String::new();
    for segment in path.split('/').skip(1) {
        address.push('/');
        match is_parameter(segment) {
            true => address.push_str(names.get(before)?),
            false => address.push_str(segment),
        }
        before = segment;
    }
    Some(address)
}

const OURS: [&str; 11] = [
    "products",
    "variants",
    "images",
    "categories",
    "stock",
    "locations",
    "shop",
    "customers",
    "carts",
    "orders",
    "documents",
];

pub(super) fn ours(operation: Operation<'_>) -> bool {
    OURS.iter().any(|tag| operation.value["tags"][0] == **tag)
}

/// A shop in which an operation can be done, its address there, and the example of its body.
pub(super) fn ready(operation: Operation<'_>) -> Option<(Fixture, String, Option<Value>)> {
    let (mut shop, mut names) = furnished();
    let mut example = Contract::of_server().example(operation);
    if operation.method == "post" && operation.template.ends_with("/variants") {
        // The example has an option.
        let body = json!({ "title": "Linen", "options": [{ "name": "Size" }] });
        names.insert("products", id(&shop.create("/products", body)).to_owned());
    }
    if let Some(variant) = example.as_mut().and_then(|example| example.get_mut("variant_id")) {
        // Nobody can know it beforehand.
        *variant = names["variants"].clone().into();
    }
    if operation.template.ends_with("/review") {
        names.insert("orders", in_review(&mut shop, &names["variants"]));
    }
    prepare(&shop, &names, operation);
    let address = address(operation, &names)?;
    Some((shop, address, example))
}

#[test]
fn every_example_of_a_request_works() {
    let mut tried = 0;
    for operation in Contract::of_server().operations().filter(|operation| ours(*operation)) {
        let body = &operation.value["requestBody"];
        // Each in a shop of its own: what one takes away, another needs.
        let Some((shop, address, Some(example))) = ready(operation) else {
            assert!(body.is_null(), "{} {} has no example", operation.method, operation.template);
            continue;
        };
        let answer = send(&shop, &operation.method.to_uppercase(), &address, example);
        assert!([200, 201].contains(&answer.status), "{address}: {}", answer.text());
        tried += 1;
    }
    assert!(tried >= 24, "{tried}");
}

#[test]
fn no_write_to_something_that_has_changed_meanwhile_goes_through() {
    let (shop, names) = furnished();
    let versioned =
        ["products", "variants", "images", "categories", "locations", "shop", "orders", "carts"];
    let mut tried = 0;
    for operation in Contract::of_server().operations() {
        let of_one = operation.template.contains('{') || operation.template.ends_with("/shop");
        let about = versioned.iter().any(|tag| operation.value["tags"][0] == **tag);
        if operation.method == "get" || !of_one || !about {
            continue;
        }
        let address = address(operation, &names).unwrap();
        let (method, key) = (operation.method.to_uppercase(), format!("{address} {tried}"));
        let headers = [
            ("authorization", shop.bearer()),
            ("idempotency-key", key.as_str()),
            ("if-match", "\"999999.0\""),
        ];
        let sent = Sent { headers: &headers, body: Contract::of_server().example(operation) };
        shop.send(&method, &address, sent).problem(412, "version_mismatch");
        tried += 1;
    }
    assert!(tried >= 25, "{tried}");
}

#[test]
fn a_parameter_that_is_not_listed_is_refused_and_nothing_is_done() {
    let (shop, names) = furnished();
    let mut tried = 0;
    for operation in Contract::of_server().operations() {
        let somebodys = operation.value["security"].is_array();
        let Some(address) = address(operation, &names).filter(|_| somebodys) else { continue };
        let method = operation.method.to_uppercase();
        let body = Contract::of_server().example(operation);
        let refused = send(&shop, &method, &format!("{address}?colour=red"), body);
        let refused = refused.problem(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/colour", "{method} {address}");
        assert_eq!(refused["errors"][0]["in"], "query", "{method} {address}");
        tried += 1;
    }
    assert!(tried >= 60, "{tried}");
    // Who may not do it hears so first, and what says nothing is nothing.
    shop.get("/tokens?colour=red").problem(401, "unauthenticated");
    assert_eq!(shop.staff_get("/shop?").status, 200);
    assert_eq!(shop.get("/openapi.json?v=2").status, 200);
}

/// The examples of an answer's body: the one of what succeeds, or one for each code of a problem.
fn examples(content: &Value) -> BTreeMap<&str, &Value> {
    let of_codes = content["examples"].as_object().into_iter().flatten();
    let of_codes = of_codes.map(|(code, example)| (code.as_str(), &example["value"]));
    content.get("example").map(|example| ("", example)).into_iter().chain(of_codes).collect()
}

#[test]
fn every_answer_has_examples_as_its_schema_says() {
    let (mut good, mut bad) = (0, 0);
    for operation in Contract::of_server().operations() {
        for (status, response) in operation.value["responses"].as_object().unwrap() {
            for (kind, content) in response["content"].as_object().into_iter().flatten() {
                let at = format!("{} {} {status}", operation.method, operation.template);
                let (examples, about) = (examples(content), response["description"].as_str());
                for example in examples.values() {
                    Contract::of_server().valid(&content["schema"], example, &at).unwrap();
                }
                let shown: BTreeSet<&str> = examples.keys().copied().collect();
                if kind == "application/problem+json" {
                    let named = |code: &&Code| about.unwrap().contains(&format!("`{code}`"));
                    let due: BTreeSet<_> =
                        Code::ALL.iter().filter(named).map(|code| code.as_str()).collect();
                    assert!(!due.is_empty() && shown == due, "{at}: {shown:?} of {due:?}");
                    for (code, example) in examples {
                        assert_eq!(example["code"], code, "{at}");
                        assert_eq!(example["status"].to_string(), *status, "{at}");
                    }
                    bad += 1;
                } else if kind == "application/json" {
                    assert_eq!(Vec::from_iter(shown), [""], "{at}");
                    good += 1;
                }
            }
        }
    }
    assert!(good >= 65 && bad >= 500, "{good} {bad}");
}

#[test]
fn a_member_stands_in_the_problems_that_its_description_names() {
    let document = &Contract::of_server().0;
    let members = document["components"]["schemas"]["ProblemMembers"]["properties"].as_object();
    let problems: BTreeMap<&str, &Value> = Contract::of_server()
        .operations()
        .flat_map(|operation| operation.value["responses"].as_object().unwrap().values())
        .flat_map(|response| examples(&response["content"]["application/problem+json"]))
        .collect();
    for (member, schema) in members.unwrap() {
        let (codes, _) = schema["description"].as_str().unwrap().split_once(':').unwrap();
        let named: BTreeSet<&str> = codes.split('`').skip(1).step_by(2).collect();
        let having = problems.iter().filter(|(_, problem)| problem.get(member).is_some());
        assert_eq!(having.map(|(code, _)| *code).collect::<BTreeSet<_>>(), named, "{member}");
    }
    let errors = |code: &str| problems[code]["errors"][0]["pointer"].is_string();
    assert!(errors("validation_failed"));
}

#[test]
fn what_a_client_has_is_not_sent_again() {
    let (shop, names) = furnished();
    let mut tried = 0;
    for operation in Contract::of_server().operations().filter(|operation| ours(*operation)) {
        let (Some(address), true) =
            (address(operation, &names), operation.value["responses"]["304"].is_object())
        else {
            continue;
        };
        let first = shop.staff_get(&address);
        assert_eq!(first.status, 200, "{address}");
        let again = shop.staff_with(("if-none-match", first.header("etag")), "GET", &address, None);
        assert_eq!((again.status, again.body.len()), (304, 0), "{address}");
        let other = shop.staff_with(("if-none-match", "\"1.0\""), "GET", &address, None);
        assert_eq!((other.status, &other.body), (200, &first.body), "{address}");
        tried += 1;
    }
    assert!(tried >= 12, "{tried}");
}

#[test]
fn every_field_of_a_request_is_documented() {
    // What the server would take is told by its refusal of a field that it does not know.
    let (shop, names) = furnished();
    for operation in Contract::of_server().operations().filter(|operation| ours(*operation)) {
        let schema = &operation.value["requestBody"]["content"]["application/json"]["schema"];
        let (Some(address), false) = (address(operation, &names), schema.is_null()) else {
            continue;
        };
        let documented = Contract::of_server().properties(schema).unwrap();
        let method = operation.method.to_uppercase();
        let answer = send(&shop, &method, &address, json!({ "no_such_field": 1 }));
        let detail = answer.problem(422, "validation_failed")["errors"][0]["detail"].clone();
        for name in detail.as_str().unwrap().split('`').skip(3).step_by(2) {
            // Another name for `location`.
            assert!(documented.contains_key(name) || name == "location_id", "{address}: {name}");
        }
    }
}

/// Whether a person can read what a property is: one that names the variant of its object is told by that.
fn described(schema: &Value) -> bool {
    let tag = schema["enum"].as_array().is_some_and(|values| values.len() == 1);
    tag || schema["description"].is_string()
        || schema["oneOf"].as_array().is_some_and(|choices| choices.iter().any(described))
}

#[test]
fn every_field_is_described() {
    let schemas = Contract::of_server().0["components"]["schemas"].as_object().unwrap();
    let mut seen = 0;
    for (name, schema) in schemas {
        let parts = ["allOf", "oneOf"].map(|parts| schema[parts].as_array()).into_iter();
        for part in parts.flatten().flatten().chain([schema]) {
            for (field, property) in part["properties"].as_object().into_iter().flatten() {
                assert!(described(property), "{name}.{field}: {property}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 600, "{seen}");
}

#[test]
fn no_slug_hides_behind_another_address() {
    let paths = Contract::of_server().0["paths"].as_object().unwrap();
    let below = |list: &str| -> Vec<&str> {
        let segments = paths.keys().filter_map(|path| path.strip_prefix(list)?.split('/').next());
        segments.filter(|segment| !is_parameter(segment)).collect()
    };
    assert_eq!(below("/api/v1/products/"), Product::SLUGS_RESERVED);
    assert_eq!(below("/api/v1/categories/"), [""; 0]);
}

/// Whether a value may be null.
fn nullable(schema: &Value) -> bool {
    let types = schema["type"].as_array().into_iter().flatten();
    let choices = schema["oneOf"].as_array().into_iter().flatten().map(|choice| &choice["type"]);
    types.chain(choices).any(|kind| kind == "null")
}

#[test]
fn null_is_refused_where_there_is_nothing_to_clear() {
    let (shop, names) = furnished();
    let (mut refused, mut taken) = (0, 0);
    for operation in Contract::of_server().operations() {
        let schema = &operation.value["requestBody"]["content"]["application/json"]["schema"];
        let (Some(address), false) = (address(operation, &names), schema.is_null()) else {
            continue;
        };
        let method = operation.method.to_uppercase();
        for (name, property) in Contract::of_server().properties(schema).unwrap_or_default() {
            let key = ("idempotency-key", &*format!("null {method} {} {name}", operation.template));
            let answer = shop.staff_with(key, &method, &address, json!({ &name: null }));
            let at = format!("{method} {address} {name}: {}", answer.text());
            let body = answer.json();
            let errors = body["errors"].as_array().cloned().unwrap_or_default();
            let pointer = format!("/{name}");
            let error = errors.iter().find(|error| error["pointer"] == pointer.as_str());
            let detail = error.and_then(|error| error["detail"].as_str()).unwrap_or_default();
            assert_eq!(detail.starts_with("cannot be null"), !nullable(&property), "{at}");
            match nullable(&property) {
                true => taken += 1,
                false => refused += 1,
            }
        }
    }
    assert!(refused >= 60 && taken >= 40, "{refused} {taken}");
}

/// The pointers of all objects in a value, but for those below metadata, which is free.
pub(super) fn objects(value: &Value, at: &str) -> Vec<String> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(values) => {
            values.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect()
        }
        _ => Vec::new(),
    };
    let own = value.is_object().then(|| at.to_owned());
    let free = |key: &str| key == "metadata";
    let below = below.iter().filter(|(key, _)| !free(key));
    let below = below.flat_map(|(key, value)| objects(value, &format!("{at}/{key}")));
    own.into_iter().chain(below).collect()
}

#[test]
fn an_object_is_never_a_list_of_its_values() {
    let (shop, names) = furnished();
    let mut tried = 0;
    for operation in Contract::of_server().operations().filter(|operation| ours(*operation)) {
        let (Some(address), Some(mut example)) =
            (address(operation, &names), Contract::of_server().example(operation))
        else {
            continue;
        };
        let method = operation.method.to_uppercase();
        if operation.template.ends_with("/shop") {
            let step = json!({ "up_to_grams": 1000, "price": { "amount": 1, "currency": "EUR" } });
            let rate = json!({ "type": "by_weight", "steps": [step] });
            example["shipping_methods"][0]["rate"] = rate;
            assert_eq!(send(&shop, &method, &address, example.clone()).status, 200);
        }
        for pointer in objects(&example, "") {
            let mut body = example.clone();
            let object = body.pointer_mut(&pointer).unwrap();
            let values: Vec<Value> = object.as_object().unwrap().values().cloned().collect();
            *object = values.into();
            let answer = send(&shop, &method, &address, body);
            assert_eq!(super::pointers(&answer), [pointer], "{method} {address}");
            tried += 1;
        }
    }
    assert!(tried >= 45, "{tried}");
}

/// Values as a schema describes them, and now and then something else.
fn bodies(schema: &Value, depth: u32) -> BoxedStrategy<Value> {
    let schema = Contract::of_server().resolve(schema);
    let other = prop::sample::select(nonsense());
    let fitting = fitting(schema, depth);
    prop_oneof![30 => fitting, 1 => other].boxed()
}

fn fitting(schema: &Value, depth: u32) -> BoxedStrategy<Value> {
    for choice in ["oneOf", "anyOf"] {
        if let Some(options) = schema[choice].as_array() {
            let options: Vec<_> = options.iter().map(|o| bodies(o, depth)).collect();
            return prop::strategy::Union::new(options).boxed();
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return prop::sample::select(values.clone()).boxed();
    }
    if let Some(properties) = Contract::of_server().properties(schema) {
        let required = Contract::of_server().required(schema);
        let fields: Vec<_> = properties
            .iter()
            .map(|(name, property)| {
                let often = if required.contains(name) { 0.95 } else { 0.3 };
                let value = bodies(property, depth + 1);
                (Just(name.clone()), prop::option::weighted(often, value))
            })
            .collect();
        return fields
            .prop_map(|fields| {
                fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
            })
            .boxed();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => &kinds[0],
        kind => kind,
    };
    match kind.as_str().unwrap_or("object") {
        "string" if schema["pattern"].is_string() => {
            let within = |name: &str| schema[name].as_u64();
            let (min, max) = (within("minLength"), within("maxLength"));
            let pattern = schema["pattern"].as_str().unwrap();
            let inner = pattern.strip_prefix('^').unwrap().strip_suffix('$').unwrap();
            prop::string::string_regex(inner)
                .unwrap()
                .prop_filter("it has bounds", move |text| {
                    let length = text.chars().count() as u64;
                    min.is_none_or(|min| length >= min) && max.is_none_or(|max| length <= max)
                })
                .prop_map(Value::from)
                .boxed()
        }
        "string" => {
            let examples = schema["examples"].as_array().cloned().unwrap_or_default();
            let mut texts: Vec<Value> =
                vec![json!("a"), json!("Red"), json!("/a.jpg"), json!("0.5")];
            texts.extend(examples);
            prop_oneof![
                8 => prop::sample::select(texts),
                2 => ".{0,20}".prop_map(Value::from),
            ]
            .boxed()
        }
        "integer" | "number" => prop_oneof![
            8 => (0_i64..100).prop_map(Value::from),
            1 => any::<i64>().prop_map(Value::from),
            1 => any::<f64>().prop_map(Value::from),
        ]
        .boxed(),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "null" => Just(Value::Null).boxed(),
        "array" if depth < 4 => prop::collection::vec(bodies(&schema["items"], depth + 1), 0..3)
            .prop_map(Value::from)
            .boxed(),
        "array" => Just(json!([])).boxed(),
        _ => prop::collection::btree_map("[a-z]{1,5}", ".{0,5}", 0..3)
            .prop_map(|fields| json!(fields))
            .boxed(),
    }
}

#[test]
fn whatever_a_schema_allows_is_answered_as_documented() {
    let (shop, names) = furnished();
    let taken = RefCell::new(BTreeSet::new());
    for operation in Contract::of_server().operations().filter(|operation| ours(*operation)) {
        let Some(address) = address(operation, &names) else { continue };
        let schema = &operation.value["requestBody"]["content"]["application/json"]["schema"];
        let method = operation.method.to_uppercase();
        if schema.is_null() {
            continue;
        }
        let cases = Config { cases: 60, failure_persistence: None, ..Config::default() };
        let bodies = bodies(schema, 0);
        TestRunner::new(cases)
            .run(&bodies, |body| {
                // The fixture checks that the answer is documented.
                let answer = send(&shop, &method, &address, body);
                prop_assert!(answer.status < 500, "{}", answer.text());
                if answer.status < 300 {
                    taken.borrow_mut().insert(format!("{method} {}", operation.template));
                } else {
                    prop_assert_eq!(answer.header("content-type"), "application/problem+json");
                }
                Ok(())
            })
            .unwrap();
    }
    // Were all refused at the door, this would try little.
    let taken = taken.into_inner();
    assert!(taken.len() >= 6, "{taken:?}");
    assert_eq!(shop.get("/products").status, 200);
}

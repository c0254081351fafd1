//! What the document's schemas say of every value, and whether the server sees it so.

use serde_json::{Value, json};

use super::{
    contract::{objects, ours, ready, send},
    support::contract::{Contract, Operation},
};

/// Every schema below one, itself included and what it refers to; each with where it is.
fn below<'a>(schema: &'a Value, at: String, seen: &mut Vec<&'a str>) -> Vec<(String, &'a Value)> {
    let contract = Contract::of_server();
    if let Some(reference) = schema["$ref"].as_str() {
        if seen.contains(&reference) {
            return Vec::new();
        }
        seen.push(reference);
        return below(contract.resolve(schema), reference.to_owned(), seen);
    }
    let mut all = vec![(at.clone(), schema)];
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        all.extend(below(property, format!("{at}.{name}"), seen));
    }
    for part in ["oneOf", "anyOf", "allOf"] {
        for (index, part) in schema[part].as_array().into_iter().flatten().enumerate() {
            all.extend(below(part, format!("{at}|{index}"), seen));
        }
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            all.extend(below(&schema[inner], format!("{at}[]"), seen));
        }
    }
    all
}

fn is(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind
        || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&kind.into()))
}

fn body(operation: Operation<'_>) -> &Value {
    &operation.value["requestBody"]["content"]["application/json"]["schema"]
}

fn parameters(operation: Operation<'_>) -> impl Iterator<Item = &Value> {
    operation.value["parameters"].as_array().into_iter().flatten()
}

/// The schemas of everything that is sent.
fn sent() -> Vec<(String, &'static Value)> {
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for operation in Contract::of_server().operations() {
        let at = format!("{} {}", operation.method, operation.template);
        all.extend(below(body(operation), format!("{at} body"), &mut seen));
        for parameter in parameters(operation) {
            // In a path, what does not exist and what cannot is one; tags of versions are opaque.
            let name = parameter["name"].as_str().unwrap();
            if parameter["in"] != "path" && name != "If-Match" {
                all.extend(below(&parameter["schema"], format!("{at} {name}"), &mut seen));
            }
        }
    }
    all
}

#[test]
fn what_is_sent_has_bounds() {
    let (mut texts, mut integers, mut closed) = (0, 0, 0);
    for (at, schema) in sent() {
        let says = |any: &[&str]| any.iter().any(|name| !schema[name].is_null());
        if is(schema, "string") {
            assert!(says(&["maxLength", "enum", "format", "pattern"]), "{at}: {schema}");
            texts += 1;
        }
        if is(schema, "integer") {
            assert!(says(&["minimum"]) && says(&["maximum"]), "{at}: {schema}");
            integers += 1;
        }
        if is(schema, "object") && says(&["properties"]) {
            assert_eq!(schema["additionalProperties"], false, "{at}: {schema}");
            closed += 1;
        }
    }
    assert!(texts >= 50 && integers >= 25 && closed >= 40, "{texts} {integers} {closed}");
}

#[test]
fn the_format_of_an_integer_holds_all_of_it() {
    let mut seen = Vec::new();
    let mut left = vec![&Contract::of_server().0];
    while let Some(value) = left.pop() {
        left.extend(value.as_array().into_iter().flatten());
        left.extend(value.as_object().into_iter().flatten().map(|(_, value)| value));
        if is(value, "integer") {
            seen.push(value);
        }
    }
    for schema in &seen {
        let from = schema["minimum"].as_i64().unwrap_or(i64::MIN);
        let to = schema["maximum"].as_i64().unwrap_or(i64::MAX);
        let narrow = i32::try_from(from).is_ok() && i32::try_from(to).is_ok();
        match schema["format"].as_str() {
            Some("int32") => assert!(narrow, "{schema}"),
            format => assert_eq!(format, Some("int64"), "{schema}"),
        }
    }
    assert!(seen.len() >= 60, "{}", seen.len());
}

/// The integers of a body, those that it leaves out included: where they are, and their schemas. What
/// stands for a type of its own is marked.
fn integers(schema: &Value, value: &Value, at: &str) -> Vec<(String, Value, bool)> {
    let contract = Contract::of_server();
    let named = schema["$ref"].is_string();
    let schema = contract.resolve(schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = |choice: &&Value| value.is_null() || contract.valid(choice, value, "").is_ok();
        let choice = choices.iter().find(fits).unwrap();
        return integers(choice, value, at);
    }
    if is(schema, "integer") {
        return vec![(at.to_owned(), schema.clone(), named)];
    }
    let mut all = Vec::new();
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        all.extend(integers(&schema["items"], item, &format!("{at}/{index}")));
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        if schema["additionalProperties"].is_object() {
            all.extend(integers(&schema["additionalProperties"], field, &format!("{at}/{name}")));
        }
    }
    if value.is_object() {
        for (name, property) in contract.properties(schema).unwrap_or_default() {
            let field = value.get(&name).unwrap_or(&Value::Null);
            all.extend(integers(&property, field, &format!("{at}/{name}")));
        }
    }
    all
}

/// A body with another value at a place.
fn with(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

#[test]
fn the_server_keeps_the_bounds_of_the_document() {
    let (mut refused, mut taken, mut wrong) = (0, 0, Vec::new());
    for operation in Contract::of_server().operations().filter(|operation| ours(*operation)) {
        let Some((shop, address, Some(example))) = ready(operation) else { continue };
        let method = operation.method.to_uppercase();
        let errors = |pointer: &str, value: i128| {
            let value = serde_json::from_str(&value.to_string()).unwrap();
            let answer = send(&shop, &method, &address, with(&example, pointer, value));
            let problem = answer.json();
            // Of a price or of terms it is said as a whole that they are out of bounds.
            let whole = ["/amount", "/days"].iter().find_map(|end| pointer.strip_suffix(end));
            let at = |error: &&Value| {
                let about = error["pointer"].as_str();
                about == Some(pointer) || (whole.is_some() && about == whole)
            };
            problem["errors"].as_array().into_iter().flatten().filter(at).count()
        };
        let integers = integers(body(operation), &example, "");
        let bound = |schema: &Value, name: &str| i128::from(schema[name].as_i64().unwrap());
        for (pointer, schema, _) in &integers {
            for beyond in [bound(schema, "minimum") - 1, bound(schema, "maximum") + 1] {
                if errors(pointer, beyond) != 1 {
                    wrong.push(format!("{method} {address} {pointer} takes {beyond}"));
                }
                refused += 1;
            }
        }
        // What else a field asks for depends on the shop: that a price is positive, that there is such a
        // picture, that units which are held stay.
        let more = ["/amount", "/delta", "/image", "/on_hand"];
        let own = integers.iter().filter(|(.., named)| !named);
        for (pointer, schema, _) in own.filter(|(at, ..)| !more.iter().any(|it| at.ends_with(it))) {
            for within in [bound(schema, "minimum"), bound(schema, "maximum")] {
                if errors(pointer, within) != 0 {
                    wrong.push(format!("{method} {address} {pointer} refuses {within}"));
                }
                taken += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(refused >= 60 && taken >= 30, "{refused} {taken}");
}

#[test]
fn the_server_refuses_every_field_that_is_not_in_the_document() {
    let mut tried = 0;
    for operation in Contract::of_server().operations().filter(|operation| ours(*operation)) {
        let Some((shop, address, Some(example))) = ready(operation) else { continue };
        for pointer in objects(&example, "") {
            let body = with(&example, &format!("{pointer}/no_such_field"), json!(1));
            let answer = send(&shop, &operation.method.to_uppercase(), &address, body);
            answer.problem(422, "validation_failed");
            tried += 1;
        }
    }
    assert!(tried >= 45, "{tried}");
}

#[test]
fn every_write_is_safe_to_repeat_under_a_key() {
    let mut repeated = 0;
    for operation in Contract::of_server().operations() {
        let at = format!("{} {}", operation.method, operation.template);
        let takes_key = parameters(operation).any(|it| it["name"] == "Idempotency-Key");
        let writes = operation.method != "get" && operation.value["security"].is_array();
        assert_eq!(takes_key, writes, "{at}");
        if !writes {
            continue;
        }
        for (status, response) in operation.value["responses"].as_object().unwrap() {
            let says = response["headers"]["idempotency-replayed"].is_object();
            assert_eq!(says, status.starts_with('2'), "{at} {status}");
        }
        let Some((shop, address, body)) = ready(operation).filter(|_| ours(operation)) else {
            continue;
        };
        let key = ("idempotency-key", "the very same");
        let method = operation.method.to_uppercase();
        let first = shop.staff_with(key, &method, &address, body.clone());
        assert!(first.status < 300, "{at}: {}", first.text());
        let again = shop.staff_with(key, &method, &address, body);
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{at}");
        assert_eq!(again.header("idempotency-replayed"), "true", "{at}");
        let other = shop.staff_with(key, "POST", "/locations", json!({ "name": "Elsewhere" }));
        other.problem(422, "idempotency_key_reused");
        repeated += 1;
    }
    assert!(repeated >= 30, "{repeated}");
}

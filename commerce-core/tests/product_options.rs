//! The options of a product, and how its variants follow when they change.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    Done, Error,
    catalog::{CreateProduct, CreateVariant, PatchProduct, PatchVariant, ProductView},
    error::Rejection,
    store::{ProductRef, VariantRef},
};
use pollster::block_on;
use serde_json::{Value, json};
use support::{faults::Shared, *};

/// A shirt in two sizes of one colour.
fn shirt(w: &World) -> ProductView {
    let request: CreateProduct = serde_json::from_value(json!({
        "title": "Shirt",
        "options": [{ "name": "Size" }, { "name": "Color" }],
        "variants": [
            { "sku": "A", "options": ["S", "Red"] },
            { "sku": "B", "options": ["M", "Red"] },
        ],
    }))
    .unwrap();
    block_on(w.shop.create_product(&w.system, &request)).unwrap().output
}

fn change(w: &World, product: &ProductView, fields: Value) -> Result<Done<ProductView>, Error> {
    let request: PatchProduct = serde_json::from_value(fields).unwrap();
    block_on(w.shop.patch_product(&w.system, product.id, &request, None))
}

/// The names of the options, and SKU, title and values of each variant.
fn shape(product: &ProductView) -> Vec<String> {
    let options = product.options.iter().map(|option| option.name.to_string());
    let variants = product.variants.iter().map(|v| format!("{} {}", v.sku, v.title));
    options.chain(variants).collect()
}

#[test]
fn are_renamed_moved_added_and_dropped_in_one_change() {
    let w = World::new();
    let made = shirt(&w);
    let fields = json!({ "options": [
        { "name": "Colour", "from": "Color" },
        { "name": "Fabric", "value": "Wool" },
        { "name": "Size" },
    ]});
    let events = w.events_of(|| {
        let changed = change(&w, &made, fields.clone()).unwrap();
        let shaped = ["Colour", "Fabric", "Size", "A Red / Wool / S", "B Red / Wool / M"];
        assert_eq!(shape(&changed), shaped);
        let read = block_on(w.shop.product(&w.system, &ProductRef::Id(made.id), None)).unwrap();
        assert_eq!(read, changed.output);
        assert_eq!(read.variants[0].version.get(), 2);
    });
    assert_eq!(events, ["product.updated"]);
    let dropped = change(&w, &made, json!({ "options": [{ "name": "Size" }] })).unwrap();
    assert_eq!(shape(&dropped), ["Size", "A S", "B M"]);
    let none = json!({ "options": [{ "name": "Size" }] });
    assert_eq!(change(&w, &made, none).unwrap().output, dropped.output, "no version, no event");
}

#[test]
fn and_values_of_variants_change_together() {
    let w = World::new();
    let made = shirt(&w);
    let [a, b] = [made.variants[0].id.to_string(), made.variants[1].id.to_string()];
    let fields = json!({
        "options": [{ "name": "Size" }, { "name": "Colour", "from": "Color" }, { "name": "Fit" }],
        "variants": {
            &a: { "sku": "B", "options": ["M", "Red", "Slim"] },
            &b: { "sku": "A", "options": ["M", "Red", "Wide"], "weight_grams": 200 },
        },
    });
    let changed = change(&w, &made, fields).unwrap();
    let shaped = ["Size", "Colour", "Fit", "B M / Red / Slim", "A M / Red / Wide"];
    assert_eq!(shape(&changed), shaped);
    let found =
        block_on(w.shop.variant(&w.system, &VariantRef::Sku("A".parse().unwrap()))).unwrap();
    assert_eq!((found.id, found.weight_grams), (made.variants[1].id, 200));
    // They swap their values and their SKUs.
    let fields = json!({ "variants": {
        &a: { "sku": "A", "options": ["M", "Red", "Wide"] },
        &b: { "sku": "B", "options": ["M", "Red", "Slim"] },
    }});
    let changed = change(&w, &made, fields).unwrap();
    assert_eq!(shape(&changed)[3..], ["A M / Red / Wide", "B M / Red / Slim"]);
}

#[test]
fn that_the_variants_do_not_agree_with_are_refused() {
    let w = World::new();
    let made = shirt(&w);
    let a = made.variants[0].id.to_string();
    let stranger = w.list(CreateVariant::new("HAT", eur(1)).unwrap()).to_string();
    let refused = |fields: Value| invalid(change(&w, &made, fields));
    let options = |list: Value| json!({ "options": list });
    assert_eq!(refused(options(json!([{ "name": "Color" }]))), ["/options"], "two would be equal");
    let new = json!([{ "name": "Size" }, { "name": "Color" }, { "name": "Fit" }]);
    assert_eq!(refused(options(new.clone())), ["/options/2/value"], "said once, not per variant");
    let gone = json!([{ "name": "Size", "from": "Length" }, { "name": "Color", "from": "Size" }]);
    assert_eq!(refused(options(gone)), ["/options/0/from"]);
    let twice = json!([{ "name": "Size" }, { "name": "Color", "from": "Size" }]);
    assert_eq!(refused(options(twice)), ["/options/1"]);
    let same = json!([{ "name": "Size" }, { "name": "Size", "from": "Color" }]);
    assert_eq!(refused(options(same)), ["/options"]);
    let short = json!({ "options": new, "variants": { &a: { "options": ["S"] } } });
    let mut pointers = refused(short);
    pointers.sort();
    assert_eq!(pointers, ["/options/2/value".to_owned(), format!("/variants/{a}/options")]);
    let of_another = json!({ "variants": { &a: { "options": ["M", "Red"] } } });
    assert!(refused(of_another)[0].ends_with("/options"));
    let unknown = json!({ "variants": { &stranger: { "sku": "X" } } });
    assert_eq!(refused(unknown), [format!("/variants/{stranger}")]);
    let wrong = json!({ "variants": { &a: { "weight_grams": -1 } } });
    assert_eq!(refused(wrong), [format!("/variants/{a}/weight_grams")]);
    let taken = json!({ "variants": { &a: { "sku": "HAT" } } });
    let refusal = support::refused(change(&w, &made, taken));
    assert!(matches!(refusal, Rejection::Taken { what: "sku", .. }));
    let read = block_on(w.shop.product(&w.system, &ProductRef::Id(made.id), None)).unwrap();
    assert_eq!(read, made, "what is refused leaves nothing");
}

#[test]
fn change_only_for_variants_that_were_seen() {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let other = World::over(store.sound(), 2);
    let made = shirt(&w);
    let fields = json!({ "options": [{ "name": "Size" }, { "name": "Color" }, { "name": "Fit", "value": "Slim" }] });
    // A variant comes meanwhile.
    let id = made.id;
    store.before_next_commit(move || {
        let more: CreateVariant =
            serde_json::from_value(json!({ "sku": "C", "options": ["L", "Red"] })).unwrap();
        block_on(other.shop.create_variant(&other.system, id, &more, None)).unwrap();
    });
    let changed = change(&w, &made, fields).unwrap();
    assert_eq!(shape(&changed)[5], "C L / Red / Slim");
    // One gets other values meanwhile, which are meant as those of the options that it saw.
    let other = World::over(store.sound(), 3);
    let id = made.variants[0].id;
    store.before_next_commit(move || {
        let values = json!({ "options": ["XS", "XS", "Slim"] });
        let odd: PatchVariant = serde_json::from_value(values).unwrap();
        block_on(other.shop.patch_variant(&other.system, id, &odd, None)).unwrap();
    });
    let turned = json!({ "options": [{ "name": "Fit" }, { "name": "Size" }, { "name": "Color" }] });
    let changed = change(&w, &made, turned).unwrap();
    assert_eq!(shape(&changed)[3], "A Slim / XS / XS");
    // Turned round, its last two values are the same: it is as it was, and still must have been seen.
    let other = World::over(store.sound(), 4);
    store.before_next_commit(move || {
        let values = json!({ "options": ["Slim", "XS", "Red"] });
        let values: PatchVariant = serde_json::from_value(values).unwrap();
        block_on(other.shop.patch_variant(&other.system, id, &values, None)).unwrap();
    });
    let turned = json!({ "options": [{ "name": "Fit" }, { "name": "Color" }, { "name": "Size" }] });
    let changed = change(&w, &made, turned).unwrap();
    assert_eq!(shape(&changed)[3], "A Slim / Red / XS");
}

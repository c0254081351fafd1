//! Every kind of record comes back as it was written: with every field filled, after a change of
//! every field, and with everything optional gone. The test of an adapter includes this, beside a
//! `store` that makes one with what it needs to live, the type `Kept` of that, and `block_on`.

use commerce_core::{
    access::ApiToken,
    cart::Cart,
    catalog::{Category, Product, Variant},
    customer::Customer,
    gateway::{ProviderAccount, Subject},
    id::Id,
    inventory::Location,
    order::Order,
    payment::Payment,
    shop::Shop,
    store::{
        ApiTokenRef, CategoryRef, Commit, CommitError, CustomerRef, OrderRef, ProductRef, Store,
        Stored, Subscription, VariantRef, WebhookRef,
    },
    text::Label,
    time::Timestamp,
    version::{Version, Versioned},
    webhook::{Webhook, WebhookFailure, WebhookStatus},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Kept, block_on, store};

struct Fixture {
    store: Box<dyn Store>,
    _kept: Kept,
}

fn open() -> Fixture {
    let (store, kept) = store();
    Fixture { store: Box::new(store), _kept: kept }
}

fn id(prefix: &str, number: u8) -> String {
    format!("{prefix}_{number:032x}")
}

fn typed<T: Id>(prefix: &str, number: u8) -> T {
    id(prefix, number).parse().unwrap()
}

fn make<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn now() -> Timestamp {
    "2026-11-21T10:00:00.123Z".parse().unwrap()
}

impl Fixture {
    /// Writes the states of one record one after the other, and reads each back; then removes it.
    fn goes_round<T: Stored + Clone + PartialEq + std::fmt::Debug>(
        &self,
        states: &[T],
        read: impl Fn(&dyn Store) -> Option<Versioned<T>>,
    ) {
        assert!(read(&*self.store).is_none());
        let mut commit = Commit::at(now());
        commit.insert(states[0].clone());
        block_on(self.store.commit(&commit)).unwrap();
        assert_eq!(read(&*self.store).unwrap(), Versioned::new(Version::FIRST, states[0].clone()));
        assert!(matches!(block_on(self.store.commit(&commit)), Err(CommitError::Conflict(_))));
        for state in states.iter().skip(1).chain(states) {
            let old = read(&*self.store).unwrap();
            let mut commit = Commit::at(now());
            commit.replace(&old, state.clone());
            block_on(self.store.commit(&commit)).unwrap();
            let found = read(&*self.store).unwrap();
            assert_eq!(*found.value, *state);
            if *old.value != *state {
                assert_eq!(found.version, old.version.next());
                let again = block_on(self.store.commit(&commit));
                assert!(matches!(again, Err(CommitError::Conflict(_))), "{again:?}");
            }
        }
        let mut commit = Commit::at(now());
        commit.remove(&read(&*self.store).unwrap());
        block_on(self.store.commit(&commit)).unwrap();
        assert!(read(&*self.store).is_none());
    }
}

fn address(town: &str) -> Value {
    json!({"name": "Ä B", "company": "C", "line1": "1", "line2": "2", "city": town, "region": "BE",
        "postal_code": "10115", "country": "DE", "phone": "+49"})
}

fn shop() -> Shop {
    make(json!({"name": "Shop", "currency": "EUR"}))
}

#[test]
fn shops_and_locations() {
    let f = open();
    let other: Shop = make(json!({
        "name": "Other", "currency": "JPY", "home": {"country": "DE", "region": "BE"},
        "pricing": {"rounding": "half_even", "level": "document", "prices_include_tax": true},
        "taxes": [{"id": id("tax", 1), "label": "VAT", "rate": "0.190", "country": "DE"}],
        "shipping_methods": [{"id": id("ship", 1), "name": "Post", "countries": ["DE"],
            "rate": {"type": "by_weight", "steps": [{"up_to_grams": 5, "price": eur(1)}]}}],
        "payment_terms": {"manual": {"kind": "on_delivery", "days": 5}},
        "cart_merge": "larger", "limits": {"lines_max": 7},
    }));
    f.goes_round(&[shop(), other], |store| block_on(store.setup()).unwrap().map(|s| s.shop));
    let mut commit = Commit::at(now());
    commit.insert(shop());
    block_on(f.store.commit(&commit)).unwrap();
    let location = |name: &str, priority: i32, active: bool| -> Location {
        make(json!({"id": id("loc", 1), "name": name, "priority": priority, "active": active,
            "created_at": now(), "updated_at": now()}))
    };
    f.goes_round(&[location("A", i32::MIN, true), location("B", i32::MAX, false)], |store| {
        block_on(store.setup()).unwrap().unwrap().locations.pop()
    });
}

#[test]
fn categories() {
    let f = open();
    let full: Category = make(json!({
        "id": id("cat", 1), "slug": "größe", "title": "Größe", "description": "<b>x</b>\n",
        "parent_id": id("cat", 2), "position": -3, "image": {"url": "https://e.com/a", "alt": "a"},
        "seo": {"title": "t", "description": "d"}, "active": true, "metadata": {"a": [1, null, 1.5]},
        "created_at": now(), "updated_at": now(),
    }));
    let bare: Category = make(json!({
        "id": id("cat", 1), "slug": "b", "title": "B", "description": "", "parent_id": null,
        "position": 0, "image": null, "seo": {}, "active": false, "metadata": {},
        "created_at": Timestamp::MIN, "updated_at": Timestamp::MAX,
    }));
    f.goes_round(&[full, bare], |store| {
        block_on(store.category(&CategoryRef::Id(typed("cat", 1)))).unwrap()
    });
}

fn product(slug: &str, images: &[u8], tags: &[&str], categories: &[u8], status: &str) -> Product {
    let images: Vec<_> = images
        .iter()
        .map(|n| json!({"id": id("img", *n), "url": format!("https://e.com/{n}"), "alt": null}))
        .collect();
    make(json!({
        "id": id("prod", 1), "slug": slug, "title": "T", "description": "d".repeat(20_000),
        "short_description": "s", "status": status, "vendor": "V", "product_type": "P",
        "tags": tags, "options": [{"name": "Size"}],
        "attributes": {"n": {"type": "number", "value": "1.50"}, "t": {"type": "text", "value": "x"},
            "b": {"type": "boolean", "value": false}},
        "images": images, "seo": {"title": "t"}, "featured": true, "tax_class": "reduced",
        "gift_card": true, "categories": categories.iter().map(|n| id("cat", *n)).collect::<Vec<_>>(),
        "related": [{"product_id": id("prod", 9), "relation": "cross_sell"}],
        "metadata": {"k": "v"}, "created_at": now(), "updated_at": now(),
    }))
}

#[test]
fn products() {
    let f = open();
    let mut bare = product("bare", &[], &[], &[], "draft");
    bare.short_description = None;
    bare.vendor = None;
    bare.product_type = None;
    bare.attributes.clear();
    bare.related.clear();
    bare.featured = false;
    bare.created_at = Timestamp::MIN;
    let states = [
        product("a", &[1, 2, 3], &["x", "Y", "z"], &[1, 2], "active"),
        product("a", &[2, 3], &["z", "x"], &[2, 1, 3], "active"),
        product("b", &[3, 2, 4], &["z"], &[3], "archived"),
        bare,
    ];
    f.goes_round(&states, |store| {
        let found = block_on(store.product(&ProductRef::Id(typed("prod", 1)))).unwrap();
        found.map(|inputs| inputs.product)
    });
}

#[test]
fn variants() {
    let f = open();
    let mut commit = Commit::at(now());
    commit.insert(product("a", &[], &[], &[], "active"));
    block_on(f.store.commit(&commit)).unwrap();
    let full: Variant = make(json!({
        "id": id("var", 1), "product_id": id("prod", 1), "sku": "ä \"1\"", "title": "T",
        "options": ["S", "\"x\""], "prices": [{"amount": eur(5), "compare_at": eur(9)},
            {"amount": {"amount": 7, "currency": "USD"}}], "cost": {"amount": 1, "currency": "KWD"},
        "grams": 12, "dimensions": {"length_mm": 1, "width_mm": 2, "height_mm": u32::MAX},
        "barcode": "1", "track_inventory": true, "backorder": "allow", "low_stock_threshold": 3,
        "requires_shipping": false, "taxable": false, "tax_code": "t", "active": true,
        "image_id": id("img", 1), "position": 4, "metadata": {"x": {}}, "created_at": now(),
        "updated_at": now(),
    }));
    let mut swapped = full.clone();
    swapped.prices.reverse();
    swapped.active = false;
    let bare: Variant = make(json!({
        "id": id("var", 1), "product_id": id("prod", 1), "sku": "B", "title": "T", "options": [],
        "prices": [], "cost": null, "grams": 0, "dimensions": null, "barcode": null,
        "track_inventory": false, "backorder": "deny", "low_stock_threshold": 0,
        "requires_shipping": true, "taxable": true, "tax_code": null, "active": false,
        "image_id": null, "position": 0, "metadata": {}, "created_at": now(), "updated_at": now(),
    }));
    f.goes_round(&[full, swapped, bare], |store| {
        let found = block_on(store.variant(&VariantRef::Id(typed("var", 1)))).unwrap();
        found.map(|sellable| sellable.variant)
    });
}

fn cart(lines: &[(u8, i64)], status: &str) -> Cart {
    let lines: Vec<_> = lines
        .iter()
        .map(|(n, quantity)| {
            let price = (n % 2 == 0).then(|| eur(3));
            json!({"id": id("line", *n), "variant_id": id("var", *n), "quantity": quantity,
                "set_price": price})
        })
        .collect();
    make(json!({
        "id": id("cart", 1), "status": status, "origin": "storefront", "currency": "EUR",
        "customer_id": id("cus", 1), "secret": "ab".repeat(32), "lines": lines,
        "email": "A@example.com", "shipping_address": address("Here"),
        "billing_address": address("There"), "shipping_method": id("ship", 1),
        "discount_codes": ["X", "Y"], "note": "n", "order_id": id("ord", 1), "created_at": now(),
        "updated_at": now(), "expires_at": now(),
    }))
}

#[test]
fn carts() {
    let f = open();
    let mut bare = cart(&[], "merged");
    bare.customer_id = None;
    bare.secret = None;
    bare.email = None;
    bare.shipping_address = None;
    bare.billing_address = None;
    bare.shipping_method = None;
    bare.discount_codes.clear();
    bare.note = None;
    bare.order_id = None;
    let lines: &[&[(u8, i64)]] = &[
        &[(1, 1), (2, 2), (3, 3)],
        &[(1, 1), (3, 4)],
        &[(1, 1), (3, 4), (4, 1), (5, 1)],
        &[(4, 1), (1, 9), (5, 2)],
        &[(6, 1), (4, 1)],
        &[(4, 2), (7, 1), (8, 1)],
        &[(7, 1), (9, 1), (8, 1)],
    ];
    let mut states: Vec<_> = lines.iter().map(|lines| cart(lines, "open")).collect();
    states.push(bare);
    f.goes_round(&states, |store| block_on(store.cart(typed("cart", 1))).unwrap());
}

fn order_line(number: u8, holds: &[i64]) -> Value {
    let holds: Vec<_> = holds
        .iter()
        .zip(1u8..)
        .map(|(quantity, n)| json!({"location_id": id("loc", n), "quantity": quantity}))
        .collect();
    json!({
        "id": id("line", number), "variant_id": id("var", number), "product_id": id("prod", 1),
        "sku": "S", "title": "T", "options": ["a", "b"], "image": "https://e.com/i", "quantity": 7,
        "unit_price": eur(1), "subtotal": eur(2), "discount_total": eur(3), "tax_total": eur(4),
        "total": eur(5), "adjustments": [{"kind": "tax", "label": "l", "source": "s",
            "amount": eur(-6), "included": true}], "requires_shipping": true,
        "track_inventory": false, "holds": holds, "backordered": 1, "fulfilled": 2, "cancelled": 4,
        "refunded": 3,
    })
}

fn order(lines: &[Value], fulfillments: &[u8]) -> Order {
    let fulfillments: Vec<_> = fulfillments
        .iter()
        .map(|n| {
            let tracking = (n % 2 == 0).then(|| json!({"carrier": "C", "number": "1"}));
            json!({"id": id("ful", *n), "lines": [{"line_id": id("line", 1), "quantity": 1}],
                "tracking": tracking, "fulfilled_at": now(), "delivered_at": null})
        })
        .collect();
    make(json!({
        "id": id("ord", 1), "number": "N-1", "cart_id": id("cart", 1), "origin": "back_office",
        "customer_id": id("cus", 1), "secret": "cd".repeat(32), "email": "A@e.com",
        "currency": "EUR", "lines": lines, "shipping": {"method": id("ship", 1), "name": "Post",
            "subtotal": eur(1), "discount_total": eur(0), "tax_total": eur(2), "total": eur(3),
            "adjustments": []},
        "taxes": [{"id": id("tax", 1), "label": "VAT", "rate": "0.190", "net": eur(1),
            "amount": eur(2)}],
        "subtotal": eur(1), "discount_total": eur(2), "shipping_total": eur(3), "tax_total": eur(4),
        "tax_included": true, "rounding": eur(-5), "total": eur(6),
        "pricing": {"rounding": "down"}, "shipping_address": address("A"),
        "billing_address": address("B"), "note": "n", "terms": {"kind": "prepaid", "days": 3},
        "payment_status": "authorized", "paid_total": eur(7), "refunded_total": eur(8), "authorized_total": eur(9),
        "fulfillments": fulfillments, "placed_at": now(), "expires_at": now(),
        "cancelled_at": now(), "cancel_reason": "fraud", "cancel_note": "c",
        "history": [{"event": "order.placed", "at": now()}], "updated_at": now(),
    }))
}

#[test]
fn orders() {
    let f = open();
    let mut bare = order(&[order_line(3, &[])], &[]);
    bare.customer_id = None;
    bare.secret = None;
    bare.email = None;
    bare.shipping = None;
    bare.taxes.clear();
    bare.shipping_address = None;
    bare.billing_address = None;
    bare.note = None;
    bare.expires_at = None;
    bare.cancelled_at = None;
    bare.cancel_reason = None;
    bare.cancel_note = None;
    bare.history.clear();
    let states = [
        order(&[order_line(1, &[1, 2]), order_line(2, &[3])], &[1, 2]),
        order(&[order_line(1, &[2]), order_line(2, &[3, 4, 5])], &[1, 2, 3]),
        order(&[order_line(2, &[1]), order_line(1, &[])], &[4]),
        bare,
    ];
    f.goes_round(&states, |store| {
        let found = block_on(store.order(&OrderRef::Id(typed("ord", 1)))).unwrap();
        found.map(|inputs| inputs.order)
    });
}

#[test]
fn payments() {
    let f = open();
    let mut commit = Commit::at(now());
    commit.insert(order(&[order_line(1, &[])], &[]));
    block_on(f.store.commit(&commit)).unwrap();
    let decline = json!({"code": "expired_card", "reason": "f"});
    let payment = |refunds: &[u8], full: bool| -> Payment {
        let tax = json!({"source": "tax_1", "label": "VAT", "amount": eur(0)});
        let line = json!({"line_id": id("line", 1), "quantity": 2, "amount": eur(1),
            "taxes": [tax], "restocked": 1});
        let refund = |n: &u8| {
            json!({"id": id("ref", *n), "amount": eur(1), "reason": full.then_some("r"),
                "status": if n.is_multiple_of(2) { "failed" } else { "pending" },
                "restock_to": full.then_some(id("loc", 1)), "reference": full.then_some("re"),
                "failure": full.then_some("gone"), "lines": [line], "created_at": now()})
        };
        let operation = |n: &u8| {
            json!({"id": id("op", *n), "kind": "refund", "attempt": 2, "amount": eur(1),
                "refund_id": full.then_some(id("ref", *n)), "key": format!("k{n}"),
                "status": "declined", "failure": full.then_some(&decline), "begun_at": now(),
                "ended_at": full.then_some(now())})
        };
        let dispute = |n: &u8| {
            json!({"reference": format!("dp{n}"), "amount": eur(1), "status": "lost",
                "reason": full.then_some("fraud"), "opened_at": now()})
        };
        make(json!({
            "id": id("pay", 1), "order_id": id("ord", 1), "gateway": "stripe",
            "status": "partially_refunded", "amount": eur(9), "authorized": eur(8),
            "released": eur(1), "captured": eur(7), "refunded": eur(1),
            "refunds": refunds.iter().map(refund).collect::<Vec<_>>(),
            "operations": refunds.iter().map(operation).collect::<Vec<_>>(),
            "disputes": refunds.iter().map(dispute).collect::<Vec<_>>(),
            "flow": {"kind": "saved", "method": "pm"},
            "capture": if full { "manual" } else { "automatic" },
            "customer_reference": full.then_some("cus"), "save_method": full,
            "references": if full { vec!["a", "b"] } else { vec!["b"] },
            "client_secret": full.then_some("c"), "redirect_url": full.then_some("https://e.com/"),
            "failure": full.then_some(&decline), "review": full.then(|| {
                json!({"reason": "wrong_amount", "closed_at": now(), "note": "n"})
            }),
            "capture_before": full.then_some(now()), "captured_at": full.then_some(now()),
            "check_at": full.then_some(now()),
            "created_at": now(), "updated_at": now(),
        }))
    };
    let states = [payment(&[1, 2], true), payment(&[1, 2, 3], true), payment(&[2], false)];
    f.goes_round(&states, |store| {
        let found = block_on(store.order(&OrderRef::Id(typed("ord", 1)))).unwrap();
        found.and_then(|mut inputs| inputs.payments.pop())
    });
}

#[test]
fn customers() {
    let f = open();
    let customer = |addresses: &[u8], full: bool| -> Customer {
        let addresses: Vec<_> = addresses
            .iter()
            .map(|n| {
                json!({
                    "id": id("adr", *n),
                    "address": address("Town"),
                    "default_shipping": n % 2 == 0,
                    "default_billing": n % 3 == 0,
                })
            })
            .collect();
        make(json!({
            "id": id("cus", 1), "email": full.then_some("A@Example.com"), "email_verified": full,
            "name": full.then_some("N"), "phone": full.then_some("1"),
            "external_id": full.then_some("x"),
            "provider_references": if full { json!({"card": "cus_1"}) } else { json!({}) },
            "addresses": addresses, "note": full.then_some("n"),
            "created_at": now(), "updated_at": now(),
        }))
    };
    let states = [customer(&[1, 2, 3], true), customer(&[2, 6], false), customer(&[], true)];
    f.goes_round(&states, |store| {
        block_on(store.customer(&CustomerRef::Id(typed("cus", 1)))).unwrap()
    });
}

#[test]
fn tokens_and_subscriptions() {
    let f = open();
    let token = |label: &str, revoked_at: Option<Timestamp>| -> ApiToken {
        make(json!({"id": id("tok", 1), "digest": "ef".repeat(32), "label": label,
            "scope": "admin", "created_at": now(), "revoked_at": revoked_at}))
    };
    let states = [token("a", None), token("b", Some(now()))];
    let digest = states[0].digest;
    f.goes_round(&states, |store| block_on(store.api_token(&ApiTokenRef::Digest(digest))).unwrap());
    let name = Label::new("mail").unwrap();
    let states = [(1, None), (7, Some(now()))].map(|(position, leased_until)| Subscription {
        name: name.clone(),
        position,
        leased_until,
    });
    f.goes_round(&states, |store| block_on(store.subscription(&name)).unwrap());
}

#[test]
fn webhooks() {
    let f = open();
    let full = Webhook {
        id: typed("whk", 1),
        gateway: "card".parse().unwrap(),
        event_id: label("evt_1"),
        kind: label("charge.refunded"),
        account: ProviderAccount { id: Some(label("acct_1")), livemode: true },
        subject: Some(Subject {
            references: vec![label("pi_1"), label("ch_1")],
            payment_id: Some(typed("pay", 1)),
        }),
        body: vec![0, 0x7f, 0x80, 0xff],
        status: WebhookStatus::Parked,
        attempts: 3,
        failure: Some(WebhookFailure::GatewayUnavailable),
        due_at: Some(now()),
        received_at: now(),
        updated_at: now(),
    };
    let bare = Webhook {
        gateway: "other".parse().unwrap(),
        event_id: label("evt_2"),
        kind: label("x"),
        account: ProviderAccount { id: None, livemode: false },
        subject: None,
        body: Vec::new(),
        status: WebhookStatus::Ignored,
        attempts: 0,
        failure: None,
        due_at: None,
        ..full.clone()
    };
    let other = Webhook { failure: Some(WebhookFailure::NotBooked), ..full.clone() };
    f.goes_round(&[full, bare, other], |store| {
        block_on(store.webhook(&WebhookRef::Id(typed("whk", 1)))).unwrap()
    });
}

#[test]
fn an_amount_in_another_currency_is_refused_and_not_turned_into_one_of_the_order() {
    let f = open();
    let mut wrong = order(&[order_line(1, &[])], &[]);
    wrong.paid_total = make(json!({"amount": 1, "currency": "USD"}));
    let mut commit = Commit::at(now());
    commit.insert(wrong);
    let refused = block_on(f.store.commit(&commit));
    assert!(matches!(refused, Err(CommitError::Malformed(_))), "{refused:?}");
    assert!(block_on(f.store.order(&OrderRef::Id(typed("ord", 1)))).unwrap().is_none());
}

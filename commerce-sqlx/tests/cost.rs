//! What a commit costs one caller, in round trips.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use commerce_core::{
    Commerce,
    access::Caller,
    catalog::{CreateProduct, CreateVariant, Product, Variant},
    checkout::{PlaceOrder, place},
    currency::Currency,
    customer::{CreateCustomer, Customer},
    id::Moment,
    inventory::ByPriority,
    money::Money,
    payment::Means,
    secret::Digest,
    shop::Shop,
    store::{Commit, CommitError, Outcome, OutcomeKey, Store, VariantRef},
    text::IdempotencyKey,
    time::Timestamp,
};
use commerce_sqlx::{SystemClock, SystemIds};
use common::{
    Schema, block_on,
    proxy::proxy,
    shop::{cart, check_books, sell, shop},
};

/// `BEGIN` and `COMMIT`.
const FRAME: u64 = 2;

#[test]
fn one_caller_who_places_an_order_pays_for_three_round_trips_beside_begin_and_commit() {
    let schema = Schema::new();
    let (through, line) = proxy();
    let shop = shop(schema.open());
    let counted = block_on(schema.options().open_with(through)).unwrap();
    let counted = Commerce::new(counted, SystemClock, SystemIds);
    let lines = [sell(&shop, "A", 1_000), sell(&shop, "B", 1_000)].map(|id| (id, 1));
    let key = || Some(IdempotencyKey::new("key").unwrap());
    let place_order = |key: Option<IdempotencyKey>| {
        block_on(async {
            let (guest, cart) = cart(&shop, &lines).await;
            let guest = key.into_iter().fold(guest, Caller::with_key);
            line.count();
            counted.place_order(&guest, cart, &PlaceOrder::default()).await.unwrap();
            line.count()
        })
    };
    // The statements are prepared by then.
    for _ in 0..2 {
        place_order(key());
        place_order(None);
    }
    // All that it is decided by, and what the commit alone takes: that tells whether a key is new.
    assert_eq!(place_order(None), FRAME + 3);
    assert_eq!(place_order(key()), FRAME + 3);
    check_books(&mut schema.connect());
}

#[test]
fn one_caller_pays_for_two_round_trips_beside_begin_and_commit() {
    let schema = Schema::new();
    let (through, line) = proxy();
    // Only commits go through the proxy.
    let counted = block_on(schema.options().open_with(through)).unwrap();
    let store = schema.open();
    let shop = shop(store.clone());
    let variants = [sell(&shop, "A", 1_000), sell(&shop, "B", 1_000)];
    let lines = variants.map(|id| (id, 1));
    let check_out = || {
        block_on(async {
            let (_, cart) = cart(&shop, &lines).await;
            let inputs = store.checkout_inputs(cart, &[]).await.unwrap().unwrap();
            let request = PlaceOrder::default();
            let mut decision =
                place(&inputs, &request, &Means::by_hand(), &ByPriority, &mut shop.moment())
                    .unwrap();
            decision.commit.remember(Outcome {
                key: OutcomeKey { scope: cart.to_string(), key: "key".parse().unwrap() },
                fingerprint: Digest::of(b"request"),
                body: b"{}".to_vec(),
                at: decision.commit.time(),
            });
            line.count();
            counted.commit(&decision.commit).await.unwrap();
            line.count()
        })
    };
    // The statements are prepared by then.
    check_out();
    assert_eq!(check_out(), FRAME + 2);
    assert_eq!(check_out(), FRAME + 2);
    // Where nothing is told and nothing follows, there is less to do.
    let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
    commit.require(&block_on(store.setup()).unwrap().unwrap().shop);
    block_on(counted.commit(&commit)).unwrap();
    line.count();
    block_on(counted.commit(&commit)).unwrap();
    assert_eq!(line.count(), FRAME + 1);
}

/// A product with a variant.
fn product(name: &str, moment: &mut Moment) -> Commit {
    let price = Money::new(1_000, Currency::EUR);
    let request = CreateProduct {
        variants: vec![CreateVariant::new(name, price).unwrap()],
        ..CreateProduct::new(name).unwrap()
    };
    let product = Product::create(&request, moment).unwrap();
    let variant = Variant::create(&request.variants[0], &product, 0, moment).unwrap();
    let mut commit = Commit::at(moment.now());
    commit.insert(product);
    commit.insert(variant);
    commit
}

#[test]
fn one_caller_pays_for_keys_for_what_is_sold_and_for_a_refusal_with_a_round_trip_each() {
    let schema = Schema::new();
    let (through, line) = proxy();
    let counted = block_on(schema.options().open_with(through)).unwrap();
    let store = schema.open();
    let shop = shop(store.clone());
    let cost = |commit: &Commit| {
        line.count();
        let answer = block_on(counted.commit(commit));
        (line.count(), answer)
    };
    // The statements are prepared by the third.
    let thrice = |commit: &dyn Fn(usize) -> Commit| {
        let [.., last] = [0, 1, 2].map(|number| cost(&commit(number)));
        last
    };

    // The keys are a slug and a SKU. What is sold is found by its words, which are worked out.
    let (trips, answer) = thrice(&|n| product(&format!("new-{n}"), &mut shop.moment()));
    assert_eq!(trips, FRAME + 4);
    answer.unwrap();
    let marked = |n: usize| {
        let known = block_on(store.variant(&VariantRef::Sku("new-1".parse().unwrap()))).unwrap();
        let known = known.unwrap().variant;
        let mut commit = Commit::at(shop.moment().now());
        let low_stock_threshold = 5 + i64::try_from(n).unwrap();
        commit.replace(&known, Variant { low_stock_threshold, ..known.value.as_ref().clone() });
        commit
    };
    let (trips, answer) = thrice(&marked);
    assert_eq!(trips, FRAME + 3);
    answer.unwrap();
    // A key alone.
    let customer = |n: usize| {
        let email = Some(format!("c{n}@example.com").parse().unwrap());
        let mut moment = shop.moment();
        let mut commit = Commit::at(moment.now());
        commit.insert(Customer::create(
            CreateCustomer { email, ..CreateCustomer::default() },
            &mut moment,
        ));
        commit
    };
    let (trips, answer) = thrice(&customer);
    assert_eq!(trips, FRAME + 3);
    answer.unwrap();

    // Who is refused writes nothing, and asks twice.
    let old = block_on(store.setup()).unwrap().unwrap().shop;
    let mut commit = Commit::at(shop.moment().now());
    commit.replace(&old, Shop { name: "Other".parse().unwrap(), ..old.value.as_ref().clone() });
    block_on(store.commit(&commit)).unwrap();
    let (trips, answer) = thrice(&|_| commit.clone());
    assert!(matches!(answer, Err(CommitError::Conflict(_))), "{answer:?}");
    assert_eq!(trips, FRAME + 2);
    let (trips, answer) = thrice(&|_| product("new-1", &mut shop.moment()));
    assert!(matches!(answer, Err(CommitError::Taken(_))), "{answer:?}");
    assert_eq!(trips, FRAME + 3);
}

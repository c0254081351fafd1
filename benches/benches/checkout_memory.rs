//! What a checkout costs without a database.
//!
//! ```text
//! cargo bench -p commerce-benches --bench checkout_memory
//! ```
//!
//! `floor` is the least that any program must do to sell as many lines: find each variant, compare
//! and lower its stock, multiply and add, and keep a copy of what was sold. The target for
//! `place_order` with 20 lines is 50 µs.

#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to measure")]

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use commerce_benches::Fixture;
use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CartView, PatchCart},
    checkout::{self, PlaceOrder},
    id::{OrderId, VariantId},
    inputs::{SeededIds, SteppedClock},
    inventory::ByPriority,
    order::FulfillOrder,
    payment::{CapturePayment, Means},
    store::MemoryStore,
    text::{IdempotencyKey, Label, Sku},
    time::Timestamp,
};
use divan::{Bencher, black_box};
use pollster::block_on;

const LINES: [usize; 4] = [2, 20, 200, 2_000];

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let noon: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let clock = SteppedClock::new(noon);
    Fixture::new(Commerce::new(MemoryStore::new(), clock, SeededIds::new(1)), 2_000)
});

fn main() {
    LazyLock::force(&FIXTURE);
    divan::main();
}

#[divan::bench(args = LINES)]
fn floor(bencher: Bencher<'_, '_>, lines: usize) {
    struct Good {
        sku: Sku,
        title: Label,
        price: i64,
        stock: i64,
    }
    struct Sold {
        _sku: Sku,
        _title: Label,
        _units: i64,
        _total: i64,
    }
    struct Floor {
        goods: HashMap<VariantId, Good>,
        orders: HashMap<OrderId, Arc<(Vec<Sold>, i64)>>,
    }
    let inputs = FIXTURE.inputs(lines);
    let sellables = inputs.by_variant();
    let goods: HashMap<VariantId, Good> = inputs
        .cart
        .lines
        .iter()
        .filter_map(|line| {
            let found = sellables.get(&line.variant_id)?;
            let price = found.variant.price(inputs.cart.currency)?.amount.minor();
            let (sku, title) = (found.variant.sku.clone(), found.title.clone());
            Some((line.variant_id, Good { sku, title, price, stock: i64::MAX }))
        })
        .collect();
    let shop = Mutex::new(Floor { goods, orders: HashMap::new() });
    bencher.bench(|| {
        let id: OrderId = FIXTURE.shop.moment().id();
        let mut shop = shop.lock().unwrap();
        let Floor { goods, orders } = &mut *shop;
        let mut total = 0;
        let mut sold = Vec::with_capacity(inputs.cart.lines.len());
        for line in &inputs.cart.lines {
            let good = goods.get_mut(&line.variant_id).unwrap();
            let units = line.quantity.get();
            assert!(good.stock >= units);
            good.stock -= units;
            total += good.price * units;
            let (sku, title) = (good.sku.clone(), good.title.clone());
            sold.push(Sold { _sku: sku, _title: title, _units: units, _total: good.price * units });
        }
        orders.insert(id, Arc::new((sold, total)));
    });
}

/// From the cart in the store to the order in the store.
#[divan::bench(args = LINES)]
fn place_order(bencher: Bencher<'_, '_>, lines: usize) {
    bencher.with_inputs(|| FIXTURE.cart(0, lines)).bench_values(|(guest, cart)| {
        block_on(FIXTURE.shop.place_order(&guest, cart, &PlaceOrder::default())).unwrap()
    });
}

/// The same under a key: the answer is encoded and remembered.
#[divan::bench(args = LINES)]
fn place_order_with_key(bencher: Bencher<'_, '_>, lines: usize) {
    let key = IdempotencyKey::new("a key of sixteen").unwrap();
    bencher
        .with_inputs(|| {
            let (guest, cart) = FIXTURE.cart(0, lines);
            (guest.with_key(key.clone()), cart)
        })
        .bench_values(|(guest, cart)| {
            block_on(FIXTURE.shop.place_order(&guest, cart, &PlaceOrder::default())).unwrap()
        });
}

/// The reading alone.
#[divan::bench(args = LINES)]
fn read_inputs(bencher: Bencher<'_, '_>, lines: usize) {
    let (_, cart) = FIXTURE.cart(0, lines);
    bencher.bench(|| block_on(FIXTURE.shop.store().checkout_inputs(cart, &[])).unwrap());
}

/// The decision alone: priced, checked, frozen; nothing is read or written.
#[divan::bench(args = LINES)]
fn decide(bencher: Bencher<'_, '_>, lines: usize) {
    let inputs = FIXTURE.inputs(lines);
    let request = PlaceOrder::default();
    bencher.with_inputs(|| FIXTURE.shop.moment()).bench_refs(|moment| {
        checkout::place(black_box(&inputs), &request, &Means::by_hand(), &ByPriority, moment)
            .unwrap()
    });
}

/// The quote alone.
#[divan::bench(args = LINES)]
fn price(bencher: Bencher<'_, '_>, lines: usize) {
    let inputs = FIXTURE.inputs(lines);
    bencher.bench(|| checkout::price(black_box(&inputs)).unwrap());
}

/// A cart as it is shown.
#[divan::bench(args = LINES)]
fn view_cart(bencher: Bencher<'_, '_>, lines: usize) {
    let inputs = FIXTURE.inputs(lines);
    bencher.bench(|| CartView::of(black_box(&inputs)).unwrap());
}

#[divan::bench(args = LINES)]
fn create_cart(bencher: Bencher<'_, '_>, lines: usize) {
    let request = FIXTURE.request(0, lines);
    let visitor = Caller::anonymous();
    bencher.bench(|| block_on(FIXTURE.shop.create_cart(&visitor, &request)).unwrap());
}

/// One more unit into a cart of so many lines.
#[divan::bench(args = LINES)]
fn add_line(bencher: Bencher<'_, '_>, lines: usize) {
    let variant = FIXTURE.variants.first().copied().unwrap();
    let line = AddLine::new(variant, 1).unwrap();
    bencher.with_inputs(|| FIXTURE.cart(0, lines)).bench_refs(|(guest, cart)| {
        block_on(FIXTURE.shop.add_line(guest, *cart, &line, None)).unwrap()
    });
}

#[divan::bench(args = LINES)]
fn patch_cart(bencher: Bencher<'_, '_>, lines: usize) {
    let email = "grace@example.com".parse().unwrap();
    let patch = PatchCart { email: Some(Some(email)), ..PatchCart::default() };
    bencher.with_inputs(|| FIXTURE.cart(0, lines)).bench_refs(|(guest, cart)| {
        block_on(FIXTURE.shop.patch_cart(guest, *cart, &patch, None)).unwrap()
    });
}

/// All of a paid order.
#[divan::bench(args = LINES)]
fn fulfill_order(bencher: Bencher<'_, '_>, lines: usize) {
    let office = Caller::system();
    let all = FulfillOrder::default();
    bencher
        .with_inputs(|| {
            let (guest, cart) = FIXTURE.cart(0, lines);
            let placed = block_on(FIXTURE.shop.place_order(&guest, cart, &PlaceOrder::default()));
            let id = placed.unwrap().order.id;
            block_on(FIXTURE.shop.capture(&office, id, &CapturePayment::default(), None)).unwrap();
            id
        })
        .bench_values(|id| block_on(FIXTURE.shop.fulfill_order(&office, id, &all, None)).unwrap());
}

/// The answer as JSON.
#[divan::bench(args = LINES)]
fn encode_answer(bencher: Bencher<'_, '_>, lines: usize) {
    let (guest, cart) = FIXTURE.cart(0, lines);
    let placed = block_on(FIXTURE.shop.place_order(&guest, cart, &PlaceOrder::default()));
    let placed = placed.unwrap().output;
    bencher.bench(|| serde_json::to_vec(black_box(&placed)).unwrap());
}

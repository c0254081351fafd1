//! What a checkout costs without a database.
//!
//! ```text
//! cargo bench -p commerce-benches --bench checkout_memory
//! ```
//!
//! `floor` is the least that any program must do to sell as many lines: find each variant, compare
//! and lower its stock, multiply and add, and keep a copy of what was sold. After all of them the mark is
//! judged: `place_order` with 20 lines in under 50 µs, by the median of many.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that fails has nothing to measure"
)]
#![allow(clippy::float_arithmetic, reason = "times; money is counted elsewhere")]

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
    time::Instant,
};

use commerce_benches::{
    Fixture,
    figure::{Report, Target, micros},
};
use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CartLine, CartView, CheckoutInputs, PatchCart},
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

/// The lines of the order that the mark is about, and the microseconds that placing it may take.
const MARKED: usize = 20;
const MARK: f64 = 50.0;
/// How often it is placed.
const TIMES: usize = 2_001;

fn main() {
    LazyLock::force(&FIXTURE);
    divan::main();
    // Not where the benches are only listed or tried.
    if std::env::args().any(|argument| argument == "--bench") {
        judge();
    }
}

fn judge() {
    let columns = ["a checkout of 20 lines, median", "shop", "floor", "shop in µs"];
    let mut report = Report::new("checkout_memory", "A checkout without a database", columns);
    let floor = Floor::new(MARKED);
    let mut times = [Vec::with_capacity(TIMES), Vec::with_capacity(TIMES)];
    for _ in 0..TIMES {
        let (guest, cart) = FIXTURE.cart(0, MARKED);
        let place = || block_on(FIXTURE.shop.place_order(&guest, cart, &PlaceOrder::default()));
        times[0].push(timed(|| place().unwrap()));
        times[1].push(timed(|| floor.sell()));
    }
    let [shop, floor] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[TIMES / 2]
    });
    let target = Some(Target::AtMost(MARK));
    report.figure("placed, of a guest's cart", micros(shop), micros(floor), shop, target);
    report.finish();
}

/// How many microseconds some work takes; to let go of what it gives is no part of it.
fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let begun = Instant::now();
    let done = black_box(work());
    let time = begun.elapsed();
    drop(done);
    time.as_secs_f64() * 1e6
}

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

/// A shop that knows nothing but goods and what was sold of them.
struct Floor {
    inputs: CheckoutInputs,
    shop: Mutex<Books>,
}

struct Books {
    goods: HashMap<VariantId, Good>,
    orders: HashMap<OrderId, Arc<(Vec<Sold>, i64)>>,
}

impl Floor {
    fn new(lines: usize) -> Self {
        let inputs = FIXTURE.inputs(lines);
        let sellables = inputs.by_variant();
        let good = |line: &CartLine| {
            let found = sellables.get(&line.variant_id)?;
            let price = found.variant.price(inputs.cart.currency)?.amount.minor();
            let (sku, title) = (found.variant.sku.clone(), found.title.clone());
            Some((line.variant_id, Good { sku, title, price, stock: i64::MAX }))
        };
        let goods = inputs.cart.lines.iter().filter_map(good).collect();
        let shop = Mutex::new(Books { goods, orders: HashMap::new() });
        drop(sellables);
        Self { inputs, shop }
    }

    fn sell(&self) {
        let id: OrderId = FIXTURE.shop.moment().id();
        let mut shop = self.shop.lock().unwrap();
        let Books { goods, orders } = &mut *shop;
        let mut total = 0;
        let mut sold = Vec::with_capacity(self.inputs.cart.lines.len());
        for line in &self.inputs.cart.lines {
            let good = goods.get_mut(&line.variant_id).unwrap();
            let units = line.quantity.get();
            assert!(good.stock >= units);
            good.stock -= units;
            total += good.price * units;
            let (sku, title) = (good.sku.clone(), good.title.clone());
            sold.push(Sold { _sku: sku, _title: title, _units: units, _total: good.price * units });
        }
        orders.insert(id, Arc::new((sold, total)));
    }
}

#[divan::bench(args = LINES)]
fn floor(bencher: Bencher<'_, '_>, lines: usize) {
    let floor = Floor::new(lines);
    bencher.bench(|| floor.sell());
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

//! Checkouts as the benches of every store make them: a guest's cart of two lines, placed under an
//! idempotency key by `Commerce::place_order`.

use std::sync::{Arc, Mutex};

use commerce_core::{
    Commerce,
    access::Caller,
    cart::CreateCart,
    checkout::PlaceOrder,
    id::CartId,
    store::{MemoryStore, Queries, Store},
    text::IdempotencyKey,
};
use commerce_sqlite::{SystemClock, SystemIds};

use crate::{
    Fixture,
    callers::{self, Run},
    figure::{Report, Target, per_second},
};

/// Carts that are prepared for a run.
pub const CARTS: usize = 16_000;
const VARIANTS: usize = 2_000;

/// Who checks out, with their key, and which cart.
pub type Cart = (Caller, CartId);

/// A number of something.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A shop over a store.
pub fn shop(store: impl Store + Queries) -> Commerce {
    Commerce::new(store, SystemClock, SystemIds)
}

/// Fills a shop, and its guests' carts: each of two SKUs among many, or of one that is in all of
/// them and another.
///
/// # Panics
/// When the shop refuses it.
pub fn prepare(store: impl Store + Queries, hot: bool) -> Vec<Cart> {
    let fixture = Fixture::new(shop(store), VARIANTS);
    let requests: Vec<CreateCart> = (0..CARTS)
        .map(|cart| {
            if hot {
                let others = &fixture.variants[1..];
                fixture.request_of([fixture.variants[0], others[cart % others.len()]])
            } else {
                fixture.request(2 * cart, 2)
            }
        })
        .collect();
    let made = Arc::new(Mutex::new(Vec::with_capacity(CARTS)));
    let sink = made.clone();
    let shop = fixture.shop;
    callers::run(128, requests, move |request| {
        let (shop, sink) = (shop.clone(), sink.clone());
        async move {
            let visitor = Caller::anonymous();
            let cart = shop.create_cart(&visitor, &request).await.unwrap();
            let mut sink = sink.lock().unwrap();
            let key = IdempotencyKey::new(format!("checkout-{:08}", sink.len())).unwrap();
            sink.push((cart.caller(&visitor).with_key(key), cart.cart.id));
        }
    });
    Arc::into_inner(made).unwrap().into_inner().unwrap()
}

/// Checks carts out, by so many callers at once, who ask the shops in turn.
///
/// # Panics
/// When a shop refuses one.
pub fn place(shops: &[Commerce], callers: usize, carts: &[Cart]) -> Run {
    let work = carts.iter().cloned().enumerate();
    let work = work.map(|(n, cart)| (shops[n / callers % shops.len()].clone(), cart)).collect();
    callers::run(callers, work, move |(shop, (guest, cart)): (Commerce, Cart)| async move {
        let placed = shop.place_order(&guest, cart, &PlaceOrder::default()).await.unwrap();
        assert!(!placed.replayed);
    })
}

/// How many checkouts a second so many callers make in memory.
///
/// # Panics
/// When the shop refuses one.
pub fn in_memory(callers: usize, checkouts: usize) -> f64 {
    let shop = shop(MemoryStore::new());
    let fixture = Fixture::new(shop, VARIANTS);
    let carts: Vec<Cart> = (0..checkouts)
        .map(|cart| {
            let (guest, id) = fixture.cart(2 * cart, 2);
            let key = IdempotencyKey::new(format!("checkout-{cart:08}")).unwrap();
            (guest.with_key(key), id)
        })
        .collect();
    place(&[fixture.shop], callers, &carts).rate()
}

/// Adds to a report how the rates on one hot SKU stand beside those on many, and that they are to be
/// so large a share of them. The rates are those of each case, of callers and checkouts, on many SKUs
/// and then those on the hot one.
pub fn hot_beside_spread(report: &mut Report, cases: &[(usize, usize)], rates: &[f64], share: f64) {
    let (spread, hot) = rates.split_at(cases.len());
    for ((callers, _), (spread, hot)) in cases.iter().zip(spread.iter().zip(hot)) {
        report.figure(
            format!("hot beside spread, {}", counted(*callers, "caller")),
            per_second(*hot),
            per_second(*spread),
            hot / spread,
            Some(Target::AtLeast(share)),
        );
    }
}

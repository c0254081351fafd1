//! The same history on the store in memory and on another: every answer, every list and every page
//! must be the same. The test of an adapter includes this, beside a `store` that makes one with
//! what it needs to live, the type `Kept` of that, and `block_on`.

use std::{fmt::Debug, sync::Arc, time::Duration};

use commerce_core::{
    Commerce,
    access::Caller,
    currency::Currency,
    id::{CartId, CategoryId, CustomerId, LineId, LocationId, OrderId, ProductId, VariantId},
    inputs::{SeededIds, SteppedClock},
    shop::Shop,
    store::{MemoryStore, PageRequest, StockFilter},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Kept, block_on, store};

/// The random numbers of one history, so that a failing one comes again.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    fn number(&mut self, n: i64) -> i64 {
        i64::try_from(self.below(usize::try_from(n).unwrap())).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        if of.is_empty() { None } else { Some(of[self.below(of.len())].clone()) }
    }

    fn some(&mut self, of: &[&str], percent: usize) -> Vec<String> {
        of.iter().filter(|_| self.chance(percent)).map(|it| (*it).to_owned()).collect()
    }
}

const WORDS: &[&str] =
    &["Red", "Shirt", "shirts", "Blau", "Größe", "ÄRMEL", "नमस्ते", "XL-5", "T-Shirt", "Ⅷ", "straße"];
const CURRENCIES: &[Currency] = &[Currency::EUR, Currency::USD, Currency::JPY];

/// One shop on two stores.
struct Twins {
    memory: Commerce,
    other: Commerce,
    clocks: [Arc<SteppedClock>; 2],
    dice: Dice,
    system: Caller,
    products: Vec<ProductId>,
    variants: Vec<VariantId>,
    categories: Vec<CategoryId>,
    locations: Vec<LocationId>,
    customers: Vec<CustomerId>,
    carts: Vec<(Caller, CartId)>,
    lines: Vec<(CartId, LineId)>,
    orders: Vec<OrderId>,
    position: u64,
    _kept: Kept,
}

/// Asks both shops, compares what they answer, and gives it.
macro_rules! both {
    ($twins:expr, |$shop:ident| $ask:expr) => {{
        let answers = {
            let $shop = &$twins.memory;
            let a = block_on($ask);
            let $shop = &$twins.other;
            let b = block_on($ask);
            (a, b)
        };
        same(stringify!($ask), &answers.0, &answers.1);
        answers.0
    }};
}

mod cart;
mod catalog;
mod compare;
mod customer;
mod order;
mod stock;

fn same<T: Debug>(what: &str, memory: &T, other: &T) {
    let (memory, other) = (format!("{memory:#?}"), format!("{other:#?}"));
    if memory != other {
        let line = memory.lines().zip(other.lines()).find(|(a, b)| a != b);
        panic!("{what}\n first difference {line:?}\n memory {memory}\n other {other}");
    }
}

impl Twins {
    fn open(seed: u64) -> Self {
        let (store, kept) = store();
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let clocks = [Arc::new(SteppedClock::new(now)), Arc::new(SteppedClock::new(now))];
        let memory = Commerce::new(MemoryStore::new(), clocks[0].clone(), SeededIds::new(seed));
        let other = Commerce::new(store, clocks[1].clone(), SeededIds::new(seed));
        let mut twins = Self {
            memory,
            other,
            clocks,
            dice: Dice(seed),
            system: Caller::system(),
            products: vec![],
            variants: vec![],
            categories: vec![],
            locations: vec![],
            customers: vec![],
            carts: vec![],
            lines: vec![],
            orders: vec![],
            position: 0,
            _kept: kept,
        };
        let page = PageRequest { total: true, ..PageRequest::first(3) };
        let _ = both!(twins, |shop| shop
            .queries()
            .stock(&StockFilter { low: true, ..StockFilter::default() }, &page));
        let kind = twins.dice.one(&["prepaid", "on_delivery"]).unwrap();
        let terms = json!({"manual": {"kind": kind, "days": 3}});
        let shop: Shop = serde_json::from_value(json!({
            "name": "Twins", "currency": "EUR", "payment_terms": terms,
            "taxes": [{"id": id(1, "tax"), "label": "VAT", "rate": "0.19", "country": "DE"}],
            "shipping_methods": [{"id": id(2, "ship"), "name": "Post",
                "rate": {"type": "flat", "price": {"amount": 490, "currency": "EUR"}}}],
        }))
        .unwrap();
        let setup = block_on(twins.memory.open(shop.clone())).unwrap();
        block_on(twins.other.open(shop)).unwrap();
        twins.locations.push(setup.locations[0].id);
        twins
    }

    fn words(&mut self, most: usize) -> String {
        let count = 1 + self.dice.below(most);
        (0..count).map(|_| self.dice.one(WORDS).unwrap()).collect::<Vec<_>>().join(" ")
    }

    fn address(&mut self) -> Value {
        let country = self.dice.one(&["DE", "US"]).unwrap();
        json!({"name": "A B", "line1": "Street 1", "city": "Town", "country": country, "postal_code": "1"})
    }

    fn step(&mut self) {
        match self.dice.below(40) {
            0..=11 => self.change_catalog(),
            12..=17 => self.change_stock(),
            18 | 19 => self.change_customer(),
            20..=30 => self.change_cart(),
            31..=38 => self.change_order(),
            _ => self.compare(),
        }
        if self.dice.chance(70) {
            let millis = self.dice.next() % 3;
            self.advance(Duration::from_millis(millis));
        }
    }

    fn advance(&self, by: Duration) {
        self.clocks.iter().for_each(|clock| clock.advance(by));
    }
}

fn id(number: u128, prefix: &str) -> String {
    format!("{prefix}_{number:032x}")
}

#[test]
fn an_id_of_the_tests_is_one() {
    let parsed: ProductId = id(7, "prod").parse().unwrap();
    assert_eq!(commerce_core::id::Id::uuid(parsed).as_u128(), 7);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn both_stores_answer_alike(seed: u64) {
        let mut twins = Twins::open(seed);
        for _ in 0..400 {
            twins.step();
        }
        twins.compare();
    }
}

//! The replay of a retailer's sales, on the small file that the project ships.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use commerce_core::{
    Commerce,
    access::Caller,
    inputs::{SeededIds, SteppedClock},
    inventory::{AdjustStock, Reason},
    store::{MemoryStore, VariantRef},
    time::Timestamp,
};
use commerce_examples::{
    replay::{ReplayError, audit, replay},
    retail::Sales,
};
use pollster::block_on;

fn sample() -> Sales {
    Sales::read(include_str!("../data/retail-sample.csv").as_bytes()).unwrap()
}

fn shop() -> Commerce {
    let clock = SteppedClock::new(Timestamp::UNIX_EPOCH);
    Commerce::new(MemoryStore::new(), clock, SeededIds::new(1))
}

#[test]
fn the_sample_is_sold_to_the_last_unit() {
    for workers in [1, 4] {
        let (shop, sales) = (shop(), sample());
        replay(&shop, &sales, workers).unwrap();
        let books = audit(&shop, &sales).unwrap();
        assert_eq!(books.figures, sales.figures());
        assert_eq!((books.figures.orders, books.figures.revenue_pence), (15, 292_064));
        assert_eq!(books.events, 3 * 15);
    }
}

#[test]
fn a_shop_that_sold_something_else_does_not_pass_the_audit() {
    let (shop, sales) = (shop(), sample());
    replay(&shop, &sales, 1).unwrap();
    let wrong = |sales: &Sales| match audit(&shop, sales) {
        Err(ReplayError::Books(why)) => why,
        other => panic!("{other:?}"),
    };
    let mut another = sales.clone();
    another.invoices.pop();
    assert!(wrong(&another).contains("of no invoice"));
    let mut another = sales.clone();
    another.invoices[0].lines[0].unit_pence += 1;
    assert!(wrong(&another).contains("sells other units"));
    let mut another = sales.clone();
    another.invoices[0].placed_at = another.invoices[1].placed_at;
    assert!(wrong(&another).contains("was placed at"));

    let office = Caller::system();
    let sku = sales.goods().into_keys().next().unwrap();
    let variant = block_on(shop.variant(&office, &VariantRef::Sku(sku))).unwrap().id;
    let adjust = |delta, reason| {
        let adjust = AdjustStock::new(delta, reason);
        block_on(shop.adjust_stock(&office, variant, &adjust)).unwrap();
    };
    adjust(1, Reason::Received);
    assert!(wrong(&sales).contains("1 on hand"));
    adjust(-1, Reason::Damaged);
    assert!(wrong(&sales).contains("came and went"));
}

#[test]
fn a_shop_is_replayed_once() {
    let (shop, sales) = (shop(), sample());
    replay(&shop, &sales, 1).unwrap();
    assert!(matches!(replay(&shop, &sales, 1), Err(ReplayError::NotEmpty)));
}

//! The replay of a retailer's sales, on the small file that the project ships.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use commerce_core::{
    Commerce,
    access::Caller,
    inputs::{SeededIds, SteppedClock},
    inventory::{AdjustStock, Reason},
    store::{MemoryStore, Queries, Store, VariantRef},
    time::Timestamp,
};
use commerce_examples::{
    replay::{ReplayError, audit, replay},
    retail::Sales,
};
use commerce_sqlite::SqliteStore;
use commerce_sqlx::PgStore;
use pollster::block_on;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::runtime::Runtime;

fn sample() -> Sales {
    Sales::read(include_str!("../data/retail-sample.csv").as_bytes()).unwrap()
}

fn shop_over(store: impl Store + Queries) -> Commerce {
    Commerce::new(store, SteppedClock::new(Timestamp::UNIX_EPOCH), SeededIds::new(1))
}

fn shop() -> Commerce {
    shop_over(MemoryStore::new())
}

/// Has a new shop sell the sample, by so many workers at once.
fn sells_to_the_last_unit(shop: &Commerce, workers: usize) {
    let sales = sample();
    replay(shop, &sales, workers).unwrap();
    let books = audit(shop, &sales).unwrap();
    assert_eq!(books.figures, sales.figures());
    assert_eq!((books.figures.orders, books.figures.revenue_pence), (15, 292_064));
    assert_eq!(books.events, 3 * 15);
}

#[test]
fn the_sample_is_sold_to_the_last_unit_in_memory() {
    for workers in [1, 4] {
        sells_to_the_last_unit(&shop(), workers);
    }
}

#[test]
fn the_sample_is_sold_to_the_last_unit_on_sqlite() {
    for workers in [1, 4] {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("shop.db")).unwrap();
        sells_to_the_last_unit(&shop_over(store), workers);
    }
}

#[test]
fn the_sample_is_sold_to_the_last_unit_on_postgres() {
    if std::env::var("TEST_WITHOUT_POSTGRES").is_ok_and(|value| value == "1") {
        return;
    }
    let address = std::env::var("DATABASE_URL")
        .expect("DATABASE_URL names no server: see scripts/with-postgres");
    let runtime = Runtime::new().unwrap();
    for workers in [1, 4] {
        let schema = format!("replay_{}_{workers}", std::process::id());
        let options = PgStore::options().schema(&schema).allow_data_loss();
        let store = runtime.block_on(options.open(&address)).unwrap();
        sells_to_the_last_unit(&shop_over(store.clone()), workers);
        runtime.block_on(async {
            store.close().await;
            let mut connection = PgConnection::connect(&address).await.unwrap();
            let drop = format!("DROP SCHEMA {schema} CASCADE");
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await.unwrap();
        });
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

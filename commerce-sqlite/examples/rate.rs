//! How many two-line checkouts a second go through `Commerce::place_order`, beside a hand-written
//! loop that writes the same rows in batches.
//!
//! `cargo run --release -p commerce-sqlite --example rate -- [ORDERS] [FOLDER]`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a measurement for people"
)]

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency,
    id::{CartId, VariantId},
    money::Money,
    secret::Secret,
    shop::Shop,
    text::IdempotencyKey,
};
use pollster::block_on;
use rusqlite::{Connection, params_from_iter, types::Value};
use serde_json::json;

const VARIANTS: usize = 1_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let orders: usize = arguments.next().map_or(20_000, |text| text.parse().unwrap());
    let folder = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(folder).unwrap();
    println!("callers  spread/s   hot/s  loop/s (batch)  spread/loop  CPU spread, hot, loop: us");
    for (callers, batch) in [(1, 1), (32, 16), (128, 64)] {
        let count = if callers == 1 { orders / 8 } else { orders };
        let spread = measure(folder.path(), callers, count, false);
        let hot = measure(folder.path(), callers, count, true);
        let by_hand = || by_hand(folder.path(), batch, count);
        let floor = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("by hand".to_owned());
            thread.spawn_scoped(scope, by_hand).unwrap().join().unwrap()
        });
        println!(
            "{callers:7} {:9.0} {:7.0} {:7.0} ({batch:5})  {:9.0} %  {:15.0} {:4.0} {:5.0}",
            spread.rate,
            hot.rate,
            floor.rate,
            100.0 * spread.rate / floor.rate,
            spread.cpu,
            hot.cpu,
            floor.cpu,
        );
    }
}

/// A shop with something to sell, and as many carts as orders are to be placed.
fn prepare(path: &Path, carts: usize, hot: bool) -> (Commerce, Vec<(Caller, CartId)>) {
    let shop = commerce_sqlite::open(path).unwrap();
    let system = Caller::system();
    block_on(shop.open(Shop::new("Rate", Currency::EUR).unwrap())).unwrap();
    let mut variants: Vec<VariantId> = Vec::new();
    for number in 0..VARIANTS {
        let price = Money::new(1999, Currency::EUR);
        let product = CreateProduct {
            status: ProductStatus::Active,
            variants: vec![CreateVariant::new(format!("SKU-{number}"), price).unwrap()],
            ..CreateProduct::new(format!("Product {number}")).unwrap()
        };
        let product = block_on(shop.create_product(&system, &product)).unwrap();
        variants.push(product.variants[0].id);
    }
    let units: Vec<_> = variants.iter().map(|id| (*id, 1_000_000)).collect();
    block_on(shop.receive_stock(&system, None, &units, None)).unwrap();
    let next = AtomicUsize::new(0);
    let made = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..32)
            .map(|_| {
                scope.spawn(|| {
                    let mut made = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= carts {
                            return made;
                        }
                        let pick =
                            |n: usize| variants[if hot { n } else { (2 * at + n) % VARIANTS }];
                        let request: CreateCart = serde_json::from_value(json!({
                            "email": "somebody@example.com",
                            "shipping_address": { "name": "Some Body", "line1": "Street 1",
                                "city": "Berlin", "postal_code": "10115", "country": "DE" },
                        }))
                        .unwrap();
                        let request = CreateCart {
                            lines: (0..2).map(|n| AddLine::new(pick(n), 1).unwrap()).collect(),
                            ..request
                        };
                        let cart = block_on(shop.create_cart(&Caller::anonymous(), &request));
                        let cart = cart.unwrap();
                        let secret: Secret = cart.token.as_ref().unwrap().parse().unwrap();
                        let key = IdempotencyKey::new(format!("checkout-{at:020}")).unwrap();
                        made.push((Caller::guest(&secret).with_key(key), cart.cart.id));
                    }
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    (shop, made)
}

/// What some orders took.
struct Taken {
    /// Orders a second.
    rate: f64,
    /// Microseconds of processor time an order, of all threads.
    cpu: f64,
}

/// Processor time that the process has used so far, where the system tells.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    Duration::from_millis(ticks.map(|ticks| 10 * ticks.parse::<u64>().unwrap()).sum())
}

fn measure(folder: &Path, callers: usize, orders: usize, hot: bool) -> Taken {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let (shop, carts) = prepare(&folder.path().join("shop.db"), orders, hot);
    let next = AtomicUsize::new(0);
    let (begin, before) = (Instant::now(), cpu());
    std::thread::scope(|scope| {
        for _ in 0..callers {
            let thread = std::thread::Builder::new().name("caller".to_owned());
            let place = || {
                while let Some((caller, cart)) = carts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    block_on(shop.place_order(caller, *cart, &PlaceOrder::default())).unwrap();
                }
            };
            thread.spawn_scoped(scope, place).unwrap();
        }
    });
    taken(orders, begin, before)
}

fn taken(orders: usize, begin: Instant, before: Duration) -> Taken {
    let orders = f64::from(u32::try_from(orders).unwrap());
    Taken {
        rate: orders / begin.elapsed().as_secs_f64(),
        cpu: 1e6 * (cpu() - before).as_secs_f64() / orders,
    }
}

/// The rows of one checkout, table by table, as the store writes them.
fn rows(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// Writes the rows of checkouts without judging anything, one transaction for each batch.
fn by_hand(folder: &Path, batch: usize, orders: usize) -> Taken {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let path = folder.path().join("shop.db");
    let (shop, carts) = prepare(&path, orders, false);
    let (caller, cart) = &carts[0];
    block_on(shop.place_order(caller, *cart, &PlaceOrder::default())).unwrap();
    drop(shop);
    let connection = Connection::open(&path).unwrap();
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;").unwrap();
    connection.execute_batch("PRAGMA wal_autocheckpoint = 4000").unwrap();
    let of = |table: &str, order: &str| {
        rows(&connection, &format!("SELECT * FROM {table} ORDER BY {order} DESC LIMIT 1"))
    };
    let order = of("commerce_orders", "placed_at");
    let payment = of("commerce_payments", "created_at");
    let lines = rows(&connection, "SELECT * FROM commerce_order_lines");
    let holds = rows(&connection, "SELECT * FROM commerce_holds");
    let outcome = of("commerce_outcomes", "at");
    let entry = of("commerce_outbox", "position");
    let open = rows(&connection, "SELECT id FROM commerce_carts WHERE status = 'open'");
    let levels = rows(&connection, "SELECT variant_id, location_id FROM commerce_stock_levels");
    let insert = |table: &str, row: &[Value]| {
        let marks = vec!["?"; row.len()].join(",");
        let sql = format!("INSERT INTO {table} VALUES ({marks})");
        connection.prepare_cached(&sql).unwrap().execute(params_from_iter(row)).unwrap();
    };
    let fresh = |number: usize, kind: u8| {
        let mut id = vec![0x7f_u8; 16];
        id[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        id[8] = kind;
        Value::Blob(id)
    };
    let (begin, before) = (Instant::now(), cpu());
    for chunk in (0..open.len()).collect::<Vec<_>>().chunks(batch) {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for &at in chunk {
            let id = fresh(at, 1);
            let sql = "UPDATE commerce_carts SET status = 'completed', version = 2, order_id = ?,
                updated_at = 1 WHERE id = ?";
            let mut close = connection.prepare_cached(sql).unwrap();
            close.execute([&id, &open[at][0]]).unwrap();
            let mut row = order[0].clone();
            (row[0], row[3]) = (id.clone(), open[at][0].clone());
            row[2] = Value::Text(format!("N-{:08X}", at.wrapping_mul(0x9e37_79b9)));
            insert("commerce_orders", &row);
            for line in &lines {
                let mut row = line.clone();
                row[0] = id.clone();
                insert("commerce_order_lines", &row);
            }
            for hold in &holds {
                let mut row = hold.clone();
                row[0] = id.clone();
                insert("commerce_holds", &row);
            }
            let mut row = payment[0].clone();
            (row[0], row[2]) = (fresh(at, 2), id.clone());
            insert("commerce_payments", &row);
            let mut row = outcome[0].clone();
            row[1] = Value::Text(format!("by-hand-{at:020}"));
            insert("commerce_outcomes", &row);
            let mut row = entry[0].clone();
            row[0] = Value::Null;
            connection
                .prepare_cached("INSERT INTO commerce_outbox (at, events) VALUES (?, ?)")
                .unwrap()
                .execute([&row[1], &row[2]])
                .unwrap();
            for n in 0..2 {
                let level = &levels[(2 * at + n) % levels.len()];
                connection
                    .prepare_cached(
                        "UPDATE commerce_stock_levels SET held = held + 1
                        WHERE variant_id = ? AND location_id = ? AND on_hand - held >= 1",
                    )
                    .unwrap()
                    .execute(params_from_iter(level))
                    .unwrap();
            }
        }
        connection.execute_batch("COMMIT").unwrap();
    }
    taken(open.len(), begin, before)
}

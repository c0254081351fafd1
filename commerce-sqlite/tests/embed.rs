//! An embedder's own transaction: the row of the host and the order are both there or both absent.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "../../commerce-core/tests/support/reads.rs"]
mod reads;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use commerce_core::{
    access::Caller,
    catalog::{CreateProduct, CreateVariant, ImageFields, Price},
    checkout::{PlaceOrder, place},
    currency::Currency::{EUR, USD},
    id::Id,
    inventory::ByPriority,
    money::Money,
    payment::Means,
    shop::Shop,
    store::{CommitError, CustomerRef, OrderRef, VariantRef},
};
use commerce_sqlite::{
    Durability, SqliteStore, commit_in, migrate_in, read_cart_in, read_checkout_inputs_in,
    read_customer_in, read_open_cart_in, read_order_in, read_outcome_in, read_product_in,
    read_sellables_in, read_setup_in, read_variant_in,
};
use pollster::block_on;
use reads::{Answers, Named, changing_all, outside, said};
use rusqlite::{Connection, TransactionBehavior};

use common::{
    Dice, check_books,
    host::{both_or_neither, check_out, host, moment, stocked},
    number, sell, shop,
};

#[test]
fn both_or_neither_over_a_thousand_aborts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    let carts = stocked(&path, 120);
    let mut connection = host(&path);
    let mut dice = Dice(7);
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut committed = 0;
    let mut aborted = 0;
    let mut next = carts.iter();
    let mut current = next.next();
    while aborted < 1_000 {
        let Some(cart) = current else { break };
        let ending = dice.below(10);
        let at = dice.below(3);
        let attempt = catch_unwind(AssertUnwindSafe(|| {
            let behavior = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(behavior).unwrap();
            let mut place = 0;
            let id = check_out(&transaction, *cart, || {
                if ending < 4 && place == at {
                    panic!("the host gives up");
                }
                place += 1;
            });
            match ending {
                9 => {
                    transaction.commit().unwrap();
                    Some(id)
                }
                8 => {
                    transaction.rollback().unwrap();
                    None
                }
                _ => None,
            }
        }));
        match attempt {
            Ok(Some(id)) => {
                assert!(read_order_in(&connection, &OrderRef::Id(id)).unwrap().is_some());
                committed += 1;
                current = next.next();
            }
            Err(panic) if ending >= 4 => resume_unwind(panic),
            _ => {
                let cart = read_cart_in(&connection, *cart).unwrap().unwrap();
                assert!(cart.order_id.is_none());
                aborted += 1;
            }
        }
        if aborted % 100 == 0 {
            both_or_neither(&connection);
        }
    }
    std::panic::set_hook(quiet);
    assert_eq!(aborted, 1_000);
    both_or_neither(&connection);
    assert_eq!(number(&connection, "SELECT count(*) FROM orders"), committed);
    assert!(read_setup_in(&connection).unwrap().is_some());
    drop(connection);
    check_books(&path);
}

#[test]
fn a_refused_commit_leaves_the_hosts_rows_and_nothing_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    let carts = stocked(&path, 1);
    let mut connection = host(&path);
    let inputs = read_checkout_inputs_in(&connection, carts[0], &[]).unwrap().unwrap();
    let again =
        place(&inputs, &PlaceOrder::default(), &Means::by_hand(), &ByPriority, &mut moment())
            .unwrap();
    let transaction = connection.transaction().unwrap();
    check_out(&transaction, carts[0], || {});
    transaction.execute("INSERT INTO orders VALUES (x'00', 'other')", []).unwrap();
    let refused = commit_in(&transaction, &again.commit);
    assert!(matches!(refused, Err(CommitError::Conflict(_))), "{refused:?}");
    transaction.commit().unwrap();
    assert_eq!(number(&connection, "SELECT count(*) FROM orders"), 2);
    assert_eq!(number(&connection, "SELECT count(*) FROM commerce_orders"), 1);
    // Without a transaction around it, it is one of its own.
    let refused = commit_in(&connection, &again.commit);
    assert!(matches!(refused, Err(CommitError::Conflict(_))), "{refused:?}");
    assert!(connection.is_autocommit());
    drop(connection);
    check_books(&path);
}

fn inside(connection: &Connection, named: &Named) -> Answers {
    let Named { product, variant, cart, customer, order, outcome } = named;
    [
        said(read_setup_in(connection)),
        said(read_product_in(connection, product)),
        said(read_variant_in(connection, &VariantRef::Id(*variant))),
        said(read_sellables_in(connection, &[*variant])),
        said(read_cart_in(connection, *cart)),
        said(read_open_cart_in(connection, *customer)),
        said(read_checkout_inputs_in(connection, *cart, &[])),
        said(read_order_in(connection, order)),
        said(read_customer_in(connection, &CustomerRef::Id(*customer))),
        said(read_outcome_in(connection, outcome)),
    ]
}

#[test]
fn a_transaction_reads_what_it_has_written_and_nobody_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    migrate_in(&host(&path)).unwrap();
    let store = SqliteStore::options().durability(Durability::Process).open(&path).unwrap();
    let shop = shop(store);
    let variant = sell(&shop, "SKU", 5);
    let (named, commit) = block_on(changing_all(&shop, variant));
    let outside = || block_on(outside(&**shop.store(), &named));
    let mut connection = host(&path);
    let transaction = connection.transaction().unwrap();
    let before = outside();
    assert_eq!(inside(&transaction, &named), before);
    commit_in(&transaction, &commit).unwrap();
    let within = inside(&transaction, &named);
    for (within, before) in within.iter().zip(&before) {
        assert_ne!(within, before);
    }
    assert_eq!(outside(), before);
    transaction.rollback().unwrap();
    assert_eq!(inside(&connection, &named), before);

    let transaction = connection.transaction().unwrap();
    commit_in(&transaction, &commit).unwrap();
    transaction.commit().unwrap();
    assert_eq!(outside(), within);
}

#[test]
fn images_are_asked_for_by_sql() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    let shop = commerce_sqlite::open(&path).unwrap();
    let images = [("https://a.example/1.jpg", Some("Front")), ("https://a.example/2.jpg", None)];
    let product = block_on(async {
        shop.open(Shop::new("Test", EUR).unwrap()).await.unwrap();
        let image = |(url, alt): (&str, Option<&str>)| ImageFields {
            url: url.parse().unwrap(),
            alt: alt.map(|alt| alt.parse().unwrap()),
        };
        let request = CreateProduct {
            images: images.map(image).to_vec(),
            ..CreateProduct::new("Mug").unwrap()
        };
        shop.create_product(&Caller::system(), &request).await.unwrap().output
    });
    let connection = host(&path);
    let mut asked = connection
        .prepare(
            "SELECT lower(hex(i.id)), i.url, i.alt FROM commerce_product_images AS i
            JOIN commerce_products AS p ON p.id = i.product_id
            WHERE p.slug = 'mug' ORDER BY i.position",
        )
        .unwrap();
    let found: Vec<(String, String, Option<String>)> = asked
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let expected = product.images.iter().zip(images).map(|(image, (url, alt))| {
        (image.id.uuid().simple().to_string(), url.to_owned(), alt.map(str::to_owned))
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn prices_are_asked_for_by_sql() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    let shop = commerce_sqlite::open(&path).unwrap();
    let dollars = Price { amount: Money::new(14_00, USD), compare_at: None };
    block_on(async {
        shop.open(Shop::new("Test", EUR).unwrap()).await.unwrap();
        let variant = CreateVariant {
            compare_at_price: Some(Money::new(15_00, EUR)),
            prices: vec![dollars],
            ..CreateVariant::new("MUG", Money::new(12_50, EUR)).unwrap()
        };
        let request =
            CreateProduct { variants: vec![variant], ..CreateProduct::new("Mug").unwrap() };
        shop.create_product(&Caller::system(), &request).await.unwrap();
    });
    let connection = host(&path);
    let mut asked = connection
        .prepare(
            "SELECT p.currency, p.amount, p.compare_at FROM commerce_variant_prices AS p
            JOIN commerce_variants AS v ON v.id = p.variant_id
            WHERE v.sku = 'MUG' ORDER BY p.position",
        )
        .unwrap();
    let found: Vec<(String, i64, Option<i64>)> = asked
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(found, [("EUR".to_owned(), 12_50, Some(15_00)), ("USD".to_owned(), 14_00, None)]);
}

//! What can be wrong with a file, and that it is left as it was.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::fs;

use commerce_core::{
    Commerce, Error,
    access::Caller,
    catalog::CreateProduct,
    id::VariantId,
    store::{OrderFilter, OrderQuery, PageRequest, ProductQuery, ProductSort, Store},
};
use commerce_sqlite::{Durability, OpenError, SqliteStore, SystemClock, SystemIds, migrate_in};
use pollster::block_on;
use rusqlite::Connection;

use common::{Dice, cart, sell, shop, try_cart};

#[test]
fn a_new_file_is_small_and_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    drop(SqliteStore::open(&path).unwrap());
    assert!(fs::metadata(&path).unwrap().len() < 500_000);
    assert!(!folder.path().join("shop.db-wal").exists(), "it was closed tidily");
    let store = SqliteStore::open(&path).unwrap();
    assert!(block_on(store.setup()).unwrap().is_none());
}

#[test]
fn what_is_no_database_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let text = "not a database, but long enough to have a header of one".repeat(40);
    fs::write(&path, &text).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::NotADatabase { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn the_database_of_another_program_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE mine (x)").unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::OtherProgram { .. })));
    let tables: i64 =
        other.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
    // Its owner may let the shop in.
    migrate_in(&other).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert!(block_on(store.setup()).unwrap().is_none());

    let empty = folder.path().join("empty.db");
    Connection::open(&empty).unwrap().pragma_update(None, "application_id", 7).unwrap();
    assert!(matches!(SqliteStore::open(&empty), Err(OpenError::OtherProgram { .. })));
}

#[test]
fn tables_of_a_newer_program_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.execute("INSERT INTO commerce_migrations VALUES (99)", []).unwrap();
    let newer = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(newer, OpenError::SchemaTooNew { found: 99, .. }), "{newer:?}");
    assert!(matches!(migrate_in(&connection), Err(OpenError::SchemaTooNew { .. })));
}

#[test]
fn a_place_that_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = SqliteStore::open(folder.path().join("missing/shop.db")).unwrap_err();
    assert!(matches!(missing, OpenError::NotWritable { .. }), "{missing:?}");
    let directory = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(directory, OpenError::NotWritable { .. }), "{directory:?}");
    let memory = SqliteStore::open(":memory:").unwrap_err();
    assert!(matches!(memory, OpenError::NoWriteAheadLog { .. }), "{memory:?}");
}

#[test]
fn a_file_that_cannot_be_written_can_be_used_as_soon_as_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    drop(SqliteStore::open(&path).unwrap());
    let writable = fs::metadata(&path).unwrap().permissions();
    let mut permissions = writable.clone();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    // Root writes it all the same.
    if let Err(error) = SqliteStore::open(&path) {
        assert!(matches!(error, OpenError::NotWritable { .. }), "{error:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    fs::set_permissions(&path, writable).unwrap();
    sell(&shop(SqliteStore::open(&path).unwrap()), "SHIRT", 1);
}

#[test]
fn waits_of_any_length_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let longest = std::time::Duration::MAX;
    let options = SqliteStore::options().busy_timeout(longest).queue_timeout(longest);
    let store = options.open(folder.path().join("shop.db")).unwrap();
    sell(&shop(store), "SHIRT", 1);
}

#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_refused_by_either() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["shop.db", "link.db"].map(|name| folder.path().join(name));
    drop(SqliteStore::open(&names[0]).unwrap());
    std::fs::hard_link(&names[0], &names[1]).unwrap();
    for name in &names {
        let linked = SqliteStore::open(name).unwrap_err();
        assert!(matches!(linked, OpenError::Linked { .. }), "{linked:?}");
    }
    std::fs::remove_file(&names[1]).unwrap();
    assert!(SqliteStore::open(&names[0]).is_ok());
}

#[test]
fn several_may_make_the_same_file_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let store = SqliteStore::open(&path).unwrap();
                    assert!(block_on(store.setup()).unwrap().is_none());
                });
            }
        });
    }
}

#[test]
fn a_migration_inside_a_transaction_is_a_part_of_it() {
    let connection = Connection::open_in_memory().unwrap();
    let count = || -> i64 {
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap()
    };
    connection.execute_batch("BEGIN").unwrap();
    migrate_in(&connection).unwrap();
    assert!(count() > 0);
    connection.execute_batch("ROLLBACK").unwrap();
    assert_eq!(count(), 0);
}

/// Uses much of a shop, and answers whether something could not be read or written.
fn use_all(shop: &Commerce, variant: VariantId) -> bool {
    let office = Caller::system();
    let products = ProductQuery {
        filter: Default::default(),
        currency: commerce_core::currency::Currency::EUR,
        sort: Some(ProductSort::Title),
        descending: false,
        page: PageRequest { total: true, ..PageRequest::first(100) },
    };
    let orders = OrderQuery { filter: OrderFilter::default(), page: PageRequest::first(100) };
    let done = [
        block_on(shop.categories(&office)).map(drop),
        block_on(shop.products(&office, &products)).map(drop),
        block_on(shop.orders(&office, &orders)).map(drop),
        block_on(shop.stock_of(&office, variant)).map(drop),
        block_on(shop.create_product(&office, &CreateProduct::new("New").unwrap())).map(drop),
        try_cart(shop, &[(variant, 1)]).and_then(|cart| cart.check_out(shop)).map(drop),
        block_on(shop.sweep(10)).map(drop),
    ];
    let failed = done.into_iter().filter_map(Result::err);
    // What cannot be found because of the damage is a refusal like any other.
    failed.filter(|error| !matches!(error, Error::Rejected(_))).count() > 0
}

#[test]
fn a_damaged_file_is_an_error_and_nothing_worse() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let whole = shop(SqliteStore::open(&path).unwrap());
    let variant = sell(&whole, "SKU", 1_000);
    for _ in 0..50 {
        cart(&whole, &[(variant, 1)]).check_out(&whole).unwrap();
    }
    drop(whole);
    let whole = fs::read(&path).unwrap();
    let mut dice = Dice(17);
    let below =
        |dice: &mut Dice, n: usize| usize::try_from(dice.below(u64::try_from(n).unwrap())).unwrap();
    let (mut refused, mut failed) = (0, 0);
    for _ in 0..60 {
        let mut damaged = whole.clone();
        for _ in 0..1 + dice.below(4) {
            let from = below(&mut dice, damaged.len());
            let to = damaged.len().min(from + 1 + below(&mut dice, 20_000));
            damaged[from..to].fill_with(|| dice.next().to_le_bytes()[0]);
        }
        fs::write(&path, damaged).unwrap();
        match SqliteStore::options().durability(Durability::Process).open(&path) {
            Ok(store) => {
                let shop = Commerce::new(store, SystemClock, SystemIds);
                failed += i32::from(use_all(&shop, variant));
            }
            // A number of a migration that is damaged reads as one that is yet to come.
            Err(
                OpenError::Damaged { .. }
                | OpenError::NotADatabase { .. }
                | OpenError::SchemaTooNew { .. },
            ) => refused += 1,
            Err(other) => unreachable!("{other:?}"),
        }
        for rest in ["shop.db-wal", "shop.db-shm"] {
            let _ = fs::remove_file(folder.path().join(rest));
        }
    }
    assert!(refused > 0 && failed > 0, "{refused} were refused, {failed} failed");
}

#[test]
fn no_more_units_of_a_line_are_sent_or_called_off_than_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let shop = shop(SqliteStore::open(&path).unwrap());
    let variant = sell(&shop, "A", 9);
    cart(&shop, &[(variant, 2)]).check_out(&shop).unwrap();
    let file = Connection::open(&path).unwrap();
    for (values, is_so) in [
        ("fulfilled = 1, cancelled = 1", true),
        ("fulfilled = 1, cancelled = 2", false),
        ("fulfilled = -1", false),
        ("cancelled = -1", false),
        ("refunded = -1", false),
        ("backordered = -1", false),
    ] {
        let written = file.execute(&format!("UPDATE commerce_order_lines SET {values}"), []);
        assert_eq!(written.is_ok(), is_so, "{values}: {written:?}");
    }
}

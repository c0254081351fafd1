//! What can be wrong with a database, and that it is left as it was.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{sync::atomic::Ordering, time::Duration};

use commerce_core::{Commerce, store::Store};
use commerce_sqlx::{OpenError, PgStore, migrate_in};
use common::{
    Schema, Server, address, block_on, number,
    proxy::proxy,
    run,
    shop::{sell, shop},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

fn refused(result: Result<PgStore, OpenError>) -> OpenError {
    match result {
        Ok(store) => panic!("{store:?} was opened"),
        Err(error) => error,
    }
}

/// The tables and other things in a schema.
fn things(connection: &mut PgConnection, schema: &Schema) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('\"{}\"')",
        schema.name
    );
    number(connection, &sql)
}

#[test]
fn a_schema_is_made_once_and_opens_again() {
    let (store, schema) = common::store();
    block_on(store.close());
    let mut connection = schema.connect();
    let made = things(&mut connection, &schema);
    assert!(made > 50);
    let again = schema.open();
    assert!(block_on(again.setup()).unwrap().is_none());
    assert_eq!(things(&mut connection, &schema), made);
    assert_eq!(number(&mut connection, "SELECT count(*) FROM commerce_migrations"), 1);
}

#[test]
fn servers_that_start_together_make_the_tables_once() {
    let schema = Schema::new();
    // Whatever isolation their user's transactions are in.
    let server: PgConnectOptions = address().parse().unwrap();
    let strict = server.options([("default_transaction_isolation", "serializable")]);
    std::thread::scope(|scope| {
        let open = || block_on(schema.options().open_with(strict.clone())).unwrap();
        let servers: Vec<_> = (0..10).map(|_| scope.spawn(open)).collect();
        for server in servers {
            let store = server.join().unwrap();
            assert!(block_on(store.setup()).unwrap().is_none());
            block_on(store.close());
        }
    });
    assert_eq!(number(&mut schema.connect(), "SELECT count(*) FROM commerce_migrations"), 1);
}

#[test]
fn a_schema_may_be_called_by_a_word_of_sql() {
    let schema = Schema { name: "order".to_owned() };
    let store = schema.open();
    assert!(block_on(store.setup()).unwrap().is_none());
    block_on(store.close());
    assert!(things(&mut schema.connect(), &schema) > 50);
}

#[test]
fn a_line_that_loses_the_name_of_the_schema_is_refused() {
    let schema = Schema::new();
    let (through, line) = proxy();
    line.forgets_options.store(true, Ordering::SeqCst);
    let error = refused(block_on(schema.options().open_with(through)));
    assert!(matches!(&error, OpenError::Unset { found } if found.contains("public")), "{error:?}");
    assert_eq!(things(&mut schema.connect(), &schema), 0);
}

#[test]
fn a_clock_that_differs_by_more_than_servers_bear_is_refused() {
    let schema = Schema::new();
    let (through, line) = proxy();
    let open = |millis| {
        line.clock_ahead.store(millis, Ordering::SeqCst);
        block_on(schema.options().open_with(through.clone()))
    };
    let most = i64::try_from(Commerce::CLOCKS_DIFFER_MAX.as_millis() / 2).unwrap();
    // The database is ahead, or behind.
    for (millis, told) in [(3 * most / 2, "s behind that"), (-3 * most / 2, "s ahead of that")] {
        let error = refused(open(millis));
        assert!(matches!(error, OpenError::Clock { .. }), "{error:?}");
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(things(&mut schema.connect(), &schema), 0);
    for millis in [most / 2, -most / 2] {
        let store = open(millis).unwrap();
        assert!(block_on(store.setup()).unwrap().is_none());
        block_on(store.close());
    }
}

#[test]
fn a_server_whose_tables_have_high_numbers_sells_as_any_other() {
    // So many tables, rows and types were made on it that their numbers have no room in an integer.
    let server = Server::of_numbers_from(4_000_000_000);
    let options = PgStore::options().allow_data_loss();
    let store = block_on(options.open(&server.address)).unwrap();
    let shop = shop(store.clone());
    sell(&shop, "A", 5);
    block_on(store.close());
}

#[test]
fn shops_in_one_database_have_nothing_to_do_with_each_other() {
    use commerce_core::{Commerce, currency::Currency, inputs::SeededIds, shop::Shop};
    let (one, _schema) = common::store();
    let (other, _other_schema) = common::store();
    let shop = Commerce::new(one, commerce_sqlx::SystemClock, SeededIds::new(1));
    block_on(shop.open(Shop::new("One", Currency::EUR).unwrap())).unwrap();
    assert!(block_on(other.setup()).unwrap().is_none());
    let shop = Commerce::new(other, commerce_sqlx::SystemClock, SeededIds::new(1));
    block_on(shop.open(Shop::new("Other", Currency::USD).unwrap())).unwrap();
}

#[test]
fn a_schema_of_another_program_is_refused_and_untouched() {
    let schema = Schema::new();
    let mut other = block_on(PgConnection::connect(&address())).unwrap();
    run(&mut other, &format!("CREATE SCHEMA {0}; CREATE TABLE {0}.mine (x int)", schema.name));
    let error = refused(block_on(schema.options().open(&address())));
    assert!(matches!(error, OpenError::OtherProgram { .. }), "{error:?}");
    assert_eq!(things(&mut other, &schema), 1);
    // Its owner may let the shop in.
    block_on(migrate_in(&mut schema.connect())).unwrap();
    assert!(block_on(schema.open().setup()).unwrap().is_none());
}

#[test]
fn tables_of_a_newer_program_are_refused() {
    let (store, schema) = common::store();
    block_on(store.close());
    let mut connection = schema.connect();
    run(&mut connection, "INSERT INTO commerce_migrations (number) VALUES (999)");
    let error = refused(block_on(schema.options().open(&address())));
    assert!(matches!(error, OpenError::SchemaTooNew { found: 999, .. }), "{error:?}");
    let error = block_on(migrate_in(&mut connection)).unwrap_err();
    assert!(matches!(error, OpenError::SchemaTooNew { found: 999, .. }), "{error:?}");
}

#[test]
fn a_name_that_is_none_is_refused() {
    for name in ["", "Shop", "1shop", "pg_shop", "a b", "a\"; DROP TABLE x", "information_schema"] {
        let options = PgStore::options().schema(name);
        let error = refused(block_on(options.open(&address())));
        assert!(matches!(error, OpenError::SchemaName(_)), "{name}: {error:?}");
    }
}

#[test]
fn a_server_that_can_forget_is_refused_unless_told_otherwise() {
    let schema = Schema::new();
    let connect: PgConnectOptions = address().parse().unwrap();
    let forgetful = connect.options([("synchronous_commit", "off")]);
    let careful = PgStore::options().schema(&schema.name);
    let error = refused(block_on(careful.open_with(forgetful.clone())));
    assert!(matches!(error, OpenError::NotDurable { .. }), "{error:?}");
    let store = block_on(careful.allow_data_loss().open_with(forgetful)).unwrap();
    assert!(block_on(store.setup()).unwrap().is_none());
}

#[test]
fn what_is_wrong_with_an_address_is_said() {
    let schema = Schema::new();
    let options = schema.options().connect_timeout(Duration::from_secs(2));
    let error = refused(block_on(options.open("mysql://localhost/shop")));
    assert!(matches!(error, OpenError::Address(_)), "{error:?}");
    let error = refused(block_on(options.open("postgres://u:p@127.0.0.1:1/none")));
    assert!(matches!(error, OpenError::Database(_)), "{error:?}");
    let connect: PgConnectOptions = address().parse().unwrap();
    let error = refused(block_on(options.open_with(connect.clone().database("no_such_database"))));
    assert!(matches!(error, OpenError::Refused(_)), "{error:?}");
    let error = refused(block_on(options.open_with(connect.clone().username("no_such_user"))));
    assert!(matches!(error, OpenError::Refused(_)), "{error:?}");
    // Somebody who may not make a schema.
    let role = format!("{}_reader", schema.name);
    let mut owner = block_on(PgConnection::connect(&address())).unwrap();
    run(&mut owner, &format!("CREATE ROLE {role} LOGIN"));
    let error = refused(block_on(options.open_with(connect.username(&role))));
    run(&mut owner, &format!("DROP ROLE {role}"));
    assert!(matches!(error, OpenError::Refused(_)), "{error:?}");
}

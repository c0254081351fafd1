//! What belongs to a record is never there without it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use commerce_sqlite::migrate_in;
use rusqlite::Connection;

/// The tables of what belongs to a record, and the table of the record.
const BELONGINGS: [(&str, &str); 12] = [
    ("commerce_cart_lines", "commerce_carts"),
    ("commerce_customer_addresses", "commerce_customers"),
    ("commerce_customer_words", "commerce_customers"),
    ("commerce_disputes", "commerce_payments"),
    ("commerce_fulfillments", "commerce_orders"),
    ("commerce_holds", "commerce_orders"),
    ("commerce_order_lines", "commerce_orders"),
    ("commerce_payment_operations", "commerce_payments"),
    ("commerce_payment_references", "commerce_payments"),
    ("commerce_product_categories", "commerce_products"),
    ("commerce_product_tags", "commerce_products"),
    ("commerce_refunds", "commerce_payments"),
];

fn connection(foreign_keys: bool) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    migrate_in(&connection).unwrap();
    connection.pragma_update(None, "foreign_keys", foreign_keys).unwrap();
    connection
}

/// Inserts a row whose ids are those of nothing: one unit, of which none was sent or called off.
fn insert(connection: &Connection, table: &str) -> rusqlite::Result<usize> {
    let sql = "SELECT group_concat(CASE
            WHEN name IN ('fulfilled', 'cancelled') THEN '0'
            WHEN type = 'BLOB' THEN 'randomblob(16)' WHEN type = 'INTEGER' THEN '1'
            ELSE '''x''' END ORDER BY cid)
        FROM pragma_table_info(?1)";
    let values: String = connection.query_row(sql, [table], |row| row.get(0))?;
    connection.execute(&format!("INSERT INTO {table} VALUES ({values})"), [])
}

#[test]
fn what_belongs_to_a_record_is_refused_without_it() {
    for (table, _) in BELONGINGS {
        let refused = insert(&connection(true), table).unwrap_err().to_string();
        assert_eq!(refused, "FOREIGN KEY constraint failed", "{table}");
        // It is that alone which refuses it.
        assert_eq!(insert(&connection(false), table), Ok(1), "{table}");
    }
}

#[test]
fn what_belongs_to_a_record_goes_with_it_and_records_stay() {
    let connection = connection(true);
    let sql = "SELECT t.name, k.\"table\", k.on_delete FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS k
        WHERE t.type = 'table' ORDER BY t.name";
    let mut statement = connection.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found = statement.query_map([], row).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    let cascade =
        |(child, parent): (&str, &str)| (child.to_owned(), parent.to_owned(), "CASCADE".to_owned());
    assert_eq!(found, BELONGINGS.map(cascade));
}

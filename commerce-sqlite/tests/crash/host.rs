//! An embedder's own transaction in a process that dies: its row and the order are both there or both
//! absent.

use std::path::Path;

use commerce_core::{
    id::{CartId, Id, OrderId},
    store::OrderRef,
};
use commerce_sqlite::read_order_in;
use rusqlite::{Connection, TransactionBehavior};
use uuid::Uuid;

use crate::{
    common::{
        Dice, check_books,
        host::{both_or_neither, check_out, host, stocked},
        number,
    },
    process::{FileLimit, Process, kills, said, say},
};

/// The carts that a process has before it: more than it lives to check out.
const CARTS: usize = 40;

fn open_carts(connection: &Connection) -> Vec<CartId> {
    let sql = "SELECT id FROM commerce_carts WHERE status = 'open'";
    let mut statement = connection.prepare(sql).unwrap();
    let ids = statement.query_map([], |row| row.get::<_, [u8; 16]>(0)).unwrap();
    ids.map(|id| CartId::from_uuid(Uuid::from_bytes(id.unwrap()))).collect()
}

/// Checks out one cart after the other, each with a row of its own, and says how far it is.
pub(crate) fn work(file: &Path) {
    let mut connection = host(file);
    // So that some die while the log is brought into the file.
    connection.pragma_update(None, "wal_autocheckpoint", 64).unwrap();
    for cart in open_carts(&connection) {
        let behavior = TransactionBehavior::Immediate;
        let transaction = connection.transaction_with_behavior(behavior).unwrap();
        let order = check_out(&transaction, cart, || say("step"));
        transaction.commit().unwrap();
        say(&format!("committed {order}"));
    }
}

#[test]
fn both_or_neither_wherever_the_process_dies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    let mut dice = Dice(11);
    let mut committed = 0;
    stocked(&path, 4 * CARTS);
    let mut connection = host(&path);
    let mut killed = 0;
    while killed < kills(300) {
        if open_carts(&connection).len() < CARTS {
            stocked(&path, 4 * CARTS);
        }
        // The last connection to close brings the log into the file, so that each finds none.
        drop(connection);
        let (heard, status) = if dice.below(2) == 0 {
            let process = Process::start("host", &path, FileLimit::None);
            process.kill_after(dice.below(12), "step", &mut dice)
        } else {
            let bytes = 40_000 + dice.below(std::fs::metadata(&path).unwrap().len());
            Process::start("host", &path, FileLimit::Kills(bytes)).end()
        };
        // A few are done before they reach the end of their file.
        killed += u64::from(!status.success());
        connection = host(&path);
        both_or_neither(&connection);
        for order in said(&heard, "committed") {
            let id: OrderId = order.parse().unwrap();
            assert!(read_order_in(&connection, &OrderRef::Id(id)).unwrap().is_some(), "{id}");
            committed += 1;
        }
        if killed % 50 == 0 {
            check_books(&path);
        }
    }
    // Each of them may have died after its commit and before it said so.
    let orders = number(&connection, "SELECT count(*) FROM orders");
    assert!((committed..=committed + i64::try_from(killed).unwrap()).contains(&orders));
    assert!(committed > 0);
    drop(connection);
    check_books(&path);
}

//! A shop in a process that dies: nothing that was acknowledged is lost, and what was not can be asked
//! again.

use std::{collections::HashMap, path::Path, time::Duration};

use commerce_core::{
    Commerce,
    id::{CartId, OrderId, VariantId},
    store::VariantRef,
    text::Sku,
};
use commerce_sqlite::{Durability, SqliteStore};
use pollster::block_on;
use rusqlite::Connection;

use crate::{
    common::{Cart, Dice, cart, check_books, number, sell, shop},
    process::{FileLimit, Process, kills, said, say},
};

const SKUS: [&str; 3] = ["a", "b", "c"];

/// A shop whose process is killed; the power stays on. It waits for its turn as long as a busy machine
/// may take.
pub(crate) fn open(path: &Path) -> Commerce {
    let patience = Duration::from_secs(600);
    let options = SqliteStore::options().durability(Durability::Process);
    shop(options.busy_timeout(patience).queue_timeout(patience).open(path).unwrap())
}

pub(crate) fn stocked(path: &Path) -> Commerce {
    let shop = open(path);
    for sku in SKUS {
        sell(&shop, sku, 1_000_000);
    }
    shop
}

pub(crate) fn find(shop: &Commerce, sku: &str) -> VariantId {
    let by = VariantRef::Sku(Sku::new(sku).unwrap());
    block_on(shop.store().variant(&by)).unwrap().unwrap().variant.id
}

/// Places orders on four threads, and says which it asks for and which are acknowledged.
pub(crate) fn work(file: &Path) {
    let shop = &open(file);
    let variants = SKUS.map(|sku| find(shop, sku));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for round in 0.. {
                    let lines = [(variants[thread % 3], 1), (variants[(thread + round) % 3], 2)];
                    let cart = cart(shop, &lines);
                    say(&asks(&cart));
                    let placed = cart.check_out(shop).unwrap();
                    say(&format!("placed {} {}", cart.id, placed.order.id));
                }
            });
        }
    });
}

pub(crate) fn asks(cart: &Cart) -> String {
    format!("asks {} {}", cart.id, cart.token)
}

/// The carts that a process has asked to check out.
pub(crate) fn asked(heard: &[String]) -> Vec<Cart> {
    let carts = said(heard, "asks").filter_map(|asked| asked.split_once(' '));
    carts.map(|(id, token)| Cart { id: id.parse().unwrap(), token: token.to_owned() }).collect()
}

/// The orders that a process was told of.
pub(crate) fn placed(heard: &[String]) -> HashMap<CartId, OrderId> {
    let orders = said(heard, "placed").filter_map(|placed| placed.split_once(' '));
    orders.map(|(cart, order)| (cart.parse().unwrap(), order.parse().unwrap())).collect()
}

/// Asks again for what a process has asked for, under the same key. What it was told of is told
/// again; the rest is done now, unless it was.
pub(crate) fn ask_again(shop: &Commerce, heard: &[String]) {
    let placed = placed(heard);
    for cart in asked(heard) {
        let again = cart.check_out(shop).unwrap();
        if let Some(order) = placed.get(&cart.id) {
            assert!(again.replayed);
            assert_eq!(again.order.id, *order);
        }
        let once_more = cart.check_out(shop).unwrap();
        assert_eq!((once_more.order.id, once_more.replayed), (again.order.id, true));
    }
}

#[test]
fn acknowledged_orders_survive_and_the_others_can_be_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    drop(stocked(&path));
    let mut dice = Dice(13);
    let mut asked_for = 0;
    for round in 1..=kills(50) {
        let process = Process::start("store", &path, FileLimit::None);
        let heard = process.kill_after(dice.below(30), "asks", &mut dice).0;
        asked_for += asked(&heard).len();
        ask_again(&open(&path), &heard);
        if round % 25 == 0 {
            check_books(&path);
        }
    }
    check_books(&path);
    let connection = Connection::open(&path).unwrap();
    let orders = number(&connection, "SELECT count(*) FROM commerce_orders");
    assert_eq!(
        usize::try_from(orders).unwrap(),
        asked_for,
        "one order for each that was asked for"
    );
}

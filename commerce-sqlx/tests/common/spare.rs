//! Shops that tests are through with, emptied for those that come: to make one and to drop it, and to plan
//! each statement again on connections that are new, takes longer than most tests do.

use std::{
    mem,
    sync::{Mutex, PoisonError},
    thread,
};

use commerce_core::{
    store::{Commit, Store},
    time::Timestamp,
};
use commerce_sqlx::PgStore;
use sqlx::PgConnection;

use super::{Schema, block_on, run};

/// A store that is open, in a schema that goes with it.
#[derive(Debug)]
struct Shop {
    store: PgStore,
    admin: PgConnection,
    schema: Schema,
}

impl Drop for Shop {
    fn drop(&mut self) {
        block_on(self.store.close());
    }
}

struct Shops {
    /// How many are in use.
    used: usize,
    empty: Vec<Shop>,
}

static SHOPS: Mutex<Shops> = Mutex::new(Shops { used: 0, empty: Vec::new() });

/// A shop that somebody else has once it is dropped. When none is in use any more, all of them go.
#[derive(Debug)]
pub(crate) struct Spare(Option<Shop>);

impl Spare {
    /// Another store in the same schema.
    pub(crate) fn open(&self) -> PgStore {
        self.0.as_ref().unwrap().schema.open()
    }
}

/// A store with nothing in it, for a test that changes no tables and does not close it.
pub(crate) fn spare() -> (PgStore, Spare) {
    let shop = {
        let mut shops = SHOPS.lock().unwrap_or_else(PoisonError::into_inner);
        shops.used += 1;
        shops.empty.pop()
    };
    let shop = shop.unwrap_or_else(|| {
        let schema = Schema::new();
        Shop { store: schema.open(), admin: schema.connect(), schema }
    });
    (shop.store.clone(), Spare(Some(shop)))
}

impl Drop for Spare {
    fn drop(&mut self) {
        let mut shop = self.0.take().filter(|_| !thread::panicking());
        shop.iter_mut().for_each(empty);
        let mut shops = SHOPS.lock().unwrap_or_else(PoisonError::into_inner);
        shops.empty.extend(shop);
        shops.used -= 1;
        let gone = if shops.used == 0 { mem::take(&mut shops.empty) } else { Vec::new() };
        drop(shops);
        drop(gone);
    }
}

/// Makes a shop as it was when its tables were made.
fn empty(shop: &mut Shop) {
    // What was asked of it before this is written before this.
    block_on(shop.store.commit(&Commit::at(Timestamp::UNIX_EPOCH))).unwrap();
    const EMPTY: &str = "DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
            AND tablename NOT IN ('commerce_counters', 'commerce_migrations')
        LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
        UPDATE commerce_counters SET value = 0; END $$";
    run(&mut shop.admin, EMPTY);
}

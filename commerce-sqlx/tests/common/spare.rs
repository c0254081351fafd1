//! Schemas that tests are through with, emptied for those that come: to make one and to drop it takes
//! longer than most tests do.

use std::{
    mem,
    sync::{Mutex, PoisonError},
    thread,
};

use commerce_sqlx::PgStore;

use super::{Schema, block_on, run};

struct Schemas {
    /// How many are in use.
    used: usize,
    empty: Vec<Schema>,
}

static SCHEMAS: Mutex<Schemas> = Mutex::new(Schemas { used: 0, empty: Vec::new() });

/// A schema that somebody else has once it is dropped. When none is in use any more, all of them go.
#[derive(Debug)]
pub(crate) struct Spare {
    schema: Option<Schema>,
    store: PgStore,
}

/// A store with nothing in it, for a test that changes no tables.
pub(crate) fn spare() -> (PgStore, Spare) {
    let schema = {
        let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
        schemas.used += 1;
        schemas.empty.pop()
    };
    let schema = schema.unwrap_or_else(Schema::new);
    let store = schema.open();
    (store.clone(), Spare { schema: Some(schema), store })
}

impl Drop for Spare {
    fn drop(&mut self) {
        // What was asked of it is written before it is emptied.
        block_on(self.store.close());
        let schema = self.schema.take().filter(|_| !thread::panicking());
        schema.iter().for_each(empty);
        let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
        schemas.empty.extend(schema);
        schemas.used -= 1;
        let gone = if schemas.used == 0 { mem::take(&mut schemas.empty) } else { Vec::new() };
        drop(schemas);
        drop(gone);
    }
}

/// Makes a schema as it was when its tables were made.
fn empty(schema: &Schema) {
    const EMPTY: &str = "DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
            AND tablename NOT IN ('commerce_counters', 'commerce_migrations')
        LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
        UPDATE commerce_counters SET value = 0; END $$";
    run(&mut schema.connect(), EMPTY);
}

//! What is read often and rarely written, kept decoded.
//!
//! Everything here is only taken where the counter in the reader's own snapshot says that it was not
//! written since, so that another process may write it as well.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use commerce_core::{catalog::Sellable, id::VariantId, shop::Setup};
use rusqlite::Connection;

use crate::{
    codec,
    error::Result,
    table::{shop, variant},
};

/// The most variants that are kept.
const VARIANTS_MAX: usize = 4_096;
/// The most bytes of metadata that a variant may have to be kept.
const METADATA_MAX: usize = 1_024;

/// How often the setup and the catalogue were written, in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writes {
    setup: i64,
    catalog: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Cache {
    setup: Mutex<Option<(i64, Setup)>>,
    catalog: Mutex<Catalog>,
}

#[derive(Debug, Default)]
struct Catalog {
    writes: i64,
    /// What the variants sell, without their stock.
    sellables: HashMap<VariantId, Sellable>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept is replaced whole: a panic leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writes {
    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        const COUNTERS: &str = "SELECT name, value FROM commerce_counters
            WHERE name IN ('catalog', 'setup')";
        let mut writes = Self { setup: 0, catalog: 0 };
        codec::all(connection, COUNTERS, [], |row| {
            match row.str()? {
                "setup" => writes.setup = row.i64()?,
                _ => writes.catalog = row.i64()?,
            }
            Ok(())
        })?;
        Ok(writes)
    }
}

impl Cache {
    /// The shop's configuration and locations.
    pub(crate) fn setup(&self, connection: &Connection, writes: Writes) -> Result<Option<Setup>> {
        if let Some((at, setup)) = &*lock(&self.setup)
            && *at == writes.setup
        {
            return Ok(Some(setup.clone()));
        }
        let found = shop::setup(connection)?;
        if let Some(setup) = &found {
            *lock(&self.setup) = Some((writes.setup, setup.clone()));
        }
        Ok(found)
    }

    /// What variants sell, each once and without their stock.
    pub(crate) fn sellables(
        &self,
        connection: &Connection,
        writes: Writes,
        variants: impl Iterator<Item = VariantId>,
    ) -> Result<Vec<Sellable>> {
        let mut wanted: Vec<_> = variants.collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = Vec::with_capacity(wanted.len());
        {
            let catalog = lock(&self.catalog);
            if catalog.writes == writes.catalog {
                wanted.retain(|id| match catalog.sellables.get(id) {
                    Some(sellable) => {
                        found.push(sellable.clone());
                        false
                    }
                    None => true,
                });
            }
        }
        if wanted.is_empty() {
            return Ok(found);
        }
        let read = variant::sellables(connection, wanted, HashMap::new())?;
        let mut catalog = lock(&self.catalog);
        // A snapshot that began later may have been faster: what it left is newer.
        if catalog.writes < writes.catalog {
            catalog.writes = writes.catalog;
            catalog.sellables.clear();
        }
        if catalog.writes == writes.catalog {
            if catalog.sellables.len() + read.len() > VARIANTS_MAX {
                catalog.sellables.clear();
            }
            let small = read.iter().filter(|it| is_small(it)).take(VARIANTS_MAX);
            catalog.sellables.extend(small.map(|it| (it.variant.id, it.clone())));
        }
        drop(catalog);
        found.extend(read);
        Ok(found)
    }
}

fn is_small(sellable: &Sellable) -> bool {
    let metadata = &sellable.variant.metadata;
    metadata.is_empty() || codec::json(metadata).is_ok_and(|json| json.len() <= METADATA_MAX)
}

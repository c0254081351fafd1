//! The shop's configuration and its locations.

use std::sync::{Mutex, PoisonError};

use commerce_core::{
    inventory::Location,
    shop::{Setup, Shop},
    version::{Version, Versioned},
};
use rusqlite::Connection;

use super::{Cell, table};
use crate::{codec, error::Result};

table! {
    pub(crate) SHOP = "commerce_shop", 1 keys: id version name currency configuration
}

table! {
    pub(crate) LOCATIONS = "commerce_locations", 1 keys:
    id version name priority active created_at updated_at
}

pub(crate) fn shop_row(shop: &Shop, version: Version) -> Result<Vec<Cell<'_>>> {
    Ok(vec![
        Cell::Integer(1),
        Cell::count(version.get()),
        Cell::Text(&shop.name),
        Cell::Text(shop.currency.code()),
        Cell::json(shop)?,
    ])
}

pub(crate) fn location_row(location: &Location, version: Version) -> Vec<Cell<'_>> {
    vec![
        Cell::id(location.id),
        Cell::count(version.get()),
        Cell::Text(&location.name),
        Cell::Integer(location.priority.into()),
        location.active.into(),
        location.created_at.into(),
        location.updated_at.into(),
    ]
}

/// What was read last of the setup, and the count of its writes at that time. It is only taken
/// where a snapshot has the same count, so another process may write it as well.
#[derive(Debug, Default)]
pub(crate) struct SetupCache(Mutex<Option<(i64, Setup)>>);

impl SetupCache {
    pub(crate) fn get(&self, connection: &Connection) -> Result<Option<Setup>> {
        const WRITES: &str = "SELECT value FROM commerce_counters WHERE name = 'setup'";
        let writes = codec::number(connection, WRITES, [])?;
        let Some(writes) = writes else { return setup(connection) };
        if let Some((at, setup)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && *at == writes
        {
            return Ok(Some(setup.clone()));
        }
        let found = setup(connection)?;
        if let Some(setup) = &found {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((writes, setup.clone()));
        }
        Ok(found)
    }
}

/// The shop's configuration and locations.
pub(crate) fn setup(connection: &Connection) -> Result<Option<Setup>> {
    const SHOP: &str = "SELECT version, configuration FROM commerce_shop";
    let shop = codec::first(connection, SHOP, [], |row| {
        let version = row.version()?;
        Ok(Versioned::new(version, row.json::<Shop>()?))
    })?;
    let Some(shop) = shop else { return Ok(None) };
    let locations = codec::all(connection, LOCATIONS.select, [], |row| {
        let id = row.id()?;
        let version = row.version()?;
        let location = Location {
            id,
            name: row.text()?,
            priority: row.int()?,
            active: row.bool()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        };
        Ok(Versioned::new(version, location))
    })?;
    Ok(Some(Setup { shop, locations }))
}

//! The shop's configuration and its locations.

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

//! The shop's configuration and its locations.

use std::sync::LazyLock;

use commerce_core::{
    inventory::Location,
    shop::{Setup, Shop},
    version::{Version, Versioned},
};
use sqlx::PgConnection;

use super::{At, Cells, table};
use crate::{
    cell::Cell,
    codec::{self, Columns},
    error::Result,
    sets::Sets,
};

table! {
    pub(crate) SHOP = "commerce_shop", 1 keys:
    id: Int, version: Int, name: Text, currency: Text, configuration: Json,
}

table! {
    pub(crate) LOCATIONS = "commerce_locations", 1 keys:
    id: Uuid, version: Int, name: Text, priority: Int, active: Bool, created_at: Time,
    updated_at: Time,
}

fn row(shop: &Shop, version: Version) -> Result<Cells<'_>> {
    Ok(vec![
        Cell::Int(1),
        Cell::count(version.get()),
        Cell::Text(&shop.name),
        Cell::Text(shop.currency.code()),
        Cell::json(shop)?,
    ])
}

fn location_row(location: &Location, version: Version) -> Result<Cells<'_>> {
    Ok(vec![
        Cell::id(location.id),
        Cell::count(version.get()),
        Cell::Text(&location.name),
        Cell::Int(location.priority.into()),
        location.active.into(),
        location.created_at.into(),
        location.updated_at.into(),
    ])
}

/// Writes the difference between the configuration as it was and as it is to be.
pub(crate) fn write(sets: &mut Sets, before: At<'_, Shop>, after: At<'_, Shop>) -> Result<()> {
    sets.record(&SHOP, before, after, row)
}

/// Writes the difference between a location as it was and as it is to be.
pub(crate) fn write_location(
    sets: &mut Sets,
    before: At<'_, Location>,
    after: At<'_, Location>,
) -> Result<()> {
    sets.record(&LOCATIONS, before, after, location_row)
}

/// The columns of the shop `s` and of all locations.
pub(crate) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "s.version, s.configuration, ARRAY(SELECT ROW({}) FROM commerce_locations AS l ORDER BY l.id)",
        LOCATIONS.of("l")
    )
});

/// Reads [`COLUMNS`].
pub(crate) fn read(row: &Columns<'_>) -> Result<Setup> {
    let shop = Versioned::new(row.version()?, row.json::<Shop>()?);
    let locations = row.rows(|row| {
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
    Ok(Setup { shop, locations })
}

/// The shop's configuration and locations.
pub(crate) async fn setup(connection: &mut PgConnection) -> Result<Option<Setup>> {
    static SETUP: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM commerce_shop AS s", *COLUMNS));
    codec::first(connection, SETUP.as_str(), [], read).await
}

/// Fails on a server that takes no writes, such as one that follows another. Its address may soon stand for
/// another server, so no connection to such a one is kept.
pub(crate) async fn writable(connection: &mut PgConnection) -> Result<()> {
    // To lock rows is to write, even where there are none.
    const LOCKED: &str = "SELECT FROM commerce_shop WHERE false FOR NO KEY UPDATE";
    codec::run(connection, LOCKED, []).await.map(drop)
}

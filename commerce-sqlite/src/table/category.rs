//! Categories.

use std::sync::LazyLock;

use commerce_core::{
    catalog::Category,
    store::CategoryRef,
    version::{Version, Versioned},
};
use rusqlite::Connection;

use super::{Cell, table};
use crate::{
    codec::{self, Columns},
    error::Result,
};

table! {
    pub(crate) CATEGORIES = "commerce_categories", 1 keys, unique slug:
    id version slug title parent_id position image seo active created_at updated_at description
    metadata
}

pub(crate) fn row(category: &Category, version: Version) -> Result<Vec<Cell<'_>>> {
    Ok(vec![
        Cell::id(category.id),
        Cell::count(version.get()),
        Cell::Text(&category.slug),
        Cell::Text(&category.title),
        Cell::maybe_id(category.parent_id),
        Cell::Integer(category.position.into()),
        Cell::maybe_json(category.image.as_ref())?,
        Cell::json(&category.seo)?,
        category.active.into(),
        category.created_at.into(),
        category.updated_at.into(),
        Cell::Text(&category.description),
        Cell::json(&category.metadata)?,
    ])
}

fn read(row: &Columns<'_>) -> Result<Versioned<Category>> {
    let id = row.id()?;
    let version = row.version()?;
    let category = Category {
        id,
        slug: row.text()?,
        title: row.text()?,
        parent_id: row.maybe(Columns::id)?,
        position: row.int()?,
        image: row.maybe(Columns::json)?,
        seo: row.json()?,
        active: row.bool()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        description: row.text()?,
        metadata: row.json()?,
    };
    Ok(Versioned::new(version, category))
}

pub(crate) fn category(
    connection: &Connection,
    by: &CategoryRef,
) -> Result<Option<Versioned<Category>>> {
    static BY_ID: LazyLock<String> = LazyLock::new(|| CATEGORIES.select("WHERE id = ?1"));
    static BY_SLUG: LazyLock<String> = LazyLock::new(|| CATEGORIES.select("WHERE slug = ?1"));
    match by {
        CategoryRef::Id(id) => codec::first(connection, &BY_ID, [codec::key(*id)], read),
        CategoryRef::Slug(slug) => codec::first(connection, &BY_SLUG, [&**slug], read),
    }
}

pub(crate) fn categories(connection: &Connection) -> Result<Vec<Versioned<Category>>> {
    codec::all(connection, CATEGORIES.select, [], read)
}

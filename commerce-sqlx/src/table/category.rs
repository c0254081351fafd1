//! Categories.

use std::sync::LazyLock;

use commerce_core::{
    catalog::Category,
    store::CategoryRef,
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
    pub(crate) CATEGORIES = "commerce_categories", 1 keys, unique slug:
    id: Uuid, version: Int, slug: Text, title: Text, parent_id: Uuid, position: Int, image: Json,
    seo: Json, active: Bool, created_at: Time, updated_at: Time, description: Text, metadata: Json,
}

fn row(category: &Category, version: Version) -> Result<Cells<'_>> {
    Ok(vec![
        Cell::id(category.id),
        Cell::count(version.get()),
        Cell::Text(&category.slug),
        Cell::Text(&category.title),
        Cell::maybe_id(category.parent_id),
        Cell::Int(category.position.into()),
        Cell::maybe_json(category.image.as_ref())?,
        Cell::json(&category.seo)?,
        category.active.into(),
        category.created_at.into(),
        category.updated_at.into(),
        Cell::Text(&category.description),
        Cell::json(&category.metadata)?,
    ])
}

/// Writes the difference between a category as it was and as it is to be.
pub(crate) fn write(
    sets: &mut Sets,
    before: At<'_, Category>,
    after: At<'_, Category>,
) -> Result<()> {
    sets.record(&CATEGORIES, before, after, row)
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

fn select(clause: &str) -> String {
    format!("SELECT {} FROM commerce_categories{clause}", CATEGORIES.names())
}

pub(crate) async fn category(
    connection: &mut PgConnection,
    by: &CategoryRef,
) -> Result<Option<Versioned<Category>>> {
    static BY_ID: LazyLock<String> = LazyLock::new(|| select(" WHERE id = $1"));
    static BY_SLUG: LazyLock<String> = LazyLock::new(|| select(" WHERE slug = $1"));
    let (sql, key) = match by {
        CategoryRef::Id(id) => (BY_ID.as_str(), Cell::id(*id)),
        CategoryRef::Slug(slug) => (BY_SLUG.as_str(), Cell::Text(slug)),
    };
    codec::first(connection, sql, [key.into()], read).await
}

pub(crate) async fn categories(connection: &mut PgConnection) -> Result<Vec<Versioned<Category>>> {
    static ALL: LazyLock<String> = LazyLock::new(|| select(""));
    codec::all(connection, ALL.as_str(), [], read).await
}

//! Products and what belongs to them.

use std::sync::LazyLock;

use commerce_core::{
    catalog::{Image, Product},
    shop::Setup,
    store::{ProductInputs, ProductRef},
    text::Label,
    version::{Version, Versioned},
};
use sqlx::PgConnection;

use super::{At, Cells, document, shop, table, variant};
use crate::{
    cell::Cell,
    codec::{self, Columns},
    error::Result,
    sets::Sets,
};

table! {
    pub(crate) PRODUCTS = "commerce_products", 1 keys, unique slug:
    id: Uuid, version: Int, slug: Text, title: Text, status: Text, tax_class: Text,
    featured: Bool, gift_card: Bool, vendor: Text, product_type: Text, title_key: Text,
    vendor_key: Text, type_key: Text, created_at: Time, updated_at: Time, options: Json, seo: Json,
    related: Json, short_description: Text, attributes: Json, metadata: Json, description: Text,
    own_words: Text,
}

table! {
    pub(crate) TAGS = "commerce_product_tags", 2 keys:
    product_id: Uuid, position: Int, tag: Text, tag_key: Text,
}

table! {
    pub(crate) IN_CATEGORIES = "commerce_product_categories", 2 keys:
    product_id: Uuid, position: Int, category_id: Uuid,
}

table! {
    pub(crate) IMAGES = "commerce_product_images", 2 keys:
    product_id: Uuid, position: Int, id: Uuid, url: Text, alt: Text,
}

fn row(product: &Product, version: Version) -> Result<Cells<'_>> {
    let key = |text: &Label| Cell::Made(text.to_lowercase());
    Ok(vec![
        Cell::id(product.id),
        Cell::count(version.get()),
        Cell::Text(&product.slug),
        Cell::Text(&product.title),
        Cell::Text(product.status.as_str()),
        Cell::Text(&product.tax_class),
        product.featured.into(),
        product.gift_card.into(),
        Cell::maybe_text(product.vendor.as_ref()),
        Cell::maybe_text(product.product_type.as_ref()),
        key(&product.title),
        Cell::maybe(product.vendor.as_ref(), key),
        Cell::maybe(product.product_type.as_ref(), key),
        product.created_at.into(),
        product.updated_at.into(),
        Cell::json(&product.options)?,
        Cell::json(&product.seo)?,
        Cell::json(&product.related)?,
        Cell::maybe_text(product.short_description.as_ref()),
        Cell::json(&product.attributes)?,
        Cell::json(&product.metadata)?,
        Cell::Text(&product.description),
        Cell::Made(document::own_words(product)),
    ])
}

/// The rows of something that belongs to a product, in its order.
fn rows<'a, T: 'a>(
    product: &'a Product,
    of: impl FnOnce(&'a Product) -> &'a [T],
    cells: impl Fn(&'a T) -> Cells<'a>,
) -> Vec<Cells<'a>> {
    let row = |(position, value)| {
        let mut row = vec![Cell::id(product.id), Cell::Int(position)];
        row.extend(cells(value));
        row
    };
    (0..).zip(of(product)).map(row).collect()
}

fn tag_cells(tag: &Label) -> Cells<'_> {
    vec![Cell::Text(tag), Cell::Made(tag.to_lowercase())]
}

fn tag_rows(product: &Product) -> Result<Vec<Cells<'_>>> {
    Ok(rows(product, |it| &it.tags, tag_cells))
}

fn category_rows(product: &Product) -> Result<Vec<Cells<'_>>> {
    Ok(rows(product, |it| &it.categories, |category| vec![Cell::id(*category)]))
}

fn image_cells(image: &Image) -> Cells<'_> {
    vec![Cell::id(image.id), Cell::Text(&image.url), Cell::maybe_text(image.alt.as_ref())]
}

fn image_rows(product: &Product) -> Result<Vec<Cells<'_>>> {
    Ok(rows(product, |it| &it.images, image_cells))
}

/// Writes the difference between a product as it was and as it is to be.
pub(crate) fn write(
    sets: &mut Sets,
    before: At<'_, Product>,
    after: At<'_, Product>,
) -> Result<()> {
    sets.record(&PRODUCTS, before, after, row)?;
    sets.belongings(&TAGS, before, after, tag_rows)?;
    sets.belongings(&IN_CATEGORIES, before, after, category_rows)?;
    sets.belongings(&IMAGES, before, after, image_rows)
}

/// The columns of a product `p`, with what belongs to it and its variants.
pub(crate) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{},
        ARRAY(SELECT t.tag FROM commerce_product_tags AS t
            WHERE t.product_id = p.id ORDER BY t.position),
        ARRAY(SELECT c.category_id FROM commerce_product_categories AS c
            WHERE c.product_id = p.id ORDER BY c.position),
        ARRAY(SELECT ROW(i.id, i.url, i.alt) FROM commerce_product_images AS i
            WHERE i.product_id = p.id ORDER BY i.position),
        ARRAY(SELECT ROW({}) FROM commerce_variants AS v
            WHERE v.product_id = p.id ORDER BY v.position, v.id)",
        READ.iter().map(|column| format!("p.{column}")).collect::<Vec<_>>().join(", "),
        *variant::COLUMNS
    )
});

/// The columns that are read back: those that are not made of others.
const READ: [&str; 19] = [
    "id",
    "version",
    "slug",
    "title",
    "status",
    "tax_class",
    "featured",
    "gift_card",
    "vendor",
    "product_type",
    "created_at",
    "updated_at",
    "options",
    "seo",
    "related",
    "short_description",
    "attributes",
    "metadata",
    "description",
];

/// Reads [`COLUMNS`].
pub(crate) fn read(row: &Columns<'_>) -> Result<ProductInputs> {
    let id = row.id()?;
    let version = row.version()?;
    let product = Product {
        id,
        slug: row.text()?,
        title: row.text()?,
        status: row.word()?,
        tax_class: row.text()?,
        featured: row.bool()?,
        gift_card: row.bool()?,
        vendor: row.maybe(Columns::text)?,
        product_type: row.maybe(Columns::text)?,
        created_at: row.time()?,
        updated_at: row.time()?,
        options: row.json()?,
        seo: row.json()?,
        related: row.json()?,
        short_description: row.maybe(Columns::text)?,
        attributes: row.json()?,
        metadata: row.json()?,
        description: row.text()?,
        tags: row.list(Columns::text)?,
        categories: row.list(Columns::id)?,
        images: row.rows(|row| {
            Ok(Image { id: row.id()?, url: row.text()?, alt: row.maybe(Columns::text)? })
        })?,
    };
    let (variants, levels): (Vec<_>, Vec<_>) = row.rows(variant::read)?.into_iter().unzip();
    Ok(ProductInputs {
        product: Versioned::new(version, product),
        variants,
        levels: levels.into_iter().flatten().collect(),
    })
}

/// The columns of one product, which is found by its id or its slug, and of what stands beside it.
struct Finding {
    by_id: String,
    by_slug: String,
}

impl Finding {
    fn new(columns: &str, beside: &str) -> Self {
        let of = |key| {
            format!("SELECT {columns} FROM commerce_products AS p{beside} WHERE p.{key} = $1")
        };
        Self { by_id: of("id"), by_slug: of("slug") }
    }

    async fn one<T>(
        &'static self,
        connection: &mut PgConnection,
        by: &ProductRef,
        read: impl FnOnce(&Columns<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let (sql, key) = match by {
            ProductRef::Id(id) => (&self.by_id, Cell::id(*id)),
            ProductRef::Slug(slug) => (&self.by_slug, Cell::Text(slug)),
        };
        codec::first(connection, sql.as_str(), [key.into()], read).await
    }
}

/// A product with its variants and stock.
pub(crate) async fn product(
    connection: &mut PgConnection,
    by: &ProductRef,
) -> Result<Option<ProductInputs>> {
    static ALONE: LazyLock<Finding> = LazyLock::new(|| Finding::new(&COLUMNS, ""));
    ALONE.one(connection, by, read).await
}

/// A product with its variants and stock, and the shop's configuration and locations.
pub(crate) async fn with_setup(
    connection: &mut PgConnection,
    by: &ProductRef,
) -> Result<Option<(Setup, ProductInputs)>> {
    static BESIDE_SHOP: LazyLock<Finding> = LazyLock::new(|| {
        let columns = format!("{}, {}", *shop::COLUMNS, *COLUMNS);
        Finding::new(&columns, " CROSS JOIN commerce_shop AS s")
    });
    BESIDE_SHOP.one(connection, by, |row| Ok((shop::read(row)?, read(row)?))).await
}

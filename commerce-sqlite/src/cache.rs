//! What is read often and rarely written, kept decoded.
//!
//! Everything here is only taken where the counter in the reader's own snapshot says that it was not
//! written since, so that another process may write it as well.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use commerce_core::{
    catalog::{Category, Product, Sellable, Variant},
    id::{ProductId, VariantId},
    shop::Setup,
    store::{ProductInputs, ProductRef},
    text::Slug,
    version::Versioned,
};
use rusqlite::Connection;

use crate::{
    codec,
    error::Result,
    table::{category, product, shop, stock, variant},
};

/// The most products that are kept.
const PRODUCTS_MAX: usize = 1_024;
/// The most products of which is known that they were asked for.
const ASKED_MAX: usize = 4_096;
/// The most variants, and the most bytes of text and metadata, that a product may have to be kept.
const PRODUCT_VARIANTS_MAX: usize = 32;
const PRODUCT_BYTES_MAX: usize = 16 << 10;
/// The most variants that are kept.
const VARIANTS_MAX: usize = 4_096;
/// The most bytes of metadata that a variant may have to be kept.
const METADATA_MAX: usize = 1_024;

/// How often the setup, the categories and the rest of the catalogue were written, in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writes {
    setup: i64,
    categories: i64,
    catalog: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Cache {
    setup: Mutex<Option<(i64, Setup)>>,
    categories: Mutex<Option<(i64, Vec<Versioned<Category>>)>>,
    catalog: Mutex<Catalog>,
}

#[derive(Debug, Default)]
struct Catalog {
    writes: i64,
    /// What the variants sell, without their stock.
    sellables: HashMap<VariantId, Sellable>,
    products: HashMap<ProductId, Described>,
    /// What was asked for already.
    asked: HashSet<ProductId>,
    slugs: HashMap<Slug, ProductId>,
}

/// A product and its variants, without their stock.
type Described = (Versioned<Product>, Vec<Versioned<Variant>>);

impl Catalog {
    /// Whether what a snapshot has read may be kept. A snapshot that began later may have been
    /// faster: what it left is newer.
    fn takes(&mut self, writes: Writes) -> bool {
        if self.writes < writes.catalog {
            *self = Self { writes: writes.catalog, ..Self::default() };
        }
        self.writes == writes.catalog
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept is replaced whole: a panic leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writes {
    pub(crate) fn read(connection: &Connection) -> Result<Self> {
        // There are five: to look three of them up would take longer.
        const COUNTERS: &str = "SELECT name, value FROM commerce_counters";
        let mut writes = Self { setup: 0, categories: 0, catalog: 0 };
        codec::all(connection, COUNTERS, [], |row| {
            match row.str()? {
                "setup" => writes.setup = row.i64()?,
                "categories" => writes.categories = row.i64()?,
                "catalog" => writes.catalog = row.i64()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(writes)
    }
}

impl Cache {
    /// The shop's configuration and locations, if they are kept.
    pub(crate) fn kept_setup(&self, writes: Writes) -> Option<Setup> {
        let kept = lock(&self.setup);
        kept.as_ref().filter(|(at, _)| *at == writes.setup).map(|(_, setup)| setup.clone())
    }

    /// The shop's configuration and locations.
    pub(crate) fn setup(&self, connection: &Connection, writes: Writes) -> Result<Option<Setup>> {
        if let Some(kept) = self.kept_setup(writes) {
            return Ok(Some(kept));
        }
        let found = shop::setup(connection)?;
        if let Some(setup) = &found {
            *lock(&self.setup) = Some((writes.setup, setup.clone()));
        }
        Ok(found)
    }

    /// All categories: a list of the products below one asks for the whole tree.
    pub(crate) fn categories(
        &self,
        connection: &Connection,
        writes: Writes,
    ) -> Result<Vec<Versioned<Category>>> {
        if let Some((at, kept)) = &*lock(&self.categories)
            && *at == writes.categories
        {
            return Ok(kept.clone());
        }
        let found = category::categories(connection)?;
        *lock(&self.categories) = Some((writes.categories, found.clone()));
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
        if catalog.takes(writes) {
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

    /// A product with its variants and their stock.
    pub(crate) fn product(
        &self,
        connection: &Connection,
        writes: Writes,
        by: &ProductRef,
    ) -> Result<Option<ProductInputs>> {
        if let Some((product, variants)) = self.kept_product(writes, by) {
            let levels = stock::levels_of_product(connection, product.id)?;
            return Ok(Some(ProductInputs { product, variants, levels }));
        }
        let found = product::product(connection, by)?;
        if let Some(found) = &found {
            self.keep(writes, found);
        }
        Ok(found)
    }

    fn kept_product(&self, writes: Writes, by: &ProductRef) -> Option<Described> {
        let catalog = lock(&self.catalog);
        if catalog.writes != writes.catalog {
            return None;
        }
        let id = match by {
            ProductRef::Id(id) => id,
            ProductRef::Slug(slug) => catalog.slugs.get(slug)?,
        };
        catalog.products.get(id).cloned()
    }

    /// Keeps a product that is asked for once more. Of what is asked for once, the most would be put
    /// away again unused, and would take the place of what is in demand.
    fn keep(&self, writes: Writes, ProductInputs { product, variants, .. }: &ProductInputs) {
        let mut catalog = lock(&self.catalog);
        if !catalog.takes(writes) {
            return;
        }
        if catalog.asked.insert(product.id) {
            if catalog.asked.len() > ASKED_MAX {
                catalog.asked.clear();
            }
            return;
        }
        if variants.len() > PRODUCT_VARIANTS_MAX || size(product, variants) > PRODUCT_BYTES_MAX {
            return;
        }
        if catalog.products.len() >= PRODUCTS_MAX {
            catalog.products.clear();
            catalog.slugs.clear();
        }
        catalog.slugs.insert(product.slug.clone(), product.id);
        catalog.products.insert(product.id, (product.clone(), variants.clone()));
    }
}

/// About how many bytes of a product and its variants have no small bound of their own.
fn size(product: &Product, variants: &[Versioned<Variant>]) -> usize {
    let json = |size: Result<String>| size.map_or(usize::MAX / 4, |json| json.len());
    let of_variants: usize = variants.iter().map(|it| json(codec::json(&it.metadata))).sum();
    product.description.len()
        + product.short_description.as_ref().map_or(0, |text| text.len())
        + json(codec::json(&product.metadata))
        + json(codec::json(&product.attributes))
        + product.images.iter().map(|image| image.url.len()).sum::<usize>()
        + of_variants
}

fn is_small(sellable: &Sellable) -> bool {
    let metadata = &sellable.variant.metadata;
    metadata.is_empty() || codec::json(metadata).is_ok_and(|json| json.len() <= METADATA_MAX)
}

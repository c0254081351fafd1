//! The pages of products that shop clients look at, as they were encoded last.
//!
//! A page that many look at is encoded once for as long as it stays what it is. Nobody has to be told when
//! it does not: what is kept is taken only for a view that equals the one it was made of. To compare them
//! costs next to nothing, as a store hands out the same texts, and those are the same by their address.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::body::Bytes;
use commerce_core::{catalog::ProductView, currency::Currency, id::ProductId};

use crate::{etag::ETag, extract::encode_json, problem::Problem};

/// The most pages that are kept.
const PAGES_MAX: usize = 1_024;
/// The most bytes that a page may have to be kept.
const PAGE_BYTES_MAX: usize = 16 << 10;
/// The most products of which is known that they were asked for.
const ASKED_MAX: usize = 4_096;

/// A product's page: what it shows, and how that is answered.
#[derive(Debug)]
pub(crate) struct Page {
    view: ProductView,
    pub(crate) body: Bytes,
    pub(crate) etag: ETag,
}

impl Page {
    fn new(view: ProductView) -> Result<Self, Problem> {
        let body = encode_json(&view)?;
        let etag = ETag::content(view.version.get(), &body);
        Ok(Self { view, body: body.into(), etag })
    }
}

/// The currency is the one that was asked for.
type Key = (ProductId, Option<Currency>);

/// The pages that are kept.
#[derive(Debug, Default)]
pub(crate) struct Pages(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Of a page that was asked for once, that it was: the most would take the place of what is in demand
    /// and be put away again unused.
    entries: HashMap<Key, Option<Arc<Page>>>,
    pages: usize,
}

impl Pages {
    /// The page of a view that a shop client sees.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub(crate) fn page(
        &self,
        view: ProductView,
        currency: Option<Currency>,
    ) -> Result<Arc<Page>, Problem> {
        let key = (view.id, currency);
        let kept = self.kept(|kept| kept.entries.get(&key).cloned());
        if let Some(Some(page)) = &kept
            && page.view == view
        {
            return Ok(page.clone());
        }
        let page = Arc::new(Page::new(view)?);
        let in_demand = kept.is_some() && page.body.len() <= PAGE_BYTES_MAX;
        self.kept(|kept| kept.put(key, in_demand.then(|| page.clone())));
        Ok(page)
    }

    fn kept<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        // Every entry is put in its place whole: a panic leaves nothing half done.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Kept {
    fn put(&mut self, key: Key, page: Option<Arc<Page>>) {
        if self.entries.len() >= ASKED_MAX || self.pages >= PAGES_MAX {
            *self = Self::default();
        }
        self.pages += usize::from(page.is_some());
        if let Some(Some(_)) = self.entries.insert(key, page) {
            self.pages -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::*;

    fn view(number: u128) -> ProductView {
        let id = format!("prod_0000000000007000{number:016x}");
        let time = "2026-01-02T03:04:05Z";
        serde_json::from_value(serde_json::json!({
            "id": id, "slug": format!("p{number}"), "title": "A mug", "description": "",
            "short_description": null, "status": "active", "vendor": null, "product_type": null,
            "tags": [], "categories": [], "options": [], "attributes": {}, "images": [],
            "seo": { "title": null, "description": null }, "featured": false,
            "tax_class": "standard", "gift_card": false, "related": [], "metadata": {},
            "variants": [], "price_range": null, "created_at": time, "updated_at": time,
            "version": 1,
        }))
        .unwrap()
    }

    #[test]
    fn a_page_is_encoded_once_while_it_stays_what_it_is() {
        let pages = Pages::default();
        let first = pages.page(view(1), None).unwrap();
        let second = pages.page(view(1), None).unwrap();
        assert!(!Arc::ptr_eq(&first, &second), "asked for once, it was not kept");
        assert!(Arc::ptr_eq(&second, &pages.page(view(1), None).unwrap()));
        assert_eq!(second.body, serde_json::to_vec(&view(1)).unwrap());

        let changed = ProductView { featured: true, ..view(1) };
        let third = pages.page(changed.clone(), None).unwrap();
        assert_eq!(third.body, serde_json::to_vec(&changed).unwrap());
        assert_ne!(third.etag, second.etag);
        assert!(Arc::ptr_eq(&third, &pages.page(changed, None).unwrap()));
        assert_eq!(pages.page(view(1), None).unwrap().body, second.body);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let pages = Pages::default();
        let held = |pages: &Pages| {
            let kept = pages.0.lock().unwrap();
            let counted = kept.entries.values().filter(|page| page.is_some()).count();
            assert_eq!(counted, kept.pages);
            (kept.entries.len(), kept.pages)
        };
        for number in 0..2 * PAGES_MAX as u128 {
            for _ in 0..3 {
                pages.page(view(number), None).unwrap();
            }
            let (entries, some) = held(&pages);
            assert!(entries <= ASKED_MAX && some <= PAGES_MAX);
        }
        for number in 0..2 * ASKED_MAX as u128 {
            pages.page(view(1_000_000 + number), None).unwrap();
            assert!(held(&pages).0 <= ASKED_MAX);
        }
        let long = serde_json::to_value("x".repeat(PAGE_BYTES_MAX)).unwrap();
        let long = ProductView { description: serde_json::from_value(long).unwrap(), ..view(7) };
        let before = held(&pages).1;
        for _ in 0..3 {
            pages.page(long.clone(), None).unwrap();
        }
        assert_eq!(held(&pages).1, before);
    }
}

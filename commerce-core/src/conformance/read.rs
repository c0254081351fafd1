//! What every case does: commit, and look.

use super::{Bench, Subject, Task, make::*};
use crate::{
    access::ApiToken,
    cart::Cart,
    catalog::{Category, Product, Sellable, Variant},
    customer::Customer,
    event::Event,
    id::{LocationId, OrderId, ProductId, VariantId},
    inventory::{LevelKey, Location, Movement, StockLevel, StockMove},
    order::{Order, OrderInputs},
    payment::Payment,
    shop::{Setup, Shop},
    store::{
        ApiTokenRef, CategoryRef, Commit, CommitError, CustomerRef, MovementFilter, OrderRef,
        OutboxEntry, Page, PageRequest, ProductInputs, ProductRef, Stored, Subscription,
        VariantRef, WebhookRef,
    },
    time::Timestamp,
    version::{Version, Versioned},
    webhook::Webhook,
};

/// A record that a case can read back, whatever its kind.
pub(super) trait Kept: Stored + Clone + PartialEq + std::fmt::Debug + Send + Sync {
    fn read<'a>(&'a self, t: &'a Bench<'_>) -> Reading<'a, Self>;
}

/// A read under way.
pub(super) type Reading<'a, T> =
    std::pin::Pin<Box<dyn Future<Output = Option<Versioned<T>>> + Send + 'a>>;

macro_rules! kept {
    ($($kind:ty, |$it:ident, $store:ident| $read:expr;)*) => {$(
        impl Kept for $kind {
            fn read<'a>(&'a self, t: &'a Bench<'_>) -> Reading<'a, Self> {
                let ($it, $store) = (self, t.store);
                Box::pin(async move { $read })
            }
        }
    )*};
}

kept! {
    Shop, |_it, store| store.setup().await.unwrap().map(|setup| setup.shop);
    Location, |it, store| {
        let setup = store.setup().await.unwrap()?;
        setup.locations.into_iter().find(|location| location.id == it.id)
    };
    Category, |it, store| store.category(&CategoryRef::Id(it.id)).await.unwrap();
    Product, |it, store| {
        Some(store.product(&ProductRef::Id(it.id)).await.unwrap()?.product)
    };
    Variant, |it, store| Some(store.variant(&VariantRef::Id(it.id)).await.unwrap()?.variant);
    Cart, |it, store| store.cart(it.id).await.unwrap();
    Order, |it, store| Some(store.order(&OrderRef::Id(it.id)).await.unwrap()?.order);
    Payment, |it, store| {
        let inputs = store.order(&OrderRef::Id(it.order_id)).await.unwrap()?;
        inputs.payments.into_iter().find(|payment| payment.id == it.id)
    };
    Customer, |it, store| store.customer(&CustomerRef::Id(it.id)).await.unwrap();
    ApiToken, |it, store| store.api_token(&ApiTokenRef::Digest(it.digest)).await.unwrap();
    Webhook, |it, store| store.webhook(&WebhookRef::Id(it.id)).await.unwrap();
    Subscription, |it, store| store.subscription(&it.name).await.unwrap();
}

/// A shop with one location and one product, whose variant is tracked and has no stock yet.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    pub(super) location: Location,
    pub(super) product: Product,
    pub(super) variant: Variant,
}

impl Shelf {
    pub(super) fn key(&self) -> LevelKey {
        level(self.variant.id, self.location.id)
    }
}

impl<'a> Bench<'a> {
    pub(super) fn store(&self) -> &'a dyn Subject {
        self.store
    }

    /// What the store keeps, opened once more; `None` if it keeps nothing.
    pub(super) fn reopened(&self) -> Option<Box<dyn Subject>> {
        // A store may have to wait for a runtime, which the thread of a case is at work for.
        std::thread::scope(|scope| scope.spawn(|| self.fixture.reopened()).join().unwrap())
    }

    /// The same case with another store.
    pub(super) fn with<'b>(&'b self, store: &'b dyn Subject) -> Bench<'b> {
        Bench { store, fixture: self.fixture, run: self.run }
    }

    /// Runs a future on the calling thread.
    pub(super) fn block_on(&self, task: Task<'_>) {
        (self.run)(task);
    }

    /// A commit that holds.
    pub(super) async fn commit(&self, commit: &Commit) {
        if let Err(error) = self.store.commit(commit).await {
            panic!("a commit that holds was refused: {error:?}");
        }
    }

    /// A commit that does not hold.
    pub(super) async fn refused(&self, commit: &Commit) -> CommitError {
        match self.store.commit(commit).await {
            Ok(()) => panic!("a commit that does not hold was applied: {commit:?}"),
            Err(error) => error,
        }
    }

    pub(super) async fn insert<T: Stored>(&self, value: T) {
        let mut commit = commit();
        commit.insert(value);
        self.commit(&commit).await;
    }

    /// Replaces whatever a record is by another state of it.
    pub(super) async fn replace<T: Kept>(&self, new: &T) {
        let old = self.read(new).await;
        let mut commit = commit();
        commit.replace(&old, new.clone());
        self.commit(&commit).await;
    }

    /// A record that is there.
    pub(super) async fn read<T: Kept>(&self, like: &T) -> Versioned<T> {
        match like.read(self).await {
            Some(found) => found,
            None => panic!("a record that was committed is not there: {:?}", like.key()),
        }
    }

    /// Fails unless a record is stored just so.
    pub(super) async fn has<T: Kept>(&self, value: &T, version: u64) {
        let found = self.read(value).await;
        assert_eq!(*found.value, *value, "a record is not read as it was written");
        assert_eq!(found.version, Version::new(version), "a record has the wrong version");
    }

    pub(super) async fn shelf(&self, make: &mut Make) -> Shelf {
        let shop = make.shop();
        let (location, product) = (make.location(), make.product());
        let variant = make.variant(&product);
        let mut commit = commit();
        commit.insert(shop);
        commit.insert(location.clone());
        commit.insert(product.clone());
        commit.insert(variant.clone());
        self.commit(&commit).await;
        Shelf { location, product, variant }
    }

    /// A shelf with stock.
    pub(super) async fn stocked(&self, make: &mut Make, on_hand: i64, held: i64) -> Shelf {
        let shelf = self.shelf(make).await;
        self.stock(make.stock_move(shelf.key(), on_hand, held)).await;
        shelf
    }

    pub(super) async fn stock(&self, change: StockMove) {
        let mut commit = commit();
        commit.stock(change);
        self.commit(&commit).await;
    }

    pub(super) async fn setup(&self) -> Setup {
        self.store.setup().await.unwrap().expect("the shop was committed")
    }

    pub(super) async fn product(&self, id: ProductId) -> ProductInputs {
        let found = self.store.product(&ProductRef::Id(id)).await.unwrap();
        found.expect("the product was committed")
    }

    pub(super) async fn sellable(&self, id: VariantId) -> Sellable {
        let found = self.store.variant(&VariantRef::Id(id)).await.unwrap();
        found.expect("the variant was committed")
    }

    pub(super) async fn order(&self, id: OrderId) -> OrderInputs {
        let found = self.store.order(&OrderRef::Id(id)).await.unwrap();
        found.expect("the order was committed")
    }

    /// A level as it is stored; zero where there is none.
    pub(super) async fn level(&self, key: LevelKey) -> StockLevel {
        let levels = self.sellable(key.variant_id).await.levels;
        levels.into_iter().find(|level| level.key() == key).unwrap_or(StockLevel::zero(key))
    }

    /// The units on hand and held.
    pub(super) async fn counts(&self, key: LevelKey) -> (i64, i64) {
        let level = self.level(key).await;
        (level.on_hand, level.held)
    }

    /// The ledger of a variant, the newest row first.
    pub(super) async fn ledger(
        &self,
        variant_id: VariantId,
        location_id: Option<LocationId>,
    ) -> Vec<Movement> {
        let filter = MovementFilter { variant_id, location_id };
        let mut rows = Vec::new();
        let mut page = PageRequest::first(PageRequest::LIMIT_MAX);
        loop {
            let found = self.store.movements(&filter, &page).await.unwrap();
            assert!(!found.items.is_empty() || found.next.is_none(), "an empty page has no next");
            rows.extend(found.items);
            assert!(rows.len() < 100_000, "the pages of a ledger never end");
            match found.next {
                Some(next) => page.after = Some(next),
                None => return rows,
            }
        }
    }

    pub(super) async fn outbox(&self) -> Vec<OutboxEntry> {
        self.store.outbox(0, 100_000).await.unwrap()
    }

    /// All events of the outbox.
    pub(super) async fn events(&self) -> Vec<Event> {
        self.outbox().await.into_iter().flat_map(|entry| entry.events).collect()
    }

    /// What is due, the longest due first.
    pub(super) async fn due(&self, now: Timestamp) -> Vec<crate::store::Due> {
        self.store.due(now, 1_000).await.unwrap()
    }
}

/// Reads a list to its end, page by page, and fails unless its pages are as they should be.
pub(super) async fn pages<T, F>(limit: usize, read: impl Fn(PageRequest) -> F) -> Vec<T>
where
    F: Future<Output = Page<T>>,
{
    let mut items = Vec::new();
    let mut request = PageRequest { limit, after: None, total: true };
    loop {
        let page = read(request.clone()).await;
        assert!(page.items.len() <= limit, "a page has more items than its limit");
        assert!(
            page.next.is_none() || page.items.len() == limit,
            "a page that is not the last has fewer items than its limit",
        );
        items.extend(page.items);
        let total = page.total.expect("the total was asked for");
        assert!(
            u64::try_from(items.len()).unwrap() <= total,
            "the pages have more items than the list has in all",
        );
        match page.next {
            Some(next) => request.after = Some(next),
            None => {
                assert_eq!(
                    u64::try_from(items.len()).unwrap(),
                    total,
                    "the pages do not have as many items as the list has in all",
                );
                return items;
            }
        }
    }
}

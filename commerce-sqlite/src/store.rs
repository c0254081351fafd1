//! The store: reads on a few connections of their own, writes by one thread. What a commit will be decided
//! by is read on the connection that writes, while nothing is written.

#[cfg(test)]
mod plans;

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use async_trait::async_trait;
use commerce_core::{
    access::ApiToken,
    cart::{Cart, CheckoutInputs},
    catalog::{Category, Sellable},
    customer::Customer,
    id::{CartId, CustomerId, VariantId},
    order::OrderInputs,
    shop::Setup,
    store::{
        ApiTokenRef, Bell, CategoryRef, Commit, CommitError, CustomerRef, Due, OrderRef,
        OutboxEntry, Outcome, OutcomeKey, ProductInputs, ProductRef, Purge, Store, StoreResult,
        Subscription, VariantRef, WebhookRef,
    },
    text::Label,
    time::Timestamp,
    version::Versioned,
    webhook::Webhook,
};
use rusqlite::Connection;

use crate::{
    cache::{Cache, Writes},
    error::{OpenError, Result},
    log::Log,
    open::OpenOptions,
    table::{
        cart, category, customer, journal, order, stock, token, variant, wanted::Wanted, webhook,
    },
    writer::Writer,
};

/// A shop in one SQLite file.
///
/// It is cheap to clone, and clones are the same store. The last one to go waits until what was
/// asked of it is written.
///
/// A read runs on the thread that polls it. It takes microseconds, about as long as handing it to
/// another thread and back would, and waits for no writer: in WAL mode readers see the last commit
/// before they began. What a commit will be decided by is read on the writer's connection while that is
/// idle, and a commit that comes meanwhile waits for the end of such a read.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // The readers go first: the last connection to close, the writer's, tidies up the file.
    readers: Readers,
    cache: Cache,
    writer: Writer,
    bell: Bell,
}

/// Connections that only read; whoever finds none free waits for one.
#[derive(Debug)]
struct Readers {
    free: Mutex<Free>,
    returned: Condvar,
}

#[derive(Debug)]
struct Free {
    connections: Vec<Connection>,
    /// How many wait for one: to wake nobody would cost a call into the system for each read.
    waiting: usize,
}

/// A connection that goes back where it came from.
struct Reader<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Readers {
    fn take(&self) -> Reader<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = free.connections.pop() {
                return Reader { readers: self, connection: Some(connection) };
            }
            free.waiting += 1;
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
            free.waiting -= 1;
        }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let mut free = self.readers.free.lock().unwrap_or_else(PoisonError::into_inner);
            free.connections.push(connection);
            let awaited = free.waiting > 0;
            drop(free);
            if awaited {
                self.readers.returned.notify_one();
            }
        }
    }
}

impl SqliteStore {
    /// Opens a shop's file, or makes it.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file; nothing of it was changed then.
    pub fn open(path: impl AsRef<Path>) -> std::result::Result<Self, OpenError> {
        OpenOptions::default().open(path)
    }

    /// How a shop's file can be opened otherwise.
    pub fn options() -> OpenOptions {
        OpenOptions::default()
    }

    pub(crate) fn start(
        options: &OpenOptions,
        writer: Connection,
        log: Connection,
        readers: Vec<Connection>,
    ) -> std::result::Result<Self, OpenError> {
        let log = Log::start(log).map_err(OpenError::Thread)?;
        let writer = Writer::start(writer, log, options).map_err(OpenError::Thread)?;
        let free = Free { connections: readers, waiting: 0 };
        let readers = Readers { free: Mutex::new(free), returned: Condvar::new() };
        Ok(Self {
            inner: Arc::new(Inner {
                readers,
                cache: Cache::default(),
                writer,
                bell: Bell::default(),
            }),
        })
    }

    /// Reads in one snapshot.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> StoreResult<T> {
        self.ask(|connection| snapshot(connection, read))
    }

    /// Reads what a commit will be decided by. The connection that writes has it in memory, where the
    /// others read all anew after each commit; while that is at work, one of them serves.
    fn read_to_decide<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> StoreResult<T> {
        match self.inner.writer.idle() {
            Some(connection) => Ok(snapshot(&connection, read)?),
            None => self.read(read),
        }
    }

    /// Reads with one statement, or in a snapshot of its own making.
    fn ask<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> StoreResult<T> {
        let reader = self.inner.readers.take();
        let Some(connection) = &reader.connection else {
            return Err(commerce_core::store::StoreError::unavailable("no connection"));
        };
        Ok(read(connection)?)
    }

    fn checkout_inputs_in(
        &self,
        connection: &Connection,
        cart: CartId,
        also: &[VariantId],
    ) -> Result<Option<CheckoutInputs>> {
        let cache = &self.inner.cache;
        let writes = Writes::read(connection)?;
        let Some(setup) = cache.setup(connection, writes)? else { return Ok(None) };
        let Some(cart) = cart::cart(connection, cart)? else { return Ok(None) };
        let wanted = cart.lines.iter().map(|line| line.variant_id).chain(also.iter().copied());
        let mut sellables = cache.sellables(connection, writes, wanted)?;
        let mut levels = cart::levels(connection, cart.id)?;
        let others: Vec<_> = also.iter().copied().filter(|id| !levels.contains_key(id)).collect();
        if !others.is_empty() {
            levels.extend(stock::levels(connection, &Wanted::new(others))?);
        }
        for sellable in &mut sellables {
            sellable.levels = levels.remove(&sellable.variant.id).unwrap_or_default();
        }
        Ok(Some(CheckoutInputs { setup, cart, sellables }))
    }
}

/// Reads in one snapshot.
fn snapshot<T>(connection: &Connection, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    /// Ends the snapshot, however the read ends.
    struct End<'a>(&'a Connection);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            // Ending a read fails only if there is none.
            let _ = crate::codec::run(self.0, "COMMIT", []);
        }
    }
    crate::codec::run(connection, "BEGIN", [])?;
    let end = End(connection);
    let found = read(connection);
    drop(end);
    found
}

#[async_trait]
impl Store for SqliteStore {
    async fn setup(&self) -> StoreResult<Option<Setup>> {
        let cache = &self.inner.cache;
        // The counters alone are one statement, which is a snapshot of its own.
        let kept = self.ask(|connection| Ok(cache.kept_setup(Writes::read(connection)?)))?;
        if kept.is_some() {
            return Ok(kept);
        }
        self.read(|connection| cache.setup(connection, Writes::read(connection)?))
    }

    async fn product(&self, by: &ProductRef) -> StoreResult<Option<ProductInputs>> {
        self.read(|connection| self.inner.cache.product(connection, Writes::read(connection)?, by))
    }

    async fn product_with_setup(
        &self,
        by: &ProductRef,
    ) -> StoreResult<Option<(Setup, ProductInputs)>> {
        self.read(|connection| {
            let (cache, writes) = (&self.inner.cache, Writes::read(connection)?);
            let Some(found) = cache.product(connection, writes, by)? else { return Ok(None) };
            let Some(setup) = cache.setup(connection, writes)? else { return Ok(None) };
            Ok(Some((setup, found)))
        })
    }

    async fn variant(&self, by: &VariantRef) -> StoreResult<Option<Sellable>> {
        self.read(|connection| variant::sellable(connection, by))
    }

    async fn sellables(&self, variants: &[VariantId]) -> StoreResult<Vec<Sellable>> {
        self.read(|connection| variant::stocked(connection, variants.iter().copied()))
    }

    async fn category(&self, by: &CategoryRef) -> StoreResult<Option<Versioned<Category>>> {
        self.read(|connection| category::category(connection, by))
    }

    async fn categories(&self) -> StoreResult<Vec<Versioned<Category>>> {
        let cache = &self.inner.cache;
        self.read(|connection| cache.categories(connection, Writes::read(connection)?))
    }

    async fn cart(&self, id: CartId) -> StoreResult<Option<Versioned<Cart>>> {
        self.read(|connection| cart::cart(connection, id))
    }

    async fn open_cart(&self, customer: CustomerId) -> StoreResult<Option<Versioned<Cart>>> {
        self.read(|connection| cart::open_cart(connection, customer))
    }

    async fn checkout_inputs(
        &self,
        cart: CartId,
        also: &[VariantId],
    ) -> StoreResult<Option<CheckoutInputs>> {
        self.read_to_decide(|connection| self.checkout_inputs_in(connection, cart, also))
    }

    async fn order(&self, by: &OrderRef) -> StoreResult<Option<OrderInputs>> {
        self.read_to_decide(|connection| order::order(connection, by))
    }

    async fn customer(&self, by: &CustomerRef) -> StoreResult<Option<Versioned<Customer>>> {
        self.read(|connection| customer::customer(connection, by))
    }

    async fn api_token(&self, by: &ApiTokenRef) -> StoreResult<Option<Versioned<ApiToken>>> {
        self.read(|connection| token::api_token(connection, by))
    }

    async fn webhook(&self, by: &WebhookRef) -> StoreResult<Option<Versioned<Webhook>>> {
        self.read(|connection| webhook::webhook(connection, by))
    }

    async fn outcome(&self, key: &OutcomeKey) -> StoreResult<Option<Outcome>> {
        self.read(|connection| journal::outcome(connection, key))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<Due>> {
        self.read(|connection| journal::due(connection, now, limit))
    }

    async fn outbox(&self, after: u64, limit: usize) -> StoreResult<Vec<OutboxEntry>> {
        self.read(|connection| journal::outbox(connection, after, limit))
    }

    async fn subscription(&self, name: &Label) -> StoreResult<Option<Versioned<Subscription>>> {
        self.read(|connection| token::subscription(connection, name))
    }

    async fn commit(&self, commit: &Commit) -> std::result::Result<(), CommitError> {
        let answer = self.inner.writer.commit(commit).await;
        if commit.tells() && matches!(answer, Ok(()) | Err(CommitError::OutcomeUnknown(_))) {
            self.inner.bell.ring();
        }
        answer
    }

    fn bell(&self) -> Bell {
        self.inner.bell.clone()
    }

    async fn ready(&self) -> StoreResult<()> {
        // Its file can be written as long as it is open.
        self.ask(|connection| Writes::read(connection).map(drop))
    }

    async fn purge(&self, purge: &Purge) -> StoreResult<u64> {
        self.inner.writer.purge(purge).await
    }
}

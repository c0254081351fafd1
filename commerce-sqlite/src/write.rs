//! Writing a commit: judge it, then write the rows that differ.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

use commerce_core::{
    catalog::{Product, Variant},
    id::{ProductId, VariantId},
    store::{Commit, CommitError, Effects, Record, RecordKey, Refusal, Stop, Write, apply},
    version::Version,
};
use rusqlite::Connection;

use crate::{
    codec,
    error::{Error, Result},
    table::{
        Cell, Table, cart, category, customer, document, facet,
        journal::{self, Positions},
        order, payment, product, shop,
        stock::{self, Levels},
        token, variant, webhook,
    },
    view::Database,
};

/// Why a commit was not written.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It does not hold; nothing of it was written, and what was written before it stands.
    Refused(Refusal),
    /// It was perhaps written in part: the transaction must not be committed.
    Failed(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Failure> for CommitError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Failed(error) => error.into(),
        }
    }
}

/// Applies a commit on the embedder's own connection, inside a savepoint: all of it or none.
///
/// It is durable when the transaction around it is committed, and gone when that is rolled back,
/// together with the embedder's own rows. Without a transaction around it, it is one of its own.
/// Begin the transaction as `IMMEDIATE` before anything that the commit was decided by is read. One that
/// has read already cannot write once others have written: SQLite says that it is busy, which is
/// [`CommitError::Unavailable`], and only another transaction helps.
///
/// The connection should keep prepared statements for reuse, as by
/// [`set_prepared_statement_cache_capacity(256)`](Connection::set_prepared_statement_cache_capacity).
///
/// # Errors
/// [`CommitError`]; nothing of the commit was written then.
/// [`CommitError::OutcomeUnknown`] only without a transaction around it.
pub fn commit_in(connection: &Connection, commit: &Commit) -> Result<(), CommitError> {
    let own = connection.is_autocommit();
    let begin = if own { "BEGIN IMMEDIATE" } else { "SAVEPOINT commerce_commit" };
    connection.execute_batch(begin).map_err(Error::from)?;
    let mut batch = Batch::default();
    let written = batch
        .write(connection, commit, Trust::Nothing)
        .and_then(|()| batch.finish(connection).map_err(Failure::from));
    if let Err(failure) = written {
        let undo =
            if own { "ROLLBACK" } else { "ROLLBACK TO commerce_commit; RELEASE commerce_commit" };
        // If SQLite has rolled back the whole transaction already, there is nothing to undo.
        let _ = connection.execute_batch(undo);
        return Err(failure.into());
    }
    if own {
        return end(connection);
    }
    connection.execute_batch("RELEASE commerce_commit").map_err(|error| Error::from(error).into())
}

/// Makes a transaction durable.
pub(crate) fn end(connection: &Connection) -> Result<(), CommitError> {
    let Err(error) = connection.execute_batch("COMMIT") else { return Ok(()) };
    let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
    let busy = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
    // A transaction that is still open was not committed, and neither was one that did not fit: its
    // last frame, without which the others count for nothing, is written last.
    let open = !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_ok();
    let error = Error::from(error);
    Err(if open || full || busy { error.into() } else { CommitError::OutcomeUnknown(error.into()) })
}

/// What a commit is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// By what is stored: each reason is the right one.
    Nothing,
    /// What is inserted is taken to be new, because it nearly always is; the tables' own keys refuse
    /// it otherwise, and then it must be judged again.
    Keys,
}

/// Commits that are written in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    levels: Levels,
    positions: Positions,
}

impl Batch {
    /// Judges a commit and writes it, but for what [`finish`](Self::finish) writes once for all.
    pub(crate) fn write(
        &mut self,
        connection: &Connection,
        commit: &Commit,
        trust: Trust,
    ) -> Result<(), Failure> {
        let trusted = (trust == Trust::Keys).then_some(commit);
        let levels = &mut self.levels;
        let mut database = Database { connection, levels, trusted, given_up: OnceCell::new() };
        let effects = match apply(&mut database, commit) {
            Ok(effects) => effects,
            // Something that comes before this reason may have been taken on trust.
            Err(Stop::Refused(_)) if trust == Trust::Keys => {
                return self.write(connection, commit, Trust::Nothing);
            }
            Err(Stop::Refused(refusal)) => return Err(Failure::Refused(refusal)),
            Err(Stop::Failed(error)) => return Err(Failure::Failed(error)),
        };
        let Effects { levels, movements, events, yielding } = effects;
        let mut changes = Changes::default();
        if !yielding.is_empty() {
            changes.make_room(connection, commit, &yielding)?;
        }
        for write in commit.writes() {
            if !matches!(write, Write::Require { .. }) {
                changes.count(&write.key());
            }
            match write {
                Write::Insert(record) => changes.insert(connection, record)?,
                Write::Replace { expected, old, new } => {
                    changes.replace(connection, old, new, *expected)?;
                    if yielding.contains(&new.key()) {
                        come_back(connection, new, expected.next())?;
                    }
                }
                Write::Touch { key, .. } => Changes::touch(connection, key)?,
                Write::Remove { old, .. } if yielding.contains(&old.key()) => {}
                Write::Remove { old, .. } => changes.remove(connection, old)?,
                Write::Require { .. } => {}
            }
        }
        for movement in &movements {
            stock::MOVEMENTS.insert(connection, &stock::movement_row(movement))?;
        }
        if !events.is_empty() {
            self.positions.tell(connection, commit.time(), &events)?;
        }
        if let Some(outcome) = commit.outcome() {
            journal::remember(connection, outcome)?;
        }
        changes.settle(connection)?;
        for level in levels {
            self.levels.set(level);
        }
        Ok(())
    }

    /// Writes what the commits have in common.
    pub(crate) fn finish(self, connection: &Connection) -> Result<()> {
        self.levels.write(connection)
    }
}

/// What follows from the records that a commit writes, and is done once after them.
#[derive(Debug, Default)]
struct Changes {
    /// The counters that go on: what is kept of before is stale.
    counters: BTreeSet<&'static str>,
    /// Whether a location has become active or has ceased to be.
    places: bool,
    products: BTreeMap<ProductId, Stale>,
    variants: Vec<VariantId>,
    threshold: Option<i64>,
}

/// What of a product is to be worked out anew.
#[derive(Debug, Default)]
struct Stale {
    prices: bool,
    document: bool,
}

impl Changes {
    /// Sets the unique keys free that others of the commit take over: the tables compare row by row,
    /// and whoever takes one may be written before whoever gives it up.
    fn make_room(
        &mut self,
        connection: &Connection,
        commit: &Commit,
        yielding: &BTreeSet<RecordKey>,
    ) -> Result<()> {
        for write in commit.writes().iter().filter(|write| yielding.contains(&write.key())) {
            match write {
                Write::Remove { old, .. } => self.remove(connection, old)?,
                Write::Replace { old: Record::Payment(it), .. } => {
                    payment::delete_references(connection, it.id)?;
                }
                Write::Replace { expected, old, .. } => {
                    if let Some((table, row)) = keyed(old, *expected)? {
                        table.update(connection, &row, &table.aside(&row))?;
                    }
                }
                Write::Insert(_) | Write::Require { .. } | Write::Touch { .. } => {}
            }
        }
        Ok(())
    }

    /// Notes by which counter others see that a record was written.
    fn count(&mut self, key: &RecordKey) {
        self.counters.extend(match key {
            RecordKey::Shop | RecordKey::Location(_) => Some("setup"),
            RecordKey::Category(_) => Some("categories"),
            RecordKey::Product(_) | RecordKey::Variant(_) => Some("catalog"),
            RecordKey::Subscription(_)
            | RecordKey::Cart(_)
            | RecordKey::Order(_)
            | RecordKey::Payment(_)
            | RecordKey::Customer(_)
            | RecordKey::ApiToken(_)
            | RecordKey::Webhook(_) => None,
        });
    }

    fn touch(connection: &Connection, key: &RecordKey) -> Result<()> {
        macro_rules! next_version {
            ($table:literal) => {
                concat!("UPDATE ", $table, " SET version = version + 1 WHERE id = ?1")
            };
        }
        let (sql, id) = match key {
            RecordKey::Shop => {
                codec::run(connection, next_version!("commerce_shop"), [1])?;
                return Ok(());
            }
            RecordKey::Subscription(name) => {
                const NEXT: &str =
                    "UPDATE commerce_subscriptions SET version = version + 1 WHERE name = ?1";
                codec::run(connection, NEXT, [name.as_str()])?;
                return Ok(());
            }
            RecordKey::Location(id) => (next_version!("commerce_locations"), codec::key(*id)),
            RecordKey::Category(id) => (next_version!("commerce_categories"), codec::key(*id)),
            RecordKey::Product(id) => (next_version!("commerce_products"), codec::key(*id)),
            RecordKey::Variant(id) => (next_version!("commerce_variants"), codec::key(*id)),
            RecordKey::Cart(id) => (next_version!("commerce_carts"), codec::key(*id)),
            RecordKey::Order(id) => (next_version!("commerce_orders"), codec::key(*id)),
            RecordKey::Payment(id) => (next_version!("commerce_payments"), codec::key(*id)),
            RecordKey::Customer(id) => (next_version!("commerce_customers"), codec::key(*id)),
            RecordKey::ApiToken(id) => (next_version!("commerce_api_tokens"), codec::key(*id)),
            RecordKey::Webhook(id) => (next_version!("commerce_webhooks"), codec::key(*id)),
        };
        codec::run(connection, sql, [id])?;
        Ok(())
    }

    fn insert(&mut self, connection: &Connection, record: &Record) -> Result<()> {
        let version = Version::FIRST;
        match record {
            Record::Shop(it) => shop::SHOP.insert(connection, &shop::shop_row(it, version)?),
            Record::Location(it) => {
                shop::LOCATIONS.insert(connection, &shop::location_row(it, version))
            }
            Record::Category(it) => {
                category::CATEGORIES.insert(connection, &category::row(it, version)?)
            }
            Record::Product(it) => {
                self.products.entry(it.id).or_default().document = true;
                // Its variants may have come before it.
                self.products.entry(it.id).or_default().prices = true;
                product::insert(connection, it, version)?;
                insert_belongings(connection, it)
            }
            Record::Variant(it) => {
                self.variant(None, it);
                variant::VARIANTS.insert(connection, &variant::row(it, version)?)
            }
            Record::Cart(it) => {
                cart::CARTS.insert(connection, &cart::row(it, version, None)?)?;
                cart::CART_LINES.insert_all(connection, &it.lines, |position, line| {
                    cart::line_row(it.id, position, line)
                })
            }
            Record::Order(it) => order::insert(connection, it, version),
            Record::Payment(it) => payment::insert(connection, it, version),
            Record::Customer(it) => {
                customer::CUSTOMERS.insert(connection, &customer::row(it, version)?)?;
                customer::write_words(connection, None, it)?;
                customer::ADDRESSES.insert_all(connection, &it.addresses, |position, entry| {
                    customer::address_row(it.id, position, entry)
                })
            }
            Record::ApiToken(it) => token::TOKENS.insert(connection, &token::row(it, version)),
            Record::Webhook(it) => {
                webhook::WEBHOOKS.insert(connection, &webhook::row(it, version)?)
            }
            Record::Subscription(it) => {
                token::SUBSCRIPTIONS.insert(connection, &token::subscription_row(it, version))
            }
        }
    }

    fn replace(
        &mut self,
        connection: &Connection,
        old: &Record,
        new: &Record,
        before: Version,
    ) -> Result<()> {
        let after = before.next();
        match (old, new) {
            (Record::Shop(old), Record::Shop(new)) => {
                let (old, new) = (shop::shop_row(old, before)?, shop::shop_row(new, after)?);
                shop::SHOP.update(connection, &old, &new)
            }
            (Record::Location(old), Record::Location(new)) => {
                self.places |= old.active != new.active;
                let (old, new) = (shop::location_row(old, before), shop::location_row(new, after));
                shop::LOCATIONS.update(connection, &old, &new)
            }
            (Record::Category(old), Record::Category(new)) => category::CATEGORIES.update(
                connection,
                &category::row(old, before)?,
                &category::row(new, after)?,
            ),
            (Record::Product(old), Record::Product(new)) => {
                let stale = self.products.entry(new.id).or_default();
                stale.document = true;
                stale.prices |= old.status != new.status || facet::all(old) != facet::all(new);
                product::PRODUCTS.update(
                    connection,
                    &product::row(old, before)?,
                    &product::row(new, after)?,
                )?;
                update_belongings(connection, old, new)
            }
            (Record::Variant(old), Record::Variant(new)) => {
                self.variant(Some(old), new);
                let (row, now) = (variant::row(old, before)?, variant::row(new, after)?);
                variant::VARIANTS.update(connection, &row, &now)
            }
            (Record::Cart(old), Record::Cart(new)) => {
                cart::CARTS.update(
                    connection,
                    &cart::row(old, before, Some(new))?,
                    &cart::row(new, after, Some(old))?,
                )?;
                cart::update_lines(connection, new.id, &old.lines, &new.lines)
            }
            (Record::Order(old), Record::Order(new)) => {
                order::update(connection, old, before, new, after)
            }
            (Record::Payment(old), Record::Payment(new)) => {
                payment::update(connection, old, before, new)
            }
            (Record::Customer(old), Record::Customer(new)) => {
                customer::CUSTOMERS.update(
                    connection,
                    &customer::row(old, before)?,
                    &customer::row(new, after)?,
                )?;
                customer::write_words(connection, Some(old), new)?;
                customer::ADDRESSES.update_all(
                    connection,
                    &old.addresses,
                    &new.addresses,
                    |position, entry| customer::address_row(new.id, position, entry),
                )
            }
            (Record::ApiToken(old), Record::ApiToken(new)) => {
                token::TOKENS.update(connection, &token::row(old, before), &token::row(new, after))
            }
            (Record::Webhook(old), Record::Webhook(new)) => webhook::WEBHOOKS.update(
                connection,
                &webhook::row(old, before)?,
                &webhook::row(new, after)?,
            ),
            (Record::Subscription(old), Record::Subscription(new)) => token::SUBSCRIPTIONS.update(
                connection,
                &token::subscription_row(old, before),
                &token::subscription_row(new, after),
            ),
            _ => Err(Error::Unfit("a record replaced by one of another kind")),
        }
    }

    fn remove(&mut self, connection: &Connection, old: &Record) -> Result<()> {
        match old {
            Record::Shop(_) => shop::SHOP.delete(connection, &[Cell::Integer(1)]),
            Record::Location(it) => {
                self.places = true;
                shop::LOCATIONS.delete(connection, &[Cell::id(it.id)])
            }
            Record::Category(it) => category::CATEGORIES.delete(connection, &[Cell::id(it.id)]),
            Record::Product(it) => {
                document::forget(connection, it.id)?;
                for table in [&product::TAGS, &product::IN_CATEGORIES] {
                    table.delete(connection, &[Cell::id(it.id)])?;
                }
                product::forget_prices(connection, it.id)?;
                product::PRODUCTS.delete(connection, &[Cell::id(it.id)])
            }
            Record::Variant(it) => {
                let stale = self.products.entry(it.product_id).or_default();
                (stale.prices, stale.document) = (true, true);
                variant::VARIANTS.delete(connection, &[Cell::id(it.id)])
            }
            Record::Cart(it) => {
                cart::CART_LINES.delete(connection, &[Cell::id(it.id)])?;
                cart::CARTS.delete(connection, &[Cell::id(it.id)])
            }
            Record::Order(it) => order::delete(connection, it.id),
            Record::Payment(it) => payment::delete(connection, it.id),
            Record::Customer(it) => {
                customer::ADDRESSES.delete(connection, &[Cell::id(it.id)])?;
                customer::WORDS.delete(connection, &[Cell::id(it.id)])?;
                customer::CUSTOMERS.delete(connection, &[Cell::id(it.id)])
            }
            Record::ApiToken(it) => token::TOKENS.delete(connection, &[Cell::id(it.id)]),
            Record::Webhook(it) => webhook::WEBHOOKS.delete(connection, &[Cell::id(it.id)]),
            Record::Subscription(it) => {
                token::SUBSCRIPTIONS.delete(connection, &[Cell::Text(&it.name)])
            }
        }
    }

    /// Notes what a variant that comes or changes makes stale.
    fn variant(&mut self, old: Option<&Variant>, new: &Variant) {
        let priced = old.is_none_or(|old| {
            old.active != new.active || old.prices != new.prices || old.product_id != new.product_id
        });
        let coded = old.is_none_or(|old| {
            old.sku != new.sku || old.barcode != new.barcode || old.product_id != new.product_id
        });
        for product in old.map(|old| old.product_id).into_iter().chain([new.product_id]) {
            let stale = self.products.entry(product).or_default();
            stale.prices |= priced;
            stale.document |= coded;
        }
        let counted = old.is_none_or(|old| {
            old.track_inventory != new.track_inventory
                || old.low_stock_threshold != new.low_stock_threshold
        });
        if counted {
            self.variants.push(new.id);
            self.threshold = self.threshold.max(Some(new.low_stock_threshold));
        }
    }

    fn settle(self, connection: &Connection) -> Result<()> {
        const COUNT: &str = "UPDATE commerce_counters SET value = value + 1 WHERE name = ?1";
        const THRESHOLD: &str = "UPDATE commerce_counters SET value = ?1
            WHERE name = 'low_stock_threshold_max' AND value < ?1";
        for name in self.counters {
            codec::run(connection, COUNT, [name])?;
        }
        if let Some(threshold) = self.threshold {
            codec::run(connection, THRESHOLD, [threshold])?;
        }
        for (id, stale) in self.products {
            if stale.prices {
                product::price(connection, id)?;
            }
            if stale.document {
                document::index(connection, id)?;
            }
        }
        for id in self.variants {
            stock::mark_low(connection, id)?;
        }
        if self.places {
            stock::mark_all_low(connection)?;
        }
        Ok(())
    }
}

/// Ends what [`Changes::make_room`] began: the record has its own unique keys.
fn come_back(connection: &Connection, record: &Record, version: Version) -> Result<()> {
    if let Record::Payment(it) = record {
        payment::delete_references(connection, it.id)?;
        return payment::insert_references(connection, it);
    }
    match keyed(record, version)? {
        Some((table, row)) => table.update(connection, &table.aside(&row), &row),
        None => Ok(()),
    }
}

/// The row in which a record's unique keys stand, if it has any.
fn keyed(record: &Record, version: Version) -> Result<Option<(&'static Table, Vec<Cell<'_>>)>> {
    Ok(Some(match record {
        Record::Category(it) => (&category::CATEGORIES, category::row(it, version)?),
        Record::Product(it) => (&product::PRODUCTS, product::row(it, version)?),
        Record::Variant(it) => (&variant::VARIANTS, variant::row(it, version)?),
        Record::Cart(it) => (&cart::CARTS, cart::row(it, version, None)?),
        Record::Order(it) => (&order::ORDERS, order::row(it, version, None)?),
        Record::Customer(it) => (&customer::CUSTOMERS, customer::row(it, version)?),
        Record::ApiToken(it) => (&token::TOKENS, token::row(it, version)),
        Record::Webhook(it) => (&webhook::WEBHOOKS, webhook::row(it, version)?),
        Record::Shop(_) | Record::Location(_) | Record::Payment(_) | Record::Subscription(_) => {
            return Ok(None);
        }
    }))
}

fn insert_belongings(connection: &Connection, it: &Product) -> Result<()> {
    product::TAGS
        .insert_all(connection, &it.tags, |position, tag| product::tag_row(it, position, tag))?;
    product::IN_CATEGORIES.insert_all(connection, &it.categories, |position, category| {
        product::category_row(it, position, category)
    })
}

fn update_belongings(connection: &Connection, old: &Product, new: &Product) -> Result<()> {
    // What stands beside each tag and category has changed for all of them.
    if old.status != new.status || old.created_at != new.created_at {
        product::TAGS.delete(connection, &[Cell::id(new.id)])?;
        product::IN_CATEGORIES.delete(connection, &[Cell::id(new.id)])?;
        return insert_belongings(connection, new);
    }
    product::TAGS.update_all(connection, &old.tags, &new.tags, |position, tag| {
        product::tag_row(new, position, tag)
    })?;
    product::IN_CATEGORIES.update_all(
        connection,
        &old.categories,
        &new.categories,
        |position, category| product::category_row(new, position, category),
    )
}

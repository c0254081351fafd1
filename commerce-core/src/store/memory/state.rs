//! The maps that a [`MemoryStore`](super::MemoryStore) is made of.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    convert::Infallible,
};

use uuid::Uuid;

use crate::{
    cart::CartStatus,
    catalog::{Product, Sellable, Variant},
    id::{Id, OrderId, PaymentId, ProductId, VariantId},
    inventory::{LevelKey, Movement, StockLevel},
    order::{Order, OrderInputs},
    payment::Payment,
    shop::{Setup, Shop},
    store::{
        Commit, Due, Effects, OutboxEntry, Outcome, OutcomeKey, ProductInputs, ProductRef, Purge,
        Record, RecordKey, Stored, UniqueKey, View, Write,
    },
    time::Timestamp,
    version::{Version, Versioned},
};

#[derive(Debug, Default)]
pub(super) struct State {
    records: BTreeMap<RecordKey, (Version, Record)>,
    unique: HashMap<UniqueKey, RecordKey>,
    levels: BTreeMap<LevelKey, StockLevel>,
    variants: BTreeSet<(ProductId, VariantId)>,
    payments: BTreeSet<(OrderId, PaymentId)>,
    pub(super) movements: HashMap<VariantId, Vec<Movement>>,
    pub(super) outcomes: HashMap<OutcomeKey, Outcome>,
    pub(super) due: BTreeSet<(Timestamp, Due)>,
    pub(super) outbox: BTreeMap<u64, OutboxEntry>,
    position: u64,
}

impl View for State {
    type Error = Infallible;

    fn version(&mut self, key: &RecordKey) -> Result<Option<Version>, Infallible> {
        Ok(self.records.get(key).map(|(version, _)| *version))
    }

    fn holder(&mut self, key: &UniqueKey) -> Result<Option<RecordKey>, Infallible> {
        Ok(self.unique.get(key).cloned())
    }

    fn level(&mut self, key: LevelKey) -> Result<StockLevel, Infallible> {
        Ok(self.levels.get(&key).copied().unwrap_or(StockLevel::zero(key)))
    }

    fn outcome(&mut self, key: &OutcomeKey) -> Result<Option<Outcome>, Infallible> {
        Ok(self.outcomes.get(key).cloned())
    }
}

impl State {
    pub(super) fn holder(&self, key: &UniqueKey) -> Option<&RecordKey> {
        self.unique.get(key)
    }

    pub(super) fn get<T: Stored>(&self, key: &RecordKey) -> Option<Versioned<T>> {
        let (version, record) = self.records.get(key)?;
        Some(Versioned { version: *version, value: T::from_record(record)?.clone() })
    }

    pub(super) fn get_by<T: Stored>(&self, key: &UniqueKey) -> Option<Versioned<T>> {
        self.get(self.unique.get(key)?)
    }

    /// Every record of one kind, by id. `key` makes the kind's keys, which stand together.
    pub(super) fn all<T: Stored, I: Id>(
        &self,
        key: impl Fn(I) -> RecordKey,
    ) -> impl Iterator<Item = Versioned<T>> + '_ {
        let [first, last] = [0, u128::MAX].map(|id| key(I::from_uuid(Uuid::from_u128(id))));
        self.records.range(first..=last).filter_map(|(_, (version, record))| {
            Some(Versioned { version: *version, value: T::from_record(record)?.clone() })
        })
    }

    pub(super) fn setup(&self) -> Option<Setup> {
        let shop = self.get::<Shop>(&RecordKey::Shop)?;
        Some(Setup { shop, locations: self.all(RecordKey::Location).collect() })
    }

    pub(super) fn levels(&self, variant_id: VariantId) -> Vec<StockLevel> {
        let of =
            |id: u128| LevelKey { variant_id, location_id: Id::from_uuid(Uuid::from_u128(id)) };
        self.levels.range(of(0)..=of(u128::MAX)).map(|(_, level)| *level).collect()
    }

    pub(super) fn sellable(&self, id: VariantId) -> Option<Sellable> {
        let variant = self.get::<Variant>(&RecordKey::Variant(id))?;
        let product = self.get::<Product>(&RecordKey::Product(variant.product_id))?;
        Some(Sellable::new(&product, variant, self.levels(id)))
    }

    pub(super) fn sellables(&self, ids: impl Iterator<Item = VariantId>) -> Vec<Sellable> {
        let distinct: BTreeSet<_> = ids.collect();
        distinct.into_iter().filter_map(|id| self.sellable(id)).collect()
    }

    pub(super) fn product_by(&self, by: &ProductRef) -> Option<ProductInputs> {
        match by {
            ProductRef::Id(id) => self.product(*id),
            ProductRef::Slug(slug) => match self.holder(&UniqueKey::ProductSlug(slug.clone()))? {
                RecordKey::Product(id) => self.product(*id),
                _ => None,
            },
        }
    }

    pub(super) fn product(&self, id: ProductId) -> Option<ProductInputs> {
        let product = self.get::<Product>(&RecordKey::Product(id))?;
        let of = |variant: u128| (id, Id::from_uuid(Uuid::from_u128(variant)));
        let mut variants: Vec<Versioned<Variant>> = self
            .variants
            .range(of(0)..=of(u128::MAX))
            .filter_map(|(_, variant)| self.get(&RecordKey::Variant(*variant)))
            .collect();
        variants.sort_by_key(|variant| (variant.position, variant.id));
        let levels = variants.iter().flat_map(|variant| self.levels(variant.id)).collect();
        Some(ProductInputs { product, variants, levels })
    }

    pub(super) fn order(&self, id: OrderId) -> Option<OrderInputs> {
        let order = self.get::<Order>(&RecordKey::Order(id))?;
        let of = |payment: u128| (id, Id::from_uuid(Uuid::from_u128(payment)));
        let payments = self
            .payments
            .range(of(0)..=of(u128::MAX))
            .filter_map(|(_, payment)| self.get(&RecordKey::Payment(*payment)))
            .collect();
        Some(OrderInputs { order, payments })
    }

    pub(super) fn order_of(&self, payment: PaymentId) -> Option<OrderInputs> {
        let payment = self.get::<Payment>(&RecordKey::Payment(payment))?;
        self.order(payment.order_id)
    }

    /// Keeps what a commit that holds writes.
    pub(super) fn keep(&mut self, commit: &Commit, effects: Effects) {
        // First all that is given up, as another write may take it.
        for write in commit.writes() {
            match write {
                Write::Replace { old, .. } => self.forget(old),
                Write::Remove { old, .. } => {
                    self.forget(old);
                    self.records.remove(&old.key());
                }
                Write::Insert(_) | Write::Require { .. } | Write::Touch { .. } => {}
            }
        }
        for write in commit.writes() {
            match write {
                Write::Insert(record) => self.put(Version::FIRST, record),
                Write::Replace { expected, new, .. } => self.put(expected.next(), new),
                Write::Touch { key, .. } => {
                    if let Some((version, _)) = self.records.get_mut(key) {
                        *version = version.next();
                    }
                }
                Write::Remove { .. } | Write::Require { .. } => {}
            }
        }
        for level in effects.levels {
            self.levels.insert(level.key(), level);
        }
        for movement in effects.movements {
            self.movements.entry(movement.variant_id).or_default().push(movement);
        }
        if !effects.events.is_empty() {
            self.position += 1;
            let position = self.position;
            let entry = OutboxEntry { position, at: commit.time(), events: effects.events };
            self.outbox.insert(position, entry);
        }
        if let Some(outcome) = commit.outcome() {
            self.outcomes.insert(outcome.key.clone(), outcome.clone());
        }
    }

    fn put(&mut self, version: Version, new: &Record) {
        let key = new.key();
        for unique in new.unique_keys() {
            self.unique.insert(unique, key.clone());
        }
        self.due.extend(due(new));
        match new {
            Record::Variant(variant) => {
                self.variants.insert((variant.product_id, variant.id));
            }
            Record::Payment(payment) => {
                self.payments.insert((payment.order_id, payment.id));
            }
            _ => {}
        }
        self.records.insert(key, (version, new.clone()));
    }

    fn forget(&mut self, old: &Record) {
        for unique in old.unique_keys() {
            self.unique.remove(&unique);
        }
        if let Some(due) = due(old) {
            self.due.remove(&due);
        }
        match old {
            Record::Variant(variant) => {
                self.variants.remove(&(variant.product_id, variant.id));
            }
            Record::Payment(payment) => {
                self.payments.remove(&(payment.order_id, payment.id));
            }
            _ => {}
        }
    }

    pub(super) fn purge(&mut self, purge: &Purge) -> u64 {
        let before = self.outcomes.len() + self.outbox.len() + self.records.len();
        let old = |record: &Record| match record {
            Record::Cart(cart) => {
                cart.status != CartStatus::Open && cart.updated_at < purge.carts_before
            }
            Record::Webhook(webhook) => {
                webhook.due_at.is_none() && webhook.updated_at < purge.webhooks_before
            }
            _ => false,
        };
        let forgotten: Vec<Record> = self
            .records
            .values()
            .map(|(_, record)| record)
            .filter(|record| old(record))
            .cloned()
            .collect();
        for record in &forgotten {
            self.forget(record);
            self.records.remove(&record.key());
        }
        self.outcomes.retain(|_, outcome| outcome.at >= purge.outcomes_before);
        self.outbox = self.outbox.split_off(&purge.outbox_through.saturating_add(1));
        let after = self.outcomes.len() + self.outbox.len() + self.records.len();
        u64::try_from(before - after).unwrap_or(u64::MAX)
    }
}

fn due(record: &Record) -> Option<(Timestamp, Due)> {
    match record {
        Record::Order(order) => order.expires_at.map(|at| (at, Due::Order(order.id))),
        Record::Cart(cart) if cart.status == CartStatus::Open => {
            Some((cart.expires_at, Due::Cart(cart.id)))
        }
        Record::Payment(payment) => payment.check_at.map(|at| (at, Due::Payment(payment.id))),
        Record::Webhook(webhook) => webhook.due_at.map(|at| (at, Due::Webhook(webhook.id))),
        _ => None,
    }
}

//! The keys that no two records may have, locked before all else.
//!
//! A unique index has whoever inserts a key wait for another transaction that has inserted or removed the
//! same. That is a lock as well, but one in whose order nobody has a say: a key that can move between
//! records is compared once a statement is through, when all of its keys are in the index already.
//! Two who insert the same two keys would each find one of the other's. So whoever gains or gives up keys
//! locks them first, by their digests, in the order of these; an index then meets only what is
//! committed, and its holder is read by a statement that begins when the locks are there.
//!
//! Some need no lock of their own. The options of a variant and the order of a cart are locked with their
//! product and their cart. The numbers of orders and the secrets of tokens are random, and outcomes
//! are compared at once, as they are inserted: in the order of their keys.
//!
//! Each lock takes room that all who use the server share, and an import has thousands of keys. So of
//! each kind no more than [`KEYS_MAX`] are locked one by one. Whoever has more locks all keys of the kind,
//! for which everybody else locks the kind as well, as one of many.

use std::collections::{BTreeMap, BTreeSet};

use commerce_core::{secret::Digest, store::UniqueKey};

use crate::{
    cell::{Array, Cell, Kind},
    lock::{Reading, nothing},
};

/// The most keys of a kind that a batch locks one by one.
const KEYS_MAX: usize = 128;

/// Tells the locks of one schema from those of others.
const SPACE: &str = "('commerce_locations'::regclass::oid::bigint << 32)";

/// The keys of a batch that are to be locked: by their kinds, their digests.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    kinds: BTreeMap<u8, BTreeSet<i64>>,
    /// Whether some are gained: then it must be seen whether they are free.
    gained: bool,
}

/// What is locked for a key, if anything is: its kind, in the order in which kinds are locked.
fn kind_of(key: &UniqueKey) -> Option<u8> {
    match key {
        UniqueKey::ProductSlug(_) => Some(0),
        UniqueKey::CategorySlug(_) => Some(1),
        UniqueKey::Sku(_) => Some(2),
        UniqueKey::OpenCart(_) => Some(3),
        UniqueKey::CustomerEmail(_) => Some(4),
        UniqueKey::CustomerExternalId(_) => Some(5),
        UniqueKey::PaymentReference(..) => Some(6),
        UniqueKey::WebhookEvent(..) => Some(7),
        UniqueKey::VariantOptions(..)
        | UniqueKey::OrderOfCart(_)
        | UniqueKey::OrderNumber(_)
        | UniqueKey::ApiToken(_) => None,
    }
}

impl Keys {
    /// A record is to have a key that it has not.
    pub(crate) fn gain(&mut self, key: &UniqueKey) {
        self.gained |= self.add(key);
    }

    /// A record is to have a key no more.
    pub(crate) fn give_up(&mut self, key: &UniqueKey) {
        self.add(key);
    }

    fn add(&mut self, key: &UniqueKey) -> bool {
        let Some(kind) = kind_of(key) else { return false };
        let (_, value) = key.describe();
        let digest = Digest::of(format!("{kind} {value}").as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
        let number = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
        self.kinds.entry(kind).or_default().insert(number);
        true
    }

    /// Whether some are gained, so that they are to be locked before it is read who has them.
    pub(crate) fn are_gained(&self) -> bool {
        self.gained
    }

    /// Locks them.
    pub(crate) fn lock(&self, reading: &mut Reading<'_>) {
        let mut single = BTreeSet::new();
        for (kind, keys) in &self.kinds {
            let how = if keys.len() > KEYS_MAX {
                ""
            } else {
                single.extend(keys);
                "_shared"
            };
            let lock = format!("pg_advisory_xact_lock{how}({kind}::bigint # {SPACE})");
            reading.part(&format!("SELECT ROW(1) FROM {lock}"), [], nothing);
        }
        if !single.is_empty() {
            let keys = Array::of(Kind::Int, single.into_iter().copied().map(Cell::Int));
            let lock = format!("pg_advisory_xact_lock(key # {SPACE})");
            let sql = format!("SELECT ROW(1) FROM unnest(?::bigint[]) AS key, {lock}");
            reading.part(&sql, [keys], nothing);
        }
    }
}

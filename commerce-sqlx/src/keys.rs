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
    lock::{Reading, Waiting, nothing},
};

/// The most keys of a kind that a batch locks one by one.
const KEYS_MAX: usize = 128;

/// Tells the locks of one schema, other than those of rows, from those of others.
pub(crate) const SPACE: &str = "('commerce_locations'::regclass::oid::bigint << 32)";

/// The keys of a batch that are to be locked, by their kinds.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    kinds: BTreeMap<u8, OfKind>,
    /// Whether some are gained: then it must be seen whether they are free.
    gained: bool,
}

#[derive(Debug, Default)]
struct OfKind {
    /// Their digests.
    keys: BTreeSet<i64>,
    /// Whether a single commit has too many of them to be among these.
    many: bool,
}

/// Those that were passed over, because others have locked them.
#[derive(Debug, Default)]
pub(crate) struct BlockedKeys {
    /// Of which kinds all are locked.
    kinds: BTreeSet<u8>,
    /// Of which kinds some are locked, so that not all can be.
    whole_kinds: BTreeSet<u8>,
    keys: BTreeSet<i64>,
}

impl BlockedKeys {
    pub(crate) fn is_empty(&self) -> bool {
        let Self { kinds, whole_kinds, keys } = self;
        kinds.is_empty() && whole_kinds.is_empty() && keys.is_empty()
    }
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
        self.kinds.entry(kind).or_default().keys.insert(number);
        true
    }

    /// Adds those of another commit.
    pub(crate) fn join(&mut self, other: Self) {
        self.gained |= other.gained;
        for (kind, OfKind { keys, many }) in other.kinds {
            let of = self.kinds.entry(kind).or_default();
            of.many |= many || keys.len() > KEYS_MAX;
            if keys.len() <= KEYS_MAX {
                of.keys.extend(keys);
            }
        }
    }

    /// Whether some are gained, so that they are to be locked before it is read who has them.
    pub(crate) fn are_gained(&self) -> bool {
        self.gained
    }

    /// Locks them, or those that need not be waited for.
    pub(crate) fn lock(&self, reading: &mut Reading<'_>, waiting: Waiting) {
        let past = waiting == Waiting::Past;
        let mut single = BTreeSet::new();
        for (kind, OfKind { keys, many }) in &self.kinds {
            let crowd = keys.len() > KEYS_MAX;
            if !crowd {
                single.extend(keys);
            }
            let of = |how| format!("advisory_xact_lock{how}({kind}::bigint # {SPACE})");
            if !past {
                let lock = of(if crowd || *many { "" } else { "_shared" });
                reading.part(&format!("SELECT ROW(1) FROM pg_{lock}"), [], nothing);
                continue;
            }
            let passed = |lock| format!("SELECT ROW({kind}) WHERE NOT pg_try_{lock}");
            let lock = of(if crowd { "" } else { "_shared" });
            reading.part(&passed(lock), [], |row, state| {
                state.blocked.keys.kinds.insert(row.int()?);
                Ok(())
            });
            // Whoever has many is not to be in the way of those who have few.
            if *many && !crowd {
                reading.part(&passed(of("")), [], |row, state| {
                    state.blocked.keys.whole_kinds.insert(row.int()?);
                    Ok(())
                });
            }
        }
        if single.is_empty() {
            return;
        }
        let keys = Array::of(Kind::Int, single.into_iter().copied().map(Cell::Int));
        let lock = format!("advisory_xact_lock(key # {SPACE})");
        if past {
            let passed = "SELECT ROW(key) FROM unnest(?::bigint[]) AS key WHERE NOT pg_try_";
            reading.part(&format!("{passed}{lock}"), [keys], |row, state| {
                state.blocked.keys.keys.insert(row.i64()?);
                Ok(())
            });
        } else {
            let sql = format!("SELECT ROW(1) FROM unnest(?::bigint[]) AS key, pg_{lock}");
            reading.part(&sql, [keys], nothing);
        }
    }

    /// Whether one of them is locked by others.
    pub(crate) fn meet(&self, blocked: &BlockedKeys) -> bool {
        self.kinds.iter().any(|(kind, OfKind { keys, many })| {
            blocked.kinds.contains(kind)
                || (*many && blocked.whole_kinds.contains(kind))
                || keys.iter().any(|key| blocked.keys.contains(key))
        })
    }
}

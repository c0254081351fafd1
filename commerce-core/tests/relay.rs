//! The outbox is handed on: at least once, in order, to each subscriber on its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{
    error::Error as StdError,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use commerce_core::{
    Commerce, Error, Subscriber,
    inputs::SeededIds,
    store::{OutboxEntry, Purge},
    text::Label,
    time::Timestamp,
};
use pollster::block_on;
use support::{
    faults::{Fault, Shared},
    *,
};

/// Remembers what it saw, and refuses what it is told to.
#[derive(Debug, Clone)]
struct Diary {
    name: &'static str,
    seen: Arc<Mutex<Vec<OutboxEntry>>>,
    refuses: Arc<Mutex<Option<u64>>>,
}

impl Diary {
    fn new(name: &'static str) -> Self {
        Self { name, seen: Arc::default(), refuses: Arc::default() }
    }

    fn positions(&self) -> Vec<u64> {
        self.seen.lock().unwrap().iter().map(|entry| entry.position).collect()
    }
}

#[async_trait]
impl Subscriber for Diary {
    fn name(&self) -> Label {
        self.name.parse().unwrap()
    }

    async fn receive(&self, entry: &OutboxEntry) -> Result<(), Box<dyn StdError + Send + Sync>> {
        if *self.refuses.lock().unwrap() == Some(entry.position) {
            return Err("not now".into());
        }
        self.seen.lock().unwrap().push(entry.clone());
        Ok(())
    }
}

/// A shop in which something happened, and all of its outbox.
fn busy() -> (World, Shared, Vec<OutboxEntry>) {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let shirt = w.sell("SHIRT", 1999, 9);
    let order = w.buy(&[(shirt, 1)]);
    w.capture(order.id).unwrap();
    let entries = block_on(w.shop.store().outbox(0, usize::MAX)).unwrap();
    assert!(entries.len() > 6);
    (w, store, entries)
}

fn all_of(entries: &[OutboxEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.position).collect()
}

#[test]
fn every_subscriber_sees_every_event_in_order_at_its_own_pace() {
    let (w, _, entries) = busy();
    let [fast, slow] = [Diary::new("fast"), Diary::new("slow")];
    assert_eq!(block_on(w.shop.relay(&fast, 1_000)).unwrap().entries, entries.len());
    loop {
        let relayed = block_on(w.shop.relay(&slow, 2)).unwrap();
        assert!(relayed.entries <= 2);
        if relayed.entries == 0 {
            break;
        }
    }
    for diary in [&fast, &slow] {
        assert_eq!(*diary.seen.lock().unwrap(), entries);
    }
    assert_eq!(block_on(w.shop.relay(&fast, 10)).unwrap().entries, 0);
    w.location("Far", 1);
    assert_eq!(block_on(w.shop.relay(&fast, 10)).unwrap().entries, 1);
}

#[test]
fn what_a_subscriber_refuses_comes_again_and_nothing_overtakes_it() {
    let (w, _, entries) = busy();
    let diary = Diary::new("diary");
    *diary.refuses.lock().unwrap() = Some(entries[2].position);
    for _ in 0..2 {
        assert!(matches!(block_on(w.shop.relay(&diary, 100)), Err(Error::Internal(_))));
        assert_eq!(diary.positions(), all_of(&entries[..2]));
    }
    *diary.refuses.lock().unwrap() = None;
    block_on(w.shop.relay(&diary, 100)).unwrap();
    assert_eq!(diary.positions(), all_of(&entries));
}

#[test]
fn a_crash_between_receiving_and_noting_it_hands_over_again() {
    for fault in [Fault::Unavailable, Fault::LostBefore, Fault::LostAfter] {
        let (w, store, entries) = busy();
        let diary = Diary::new("diary");
        store.fail_once(fault);
        assert!(block_on(w.shop.relay(&diary, 3)).is_err());
        // The program begins anew: all that it knows is in the store.
        let again = Commerce::new(store, w.clock.clone(), SeededIds::new(9));
        while block_on(again.relay(&diary, 3)).unwrap().entries > 0 {}
        let mut seen = diary.positions();
        if fault != Fault::LostAfter {
            assert_eq!(seen[..3], seen[3..6], "once more");
        }
        seen.dedup_by_key(|position| *position);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, all_of(&entries), "{fault:?}");
    }
}

#[test]
fn two_relays_of_one_subscriber_lose_nothing() {
    let (w, store, entries) = busy();
    let diary = Diary::new("diary");
    let other = Commerce::new(store.sound(), w.clock.clone(), SeededIds::new(9));
    let same = diary.clone();
    store.before_next_commit(move || {
        block_on(other.relay(&same, 4)).unwrap();
    });
    assert!(matches!(block_on(w.shop.relay(&diary, 2)), Err(Error::Contention)));
    while block_on(w.shop.relay(&diary, 3)).unwrap().entries > 0 {}
    let mut seen = diary.positions();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, all_of(&entries));
}

#[test]
fn what_all_have_seen_can_be_forgotten() {
    let (w, _, entries) = busy();
    let diary = Diary::new("diary");
    let relayed = block_on(w.shop.relay(&diary, 4)).unwrap();
    let purge = Purge {
        outcomes_before: Timestamp::MIN,
        outbox_through: relayed.position,
        carts_before: Timestamp::MIN,
    };
    assert_eq!(block_on(w.shop.purge(&purge)).unwrap(), 4);
    block_on(w.shop.relay(&diary, 100)).unwrap();
    assert_eq!(diary.positions(), all_of(&entries));
}

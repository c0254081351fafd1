//! The outbox is handed on: at least once, in order, to each subscriber on its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::{
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use commerce_core::{
    Commerce, Error, Subscriber,
    inputs::{SeededIds, SteppedClock},
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

/// Lets the lease of a relay that has died run out.
fn wait(w: &World) {
    w.clock.advance(Commerce::LEASE);
}

#[test]
fn a_crash_between_receiving_and_noting_it_hands_over_again() {
    for fault in [Fault::Unavailable, Fault::LostBefore, Fault::LostAfter] {
        let (w, store, entries) = busy();
        let diary = Diary::new("diary");
        // The first commit claims, the second notes.
        let mut faults = vec![Some(fault), None];
        store.roll(move || faults.pop().flatten());
        assert!(block_on(w.shop.relay(&diary, 3)).is_err());
        assert_eq!(diary.positions(), all_of(&entries[..3]));
        // The program begins anew: all that it knows is in the store.
        let again = Commerce::new(store, w.clock.clone(), SeededIds::new(9));
        if fault != Fault::LostAfter {
            assert_eq!(block_on(again.relay(&diary, 3)).unwrap().entries, 0, "it is not over");
        }
        wait(&w);
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
fn a_crash_while_claiming_hands_nothing_over() {
    for fault in [Fault::Unavailable, Fault::LostBefore, Fault::LostAfter, Fault::Conflict] {
        let (w, store, entries) = busy();
        let diary = Diary::new("diary");
        store.fail_once(fault);
        let claimed = block_on(w.shop.relay(&diary, 3));
        assert_eq!(claimed.is_ok(), fault == Fault::Conflict, "somebody else has it");
        assert!(diary.positions().is_empty());
        wait(&w);
        while block_on(w.shop.relay(&diary, 3)).unwrap().entries > 0 {}
        assert_eq!(diary.positions(), all_of(&entries), "{fault:?}");
    }
}

/// Lets another server do something while the first one hands over an entry.
struct Slow<'a, F: Fn() + Send + Sync> {
    diary: &'a Diary,
    meanwhile: F,
}

impl<F: Fn() + Send + Sync> fmt::Debug for Slow<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slow")
    }
}

#[async_trait]
impl<F: Fn() + Send + Sync> Subscriber for Slow<'_, F> {
    fn name(&self) -> Label {
        self.diary.name()
    }

    async fn receive(&self, entry: &OutboxEntry) -> Result<(), Box<dyn StdError + Send + Sync>> {
        (self.meanwhile)();
        self.diary.receive(entry).await
    }
}

#[test]
fn one_server_hands_over_at_a_time() {
    let (w, store, entries) = busy();
    let diary = Diary::new("diary");
    let other = Commerce::new(store.sound(), w.clock.clone(), SeededIds::new(9));
    // However long it takes: the lease is renewed between the entries.
    let meanwhile = || {
        assert_eq!(block_on(other.relay(&diary, 4)).unwrap().entries, 0);
        w.clock.advance(Commerce::LEASE * 2 / 3);
        assert_eq!(block_on(other.relay(&diary, 4)).unwrap().entries, 0);
    };
    let slow = Slow { diary: &diary, meanwhile };
    assert_eq!(block_on(w.shop.relay(&slow, 100)).unwrap().entries, entries.len());
    assert_eq!(diary.positions(), all_of(&entries));
    // Given back, and not only run out.
    w.location("Far", 1);
    assert_eq!(block_on(other.relay(&diary, 10)).unwrap().entries, 1);
}

#[test]
fn who_has_lost_the_lease_hands_over_no_more() {
    let (w, store, entries) = busy();
    let diary = Diary::new("diary");
    let other = Commerce::new(store.sound(), w.clock.clone(), SeededIds::new(9));
    let meanwhile = || {
        w.clock.advance(Commerce::LEASE);
        block_on(other.relay(&diary, 1)).unwrap();
    };
    let stuck = Slow { diary: &diary, meanwhile };
    let lost = block_on(w.shop.relay(&stuck, 100));
    assert!(matches!(lost, Err(Error::Contention)), "{lost:?}");
    // The one that it was at came twice; none is left out, and none that was noted came again.
    assert_eq!(diary.positions(), [entries[0].position, entries[0].position]);
    while block_on(other.relay(&diary, 3)).unwrap().entries > 0 {}
    assert_eq!(diary.positions()[1..], all_of(&entries));
}

#[test]
fn servers_whose_clocks_differ_as_much_as_they_may_hand_over_one_at_a_time() {
    let most = Commerce::CLOCKS_DIFFER_MAX;
    // As long as it may take, and a bit longer.
    let longest = Commerce::LEASE / 2 - most - Duration::from_millis(1);
    assert!(longest > Commerce::LEASE / 4, "as subscribers are told");
    let ahead = [[most, Duration::ZERO], [Duration::ZERO, most]];
    // Whatever is left of the lease when the longest begin.
    let first = (0..).map(|n| n * Duration::from_millis(100)).take_while(|took| *took < longest);
    for (first, [here, there]) in first.flat_map(|first| ahead.map(|ahead| (first, ahead))) {
        let (w, store, entries) = busy();
        let diary = Diary::new("diary");
        let [(one, one_clock), (other, other_clock)] = [here, there].map(|ahead| {
            let clock = Arc::new(SteppedClock::new(w.now()));
            clock.advance(ahead);
            (Commerce::new(store.sound(), clock.clone(), SeededIds::new(9)), clock)
        });
        let taking = Mutex::new(std::iter::once(first).chain(std::iter::repeat(longest)));
        let meanwhile = || {
            let took = taking.lock().unwrap().next().unwrap();
            one_clock.advance(took);
            other_clock.advance(took);
            assert_eq!(block_on(other.relay(&diary, 100)).unwrap().entries, 0, "after {first:?}");
        };
        let slow = Slow { diary: &diary, meanwhile };
        assert_eq!(block_on(one.relay(&slow, 100)).unwrap().entries, entries.len());
        assert_eq!(diary.positions(), all_of(&entries));
    }
}

#[test]
fn clocks_that_differ_keep_nobody_for_ever() {
    let (w, store, entries) = busy();
    let diary = Diary::new("diary");
    let [ahead, behind] = [1, 2].map(|seed| {
        let clock = Arc::new(SteppedClock::new(w.now()));
        (Commerce::new(store.sound(), clock.clone(), SeededIds::new(seed)), clock)
    });
    let name = diary.name();
    // By as much as they may: what one has, the other has not.
    ahead.1.advance(Commerce::CLOCKS_DIFFER_MAX);
    for (one, other) in [(&ahead.0, &behind.0), (&behind.0, &ahead.0)] {
        let lease = block_on(one.claim(&name)).unwrap().unwrap();
        assert!(block_on(other.claim(&name)).unwrap().is_none());
        block_on(one.release(lease)).unwrap();
    }
    // By a day: the one that is ahead dies, and the other goes on at once.
    ahead.1.advance(Duration::from_secs(86_400));
    let _dead = block_on(ahead.0.claim(&name)).unwrap().unwrap();
    assert_eq!(block_on(behind.0.relay(&diary, 100)).unwrap().entries, entries.len());
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
        webhooks_before: Timestamp::MIN,
    };
    assert_eq!(block_on(w.shop.purge(&purge)).unwrap(), 4);
    block_on(w.shop.relay(&diary, 100)).unwrap();
    assert_eq!(diary.positions(), all_of(&entries));
}

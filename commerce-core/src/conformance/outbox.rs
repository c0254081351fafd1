//! The outbox: what others are told, in the order in which it happened.

use std::task::{Context, Waker};

use super::{
    Bench,
    make::{Make, at, commit, eur, level},
};
use crate::{
    event::Event,
    id::LocationId,
    inventory::{LevelKey, LowStock, StockMove},
    order::CancelReason,
    payment::PaymentStatus,
    store::{Commit, OutboxEntry},
    text::OrderNumber,
    time::Timestamp,
};

fn told(make: &mut Make, events: usize) -> Commit {
    let mut commit = commit();
    for _ in 0..events {
        commit.event(Event::CartUpdated { cart_id: make.id() });
    }
    commit
}

pub(super) async fn rings_before_a_commit_is_answered(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 0).await;
    let mut held = commit();
    held.stock(make.stock_move(shelf.key(), 0, 1));
    for commit in [told(&mut make, 1), held] {
        let mut listener = t.store().bell().listen();
        t.commit(&commit).await;
        let mut rung = std::pin::pin!(listener.rung());
        let mut context = Context::from_waker(Waker::noop());
        assert!(rung.as_mut().poll(&mut context).is_ready(), "the bell is silent");
    }
}

fn positions(entries: &[OutboxEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.position).collect()
}

pub(super) async fn keeps_every_event(t: &Bench<'_>) {
    let mut make = Make::new();
    let number = || OrderNumber::new("261121-7K2MQ9XD").unwrap();
    let (order_id, cart_id) = (make.id(), make.id());
    let level = make.id();
    let events = vec![
        Event::ShopUpdated,
        Event::ProductCreated { product_id: make.id() },
        Event::ProductUpdated { product_id: make.id() },
        Event::ProductArchived { product_id: make.id() },
        Event::CategoryUpdated { category_id: make.id() },
        Event::StockChanged {
            variant_id: make.id(),
            location_id: level,
            on_hand: 9,
            held: 2,
            available: 7,
        },
        Event::StockLow { variant_id: make.id(), available: 1, threshold: 5 },
        Event::CartCreated { cart_id },
        Event::CartUpdated { cart_id },
        Event::CartCompleted { cart_id, order_id },
        Event::CartMerged { cart_id, into_cart_id: make.id() },
        Event::CartExpired { cart_id },
        Event::OrderPlaced {
            order_id,
            number: number(),
            cart_id,
            customer_id: Some(make.id()),
            total: eur(1_999),
        },
        Event::OrderPlaced {
            order_id,
            number: number(),
            cart_id,
            customer_id: None,
            total: eur(0),
        },
        Event::OrderPaid { order_id, number: number(), paid_total: eur(1_999) },
        Event::OrderRefunded { order_id, number: number(), refund_id: make.id(), amount: eur(5) },
        Event::OrderFulfilled {
            order_id,
            number: number(),
            fulfillment_id: make.id(),
            complete: true,
        },
        Event::OrderDelivered { order_id, number: number(), complete: false },
        Event::OrderPartiallyCancelled { order_id, number: number() },
        Event::OrderCancelled { order_id, number: number(), reason: CancelReason::Expired },
        Event::PaymentUpdated {
            payment_id: make.id(),
            order_id,
            status: PaymentStatus::RequiresAction,
        },
        Event::CustomerUpdated { customer_id: make.id() },
    ];
    let mut commit = commit();
    for event in &events {
        commit.event(event.clone());
    }
    t.commit(&commit).await;
    assert_eq!(t.events().await, events);
}

pub(super) async fn has_one_entry_for_each_commit_that_tells(t: &Bench<'_>) {
    let mut make = Make::new();
    let commits = [told(&mut make, 1), told(&mut make, 3), told(&mut make, 2)];
    for commit in &commits {
        t.commit(commit).await;
    }
    let entries = t.outbox().await;
    let found: Vec<_> = entries.iter().map(|entry| entry.events.as_slice()).collect();
    let expected: Vec<_> = commits.iter().map(Commit::events).collect();
    assert_eq!(found, expected);
}

pub(super) async fn has_no_entry_for_a_commit_that_tells_nothing(t: &Bench<'_>) {
    let mut make = Make::new();
    t.insert(make.cart()).await;
    t.commit(&commit()).await;
    assert_eq!(t.outbox().await, []);
}

pub(super) async fn has_no_entry_of_a_refused_commit(t: &Bench<'_>) {
    let mut make = Make::new();
    let cart = make.cart();
    t.insert(cart.clone()).await;
    let mut refused = told(&mut make, 2);
    refused.insert(cart);
    t.refused(&refused).await;
    assert_eq!(t.outbox().await, []);
    t.commit(&told(&mut make, 1)).await;
    assert_eq!(t.outbox().await.len(), 1);
}

pub(super) async fn has_the_time_of_the_operation(t: &Bench<'_>) {
    let times = [at(7), Timestamp::MAX, at(-1), Timestamp::MIN];
    for time in times {
        let mut commit = Commit::at(time);
        commit.event(Event::ShopUpdated);
        t.commit(&commit).await;
    }
    let entries = t.outbox().await;
    assert_eq!(entries.iter().map(|entry| entry.at).collect::<Vec<_>>(), times);
}

pub(super) async fn has_rising_places(t: &Bench<'_>) {
    let mut make = Make::new();
    for _ in 0..20 {
        t.commit(&told(&mut make, 1)).await;
    }
    let places = positions(&t.outbox().await);
    assert_eq!(places.len(), 20);
    assert!(places.is_sorted_by(|a, b| a < b), "places do not rise: {places:?}");
    assert!(places[0] > 0, "nothing comes after place 0 if there is an entry at it");
}

pub(super) async fn is_read_from_a_place_on(t: &Bench<'_>) {
    let mut make = Make::new();
    for _ in 0..10 {
        t.commit(&told(&mut make, 1)).await;
    }
    let all = t.outbox().await;
    for entry in 0..all.len() {
        let after = t.store().outbox(all[entry].position, 100).await.unwrap();
        assert_eq!(after, all[entry + 1..], "after {}", all[entry].position);
    }
    for beyond in [all[9].position + 1, i64::MAX.unsigned_abs(), u64::MAX] {
        assert_eq!(t.store().outbox(beyond, 100).await.unwrap(), []);
    }
}

pub(super) async fn gives_no_more_than_was_asked(t: &Bench<'_>) {
    let mut make = Make::new();
    for _ in 0..10 {
        t.commit(&told(&mut make, 2)).await;
    }
    let all = t.outbox().await;
    for limit in [1, 3, 10, 11] {
        let mut found = Vec::new();
        loop {
            let after = found.last().map_or(0, |entry: &OutboxEntry| entry.position);
            let more = t.store().outbox(after, limit).await.unwrap();
            assert!(more.len() <= limit, "more entries than were asked for");
            if more.is_empty() {
                break;
            }
            found.extend(more);
            assert!(found.len() <= all.len(), "reading on gives an entry twice");
        }
        assert_eq!(found, all, "{limit} at a time");
    }
}

pub(super) async fn tells_of_a_level_after_the_commit_s_own_events(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let key = shelf.key();
    let mut commit = told(&mut make, 1);
    commit.stock(make.stock_move(key, 5, 0));
    commit.stock(make.stock_move(key, 0, 2));
    t.commit(&commit).await;
    let mut expected = commit.events().to_vec();
    expected.push(changed(key, 5, 2));
    assert_eq!(t.events().await, expected, "one event for one level, as it is at the end");
}

fn changed(key: LevelKey, on_hand: i64, held: i64) -> Event {
    Event::StockChanged {
        variant_id: key.variant_id,
        location_id: key.location_id,
        on_hand,
        held,
        available: on_hand - held,
    }
}

pub(super) async fn tells_of_each_level_once(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let place = make.location();
    t.insert(place.clone()).await;
    let keys = [shelf.key(), level(shelf.variant.id, place.id)];
    let mut commit = commit();
    for _ in 0..3 {
        for key in keys {
            commit.stock(make.stock_move(key, 4, 1));
        }
    }
    t.commit(&commit).await;
    let events = t.events().await;
    assert_eq!(events.len(), 2, "{events:?}");
    for key in keys {
        assert!(events.contains(&changed(key, 12, 3)), "{events:?}");
    }
}

pub(super) async fn tells_nothing_of_a_level_that_is_as_before(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 2).await;
    let before = t.outbox().await;
    let mut commit = commit();
    commit.stock(make.stock_move(shelf.key(), 3, 1));
    commit.stock(make.stock_move(shelf.key(), -3, -1));
    t.commit(&commit).await;
    assert_eq!(t.outbox().await, before);
}

/// Moves a level by what is available, and counts how often that tells of low stock.
async fn lows(t: &Bench<'_>, change: StockMove, at: &[LocationId], threshold: i64) -> usize {
    let seen = t.outbox().await.last().map_or(0, |entry| entry.position);
    let variant_id = change.level.variant_id;
    let mut commit = commit();
    commit.stock(change);
    commit.watch(Some(LowStock { variant_id, threshold, locations: at.to_vec() }));
    t.commit(&commit).await;
    let mut available = 0;
    for location_id in at {
        available += t.level(level(variant_id, *location_id)).await.available();
    }
    let new = t.store().outbox(seen, 100).await.unwrap();
    let events = new.into_iter().flat_map(|entry| entry.events);
    let lows = events.filter(|event| matches!(event, Event::StockLow { .. }));
    let expected = Event::StockLow { variant_id, available, threshold };
    lows.inspect(|event| assert_eq!(*event, expected)).count()
}

pub(super) async fn tells_of_low_stock_once_at_the_threshold(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 10, 0).await;
    let key = shelf.key();
    // Available: 10, then after each move in turn, against a threshold of 5.
    for (held, told, left) in [
        (4, 0, 6),
        (1, 0, 5),
        (1, 1, 4),
        (1, 0, 3),
        (-1, 0, 4),
        (-1, 0, 5),
        (1, 1, 4),
        (-4, 0, 8),
        (8, 1, 0),
    ] {
        let change = make.stock_move(key, 0, held);
        assert_eq!(lows(t, change, &[key.location_id], 5).await, told, "with {left} left");
    }
}

pub(super) async fn tells_of_low_stock_over_all_places_that_count(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 4, 0).await;
    let (here, [there, closed]) = (shelf.key(), [make.location(), make.location()]);
    let variant_id = shelf.variant.id;
    for place in [&there, &closed] {
        t.insert(place.clone()).await;
        t.stock(make.stock_move(level(variant_id, place.id), 3, 0)).await;
    }
    let at = [here.location_id, there.id];
    // Available: 4 here, 3 there and 3 that do not count, against a threshold of 5.
    for (place, units, told, left) in [
        (here.location_id, -2, 0, 5),
        (closed.id, -3, 0, 5),
        (there.id, -1, 1, 4),
        (here.location_id, -1, 0, 3),
        (closed.id, 9, 0, 3),
        (here.location_id, 2, 0, 5),
        (there.id, -2, 1, 3),
    ] {
        let change = make.stock_move(level(variant_id, place), units, 0);
        assert_eq!(lows(t, change, &at, 5).await, told, "with {left} left");
    }
    // What only goes from one place to another makes nothing low.
    let mut moved = commit();
    moved.stock(make.stock_move(here, 5, 0));
    t.commit(&moved).await;
    let seen = t.outbox().await.len();
    let mut moved = commit();
    moved.stock(make.stock_move(here, -6, 0));
    moved.stock(make.stock_move(level(variant_id, there.id), 6, 0));
    moved.watch(Some(LowStock { variant_id, threshold: 5, locations: at.to_vec() }));
    t.commit(&moved).await;
    assert_eq!(t.outbox().await[seen].events.len(), 2);
}

pub(super) async fn tells_of_no_low_stock_without_a_threshold(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 2, 0).await;
    let key = shelf.key();
    assert_eq!(lows(t, make.stock_move(key, 0, 2), &[key.location_id], 0).await, 0);
}

//! A key makes asking again safe: one effect, and the first answer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::sync::Barrier;

use commerce_core::{
    Commerce, Error, PlacedView,
    access::Caller,
    cart::{AddLine, CreateCart},
    checkout::PlaceOrder,
    error::Rejection,
    order::OrderStatus,
    payment::CreateRefund,
    store::Purge,
    text::IdempotencyKey,
    time::Timestamp,
};
use pollster::block_on;
use serde::Serialize;
use support::{
    faults::{Fault, Shared},
    *,
};

fn bytes<T: Serialize>(answer: &T) -> String {
    serde_json::to_string(answer).unwrap()
}

/// A guest's cart that can be checked out, and its owner with a key.
fn filled(
    w: &World,
    variant: commerce_core::id::VariantId,
    text: &str,
) -> (Caller, commerce_core::id::CartId) {
    let (guest, cart) = w.guest();
    w.add(&guest, cart, variant, 1).unwrap();
    w.ready(&guest, cart);
    (guest.with_key(key(text)), cart)
}

#[test]
fn a_replay_is_the_first_answer_byte_for_byte_whatever_became_of_the_order() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (keyed, cart) = filled(&w, shirt, "k");
    let first = w.place(&keyed, cart).unwrap();
    let id = first.order.id;
    w.capture(id).unwrap();
    w.fulfill_all(id).unwrap();
    w.refund(id, &CreateRefund::default()).unwrap();
    let again = w.place(&keyed, cart).unwrap();
    assert!(again.replayed && !first.replayed);
    assert_eq!(bytes(&again.output), bytes(&first.output));
    assert_eq!(w.seen(id).status, OrderStatus::Refunded);
}

#[test]
fn a_key_is_its_owners_alone() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (ada, cart) = filled(&w, shirt, "k");
    let (eve, other) = filled(&w, shirt, "k");
    let first = w.place(&ada, cart).unwrap();
    assert_eq!(refused(w.place(&eve, cart)), Rejection::NotFound { what: "cart" });
    let second = w.place(&eve, other).unwrap();
    assert!(!second.replayed);
    assert_ne!(second.order.id, first.order.id);
    assert_eq!(w.stock(shirt), (5, 2, 3));
}

#[test]
fn another_request_under_the_same_key_is_refused() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (keyed, cart) = filled(&w, shirt, "k");
    w.place(&keyed, cart).unwrap();
    let other = PlaceOrder { expected_total: Some(eur(1)), ..PlaceOrder::default() };
    let place = block_on(w.shop.place_order(&keyed, cart, &other));
    assert_eq!(refused(place), Rejection::KeyReused);
    let (guest, next) = w.guest();
    let once = guest.with_key(key("add"));
    w.add(&once, next, shirt, 1).unwrap();
    assert_eq!(refused(w.add(&once, next, shirt, 2)), Rejection::KeyReused);
    assert_eq!(w.add(&once, next, shirt, 1).unwrap().lines[0].quantity.get(), 1);
}

#[test]
fn a_refusal_is_not_remembered() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 0);
    let (guest, cart) = w.guest();
    let keyed = guest.with_key(key("k"));
    assert_eq!(short(w.add(&keyed, cart, shirt, 1)), (1, 0));
    w.set_stock(shirt, 1, None);
    assert_eq!(w.add(&keyed, cart, shirt, 1).unwrap().lines.len(), 1);
}

#[test]
fn nobody_known_needs_a_key_that_nobody_guesses() {
    let w = World::new();
    let make = |text: &str| {
        let caller = Caller::anonymous().with_key(IdempotencyKey::new(text).unwrap());
        block_on(w.shop.create_cart(&caller, &CreateCart::default()))
    };
    assert_eq!(invalid(make(&"k".repeat(15))), ["/headers/Idempotency-Key"]);
    let first = make(&"k".repeat(16)).unwrap();
    let again = make(&"k".repeat(16)).unwrap();
    assert!(again.replayed);
    assert_eq!(bytes(&again.output), bytes(&first.output), "the secret too");
    assert_ne!(make(&"l".repeat(16)).unwrap().token, first.token);
}

#[test]
fn a_key_that_was_forgotten_never_permits_a_second_order() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (keyed, cart) = filled(&w, shirt, "k");
    w.place(&keyed, cart).unwrap();
    w.days(2);
    let forget = Purge {
        outcomes_before: w.now(),
        outbox_through: 0,
        carts_before: w.now(),
        webhooks_before: w.now(),
    };
    block_on(w.shop.purge(&forget)).unwrap();
    assert!(w.place(&keyed, cart).is_err());
    assert_eq!(w.stock(shirt), (5, 1, 4));
}

#[test]
fn a_key_is_kept_for_a_day_whatever_is_to_be_forgotten() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (keyed, cart) = filled(&w, shirt, "k");
    let placed = w.place(&keyed, cart).unwrap().output;
    let all = Purge {
        outcomes_before: Timestamp::MAX,
        outbox_through: 0,
        carts_before: w.now(),
        webhooks_before: w.now(),
    };
    let purge = || block_on(w.shop.purge(&all)).unwrap();
    w.days(1);
    assert_eq!(purge(), 0);
    assert_eq!(w.place(&keyed, cart).unwrap().output, placed);
    w.clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(purge(), 1);
    assert!(w.place(&keyed, cart).is_err());
}

/// What several threads are answered that ask for the same at once.
fn at_once<T: Send>(threads: usize, ask: impl Fn() -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let run = |_| {
            scope.spawn(|| {
                barrier.wait();
                ask()
            })
        };
        let running: Vec<_> = (0..threads).map(run).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn equal_requests_at_once_have_one_effect_and_one_answer() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 50);
    for round in 0..10 {
        let (keyed, cart) = filled(&w, shirt, "k");
        let answers = at_once(4, || w.place(&keyed, cart).unwrap());
        assert_eq!(answers.iter().filter(|done| !done.replayed).count(), 1);
        assert!(answers.iter().all(|done| bytes(&done.output) == bytes(&answers[0].output)));
        assert_eq!(w.stock(shirt), (50, round + 1, 49 - round));
    }
    let keyed = w.system.clone().with_key(key("once"));
    let change = adjustment(-1, None);
    let adjust = || block_on(w.shop.adjust_stock(&keyed, shirt, &change)).unwrap();
    let answers = at_once(8, adjust);
    assert_eq!(answers.iter().filter(|done| !done.replayed).count(), 1);
    assert!(answers.iter().all(|done| done.output == answers[0].output));
    assert_eq!(w.stock(shirt).0, 49);
}

#[test]
fn an_equal_request_that_was_faster_is_replayed() {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let shirt = w.sell("SHIRT", 1999, 5);
    let (keyed, cart) = filled(&w, shirt, "k");
    let other =
        Commerce::new(store.sound(), w.clock.clone(), commerce_core::inputs::SeededIds::new(2));
    let same = keyed.clone();
    store.before_next_commit(move || {
        block_on(other.place_order(&same, cart, &PlaceOrder::default())).unwrap();
    });
    let placed = w.place(&keyed, cart).unwrap();
    assert!(placed.replayed);
    assert_eq!(w.stock(shirt), (5, 1, 4));
}

#[test]
fn a_key_resolves_a_commit_whose_outcome_is_unknown() {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let shirt = w.sell("SHIRT", 1999, 9);
    let unknown = |result: Result<_, Error>| {
        let result: Result<commerce_core::Done<PlacedView>, Error> = result;
        assert!(matches!(result, Err(Error::OutcomeUnknown(_))), "{result:?}");
    };
    let (keyed, cart) = filled(&w, shirt, "k");
    store.fail_once(Fault::LostBefore);
    unknown(w.place(&keyed, cart));
    assert!(!w.place(&keyed, cart).unwrap().replayed);

    let (keyed, cart) = filled(&w, shirt, "k");
    store.fail_once(Fault::LostAfter);
    let placed = w.place(&keyed, cart).unwrap();
    assert!(placed.replayed, "the answer was found under the key");
    assert_eq!(w.place(&keyed, cart).unwrap().output, placed.output);

    let (keyed, cart) = filled(&w, shirt, "k");
    let unkeyed = Caller { key: None, ..keyed };
    store.fail_once(Fault::LostAfter);
    unknown(w.place(&unkeyed, cart));
    assert_eq!(refused(w.place(&unkeyed, cart)), Rejection::CartClosed);
    assert_eq!(w.stock(shirt), (9, 3, 6));
}

#[test]
fn a_store_that_is_away_is_told_from_one_that_is_busy() {
    let store = Shared::new();
    let w = World::over(store.clone(), 1);
    let shirt = w.sell("SHIRT", 1999, 9);
    let (guest, cart) = w.guest();
    store.fail_once(Fault::Unavailable);
    let away = w.add(&guest, cart, shirt, 1).unwrap_err();
    assert!(matches!(away, Error::Unavailable(_)) && away.is_retryable());
    store.roll(|| Some(Fault::Conflict));
    let busy = w.add(&guest, cart, shirt, 1).unwrap_err();
    assert!(matches!(busy, Error::Contention) && busy.is_retryable());
    let mut conflicts = Commerce::ATTEMPTS_MAX - 1;
    store.roll(move || {
        conflicts = conflicts.saturating_sub(1);
        (conflicts > 0).then_some(Fault::Conflict)
    });
    w.add(&guest, cart, shirt, 1).unwrap();
    let line = AddLine::new(shirt, 8).unwrap();
    assert_eq!(
        block_on(w.shop.add_line(&guest, cart, &line, None)).unwrap().lines[0].quantity.get(),
        9
    );
}

#[test]
fn the_secret_of_a_token_is_in_no_remembered_answer() {
    let w = World::new();
    let keyed = w.system.clone().with_key(key("token"));
    let label = "Office".parse().unwrap();
    let make = || {
        let scope = commerce_core::access::Scope::Admin;
        block_on(w.shop.create_token(&keyed, &label, scope)).unwrap()
    };
    let (first, second) = (make(), make());
    assert!(!second.replayed);
    assert_ne!(first.token, second.token);
}

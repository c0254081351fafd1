//! Outcomes: what was answered under a key is answered again.

use super::{
    Bench,
    make::{Make, at, commit, outcome, outcome_key},
};
use crate::{
    secret::Digest,
    store::{Commit, CommitError, Outcome},
    text::IdempotencyKey,
    time::Timestamp,
};

fn remembering(outcome: &Outcome) -> Commit {
    let mut commit = commit();
    commit.remember(outcome.clone());
    commit
}

async fn found(t: &Bench<'_>, scope: &str, key: &str) -> Option<Outcome> {
    t.store().outcome(&outcome_key(scope, key)).await.unwrap()
}

pub(super) async fn are_kept_byte_for_byte(t: &Bench<'_>) {
    // Spaces, the order of names, repeated names, numbers and escapes are not the store's business.
    let bodies = [
        "{ \"b\" : 1.0,\n\"a\":1e2, \"a\": \"\\u00e4ä😀\" }",
        "null",
        "\"\"",
        "18446744073709551615",
        &format!("[{}0]", "0,".repeat(500_000)),
    ];
    for (place, body) in bodies.into_iter().enumerate() {
        let outcome = Outcome { at: Timestamp::MAX, ..outcome("scope", &format!("{place}"), body) };
        t.commit(&remembering(&outcome)).await;
        let found = found(t, "scope", &format!("{place}")).await;
        assert_eq!(found.expect("the outcome was committed"), outcome);
    }
}

pub(super) async fn are_found_by_scope_and_key(t: &Bench<'_>) {
    let all = [
        ("a", "1"),
        ("a", "2"),
        ("b", "1"),
        ("", "1"),
        ("a1", "1"),
        ("A", "1"),
        ("a", "k"),
        ("a", "K"),
    ];
    for (scope, key) in all {
        let body = format!("\"{scope} {key}\"");
        t.commit(&remembering(&outcome(scope, key, &body))).await;
    }
    for (scope, key) in all {
        let found = found(t, scope, key).await.expect("each key has its own outcome");
        assert_eq!(found, outcome(scope, key, &format!("\"{scope} {key}\"")));
    }
    for (scope, key) in [("b", "2"), ("a", "11"), ("a ", "1"), ("", "a1")] {
        assert_eq!(found(t, scope, key).await, None, "{scope:?} {key:?} was never used");
    }
}

pub(super) async fn keys_at_their_longest(t: &Bench<'_>) {
    let all: String = (' '..='~').collect();
    for key in [all.as_str(), &"~".repeat(255), " ", "%", "_", "'"] {
        let outcome = outcome(&"s".repeat(100), key, "1");
        assert!(IdempotencyKey::new(key).is_ok());
        t.commit(&remembering(&outcome)).await;
        let found = t.store().outcome(&outcome.key).await.unwrap();
        assert_eq!(found, Some(outcome));
    }
}

pub(super) async fn are_committed_with_everything_else(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 0).await;
    let cart = make.cart();
    let mut commit = remembering(&outcome("s", "k", "1"));
    commit.insert(cart.clone());
    commit.stock(make.stock_move(shelf.key(), 0, 1));
    t.commit(&commit).await;
    assert_eq!(found(t, "s", "k").await, Some(outcome("s", "k", "1")));
    t.has(&cart, 1).await;
    assert_eq!(t.counts(shelf.key()).await, (5, 1));
}

pub(super) async fn are_committed_alone(t: &Bench<'_>) {
    t.commit(&remembering(&outcome("s", "k", "1"))).await;
    assert_eq!(found(t, "s", "k").await, Some(outcome("s", "k", "1")));
    assert_eq!(t.outbox().await, []);
}

pub(super) async fn done_before_is_answered_and_not_done_again(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 0).await;
    let first = outcome("s", "k", "\"first\"");
    let mut commit = remembering(&first);
    commit.stock(make.stock_move(shelf.key(), 0, 1));
    t.commit(&commit).await;
    let before = t.outbox().await;
    // The same again, and another request under the same key: its owner compares the digests.
    let other = Outcome {
        fingerprint: Digest::of(b"other"),
        body: b"\"second\"".to_vec(),
        at: at(9),
        ..first.clone()
    };
    let mut different = remembering(&other);
    different.stock(make.stock_move(shelf.key(), 0, 2));
    for commit in [commit, different] {
        match t.refused(&commit).await {
            CommitError::AlreadyDone(found) => assert_eq!(*found, first),
            other => panic!("expected what was answered before, found {other:?}"),
        }
    }
    assert_eq!(found(t, "s", "k").await, Some(first));
    assert_eq!(t.counts(shelf.key()).await, (5, 1));
    assert_eq!(t.outbox().await, before);
}

pub(super) async fn of_others_stand_in_nobody_s_way(t: &Bench<'_>) {
    let mut make = Make::new();
    for scope in ["one", "two", "three"] {
        let cart = make.cart();
        let mut commit = remembering(&outcome(scope, "k", &format!("\"{scope}\"")));
        commit.insert(cart.clone());
        t.commit(&commit).await;
        t.has(&cart, 1).await;
    }
}

pub(super) async fn of_a_refused_commit_are_not_kept(t: &Bench<'_>) {
    let mut make = Make::new();
    let cart = make.cart();
    t.insert(cart.clone()).await;
    let mut refused = remembering(&outcome("s", "k", "\"refused\""));
    refused.insert(cart);
    t.refused(&refused).await;
    assert_eq!(found(t, "s", "k").await, None);
    t.commit(&remembering(&outcome("s", "k", "\"good\""))).await;
    assert_eq!(found(t, "s", "k").await, Some(outcome("s", "k", "\"good\"")));
}

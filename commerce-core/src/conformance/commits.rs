//! Commits: all or nothing, judged in one order.

use std::{
    pin::pin,
    task::{Context, Waker},
};

use super::{
    Bench,
    make::{Make, at, commit, label, outcome, outcome_key},
    read::{Kept, Shelf},
};
use crate::{
    cart::Cart,
    catalog::Product,
    event::Event,
    inventory::StockMove,
    order::Order,
    store::{Commit, CommitError, OutboxEntry, RecordKey},
    version::{Version, Versioned},
};

pub(super) async fn are_taken_by_a_store_that_is_ready(t: &Bench<'_>) {
    t.store().ready().await.unwrap();
    t.insert(Make::new().shop()).await;
    t.store().ready().await.unwrap();
}

pub(super) async fn are_there_for_whoever_opens_the_store_next(t: &Bench<'_>) {
    let mut make = Make::new();
    let (shop, location) = (make.full_shop(), make.location());
    let (above, category, gone) = (make.category(), make.category(), make.category());
    let other = make.product();
    let product = make.full_product([&above, &category], &other);
    let variant = make.variant(&product);
    let (customer, token, subscription) = (make.full_customer(), make.token(), make.subscription());
    let (cart, order, webhook) = (make.cart(), make.order(), make.full_webhook());
    let payment = make.full_payment(&order);
    let key = super::make::level(variant.id, location.id);
    let mut first = commit();
    first.insert(shop.clone());
    first.insert(location.clone());
    for category in [&above, &category, &gone] {
        first.insert(category.clone());
    }
    first.insert(other.clone());
    first.insert(product.clone());
    first.insert(variant.clone());
    first.insert(customer.clone());
    first.insert(token.clone());
    first.insert(subscription.clone());
    first.insert(webhook.clone());
    first.insert(cart.clone());
    first.insert(order.clone());
    first.insert(payment.clone());
    first.stock(make.stock_move(key, 5, 2));
    first.event(Event::ShopUpdated);
    first.remember(outcome("s", "k", "1"));
    t.commit(&first).await;
    let mut second = commit();
    let read = Versioned::new(Version::FIRST, cart.clone());
    let cart = Cart { updated_at: at(50), ..cart };
    second.replace(&read, cart.clone());
    second.remove(&Versioned::new(Version::FIRST, gone.clone()));
    second.stock(make.stock_move(key, -1, -1));
    t.commit(&second).await;
    let mut refused = commit();
    let never = make.cart();
    refused.insert(never.clone());
    refused.insert(order.clone());
    t.refused(&refused).await;

    let Some(opened) = t.reopened() else { return };
    let next = &t.with(&*opened);
    next.has(&shop, 1).await;
    next.has(&location, 1).await;
    next.has(&above, 1).await;
    next.has(&category, 1).await;
    next.has(&other, 1).await;
    next.has(&product, 1).await;
    next.has(&variant, 1).await;
    next.has(&customer, 1).await;
    next.has(&token, 1).await;
    next.has(&subscription, 1).await;
    next.has(&webhook, 1).await;
    next.has(&cart, 2).await;
    next.has(&order, 1).await;
    next.has(&payment, 1).await;
    assert!(gone.read(next).await.is_none(), "a record that was removed is there again");
    assert!(never.read(next).await.is_none(), "a record of a refused commit is there");
    assert_eq!(next.counts(key).await, (4, 1), "a level is another one");
    assert_eq!(next.ledger(variant.id, None).await.len(), 2, "the ledger has other rows");
    assert_eq!(next.due(at(1_000)).await, t.due(at(1_000)).await, "something else is due");
    let found = next.store().outcome(&outcome_key("s", "k")).await.unwrap();
    assert_eq!(found, Some(outcome("s", "k", "1")), "an outcome is not kept");
    let told = next.outbox().await;
    assert_eq!(told, t.outbox().await, "the outbox has other entries");
    // Whoever comes next goes on where this ended.
    let mut third = commit();
    third.event(Event::ShopUpdated);
    next.commit(&third).await;
    let after = told.last().map_or(0, |entry| entry.position);
    assert_eq!(next.store().outbox(after, 10).await.unwrap().len(), 1, "an event has no new place");
}

/// Some of everything, to be written by a commit that will be refused.
struct Ground {
    shelf: Shelf,
    cart: Cart,
    order: Order,
    outbox: Vec<OutboxEntry>,
}

impl Ground {
    async fn new(t: &Bench<'_>, make: &mut Make) -> Self {
        let shelf = t.stocked(make, 5, 1).await;
        let (cart, order) = (make.cart(), make.order());
        t.insert(cart.clone()).await;
        t.insert(order.clone()).await;
        let outbox = t.outbox().await;
        Self { shelf, cart, order, outbox }
    }

    /// A commit of some of everything, which holds.
    fn commit(&self, make: &mut Make) -> Commit {
        let mut commit = Commit::at(at(50));
        commit.insert(make.category());
        let read = Versioned::new(Version::FIRST, self.cart.clone());
        commit.replace(&read, Cart { updated_at: at(50), ..self.cart.clone() });
        commit.remove(&Versioned::new(Version::FIRST, self.order.clone()));
        commit.stock(make.stock_move(self.shelf.key(), -1, 1));
        commit.event(Event::ShopUpdated);
        commit.remember(outcome("s", "k", "1"));
        commit
    }

    /// Fails unless nothing of that commit was written.
    async fn is_untouched(&self, t: &Bench<'_>) {
        assert_eq!(t.store().categories().await.unwrap(), [], "a record was inserted");
        t.has(&self.cart, 1).await;
        t.has(&self.order, 1).await;
        assert_eq!(t.counts(self.shelf.key()).await, (5, 1), "a level was moved");
        assert_eq!(t.ledger(self.shelf.variant.id, None).await.len(), 1, "the ledger has a row");
        assert_eq!(t.outbox().await, self.outbox, "the outbox has an entry");
        let outcome = t.store().outcome(&outcome_key("s", "k")).await.unwrap();
        assert_eq!(outcome, None, "the outcome is kept");
        let due = t.due(at(1_000)).await;
        assert_eq!(due, [], "something became due");
    }
}

pub(super) async fn that_hold_are_applied_whole(t: &Bench<'_>) {
    let mut make = Make::new();
    let ground = Ground::new(t, &mut make).await;
    t.commit(&ground.commit(&mut make)).await;
    assert_eq!(t.store().categories().await.unwrap().len(), 1);
    t.has(&Cart { updated_at: at(50), ..ground.cart.clone() }, 2).await;
    assert!(ground.order.read(t).await.is_none());
    assert_eq!(t.counts(ground.shelf.key()).await, (4, 2));
    assert_eq!(t.ledger(ground.shelf.variant.id, None).await.len(), 2);
    assert_eq!(t.outbox().await.len(), ground.outbox.len() + 1);
    let found = t.store().outcome(&outcome_key("s", "k")).await.unwrap();
    assert_eq!(found, Some(outcome("s", "k", "1")));
}

pub(super) async fn with_a_conflict_write_nothing(t: &Bench<'_>) {
    let mut make = Make::new();
    let ground = Ground::new(t, &mut make).await;
    let product = &ground.shelf.product;
    let stale = Versioned::new(Version::new(2), product.clone());
    let (mut insert, mut require, mut replace, mut remove) = (
        ground.commit(&mut make),
        ground.commit(&mut make),
        ground.commit(&mut make),
        ground.commit(&mut make),
    );
    insert.insert(product.clone());
    require.require(&stale);
    replace.replace(&stale, Product { title: label("Other"), ..product.clone() });
    remove.remove(&stale);
    for commit in [insert, require, replace, remove] {
        let error = t.refused(&commit).await;
        assert!(matches!(error, CommitError::Conflict(RecordKey::Product(_))), "{error:?}");
        ground.is_untouched(t).await;
    }
}

pub(super) async fn with_a_taken_key_write_nothing(t: &Bench<'_>) {
    let mut make = Make::new();
    let ground = Ground::new(t, &mut make).await;
    let mut commit = ground.commit(&mut make);
    commit.insert(Product { slug: ground.shelf.product.slug.clone(), ..make.product() });
    let error = t.refused(&commit).await;
    assert!(matches!(error, CommitError::Taken(_)), "{error:?}");
    ground.is_untouched(t).await;
}

pub(super) async fn with_a_short_level_write_nothing(t: &Bench<'_>) {
    let mut make = Make::new();
    let ground = Ground::new(t, &mut make).await;
    let variant = make.variant(&ground.shelf.product);
    t.insert(variant.clone()).await;
    let mut commit = ground.commit(&mut make);
    let key = super::make::level(variant.id, ground.shelf.location.id);
    commit.stock(make.stock_move(key, 0, 1));
    let error = t.refused(&commit).await;
    assert!(matches!(error, CommitError::Short(_)), "{error:?}");
    ground.is_untouched(t).await;
}

pub(super) async fn with_a_moved_level_write_nothing(t: &Bench<'_>) {
    let mut make = Make::new();
    let ground = Ground::new(t, &mut make).await;
    let variant = make.variant(&ground.shelf.product);
    t.insert(variant.clone()).await;
    let mut commit = ground.commit(&mut make);
    let key = super::make::level(variant.id, ground.shelf.location.id);
    let change = make.stock_move(key, 1, 0);
    commit.stock(StockMove { expected_on_hand: Some(7), ..change });
    let error = t.refused(&commit).await;
    assert!(matches!(error, CommitError::Conflict(RecordKey::Variant(_))), "{error:?}");
    ground.is_untouched(t).await;
}

pub(super) async fn that_are_malformed_write_nothing(t: &Bench<'_>) {
    let mut make = Make::new();
    let ground = Ground::new(t, &mut make).await;
    let mut commit = ground.commit(&mut make);
    commit.require(&Versioned::new(Version::FIRST, ground.cart.clone()));
    let error = t.refused(&commit).await;
    assert!(matches!(error, CommitError::Malformed(_)), "{error:?}");
    ground.is_untouched(t).await;
}

pub(super) async fn that_were_refused_can_be_decided_again(t: &Bench<'_>) {
    let mut make = Make::new();
    let ground = Ground::new(t, &mut make).await;
    let mut refused = ground.commit(&mut make);
    refused.insert(ground.shelf.product.clone());
    t.refused(&refused).await;
    t.commit(&ground.commit(&mut make)).await;
    assert_eq!(t.counts(ground.shelf.key()).await, (4, 2));
}

pub(super) async fn done_before_say_so_before_anything_else(t: &Bench<'_>) {
    let mut make = Make::new();
    let ground = Ground::new(t, &mut make).await;
    let mut done = commit();
    done.remember(outcome("s", "k", "1"));
    t.commit(&done).await;
    let mut commit = ground.commit(&mut make);
    commit.insert(ground.shelf.product.clone());
    commit.insert(Product { slug: ground.shelf.product.slug.clone(), ..make.product() });
    commit.stock(make.stock_move(ground.shelf.key(), 0, 100));
    let error = t.refused(&commit).await;
    assert!(matches!(error, CommitError::AlreadyDone(_)), "{error:?}");
}

pub(super) async fn in_conflict_say_so_before_a_taken_key(t: &Bench<'_>) {
    let mut make = Make::new();
    let ground = Ground::new(t, &mut make).await;
    let mut commit = commit();
    commit.insert(Product { slug: ground.shelf.product.slug.clone(), ..make.product() });
    commit.stock(make.stock_move(ground.shelf.key(), 0, 100));
    commit.require(&Versioned::new(Version::new(2), ground.cart.clone()));
    let error = t.refused(&commit).await;
    assert!(matches!(error, CommitError::Conflict(RecordKey::Cart(_))), "{error:?}");
}

pub(super) async fn of_a_taken_key_say_so_before_a_short_level(t: &Bench<'_>) {
    let mut make = Make::new();
    let ground = Ground::new(t, &mut make).await;
    let mut commit = commit();
    commit.stock(make.stock_move(ground.shelf.key(), 0, 100));
    commit.insert(Product { slug: ground.shelf.product.slug.clone(), ..make.product() });
    let error = t.refused(&commit).await;
    assert!(matches!(error, CommitError::Taken(_)), "{error:?}");
}

pub(super) async fn that_are_malformed_say_so_first(t: &Bench<'_>) {
    let mut make = Make::new();
    let cart = make.cart();
    let mut done = commit();
    done.remember(outcome("s", "k", "1"));
    t.commit(&done).await;
    let mut commit = done;
    commit.insert(cart.clone());
    commit.require(&Versioned::new(Version::FIRST, cart));
    let error = t.refused(&commit).await;
    assert!(matches!(error, CommitError::Malformed(_)), "{error:?}");
}

pub(super) async fn write_each_record_once_at_most(t: &Bench<'_>) {
    let mut make = Make::new();
    let cart = make.cart();
    t.insert(cart.clone()).await;
    let read = Versioned::new(Version::FIRST, cart.clone());
    let write = |commit: &mut Commit, which| match which {
        0 => {
            commit.insert(cart.clone());
        }
        1 => {
            commit.replace(&read, Cart { updated_at: at(1), ..cart.clone() });
        }
        2 => commit.require(&read),
        _ => commit.remove(&read),
    };
    for (first, second) in (0..4).flat_map(|first| (0..4).map(move |second| (first, second))) {
        let mut commit = commit();
        write(&mut commit, first);
        write(&mut commit, second);
        let error = t.refused(&commit).await;
        assert!(matches!(error, CommitError::Malformed(_)), "{error:?}");
    }
    t.has(&cart, 1).await;
}

pub(super) async fn replace_a_record_by_itself_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let (cart, other) = (make.cart(), make.cart());
    t.insert(cart.clone()).await;
    t.insert(other.clone()).await;
    let mut commit = commit();
    commit.replace(
        &Versioned::new(Version::FIRST, cart.clone()),
        Cart { updated_at: at(1), ..other.clone() },
    );
    let error = t.refused(&commit).await;
    assert!(matches!(error, CommitError::Malformed(_)), "{error:?}");
    t.has(&cart, 1).await;
    t.has(&other, 1).await;
}

pub(super) async fn have_so_many_writes_and_no_more(t: &Bench<'_>) {
    let mut make = Make::new();
    let tokens: Vec<_> = (0..=Commit::WRITES_MAX).map(|_| make.token()).collect();
    let mut commit = commit();
    for token in &tokens {
        commit.insert(token.clone());
    }
    let error = t.refused(&commit).await;
    assert!(matches!(error, CommitError::Malformed(_)), "{error:?}");
    assert!(tokens[0].read(t).await.is_none());
    let mut commit = super::make::commit();
    for token in &tokens[1..] {
        commit.insert(token.clone());
    }
    t.commit(&commit).await;
    t.has(&tokens[1], 1).await;
    t.has(&tokens[Commit::WRITES_MAX], 1).await;
}

pub(super) async fn have_so_many_moves_and_no_more(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let mut commit = commit();
    for _ in 0..Commit::MOVES_MAX {
        commit.stock(make.stock_move(shelf.key(), 2, 1));
    }
    let mut more = commit.clone();
    more.stock(make.stock_move(shelf.key(), 2, 1));
    let error = t.refused(&more).await;
    assert!(matches!(error, CommitError::Malformed(_)), "{error:?}");
    assert_eq!(t.counts(shelf.key()).await, (0, 0));
    t.commit(&commit).await;
    assert_eq!(t.counts(shelf.key()).await, (40_000, 20_000));
}

pub(super) async fn given_up_halfway_happen_or_do_not(t: &Bench<'_>) {
    let mut make = Make::new();
    for polls in 0..4 {
        let order = make.order();
        let payments: Vec<_> = (0..50).map(|_| make.payment(&order)).collect();
        let key = format!("{polls}");
        let mut commit = commit();
        commit.remember(outcome("s", &key, "1"));
        commit.insert(order.clone());
        for payment in &payments {
            commit.insert(payment.clone());
        }
        {
            let mut future = pin!(t.store().commit(&commit));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                if future.as_mut().poll(&mut context).is_ready() {
                    break;
                }
            }
        }
        // A commit that comes after it, and one that is the same: whatever became of the first, the
        // two decide.
        t.insert(make.cart()).await;
        match t.store().commit(&commit).await {
            Ok(()) | Err(CommitError::AlreadyDone(_)) => {}
            Err(error) => panic!("a commit that was given up is half done: {error:?}"),
        }
        assert_eq!(t.order(order.id).await.payments.len(), payments.len());
        t.has(&order, 1).await;
    }
}

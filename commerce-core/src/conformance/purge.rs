//! Forgetting what has served its purpose, and nothing else.

use super::{
    Bench,
    make::{Make, at, commit, outcome},
};
use crate::{
    cart::{Cart, CartStatus},
    event::Event,
    order::Order,
    store::{Commit, Outcome, Purge, WebhookRef},
    time::Timestamp,
    webhook::Webhook,
};

const NOTHING: Purge = Purge {
    outcomes_before: Timestamp::MIN,
    outbox_through: 0,
    carts_before: Timestamp::MIN,
    webhooks_before: Timestamp::MIN,
};

async fn purged(t: &Bench<'_>, purge: Purge) -> u64 {
    t.store().purge(&purge).await.unwrap()
}

pub(super) async fn forgets_outcomes_before_a_time(t: &Bench<'_>) {
    for n in 0..5 {
        let outcome = Outcome { at: at(n), ..outcome("s", &n.to_string(), "1") };
        let mut commit = Commit::at(at(n));
        commit.remember(outcome);
        t.commit(&commit).await;
    }
    assert_eq!(purged(t, Purge { outcomes_before: at(0), ..NOTHING }).await, 0);
    assert_eq!(purged(t, Purge { outcomes_before: at(3), ..NOTHING }).await, 3);
    for n in 0..5 {
        let key = super::make::outcome_key("s", &n.to_string());
        let found = t.store().outcome(&key).await.unwrap();
        assert_eq!(found.is_some(), n >= 3, "the outcome of {n}");
    }
    let mut again = Commit::at(at(9));
    again.remember(outcome("s", "0", "2"));
    t.commit(&again).await;
}

pub(super) async fn forgets_the_outbox_through_a_place(t: &Bench<'_>) {
    for _ in 0..5 {
        let mut commit = commit();
        commit.event(Event::ShopUpdated);
        t.commit(&commit).await;
    }
    let all = t.outbox().await;
    assert_eq!(purged(t, NOTHING).await, 0);
    let through = Purge { outbox_through: all[2].position, ..NOTHING };
    assert_eq!(purged(t, through).await, 3);
    assert_eq!(t.outbox().await, all[3..]);
    assert_eq!(t.store().outbox(all[0].position, 100).await.unwrap(), all[3..]);
    assert_eq!(purged(t, through).await, 0);
}

pub(super) async fn never_gives_a_place_again(t: &Bench<'_>) {
    let mut told = commit();
    told.event(Event::ShopUpdated);
    for _ in 0..3 {
        t.commit(&told).await;
    }
    let last = t.outbox().await[2].position;
    assert_eq!(purged(t, Purge { outbox_through: u64::MAX, ..NOTHING }).await, 3);
    assert_eq!(t.outbox().await, []);
    t.commit(&told).await;
    let next = t.store().outbox(last, 10).await.unwrap();
    assert_eq!(next.len(), 1, "a subscriber that saw place {last} must see what comes later");
}

pub(super) async fn forgets_closed_carts_before_a_time(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let mut forgotten = Vec::new();
    let mut kept = Vec::new();
    for status in [CartStatus::Completed, CartStatus::Merged, CartStatus::Expired] {
        for (updated_at, list) in [(at(9), &mut forgotten), (at(10), &mut kept)] {
            let lines = vec![make.cart_line(shelf.variant.id, 1)];
            let cart = Cart { status, updated_at, lines, ..make.cart() };
            t.insert(cart.clone()).await;
            list.push(cart);
        }
    }
    let open = Cart { updated_at: at(0), ..make.cart() };
    t.insert(open.clone()).await;
    kept.push(open);
    assert_eq!(purged(t, Purge { carts_before: at(10), ..NOTHING }).await, 3);
    for cart in forgotten {
        assert_eq!(t.store().cart(cart.id).await.unwrap(), None, "{:?}", cart.status);
        let inputs = t.store().checkout_inputs(cart.id, &[]).await.unwrap();
        assert!(inputs.is_none());
    }
    for cart in kept {
        t.has(&cart, 1).await;
    }
}

pub(super) async fn leaves_a_cart_s_order_as_it_is(t: &Bench<'_>) {
    let mut make = Make::new();
    let order = make.order();
    let payment = make.payment(&order);
    let cart = Cart {
        id: order.cart_id,
        status: CartStatus::Completed,
        order_id: Some(order.id),
        ..make.cart()
    };
    t.insert(cart).await;
    t.insert(order.clone()).await;
    t.insert(payment.clone()).await;
    assert_eq!(purged(t, Purge { carts_before: Timestamp::MAX, ..NOTHING }).await, 1);
    t.has(&order, 1).await;
    t.has(&payment, 1).await;
    let mut again = commit();
    again.insert(Order { cart_id: order.cart_id, ..make.order() });
    t.refused(&again).await;
}

pub(super) async fn forgets_webhooks_that_are_done_with(t: &Bench<'_>) {
    let mut make = Make::new();
    let mut of = |due_at, updated_at| Webhook { due_at, updated_at, ..make.webhook() };
    let forgotten = [of(None, at(8)), of(None, at(9))];
    let kept = [of(None, at(10)), of(Some(at(0)), at(0)), of(Some(at(99)), at(9))];
    for webhook in forgotten.iter().chain(&kept) {
        t.insert(webhook.clone()).await;
    }
    assert_eq!(purged(t, NOTHING).await, 0);
    assert_eq!(purged(t, Purge { webhooks_before: at(10), ..NOTHING }).await, 2);
    for webhook in &kept {
        t.has(webhook, 1).await;
    }
    assert_eq!(purged(t, Purge { webhooks_before: Timestamp::MAX, ..NOTHING }).await, 1);
    for Webhook { gateway, event_id, .. } in forgotten {
        let event = WebhookRef::Event(gateway.clone(), event_id.clone());
        assert_eq!(t.store().webhook(&event).await.unwrap(), None);
        // Told once more, it is new.
        t.insert(Webhook { gateway, event_id, ..make.webhook() }).await;
    }
}

pub(super) async fn forgets_nothing_else(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 1).await;
    let (order, customer, token) = (make.order(), make.full_customer(), make.token());
    let (subscription, category) = (make.subscription(), make.category());
    let webhook = make.full_webhook();
    let mut commit = commit();
    commit.insert(order.clone());
    commit.insert(customer.clone());
    commit.insert(token.clone());
    commit.insert(subscription.clone());
    commit.insert(category.clone());
    commit.insert(webhook.clone());
    t.commit(&commit).await;
    let told = t.outbox().await.len();
    let all = Purge {
        outcomes_before: Timestamp::MAX,
        outbox_through: u64::MAX,
        carts_before: Timestamp::MAX,
        webhooks_before: Timestamp::MAX,
    };
    assert_eq!(purged(t, all).await, u64::try_from(told).unwrap());
    t.has(&shelf.location, 1).await;
    t.has(&shelf.product, 1).await;
    t.has(&shelf.variant, 1).await;
    t.has(&order, 1).await;
    t.has(&customer, 1).await;
    t.has(&token, 1).await;
    t.has(&subscription, 1).await;
    t.has(&category, 1).await;
    t.has(&webhook, 1).await;
    assert_eq!(t.counts(shelf.key()).await, (5, 1));
    assert_eq!(t.ledger(shelf.variant.id, None).await.len(), 1);
}

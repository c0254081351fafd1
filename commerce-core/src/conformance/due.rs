//! What is due.

use super::{
    Bench,
    make::{Make, at, closed},
};
use crate::{
    cart::{Cart, CartStatus, Origin},
    order::Order,
    payment::Payment,
    store::Due,
    time::Timestamp,
    webhook::Webhook,
};

pub(super) async fn are_orders_and_carts_whose_time_is_up(t: &Bench<'_>) {
    let mut make = Make::new();
    let cart = Cart { expires_at: at(100), ..make.cart() };
    let order = Order { expires_at: Some(at(200)), ..make.order() };
    t.insert(cart.clone()).await;
    t.insert(order.clone()).await;
    t.insert(make.order()).await;
    let (cart, order) = (Due::Cart(cart.id), Due::Order(order.id));
    assert_eq!(t.due(at(99)).await, [], "not before its time");
    assert_eq!(t.due(at(100)).await, [cart], "at its time, to the millisecond");
    assert_eq!(t.due(at(199)).await, [cart]);
    assert_eq!(t.due(at(200)).await, [cart, order]);
    assert_eq!(t.due(Timestamp::MAX).await, [cart, order]);
    assert_eq!(t.due(Timestamp::MIN).await, []);
}

pub(super) async fn come_the_longest_due_first(t: &Bench<'_>) {
    let mut make = Make::new();
    let mut expected = Vec::new();
    for n in [5, 2, 9, 0, 7, 1, 8, 3, 6, 4] {
        let time = at(n * 10);
        let due = if n % 2 == 0 {
            let cart = Cart { expires_at: time, ..make.cart() };
            t.insert(cart.clone()).await;
            Due::Cart(cart.id)
        } else {
            let order = Order { expires_at: Some(time), ..make.order() };
            t.insert(order.clone()).await;
            Due::Order(order.id)
        };
        expected.push((time, due));
    }
    expected.sort();
    let expected: Vec<_> = expected.into_iter().map(|(_, due)| due).collect();
    assert_eq!(t.due(at(1_000)).await, expected);
    for limit in [1, 2, 5, 9, 10, 11] {
        let found = t.store().due(at(1_000), limit).await.unwrap();
        assert_eq!(found, expected[..limit.min(10)], "at most {limit}");
    }
}

pub(super) async fn are_not_those_that_were_changed(t: &Bench<'_>) {
    let mut make = Make::new();
    let mut cart = Cart { expires_at: at(10), ..make.cart() };
    let mut order = Order { expires_at: Some(at(20)), ..make.order() };
    t.insert(cart.clone()).await;
    t.insert(order.clone()).await;
    assert_eq!(t.due(at(50)).await, [Due::Cart(cart.id), Due::Order(order.id)]);
    cart.expires_at = at(60);
    t.replace(&cart).await;
    assert_eq!(t.due(at(50)).await, [Due::Order(order.id)], "a touched cart lives longer");
    order.expires_at = None;
    t.replace(&order).await;
    assert_eq!(t.due(at(50)).await, [], "a paid order does not lapse");
    assert_eq!(t.due(at(60)).await, [Due::Cart(cart.id)]);
    order.expires_at = Some(at(5));
    t.replace(&order).await;
    assert_eq!(t.due(at(60)).await, [Due::Order(order.id), Due::Cart(cart.id)]);
}

pub(super) async fn are_not_closed_carts(t: &Bench<'_>) {
    let mut make = Make::new();
    for status in [CartStatus::Completed, CartStatus::Merged, CartStatus::Expired] {
        let cart = Cart { expires_at: at(10), ..make.cart() };
        t.insert(Cart { status, ..make.cart() }).await;
        t.insert(cart.clone()).await;
        assert_eq!(t.due(at(50)).await, [Due::Cart(cart.id)]);
        t.replace(&Cart { status, ..closed(&cart, make.id()) }).await;
        assert_eq!(t.due(at(50)).await, [], "{status:?}");
    }
    let draft = Cart { expires_at: at(10), origin: Origin::BackOffice, ..make.cart() };
    t.insert(draft.clone()).await;
    assert_eq!(t.due(at(50)).await, [Due::Cart(draft.id)], "a draft of the back office is a cart");
}

pub(super) async fn are_payments_and_webhooks_that_wait(t: &Bench<'_>) {
    let mut make = Make::new();
    let order = make.order();
    let payment = Payment { check_at: Some(at(100)), ..make.payment(&order) };
    let mut webhook = Webhook { due_at: Some(at(100)), ..make.full_webhook() };
    t.insert(order.clone()).await;
    t.insert(make.payment(&order)).await;
    t.insert(make.webhook()).await;
    t.insert(payment.clone()).await;
    t.insert(webhook.clone()).await;
    let [of_payment, of_webhook] = [Due::Payment(payment.id), Due::Webhook(webhook.id)];
    assert_eq!(t.due(at(99)).await, [], "not before their time");
    assert_eq!(t.due(at(100)).await, [of_payment, of_webhook]);
    assert_eq!(t.store().due(at(100), 1).await.unwrap(), [of_payment]);
    webhook.due_at = Some(at(50));
    t.replace(&webhook).await;
    assert_eq!(t.due(at(100)).await, [of_webhook, of_payment], "the longest due first");
    t.replace(&Payment { check_at: None, ..payment }).await;
    webhook.due_at = None;
    t.replace(&webhook).await;
    assert_eq!(t.due(Timestamp::MAX).await, [], "nothing is left to do");
}

pub(super) async fn are_not_removed_ones(t: &Bench<'_>) {
    let mut make = Make::new();
    let order = Order { expires_at: Some(at(20)), ..make.order() };
    let cart = Cart { expires_at: at(10), ..make.cart() };
    t.insert(order.clone()).await;
    t.insert(cart.clone()).await;
    let mut commit = super::make::commit();
    commit.remove(&t.read(&order).await);
    commit.remove(&t.read(&cart).await);
    t.commit(&commit).await;
    assert_eq!(t.due(Timestamp::MAX).await, []);
}

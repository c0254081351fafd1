//! Reads of orders and of their payments.

use super::{
    Bench,
    make::{Make, at, commit},
};
use crate::{
    order::Order,
    payment::{Payment, PaymentStatus},
    store::OrderRef,
};

pub(super) async fn are_found_by_id_and_number(t: &Bench<'_>) {
    let mut make = Make::new();
    let orders = [make.order(), make.order(), make.order()];
    for order in &orders {
        t.insert(order.clone()).await;
        t.insert(make.payment(order)).await;
    }
    for order in &orders {
        let by_id = t.order(order.id).await;
        let by_number = t.store().order(&OrderRef::Number(order.number.clone())).await.unwrap();
        let by_number = by_number.expect("an order is found by its number");
        assert_eq!(*by_id.order.value, *order);
        assert_eq!(by_id.order, by_number.order);
        assert_eq!((by_id.payments.len(), &by_id.payments), (1, &by_number.payments));
    }
}

pub(super) async fn have_their_payments_the_oldest_first(t: &Bench<'_>) {
    let mut make = Make::new();
    let (order, other) = (make.order(), make.order());
    let payments: Vec<_> = (0..10)
        .map(|n| Payment { created_at: at(n), updated_at: at(n), ..make.payment(&order) })
        .collect();
    let mut commit = commit();
    commit.insert(order.clone());
    commit.insert(other.clone());
    t.commit(&commit).await;
    for place in [3, 0, 9, 5, 1, 8, 2, 7, 4, 6] {
        t.insert(payments[place].clone()).await;
        t.insert(make.payment(&other)).await;
    }
    let found = t.order(order.id).await.payments;
    let found: Vec<_> = found.iter().map(|payment| payment.value.as_ref()).collect();
    assert_eq!(found, payments.iter().collect::<Vec<_>>());
}

pub(super) async fn have_each_payment_at_its_own_version(t: &Bench<'_>) {
    let mut make = Make::new();
    let order = make.order();
    let payments = [make.payment(&order), make.payment(&order)];
    t.insert(order.clone()).await;
    for payment in &payments {
        t.insert(payment.clone()).await;
    }
    t.replace(&Payment { status: PaymentStatus::Failed, ..payments[0].clone() }).await;
    let found = t.order(order.id).await;
    let versions: Vec<_> = found.payments.iter().map(|payment| payment.version.get()).collect();
    assert_eq!((found.order.version.get(), versions), (1, vec![2, 1]));
    assert_eq!(found.payments[0].status, PaymentStatus::Failed);
}

pub(super) async fn without_payments_are_found(t: &Bench<'_>) {
    let mut make = Make::new();
    let order = make.order();
    t.insert(order.clone()).await;
    assert!(t.order(order.id).await.payments.is_empty());
    let payment = make.payment(&order);
    t.insert(payment.clone()).await;
    let mut commit = commit();
    commit.remove(&t.read(&payment).await);
    t.commit(&commit).await;
    assert!(t.order(order.id).await.payments.is_empty(), "a payment that was removed");
}

pub(super) async fn outlive_what_they_were_placed_from(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let customer = make.full_customer();
    t.insert(customer.clone()).await;
    let order = make.full_order(&customer, &shelf.variant, &shelf.location);
    t.insert(order.clone()).await;
    let mut commit = commit();
    commit.remove(&t.read(&shelf.variant).await);
    commit.remove(&t.read(&shelf.product).await);
    commit.remove(&t.read(&customer).await);
    t.commit(&commit).await;
    t.has(&order, 1).await;
    let order = Order { updated_at: at(500), ..order };
    t.replace(&order).await;
    t.has(&order, 2).await;
}

//! Lists of payments.

use super::{
    Bench,
    make::{Make, at, commit},
    read::pages,
};
use crate::{
    payment::Payment,
    store::{PageRequest, PaymentItem, PaymentQuery},
    text::GatewayName,
    time::Timestamp,
};

fn card() -> GatewayName {
    GatewayName::new("card").unwrap()
}

fn all() -> PaymentQuery {
    PaymentQuery {
        gateway: card(),
        updated_from: Timestamp::MIN,
        created_before: Timestamp::MAX,
        page: PageRequest::first(1),
    }
}

/// Fails unless a query finds these payments, the longest unchanged first, in pages of every size.
async fn finds(t: &Bench<'_>, query: PaymentQuery, mut expected: Vec<&Payment>) {
    expected.sort_by_key(|payment| (payment.updated_at, payment.id));
    let item = |it: &&Payment| PaymentItem { id: it.id, order_id: it.order_id };
    let expected: Vec<_> = expected.iter().map(item).collect();
    for limit in [1, 2, 100] {
        let store = t.store();
        let found = pages(limit, |page| {
            let query = PaymentQuery { page, ..query.clone() };
            async move { store.payments(&query).await.unwrap() }
        });
        assert_eq!(found.await, expected, "with {query:?}, {limit} at a time");
    }
}

/// Payments of two orders, made and changed at such times.
async fn paid(t: &Bench<'_>, make: &mut Make, times: &[(i64, i64)]) -> Vec<Payment> {
    let orders = [make.order(), make.order()];
    let mut inserts = commit();
    let mut payments = Vec::new();
    for (n, (created, updated)) in times.iter().enumerate() {
        let payment = Payment {
            gateway: card(),
            created_at: at(*created),
            updated_at: at(*updated),
            ..make.payment(&orders[n % 2])
        };
        inserts.insert(payment.clone());
        payments.push(payment);
    }
    for order in orders {
        inserts.insert(order);
    }
    t.commit(&inserts).await;
    payments
}

pub(super) async fn come_by_the_time_of_their_last_change(t: &Bench<'_>) {
    let times = [(0, 5), (0, 1), (1, 3), (2, 3), (0, 3), (-9, -4)];
    let payments = paid(t, &mut Make::new(), &times).await;
    finds(t, all(), payments.iter().collect()).await;
    let changed = Payment { updated_at: at(9), ..payments[1].clone() };
    t.replace(&changed).await;
    let mut now: Vec<_> = payments.iter().filter(|it| it.id != changed.id).collect();
    now.push(&changed);
    finds(t, all(), now).await;
}

pub(super) async fn are_those_of_a_gateway_that_changed_in_a_period(t: &Bench<'_>) {
    let mut make = Make::new();
    let times = [(0, 10), (10, 20), (20, 30), (0, 30), (30, 40)];
    let payments = paid(t, &mut make, &times).await;
    let stranger = make.order();
    let by_hand = Payment { updated_at: at(20), ..make.payment(&stranger) };
    t.insert(stranger).await;
    t.insert(by_hand.clone()).await;
    let of = |updated_from, created_before| PaymentQuery { updated_from, created_before, ..all() };
    let some = |places: &[usize]| places.iter().map(|place| &payments[*place]).collect::<Vec<_>>();
    finds(t, of(at(20), at(30)), some(&[1, 2, 3])).await;
    finds(t, of(at(21), at(31)), some(&[2, 3, 4])).await;
    finds(t, of(at(10), at(1)), some(&[0, 3])).await;
    finds(t, of(at(41), Timestamp::MAX), Vec::new()).await;
    finds(t, of(Timestamp::MIN, at(0)), Vec::new()).await;
    let gateway = GatewayName::manual();
    finds(t, PaymentQuery { gateway, ..all() }, vec![&by_hand]).await;
}

//! Lists of orders.

use super::{
    Bench,
    make::{Make, at, commit, email},
    read::pages,
};
use crate::{
    order::{FulfillLine, Fulfillment, Order, OrderInputs, OrderStatus, PaymentTerms},
    payment::PaymentStatus,
    store::{OrderFilter, OrderQuery, PageRequest},
};

async fn listed(t: &Bench<'_>, filter: &OrderFilter, limit: usize) -> Vec<OrderInputs> {
    let store = t.store();
    pages(limit, |page| {
        let query = OrderQuery { filter: filter.clone(), page };
        async move { store.orders(&query).await.unwrap() }
    })
    .await
}

/// Fails unless a filter finds these orders, the newest first, in pages of every size.
async fn finds(t: &Bench<'_>, filter: OrderFilter, expected: &[&Order]) {
    let mut expected = expected.to_vec();
    expected.sort_by_key(|order| std::cmp::Reverse((order.placed_at, order.id)));
    let expected: Vec<_> = expected.iter().map(|order| order.id).collect();
    for limit in [1, 3, 100] {
        let found = listed(t, &filter, limit).await;
        let found: Vec<_> = found.iter().map(|inputs| inputs.order.id).collect();
        assert_eq!(found, expected, "with {filter:?}, {limit} at a time");
    }
}

async fn insert_all(t: &Bench<'_>, orders: &[Order]) {
    let mut commit = commit();
    for order in orders {
        commit.insert(order.clone());
    }
    t.commit(&commit).await;
}

fn any() -> OrderFilter {
    OrderFilter::default()
}

pub(super) async fn come_the_newest_first(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [5, 1, 3, 1, -4, 3, 3].map(|n| Order { placed_at: at(n), ..make.order() });
    insert_all(t, &all).await;
    finds(t, any(), &all.iter().collect::<Vec<_>>()).await;
}

pub(super) async fn filter_by_each_status(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let mut order = |paid, fulfilled, delivered: bool, change: &dyn Fn(Order) -> Order| {
        let line = make.order_line(&shelf.variant, 2);
        let sent = Fulfillment {
            id: make.id(),
            lines: vec![FulfillLine { line_id: line.id, quantity: super::make::units(1) }],
            tracking: None,
            fulfilled_at: at(1),
            delivered_at: delivered.then_some(at(2)),
        };
        let fulfillments = if fulfilled > 0 { vec![sent] } else { Vec::new() };
        let lines = vec![crate::order::OrderLine { fulfilled, ..line }];
        change(Order { payment_status: paid, lines, fulfillments, ..make.order() })
    };
    let same = |order| order;
    let on_delivery = |order| Order { terms: PaymentTerms::OnDelivery { days: 3 }, ..order };
    let set_aside = |order: Order| Order { authorized_total: order.total, ..order };
    let cancelled = |order| Order { cancelled_at: Some(at(3)), ..order };
    use PaymentStatus::{Authorized, Paid, PartiallyRefunded, Pending, Refunded, Voided};
    let all = [
        (OrderStatus::Pending, order(Pending, 0, false, &same)),
        (OrderStatus::Pending, order(Voided, 0, false, &same)),
        (OrderStatus::Confirmed, order(Paid, 0, false, &same)),
        (OrderStatus::Confirmed, order(Authorized, 0, false, &set_aside)),
        (OrderStatus::Confirmed, order(Pending, 0, false, &on_delivery)),
        (OrderStatus::Processing, order(Paid, 1, true, &same)),
        (OrderStatus::Shipped, order(PartiallyRefunded, 2, false, &same)),
        (OrderStatus::Delivered, order(Paid, 2, true, &same)),
        (OrderStatus::Cancelled, order(Voided, 0, false, &cancelled)),
        (OrderStatus::Cancelled, order(Refunded, 0, false, &cancelled)),
        (OrderStatus::Refunded, order(Refunded, 2, true, &same)),
    ];
    for (status, order) in &all {
        assert_eq!(order.status(), *status, "what the case is made of");
    }
    insert_all(t, &all.clone().map(|(_, order)| order)).await;
    for status in [
        OrderStatus::Pending,
        OrderStatus::Confirmed,
        OrderStatus::Processing,
        OrderStatus::Shipped,
        OrderStatus::Delivered,
        OrderStatus::Cancelled,
        OrderStatus::Refunded,
    ] {
        let expected: Vec<_> =
            all.iter().filter(|(is, _)| *is == status).map(|(_, order)| order).collect();
        finds(t, OrderFilter { status: Some(status), ..any() }, &expected).await;
    }
    let paid = Order { payment_status: Paid, ..all[0].1.clone() };
    t.replace(&paid).await;
    let pending = OrderFilter { status: Some(OrderStatus::Pending), ..any() };
    finds(t, pending, &[&all[1].1]).await;
}

pub(super) async fn filter_by_customer(t: &Bench<'_>) {
    let mut make = Make::new();
    let [ada, bob] = [make.customer(), make.customer()];
    t.insert(ada.clone()).await;
    t.insert(bob.clone()).await;
    let all = [Some(ada.id), Some(bob.id), None, Some(ada.id)]
        .map(|customer_id| Order { customer_id, ..make.order() });
    insert_all(t, &all).await;
    let of = |id| OrderFilter { customer_id: Some(id), ..any() };
    finds(t, of(ada.id), &[&all[0], &all[3]]).await;
    finds(t, of(bob.id), &[&all[1]]).await;
    finds(t, of(make.id()), &[]).await;
}

pub(super) async fn filter_by_email_without_regard_to_case(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [Some("ÄDA@Example.com"), Some("äda@example.COM"), Some("eda@example.com"), None]
        .map(|text| Order { email: text.map(email), ..make.order() });
    insert_all(t, &all).await;
    let of = |text| OrderFilter { email: Some(email(text)), ..any() };
    finds(t, of("Äda@example.com"), &[&all[0], &all[1]]).await;
    finds(t, of("EDA@example.com"), &[&all[2]]).await;
    finds(t, of("da@example.com"), &[]).await;
}

pub(super) async fn filter_by_the_time_they_were_placed(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [10, 20, 30].map(|n| Order { placed_at: at(n), ..make.order() });
    insert_all(t, &all).await;
    let from = |n| OrderFilter { placed_from: Some(at(n)), ..any() };
    let before = |n| OrderFilter { placed_before: Some(at(n)), ..any() };
    finds(t, from(20), &[&all[1], &all[2]]).await;
    finds(t, from(21), &[&all[2]]).await;
    finds(t, before(20), &[&all[0]]).await;
    finds(t, before(21), &[&all[0], &all[1]]).await;
    finds(t, OrderFilter { placed_before: Some(at(30)), ..from(10) }, &[&all[0], &all[1]]).await;
    finds(t, OrderFilter { placed_before: Some(at(20)), ..from(20) }, &[]).await;
}

pub(super) async fn filter_by_whether_a_person_must_look_at_them(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [PaymentStatus::Paid, PaymentStatus::NeedsReview, PaymentStatus::Pending]
        .map(|payment_status| Order { payment_status, ..make.order() });
    insert_all(t, &all).await;
    let needs = |review| OrderFilter { needs_review: Some(review), ..any() };
    finds(t, needs(true), &[&all[1]]).await;
    finds(t, needs(false), &[&all[0], &all[2]]).await;
    t.replace(&Order { payment_status: PaymentStatus::Voided, ..all[1].clone() }).await;
    finds(t, needs(true), &[]).await;
}

pub(super) async fn combine_all_filters(t: &Bench<'_>) {
    let mut make = Make::new();
    let customer = make.customer();
    t.insert(customer.clone()).await;
    let order = Order {
        customer_id: Some(customer.id),
        email: Some(email("a@b.co")),
        placed_at: at(10),
        payment_status: PaymentStatus::Paid,
        total: super::make::eur(5),
        lines: Vec::new(),
        ..make.order()
    };
    insert_all(t, &[order.clone(), make.order()]).await;
    let all = OrderFilter {
        status: Some(order.status()),
        customer_id: Some(customer.id),
        email: Some(email("A@B.co")),
        placed_from: Some(at(10)),
        placed_before: Some(at(11)),
        needs_review: Some(false),
    };
    finds(t, all.clone(), &[&order]).await;
    for but_one in [
        OrderFilter { status: Some(OrderStatus::Cancelled), ..all.clone() },
        OrderFilter { customer_id: Some(make.id()), ..all.clone() },
        OrderFilter { email: Some(email("c@b.co")), ..all.clone() },
        OrderFilter { placed_from: Some(at(11)), ..all.clone() },
        OrderFilter { placed_before: Some(at(10)), ..all.clone() },
        OrderFilter { needs_review: Some(true), ..all.clone() },
    ] {
        finds(t, but_one, &[]).await;
    }
}

pub(super) async fn have_each_order_whole(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let customer = make.customer();
    t.insert(customer.clone()).await;
    let full = make.full_order(&customer, &shelf.variant, &shelf.location);
    let bare = make.order();
    insert_all(t, &[full.clone(), bare.clone()]).await;
    let payments = [make.full_payment(&full), make.payment(&full), make.payment(&bare)];
    for payment in &payments {
        t.insert(payment.clone()).await;
    }
    t.replace(&crate::payment::Payment { failure: None, ..payments[0].clone() }).await;
    let found = listed(t, &any(), 100).await;
    assert_eq!(found.len(), 2);
    for item in found {
        let alone = t.order(item.order.id).await;
        assert_eq!(item.order, alone.order);
        assert_eq!(item.payments, alone.payments, "the payments of an order in a list");
    }
}

pub(super) async fn count_all_only_if_asked(t: &Bench<'_>) {
    let mut make = Make::new();
    let all: Vec<_> = (0..5).map(|n| Order { placed_at: at(n), ..make.order() }).collect();
    insert_all(t, &all).await;
    let filter = OrderFilter { placed_from: Some(at(1)), ..any() };
    for (total, expected) in [(false, None), (true, Some(4))] {
        let page = PageRequest { limit: 1, after: None, total };
        let query = OrderQuery { filter: filter.clone(), page };
        assert_eq!(t.store().orders(&query).await.unwrap().total, expected);
    }
}

//! Lists of customers.

use super::{
    Bench,
    make::{Make, at, commit, email, label},
    read::pages,
};
use crate::{
    customer::Customer,
    store::{CustomerQuery, PageRequest},
    version::Versioned,
};

async fn listed(t: &Bench<'_>, text: Option<&str>, limit: usize) -> Vec<Versioned<Customer>> {
    let store = t.store();
    pages(limit, |page| {
        let query = CustomerQuery { text: text.map(str::to_owned), page };
        async move { store.customers(&query).await.unwrap() }
    })
    .await
}

/// Fails unless a search finds these customers, the newest first, in pages of every size.
async fn finds(t: &Bench<'_>, text: Option<&str>, expected: &[&Customer]) {
    let mut expected = expected.to_vec();
    expected.sort_by_key(|customer| std::cmp::Reverse((customer.created_at, customer.id)));
    let expected: Vec<_> = expected.iter().map(|customer| customer.id).collect();
    for limit in [1, 3, 100] {
        let found = listed(t, text, limit).await;
        let found: Vec<_> = found.iter().map(|customer| customer.id).collect();
        assert_eq!(found, expected, "with {text:?}, {limit} at a time");
    }
}

async fn insert_all(t: &Bench<'_>, customers: &[Customer]) {
    let mut commit = commit();
    for customer in customers {
        commit.insert(customer.clone());
    }
    t.commit(&commit).await;
}

pub(super) async fn come_the_newest_first(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [5, 1, 3, 1, -4, 3, 3].map(|n| Customer { created_at: at(n), ..make.customer() });
    insert_all(t, &all).await;
    finds(t, None, &all.iter().collect::<Vec<_>>()).await;
    finds(t, Some("…"), &all.iter().collect::<Vec<_>>()).await;
}

pub(super) async fn find_those_who_have_every_word(t: &Bench<'_>) {
    let mut make = Make::new();
    let ada = Customer {
        name: Some(label("Ada King, Countess of Lovelace")),
        email: Some(email("Ada.Lovelace@Example.com")),
        created_at: at(3),
        ..make.customer()
    };
    let bo = Customer {
        name: Some(label("Bo ÄRMEL")),
        email: Some(email("king@example.org")),
        phone: Some(label("+44 20 7946")),
        created_at: at(2),
        ..make.customer()
    };
    let cy = Customer { external_id: Some(label("K-00417")), created_at: at(1), ..make.customer() };
    insert_all(t, &[ada.clone(), bo.clone(), cy.clone()]).await;
    for (text, expected) in [
        ("king", &[&ada, &bo][..]),
        ("KIN exam", &[&ada, &bo]),
        ("king lovelace", &[&ada]),
        ("ada.lovelace@example.com", &[&ada]),
        ("love ada ada", &[&ada]),
        ("ärm", &[&bo]),
        ("arm", &[]),
        ("794", &[&bo]),
        ("k 00417", &[&cy]),
        ("ing", &[]),
        ("king nobody", &[]),
        ("% _ * '", &[&ada, &bo, &cy]),
        ("k%", &[&ada, &bo, &cy]),
    ] {
        finds(t, Some(text), expected).await;
    }
}

pub(super) async fn find_by_what_they_have_now_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let before = Customer { name: Some(label("Old Name")), ..make.full_customer() };
    t.insert(before.clone()).await;
    let after = Customer { name: Some(label("New")), phone: None, ..before.clone() };
    t.replace(&after).await;
    finds(t, Some("new"), &[&after]).await;
    for former in ["old", "name", "44"] {
        finds(t, Some(former), &[]).await;
    }
    let stored = t.read(&after).await;
    let mut remove = commit();
    remove.remove(&stored);
    t.commit(&remove).await;
    finds(t, Some("new"), &[]).await;
    finds(t, None, &[]).await;
}

pub(super) async fn have_each_customer_whole(t: &Bench<'_>) {
    let mut make = Make::new();
    let all = [make.full_customer(), make.customer(), make.full_customer()];
    insert_all(t, &all).await;
    let changed = Customer { phone: None, ..all[2].clone() };
    t.replace(&changed).await;
    let found = listed(t, None, 2).await;
    assert_eq!(found.len(), 3);
    for customer in found {
        let alone = t.read(&*customer.value).await;
        assert_eq!(customer, alone);
    }
}

pub(super) async fn count_all_only_if_asked(t: &Bench<'_>) {
    let mut make = Make::new();
    insert_all(t, &[make.full_customer(), make.full_customer(), make.customer()]).await;
    for (text, total) in [(None, 3), (Some("ada"), 2)] {
        for wanted in [false, true] {
            let page = PageRequest { total: wanted, ..PageRequest::first(1) };
            let query = CustomerQuery { text: text.map(str::to_owned), page };
            let page = t.store().customers(&query).await.unwrap();
            assert_eq!(page.total, wanted.then_some(total));
        }
    }
}

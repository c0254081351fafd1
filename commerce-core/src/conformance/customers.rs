//! Reads of customers, tokens and subscriptions.

use super::{
    Bench,
    make::{Make, commit, email, label},
};
use crate::{
    access::ApiToken,
    customer::Customer,
    store::{ApiTokenRef, CustomerRef},
};

pub(super) async fn are_found_by_id_email_and_external_number(t: &Bench<'_>) {
    let mut make = Make::new();
    let customers = [make.full_customer(), make.customer(), make.full_customer()];
    for customer in &customers {
        t.insert(customer.clone()).await;
    }
    for customer in &customers {
        let mut refs = vec![CustomerRef::Id(customer.id)];
        refs.extend(customer.email.clone().map(CustomerRef::Email));
        refs.extend(customer.external_id.clone().map(CustomerRef::ExternalId));
        for by in refs {
            let found = t.store().customer(&by).await.unwrap();
            assert_eq!(found.as_ref().map(|found| &*found.value), Some(customer), "by {by:?}");
        }
    }
}

pub(super) async fn are_found_by_email_without_regard_to_case(t: &Bench<'_>) {
    let mut make = Make::new();
    let customer = Customer { email: Some(email("ÄDA.Lovelace@Example.COM")), ..make.customer() };
    t.insert(customer.clone()).await;
    for text in ["äda.lovelace@example.com", "ÄDA.LOVELACE@EXAMPLE.COM"] {
        let found = t.store().customer(&CustomerRef::Email(email(text))).await.unwrap();
        let found = found.expect("the address is the same");
        assert_eq!(*found.value, customer, "the address stays as it was written");
    }
    let other = CustomerRef::Email(email("ada.lovelace@example.com"));
    assert_eq!(t.store().customer(&other).await.unwrap(), None);
}

pub(super) async fn are_found_by_what_they_have_now_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let before = make.full_customer();
    t.insert(before.clone()).await;
    let after = Customer {
        email: Some(email("new@example.com")),
        external_id: Some(label("new")),
        ..before.clone()
    };
    t.replace(&after).await;
    for old in [
        CustomerRef::Email(before.email.unwrap()),
        CustomerRef::ExternalId(before.external_id.unwrap()),
    ] {
        assert_eq!(t.store().customer(&old).await.unwrap(), None, "by {old:?}");
    }
    for new in [CustomerRef::Email(email("NEW@example.com")), CustomerRef::ExternalId(label("new"))]
    {
        let found = t.store().customer(&new).await.unwrap();
        assert_eq!(found.map(|found| found.id), Some(after.id), "by {new:?}");
    }
}

pub(super) async fn tokens_are_found_by_digest_and_id_though_revoked(t: &Bench<'_>) {
    let mut make = Make::new();
    let tokens = [make.token(), make.token()];
    for token in &tokens {
        t.insert(token.clone()).await;
    }
    let revoked = ApiToken { revoked_at: Some(super::make::at(5)), ..tokens[0].clone() };
    t.replace(&revoked).await;
    t.has(&revoked, 2).await;
    t.has(&tokens[1], 1).await;
    let by_id = t.store().api_token(&ApiTokenRef::Id(revoked.id)).await.unwrap();
    assert_eq!(by_id.map(|found| (*found.value).clone()), Some(revoked));
    for nobody in [ApiTokenRef::Digest(make.digest()), ApiTokenRef::Id(make.id())] {
        assert_eq!(t.store().api_token(&nobody).await.unwrap(), None);
    }
}

pub(super) async fn subscriptions_are_found_by_name(t: &Bench<'_>) {
    let mut make = Make::new();
    let names = ["mail", "Mail", "mail ü", "%"];
    let mut commit = commit();
    for (place, name) in (1..).zip(names) {
        let name = label(name);
        commit.insert(crate::store::Subscription {
            position: place,
            ..crate::store::Subscription::new(name)
        });
    }
    t.commit(&commit).await;
    for (place, name) in (1..).zip(names) {
        let found = t.store().subscription(&label(name)).await.unwrap();
        assert_eq!(found.map(|found| found.position), Some(place), "{name}");
    }
    assert_eq!(t.store().subscription(&make.token().label).await.unwrap(), None);
}

//! Unique keys: at most one record has each.

use super::{
    Bench,
    make::{Make, closed, commit, email, label, sku, slug},
    read::Kept,
};
use crate::{
    access::ApiToken,
    cart::{Cart, Origin},
    catalog::{Category, Product, ProductStatus, Variant},
    customer::Customer,
    order::Order,
    store::{CommitError, CustomerRef, UniqueKey, VariantRef},
    text::OrderNumber,
    version::{Version, Versioned},
    webhook::Webhook,
};

/// Two records that want one key.
struct Rivals<T> {
    key: UniqueKey,
    /// Has the key.
    first: T,
    /// The same record, otherwise changed, which still has the key.
    still: T,
    /// The same record without the key.
    without: T,
    /// Another record that wants the key.
    second: T,
    /// That record without it.
    second_without: T,
}

async fn taken<T: Kept>(t: &Bench<'_>, rivals: &Rivals<T>, old: Option<&Versioned<T>>, new: &T) {
    let mut commit = commit();
    match old {
        None => commit.insert(new.clone()),
        Some(old) => commit.replace(old, new.clone()),
    };
    match t.refused(&commit).await {
        CommitError::Taken(key) if key == rivals.key => {}
        other => panic!("expected {:?} to be taken, found {other:?}", rivals.key),
    }
}

async fn replace<T: Kept>(t: &Bench<'_>, version: u64, old: &T, new: &T) {
    let mut commit = commit();
    commit.replace(&Versioned::new(Version::new(version), old.clone()), new.clone());
    t.commit(&commit).await;
    t.has(new, version + 1).await;
}

/// Takes a key, keeps it, gives it up by a change and by a removal; tries to take it meanwhile.
async fn contend<T: Kept>(t: &Bench<'_>, rivals: Rivals<T>) {
    let Rivals { first, still, without, second, second_without, .. } = &rivals;
    t.insert(first.clone()).await;
    taken(t, &rivals, None, second).await;
    t.insert(second_without.clone()).await;
    let other = Versioned::new(Version::FIRST, second_without.clone());
    taken(t, &rivals, Some(&other), second).await;
    t.has(second_without, 1).await;
    replace(t, 1, first, still).await;
    taken(t, &rivals, Some(&other), second).await;
    replace(t, 2, still, without).await;
    replace(t, 1, second_without, second).await;
    taken(t, &rivals, Some(&Versioned::new(Version::new(3), without.clone())), first).await;
    let mut commit = commit();
    commit.remove(&Versioned::new(Version::new(2), second.clone()));
    t.commit(&commit).await;
    replace(t, 3, without, first).await;
    hand_over(t, &rivals, 4).await;
}

pub(super) async fn a_product_has_its_slug_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let (first, second) = (make.product(), make.product());
    let rivals = Rivals {
        key: UniqueKey::ProductSlug(first.slug.clone()),
        still: Product { status: ProductStatus::Archived, ..first.clone() },
        without: Product { slug: slug("other"), ..first.clone() },
        second: Product { slug: first.slug.clone(), ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn a_category_has_its_slug_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let (first, second) = (make.category(), make.category());
    let rivals = Rivals {
        key: UniqueKey::CategorySlug(first.slug.clone()),
        still: Category { active: false, ..first.clone() },
        without: Category { slug: slug("other"), ..first.clone() },
        second: Category { slug: first.slug.clone(), ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn a_variant_has_its_sku_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let product = make.product();
    t.insert(product.clone()).await;
    let (first, second) = (make.variant(&shelf.product), make.variant(&product));
    let rivals = Rivals {
        key: UniqueKey::Sku(first.sku.clone()),
        still: Variant { active: false, ..first.clone() },
        without: Variant { sku: sku("other"), ..first.clone() },
        second: Variant { sku: first.sku.clone(), ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn a_variant_has_its_options_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let (first, second) = (make.variant(&shelf.product), make.variant(&shelf.product));
    let rivals = Rivals {
        key: UniqueKey::VariantOptions(first.product_id, first.options.clone()),
        still: Variant { sku: sku("other"), ..first.clone() },
        without: Variant { options: vec![label("other")], ..first.clone() },
        second: Variant { options: first.options.clone(), ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn options_are_compared_value_by_value(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let product = make.product();
    t.insert(product.clone()).await;
    let all: [&[&str]; 9] = [
        &[],
        &["a"],
        &["A"],
        &["a", "b"],
        &["b", "a"],
        &["a / b"],
        &["a,b"],
        &["a\",\"b"],
        &["a", "b", "c"],
    ];
    for options in all {
        let options: Vec<_> = options.iter().map(|text| label(text)).collect();
        for product in [&shelf.product, &product] {
            let variant = Variant { options: options.clone(), ..make.variant(product) };
            t.insert(variant).await;
        }
        let again = Variant { options: options.clone(), ..make.variant(&product) };
        let mut commit = commit();
        commit.insert(again);
        let CommitError::Taken(UniqueKey::VariantOptions(id, taken)) = t.refused(&commit).await
        else {
            panic!("two variants of one product cannot have the same options");
        };
        assert_eq!((id, taken), (product.id, options));
    }
}

pub(super) async fn a_customer_has_one_open_cart(t: &Bench<'_>) {
    let mut make = Make::new();
    let customer = make.customer();
    t.insert(customer.clone()).await;
    let customer_id = Some(customer.id);
    let (first, second) = (make.cart(), make.cart());
    let first = Cart { customer_id, ..first };
    let rivals = Rivals {
        key: UniqueKey::OpenCart(customer.id),
        still: Cart { note: Some(crate::text::Note::new("x").unwrap()), ..first.clone() },
        without: closed(&first, make.id()),
        second: Cart { customer_id, ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn only_open_carts_of_customers_are_counted(t: &Bench<'_>) {
    let mut make = Make::new();
    let customer = make.customer();
    t.insert(customer.clone()).await;
    let customer_id = Some(customer.id);
    for _ in 0..2 {
        t.insert(make.cart()).await;
        let cart = Cart { customer_id, ..make.cart() };
        t.insert(closed(&cart, make.id())).await;
        t.insert(Cart { customer_id, origin: Origin::BackOffice, ..make.cart() }).await;
    }
    t.insert(Cart { customer_id, ..make.cart() }).await;
}

pub(super) async fn an_order_has_its_number_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let (first, second) = (make.order(), make.order());
    let rivals = Rivals {
        key: UniqueKey::OrderNumber(first.number.clone()),
        still: Order { cancelled_at: Some(super::make::at(1)), ..first.clone() },
        without: Order { number: OrderNumber::new("OTHER").unwrap(), ..first.clone() },
        second: Order { number: first.number.clone(), ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn a_cart_gives_one_order(t: &Bench<'_>) {
    let mut make = Make::new();
    let (first, second) = (make.order(), make.order());
    let rivals = Rivals {
        key: UniqueKey::OrderOfCart(first.cart_id),
        still: Order { cancelled_at: Some(super::make::at(1)), ..first.clone() },
        without: Order { cart_id: make.id(), ..first.clone() },
        second: Order { cart_id: first.cart_id, ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn a_customer_has_their_email_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let (first, second) = (make.customer(), make.customer());
    let first = Customer { email: Some(email("ÄDA@Example.com")), ..first };
    let rivals = Rivals {
        key: UniqueKey::CustomerEmail("äda@example.com".to_owned()),
        still: Customer { email: Some(email("äda@EXAMPLE.com")), ..first.clone() },
        without: Customer { email: None, ..first.clone() },
        second: Customer { email: Some(email("Äda@example.COM")), ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn a_customer_has_their_external_number_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let (first, second) = (make.customer(), make.customer());
    let first = Customer { external_id: Some(label("0017")), ..first };
    let rivals = Rivals {
        key: UniqueKey::CustomerExternalId(label("0017")),
        still: Customer { name: Some(label("Ada")), ..first.clone() },
        without: Customer { external_id: Some(label("17")), ..first.clone() },
        second: Customer { external_id: Some(label("0017")), ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn an_api_token_has_its_digest_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let (first, second) = (make.token(), make.token());
    let rivals = Rivals {
        key: UniqueKey::ApiToken(first.digest),
        still: ApiToken { revoked_at: Some(super::make::at(1)), ..first.clone() },
        without: ApiToken { digest: make.digest(), ..first.clone() },
        second: ApiToken { digest: first.digest, ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn a_webhook_has_its_event_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let (first, second) = (make.full_webhook(), make.webhook());
    let rivals = Rivals {
        key: UniqueKey::WebhookEvent(first.gateway.clone(), first.event_id.clone()),
        still: Webhook { due_at: None, ..first.clone() },
        without: Webhook { event_id: label("evt_other"), ..first.clone() },
        second: Webhook { event_id: first.event_id.clone(), ..second.clone() },
        second_without: second,
        first,
    };
    contend(t, rivals).await;
}

pub(super) async fn what_is_absent_is_not_taken(t: &Bench<'_>) {
    let mut make = Make::new();
    for _ in 0..3 {
        t.insert(make.customer()).await;
    }
}

pub(super) async fn kinds_do_not_share_keys(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    t.insert(Category { slug: shelf.product.slug.clone(), ..make.category() }).await;
    let name = label(&shelf.variant.sku);
    t.insert(Customer { external_id: Some(name), ..make.customer() }).await;
}

pub(super) async fn case_matters_but_for_emails(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let (lower, upper) = ("sku-é", "SKU-É");
    let [a, b] =
        [lower, upper].map(|text| Variant { sku: sku(text), ..make.variant(&shelf.product) });
    t.insert(a.clone()).await;
    t.insert(b.clone()).await;
    for variant in [a, b] {
        let found = t.store().variant(&VariantRef::Sku(variant.sku.clone())).await.unwrap();
        assert_eq!(found.map(|found| found.variant.id), Some(variant.id));
    }
    let neither = VariantRef::Sku(sku("Sku-é"));
    assert_eq!(t.store().variant(&neither).await.unwrap(), None);
    let [a, b] =
        [lower, upper].map(|text| Customer { external_id: Some(label(text)), ..make.customer() });
    t.insert(a.clone()).await;
    t.insert(b).await;
    let by = CustomerRef::ExternalId(label(lower));
    let found = t.store().customer(&by).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(a.id));
}

pub(super) async fn two_records_of_one_commit_cannot_share_one(t: &Bench<'_>) {
    let mut make = Make::new();
    let (first, second, third) = (make.product(), make.product(), make.product());
    t.insert(third.clone()).await;
    let wanted = UniqueKey::ProductSlug(first.slug.clone());
    let third_read = t.read(&third).await;
    let with_slug = |product: &Product| Product { slug: first.slug.clone(), ..product.clone() };
    let (mut inserts, mut mixed) = (commit(), commit());
    inserts.insert(first.clone());
    inserts.insert(with_slug(&second));
    mixed.replace(&third_read, with_slug(&third));
    mixed.insert(first.clone());
    for commit in [inserts, mixed] {
        match t.refused(&commit).await {
            CommitError::Taken(key) if key == wanted => {}
            other => panic!("expected {wanted:?} to be taken, found {other:?}"),
        }
    }
    assert!(first.read(t).await.is_none() && second.read(t).await.is_none());
    t.has(&third, 1).await;
}

/// Hands a key from one record to another within one commit, whichever of the two is written first:
/// by a change of both, by a removal and a change, and by a change and an insertion.
async fn hand_over<T: Kept>(t: &Bench<'_>, rivals: &Rivals<T>, version: u64) {
    let Rivals { first, without, second, second_without, .. } = rivals;
    let at = |version: u64, value: &T| Versioned::new(Version::new(version), value.clone());
    let mut there = commit();
    there.replace(&at(version, first), without.clone());
    there.insert(second.clone());
    t.commit(&there).await;
    let mut back = commit();
    back.replace(&at(version + 1, without), first.clone());
    back.replace(&at(1, second), second_without.clone());
    t.commit(&back).await;
    t.has(first, version + 2).await;
    t.has(second_without, 2).await;
    let mut there = commit();
    there.replace(&at(2, second_without), second.clone());
    there.replace(&at(version + 2, first), without.clone());
    t.commit(&there).await;
    t.has(without, version + 3).await;
    t.has(second, 3).await;
    let mut back = commit();
    back.replace(&at(version + 3, without), first.clone());
    back.remove(&at(3, second));
    t.commit(&back).await;
    t.has(first, version + 4).await;
    assert!(second.read(t).await.is_none_or(|found| *found.value != *second), "it is gone");
}

pub(super) async fn what_a_commit_gives_up_it_may_take(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let [a, b, c] = [(); 3].map(|()| make.variant(&shelf.product));
    let all = [&a, &b, &c];
    for variant in all {
        t.insert(variant.clone()).await;
    }
    // Each takes the SKU of the next one and the options of the one before.
    let turned = |round: usize, place: usize| Variant {
        sku: all[(place + round) % 3].sku.clone(),
        options: all[(place + 2 * round) % 3].options.clone(),
        ..all[place].clone()
    };
    for round in 1..=3 {
        let mut commit = commit();
        for place in 0..3 {
            let version = Version::new(round as u64);
            commit
                .replace(&Versioned::new(version, turned(round - 1, place)), turned(round, place));
        }
        t.commit(&commit).await;
        for place in 0..3 {
            let variant = turned(round, place);
            t.has(&variant, round as u64 + 1).await;
            let found = t.store().variant(&VariantRef::Sku(variant.sku.clone())).await.unwrap();
            assert_eq!(found.map(|found| found.variant.id), Some(variant.id), "found by its SKU");
        }
    }
    let mut again = commit();
    again.insert(Variant {
        options: vec![label("another")],
        sku: a.sku.clone(),
        ..make.variant(&shelf.product)
    });
    let error = t.refused(&again).await;
    assert!(matches!(error, CommitError::Taken(UniqueKey::Sku(_))), "{error:?}");
}

pub(super) async fn one_given_up_goes_to_one_alone(t: &Bench<'_>) {
    let mut make = Make::new();
    let (first, second) = (make.product(), make.product());
    t.insert(first.clone()).await;
    t.insert(second.clone()).await;
    let read = (t.read(&first).await, t.read(&second).await);
    let with_slug = |product: Product| Product { slug: first.slug.clone(), ..product };
    // It is given up, and two want it.
    let mut two = commit();
    two.replace(&read.0, Product { slug: slug("other"), ..first.clone() });
    two.replace(&read.1, with_slug(second.clone()));
    two.insert(with_slug(make.product()));
    // What is written gives up nothing.
    let mut kept = commit();
    kept.replace(&read.0, Product { featured: !first.featured, ..first.clone() });
    kept.replace(&read.1, with_slug(second.clone()));
    let mut required = commit();
    required.require(&read.0);
    required.replace(&read.1, with_slug(second.clone()));
    let mut touched = commit();
    touched.lean_on(&first);
    touched.replace(&read.1, with_slug(second.clone()));
    for commit in [&two, &kept, &required, &touched] {
        let error = t.refused(commit).await;
        assert!(matches!(error, CommitError::Taken(UniqueKey::ProductSlug(_))), "{error:?}");
        t.has(&first, 1).await;
        t.has(&second, 1).await;
    }
}

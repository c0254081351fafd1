//! Versions: what a record was read at is what a write of it must still find.

use super::{
    Bench,
    make::{Make, at, commit, label, units},
    read::Kept,
};
use crate::{
    access::ApiToken,
    cart::Cart,
    catalog::{Category, Product, Variant},
    customer::Customer,
    inventory::Location,
    order::Order,
    payment::Payment,
    shop::Shop,
    store::{Commit, CommitError, Record, RecordKey, Subscription},
    version::{Version, Versioned},
    webhook::Webhook,
};

/// Two states of a record of each kind.
struct Kinds {
    shop: [Shop; 2],
    location: [Location; 2],
    category: [Category; 2],
    product: [Product; 2],
    variant: [Variant; 2],
    customer: [Customer; 2],
    cart: [Cart; 2],
    order: [Order; 2],
    payment: [Payment; 2],
    token: [ApiToken; 2],
    subscription: [Subscription; 2],
    webhook: [Webhook; 2],
}

impl Kinds {
    fn new(make: &mut Make) -> Self {
        let (shop, location) = (make.shop(), make.location());
        let (category, product) = (make.category(), make.product());
        let variant = make.variant(&product);
        let customer = make.full_customer();
        let cart = Cart { lines: vec![make.cart_line(variant.id, 1)], ..make.cart() };
        let order = Order { lines: vec![make.order_line(&variant, 1)], ..make.order() };
        let payment = make.payment(&order);
        let (token, subscription) = (make.token(), make.subscription());
        let webhook = make.full_webhook();
        let other = label("Another name");
        let mut more = cart.clone();
        more.lines[0].quantity = units(2);
        Self {
            shop: [shop.clone(), Shop { name: other.clone(), ..shop }],
            location: [location.clone(), Location { active: false, ..location }],
            category: [category.clone(), Category { title: other.clone(), ..category }],
            product: [product.clone(), Product { title: other.clone(), ..product }],
            variant: [variant.clone(), Variant { title: other.clone(), ..variant }],
            customer: [customer.clone(), Customer { name: Some(other), ..customer }],
            cart: [cart, more],
            order: [order.clone(), Order { updated_at: at(1), ..order }],
            payment: [payment.clone(), Payment { updated_at: at(1), ..payment }],
            token: [token.clone(), ApiToken { revoked_at: Some(at(1)), ..token }],
            subscription: [subscription.clone(), Subscription { position: 7, ..subscription }],
            webhook: [webhook.clone(), Webhook { due_at: None, ..webhook }],
        }
    }
}

/// Does the same with the two states of each kind of record.
macro_rules! each {
    ($t:ident, $kinds:ident, $check:path) => {
        each!($t, $kinds, $check, shop location category product variant customer cart order payment
              token subscription webhook)
    };
    ($t:ident, $kinds:ident, $check:path, $($kind:ident)*) => {
        $($check($t, &$kinds.$kind).await;)*
    };
}

async fn insert<T: Kept>(t: &Bench<'_>, [first, _]: &[T; 2]) {
    t.insert(first.clone()).await;
}

/// A record at a version, whatever it is stored at.
fn read_at<T: Kept>(version: u64, value: &T) -> Versioned<T> {
    Versioned::new(Version::new(version), value.clone())
}

async fn conflicts<T: Kept>(t: &Bench<'_>, value: &T, commit: &Commit) {
    match t.refused(commit).await {
        CommitError::Conflict(key) if key == value.key() => {}
        other => panic!("expected a conflict of {:?}, found {other:?}", value.key()),
    }
}

async fn counts<T: Kept>(t: &Bench<'_>, [first, second]: &[T; 2]) {
    t.has(first, 1).await;
    let mut version = 1;
    for (old, new) in [(first, second), (second, first), (first, second)] {
        let mut commit = commit();
        commit.replace(&read_at(version, old), new.clone());
        t.commit(&commit).await;
        version += 1;
        t.has(new, version).await;
    }
}

pub(super) async fn count_how_often_a_record_was_written(t: &Bench<'_>) {
    let kinds = Kinds::new(&mut Make::new());
    each!(t, kinds, insert);
    each!(t, kinds, counts);
}

async fn insert_again<T: Kept>(t: &Bench<'_>, [first, second]: &[T; 2]) {
    for value in [first, second] {
        let mut commit = commit();
        commit.insert(value.clone());
        conflicts(t, first, &commit).await;
        t.has(first, 1).await;
    }
}

pub(super) async fn an_insert_of_what_exists_conflicts(t: &Bench<'_>) {
    let kinds = Kinds::new(&mut Make::new());
    each!(t, kinds, insert);
    each!(t, kinds, insert_again);
}

async fn replace_stale<T: Kept>(t: &Bench<'_>, [first, second]: &[T; 2]) {
    let mut good = commit();
    good.replace(&read_at(1, first), second.clone());
    t.commit(&good).await;
    for stale in [0, 1, 3] {
        let mut commit = commit();
        commit.replace(&read_at(stale, second), first.clone());
        conflicts(t, first, &commit).await;
    }
    conflicts(t, first, &good).await;
    t.has(second, 2).await;
}

pub(super) async fn a_replacement_of_another_version_conflicts(t: &Bench<'_>) {
    let kinds = Kinds::new(&mut Make::new());
    each!(t, kinds, insert);
    each!(t, kinds, replace_stale);
}

async fn require<T: Kept>(t: &Bench<'_>, [first, _]: &[T; 2]) {
    for (version, holds) in [(0, false), (1, true), (2, false)] {
        let mut commit = commit();
        commit.require(&read_at(version, first));
        if holds {
            t.commit(&commit).await;
        } else {
            conflicts(t, first, &commit).await;
        }
        t.has(first, 1).await;
    }
}

pub(super) async fn a_requirement_of_another_version_conflicts(t: &Bench<'_>) {
    let kinds = Kinds::new(&mut Make::new());
    each!(t, kinds, insert);
    each!(t, kinds, require);
}

async fn remove_stale<T: Kept>(t: &Bench<'_>, [first, _]: &[T; 2]) {
    for stale in [0, 2] {
        let mut commit = commit();
        commit.remove(&read_at(stale, first));
        conflicts(t, first, &commit).await;
    }
    t.has(first, 1).await;
}

pub(super) async fn a_removal_of_another_version_conflicts(t: &Bench<'_>) {
    let kinds = Kinds::new(&mut Make::new());
    each!(t, kinds, insert);
    each!(t, kinds, remove_stale);
}

async fn absent<T: Kept>(t: &Bench<'_>, [first, second]: &[T; 2]) {
    for version in [0, 1] {
        let read = read_at(version, first);
        let (mut replace, mut require, mut remove) = (commit(), commit(), commit());
        replace.replace(&read, second.clone());
        require.require(&read);
        remove.remove(&read);
        for commit in [replace, require, remove] {
            conflicts(t, first, &commit).await;
        }
    }
    assert!(first.read(t).await.is_none(), "a write of what is absent made it");
}

pub(super) async fn a_write_of_what_is_absent_conflicts(t: &Bench<'_>) {
    let kinds = Kinds::new(&mut Make::new());
    each!(t, kinds, absent);
}

pub(super) async fn begin_again_after_a_removal(t: &Bench<'_>) {
    let mut make = Make::new();
    let category = make.category();
    t.insert(category.clone()).await;
    let other = Category { title: label("Other"), ..category.clone() };
    t.replace(&other).await;
    let mut commit = commit();
    commit.remove(&read_at(2, &other));
    t.commit(&commit).await;
    conflicts(t, &category, &commit).await;
    t.insert(category.clone()).await;
    t.has(&category, 1).await;
}

pub(super) async fn belong_to_one_record_alone(t: &Bench<'_>) {
    let kinds = Kinds::new(&mut Make::new());
    each!(t, kinds, insert);
    t.replace(&kinds.product[1]).await;
    t.replace(&kinds.order[1]).await;
    t.has(&kinds.variant[0], 1).await;
    t.has(&kinds.payment[0], 1).await;
    t.replace(&kinds.payment[1]).await;
    t.replace(&kinds.payment[0]).await;
    t.has(&kinds.order[1], 2).await;
    t.has(&kinds.payment[0], 3).await;
    t.has(&kinds.cart[0], 1).await;
}

pub(super) async fn rise_by_one_where_a_commit_replaces_many(t: &Bench<'_>) {
    let mut make = Make::new();
    let carts: Vec<_> = (0..50).map(|_| make.cart()).collect();
    let mut inserts = commit();
    for cart in &carts {
        inserts.insert(cart.clone());
    }
    t.commit(&inserts).await;
    let mut replaces = commit();
    let changed = |cart: &Cart| Cart { updated_at: at(1), ..cart.clone() };
    for (place, cart) in carts.iter().enumerate() {
        if place % 2 == 0 {
            replaces.replace(&read_at(1, cart), changed(cart));
        } else {
            replaces.require(&read_at(1, cart));
        }
    }
    t.commit(&replaces).await;
    for (place, cart) in carts.iter().enumerate() {
        if place % 2 == 0 {
            t.has(&changed(cart), 2).await;
        } else {
            t.has(cart, 1).await;
        }
    }
}

pub(super) async fn a_commit_of_nothing_changes_nothing(t: &Bench<'_>) {
    let kinds = Kinds::new(&mut Make::new());
    each!(t, kinds, insert);
    t.commit(&commit()).await;
    t.has(&kinds.product[0], 1).await;
    assert_eq!(t.outbox().await, []);
}

pub(super) async fn of_a_conflict_the_record_is_named(t: &Bench<'_>) {
    let mut make = Make::new();
    let carts = [make.cart(), make.cart(), make.cart()];
    for cart in &carts {
        t.insert(cart.clone()).await;
    }
    let mut commit = commit();
    commit.require(&read_at(1, &carts[0]));
    commit.require(&read_at(2, &carts[1]));
    commit.require(&read_at(1, &carts[2]));
    let CommitError::Conflict(RecordKey::Cart(id)) = t.refused(&commit).await else {
        panic!("a stale requirement is a conflict of its record");
    };
    assert_eq!(id, carts[1].id);
    let record = Record::Cart(carts[1].clone().into());
    assert_eq!(record.key(), RecordKey::Cart(id));
}

async fn touch<T: Kept>(t: &Bench<'_>, [value, _]: &[T; 2]) {
    t.insert(value.clone()).await;
    let mut touched = commit();
    touched.touch(&read_at(1, value));
    t.commit(&touched).await;
    t.has(value, 2).await;
    conflicts(t, value, &touched).await;
    let mut leant_on = commit();
    leant_on.lean_on(value);
    t.commit(&leant_on).await;
    t.has(value, 3).await;
}

pub(super) async fn rise_by_a_touch_that_changes_nothing_else(t: &Bench<'_>) {
    let kinds = Kinds::new(&mut Make::new());
    each!(t, kinds, touch);
    assert_eq!(t.setup().await.shop.version, Version::new(3));
    assert_eq!(t.sellable(kinds.variant[0].id).await.variant.version, Version::new(3));
}

pub(super) async fn of_what_is_leant_on_need_only_exist(t: &Bench<'_>) {
    let category = Make::new().category();
    let mut lean_on = commit();
    lean_on.lean_on(&category);
    conflicts(t, &category, &lean_on).await;
    t.insert(category.clone()).await;
    for _ in 0..3 {
        t.commit(&lean_on).await;
    }
    t.has(&category, 4).await;
    let mut remove = commit();
    remove.remove(&read_at(1, &category));
    conflicts(t, &category, &remove).await;
    let mut remove = commit();
    remove.remove(&read_at(4, &category));
    t.commit(&remove).await;
    conflicts(t, &category, &lean_on).await;
}

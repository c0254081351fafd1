//! Reads of carts, and of all that checking one out needs.

use super::{
    Bench,
    make::{Make, closed, commit, label},
};
use crate::{
    cart::{Cart, CartStatus, Origin},
    catalog::Variant,
    id::VariantId,
    shop::Shop,
};

pub(super) async fn a_customer_s_open_one_is_found(t: &Bench<'_>) {
    let mut make = Make::new();
    let (customer, other) = (make.customer(), make.customer());
    t.insert(customer.clone()).await;
    t.insert(other.clone()).await;
    let open = async |id| t.store().open_cart(id).await.unwrap().map(|cart| cart.id);
    assert_eq!(open(customer.id).await, None);
    let cart = Cart { customer_id: Some(customer.id), ..make.cart() };
    t.insert(cart.clone()).await;
    assert_eq!(open(customer.id).await, Some(cart.id));
    assert_eq!(open(other.id).await, None, "another customer's cart");
    let found = t.store().open_cart(customer.id).await.unwrap();
    assert_eq!(found, t.store().cart(cart.id).await.unwrap());
    t.replace(&closed(&cart, make.id())).await;
    assert_eq!(open(customer.id).await, None, "a closed cart");
    let next = Cart { id: make.id(), ..cart };
    t.insert(next.clone()).await;
    assert_eq!(open(customer.id).await, Some(next.id));
}

pub(super) async fn a_draft_is_nobody_s_open_one(t: &Bench<'_>) {
    let mut make = Make::new();
    let customer = make.customer();
    t.insert(customer.clone()).await;
    let customer_id = Some(customer.id);
    t.insert(Cart { customer_id, origin: Origin::BackOffice, ..make.cart() }).await;
    for status in [CartStatus::Completed, CartStatus::Merged, CartStatus::Expired] {
        t.insert(Cart { customer_id, status, ..make.cart() }).await;
    }
    assert_eq!(t.store().open_cart(customer.id).await.unwrap(), None);
}

pub(super) async fn a_guest_s_one_becomes_a_customer_s(t: &Bench<'_>) {
    let mut make = Make::new();
    let customer = make.customer();
    t.insert(customer.clone()).await;
    let cart = make.cart();
    t.insert(cart.clone()).await;
    t.replace(&Cart { customer_id: Some(customer.id), ..cart.clone() }).await;
    let found = t.store().open_cart(customer.id).await.unwrap();
    assert_eq!(found.map(|found| (found.id, found.version.get())), Some((cart.id, 2)));
}

pub(super) async fn come_with_all_that_a_checkout_needs(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 1).await;
    let other = make.product();
    let (second, foreign) = (make.variant(&shelf.product), make.variant(&other));
    let place = make.full_location();
    let mut commit = commit();
    commit.insert(other);
    commit.insert(second.clone());
    commit.insert(foreign.clone());
    commit.insert(place);
    commit.replace(&t.setup().await.shop, Shop { name: label("Renamed"), ..make.full_shop() });
    t.commit(&commit).await;
    let lines = [&foreign, &shelf.variant].map(|variant| make.cart_line(variant.id, 3));
    let cart = Cart { lines: lines.into(), ..make.cart() };
    t.insert(cart.clone()).await;
    let found = t.store().checkout_inputs(cart.id, &[]).await.unwrap().expect("it is there");
    assert_eq!((&*found.cart.value, found.cart.version.get()), (&cart, 1));
    let setup = t.setup().await;
    assert_eq!(found.setup.shop, setup.shop);
    assert_eq!(found.setup.locations.len(), 2);
    for location in &setup.locations {
        assert!(found.setup.locations.contains(location));
    }
    assert_eq!(found.sellables.len(), 2, "what the lines sell and no more");
    for variant in [&foreign, &shelf.variant] {
        let sold = found.sellables.iter().find(|sellable| sellable.variant.id == variant.id);
        assert_eq!(sold, Some(&t.sellable(variant.id).await));
    }
}

pub(super) async fn come_with_further_variants_that_are_asked_for(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 1).await;
    let second = make.variant(&shelf.product);
    t.insert(second.clone()).await;
    let cart = Cart { lines: vec![make.cart_line(shelf.variant.id, 1)], ..make.cart() };
    t.insert(cart.clone()).await;
    let missing: VariantId = make.id();
    let also = [second.id, missing, shelf.variant.id, second.id];
    let found = t.store().checkout_inputs(cart.id, &also).await.unwrap().expect("it is there");
    let mut ids: Vec<_> = found.sellables.iter().map(|sellable| sellable.variant.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [shelf.variant.id, second.id], "each once, and those alone that exist");
    let inputs = t.store().checkout_inputs(make.id(), &also).await.unwrap();
    assert!(inputs.is_none(), "a cart that does not exist");
}

pub(super) async fn with_several_lines_of_a_variant_have_it_once(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.stocked(&mut make, 5, 1).await;
    let lines = (1..=3).map(|n| make.cart_line(shelf.variant.id, n)).collect();
    let cart = Cart { lines, ..make.cart() };
    t.insert(cart.clone()).await;
    let found = t.store().checkout_inputs(cart.id, &[]).await.unwrap().expect("it is there");
    assert_eq!(found.cart.lines.len(), 3);
    assert_eq!(found.sellables, [t.sellable(shelf.variant.id).await]);
}

pub(super) async fn are_read_without_a_variant_that_is_gone(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let second = make.variant(&shelf.product);
    t.insert(second.clone()).await;
    let lines = [&shelf.variant, &second].map(|variant| make.cart_line(variant.id, 1));
    let cart = Cart { lines: lines.into(), ..make.cart() };
    t.insert(cart.clone()).await;
    let mut commit = commit();
    commit.remove(&t.read(&second).await);
    t.commit(&commit).await;
    let found = t.store().checkout_inputs(cart.id, &[]).await.unwrap().expect("it is there");
    assert_eq!(*found.cart.value, cart, "the line stays");
    let ids: Vec<_> = found.sellables.iter().map(|sellable| sellable.variant.id).collect();
    assert_eq!(ids, [shelf.variant.id]);
}

pub(super) async fn of_2000_lines_come_with_everything(t: &Bench<'_>) {
    let mut make = Make::new();
    let shelf = t.shelf(&mut make).await;
    let variants: Vec<Variant> = (0..2_000).map(|_| make.variant(&shelf.product)).collect();
    let mut commit = commit();
    for variant in &variants {
        commit.insert(variant.clone());
        commit.stock(make.stock_move(super::make::level(variant.id, shelf.location.id), 3, 1));
    }
    t.commit(&commit).await;
    let lines = variants.iter().map(|variant| make.cart_line(variant.id, 1)).collect();
    let cart = Cart { lines, ..make.cart() };
    t.insert(cart.clone()).await;
    let found = t.store().checkout_inputs(cart.id, &[]).await.unwrap().expect("it is there");
    assert_eq!(found.sellables.len(), 2_000);
    assert!(found.sellables.iter().all(|sellable| sellable.levels.len() == 1));
    assert!(found.sellables.iter().all(|sellable| sellable.levels[0].available() == 2));
}

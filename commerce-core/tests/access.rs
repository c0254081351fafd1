//! Who may see and do what.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    access::{Caller, Scope},
    cart::{AddLine, CreateCart, PatchCart},
    catalog::{CreateCategory, CreateProduct, CreateVariant},
    customer::{CreateCustomer, PatchCustomer, PutAddress},
    error::Rejection,
    inventory::CreateLocation,
    secret::Secret,
    store::{ApiTokenRef, CustomerRef, OrderFilter, OrderQuery, PageRequest, StockFilter},
};
use pollster::block_on;
use support::*;

const NO_CART: Rejection = Rejection::NotFound { what: "cart" };

#[test]
fn somebody_elses_cart_looks_like_one_that_does_not_exist() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let (ada, _) = w.customer("ada@example.com");
    let (eve, _) = w.customer("eve@example.com");
    let (guest, guests) = w.guest();
    let (stranger, _) = w.guest();
    let customers = w.cart_of(&ada);
    let drafted = w.draft();
    let unknown = "cart_00000000000000000000000000000007".parse().unwrap();
    let line = "line_00000000000000000000000000000007".parse().unwrap();
    for (cart, mut others) in [
        (guests, vec![&ada, &stranger]),
        (customers, vec![&eve, &guest, &stranger]),
        (drafted, vec![&ada, &guest]),
        (unknown, vec![&w.system, &ada, &guest]),
    ] {
        let anyone = Caller::anonymous();
        others.push(&anyone);
        for who in others {
            assert_eq!(refused(w.cart(who, cart)), NO_CART);
            assert_eq!(refused(w.add(who, cart, shirt, 1)), NO_CART);
            assert_eq!(refused(w.change(who, cart, line, 1)), NO_CART);
            assert_eq!(refused(block_on(w.shop.remove_line(who, cart, line, None))), NO_CART);
            assert_eq!(refused(block_on(w.shop.clear_cart(who, cart, None))), NO_CART);
            assert_eq!(refused(w.patch(who, cart, &PatchCart::default())), NO_CART);
            assert_eq!(refused(block_on(w.shop.shipping_options(who, cart))), NO_CART);
            assert_eq!(refused(block_on(w.shop.merge_cart(&ada, who, cart))), NO_CART);
            assert_eq!(refused(w.place(who, cart)), NO_CART);
        }
    }
    for (who, cart) in [(&guest, guests), (&ada, customers), (&w.system, drafted)] {
        w.cart(who, cart).unwrap();
        w.cart(&w.system, cart).unwrap();
    }
}

#[test]
fn a_draft_for_a_customer_is_still_the_back_offices_to_change() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let (ada, id) = w.customer("ada@example.com");
    let request = CreateCart { customer_id: Some(id), ..CreateCart::default() };
    let cart = block_on(w.shop.create_cart(&w.system, &request)).unwrap().cart.id;
    let line = w.add_at(cart, shirt, 1, 1).unwrap().lines[0].id;
    assert_eq!(refused(w.change(&ada, cart, line, 9)), NO_CART);
    assert_eq!(refused(w.place(&ada, cart)), NO_CART);
    assert_ne!(w.cart_of(&ada), cart);
    let order = w.place(&w.system, cart).unwrap().output.order;
    assert_eq!(w.order(&ada, order.id).unwrap().total, eur(1));
}

#[test]
fn somebody_elses_order_looks_like_one_that_does_not_exist() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let (guest, order) = w.buy_as_guest(&[(shirt, 1)]);
    let (stranger, _) = w.guest();
    let (ada, id) = w.customer("ada@example.com");
    let absent = Rejection::NotFound { what: "order" };
    for who in [&stranger, &ada, &Caller::anonymous()] {
        assert_eq!(refused(w.order(who, order.id)), absent);
    }
    assert_eq!(w.order(&guest, order.id).unwrap(), order);
    let cart = w.cart_of(&ada);
    w.add(&ada, cart, shirt, 1).unwrap();
    w.ready(&ada, cart);
    let own = w.place(&ada, cart).unwrap().output.order;
    let query = |filter| OrderQuery { filter, page: PageRequest::first(10) };
    let list = |who: &Caller, filter| block_on(w.shop.orders(who, &query(filter)));
    let everything = OrderFilter::default();
    let theirs = list(&ada, everything.clone()).unwrap().items;
    assert_eq!(theirs.iter().map(|order| order.id).collect::<Vec<_>>(), [own.id]);
    let (_, eve) = w.customer("eve@example.com");
    let of_eve = OrderFilter { customer_id: Some(eve), ..OrderFilter::default() };
    assert_eq!(list(&ada, of_eve).unwrap().items, theirs, "own ones, whatever was asked");
    assert_eq!(own.customer_id, Some(id));
    assert_eq!(refused(list(&guest, everything.clone())), Rejection::Forbidden);
    assert_eq!(refused(list(&Caller::anonymous(), everything)), Rejection::Forbidden);
}

#[test]
fn a_guests_secret_opens_nothing_once_a_customer_owns_it() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let (ada, _) = w.customer("ada@example.com");
    let (guest, cart) = w.guest();
    w.add(&guest, cart, shirt, 1).unwrap();
    let merged = block_on(w.shop.merge_cart(&ada, &guest, cart)).unwrap();
    assert_eq!(refused(w.cart(&guest, merged.id)), NO_CART);
    assert_eq!(refused(w.cart(&ada, cart)), NO_CART);
    w.cart(&guest, cart).unwrap();
    w.ready(&ada, merged.id);
    let order = w.place(&ada, merged.id).unwrap().output.order;
    assert_eq!(refused(w.order(&guest, order.id)), Rejection::NotFound { what: "order" });
}

#[test]
fn shop_clients_set_no_price_whoever_they_are() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let (ada, _) = w.customer("ada@example.com");
    let (guest, cart) = w.guest();
    let line = AddLine { unit_price: Some(eur(1)), ..AddLine::new(shirt, 1).unwrap() };
    for (who, cart) in [(&guest, cart), (&ada, w.cart_of(&ada))] {
        let add = block_on(w.shop.add_line(who, cart, &line, None));
        assert_eq!(refused(add), Rejection::Forbidden);
    }
    let request = CreateCart { lines: vec![line.clone()], ..CreateCart::default() };
    for who in [guest.clone(), Caller::anonymous()] {
        let make = block_on(w.shop.create_cart(&who, &request));
        assert_eq!(refused(make), Rejection::Forbidden);
    }
    let at_storefront = block_on(w.shop.add_line(&w.system, cart, &line, None));
    assert_eq!(invalid(at_storefront), ["/unit_price"], "a shopper's cart is no draft");
}

#[test]
fn what_is_the_back_offices_is_refused_to_all_others() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 9);
    let (_, id) = w.customer("ada@example.com");
    let (guest, _) = w.guest();
    let shop = block_on(w.shop.shop()).unwrap().value.as_ref().clone();
    let product = CreateProduct::new("P").unwrap();
    let variant = CreateVariant::new("V", eur(1)).unwrap();
    let category = CreateCategory::new("C").unwrap();
    let place = CreateLocation { name: "L".parse().unwrap(), priority: 0, active: true };
    let label = "T".parse().unwrap();
    let product_id = "prod_00000000000000000000000000000007".parse().unwrap();
    let page = PageRequest::first(1);
    for who in [guest, Caller::anonymous(), Caller::customer(id)] {
        let w = &w.shop;
        let refusals = [
            refused(block_on(w.put_shop(&who, &shop, None))),
            refused(block_on(w.create_product(&who, &product))),
            refused(block_on(w.archive_product(&who, product_id, None))),
            refused(block_on(w.create_variant(&who, product_id, &variant, None))),
            refused(block_on(w.patch_variant(&who, shirt, &Default::default(), None))),
            refused(block_on(w.create_category(&who, &category))),
            refused(block_on(w.create_location(&who, &place))),
            refused(block_on(w.locations(&who))),
            refused(block_on(w.stock(&who, &StockFilter::default(), &page))),
            refused(block_on(w.create_customer(&who, &CreateCustomer::default()))),
            refused(block_on(w.create_token(&who, &label, Scope::Admin))),
        ];
        assert!(refusals.iter().all(|refusal| *refusal == Rejection::Forbidden));
    }
}

#[test]
fn customers_touch_themselves_alone() {
    let w = World::new();
    let (ada, id) = w.customer("ada@example.com");
    let (eve, _) = w.customer("eve@example.com");
    let absent = Rejection::NotFound { what: "customer" };
    let put = PutAddress {
        id: None,
        address: address("DE"),
        default_shipping: true,
        default_billing: true,
    };
    let (guest, _) = w.guest();
    for who in [eve, guest, Caller::anonymous()] {
        assert_eq!(refused(block_on(w.shop.customer(&who, &CustomerRef::Id(id)))), absent);
        let patch = PatchCustomer::default();
        assert_eq!(refused(block_on(w.shop.patch_customer(&who, id, &patch, None))), absent);
        assert_eq!(refused(block_on(w.shop.put_address(&who, id, &put))), absent);
    }
    block_on(w.shop.put_address(&ada, id, &put)).unwrap();
}

#[test]
fn a_token_stands_for_the_back_office_until_it_is_withdrawn() {
    let w = World::new();
    let label = "Office".parse().unwrap();
    let made = block_on(w.shop.create_token(&w.system, &label, Scope::Admin)).unwrap();
    let secret: Secret = made.token.parse().unwrap();
    let who = || block_on(w.shop.caller_of_token(&secret)).unwrap();
    assert!(who().unwrap().is_back_office());
    assert_eq!(block_on(w.shop.caller_of_token(&Secret::new([7; 32]))).unwrap(), None);
    let by = ApiTokenRef::Digest(secret.digest());
    let revoked = block_on(w.shop.revoke_token(&w.system, &by)).unwrap();
    assert_eq!((revoked.id, revoked.revoked_at), (made.id, Some(w.now())));
    assert_eq!(who(), None);
    w.days(1);
    assert_eq!(block_on(w.shop.revoke_token(&w.system, &by)).unwrap().output, revoked.output);
}

#[test]
fn the_back_office_sees_its_tokens_and_withdraws_them_without_their_secrets() {
    let w = World::new();
    let create = |label: &str| {
        w.days(1);
        let label = label.parse().unwrap();
        block_on(w.shop.create_token(&w.system, &label, Scope::Admin)).unwrap().output
    };
    let [till, office] = [create("Till"), create("Office")];
    let page = PageRequest::first(10);
    let listed = || block_on(w.shop.tokens(&w.system, &page)).unwrap().items;
    let labels: Vec<_> = listed().iter().map(|token| token.label.to_string()).collect();
    assert_eq!(labels, ["Office", "Till"], "the newest first");
    let text = format!("{:?} {}", listed(), serde_json::to_string(&listed()).unwrap());
    let digest = till.token.parse::<Secret>().unwrap().digest();
    assert!(!text.contains(&till.token) && !text.contains(&format!("{digest:?}")));
    block_on(w.shop.revoke_token(&w.system, &ApiTokenRef::Id(till.id))).unwrap();
    let revoked: Vec<_> = listed().iter().map(|token| token.revoked_at.is_some()).collect();
    assert_eq!(revoked, [false, true]);
    let caller = |token: &str| block_on(w.shop.caller_of_token(&token.parse().unwrap())).unwrap();
    assert!(caller(&till.token).is_none() && caller(&office.token).is_some());
    let nobody = ApiTokenRef::Id("tok_00000000000000000000000000000007".parse().unwrap());
    let absent = Rejection::NotFound { what: "token" };
    assert_eq!(refused(block_on(w.shop.revoke_token(&w.system, &nobody))), absent);
    let (ada, _) = w.customer("ada@example.com");
    for who in [ada, Caller::anonymous()] {
        assert_eq!(refused(block_on(w.shop.tokens(&who, &page))), Rejection::Forbidden);
        let by = ApiTokenRef::Id(office.id);
        assert_eq!(refused(block_on(w.shop.revoke_token(&who, &by))), Rejection::Forbidden);
    }
}

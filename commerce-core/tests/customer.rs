//! Customers, their address books, and the orders they placed as guests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    access::Caller,
    customer::{CreateCustomer, Customer, PatchCustomer, PutAddress},
    error::Rejection,
    id::{AddressId, CustomerId},
    store::{CustomerQuery, CustomerRef, OrderFilter, OrderQuery, PageRequest},
    version::Version,
};
use pollster::block_on;
use support::*;

/// Which addresses are the defaults for shipping and for billing, by their country.
fn defaults(customer: &Customer) -> (Vec<&str>, Vec<&str>) {
    let of = |is: fn(&commerce_core::customer::BookedAddress) -> bool| {
        let found = customer.addresses.iter().filter(|entry| is(entry));
        found.map(|entry| entry.address.country.as_str()).collect()
    };
    (of(|entry| entry.default_shipping), of(|entry| entry.default_billing))
}

#[test]
fn a_book_with_addresses_has_one_default_of_each_kind() {
    let w = World::new();
    let (ada, id) = w.customer("ada@example.com");
    let put = |of: Option<AddressId>, country, default_shipping, default_billing| {
        let address = address(country);
        let request = PutAddress { id: of, address, default_shipping, default_billing };
        block_on(w.shop.put_address(&ada, id, &request)).unwrap().output
    };
    let remove = |of| block_on(w.shop.remove_address(&ada, id, of)).unwrap().output;
    assert_eq!(defaults(&put(None, "DE", false, false)), (vec!["DE"], vec!["DE"]));
    assert_eq!(defaults(&put(None, "FR", false, true)), (vec!["DE"], vec!["FR"]));
    let book = put(None, "IT", true, false);
    assert_eq!(defaults(&book), (vec!["IT"], vec!["FR"]));
    let [de, fr, it] = [0, 1, 2].map(|n| book.addresses[n].id);
    assert_eq!(defaults(&put(Some(it), "ES", false, false)), (vec!["DE"], vec!["FR"]));
    assert_eq!(defaults(&remove(fr)), (vec!["DE"], vec!["DE"]));
    assert_eq!(defaults(&remove(de)), (vec!["ES"], vec!["ES"]));
    assert_eq!(defaults(&remove(it)), (vec![], vec![]));
    let gone = block_on(w.shop.remove_address(&ada, id, it));
    assert_eq!(refused(gone), Rejection::NotFound { what: "address" });
}

#[test]
fn an_email_address_is_one_customers_without_regard_to_case() {
    let w = World::new();
    let (ada, id) = w.customer("Ada@example.com");
    let again = CreateCustomer {
        email: Some("ada@EXAMPLE.com".parse().unwrap()),
        ..CreateCustomer::default()
    };
    let taken = block_on(w.shop.create_customer(&w.system, &again));
    assert!(matches!(refused(taken), Rejection::Taken { what: "email", .. }));
    let by = CustomerRef::Email("ADA@example.com".parse().unwrap());
    assert_eq!(block_on(w.shop.customer(&ada, &by)).unwrap().id, id);
}

#[test]
fn what_the_back_office_noted_is_for_the_back_office() {
    let w = World::new();
    let (ada, id) = w.customer("ada@example.com");
    let noted = PatchCustomer {
        note: Some(Some("Never pays".parse().unwrap())),
        ..PatchCustomer::default()
    };
    let by = CustomerRef::Id(id);
    assert_eq!(
        refused(block_on(w.shop.patch_customer(&ada, id, &noted, None))),
        Rejection::Forbidden
    );
    block_on(w.shop.patch_customer(&w.system, id, &noted, None)).unwrap();
    assert_eq!(block_on(w.shop.customer(&ada, &by)).unwrap().note, None);
    let patch =
        PatchCustomer { name: Some(Some("Ada".parse().unwrap())), ..PatchCustomer::default() };
    let after = block_on(w.shop.patch_customer(&ada, id, &patch, None)).unwrap();
    assert_eq!((after.note.clone(), after.name.as_deref()), (None, Some("Ada")));
    let kept = block_on(w.shop.customer(&w.system, &by)).unwrap();
    assert_eq!(kept.note.as_deref(), Some("Never pays"));
}

#[test]
fn the_back_office_finds_customers_by_words_and_nobody_else_does() {
    let w = World::new();
    let (ada, id) = w.customer("ada.lovelace@example.com");
    w.days(1);
    let (_, other) = w.customer("king@example.com");
    let find = |who: &Caller, text: Option<&str>| {
        let text = text.map(str::to_owned);
        let query = CustomerQuery { text, page: PageRequest::first(10) };
        let page = block_on(w.shop.customers(who, &query))?;
        Ok(page.items.iter().map(|customer| customer.id).collect::<Vec<_>>())
    };
    assert_eq!(find(&w.system, None).unwrap(), [other, id]);
    assert_eq!(find(&w.system, Some("ADA lovel")).unwrap(), [id]);
    let named =
        PatchCustomer { name: Some(Some("Ada King".parse().unwrap())), ..PatchCustomer::default() };
    block_on(w.shop.patch_customer(&w.system, id, &named, None)).unwrap();
    assert_eq!(find(&w.system, Some("king")).unwrap(), [other, id]);
    for who in [ada, Caller::anonymous()] {
        assert_eq!(refused(find(&who, None)), Rejection::Forbidden);
    }
}

#[test]
fn a_customer_who_is_erased_is_gone_but_for_their_orders() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 5);
    let (ada, id) = w.customer("ada@example.com");
    let placed = {
        let cart = w.cart_of(&ada);
        w.add(&ada, cart, shirt, 1).unwrap();
        w.ready(&ada, cart);
        w.place(&ada, cart).unwrap().order.clone()
    };
    let open = w.cart_of(&ada);
    w.add(&ada, open, shirt, 1).unwrap();
    let erase = |who: &Caller, expected| block_on(w.shop.erase_customer(who, id, expected));
    for who in [&ada, &Caller::anonymous()] {
        assert_eq!(refused(erase(who, None)), Rejection::Forbidden);
    }
    let stale = refused(erase(&w.system, Some(Version::new(7))));
    assert!(matches!(stale, Rejection::VersionMismatch { .. }));
    assert_eq!(w.events_of(|| erase(&w.system, None).unwrap()), ["customer.erased"]);
    let absent = Rejection::NotFound { what: "customer" };
    for by in [CustomerRef::Id(id), CustomerRef::Email("ada@example.com".parse().unwrap())] {
        assert_eq!(refused(block_on(w.shop.customer(&w.system, &by))), absent);
    }
    assert_eq!(refused(erase(&w.system, None)), absent);
    assert_eq!(refused(w.cart(&w.system, open)), Rejection::NotFound { what: "cart" });
    // What the shop must keep is as it was, and can still be worked on.
    let kept = w.seen(placed.id);
    assert_eq!((kept.email.clone(), kept.customer_id), (placed.email, Some(id)));
    w.capture(placed.id).unwrap();
    // Whoever comes again is somebody new.
    let (_, again) = w.customer("ada@example.com");
    assert_ne!(again, id);
}

fn verify(w: &World, id: CustomerId, email: &str) {
    let email = email.parse().unwrap();
    block_on(w.shop.verify_email(&w.system, id, &email)).unwrap();
}

#[test]
fn guest_orders_are_claimed_by_a_verified_address_and_by_no_other() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 500);
    let (guest, order) = w.buy_as_guest(&[(shirt, 1)]);
    let (ada, id) = w.customer("ADA@example.com");
    let (eve, eve_id) = w.customer("eve@example.com");
    let claim = |who: &Caller, id| block_on(w.shop.claim_orders(who, id));
    assert!(not_now(claim(&ada, id)), "the address is not verified");
    assert_eq!(refused(claim(&eve, id)), Rejection::NotFound { what: "customer" });
    assert_eq!(refused(claim(&guest, id)), Rejection::NotFound { what: "customer" });
    let email = "ada@example.com".parse().unwrap();
    let itself = block_on(w.shop.verify_email(&ada, id, &email));
    assert_eq!(refused(itself), Rejection::Forbidden);
    assert!(not_now(block_on(w.shop.verify_email(&w.system, eve_id, &email))));
    verify(&w, id, "ada@example.com");
    verify(&w, eve_id, "eve@example.com");
    assert_eq!(claim(&eve, eve_id).unwrap(), 0);
    assert_eq!(w.order(&guest, order.id).unwrap(), order);

    let events = w.events_of(|| assert_eq!(claim(&ada, id).unwrap(), 1));
    assert_eq!(events, ["order.claimed"]);
    assert_eq!(claim(&ada, id).unwrap(), 0);
    assert_eq!(w.order(&ada, order.id).unwrap().customer_id, Some(id));
    let absent = Rejection::NotFound { what: "order" };
    assert_eq!(refused(w.order(&guest, order.id)), absent);
    assert_eq!(refused(w.order(&eve, order.id)), absent);

    let other = PatchCustomer {
        email: Some(Some("new@example.com".parse().unwrap())),
        ..PatchCustomer::default()
    };
    block_on(w.shop.patch_customer(&ada, id, &other, None)).unwrap();
    assert!(not_now(claim(&ada, id)), "the new address is not verified");
    assert!(w.order(&ada, order.id).is_ok(), "what was claimed stays claimed");
}

#[test]
fn all_of_many_guest_orders_are_claimed() {
    let w = World::new();
    let shirt = w.sell("SHIRT", 1999, 500);
    let orders = PageRequest::LIMIT_MAX + 5;
    for _ in 0..orders {
        w.buy(&[(shirt, 1)]);
    }
    let (ada, id) = w.customer("ada@example.com");
    verify(&w, id, "ada@example.com");
    assert_eq!(block_on(w.shop.claim_orders(&ada, id)).unwrap(), orders);
    let page = PageRequest { total: true, ..PageRequest::first(1) };
    let query = OrderQuery { filter: OrderFilter::default(), page };
    let page = block_on(w.shop.orders(&ada, &query)).unwrap();
    assert_eq!(page.total, Some(orders as u64));
}

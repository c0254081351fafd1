//! Cards that a gateway keeps for customers: saved, paid by, forgotten, and nobody else's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use commerce_core::{
    Error, PlacedView,
    access::Caller,
    cart::CreateCart,
    checkout::PlaceOrder,
    error::Rejection,
    gateway::{Call, Reply, SaveMethod, SavedMethod},
    id::{CartId, CustomerId},
    payment::{PaymentChoice, PaymentFlow, PaymentStatus},
    store::CustomerRef,
    text::{GatewayName, Label},
};
use pollster::block_on;
use support::{
    cards::{CardShop, card, label, waits},
    eur, invalid, key, refused,
};

/// What these tests ask of it besides.
trait Methods {
    fn reference(&self, id: CustomerId) -> Option<Label>;
    fn keep(&self, id: CustomerId) -> SavedMethod;
    fn methods(&self, id: CustomerId) -> Vec<Label>;
    fn draft(&self, id: Option<CustomerId>) -> CartId;
    fn check_out(
        &self,
        who: &Caller,
        cart: CartId,
        choice: PaymentChoice,
    ) -> Result<PlacedView, Error>;
}

impl Methods for CardShop {
    fn reference(&self, id: CustomerId) -> Option<Label> {
        let by = CustomerRef::Id(id);
        let customer = block_on(self.world.shop.customer(&self.world.system, &by)).unwrap();
        customer.provider_references.get(&card()).cloned()
    }

    /// A customer has a card kept.
    fn keep(&self, id: CustomerId) -> SavedMethod {
        block_on(self.world.shop.save_method(&self.world.system, id, &by_card())).unwrap();
        self.gateway.save(&self.reference(id).unwrap()).unwrap()
    }

    fn methods(&self, id: CustomerId) -> Vec<Label> {
        let kept = block_on(self.world.shop.saved_methods(&self.world.system, id)).unwrap();
        assert!(kept.iter().all(|it| it.gateway == card()));
        kept.into_iter().map(|it| it.method.id).collect()
    }

    /// A draft with a shirt in it.
    fn draft(&self, id: Option<CustomerId>) -> CartId {
        let request = CreateCart { customer_id: id, ..CreateCart::default() };
        let made = block_on(self.world.shop.create_cart(&self.world.system, &request)).unwrap();
        self.world.add(&self.world.system, made.cart.id, self.shirt, 1).unwrap();
        self.world.ready(&self.world.system, made.cart.id);
        made.cart.id
    }

    fn check_out(
        &self,
        who: &Caller,
        cart: CartId,
        payment: PaymentChoice,
    ) -> Result<PlacedView, Error> {
        let request = PlaceOrder { payment, expected_total: None };
        block_on(self.world.shop.place_order(who, cart, &request)).map(|done| done.output)
    }
}

fn by_card() -> SaveMethod {
    SaveMethod { gateway: card(), return_url: None }
}

fn saved(method: &Label) -> PaymentChoice {
    let flow = PaymentFlow::Saved { method: method.clone() };
    PaymentChoice { flow, ..PaymentChoice::new(card()) }
}

#[test]
fn a_customer_is_made_known_once_and_a_setup_is_repeated() {
    let shop = CardShop::new();
    let (ada, id) = shop.world.customer("ada@example.com");
    let commerce = &shop.world.shop;
    assert_eq!(shop.methods(id), []);
    let keyed = ada.clone().with_key(key("save"));
    let first = block_on(commerce.save_method(&keyed, id, &by_card())).unwrap();
    let reference = shop.reference(id).unwrap();
    let again = block_on(commerce.save_method(&keyed, id, &by_card())).unwrap();
    assert!(again.replayed && again.output == first.output);
    let other = block_on(commerce.save_method(&ada, id, &by_card())).unwrap();
    assert_ne!(other.id, first.id);
    assert_eq!(shop.reference(id), Some(reference.clone()));

    let kept = shop.gateway.save(&reference).unwrap();
    let newer = shop.gateway.save(&reference).unwrap();
    assert_eq!(shop.methods(id), [newer.id.clone(), kept.id.clone()]);
    let keyed = ada.clone().with_key(key("remove"));
    assert!(!block_on(commerce.remove_method(&keyed, id, &kept.id)).unwrap().replayed);
    assert!(block_on(commerce.remove_method(&keyed, id, &kept.id)).unwrap().replayed);
    let reused = block_on(commerce.remove_method(&keyed, id, &newer.id));
    assert_eq!(refused(reused), Rejection::KeyReused);
    let gone = block_on(commerce.remove_method(&ada, id, &kept.id));
    assert_eq!(refused(gone), Rejection::NotFound { what: "payment method" });
    assert_eq!(shop.methods(id), [newer.id]);
}

#[test]
fn what_is_kept_for_somebody_is_nobody_elses() {
    let shop = CardShop::new();
    let (ada, id) = shop.world.customer("ada@example.com");
    let (bo, other) = shop.world.customer("bo@example.com");
    let (hers, his) = (shop.keep(id), shop.keep(other));
    assert_ne!(shop.reference(id), shop.reference(other));
    let commerce = &shop.world.shop;
    let nobody = Rejection::NotFound { what: "customer" };
    assert_eq!(refused(block_on(commerce.saved_methods(&bo, id))), nobody);
    assert_eq!(refused(block_on(commerce.save_method(&bo, id, &by_card()))), nobody);
    assert_eq!(refused(block_on(commerce.remove_method(&bo, id, &hers.id))), nobody);
    let not_his = block_on(commerce.remove_method(&bo, other, &hers.id));
    assert_eq!(refused(not_his), Rejection::NotFound { what: "payment method" });

    let cart = shop.draft(Some(id));
    let system = &shop.world.system;
    for method in [&his.id, &label("pm_none")] {
        let not_hers = shop.check_out(system, cart, saved(method));
        assert_eq!(invalid(not_hers), ["/payment/flow/method"]);
    }
    let guests = shop.draft(None);
    assert_eq!(invalid(shop.check_out(system, guests, saved(&hers.id))), ["/payment/flow/method"]);
    assert!(shop.gateway.payments().is_empty());
    assert!(shop.check_out(&ada, cart, saved(&hers.id)).is_err(), "a draft is the back office's");
    let placed = shop.check_out(system, cart, saved(&hers.id)).unwrap();
    assert_eq!(placed.payment.unwrap().status, PaymentStatus::Paid);
}

#[test]
fn an_order_is_charged_once_however_often_it_is_asked_for() {
    let shop = CardShop::new();
    let (_, id) = shop.world.customer("ada@example.com");
    let method = shop.keep(id).id;
    let cart = shop.draft(Some(id));
    let office = shop.world.system.clone().with_key(key("telephone"));
    shop.gateway.script([Reply::Lost(Box::new(Reply::Accept))]);
    let lost = shop.check_out(&office, cart, saved(&method)).unwrap_err();
    assert!(matches!(lost, Error::OutcomeUnknown(_)), "{lost:?}");
    // By then the card is gone; what was asked for is answered all the same.
    block_on(shop.world.shop.remove_method(&shop.world.system, id, &method)).unwrap();
    let placed = shop.check_out(&office, cart, saved(&method)).unwrap();
    let payment = placed.payment.as_ref().unwrap().id;
    assert_eq!(shop.gateway.kept(payment), 1_999);
    assert_eq!(shop.gateway.payments().len(), 1);
    assert_eq!(shop.check_out(&office, cart, saved(&method)).unwrap(), placed);
    assert_eq!(shop.payment(payment).customer_reference, shop.reference(id));
}

#[test]
fn a_charge_that_was_declined_and_then_confirmed_by_its_customer_is_answered_as_paid() {
    let shop = CardShop::new();
    let (_, id) = shop.world.customer("ada@example.com");
    let method = shop.keep(id).id;
    let cart = shop.draft(Some(id));
    let office = shop.world.system.clone().with_key(key("telephone"));
    shop.gateway.script([Reply::Decline { reason: label("ask its owner") }]);
    let declined = shop.check_out(&office, cart, saved(&method));
    assert!(matches!(refused(declined), Rejection::PaymentDeclined { .. }));
    let (payment, _) = shop.gateway.payments()[0];
    assert!(shop.gateway.pay(payment));
    shop.deliver_last();
    let placed = shop.check_out(&office, cart, saved(&method)).unwrap();
    assert_eq!(placed.order.paid_total, eur(1_999));
}

#[test]
fn an_order_that_waits_is_paid_by_what_its_customer_saved() {
    let shop = CardShop::new();
    let (_, id) = shop.world.customer("ada@example.com");
    let method = shop.keep(id).id;
    let cart = shop.draft(Some(id));
    let system = &shop.world.system;
    shop.gateway.script([waits()]);
    let placed = shop.check_out(system, cart, PaymentChoice::new(card())).unwrap();
    let pay = |choice: &PaymentChoice| {
        block_on(shop.world.shop.pay_order(system, placed.order.id, choice, None))
    };
    assert_eq!(invalid(pay(&saved(&label("pm_none")))), ["/payment/flow/method"]);
    let declines = Reply::Decline { reason: label("no funds") };
    // What waits is called off first.
    shop.gateway.script([Reply::Accept, declines]);
    assert!(matches!(refused(pay(&saved(&method))), Rejection::PaymentDeclined { .. }));
    let paid = pay(&saved(&method)).unwrap();
    assert_eq!(paid.order.paid_total, eur(1_999));
    assert!(matches!(refused(pay(&saved(&method))), Rejection::InvalidTransition { .. }));
}

#[test]
fn a_card_is_kept_for_whoever_is_known_and_pays_by_it() {
    let shop = CardShop::new();
    let (ada, id) = shop.world.customer("ada@example.com");
    let cart = shop.world.cart_of(&ada);
    shop.world.add(&ada, cart, shop.shirt, 1).unwrap();
    shop.world.ready(&ada, cart);
    let choice = PaymentChoice { save_method: true, ..PaymentChoice::new(card()) };
    let placed = shop.check_out(&ada, cart, choice.clone()).unwrap();
    let payment = shop.payment(placed.payment.unwrap().id);
    assert!(payment.save_method && payment.customer_reference.is_some());
    assert_eq!(payment.customer_reference, shop.reference(id));
    let (guest, cart) = shop.cart();
    assert_eq!(invalid(shop.check_out(&guest, cart, choice)), ["/payment/save_method"]);
}

#[test]
fn who_is_erased_leaves_nothing_at_the_gateway() {
    let shop = CardShop::new();
    let (_, id) = shop.world.customer("ada@example.com");
    shop.keep(id);
    let reference = shop.reference(id).unwrap();
    let system = &shop.world.system;
    let stale = Some(commerce_core::version::Version::FIRST);
    assert!(block_on(shop.world.shop.erase_customer(system, id, stale)).is_err());
    assert_eq!(shop.methods(id).len(), 1, "a refused erasure erases nothing");
    block_on(shop.world.shop.erase_customer(system, id, None)).unwrap();
    assert!(shop.gateway.save(&reference).is_none());
    let calls = shop.gateway.calls();
    assert!(!calls.iter().any(|call| matches!(call, Call::Create(_))));
}

#[test]
fn a_gateway_that_keeps_nothing_is_pointed_at() {
    let shop = CardShop::new();
    let (_, id) = shop.world.customer("ada@example.com");
    for name in ["manual", "other"] {
        let request = SaveMethod { gateway: GatewayName::new(name).unwrap(), return_url: None };
        let refused = block_on(shop.world.shop.save_method(&shop.world.system, id, &request));
        assert_eq!(invalid(refused), ["/gateway"]);
    }
    assert_eq!(shop.reference(id), None);
}

//! A shop in memory, from an empty store to a delivered order.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart, PatchCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency,
    customer::Address,
    error::Rejection,
    event::Event,
    inputs::{SeededIds, SteppedClock},
    inventory::SetStock,
    money::Money,
    order::{CancelOrder, Deliver, FulfillOrder, OrderStatus},
    payment::CapturePayment,
    shop::Shop,
    store::MemoryStore,
    text::IdempotencyKey,
};
use pollster::block_on;

struct Fixture {
    shop: Commerce,
    clock: Arc<SteppedClock>,
    system: Caller,
}

async fn open() -> Fixture {
    let clock = Arc::new(SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap()));
    let shop = Commerce::new(MemoryStore::new(), clock.clone(), SeededIds::new(1));
    shop.open(Shop::new("Test", Currency::EUR).unwrap()).await.unwrap();
    Fixture { shop, clock, system: Caller::system() }
}

impl Fixture {
    async fn sell(&self, sku: &str, price: i64, units: i64) -> commerce_core::id::VariantId {
        let variant = CreateVariant::new(sku, Money::new(price, Currency::EUR)).unwrap();
        let product = CreateProduct {
            status: ProductStatus::Active,
            variants: vec![variant],
            ..CreateProduct::new(sku).unwrap()
        };
        let product = self.shop.create_product(&self.system, &product).await.unwrap();
        let id = product.variants[0].id;
        self.shop.set_stock(&self.system, id, &SetStock::new(units)).await.unwrap();
        id
    }

    async fn guest(&self) -> (Caller, commerce_core::id::CartId) {
        let visitor = Caller::anonymous();
        let made = self.shop.create_cart(&visitor, &CreateCart::default()).await.unwrap();
        (made.caller(&visitor), made.cart.id)
    }

    async fn ready(&self, guest: &Caller, cart: commerce_core::id::CartId) {
        let address = Address::new("A", "Street 1", "Berlin", "DE").unwrap();
        let patch = PatchCart {
            email: Some(Some("a@example.com".parse().unwrap())),
            shipping_address: Some(Some(address)),
            ..PatchCart::default()
        };
        self.shop.patch_cart(guest, cart, &patch, None).await.unwrap();
    }
}

#[test]
fn a_guest_buys_and_the_order_is_delivered() {
    block_on(async {
        let f = open().await;
        let variant = f.sell("SHIRT", 1999, 5).await;
        let (guest, cart) = f.guest().await;
        let line = AddLine::new(variant, 2).unwrap();
        let view = f.shop.add_line(&guest, cart, &line, None).await.unwrap();
        assert_eq!(view.total.minor(), 3998);
        let short = f.shop.add_line(&guest, cart, &AddLine::new(variant, 4).unwrap(), None).await;
        assert!(matches!(
            short.unwrap_err().rejection(),
            Some(Rejection::InsufficientStock { wanted: 6, available: 5, .. })
        ));
        f.ready(&guest, cart).await;
        let keyed = guest.clone().with_key(IdempotencyKey::new("k").unwrap());
        let request = PlaceOrder::default();
        let placed = f.shop.place_order(&keyed, cart, &request).await.unwrap();
        let again = f.shop.place_order(&keyed, cart, &request).await.unwrap();
        assert!(again.replayed && !placed.replayed);
        assert_eq!(again.output, placed.output);
        let id = placed.order.id;
        let stock = f.shop.stock_of(&f.system, variant).await.unwrap();
        assert_eq!((stock.on_hand, stock.held, stock.available), (5, 2, 3));
        let fulfill = FulfillOrder::default();
        let early = f.shop.fulfill_order(&f.system, id, &fulfill, None).await;
        assert!(matches!(
            early.unwrap_err().rejection(),
            Some(Rejection::InvalidTransition { .. })
        ));
        let paid = f.shop.capture(&f.system, id, &CapturePayment::default(), None).await.unwrap();
        assert_eq!(paid.paid_total, paid.total);
        f.shop.fulfill_order(&f.system, id, &fulfill, None).await.unwrap();
        let order = f.shop.deliver_order(&f.system, id, Deliver::default(), None).await.unwrap();
        assert_eq!(order.status, OrderStatus::Delivered);
        let stock = f.shop.stock_of(&f.system, variant).await.unwrap();
        assert_eq!((stock.on_hand, stock.held, stock.available), (3, 0, 3));
    });
}

#[test]
fn an_unpaid_order_lapses_and_gives_its_stock_back() {
    block_on(async {
        let f = open().await;
        let variant = f.sell("SHIRT", 1999, 5).await;
        for cancelled in [true, false] {
            let (guest, cart) = f.guest().await;
            let line = AddLine::new(variant, 5).unwrap();
            f.shop.add_line(&guest, cart, &line, None).await.unwrap();
            f.ready(&guest, cart).await;
            let placed = f.shop.place_order(&guest, cart, &PlaceOrder::default()).await.unwrap();
            let id = placed.order.id;
            if cancelled {
                let request = CancelOrder::default();
                f.shop.cancel_order(&f.system, id, &request, None).await.unwrap();
            } else {
                f.clock.advance(Duration::from_secs(8 * 86_400));
                let swept = f.shop.sweep(10).await.unwrap();
                assert_eq!(swept.orders, 1);
            }
            let stock = f.shop.stock_of(&f.system, variant).await.unwrap();
            assert_eq!((stock.on_hand, stock.held), (5, 0));
        }
    });
}

#[test]
fn an_order_with_nothing_to_pay_is_paid_when_it_is_placed() {
    block_on(async {
        let f = open().await;
        let variant = f.sell("SAMPLE", 0, 1).await;
        let (guest, cart) = f.guest().await;
        f.shop.add_line(&guest, cart, &AddLine::new(variant, 1).unwrap(), None).await.unwrap();
        f.ready(&guest, cart).await;
        let placed = f.shop.place_order(&guest, cart, &PlaceOrder::default()).await.unwrap();
        assert!(placed.payment.is_none() && placed.order.status == OrderStatus::Confirmed);
        let outbox = f.shop.store().outbox(0, 1_000).await.unwrap();
        let paid: Vec<_> = outbox
            .iter()
            .flat_map(|entry| &entry.events)
            .filter(|event| matches!(event, Event::OrderPaid { .. }))
            .collect();
        assert!(
            matches!(paid[..], [Event::OrderPaid { order_id, .. }] if *order_id == placed.order.id)
        );
    });
}

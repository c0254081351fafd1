//! How a shop is tested: in memory, and at a clock that the test moves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency::EUR,
    inputs::{SeededIds, SteppedClock},
    money::Money,
    order::{OrderStatus, PaymentTerms},
    shop::Shop,
    store::{MemoryStore, OrderRef},
    text::GatewayName,
};
use pollster::block_on;

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn an_order_that_is_not_paid_in_time_gives_its_stock_back() {
    let clock = Arc::new(SteppedClock::new("2026-11-21T10:00:00Z".parse().unwrap()));
    let shop = Commerce::new(MemoryStore::new(), clock.clone(), SeededIds::new(7));
    let office = Caller::system();
    block_on(async {
        let mut config = Shop::new("Three days", EUR).unwrap();
        config.payment_terms.insert(GatewayName::manual(), PaymentTerms::Prepaid { days: 3 });
        shop.open(config).await.unwrap();
        let chair = CreateProduct {
            status: ProductStatus::Active,
            variants: vec![CreateVariant::new("CHAIR", Money::new(80_00, EUR)).unwrap()],
            ..CreateProduct::new("Chair").unwrap()
        };
        let chair = shop.create_product(&office, &chair).await.unwrap().variants[0].id;
        shop.receive_stock(&office, None, &[(chair, 1)], None).await.unwrap();

        let line = AddLine::new(chair, 1).unwrap();
        let draft = CreateCart { lines: vec![line], ..CreateCart::default() };
        let cart = shop.create_cart(&office, &draft).await.unwrap().output.cart;
        let placed = shop.place_order(&office, cart.id, &PlaceOrder::default()).await.unwrap();
        let order = OrderRef::Id(placed.order.id);
        assert_eq!(shop.stock_of(&office, chair).await.unwrap().available, 0);

        clock.advance(3 * DAY - Duration::from_millis(1));
        assert_eq!(shop.sweep(10).await.unwrap().orders, 0);
        assert_eq!(shop.order(&office, &order).await.unwrap().status, OrderStatus::Pending);

        clock.advance(Duration::from_millis(1));
        assert_eq!(shop.sweep(10).await.unwrap().orders, 1);
        assert_eq!(shop.order(&office, &order).await.unwrap().status, OrderStatus::Cancelled);
        assert_eq!(shop.stock_of(&office, chair).await.unwrap().available, 1);
    });
}

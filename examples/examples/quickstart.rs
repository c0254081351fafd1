//! A shop in memory, from nothing to its first order. It is gone with the program, and its ids can
//! be guessed: good for a first look and for tests.
//!
//! ```text
//! cargo run --example quickstart
//! ```

#![allow(clippy::print_stdout, reason = "a program that people read")]

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency::EUR,
    customer::Address,
    inputs::{SeededIds, SteppedClock},
    money::Money,
    shop::Shop,
    store::{MemoryStore, VariantRef},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = SteppedClock::new("2026-11-21T10:00:00Z".parse()?);
    let shop = Commerce::new(MemoryStore::new(), clock, SeededIds::new(1));
    pollster::block_on(sell(&shop))
}

async fn sell(shop: &Commerce) -> Result<(), Box<dyn std::error::Error>> {
    let office = Caller::system();
    shop.open(Shop::new("Corner shop", EUR)?).await?;
    let mug = CreateProduct {
        status: ProductStatus::Active,
        variants: vec![CreateVariant::new("MUG-BLUE", Money::new(12_50, EUR))?],
        ..CreateProduct::new("Blue mug")?
    };
    // Under a key, so that running it again finds the mug that is there.
    let once = office.clone().with_key("the blue mug".parse()?);
    shop.create_product(&once, &mug).await?;
    let mug = shop.variant(&office, &VariantRef::Sku("MUG-BLUE".parse()?)).await?.id;
    shop.receive_stock(&office, None, &[(mug, 10)], None).await?;

    let visitor = Caller::anonymous();
    let cart = CreateCart {
        lines: vec![AddLine::new(mug, 2)?],
        email: Some("ada@example.com".parse()?),
        shipping_address: Some(Address::new("Ada", "Street 1", "Berlin", "DE")?),
        ..CreateCart::default()
    };
    let cart = shop.create_cart(&visitor, &cart).await?;
    let guest = cart.caller(&visitor);
    let placed = shop.place_order(&guest, cart.cart.id, &PlaceOrder::default()).await?;
    let stock = shop.stock_of(&office, mug).await?;
    println!("order {}: {}", placed.order.number, placed.order.total);
    println!("{} mugs are left", stock.available);
    Ok(())
}

//! A shop in a SQLite file, from nothing to its first order.
//!
//! ```text
//! cargo run --example quickstart_sqlite -- [FILE]
//! ```
//!
//! Run it again, and the shop is still there.

#![allow(clippy::print_stdout, reason = "a program that people read")]

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency::EUR,
    customer::Address,
    money::Money,
    shop::Shop,
    store::VariantRef,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "quickstart.db".to_owned());
    let shop = commerce_sqlite::open(file)?;
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

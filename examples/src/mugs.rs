//! A corner shop that sells one thing, for programs that are about something else.

use std::error::Error;

use commerce_core::{
    Commerce,
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    currency::Currency::EUR,
    customer::Address,
    id::{CartId, VariantId},
    money::Money,
    shop::Shop,
    store::VariantRef,
};

/// Opens the shop if it is not open yet, and gives it 20 more mugs to sell.
///
/// # Errors
/// Those of the shop.
pub async fn stock(shop: &Commerce) -> Result<VariantId, Box<dyn Error>> {
    let office = Caller::system();
    shop.open(Shop::new("Corner shop", EUR)?).await?;
    let mug = CreateProduct {
        status: ProductStatus::Active,
        variants: vec![CreateVariant::new("MUG-BLUE", Money::new(12_50, EUR))?],
        ..CreateProduct::new("Blue mug")?
    };
    let once = office.clone().with_key("the blue mug".parse()?);
    shop.create_product(&once, &mug).await?;
    let mug = shop.variant(&office, &VariantRef::Sku("MUG-BLUE".parse()?)).await?.id;
    shop.receive_stock(&office, None, &[(mug, 20)], None).await?;
    Ok(mug)
}

/// A guest with so many mugs in the cart, ready to check out.
///
/// # Errors
/// Those of the shop.
pub async fn fill(
    shop: &Commerce,
    mug: VariantId,
    units: i64,
) -> Result<(Caller, CartId), Box<dyn Error>> {
    let visitor = Caller::anonymous();
    let cart = CreateCart {
        lines: vec![AddLine::new(mug, units)?],
        email: Some("ada@example.com".parse()?),
        shipping_address: Some(Address::new("Ada", "Street 1", "Berlin", "DE")?),
        ..CreateCart::default()
    };
    let cart = shop.create_cart(&visitor, &cart).await?;
    Ok((cart.caller(&visitor), cart.cart.id))
}

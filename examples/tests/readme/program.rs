use commerce_core::{
    access::Caller,
    cart::{AddLine, CreateCart},
    catalog::{CreateProduct, CreateVariant, ProductStatus},
    checkout::PlaceOrder,
    currency::Currency::EUR,
    money::Money,
    shop::Shop,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shop = commerce_sqlite::open("shop.db")?;
    pollster::block_on(async {
        shop.open(Shop::new("Corner shop", EUR)?).await?;
        let me = Caller::system();
        let mug = CreateProduct {
            status: ProductStatus::Active,
            variants: vec![CreateVariant::new("MUG-BLUE", Money::new(12_50, EUR))?],
            ..CreateProduct::new("Blue mug")?
        };
        // Under a key, so that running it again finds the mug that is there.
        let once = me.clone().with_key("the blue mug".parse()?);
        let mug = shop.create_product(&once, &mug).await?.variants[0].id;
        shop.receive_stock(&me, None, &[(mug, 10)], None).await?;

        let cart = CreateCart { lines: vec![AddLine::new(mug, 2)?], ..CreateCart::default() };
        let cart = shop.create_cart(&me, &cart).await?.cart.id;
        let placed = shop.place_order(&me, cart, &PlaceOrder::default()).await?;
        println!("order {} costs {}", placed.order.number, placed.order.total);
        Ok(())
    })
}
